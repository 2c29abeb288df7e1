"""The values that travel: what was listed, what the ledger holds, what is planned and what is committed."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Final, TypeAlias

import attrs

from alur_runtime.config import OnChange

MANIFEST_FORMAT: Final = 1
"""Version of plan and commit manifests."""

Order: TypeAlias = tuple[str, int]
"""Sequence and attempt of the batch that decided a file."""

MET: Final = "met"
"""What stands for an expectation that is met."""


class FileStatus(StrEnum):
    """How a file version ended."""

    COMPLETED = "completed"
    FAILED = "failed"


class BatchStatus(StrEnum):
    """Where a batch stands."""

    PROCESSING = "processing"  # nothing of it is visible
    COMMITTED = "committed"  # decided; being rolled forward
    COMPLETED = "completed"  # visible and in the ledger
    FAILED = "failed"  # given up; nothing of it is visible


class Action(StrEnum):
    """What a batch does with a member."""

    INGEST = "ingest"  # read it, write its rows; old rows named in `old_outputs` go if the policy is replace
    RECORD = "record"  # write down the decision only (on_change skip and fail)


@attrs.frozen
class Listed:
    """A file as the listing shows it."""

    uri: str
    etag: str
    size: int
    last_modified_ms: int
    source: str


@attrs.frozen
class FileItem:
    """A file's ledger item.

    Attributes:
        uri: The file.
        status: How its latest decided version ended.
        etag: That version.
        table_etag: The version whose rows are in the table; empty if none. Differs from `etag` after a failure.
        versions: Every version whose rows are in the table, with `on_change=append`.
        outputs: Objects that hold its rows, relative to the table's location.
        rows_parsed: Records of version `etag`, if it is completed: each was written, quarantined or filtered.
        rows_ingested: Rows written of version `etag`; 0 if it failed or was skipped.
        rows_quarantined: Records kept out of the table, each with its reason in the object `quarantine`.
        rows_filtered: Records that the job's own transform left out.
        rows_added: Rows that the transform made of records beyond one each.
        quarantine: Object with the bad rows, relative to the table's quarantine prefix; empty if there are none.
        expectations: By name, `met` or what was found.
        table_rows: Rows the table holds of the file, whatever their version.
        batch_attempt: Attempt of the batch that decided it: of two attempts' items the later one's stands.
        code: Digest of the code that decided it.
        attempts: How often the version was worked on.
        processed_at: Epoch seconds.
        expires_at: When DynamoDB may forget the item, in epoch seconds; None unless the file is gone from its source.
    """

    uri: str
    status: FileStatus
    etag: str
    size: int
    last_modified_ms: int
    source: str
    reason: str
    batch_seq: str
    run_id: str
    processed_at: int
    table_etag: str = ""
    versions: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    rows_parsed: int = 0
    rows_ingested: int = 0
    rows_quarantined: int = 0
    rows_filtered: int = 0
    rows_added: int = 0
    table_rows: int = 0
    quarantine: str = ""
    expectations: dict[str, str] = attrs.field(factory=dict)
    attempts: int = 1
    error: str = ""
    code: str = ""
    batch_attempt: int = 1
    expires_at: int | None = None

    @property
    def order(self) -> Order:
        """Of two items of a file the one of the greater order stands."""
        return self.batch_seq, self.batch_attempt


@attrs.frozen
class RunItem:
    """A run's ledger item; `lease_expires_at_ms` is its heartbeat."""

    run_id: str
    lease_expires_at_ms: int
    started_at: int
    glue_run_id: str = ""
    finished_at: int | None = None
    outcome: str = ""
    exit_code: int | None = None
    report_uri: str = ""
    counts: dict[str, int] = attrs.field(factory=dict)
    aws_calls: int = 0

    def is_alive(self, now_ms: int) -> bool:
        """Whether its heartbeat says that it works; it decides who works, never who wins."""
        return self.finished_at is None and self.lease_expires_at_ms >= now_ms


