"""Files against the objects that hold their rows. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import attrs

from alur_runtime.config import OnChange
from alur_runtime.fsck.acts import TakeBack, WriteDown
from alur_runtime.fsck.finding import Finding, How, Kind
from alur_runtime.fsck.held import Held
from alur_runtime.fsck.state import State
from alur_runtime.model import FileItem, FileStatus


@attrs.frozen
class Group:
    """Files that are bound to one another by objects they share, and these objects."""

    files: tuple[FileItem, ...]
    objects: tuple[str, ...]


def groups(files: dict[str, FileItem]) -> Iterator[Group]:
    """The files that have objects, by what they share: rows of objects can be compared with items in a whole group."""
    users: dict[str, list[str]] = defaultdict(list)
    for item in files.values():
        for key in item.outputs:
            users[key].append(item.uri)
    seen: set[str] = set()
    for uri, item in files.items():
        if uri in seen or not item.outputs:
            continue
        seen.add(uri)
        found, keys, waiting = [], dict[str, None](), [uri]
        while waiting:
            one = files[waiting.pop()]
            found.append(one)
            for key in one.outputs:
                keys[key] = None
                for other in users[key]:
                    if other not in seen:
                        seen.add(other)
                        waiting.append(other)
        yield Group(tuple(found), tuple(keys))


def _at_rest(state: State, held: Held, group: Group) -> bool:
    """Whether nothing of a group moved while it was read."""
    return not any(
        held.has_object(key) or (key in state.objects and state.objects[key].changed) for key in group.objects
    )


def _differs(state: State, group: Group) -> bool:
    """Whether the footers of a group's objects, all of which are there, do not count what its items do."""
    counts = [state.objects[key].rows for key in group.objects if key in state.objects]
    if len(counts) < len(group.objects) or None in counts:
        return False  # what is missing or cannot be read is a finding of its own
    return sum(c for c in counts if c is not None) != sum(item.table_rows for item in group.files)


def objects_to_count(state: State, held: Held) -> list[str]:
    """The objects of which the rows of each file have to be counted, to say what is wrong."""
    wanted: dict[str, None] = {}
    for group in groups(state.files):
        present = [key for key in group.objects if key in state.objects and not state.objects[key].problem]
        if len(present) < len(group.objects) or (_at_rest(state, held, group) and _differs(state, group)):
            wanted.update((key, None) for key in present if not held.has_object(key))
    return list(wanted)


def find_rows(state: State, held: Held) -> Iterator[Finding]:
    """Findings about files and their rows."""
    by_file: dict[str, dict[str, int]] = defaultdict(dict)
    named = {key for item in state.files.values() for key in item.outputs}
    for key, found in state.objects.items():
        if key in named and found.by_file and not held.has_object(key):
            for uri, rows in found.by_file.items():
                by_file[uri][key] = rows
    for uri, item in state.files.items():
        if uri not in held.files:
            yield from _judge(state, held, item, by_file.get(uri, {}))
    for uri in sorted(by_file.keys() - state.files.keys() - held.files):
        yield _stranger(state, uri, by_file[uri])
    if not state.tells_files:
        for group in groups(state.files):
            if _at_rest(state, held, group) and _differs(state, group):
                yield _uncounted(state, group)


def _judge(state: State, held: Held, item: FileItem, found: dict[str, int]) -> Iterator[Finding]:
    """What is wrong with one file: the first thing that is."""
    there = {key: state.objects[key] for key in item.outputs if key in state.objects}
    missing = [key for key in item.outputs if key not in there and not held.has_object(key)]
    broken = {key: o.problem for key, o in there.items() if o.problem and not held.has_object(key)}
    counted = all(o.by_file is not None and not held.has_object(key) for key, o in there.items())
    rows = sum(found.get(key, 0) for key in item.outputs)
    elsewhere = tuple(key for key in found if key not in item.outputs)
    trouble = _Trouble(item, tuple(dict.fromkeys((*item.outputs, *found))), tuple(broken), elsewhere)
    if any(o.changed for o in there.values()):
        return
    if missing or broken:
        said = [f"{state.location}{key} is not there" for key in missing]
        said += [f"{state.location}{key} {problem}" for key, problem in broken.items()]
        what = f"of its {len(item.outputs)} objects {_first(said)}; the ledger counts {item.table_rows:,} rows"
        kind = Kind.FILE_WITHOUT_ROWS
    elif elsewhere:
        extra = sum(found[key] for key in elsewhere)
        what = f"{extra:,} rows of it are in objects that its item does not name: "
        what += _first([state.location + key for key in elsewhere])
        kind = Kind.ROWS_WITHOUT_FILE
    elif there and counted and rows != item.table_rows:
        what = f"its objects hold {rows:,} rows of it, the ledger counts {item.table_rows:,}"
        fewer = rows < item.table_rows and not all(found.get(key) for key in item.outputs)
        kind = Kind.FILE_WITHOUT_ROWS if fewer else Kind.COUNTS_DIFFER
    elif item.rows_parsed + item.rows_added != item.rows_ingested + item.rows_quarantined + item.rows_filtered:
        what = (
            f"{item.rows_parsed:,} records parsed and {item.rows_added:,} rows added, but "
            f"{item.rows_ingested:,} written, {item.rows_quarantined:,} quarantined, {item.rows_filtered:,} filtered"
        )
        kind, found, rows = Kind.COUNTS_DIFFER, dict.fromkeys(item.outputs, 1), item.table_rows
    elif item.quarantine and item.quarantine not in state.quarantine and not held.has_object(item.quarantine):
        uri = state.config.table.quarantine + item.quarantine
        what = f"the object with its {item.rows_quarantined:,} bad rows is not there: {uri}"
        kind, found, rows = Kind.QUARANTINE_MISSING, dict.fromkeys(item.outputs, 1), item.table_rows
    else:
        return
    left = WriteDown(item.uri, tuple(key for key in item.outputs if found.get(key)), rows, tuple(broken))
    finding = Finding(kind, item.uri, f"{item.uri}: {what}", How.PERSON, "", asks=(item.uri,))
    yield _with_remedy(state, held, finding, trouble, left)


