"""Rows into Parquet: split by partition, written as pending uploads while they come in, counted as they are written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Self

import attrs
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from alur_runtime.config import SOURCE_FILE, SOURCE_ROW
from alur_runtime.contracts.spec import Column, ContractSpec
from alur_runtime.errors import PartitionLimitError, ReconcileError
from alur_runtime.model import Upload
from alur_runtime.naming import partition_folder
from alur_runtime.table.partitions import PartitionValues, split_by_partition
from alur_runtime.table.schema import arrow_type
from alur_runtime.table.store import PendingUpload

Stamp = Mapping[str, Any]
"""What alur's own columns hold for all rows of a file, by name; `_source_row` comes with the rows."""

OpenUpload = Callable[[str], PendingUpload]
"""Opens a pending upload for a key relative to the table's location."""

_ROW_GROUP_ROWS: Final = 1_048_576
_SPLIT_BYTES: Final = 8 * 1024 * 1024  # of Arrow data: rows of many small files are split by partition at once
_HELD_BYTES: Final = 48 * 1024 * 1024  # of Arrow data: split rows that wait for more of their partition
_MOST_OPEN: Final = 32  # uploads, each of which holds up to a part of 5 MiB
_CALENDAR: Final = {"org.apache.spark.version": "3.5.6"}
"""Says that days are counted as everyone counts them. Spark 3 refuses dates before 1582 and times before 1900 of files
that do not say so, since Spark 2 counted them in another calendar."""
_FILE: Final = "\0file"  # a column for counting only: which of the files a row is of; no contract can have it


@attrs.frozen
class Written:
    """What was written.

    Attributes:
        uploads: Pending.
        partitions: Values of the partitions they are in.
        outputs: URI -> keys of the objects that hold its rows.
        rows: URI -> rows, as counted by what was written.
    """

    uploads: tuple[Upload, ...] = ()
    partitions: tuple[PartitionValues, ...] = ()
    outputs: dict[str, tuple[str, ...]] = attrs.field(factory=dict)
    rows: dict[str, int] = attrs.field(factory=dict)

    @classmethod
    def together(cls, parts: list[Written]) -> Written:
        """What several writers wrote, none of them of the same file."""
        return cls(
            uploads=tuple(u for p in parts for u in p.uploads),
            partitions=tuple(dict.fromkeys(v for p in parts for v in p.partitions)),
            outputs={uri: keys for p in parts for uri, keys in p.outputs.items()},
            rows={uri: rows for p in parts for uri, rows in p.rows.items()},
        )


@attrs.frozen
class Place:
    """Where and how a writer writes.

    Attributes:
        batch: Its sequence, for errors.
        contract: Says what the table is partitioned by.
        added: Alur's own columns, in order.
        name: A new object's name.
        open_upload: Opens a pending upload.
        target_bytes: About how many bytes of Arrow data go into one object.
        max_partitions: Most partitions that one writer may write to.
    """

    batch: str
    contract: ContractSpec
    added: tuple[Column, ...]
    name: Callable[[], str]
    open_upload: OpenUpload
    target_bytes: int
    max_partitions: int


