"""Rows into Parquet: split by partition, written as pending uploads, counted as they are written."""

from __future__ import annotations

import datetime as dt
import decimal
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

import attrs
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from alur_runtime.config import SOURCE_FILE
from alur_runtime.model import Upload
from alur_runtime.naming import partition_folder
from alur_runtime.store import PendingUpload

OpenUpload = Callable[[str], PendingUpload]
"""Opens a pending upload for a key relative to the table's location."""

_ROW_GROUP_ROWS: Final = 1_048_576
PartitionValues = tuple[str | None, ...]


@attrs.frozen
class Written:
    """What was written.

    Attributes:
        uploads: Pending.
        partitions: Values of the partitions they are in.
        outputs: URI -> keys of the objects that hold its rows.
        rows: URI -> rows, as counted by what was written.
    """

    uploads: tuple[Upload, ...]
    partitions: tuple[PartitionValues, ...]
    outputs: dict[str, tuple[str, ...]]
    rows: dict[str, int]


def write_table(
    table: pa.Table,
    partition_by: tuple[str, ...],
    name: Callable[[int], str],
    open_upload: OpenUpload,
    target_bytes: int,
) -> Written:
    """Write rows as Parquet objects, each in its partition's folder.

    Args:
        table: With the column `_source_file`.
        partition_by: Names of the partition columns, outermost first; they go into the path, not into the objects.
        name: Object name for a number.
        open_upload: Where to write.
        target_bytes: About how many bytes of Arrow data go into one object.
    """
    uploads: list[Upload] = []
    partitions: list[PartitionValues] = []
    outputs: dict[str, list[str]] = {}
    rows: Counter[str] = Counter()
    for values, part in split_by_partition(table, partition_by):
        partitions.append(values)
        for piece in _pieces(part, target_bytes):
            key = partition_folder(partition_by, values) + name(len(uploads))
            uploads.append(write_object(piece, key, open_upload, rewrite=False))
            for uri, count in count_by_file(piece).items():
                outputs.setdefault(uri, []).append(key)
                rows[uri] += count
    return Written(tuple(uploads), tuple(partitions), {u: tuple(k) for u, k in outputs.items()}, dict(rows))


def write_object(table: pa.Table, key: str, open_upload: OpenUpload, *, rewrite: bool) -> Upload:
    """Write one Parquet object as a pending upload; on any failure the upload is put away."""
    upload = open_upload(key)
    try:
        sink = pa.PythonFile(upload, mode="w")
        with pq.ParquetWriter(sink, table.schema, compression="zstd", coerce_timestamps="us") as writer:
            writer.write_table(table, row_group_size=_ROW_GROUP_ROWS)
        return upload.finish(table.num_rows, rewrite=rewrite)
    except BaseException:
        upload.abandon()
        raise


def count_by_file(table: pa.Table) -> dict[str, int]:
    """Rows by `_source_file`."""
    return {v["values"]: v["counts"] for v in pc.value_counts(table[SOURCE_FILE].combine_chunks()).to_pylist()}


def split_by_partition(table: pa.Table, names: tuple[str, ...]) -> Iterator[tuple[PartitionValues, pa.Table]]:
    """The rows of each partition, in their order, without the partition columns."""
    if not names or not table.num_rows:
        if table.num_rows:
            yield (), table
        return
    data = table.drop_columns(list(names))
    # One number a row for its combination of values; rows are then sorted by it (stably) and cut where it changes.
    encoded = [pc.dictionary_encode(table[n].combine_chunks(), null_encoding="encode") for n in names]
    codes = encoded[0].indices.cast(pa.int64())
    for column in encoded[1:]:
        codes = pc.add(pc.multiply(codes, len(column.dictionary)), column.indices.cast(pa.int64()))
    dictionaries = [[hive_text(v) for v in column.dictionary.to_pylist()] for column in encoded]
    data = data.take(pc.sort_indices(codes))
    start = 0
    for code, count in sorted((v["values"], v["counts"]) for v in pc.value_counts(codes).to_pylist()):
        yield _values_of(code, dictionaries), data.slice(start, count)
        start += count


def _values_of(code: int, dictionaries: list[list[str | None]]) -> PartitionValues:
    """The values that were combined into a number."""
    values = []
    for dictionary in reversed(dictionaries):
        code, index = divmod(code, len(dictionary))
        values.append(dictionary[index])
    return tuple(reversed(values))


def _pieces(table: pa.Table, target_bytes: int) -> Iterator[pa.Table]:
    """Slices of about the target size, of equal length."""
    count = max(1, -(-table.nbytes // target_bytes))
    length = -(-table.num_rows // count)
    for start in range(0, table.num_rows, length):
        yield table.slice(start, length)


def hive_text(value: Any) -> str | None:
    """A partition value as Hive writes it in paths and in the catalog; None stays None."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    return str(value)
