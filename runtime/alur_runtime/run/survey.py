"""Reading what planning needs: the listing, and the ledger in the cheaper of two ways."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any, Final

import attrs

from alur_runtime.config import JobConfig
from alur_runtime.landing.sources import PassedOver, list_sources
from alur_runtime.ledger.ledger import Ledger
from alur_runtime.model import BatchItem, BatchPlan, FileItem, Listed, Member
from alur_runtime.naming import ledger_key
from alur_runtime.reasons import Reason
from alur_runtime.run.plan import Busy, Decision, decide, join

_QUERY_BYTES: Final = 1_000_000  # a page of Query
_ITEM_BYTES: Final = 400
_BATCH_GET_KEYS: Final = 100
_MOST_BY_KEY: Final = 5_000  # files that are held in memory to be looked up by key
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
    """

    how: str = ""
    decisions: list[Decision] = attrs.field(factory=list)
    unchanged: int = 0
    unchanged_shown: list[Listed] = attrs.field(factory=list)
    gone: int | None = 0
    ledger_files: int | None = 0

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


def survey(s3: Any, ledger: Ledger, config: JobConfig, busy: Busy, *, estimate: int, passed_over: PassedOver) -> Survey:
    """List the sources, read the ledger, and decide on every file.

    The open batches must have been read before (`busy`): a batch that completes between reading files first and
    batches second would be in neither, and its files would be planned again.

    Args:
        s3: A boto3 client.
        ledger: The table's.
        config: The job's.
        busy: What open batches hold, read before this call.
        estimate: About how many file items the ledger has.
        passed_over: Takes the keys that are no files of the sources.
    """
    listing = list_sources(s3, config.sources, passed_over)
    head = list(itertools.islice(listing, _MOST_BY_KEY + 1))
    by_key = -(-len(head) // _BATCH_GET_KEYS)
    by_query = max(ledger.shards, -(-estimate * _ITEM_BYTES // _QUERY_BYTES))
    found = Survey()
    if len(head) <= _MOST_BY_KEY and by_key < by_query:
        found.how = f"by key: {by_key} calls for {len(head)} files, against about {by_query} for the whole ledger"
        found.gone = found.ledger_files = None
        items = ledger.get_files(file.uri for file in head)
        pairs: Iterator[tuple[Listed | None, FileItem | None]] = ((file, items.get(file.uri)) for file in head)
    else:
        found.how = f"whole, in order: about {by_query} calls, against {by_key} or more by key"
        pairs = _join_with_long_keys(itertools.chain(head, listing), ledger)
    for file, item in pairs:
        if found.ledger_files is not None:
            found.ledger_files += item is not None
        if file is not None:
            found.add(decide(file, item, busy, on_change=config.on_change, code=config.code_digest))
        elif found.gone is not None:
            found.gone += 1
    return found


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