class TableWriter:
    """Writes rows as Parquet objects, each in its partition's folder, in bounded memory.

    Use it in a `with`: if the work fails, what it has uploaded is put away.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._uris: list[str] = []
        self._stamps: list[Stamp] = []
        self._constants: dict[str, pa.Array] = {}
        self._unsplit: list[pa.Table] = []
        self._unsplit_bytes = 0
        self._held: dict[PartitionValues, list[pa.Table]] = {}
        self._held_bytes: Counter[PartitionValues] = Counter()
        self._open: dict[PartitionValues, _Object] = {}
        self._closed: list[_Object] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.abandon()

    def append(self, uri: str, table: pa.Table, stamp: Stamp) -> None:
        """Take rows of a file.

        Args:
            uri: The file; its rows come one call after the other.
            table: As readers make it: `schema.rows_schema`.
            stamp: What alur's own columns hold.

        Raises:
            PartitionLimitError: If they make too many partitions.
        """
        if not self._uris or self._uris[-1] != uri:
            self._uris.append(uri)
            self._stamps.append(stamp)
            self._constants = {}
        numbers = pa.repeat(pa.scalar(len(self._uris) - 1, pa.int32()), table.num_rows)
        self._unsplit.append(table.append_column(_FILE, numbers))
        self._unsplit_bytes += table.nbytes
        if self._unsplit_bytes >= _SPLIT_BYTES:
            self._split()

    def finish(self) -> Written:
        """Write what is left and say what was written."""
        self._split()
        for values in list(self._held):
            self._flush(values)
        for values in list(self._open):
            self._close(values)
        outputs: dict[str, list[str]] = {}
        rows: Counter[str] = Counter()
        for written in self._closed:
            for number, count in written.rows.items():
                outputs.setdefault(self._uris[number], []).append(written.key)
                rows[self._uris[number]] += count
        return Written(
            uploads=tuple(o.upload for o in self._closed if o.upload is not None),
            partitions=tuple(self._held),
            outputs={uri: tuple(keys) for uri, keys in outputs.items()},
            rows=dict(rows),
        )

    def abandon(self) -> None:
        """Put all uploads away."""
        for written in (*self._closed, *self._open.values()):
            written.pending.abandon()

    # --- split, hold, write ---------------------------------------------------------------------------------------

    def _split(self) -> None:
        if not self._unsplit:
            return
        table = pa.concat_tables(self._unsplit)
        self._unsplit, self._unsplit_bytes = [], 0
        for values, part in split_by_partition(table, self._place.contract):
            self._held.setdefault(values, []).append(part)
            self._held_bytes[values] += part.nbytes
            if len(self._held) > self._place.max_partitions:
                raise PartitionLimitError(self._place.batch, self._place.max_partitions, self._uris[-1])
        while self._held_bytes.total() > _HELD_BYTES:
            self._flush(self._held_bytes.most_common(1)[0][0])

    def _flush(self, values: PartitionValues) -> None:
        """Write what is held of a partition."""
        parts, self._held[values] = self._held[values], []
        self._held_bytes.pop(values, None)
        if not parts:
            return
        for piece in _pieces(pa.concat_tables(parts), self._place.target_bytes):
            written = self._object(values)
            written.write(piece, self._stamped(piece))
            if written.bytes >= self._place.target_bytes:
                self._close(values)

    def _stamped(self, piece: pa.Table) -> pa.Table:
        """The rows with alur's own columns, which are the same for all rows of a file: kept aside until here."""
        numbers = piece[_FILE]
        own = [name for name in (_FILE, SOURCE_ROW) if name in piece.column_names]
        data = piece.drop_columns(own)
        for column in self._place.added:
            field = pa.field(column.name, arrow_type(column), nullable=False)
            if column.name == SOURCE_ROW:
                values = piece[SOURCE_ROW]
            else:
                values = self._constant(column.name, field.type).take(numbers)
            data = data.append_column(field, values)
        return data

    def _constant(self, name: str, kind: pa.DataType) -> pa.Array:
        """What one of alur's own columns holds for each file, by its number."""
        if name not in self._constants:
            self._constants[name] = pa.array([stamp[name] for stamp in self._stamps], kind)
        return self._constants[name]

    def _object(self, values: PartitionValues) -> _Object:
        """The open object of a partition."""
        written = self._open.pop(values, None)
        if written is None:
            while len(self._open) >= _MOST_OPEN:
                self._close(next(iter(self._open)))
            key = partition_folder(self._place.contract.partition_by, values) + self._place.name()
            written = _Object(self._place.batch, key, self._place.open_upload(key))
        # Put last: the one used longest ago is closed first, as rows often come in the order of their partitions.
        self._open[values] = written
        return written

    def _close(self, values: PartitionValues) -> None:
        written = self._open.pop(values)
        self._closed.append(written)
        written.close()


