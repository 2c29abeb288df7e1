"""Objects that nobody names, and the catalog's partitions against objects. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from alur_runtime.fsck.acts import Register, SetAside, Unregister
from alur_runtime.fsck.finding import Finding, How, Kind
from alur_runtime.fsck.held import Held
from alur_runtime.fsck.names import catalog_values, folder_of, partition_values
from alur_runtime.fsck.state import State
from alur_runtime.model import BatchStatus
from alur_runtime.naming import partition_folder


def nobodys_objects(state: State, held: Held) -> list[str]:
    """The objects that no item names and no open batch has."""
    named = {key for item in state.files.values() for key in item.outputs}
    return [key for key, o in state.objects.items() if key not in named and not held.has_object(key) and not o.changed]


def find_objects(state: State, held: Held) -> Iterator[Finding]:
    """Objects of the table that no item names."""
    for key in nobodys_objects(state, held):
        uri, act = state.location + key, SetAside(key)
        named = state.named.get(key)
        if named is None:
            what = f"{uri}: no ledger item and no commit manifest names it, and readers of the table see it"
            said = "it is copied below lost+found and taken out of the table"
            yield Finding(Kind.ORPHAN_OBJECT, uri, what, How.REPAIR, said, act)
            continue
        what = f"{uri}: {named.uri} names it, but no ledger item does; it has rows of {_some(named.files)}"
        # A file that has an item has its rows elsewhere: these are too many.
        gone = tuple(file for file in named.files if file not in state.files and state.sources.get(file) is None)
        if gone:
            said = f"no longer in the landing zone: {_some(gone)}; restore the ledger's items (alur rebuild), "
            said += "or take the object out of the table with --accept-loss"
            yield Finding(Kind.ROWS_WITHOUT_FILE, uri, what, How.ACCEPT, said, act, named.files)
        else:
            said = "it is copied below lost+found and taken out of the table; the next run ingests its files again"
            yield Finding(Kind.ROWS_WITHOUT_FILE, uri, what, How.REPAIR, said, act, named.files)


def _some(uris: tuple[str, ...]) -> str:
    if not uris:
        return "no file that it tells of"
    return uris[0] if len(uris) == 1 else f"{uris[0]} and {len(uris) - 1} more"


def find_partitions(state: State, held: Held) -> Iterator[Finding]:
    """Partitions that the catalog lacks, has elsewhere, or has for nothing."""
    names = state.config.contract.partition_by
    if not names:
        return
    nobodys = set(nobodys_objects(state, held))
    at_rest = [key for key, o in state.objects.items() if not held.has_object(key) and not o.changed]
    needed = {folder_of(key) for key in at_rest if key not in nobodys}
    known = {p.values: p.location for p in state.partitions}
    for folder in sorted(needed):
        values = partition_values(names, folder)
        if values is None or folder in held.folders:
            continue
        uri = state.location + folder
        location = known.get(catalog_values(values))
        if location is None:
            what = f"{uri}: it has objects, and the catalog does not know it"
            yield Finding(Kind.PARTITION_MISSING, uri, what, How.REPAIR, "it is registered", Register(values))
        elif location != uri:
            what = f"{uri}: it has objects, and the catalog has the partition at {location}"
            said = "find out who moved it; delete the partition from the catalog, and check again"
            yield Finding(Kind.PARTITION_MISSING, uri, what, How.PERSON, said)
    yield from _left_over(state, held)


def _left_over(state: State, held: Held) -> Iterator[Finding]:
    names = state.config.contract.partition_by
    # Old rows that go leave their partition behind: that is the ordinary course of things, and no finding.
    made = {
        partition_folder(names, values)
        for seq, manifests in state.manifests.items()
        if manifests.commit is not None and _was_committed(state, seq)
        for values in manifests.commit.partitions
    }
    used = {folder_of(key) for key in state.objects} | made | held.folders
    for partition in state.partitions:
        folder = partition.location.removeprefix(state.location)
        if folder in used or folder in ("", partition.location) or any(other.startswith(folder) for other in used):
            continue
        what = f"{partition.location}: the catalog has the partition, and there is no object in it"
        if held.seqs:
            said = "an open batch may need it: run the job, then check again"
            yield Finding(Kind.PARTITION_LEFT_OVER, partition.location, what, How.RUN, said)
        else:
            said = "it is deleted from the catalog"
            act = Unregister(partition.values, folder)
            yield Finding(Kind.PARTITION_LEFT_OVER, partition.location, what, How.REPAIR, said, act)


def _was_committed(state: State, seq: str) -> bool:
    batch = state.after.batches.get(seq) or state.before.batches.get(seq)
    return batch is not None and batch.status in (BatchStatus.COMMITTED, BatchStatus.COMPLETED)