@attrs.frozen
class _Trouble:
    """A file whose rows are not as they should be.

    Attributes:
        item: Its item.
        objects: That have rows of it, or are named to have.
        broken: Those of them that cannot be read.
        elsewhere: Those of them that its item does not name.
    """

    item: FileItem
    objects: tuple[str, ...]
    broken: tuple[str, ...]
    elsewhere: tuple[str, ...]


def _with_remedy(state: State, held: Held, finding: Finding, trouble: _Trouble, left: WriteDown) -> Finding:
    """A finding with what can be done about it.

    Args:
        state: All that is known.
        held: What is on the move.
        finding: About a file that has an item.
        trouble: What is wrong with it.
        left: What its item is to say if its loss is accepted.
    """
    item = trouble.item
    readable = [key for key in trouble.objects if key in state.objects and key not in trouble.broken]
    if any(held.has_object(key) for key in trouble.objects):
        said = "an open batch writes the same objects: run the job, then check again"
        return attrs.evolve(finding, how=How.RUN, repair=said)
    if readable and not state.tells_files:
        # Rows of others in the same object could not be told from its own.
        said = "rows of this table have no _source_file: restore the object, or drop and load the table again"
        return attrs.evolve(finding, how=How.PERSON, repair=said)
    take_back = TakeBack(item.uri, trouble.objects, trouble.elsewhere, trouble.broken)
    if _can_be_read_again(state, item):
        said = "its rows are taken back, and the next run ingests it again"
        return attrs.evolve(finding, how=How.REPAIR, repair=said, act=take_back)
    gone = "the file is no longer in the landing zone in the version whose rows the table has: "
    if trouble.elsewhere:
        said = f"{gone}compare the objects, and move the one that is too many away"
        return attrs.evolve(finding, how=How.PERSON, repair=said)
    if not left.objects:
        said = f"{gone}land it again, or write its rows off with --accept-loss"
        return attrs.evolve(finding, how=How.ACCEPT, repair=said, act=take_back)
    said = f"{gone}land it again, or let its item say with --accept-loss that {left.rows:,} rows are left"
    return attrs.evolve(finding, how=How.ACCEPT, repair=said, act=left)


def _can_be_read_again(state: State, item: FileItem) -> bool:
    """Whether a run that takes the file as new makes of it what the table is to hold."""
    now = state.sources.get(item.uri)
    if now is None:
        return False
    if now == item.table_etag and set(item.versions) <= {now}:
        return True
    # Rows of an old version go as soon as a new one is ingested; but one that was refused is refused again.
    refused = item.status is FileStatus.FAILED and item.etag == now
    return state.config.on_change is OnChange.REPLACE and not refused


def _stranger(state: State, uri: str, found: dict[str, int]) -> Finding:
    """Rows of a file without an item, in objects that have rows of others too."""
    keys = tuple(found)
    what = f"{uri}: {sum(found.values()):,} rows of it are in the table, and the ledger has no item of it: "
    what += _first([state.location + key for key in keys])
    act = TakeBack(uri, keys, copy=keys)
    said = "its objects are copied below lost+found and its rows dropped; "
    if state.sources.get(uri) is not None:
        return Finding(
            Kind.ROWS_WITHOUT_FILE, uri, what, How.REPAIR, said + "the next run ingests it again", act, (uri,)
        )
    said += "the file is no longer in the landing zone: restore the ledger's item (alur rebuild), or --accept-loss"
    return Finding(Kind.ROWS_WITHOUT_FILE, uri, what, How.ACCEPT, said, act, (uri,))


def _uncounted(state: State, group: Group) -> Finding:
    """A group whose counts differ, in a table whose rows do not say which file they are from."""
    rows = sum(state.objects[key].rows or 0 for key in group.objects)
    counted = sum(item.table_rows for item in group.files)
    uri = state.location + group.objects[0]
    what = f"{uri} and {len(group.objects) - 1} more hold {rows:,} rows, "
    what += f"and of {len(group.files)} files the ledger counts {counted:,}"
    said = "rows of this table have no _source_file: drop and load the table again, or restore the objects"
    return Finding(Kind.COUNTS_DIFFER, uri, what, How.PERSON, said)


def _first(said: list[str]) -> str:
    return said[0] if len(said) == 1 else f"{said[0]} (and {len(said) - 1} more)"