class _Object:
    """A Parquet object that is being written."""

    def __init__(self, batch: str, key: str, pending: PendingUpload) -> None:
        self.key, self.rows, self.bytes = key, Counter[int](), 0
        self.pending = pending
        self.upload: Upload | None = None
        self._batch = batch
        self._writer: ObjectWriter | None = None

    def write(self, table: pa.Table, data: pa.Table) -> None:
        """Write rows; counted as they were handed over, before they were stamped."""
        numbers = table[_FILE].combine_chunks()
        self.rows.update({v["values"]: v["counts"] for v in pc.value_counts(numbers).to_pylist()})
        self.bytes += table.nbytes
        if self._writer is None:
            self._writer = ObjectWriter(self.pending, data.schema)
        self._writer.write(data)

    def close(self) -> None:
        assert self._writer is not None
        self.upload = self._writer.finish(rewrite=False)
        # Counted on both sides of the Parquet writer: what went in by file, and what its footer says.
        if self.upload.rows != self.rows.total():
            raise ReconcileError(
                self._batch, f"{self.key}: {self.rows.total()} rows handed over, {self.upload.rows} in it"
            )


class ObjectWriter:
    """One Parquet object into a pending upload."""

    def __init__(self, pending: PendingUpload, schema: pa.Schema) -> None:
        self._pending = pending
        self._footer: list[Any] = []
        self._writer = pq.ParquetWriter(
            pa.PythonFile(pending, mode="w"),
            schema.with_metadata(_CALENDAR),
            compression="zstd",
            coerce_timestamps="us",
            metadata_collector=self._footer,
        )

    def write(self, table: pa.Table) -> None:
        """Write rows as a row group, or several if they are many."""
        self._writer.write_table(table, row_group_size=_ROW_GROUP_ROWS)

    def finish(self, *, rewrite: bool) -> Upload:
        """Write the footer; the rows counted are those that stand in it."""
        self._writer.close()
        return self._pending.finish(self._footer[0].num_rows, rewrite=rewrite)


def write_without(body: pa.Buffer, uris: set[str], pending: PendingUpload) -> tuple[Upload | None, Counter[str]]:
    """Write an object anew without the rows of some files, row group by row group.

    Args:
        body: Of the object.
        uris: The files.
        pending: Takes the new object; put away if nothing is left or nothing goes.

    Returns:
        The upload, or None if no row is left or none goes; and how many rows go, by file.
    """
    source = pq.ParquetFile(pa.BufferReader(body))
    gone: Counter[str] = Counter()
    names = pa.array(sorted(uris), pa.string())
    writer = ObjectWriter(pending, source.schema_arrow)
    rows = 0
    try:
        for group in range(source.num_row_groups):
            table = source.read_row_group(group)
            goes = pc.is_in(table[SOURCE_FILE], names)
            gone.update(count_by_file(table.filter(goes)))
            kept = table.filter(pc.invert(goes))
            if kept.num_rows:
                writer.write(kept)
                rows += kept.num_rows
        if gone and rows:
            return writer.finish(rewrite=True), gone
    except BaseException:
        pending.abandon()
        raise
    pending.abandon()
    return None, gone


def count_by_file(table: pa.Table) -> dict[str, int]:
    """Rows by `_source_file`."""
    return {v["values"]: v["counts"] for v in pc.value_counts(table[SOURCE_FILE].combine_chunks()).to_pylist()}


def _pieces(table: pa.Table, target_bytes: int) -> Iterator[pa.Table]:
    """Slices of about the target size, of equal length."""
    count = max(1, -(-table.nbytes // target_bytes))
    length = max(1, -(-table.num_rows // count))
    for start in range(0, table.num_rows, length):
        yield table.slice(start, length)
