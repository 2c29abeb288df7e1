"""Rows into partitions: the values, how Hive writes them, and the rows of each. Pure."""

from __future__ import annotations

import datetime as dt
import decimal
import zlib
from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from alur_runtime.contracts.spec import ContractSpec, DerivedPartition, PartitionTransform
from alur_runtime.naming import NULL_PARTITION, escaped_length
from alur_runtime.reasons import Reason
from alur_runtime.rows import BadRow

PartitionValues = tuple[str | None, ...]

_TIME_FORMATS: Final = {
    PartitionTransform.DAY: "%Y-%m-%d",
    PartitionTransform.MONTH: "%Y-%m",
    PartitionTransform.HOUR: "%Y-%m-%d-%H",
}
_MOST_ESCAPED: Final = 255  # of a partition value in a key: keys have 1,024 bytes in all, and other stores 255 a name
_SHOWN_CHARACTERS: Final = 80


def partition_texts(table: pa.Table, contract: ContractSpec) -> list[pa.DictionaryArray]:
    """The value of each row in each partition column as Hive writes it; null stays null.

    Args:
        table: With the contract's columns.
        contract: Says what the table is partitioned by.

    Returns:
        A dictionary-encoded array of text for each of `partition_by`, in its order. A dictionary may hold a text
        more than once.
    """
    derived = {d.name: d for d in contract.derived}
    return [_texts(table, name, derived.get(name)) for name in contract.partition_by]


def count_partitions(table: pa.Table, contract: ContractSpec) -> int:
    """How many partitions the rows are in."""
    if not contract.partition_by or not table.num_rows:
        return 1 if table.num_rows else 0
    codes = _codes(partition_texts(table, contract))
    return int(pc.count_distinct(codes).as_py())


def split_by_partition(table: pa.Table, contract: ContractSpec) -> Iterator[tuple[PartitionValues, pa.Table]]:
    """The rows of each partition, in their order, without the contract's partition columns."""
    if not table.num_rows:
        return
    if not contract.partition_by:
        yield (), table
        return
    encoded = partition_texts(table, contract)
    data = table.drop_columns([c.name for c in contract.columns if c.name in contract.partition_by])
    # One number a row for its combination of values; rows are then sorted by it (stably) and cut where it changes.
    codes = _codes(encoded)
    counts = sorted((v["values"], v["counts"]) for v in pc.value_counts(codes).to_pylist())
    dictionaries = [column.dictionary.to_pylist() for column in encoded]
    if len(counts) == 1:
        yield _values_of(counts[0][0], dictionaries), data
        return
    order = pc.sort_indices(codes)
    data = data.combine_chunks()  # taking from many chunks is slow
    start = 0
    for code, count in counts:
        # Taken, not sliced from one sorted table: a slice that waits would hold the whole of it in memory.
        yield _values_of(code, dictionaries), data.take(order.slice(start, count))
        start += count


def find_unwritable(table: pa.Table, contract: ContractSpec, rows: pa.ChunkedArray, room: int) -> list[BadRow]:
    """Rows with partition values that readers of Hive-style folders would not read back as they are.

    Args:
        table: With the contract's columns.
        contract: Says what the table is partitioned by.
        rows: The rows' record numbers.
        room: How many bytes all folders of a row may take in a key.
    """
    found: dict[int, BadRow] = {}
    columns = partition_texts(table, contract)
    for name, encoded in zip(contract.partition_by, columns, strict=True):
        for index, text in enumerate(encoded.dictionary.to_pylist()):
            problem = _unwritable(text)
            if not problem:
                continue
            for row in rows.filter(pc.equal(encoded.indices, index)).to_pylist():
                bad = BadRow(row=row, reason=Reason.BAD_VALUE, problem=problem, column=name, value=text)
                found.setdefault(row, bad)
    for row in rows.filter(_are_too_long(contract.partition_by, columns, room)).to_pylist() if columns else ():
        problem = f"its partition values {', '.join(contract.partition_by)} together make a key over 1,024 bytes long"
        found.setdefault(row, BadRow(row=row, reason=Reason.BAD_VALUE, problem=problem))
    return [found[row] for row in sorted(found)]


def _are_too_long(names: tuple[str, ...], columns: list[pa.DictionaryArray], room: int) -> pa.Array:
    """Whether the folders of each row take more bytes than there is room for."""
    total = pa.scalar(sum(len(name.encode()) + 2 for name in names), pa.int64())  # name, =, value, /
    for column in columns:
        texts = column.dictionary.to_pylist()
        lengths = [escaped_length(NULL_PARTITION if text is None else text) for text in texts]
        total = pc.add(total, pa.array(lengths, pa.int64()).take(column.indices))
    return pc.greater(total, room)


def _unwritable(text: str | None) -> str:
    if text is None:
        return ""
    if text == "":
        return "is an empty text, which Hive cannot tell from null in a partition column"
    if "\0" in text:
        return f"{text[:_SHOWN_CHARACTERS]!r} holds a NUL character, which a path cannot hold"
    if text == NULL_PARTITION:
        return f"is {NULL_PARTITION!r}, which is how Hive writes null in a partition column"
    if escaped_length(text) > _MOST_ESCAPED:
        return f"{text[:_SHOWN_CHARACTERS]!r}... is too long for a partition column: {_MOST_ESCAPED} bytes in a path"
    return ""


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


def _texts(table: pa.Table, name: str, derived: DerivedPartition | None) -> pa.DictionaryArray:
    values = table[name if derived is None else derived.column].combine_chunks()
    if derived is not None and derived.transform in _TIME_FORMATS:
        # Times rarely repeat, their days do: format first what is cheap to format, then encode.
        values = pc.strftime(_floor(values, derived.transform), _TIME_FORMATS[derived.transform])
    encoded = pc.dictionary_encode(values, null_encoding="encode")
    texts = [hive_text(v) for v in encoded.dictionary.to_pylist()]
    if derived is not None and derived.transform is PartitionTransform.BUCKET:
        texts = [None if t is None else str(zlib.crc32(t.encode()) % derived.buckets) for t in texts]
    # Encoded anew where texts may repeat (buckets), so that a partition has one code.
    merged = {text: index for index, text in enumerate(dict.fromkeys(texts))}
    places = pa.array([merged[text] for text in texts], pa.int32())
    indices = places.take(encoded.indices)
    return pa.DictionaryArray.from_arrays(indices, pa.array(list(merged), pa.string()))


def _floor(values: pa.Array, transform: PartitionTransform) -> pa.Array:
    """Times at the start of their day or hour as UTC without a zone, which need no zone database to be formatted."""
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.timestamp(values.type.unit))
        unit = "hour" if transform is PartitionTransform.HOUR else "day"
        return pc.floor_temporal(values, unit=unit).cast(pa.timestamp("s"))
    return values.cast(pa.timestamp("s"))


def _codes(encoded: list[pa.DictionaryArray]) -> pa.Array:
    codes = encoded[0].indices.cast(pa.int64())
    for column in encoded[1:]:
        codes = pc.add(pc.multiply(codes, len(column.dictionary)), column.indices.cast(pa.int64()))
    return codes


def _values_of(code: int, dictionaries: list[list[str | None]]) -> PartitionValues:
    """The values that were combined into a number."""
    values = []
    for dictionary in reversed(dictionaries):
        code, index = divmod(code, len(dictionary))
        values.append(dictionary[index])
    return tuple(reversed(values))
