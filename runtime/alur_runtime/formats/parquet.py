"""Parquet files into rows: columns by name, values cast only where nothing is lost, row group by row group."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import attrs
import pyarrow as pa
import pyarrow.parquet as pq

from alur_runtime.contracts.options import ParquetOptions
from alur_runtime.contracts.spec import Column, ContractSpec, Extras
from alur_runtime.formats.arrow_times import FINER, Calendar
from alur_runtime.formats.binding import Binding, bind, fold
from alur_runtime.formats.convert import row_numbers
from alur_runtime.formats.int96 import find_cut
from alur_runtime.formats.json_text import encode, leftovers
from alur_runtime.formats.nested import MISSING, Cast, Fault, find_missing
from alur_runtime.formats.nested_casts import Planner
from alur_runtime.formats.render import json_values
from alur_runtime.formats.times import times_of
from alur_runtime.reasons import Reason
from alur_runtime.rows import BadRow, Chunk, RefusedFileError
from alur_runtime.table.schema import rows_schema

_MAGIC: Final = b"PAR1"
_ENCRYPTED: Final = b"PARE"
_READ_BYTES: Final = 1024 * 1024
BATCH_BYTES: int = 16 * 1024 * 1024  # of data, about; tests make it small
_MOST_ROWS: Final = 65_536
_SHOWN_CHARACTERS: Final = 64 * 1024  # of a bad row
_SPARK_VERSION: Final = b"org.apache.spark.version"
_LEGACY_KEYS: Final = (b"org.apache.spark.legacyDateTime", b"org.apache.spark.legacyINT96")


def read_parquet(file: BinaryIO, uri: str, contract: ContractSpec, options: ParquetOptions) -> Iterator[Chunk]:
    """Read a file; memory stays flat as long as its pages are.

    Args:
        file: The raw object, seekable.
        uri: For errors.
        contract: Its columns; what may be missing and is not there becomes null.
        options: How names are bound, and the zone of timestamps without one.

    Yields:
        Chunks, in order. They count what the file's footer says, not what was read.

    Raises:
        RefusedFileError: If the file is damaged or none, if its names cannot be bound, or if one of its types can
            never be that of its column.
    """
    size = file.seek(0, os.SEEK_END)
    if not size:
        return
    _check_magic(file, uri, size)
    reader = _Reader.open(pa.PythonFile(file, mode="r"), uri, contract, options)
    row = 1
    for group in range(reader.file.metadata.num_row_groups):
        left = reader.file.metadata.row_group(group).num_rows
        for batch, finer in reader.batches(group):
            yield reader.chunk(batch, finer, row, min(left, batch.num_rows))
            row += batch.num_rows
            left -= batch.num_rows
        if left:
            problem = f"row group {group + 1} should have {left:,} more rows, or fewer: it is damaged"
            raise RefusedFileError(uri, Reason.DAMAGED, problem)


def _check_magic(file: BinaryIO, uri: str, size: int) -> None:
    file.seek(0)
    head = file.read(len(_MAGIC))
    file.seek(max(0, size - len(_MAGIC)))
    tail = file.read(len(_MAGIC))
    file.seek(0)
    if _ENCRYPTED in (head, tail):
        raise RefusedFileError(uri, Reason.UNREADABLE, "is encrypted Parquet, which cannot be read: write it in plain")
    if head != _MAGIC:
        problem = f"is no Parquet file: it begins with {head!r}, not {_MAGIC!r}"
        raise RefusedFileError(uri, Reason.UNREADABLE, problem)
    if tail != _MAGIC:
        raise RefusedFileError(uri, Reason.DAMAGED, "is cut off: its end is not that of a Parquet file")


def _refusal(uri: str, error: Exception) -> Exception:
    """What an error of Arrow means for the file; the file's own errors (it could not be fetched) stay what they are."""
    if isinstance(error, OSError) and (type(error) is not OSError or error.errno is not None):
        return error
    if isinstance(error, NotImplementedError):
        return RefusedFileError(uri, Reason.UNREADABLE, f"cannot be read as Parquet: {error}")
    return RefusedFileError(uri, Reason.DAMAGED, f"is damaged: {error}")


