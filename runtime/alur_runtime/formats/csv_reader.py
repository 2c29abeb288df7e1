"""CSV files into rows: typed by Arrow where everything fits; only blocks in which something does not are looked into.

Three ways through a block lead to the same rows; which is taken decides on nothing but speed:

1. It is plain and everything fits: Arrow's typed parse, with guards for what Arrow takes and should not.
2. It is plain and something does not fit: Arrow's parse into texts, and `convert` column by column.
3. It is not plain (see `csv_blocks`): split by `csv_records`, and then `convert` too.
"""

from __future__ import annotations

import bisect
import codecs
from collections.abc import Iterator, Mapping
from typing import BinaryIO, Final

import attrs
import pyarrow as pa
import pyarrow.compute as pc

from alur_runtime.contracts.options import CsvOptions
from alur_runtime.contracts.spec import ContractSpec, Extras
from alur_runtime.formats.binding import Binding, bind, rescued_texts
from alur_runtime.formats.convert import convert, row_numbers
from alur_runtime.formats.csv_blocks import Block, Blocks
from alur_runtime.formats.csv_marks import count_line_ends, find_marks
from alur_runtime.formats.csv_parse import BlockParser, Texts
from alur_runtime.formats.csv_records import RecordReader, Records
from alur_runtime.formats.nested import MISSING
from alur_runtime.formats.text import TextStream, open_text
from alur_runtime.formats.values import reading_of
from alur_runtime.reasons import Reason
from alur_runtime.rows import BadRow, Chunk, RefusedFileError
from alur_runtime.table.schema import arrow_type, rows_schema

_BAD_BLOCKS: Final = 2


@attrs.frozen
class _Fault:
    """What is wrong with a record."""

    reason: Reason
    problem: str
    column: str | None = None
    value: str | None = None


def read_csv(file: BinaryIO, uri: str, contract: ContractSpec, options: CsvOptions) -> Iterator[Chunk]:
    """Read a CSV file, chunk by chunk, in flat memory.

    Args:
        file: The raw object, seekable.
        uri: For errors.
        contract: The columns; none of them has parts (see `binding.check_readable`).
        options: How the file is written.

    Raises:
        RefusedFileError: If it cannot be taken, maybe after some chunks.
    """
    stream = open_text(file, uri, options)
    records = RecordReader(options)
    blocks = Blocks(stream, records, uri)
    blocks.skip_lines(options.skip_rows)
    names = list(options.columns) or _names(blocks.header(), uri, stream)
    if not names:
        return
    binding = bind(names, uri, contract, options)
    rows = _Rows(uri, contract, options, binding=binding, width=len(names), stream=stream, records=records)
    for block in blocks:
        yield rows.read(block)


def _names(header: list[bytes], uri: str, stream: TextStream) -> list[str]:
    try:
        return [name.decode() for name in header]
    except UnicodeDecodeError as error:
        shown = ", ".join(stream.show(name) for name in header)
        raise RefusedFileError(
            uri,
            Reason.UNREADABLE,
            f"the header holds bytes that are no {stream.encoding}: {shown}; "
            "set the source's encoding to what the file is written in",
        ) from error


