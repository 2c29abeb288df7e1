"""The kernel: one batch into pending uploads and a commit manifest. The same on every engine; it commits nothing."""

from __future__ import annotations

import importlib
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from alur_runtime.aws import Clients
from alur_runtime.config import (
    INGESTED_AT,
    SOURCE_ETAG,
    SOURCE_FILE,
    SOURCE_ROW,
    SOURCE_SYSTEM,
    JobConfig,
    OnChange,
)
from alur_runtime.errors import ReconcileError, SourceChangedError
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
from alur_runtime.naming import NULL_PARTITION, object_name
from alur_runtime.parse import parse_csv
from alur_runtime.reasons import Reason
from alur_runtime.rows import RefusedFileError
from alur_runtime.schema import TIMESTAMP, arrow_schema
from alur_runtime.sources import Fetch, make_fetch
from alur_runtime.steps import Step, reached
from alur_runtime.store import PendingUpload, TableStore, upload_mark
from alur_runtime.write import Written, count_by_file, write_object, write_table

Transform = Callable[[pa.Table], pa.Table]


@attrs.frozen
class _Read:
    """A member that was read: its rows, or why it is refused."""

    member: Member
    table: pa.Table | None = None
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
        ClientError: If AWS fails; the batch can then be adopted.
    """
    work_ = _Work(config, plan, batch, run_id, clients)
    return work_.manifest()


class _Work:
    def __init__(self, config: JobConfig, plan: BatchPlan, batch: BatchItem, run_id: str, clients: Clients) -> None:
        self._config, self._plan, self._batch, self._run_id = config, plan, batch, run_id
        self._clients = clients
        self._store = TableStore(clients.s3, config.table.location)
        self._fetch: Fetch = make_fetch(clients)
        self._transform = load_transform(config.transform)
        self._sources = {s.name: s for s in plan.sources}
        self._now = time.time()

    def manifest(self) -> CommitManifest:
        members = [m for m in self._plan.members if m.action is Action.INGEST]
        with ThreadPoolExecutor(self._config.settings.fetch_threads) as pool:
            results = list(pool.map(self._read, members))
        reached(Step.READ, batch=self._plan.seq, files=len(results))
        left = tuple(r for r in results if isinstance(r, Left))
        reads = [r for r in results if isinstance(r, _Read)]
        tables = [self._with_metadata(r.member, r.table) for r in reads if r.table is not None]
        written = self._write(tables)
        self._reconcile(reads, written)
        rewrites, deletes, dropped = self._drop_old_rows([r.member for r in reads if r.table is not None])
        reached(Step.UPLOADED, batch=self._plan.seq, objects=len(written.uploads) + len(rewrites))
        decided = [self._file_item(r, written) for r in reads]
        decided += [self._recorded(m) for m in self._plan.members if m.action is Action.RECORD]
        return CommitManifest(
            seq=self._plan.seq,
            attempt=self._batch.attempt,
            run_id=self._run_id,
            # Rewrites come first: a reader between the two sees old rows missing rather than both versions.
            uploads=(*rewrites, *written.uploads),
            deletes=deletes,
            partitions=written.partitions,
            files=tuple(decided),
            left=left,
            rows_dropped=dropped,
        )

    # --- read -----------------------------------------------------------------------------------------------------

    def _read(self, member: Member) -> _Read | Left:
        try:
            body = self._fetch(member.uri, member.etag)
        except SourceChangedError as error:
            reason = Reason.DELETED_DURING_RUN if error.gone else Reason.OVERWRITTEN_DURING_RUN
            return Left(member.uri, member.etag, reason.value)
        try:
            table = parse_csv(body, member.uri, self._config.contract, self._sources[member.source].files)  # type: ignore[arg-type]
            rows = pa.array(range(1, table.num_rows + 1), pa.int64())
            return _Read(member, self._transformed(member.uri, table).append_column(SOURCE_ROW, rows))
        except RefusedFileError as error:
            return _Read(member, None, error.reason, str(error))

    def _transformed(self, uri: str, table: pa.Table) -> pa.Table:
        if self._transform is not None:
            schema = arrow_schema(self._config.contract.columns)
            try:
                changed = self._transform(table).select(schema.names).cast(schema)
            except Exception as error:
                trace = "".join(traceback.format_exception(error)[-3:])
                raise RefusedFileError(uri, Reason.TRANSFORM_FAILED, f"{self._config.transform}: {trace}") from error
            if changed.num_rows != table.num_rows:
                raise RefusedFileError(
                    uri,
                    Reason.TRANSFORM_FAILED,
                    f"{self._config.transform} made {changed.num_rows} rows of {table.num_rows}; it must keep each",
                )
            table = changed
        for field in arrow_schema(self._config.contract.columns):
            if not field.nullable and table[field.name].null_count:
                row = table[field.name].is_null().index(True).as_py() + 1
                raise RefusedFileError(
                    uri, Reason.TRANSFORM_FAILED, "the transform left no value", row=row, column=field.name
                )
        self._check_partitions(uri, table)
        return table

    def _check_partitions(self, uri: str, table: pa.Table) -> None:
        """Refuse values that readers of Hive-style folders would take for null."""
        for name in self._config.contract.partition_by:
            values = table[name].cast(pa.string())
            for value, problem in (
                ("", "is an empty string, which Hive cannot tell from null in a partition column"),
                (NULL_PARTITION, f"is {NULL_PARTITION!r}, which is how Hive writes null in a partition column"),
            ):
                row = pc.index(values, value).as_py() + 1
                if row:
                    raise RefusedFileError(uri, Reason.BAD_VALUE, problem, row=row, column=name)

    # --- write ----------------------------------------------------------------------------------------------------

    def _with_metadata(self, member: Member, table: pa.Table) -> pa.Table:
        def constant(value: Any, kind: pa.DataType) -> pa.Array:
            return pa.repeat(pa.scalar(value, kind), table.num_rows)

        numbers = table[SOURCE_ROW]
        table = table.drop_columns([SOURCE_ROW])
        added = {
            INGESTED_AT: constant(int(self._now * 1e6), TIMESTAMP),
            SOURCE_SYSTEM: constant(member.source, pa.string()),
            SOURCE_FILE: constant(member.uri, pa.string()),
            SOURCE_ROW: numbers,
        }
        if self._config.on_change is OnChange.APPEND:
            added[SOURCE_ETAG] = constant(member.etag, pa.string())
        for name, values in added.items():
            table = table.append_column(pa.field(name, values.type, nullable=False), values)
        return table

    def _write(self, tables: list[pa.Table]) -> Written:
        if not tables:
            return Written((), (), {}, {})
        batch, run_id = self._batch, self._run_id
        return write_table(
            pa.concat_tables(tables),
            self._config.contract.partition_by,
            lambda number: object_name(batch.seq, batch.attempt, number, run_id),
            self._open,
            self._config.settings.target_object_bytes,
        )

    def _open(self, key: str) -> PendingUpload:
        mark = upload_mark(self._batch.seq, self._batch.attempt, key)
        return PendingUpload(self._clients.s3, self._config.table.location, key, mark=mark)

    def _reconcile(self, reads: list[_Read], written: Written) -> None:
        """Check that parsed = written, per file and in all, by counts taken on both sides."""
        for read in reads:
            parsed = 0 if read.table is None else read.table.num_rows
            if parsed != written.rows.get(read.member.uri, 0):
                raise ReconcileError(
                    self._batch.seq,
                    f"{read.member.uri}: {parsed} rows parsed, {written.rows.get(read.member.uri, 0)} written",
                )
        in_objects, in_files = sum(u.rows for u in written.uploads), sum(written.rows.values())
        if in_objects != in_files:
            raise ReconcileError(self._batch.seq, f"{in_objects} rows in objects, {in_files} by file")

    # --- drop -----------------------------------------------------------------------------------------------------

    def _drop_old_rows(self, replaced: list[Member]) -> tuple[tuple[Upload, ...], tuple[str, ...], int]:
        """Rewrite the objects that hold rows of replaced versions, without exactly those rows."""
        if self._config.on_change is not OnChange.REPLACE:
            return (), (), 0
        uris = {m.uri for m in replaced}
        keys = sorted({o for m in replaced for o in m.old_outputs})
        uploads, deletes, dropped = [], [], dict.fromkeys(uris, 0)
        for key in keys:
            body = self._store.read(key)
            if body is None:
                continue  # what is missing is found by the count below
            table = pq.read_table(pa.BufferReader(body), partitioning=None)
            for uri, count in count_by_file(table).items():
                if uri in uris:
                    dropped[uri] += count
            kept = table.filter(pc.invert(pc.is_in(table[SOURCE_FILE], pa.array(sorted(uris), pa.string()))))
            if not kept.num_rows:
                deletes.append(key)
            elif kept.num_rows != table.num_rows:
                uploads.append(write_object(kept, key, self._open, rewrite=True))
        for member in replaced:
            # A batch that is done anew after its uploads were lost may have dropped them the first time.
            if dropped[member.uri] != member.old_rows and not self._batch.reopened:
                raise ReconcileError(
                    self._batch.seq,
                    f"{member.uri}: the table holds {dropped[member.uri]} rows of its old version, "
                    f"the ledger says {member.old_rows}; an object was changed by another hand: {keys}",
                )
        return tuple(uploads), tuple(deletes), sum(dropped.values())

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
        if read.table is None:
            reason = read.reason.value if read.reason else ""
            return attrs.evolve(self._base_item(member, FileStatus.FAILED, reason), error=read.error)
        outputs, rows = written.outputs.get(member.uri, ()), written.rows.get(member.uri, 0)
        item = attrs.evolve(
            self._base_item(member, FileStatus.COMPLETED, member.reason),
            table_etag=member.etag,
            rows_parsed=read.table.num_rows,
            rows_ingested=rows,
            table_rows=rows,
            outputs=outputs,
            versions=(),
        )
        if self._config.on_change is not OnChange.APPEND:
            return item
        before = member.old_versions or ((member.old_etag,) if member.old_etag else ())
        return attrs.evolve(
            item,
            table_rows=rows + member.old_rows,
            outputs=(*member.old_outputs, *outputs),
            versions=(*before, member.etag),
        )


def load_transform(name: str | None) -> Transform | None:
    """The user's function ``module:function``, or None."""
    if name is None:
        return None
    module, _, function = name.partition(":")
    found: Transform = getattr(importlib.import_module(module), function)
    return found
