"""Planning: what to do with each listed file, and how to pack the work into batches. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from alur_runtime.config import JobConfig, OnChange, decisive_digest
from alur_runtime.model import Action, BatchPlan, FileItem, FileStatus, Listed, Member
from alur_runtime.naming import batch_seq
from alur_runtime.reasons import Reason


@attrs.frozen
class Decision:
    """What is done with a listed file, and why; `member` is set when a batch takes it."""

    listed: Listed
    reason: Reason
    member: Member | None = None
    held_by: str = ""


@attrs.frozen
class Busy:
    """What open batches hold: the planner leaves it alone.

    Attributes:
        files: URI -> owner of the batch that has it.
        objects: Output object -> owner of the batch that rewrites it.
        me: This run, which owns the batches it has adopted.
    """

    files: dict[str, str]
    objects: dict[str, str]
    me: str = ""


def decide(listed: Listed, item: FileItem | None, busy: Busy, *, on_change: OnChange, code: str) -> Decision:
    """Decide on one file.

    Args:
        listed: As it is in S3.
        item: As the ledger knows it.
        busy: What open batches hold.
        on_change: The table's policy.
        code: Digest of the job's code; a version that failed under other code is tried again.
    """
    if owner := busy.files.get(listed.uri):
        if owner == busy.me:
            return Decision(listed, Reason.ADOPTED)
        return Decision(listed, Reason.IN_LIVE_BATCH, held_by=owner)
    if item is None:
        return _take(listed, None, Action.INGEST, Reason.NEW)
    if item.etag == listed.etag:
        return _decide_known(listed, item, busy, on_change=on_change, code=code)
    if listed.etag == item.table_etag or listed.etag in item.versions:
        if item.status is FileStatus.COMPLETED and item.reason != Reason.CHANGED_SKIPPED.value:
            return Decision(listed, Reason.UNCHANGED)
        return _take(listed, item, Action.RECORD, Reason.RESTORED)
    if not item.table_etag:  # nothing of it is in the table: for every policy it is as good as new
        return _take(listed, item, Action.INGEST, Reason.NEW)
    return _decide_changed(listed, item, busy, on_change)


def _decide_known(listed: Listed, item: FileItem, busy: Busy, *, on_change: OnChange, code: str) -> Decision:
    """The version has been decided before."""
    skipped = item.reason == Reason.CHANGED_SKIPPED.value
    refused = item.reason == Reason.CHANGED_REFUSED.value
    if (skipped and on_change is not OnChange.SKIP) or (refused and on_change is not OnChange.FAIL):
        return _decide_changed(listed, item, busy, on_change)  # the policy has changed since
    if item.status is FileStatus.COMPLETED:
        return Decision(listed, Reason.CHANGED_SKIPPED if skipped else Reason.UNCHANGED)
    if item.code == code or refused:
        return Decision(listed, Reason.FAILED_BEFORE)
    if item.table_etag:
        return _decide_changed(listed, item, busy, on_change)
    return _take(listed, item, Action.INGEST, Reason.RETRIED)


def _decide_changed(listed: Listed, item: FileItem, busy: Busy, on_change: OnChange) -> Decision:
    """Rows of another version are in the table."""
    if on_change is OnChange.SKIP:
        return _take(listed, item, Action.RECORD, Reason.CHANGED_SKIPPED)
    if on_change is OnChange.FAIL:
        return _take(listed, item, Action.RECORD, Reason.CHANGED_REFUSED)
    if on_change is OnChange.APPEND:
        return _take(listed, item, Action.INGEST, Reason.CHANGED_APPENDED)
    # A batch that rewrites an object fixes in its plan which rows go. Were a second batch planned on the same
    # object before the first is completed, the one that commits last would bring the first's dropped rows back.
    for output in item.outputs:
        if owner := busy.objects.get(output):
            return Decision(listed, Reason.SHARES_OBJECT_WITH_LIVE_BATCH, held_by=owner)
    return _take(listed, item, Action.INGEST, Reason.CHANGED_REPLACED)


def _take(listed: Listed, item: FileItem | None, action: Action, reason: Reason) -> Decision:
    member = Member(
        uri=listed.uri,
        etag=listed.etag,
        size=listed.size,
        last_modified_ms=listed.last_modified_ms,
        source=listed.source,
        action=action,
        reason=reason.value,
    )
    if item is not None:
        member = attrs.evolve(
            member,
            attempts=item.attempts + 1 if item.etag == listed.etag else 1,
            old_etag=item.table_etag,
            old_versions=item.versions,
            old_outputs=item.outputs,
            old_rows=item.table_rows,
        )
    return Decision(listed, reason, member)


def join(listing: Iterable[Listed], items: Iterable[FileItem]) -> Iterator[tuple[Listed | None, FileItem | None]]:
    """Merge two streams, both in the byte order of their URIs, in constant memory.

    Yields:
        Pairs; one side is None where only the other has the URI.
    """
    left, right = iter(listing), iter(items)
    file, item = next(left, None), next(right, None)
    while file is not None or item is not None:
        file_key = None if file is None else file.uri.encode()
        item_key = None if item is None else item.uri.encode()
        if item_key is None or (file_key is not None and file_key < item_key):
            yield file, None
            file = next(left, None)
        elif file_key is None or item_key < file_key:
            yield None, item
            item = next(right, None)
        else:
            yield file, item
            file, item = next(left, None), next(right, None)


def pack(members: Iterable[Member], config: JobConfig, token: int, *, first: int = 1) -> list[BatchPlan]:
    """Pack members into batches by bytes and count; members that share an object to rewrite stay together.

    Args:
        members: In the order they were listed, which batches keep.
        config: The job's.
        token: The planning lease's; batches are numbered below it.
        first: Number of the first batch.
    """
    settings = config.settings
    batches: list[list[Member]] = []
    files = size = 0
    for group in groups_of(members, config.on_change):
        group_bytes = sum(m.size for m in group)
        full = files + len(group) > settings.batch_max_files or size + group_bytes > settings.batch_max_bytes
        if not batches or full:
            batches.append([])
            files = size = 0
        batches[-1].extend(group)
        files, size = files + len(group), size + group_bytes
    digest = decisive_digest(config)
    return [batch_plan(batch, config.on_change, digest, token, n) for n, batch in enumerate(batches, start=first)]


def batch_plan(members: list[Member], on_change: OnChange, config: str, token: int, number: int) -> BatchPlan:
    """The plan of one batch."""
    return BatchPlan(
        seq=batch_seq(token, number),
        members=tuple(members),
        on_change=on_change,
        config=config,
        drops=_drops(members, on_change),
    )


def _drops(batch: list[Member], on_change: OnChange) -> tuple[str, ...]:
    if on_change is not OnChange.REPLACE:
        return ()
    return tuple(sorted({o for m in batch if m.action is Action.INGEST for o in m.old_outputs}))


def groups_of(members: Iterable[Member], on_change: OnChange) -> list[list[Member]]:
    """Members that share an object to rewrite, together; every other one by itself. Keeps the order."""
    listed = list(members)
    parent = list(range(len(listed)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    if on_change is OnChange.REPLACE:
        first: dict[str, int] = {}  # object -> the first member that rewrites it
        for index, member in enumerate(listed):
            for output in member.old_outputs:
                low, high = sorted((root(index), root(first.setdefault(output, index))))
                parent[high] = low
    groups: dict[int, list[Member]] = {}
    for index, member in enumerate(listed):
        groups.setdefault(root(index), []).append(member)
    return list(groups.values())