class _Rows:
    """Makes the rows of one file."""

    def __init__(
        self,
        uri: str,
        contract: ContractSpec,
        options: CsvOptions,
        *,
        binding: Binding,
        width: int,
        stream: TextStream,
        records: RecordReader,
    ) -> None:
        self._uri = uri
        self._contract = contract
        self._binding = binding
        self._extras = binding.extras if contract.extras is Extras.RESCUE else ()
        self._width = width
        self._given = "its source's columns" if options.columns else "the header"
        self._stream = stream
        self._records = records
        self._reading = reading_of(options)
        bound = zip(binding.positions, contract.columns, strict=True)
        columns = {position: column for position, column in bound if position is not None}
        self._parser = BlockParser(width, columns, [position for position, _ in self._extras], options)
        self._schema = rows_schema(contract)
        self._first = 1  # the number of the block's first record
        self._bad_blocks = 0  # how many came one after the other

    def read(self, block: Block) -> Chunk:
        """The rows of the next block."""
        chunk = self._split(block) if block.records is not None else self._plain(block)
        self._first += block.count
        self._bad_blocks = self._bad_blocks + 1 if chunk.bad else 0
        return chunk

    def _plain(self, block: Block) -> Chunk:
        faults: dict[int, _Fault] = {}
        sound = block
        kept: pa.Array | None = None
        if not _is_text(block.data):
            sound, kept = self._without_bad_text(block, faults)
        # Where bad rows come in crowds, a typed parse is mostly in vain.
        tried = self._bad_blocks < _BAD_BLOCKS
        if tried and (columns := self._parser.typed(sound)) is not None:
            count = len(next(iter(columns.values())))
            rows = kept if kept is not None and len(kept) == count else row_numbers(0, count)
            return self._chunk(block, self._typed(columns, count), rows, faults)
        texts = self._parser.texts(sound)
        if kept is not None:
            wrong = {kept[record].as_py(): fields for record, fields in texts.wrong_counts.items()}
            texts = Texts(texts.columns, kept.take(texts.records), wrong)
        for record, fields in texts.wrong_counts.items():
            faults[record] = self._wrong_count(fields)
        return self._convert(block, texts.columns, texts.records, faults)

    def _without_bad_text(self, block: Block, faults: dict[int, _Fault]) -> tuple[Block, pa.Array]:
        """The block without the records that hold bytes that are no text, and which records are left."""
        data = memoryview(block.data)
        starts, ends = (list(places) for places in zip(*self._bounds(block, [*range(block.count)]), strict=True))
        at = last = 0
        parts: list[memoryview] = []
        while True:
            try:
                codecs.utf_8_decode(data[at:], "strict", True)
            except UnicodeDecodeError as error:
                record = bisect.bisect_right(starts, at + error.start) - 1
                faults[record] = self._bad_text(block.data[starts[record] : ends[record]])
                parts.append(data[last : starts[record]])
                at = last = ends[record]
            else:
                break
        parts.append(data[last:])
        rows = row_numbers(0, block.count)
        kept = rows.filter(pc.invert(pc.is_in(rows, pa.array(list(faults), pa.int64()))))
        return attrs.evolve(block, data=b"".join(parts), count=len(kept)), kept

    def _split(self, block: Block) -> Chunk:
        """The rows of a block that is not plain."""
        found: Records = block.records or Records()
        faults: dict[int, _Fault] = {}
        all_text = _is_text(block.data)
        kept: list[int] = []
        texts: dict[int, list[str | None]] = {position: [] for position in self._parser.wanted}
        for record, fields in enumerate(found.fields):
            raw = b"" if all_text else block.data[found.starts[record] : found.ends[record]]
            if not _is_text(raw):
                faults[record] = self._bad_text(raw)
            elif record in found.problems:
                faults[record] = _Fault(Reason.BAD_RECORD, found.problems[record])
            elif len(fields) != self._width:
                faults[record] = self._wrong_count(len(fields))
            else:
                kept.append(record)
                for position, column in texts.items():
                    text = self._records.text(fields[position])
                    column.append(None if text is None else text.decode())
        columns = {position: pa.array(column, pa.string()) for position, column in texts.items()}
        return self._convert(block, columns, pa.array(kept, pa.int64()), faults)

    def _convert(
        self, block: Block, texts: Mapping[int, pa.Array], records: pa.Array, faults: dict[int, _Fault]
    ) -> Chunk:
        """The rows of texts.

        Args:
            block: That they are of.
            texts: By position.
            records: Which of the block's records they are.
            faults: Of its other records; those of values are added.
        """
        columns = dict(texts)
        by_row: dict[int, _Fault] = {}
        for position, column in zip(self._binding.positions, self._contract.columns, strict=True):
            if position is None:
                continue
            column_texts = texts[position]
            converted = convert(column_texts, column, self._reading)
            columns[position] = converted.values
            for row, fault in converted.faults.items():
                if row not in by_row:
                    value = column_texts[row].as_py()
                    by_row[row] = _Fault(fault.reason, fault.problem, column.name, value)
            if not column.nullable and column_texts.null_count:
                for row in pc.indices_nonzero(pc.is_null(column_texts)).to_pylist():
                    by_row.setdefault(row, _Fault(Reason.NULL_VALUE, MISSING, column.name))
        arrays = self._typed(columns, len(records))
        if by_row:
            faults |= {records[row].as_py(): fault for row, fault in by_row.items()}
            keep = pc.invert(pc.is_in(row_numbers(0, len(records)), pa.array(list(by_row), pa.int64())))
            arrays = [array.filter(keep) for array in arrays]
            records = records.filter(keep)
        return self._chunk(block, arrays, records, faults)

    def _typed(self, columns: Mapping[int, pa.Array], count: int) -> list[pa.Array]:
        """The contract's columns in order, and `_rescued` if it has one."""
        arrays = [
            pa.nulls(count, arrow_type(column)) if position is None else columns[position]
            for position, column in zip(self._binding.positions, self._contract.columns, strict=True)
        ]
        if self._contract.extras is Extras.RESCUE:
            extras = [(name, columns[position]) for position, name in self._extras]
            arrays.append(rescued_texts(extras) if extras else pa.nulls(count, pa.string()))
        return arrays

    def _chunk(self, block: Block, arrays: list[pa.Array], records: pa.Array, faults: Mapping[int, _Fault]) -> Chunk:
        table = pa.table([*arrays, pc.add(records, self._first)], schema=self._schema)
        return Chunk(table, self._bad_rows(block, faults) if faults else (), block.count)

    def _bad_rows(self, block: Block, faults: Mapping[int, _Fault]) -> tuple[BadRow, ...]:
        records = sorted(faults)
        line, at = block.line, 0
        bad: list[BadRow] = []
        for record, (start, end) in zip(records, self._bounds(block, records), strict=True):
            fault = faults[record]
            line += count_line_ends(block.data, at, start)
            at = start
            bad.append(
                BadRow(
                    row=self._first + record,
                    reason=fault.reason,
                    problem=fault.problem,
                    line=line,
                    column=fault.column,
                    value=fault.value,
                    record=self._stream.show(block.data[start:end]),
                )
            )
        return tuple(bad)

    def _bounds(self, block: Block, records: list[int]) -> list[tuple[int, int]]:
        """Where some of the block's records begin and end."""
        if block.records is not None:
            return [(block.records.starts[record], block.records.ends[record]) for record in records]
        size = len(block.data)
        starts, ends = find_marks(block.data, self._records.quote, size).records(size)
        return list(zip(starts.take(records).to_pylist(), ends.take(records).to_pylist(), strict=True))

    def _bad_text(self, record: bytes) -> _Fault:
        """What is wrong with a record that holds bytes that are no text: the first column that does, if it is one."""
        problem = f"holds bytes that are no {self._stream.encoding}"
        found = self._records.read(record, final=True).fields
        if found and len(found[0]) == self._width:
            for position, column in zip(self._binding.positions, self._contract.columns, strict=True):
                value = b"" if position is None else self._records.value(found[0][position])
                if not _is_text(value):
                    shown = self._stream.show(value)
                    return _Fault(Reason.BAD_ENCODING, f"{shown!r} {problem}", column.name, shown)
        return _Fault(Reason.BAD_ENCODING, problem)

    def _wrong_count(self, fields: int) -> _Fault:
        noun = "field" if fields == 1 else "fields"
        return _Fault(Reason.FIELD_COUNT, f"has {fields} {noun} where {self._given} has {self._width}")


def _is_text(data: bytes) -> bool:
    """Whether bytes are UTF-8."""
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