@attrs.frozen
class _Reader:
    """One file and how it is read.

    Attributes:
        file: The file.
        finer: The same, with times in nanoseconds, where they are stored so that microseconds would be cut (INT96).
    """

    file: pq.ParquetFile
    finer: pq.ParquetFile | None
    uri: str
    contract: ContractSpec
    options: ParquetOptions
    binding: Binding
    casts: tuple[Cast | None, ...]
    with_extras: frozenset[str]

    @classmethod
    def open(cls, source: pa.PythonFile, uri: str, contract: ContractSpec, options: ParquetOptions) -> _Reader:
        try:
            file = _open(source, "us")
            schema, known = file.schema_arrow, file.metadata.metadata or {}
            int96 = any(file.schema.column(i).physical_type == "INT96" for i in range(len(file.schema)))
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _refusal(uri, error) from error
        binding = bind(schema.names, uri, contract, options)
        legacy = any(key in known for key in _LEGACY_KEYS) or known.get(_SPARK_VERSION, b"3") < b"3"
        planner = Planner(uri, contract, options, Calendar(times_of(options), legacy))
        casts: list[Cast | None] = []
        for column, field, position in zip(contract.columns, rows_schema(contract), binding.positions, strict=False):
            bound = position is not None
            casts.append(planner.plan(schema.field(position).type, column, field.type, column.name) if bound else None)
        return cls(
            file,
            _open(source, "ns") if int96 else None,
            uri,
            contract,
            options,
            binding,
            tuple(casts),
            frozenset(planner.with_extras),
        )

    def batches(self, group: int) -> Iterator[tuple[pa.RecordBatch, pa.RecordBatch | None]]:
        """The rows of a row group, with the same in nanoseconds where that is needed."""
        found = self._batches(self.file, group)
        if self.finer is None:
            yield from ((batch, None) for batch in found)
        else:
            yield from zip(found, self._batches(self.finer, group), strict=True)

    def _batches(self, file: pq.ParquetFile, group: int) -> Iterator[pa.RecordBatch]:
        names = file.schema_arrow.names
        wanted = [names[p] for p in self.binding.positions if p is not None]
        if self.contract.extras is Extras.RESCUE:
            wanted = names
        try:
            about = file.metadata.row_group(group)
            width = max(1, about.total_byte_size // max(1, about.num_rows))
            rows = max(1, min(_MOST_ROWS, BATCH_BYTES // width))
            yield from file.iter_batches(batch_size=rows, row_groups=[group], columns=wanted)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise _refusal(self.uri, error) from error

    def chunk(self, batch: pa.RecordBatch, finer: pa.RecordBatch | None, first: int, records: int) -> Chunk:
        """The rows of a batch, the first of which has a number."""
        names = self.file.schema_arrow.names
        faults: dict[int, tuple[Column, Fault]] = {}
        arrays: list[pa.Array] = []
        schema = rows_schema(self.contract)
        for column, position, cast in zip(self.contract.columns, self.binding.positions, self.casts, strict=True):
            if position is None or cast is None:
                arrays.append(pa.nulls(batch.num_rows, schema.field(column.name).type))
                continue
            values = batch.column(names[position])
            checked = cast(values)
            arrays.append(checked.values)
            found = dict(checked.faults)
            if finer is not None:
                for index, path in find_cut(values, finer.column(names[position])).items():
                    found.setdefault(index, Fault(Reason.LOST_PRECISION, f"a value {FINER}", path=path))
            for index, path in find_missing(checked.values, column).items():
                found.setdefault(index, Fault(Reason.NULL_VALUE, MISSING, path=path))
            for index, fault in found.items():
                faults.setdefault(index, (column, fault))
        if self.contract.extras is Extras.RESCUE:
            arrays.append(self._rescued(batch))
        arrays.append(row_numbers(first, batch.num_rows))
        table = pa.Table.from_arrays(arrays, schema=schema)
        if not faults:
            return Chunk(table, (), records)
        bad = sorted(faults)
        fits = pa.array([index not in faults for index in range(batch.num_rows)])
        shown = _rows(batch.take(pa.array(bad)))
        rows = [
            BadRow(
                row=first + index,
                reason=faults[index][1].reason,
                problem=faults[index][1].problem,
                column=faults[index][0].name + faults[index][1].path,
                value=faults[index][1].value,
                record=encode(record)[:_SHOWN_CHARACTERS],
            )
            for index, record in zip(bad, shown, strict=True)
        ]
        return Chunk(table.filter(fits), tuple(rows), records)

    def _rescued(self, batch: pa.RecordBatch) -> pa.Array:
        """What the rows have beside the contract's columns, at any depth, as JSON; null where that is nothing."""
        names = self.file.schema_arrow.names
        rows: list[dict[str, Any]] = [{} for _ in range(batch.num_rows)]
        for position, name in self.binding.extras:
            for row, value in zip(rows, json_values(batch.column(names[position])), strict=True):
                row[name] = value
        for column, bound in zip(self.contract.columns, self.binding.positions, strict=True):
            if bound is None or column.name not in self.with_extras:
                continue
            for row, value in zip(rows, json_values(batch.column(names[bound])), strict=True):
                row.update(leftovers({column.name: value}, (column,), lambda key: fold(key, self.options)))
        return pa.array([encode(row) if row else None for row in rows], pa.string())


def _open(source: pa.PythonFile, unit: str) -> pq.ParquetFile:
    return pq.ParquetFile(
        source,
        coerce_int96_timestamp_unit=unit,
        page_checksum_verification=True,
        # Page by page: a row group may be larger than memory.
        buffer_size=_READ_BYTES,
        pre_buffer=False,
    )


def _rows(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    columns = [json_values(values) for values in batch.columns]
    return [dict(zip(batch.schema.names, row, strict=True)) for row in zip(*columns, strict=True)]
