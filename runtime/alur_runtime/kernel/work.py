"""The kernel: one batch into pending uploads and a commit manifest. The same on every engine; it commits nothing."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import attrs
import pyarrow as pa

from alur_runtime.aws import Clients
from alur_runtime.config import (
    INGESTED_AT,
    SOURCE_ETAG,
    SOURCE_FILE,
    SOURCE_SYSTEM,
    JobConfig,
    OnChange,
    metadata_columns,
)
from alur_runtime.errors import ItemTooLargeError, PartitionLimitError, ReconcileError, SourceChangedError
from alur_runtime.formats import read_file
from alur_runtime.kernel.intake import Account, Intake, Rules
from alur_runtime.kernel.transform import load_transform
from alur_runtime.kernel.window import in_window
from alur_runtime.landing.fetch import Fetch, make_fetch, open_source
from alur_runtime.ledger.items import fits
from alur_runtime.model import (
    Action,
    BatchItem,
    BatchPlan,
    CommitManifest,
    FileItem,
    FileStatus,
    Left,
    Member,
    Upload,
)
from alur_runtime.naming import folder_room, object_name, quarantine_name
from alur_runtime.reasons import Reason
from alur_runtime.rows import RefusedFileError
from alur_runtime.steps import Step, reached
from alur_runtime.table.drop import Dropped, drop_old_rows
from alur_runtime.table.partitions import count_partitions
from alur_runtime.table.quarantine import Origin, QuarantineObject, Spool
from alur_runtime.table.store import PendingUpload, TableStore, upload_mark
from alur_runtime.table.write import Place, Stamp, TableWriter, Written

_NOTHING: Final = Written()
_UNDER_WAY_BYTES: Final = 64 * 1024 * 1024  # of files that are fetched and parsed at once, as they lie in S3


@attrs.frozen
class _Read:
    """A member that was read: its rows, held or written already; or why it is refused."""

    member: Member
    account: Account = attrs.field(factory=Account)
    spool: Spool | None = None
    tables: tuple[pa.Table, ...] = ()
    written: Written | None = None
    quarantine: str = ""
    reason: Reason | None = None
    error: str = ""


def work(config: JobConfig, plan: BatchPlan, batch: BatchItem, run_id: str, clients: Clients) -> CommitManifest:
    """Read a batch's files, write their rows as pending uploads, and say what a commit would make true.

    Args:
        config: The job's.
        plan: The batch's.
        batch: Its ledger item: which attempt this is.
        run_id: This run.
        clients: Of AWS.

    Raises:
        ReconcileError: If rows went missing or came up on the way.
        ItemTooLargeError: If the ledger cannot name all objects that hold a file's rows.
        PartitionLimitError: If the files together make too many partitions.
        ConfigError: If the user's transform or a function of an expectation cannot be loaded.
        ClientError: If AWS fails; the batch can then be adopted.
    """
    work_ = _Work(config, plan, batch, run_id, clients)
    if batch.undo:
        return work_.undone()
    if batch.condemned:
        return work_.condemned()
    return work_.manifest()


class _Work:
    def __init__(self, config: JobConfig, plan: BatchPlan, batch: BatchItem, run_id: str, clients: Clients) -> None:
        self._config, self._plan, self._batch, self._run_id = config, plan, batch, run_id
        self._clients = clients
        self._store = TableStore(clients.s3, config.table.location)
        self._fetch: Fetch = make_fetch(clients)
        self._transform = load_transform(config.transform)
        self._sources = {s.name: s for s in config.sources}
        self._added = metadata_columns(config.on_change, config.metadata_columns)
        self._now = time.time()
        self._numbers = itertools.count()
        self._one_streams = threading.Lock()
        self._streamed: list[Written] = []

    def manifest(self) -> CommitManifest:
        members = self._members()
        key = quarantine_name(self._plan.seq, self._batch.attempt, self._run_id)
        quarantine = QuarantineObject(key, lambda key: self._open(self._config.table.quarantine, key))
        reads: list[_Read] = []
        left: list[Left] = []
        own: list[Written] = []
        try:
            with self._writer() as shared, contextlib.closing(self._read_all(members)) as results:
                for result in results:
                    if isinstance(result, Left):
                        left.append(result)
                        continue
                    own += [result.written] if result.written else []
                    for table in result.tables:
                        shared.append(result.member.uri, table, self._stamp(result.member))
                    kept = quarantine.take(result.spool) if result.spool else ""
                    reads.append(attrs.evolve(result, tables=(), spool=None, quarantine=kept))
                reached(Step.READ, batch=self._plan.seq, files=len(members))
                written = Written.together([*own, shared.finish()])
                self._reconcile(reads, written)
                dropped = self._drop_old_rows([r.member for r in reads if r.reason is None])
                bad_rows = quarantine.finish()
                decided = [self._file_item(r, written) for r in reads]
        except BaseException:
            # Also those of files that were read, and whose result was never looked at because another's was an error.
            for upload in (u for w in self._streamed for u in w.uploads):
                self._store.abort(upload)
            quarantine.abandon()
            raise
        reached(Step.UPLOADED, batch=self._plan.seq, objects=len(written.uploads) + len(dropped.uploads))
        return self._manifest(decided, dropped, written, tuple(left), bad_rows)

    def undone(self) -> CommitManifest:
        """What takes the batch back: no rows of its files in the table, and a ledger that says so.

        With `on_change=append` the rows of older versions stay: no commit has dropped them.
        """
        members = self._members()
        items = [self._base_item(m, FileStatus.FAILED, Reason.TAKEN_BACK.value) for m in members]
        # No version has this ETag: whatever is listed is taken.
        items = [attrs.evolve(i, etag="", error=Reason.TAKEN_BACK.text.sentence) for i in items]
        dropped = self._drop_old_rows(members)
        if self._plan.on_change is OnChange.REPLACE:
            items = [attrs.evolve(i, table_etag="", versions=(), outputs=(), table_rows=0) for i in items]
        return self._manifest(items, dropped)

    def condemned(self) -> CommitManifest:
        """What ends files whose reading has ended too many runs: they fail, and their older rows stay."""
        sentence = Reason.ENDS_ITS_RUN.text.sentence
        items = [self._base_item(m, FileStatus.FAILED, Reason.ENDS_ITS_RUN.value) for m in self._members()]
        return self._manifest([attrs.evolve(i, error=f"{i.uri}: {sentence}") for i in items], Dropped())

    def _manifest(
        self,
        decided: list[FileItem],
        dropped: Dropped,
        written: Written = _NOTHING,
        left: tuple[Left, ...] = (),
        bad_rows: tuple[Upload, ...] = (),
    ) -> CommitManifest:
        recorded = [self._recorded(m) for m in self._plan.members if m.action is Action.RECORD]
        return CommitManifest(
            seq=self._plan.seq,
            attempt=self._batch.attempt,
            run_id=self._run_id,
            # Rewrites come first: a reader between the two sees old rows missing rather than both versions.
            uploads=(*dropped.uploads, *written.uploads),
            deletes=dropped.deletes,
            partitions=written.partitions,
            files=(*decided, *recorded),
            left=left,
            quarantine=bad_rows,
            rows_dropped=dropped.rows,
        )

    def _members(self) -> list[Member]:
        return [m for m in self._plan.members if m.action is Action.INGEST]

    # --- read -----------------------------------------------------------------------------------------------------

    def _read_all(self, members: list[Member]) -> Generator[_Read | Left, None, None]:
        width = self._config.settings.fetch_threads
        with ThreadPoolExecutor(width) as pool:
            yield from in_window(
                pool, self._read, members, width=width, size=lambda m: m.size, most_bytes=_UNDER_WAY_BYTES
            )

    def _read(self, member: Member) -> _Read | Left:
        source = self._sources[member.source]
        rules = Rules(self._config.contract, source.budget, self._transform, folder_room(self._config.table.location))
        intake = Intake(rules, Origin(member, self._plan.seq, self._run_id))
        try:
            with open_source(self._fetch, member.uri, member.etag, member.size) as file:
                chunks = read_file(file, member.uri, self._config.contract, source.files)
                tables, written = self._held_or_written(member, intake.tables(chunks))
        except SourceChangedError as error:
            intake.spool.close()
            reason = Reason.DELETED_DURING_RUN if error.gone else Reason.OVERWRITTEN_DURING_RUN
            return Left(member.uri, member.etag, reason.value)
        except RefusedFileError as error:
            intake.spool.close()
            account = Account(expectations=intake.account.expectations)
            return _Read(member, account, reason=error.reason, error=str(error))
        return _Read(member, intake.account, intake.spool, tables, written)

    def _held_or_written(
        self, member: Member, tables: Iterator[pa.Table]
    ) -> tuple[tuple[pa.Table, ...], Written | None]:
        """A file's rows if they fit in memory; else, written as they are read, into objects of its own.

        A file is refused as a whole, maybe at its last record: until it is accepted its rows share no object.
        """
        held: list[pa.Table] = []
        size = 0
        for table in tables:
            held.append(table)
            size += table.nbytes
            if size > self._config.settings.stream_bytes:
                break
        else:
            self._check_partitions(member, held)
            return tuple(held), None
        with self._one_streams, self._writer() as own:  # one at a time: each takes some hundred megabytes
            try:
                for table in itertools.chain(_emptied(held), tables):
                    own.append(member.uri, table, self._stamp(member))
                written = own.finish()
            except PartitionLimitError as error:
                raise RefusedFileError(member.uri, Reason.TOO_MANY_PARTITIONS, str(error)) from error
        self._streamed.append(written)
        return (), written

    def _check_partitions(self, member: Member, tables: list[pa.Table]) -> None:
        limit = self._config.settings.max_partitions
        if sum(t.num_rows for t in tables) <= limit:
            return
        found = count_partitions(pa.concat_tables(tables), self._config.contract)
        if found > limit:
            raise RefusedFileError(
                member.uri,
                Reason.TOO_MANY_PARTITIONS,
                f"its rows make {found:,} partitions, and settings.max_partitions is {limit:,}: partition by something "
                "coarser (month of a time, bucket of a key), or raise the setting",
            )

    # --- write ----------------------------------------------------------------------------------------------------

    def _stamp(self, member: Member) -> Stamp:
        return {
            INGESTED_AT: int(self._now * 1e6),  # microseconds, as Arrow keeps them
            SOURCE_SYSTEM: member.source,
            SOURCE_FILE: member.uri,
            SOURCE_ETAG: member.etag,
        }

    def _writer(self) -> TableWriter:
        seq, attempt, settings = self._batch.seq, self._batch.attempt, self._config.settings
        place = Place(
            batch=seq,
            contract=self._config.contract,
            added=self._added,
            name=lambda: object_name(seq, attempt, next(self._numbers), self._run_id),
            open_upload=self._open_table,
            target_bytes=settings.target_object_bytes,
            max_partitions=settings.max_partitions,
        )
        return TableWriter(place)

    def _open_table(self, key: str) -> PendingUpload:
        return self._open(self._config.table.location, key)

    def _open(self, location: str, key: str) -> PendingUpload:
        mark = upload_mark(self._batch.seq, self._batch.attempt, key)
        return PendingUpload(self._clients.s3, location, key, mark=mark)

    def _reconcile(self, reads: list[_Read], written: Written) -> None:
        """Check that what was accounted for is what was written, per file and in all, counted on both sides."""
        for read in reads:
            found = written.rows.get(read.member.uri, 0)
            if found != read.account.written or not read.account.balances:
                raise ReconcileError(self._batch.seq, f"{read.member.uri}: {found} rows written of {read.account}")
        in_objects, in_files = sum(u.rows for u in written.uploads), sum(written.rows.values())
        if in_objects != in_files:
            raise ReconcileError(self._batch.seq, f"{in_objects} rows in objects, {in_files} by file")

    def _drop_old_rows(self, replaced: list[Member]) -> Dropped:
        if self._plan.on_change is not OnChange.REPLACE:
            return Dropped()
        return drop_old_rows(replaced, self._batch, self._store, self._open_table)

    # --- decide ---------------------------------------------------------------------------------------------------

    def _base_item(self, member: Member, status: FileStatus, reason: str) -> FileItem:
        """The file's item with what the table holds of it already."""
        return FileItem(
            uri=member.uri,
            status=status,
            etag=member.etag,
            size=member.size,
            last_modified_ms=member.last_modified_ms,
            source=member.source,
            reason=reason,
            batch_seq=self._plan.seq,
            batch_attempt=self._batch.attempt,
            run_id=self._run_id,
            processed_at=int(self._now),
            table_etag=member.old_etag,
            versions=member.old_versions,
            outputs=member.old_outputs,
            table_rows=member.old_rows,
            attempts=member.attempts,
            code=self._config.code_digest,
        )

    def _recorded(self, member: Member) -> FileItem:
        refused = member.reason == Reason.CHANGED_REFUSED.value
        item = self._base_item(member, FileStatus.FAILED if refused else FileStatus.COMPLETED, member.reason)
        return attrs.evolve(item, error=Reason.CHANGED_REFUSED.text.sentence) if refused else item

    def _file_item(self, read: _Read, written: Written) -> FileItem:
        member = read.member
        if read.reason is not None:
            item = self._base_item(member, FileStatus.FAILED, read.reason.value)
            return attrs.evolve(item, error=read.error, expectations=read.account.expectations)
        outputs, rows, account = written.outputs.get(member.uri, ()), written.rows.get(member.uri, 0), read.account
        item = attrs.evolve(
            self._base_item(member, FileStatus.COMPLETED, member.reason),
            table_etag=member.etag,
            rows_parsed=account.parsed,
            rows_ingested=rows,
            rows_quarantined=account.quarantined,
            rows_filtered=account.filtered,
            rows_added=account.added,
            quarantine=read.quarantine,
            expectations=account.expectations,
            table_rows=rows,
            outputs=outputs,
            versions=(),
        )
        if self._plan.on_change is OnChange.APPEND:
            before = member.old_versions or ((member.old_etag,) if member.old_etag else ())
            item = attrs.evolve(
                item,
                table_rows=rows + member.old_rows,
                outputs=(*member.old_outputs, *outputs),
                versions=(*before, member.etag),
            )
        # After the commit it would be too late: a batch whose ledger items cannot be written holds its table for ever.
        if not fits(item):
            raise ItemTooLargeError(item.uri, len(item.outputs), len(item.versions))
        return item


def _emptied(tables: list[pa.Table]) -> Iterator[pa.Table]:
    """The tables, let go as they are taken."""
    tables.reverse()
    while tables:
        yield tables.pop()
