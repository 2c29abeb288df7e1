"""All that the check knows of a table at one moment: values only."""

from __future__ import annotations

import attrs

from alur_runtime.config import SOURCE_FILE, JobConfig, metadata_columns
from alur_runtime.model import BatchItem, BatchPlan, BatchStatus, CommitManifest, FileItem, RunItem
from alur_runtime.table.pending import Pending

OPEN = (BatchStatus.PROCESSING, BatchStatus.COMMITTED)


@attrs.frozen
class Unknown:
    """An item or manifest of a form that this version does not know.

    Attributes:
        subject: Its key or URI.
        problem: What does not fit.
        uri: The file, if it is a file's item.
        outputs: Objects that it seems to name.
        seq: The batch, if it is a batch's.
        run: Whether it is a run's.
    """

    subject: str
    problem: str
    uri: str = ""
    outputs: tuple[str, ...] = ()
    seq: str = ""
    run: str = ""


@attrs.frozen
class Items:
    """The ledger's items that are no files.

    Attributes:
        batches: By sequence.
        runs: By name.
        unknown: Those that cannot be read.
    """

    batches: dict[str, BatchItem]
    runs: dict[str, RunItem]
    unknown: tuple[Unknown, ...] = ()


@attrs.frozen
class Manifests:
    """A batch's manifests.

    Attributes:
        plan: None if it was not asked for or cannot be read.
        commit: None if there is none or it cannot be read; without its files if the batch is closed.
        problems: URI -> why it cannot be read.
    """

    plan: BatchPlan | None = None
    commit: CommitManifest | None = None
    problems: dict[str, str] = attrs.field(factory=dict)


@attrs.frozen
class Object:
    """An object of the table.

    Attributes:
        key: Relative to the table's location.
        etag: As listed.
        size: In bytes.
        rows: As its footer says; None if it was not read.
        by_file: Rows by `_source_file`; None if they were not counted.
        problem: Why it cannot be read.
        changed: Whether it was another one, or gone, when it was to be read.
    """

    key: str
    etag: str
    size: int
    rows: int | None = None
    by_file: dict[str, int] | None = None
    problem: str = ""
    changed: bool = False


@attrs.frozen
class Partition:
    """A partition of the catalog: its values as they stand there, and its location with a slash at the end."""

    values: tuple[str, ...]
    location: str


@attrs.frozen
class Named:
    """What a commit manifest in S3 says of an object that no item names.

    Attributes:
        uri: Of the manifest.
        files: Whose rows it put into the object.
    """

    uri: str
    files: tuple[str, ...]


@attrs.frozen
class State:
    """What was read, in the order of the attributes: what moved meanwhile shows in `after`.

    Attributes:
        config: The job's.
        now_ms: When reading began, by this machine's clock.
        before: Batches and runs, read first.
        files: File items by URI, those that the ledger has forgotten since their source is gone too.
        unknown: File items that cannot be read.
        objects: Of the table, by key.
        quarantine: Keys of the quarantine's objects.
        pending: Uploads.
        partitions: Of the catalog.
        sources: ETags of files in question as they are in the landing zone; None where there is none.
        named: Objects that no item names, but a commit manifest does.
        marks: Key of an object -> its mark, where it was asked for.
        after: Batches and runs, read last.
        manifests: By batch.
        behind: Why the ledger is older than the table; then nothing else was read.
    """

    config: JobConfig
    now_ms: int
    before: Items
    files: dict[str, FileItem]
    unknown: tuple[Unknown, ...]
    objects: dict[str, Object]
    quarantine: frozenset[str]
    pending: tuple[Pending, ...]
    partitions: tuple[Partition, ...]
    sources: dict[str, str | None] = attrs.field(factory=dict)
    named: dict[str, Named] = attrs.field(factory=dict)
    marks: dict[str, str | None] = attrs.field(factory=dict)
    after: Items = attrs.field(factory=lambda: Items({}, {}))
    manifests: dict[str, Manifests] = attrs.field(factory=dict)
    behind: str = ""

    @property
    def location(self) -> str:
        """Of the table."""
        return self.config.table.location

    @property
    def tells_files(self) -> bool:
        """Whether rows say which file they are from."""
        columns = metadata_columns(self.config.on_change, self.config.metadata_columns)
        return any(c.name == SOURCE_FILE for c in columns)

    def is_alive(self, run_id: str) -> bool:
        """Whether a run is, as far as its item tells: no item means that it is not."""
        if any(u.run == run_id for u in (*self.before.unknown, *self.after.unknown)):
            return True  # nothing is known of it: nothing of it is touched
        found = [items.runs[run_id] for items in (self.before, self.after) if run_id in items.runs]
        return any(run.finished_at is None and run.lease_expires_at_ms >= self.now_ms for run in found)

    def all_unknown(self) -> tuple[Unknown, ...]:
        """Everything that cannot be read, once each."""
        found = (*self.before.unknown, *self.after.unknown, *self.unknown)
        return tuple({u.subject: u for u in found}.values())
