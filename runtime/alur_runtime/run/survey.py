"""Reading what planning needs: the listing, and the ledger in the cheaper of two ways."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any, Final

import attrs

from alur_runtime.config import JobConfig
from alur_runtime.landing.sources import PassedOver, list_sources, would_list
from alur_runtime.ledger.forgotten import Forgotten
from alur_runtime.ledger.ledger import Ledger
from alur_runtime.model import BatchItem, BatchPlan, FileItem, Listed, Member
from alur_runtime.naming import ledger_key
from alur_runtime.reasons import Reason
from alur_runtime.run.plan import Busy, Decision, decide, join

_QUERY_BYTES: Final = 1_000_000  # a page of Query
_ITEM_BYTES: Final = 400
_BATCH_GET_KEYS: Final = 100
_MOST_BY_KEY: Final = 5_000  # files that are held in memory to be looked up by key
_MOST_GONE: Final = 50_000  # items of files that are held in memory to be marked by one run
REPORTED_FILES: Final = 5_000
"""Above so many files a report holds counts and exceptions only."""


@attrs.define
class Survey:
    """What planning saw.

    Attributes:
        how: How the ledger was read, and why.
        decisions: On every file that is not simply unchanged.
        unchanged: How many are, and the first of them.
        gone: Files of the ledger that were not listed; None if the ledger was read by key.
        ledger_files: Items seen, if all were; else None.
        newly_gone: Of a sweep: items of files that a source would have listed, that no open batch has, and that do
            not expire yet.
        not_asked_for: Of a sweep: how many gone files no source would list; whether they are there is not known.
        is_swept: Whether `newly_gone` is all there is.
        back: Items of listed files that expire: they were gone for a while.
        found_again: Items of listed files that the ledger had forgotten, from its archive.
    """

    how: str = ""
    decisions: list[Decision] = attrs.field(factory=list)
    unchanged: int = 0
    unchanged_shown: list[Listed] = attrs.field(factory=list)
    gone: int | None = 0
    ledger_files: int | None = 0
    newly_gone: list[FileItem] = attrs.field(factory=list)
    not_asked_for: int = 0
    is_swept: bool = False
    back: list[FileItem] = attrs.field(factory=list)
    found_again: list[FileItem] = attrs.field(factory=list)

    @property
    def taken(self) -> list[Member]:
        """The files that batches take."""
        return [d.member for d in self.decisions if d.member is not None]

    @property
    def held_by(self) -> set[str]:
        """The runs whose open batches hold files."""
        return {d.held_by for d in self.decisions if d.held_by}

    def add(self, decision: Decision) -> None:
        """Count a decision and keep it where it is needed."""
        if decision.reason is not Reason.UNCHANGED:
            self.decisions.append(decision)
            return
        self.unchanged += 1
        if len(self.unchanged_shown) < REPORTED_FILES:
            self.unchanged_shown.append(decision.listed)


def busy_of(batches: Iterable[tuple[BatchItem, BatchPlan]], me: str) -> Busy:
    """What open batches hold."""
    files: dict[str, str] = {}
    objects: dict[str, str] = {}
    for batch, plan in batches:
        files.update((m.uri, batch.owner) for m in plan.members)
        objects.update((key, batch.owner) for key in plan.drops)
    return Busy(files, objects, me)


def survey(
    s3: Any,
    ledger: Ledger,
    config: JobConfig,
    busy: Busy,
    *,
    estimate: int,
    sweep: bool,
    passed_over: PassedOver,
) -> Survey:
    """List the sources, read the ledger, and decide on every file.

    The open batches must have been read before (`busy`): a batch that completes between reading files first and
    batches second would be in neither, and its files would be planned again.

    Args:
        s3: A boto3 client.
        ledger: The table's.
        config: The job's.
        busy: What open batches hold, read before this call.
        estimate: About how many file items the ledger has.
        sweep: Whether to look for files that are gone: the ledger is read whole then.
        passed_over: Takes the keys that are no files of the sources.

    Raises:
        ClientError: If a listing or a read fails. A listing that is not complete says of no file that it is gone.
    """
    listing = list_sources(s3, config.sources, passed_over)
    head = list(itertools.islice(listing, _MOST_BY_KEY + 1))
    by_key = -(-len(head) // _BATCH_GET_KEYS)
    by_query = max(ledger.shards, -(-estimate * _ITEM_BYTES // _QUERY_BYTES))
    found = Survey()
    if len(head) <= _MOST_BY_KEY and by_key < by_query and not sweep:
        found.how = f"by key: {by_key} calls for {len(head)} files, against about {by_query} for the whole ledger"
        found.gone = found.ledger_files = None
        items = ledger.get_files(file.uri for file in head)
        pairs: Iterator[tuple[Listed | None, FileItem | None]] = ((file, items.get(file.uri)) for file in head)
    else:
        why = "once a day, to see which files are gone" if sweep else f"against {by_key} or more by key"
        found.how = f"whole, in order: about {by_query} calls, {why}"
        pairs = _join_with_long_keys(itertools.chain(head, listing), ledger)
    never_seen: set[str] = set()
    for file, item in pairs:
        if found.ledger_files is not None:
            found.ledger_files += item is not None
        if file is not None:
            found.add(decide(file, item, busy, on_change=config.on_change, code=config.code_digest))
            if item is None:
                never_seen.add(file.uri)
            elif item.expires_at is not None:
                found.back.append(item)
        elif found.gone is not None and item is not None:
            found.gone += 1
            if sweep:
                _take_gone(found, item, config, busy)
    # Only here both streams have come to their end.
    found.is_swept = sweep and len(found.newly_gone) < _MOST_GONE
    _look_into_archive(found, never_seen, s3, config, busy)
    return found


def _take_gone(found: Survey, item: FileItem, config: JobConfig, busy: Busy) -> None:
    """Remember an item whose file was not listed, if that means that the file is gone."""
    if not would_list(config.sources, item.uri):
        found.not_asked_for += 1
    elif item.expires_at is None and item.uri not in busy.files and len(found.newly_gone) < _MOST_GONE:
        found.newly_gone.append(item)


def _look_into_archive(found: Survey, never_seen: set[str], s3: Any, config: JobConfig, busy: Busy) -> None:
    """Decide anew on files without an item that the ledger has merely forgotten."""
    # The race: a file comes back after DynamoDB has deleted its item. Without the archive it would be ingested twice.
    wanted = [m.uri for m in found.taken if m.uri in never_seen]
    items = Forgotten(s3, config.table.forgotten).find(wanted)
    if not items:
        return
    decisions, found.decisions = found.decisions, []
    for decision in decisions:
        file, item = decision.listed, items.get(decision.listed.uri)
        found.add(
            decision if item is None else decide(file, item, busy, on_change=config.on_change, code=config.code_digest)
        )
    found.found_again = list(items.values())


def _join_with_long_keys(listing: Iterable[Listed], ledger: Ledger) -> Iterator[tuple[Listed | None, FileItem | None]]:
    """The ordered join; files whose ledger key is shortened do not sort as their URIs do and are joined by key."""
    long_files: list[Listed] = []
    long_items: dict[str, FileItem] = {}

    def files() -> Iterator[Listed]:
        for file in listing:
            if ledger_key(file.uri) == file.uri:
                yield file
            else:
                long_files.append(file)

    def items() -> Iterator[FileItem]:
        for item in ledger.files():
            if ledger_key(item.uri) == item.uri:
                yield item
            else:
                long_items[item.uri] = item

    yield from join(files(), items())
    for file in long_files:
        yield file, long_items.pop(file.uri, None)
    for item in long_items.values():
        yield None, item