@attrs.frozen
class BatchItem:
    """A batch's ledger item.

    Attributes:
        owner: The run that works on it.
        attempt: Counted up with each owner.
        undo: It takes back what an earlier attempt of it has done, or what is damaged: it reads no file, drops the
            rows of its files from the table, and has them planned anew.
        condemned: Its file ends as failed without being read: reading it has ended too many runs.
        begun: How many runs ended, without a word, while they worked on it, the first of them not counted.
        failures: How many runs met an error of AWS or one they did not know while they worked on it.
    """

    seq: str
    status: BatchStatus
    owner: str
    attempt: int
    plan_uri: str
    files: int
    bytes: int
    created_at: int
    commit_uri: str = ""
    undo: bool = False
    condemned: bool = False
    begun: int = 0
    failures: int = 0
    error: str = ""


@attrs.frozen
class Lease:
    """The planning lease as held by this run, with what earlier runs have learnt under it.

    Attributes:
        owner: A name used for this one taking of it.
        token: Counts up with each taking.
        ledger_files: How many file items the last complete planning saw: an estimate, for choosing how to read the
            ledger.
        swept_at: When the ledger was last read whole and the items of files that are gone were marked, in epoch
            seconds; 0 if never.
        oldest_open: Sequence; every batch below it is closed for ever.
    """

    owner: str
    token: int
    ledger_files: int
    swept_at: int = 0
    oldest_open: str = ""


@attrs.define
class Learnt:
    """What a run has learnt under its planning lease, for those after it; None where it has learnt nothing.

    See `Lease` for what they mean.
    """

    ledger_files: int | None = None
    swept_at: int | None = None
    oldest_open: str | None = None


@attrs.frozen
class Member:
    """A file of a batch, with all that was known of it when it was planned."""

    uri: str
    etag: str
    size: int
    last_modified_ms: int
    source: str
    action: Action
    reason: str
    attempts: int = 1
    old_etag: str = ""
    old_versions: tuple[str, ...] = ()
    old_outputs: tuple[str, ...] = ()
    old_rows: int = 0


@attrs.frozen
class BatchPlan:
    """A batch's plan manifest: fixed once, whoever works on it.

    Attributes:
        seq: The batch's sequence.
        members: Its files.
        on_change: The policy it was planned by.
        config: Digest of what it was planned under; under another a batch is not adopted, but planned anew.
        drops: Objects from which old versions' rows are dropped, relative to the table's location.
    """

    seq: str
    members: tuple[Member, ...]
    on_change: OnChange
    config: str = ""
    drops: tuple[str, ...] = ()
    format: int = MANIFEST_FORMAT

    def beyond_reach(self, etag_now: Callable[[str], str | None]) -> list[str]:
        """The files whose rows cannot be had again: gone, or for a table of every version another version by now.

        Args:
            etag_now: Of a file, by URI; None if there is no such file.
        """
        read = ((m, etag_now(m.uri)) for m in self.members if m.action is Action.INGEST)
        same = self.on_change is OnChange.APPEND
        return [m.uri for m, now in read if now is None or (same and now != m.etag)]

    @property
    def bytes(self) -> int:
        """Bytes to read."""
        return sum(m.size for m in self.members if m.action is Action.INGEST)


@attrs.frozen
class Upload:
    """A pending multipart upload that the commit completes.

    Attributes:
        key: Relative to the table's location.
        upload_id: S3's.
        parts: ETags, in order.
        rows: In the object.
        bytes: Of the object.
        rewrite: Whether it takes the place of an object that holds old rows.
    """

    key: str
    upload_id: str
    parts: tuple[str, ...]
    rows: int
    bytes: int
    rewrite: bool = False


@attrs.frozen
class Left:
    """A member that was left out because it changed or went away after it was listed."""

    uri: str
    etag: str
    reason: str


@attrs.frozen
class CommitManifest:
    """What a commit makes true; every roll forward reads nothing else.

    Attributes:
        uploads: To complete, rewrites first.
        deletes: Objects that are empty once old rows are dropped, relative to the table's location.
        partitions: Values of partitions to register.
        files: Ledger items to write.
        left: Members that are planned again.
        quarantine: Uploads to complete below the table's quarantine prefix.
        rows_dropped: Old rows that go.
    """

    seq: str
    attempt: int
    run_id: str
    uploads: tuple[Upload, ...]
    deletes: tuple[str, ...]
    partitions: tuple[tuple[str | None, ...], ...]
    files: tuple[FileItem, ...]
    left: tuple[Left, ...] = ()
    quarantine: tuple[Upload, ...] = ()
    rows_dropped: int = 0
    format: int = MANIFEST_FORMAT
