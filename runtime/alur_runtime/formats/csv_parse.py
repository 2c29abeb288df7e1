"""Plain CSV blocks by Arrow: typed where everything fits, or else as texts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import attrs
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from alur_runtime.contracts.options import CsvOptions
from alur_runtime.contracts.spec import Column, decimal_digits
from alur_runtime.formats.convert import ZONED, convert, decimal_to_parse, decimals_fit, row_numbers, years_fit
from alur_runtime.formats.csv_blocks import Block
from alur_runtime.formats.times import from_local
from alur_runtime.formats.values import INT_BITS, reading_of
from alur_runtime.table.schema import TIMESTAMP, arrow_type

_BOM: Final = b"\xef\xbb\xbf"
_HEX: Final = (b"0x", b"0X")  # Arrow reads 0x10 as 16
_NAN_OF: Final = re.compile(rb"nan\(", re.IGNORECASE)
_TINY: Final = re.compile(rb"[eE]-[0-9]|[.,]0{30}")
_LOCAL: Final = pa.timestamp("us")
_SAMPLE: Final = 100


@attrs.frozen
class Texts:
    """The fields of some records as texts.

    Attributes:
        columns: Texts by position, null where one stands for a missing value.
        records: Which of the block's records they are, from 0.
        wrong_counts: Records of another number of fields: which, and how many they have.
    """

    columns: Mapping[int, pa.Array]
    records: pa.Array
    wrong_counts: Mapping[int, int]


class BlockParser:
    """Parses the plain blocks of one file.

    Args:
        width: How many fields a record has.
        columns: Columns of the contract by the position of their field.
        extras: Positions of fields that are wanted as texts.
        options: How the file is written.

    Attributes:
        wanted: Positions of the fields that are parsed, at least one.
    """

    def __init__(self, width: int, columns: Mapping[int, Column], extras: Sequence[int], options: CsvOptions) -> None:
        self.wanted: Final = sorted({*columns, *extras}) or [0]
        self._names = [str(position) for position in range(width)]
        self._columns = columns
        self._has_ints = any(column.type in INT_BITS for column in columns.values())
        self._options = options
        self._reading = reading_of(options)
        # Arrow wants to know whether times have offsets: learnt from the blocks before. Only speed depends on it.
        self._times = {p: _LOCAL for p, c in columns.items() if c.type == "timestamp" and not options.timestamp_formats}

    def typed(self, block: Block) -> dict[int, pa.Array] | None:
        """The columns by position if every record fits, else None; extras as texts.

        What Arrow reads in another way than the strict reader does not fit either.
        """
        if self._has_ints and any(mark[1:] in block.data and mark in block.data for mark in _HEX):
            return None
        types = {position: self._parsed_type(position, column) for position, column in self._columns.items()}
        try:
            table = self._parse(block, types, use_threads=True)
        except pa.ArrowInvalid:
            return None
        found: dict[int, pa.Array] = {}
        for position in self.wanted:
            values = table[str(position)].combine_chunks()
            column = self._columns.get(position)
            if column is not None:
                values = self._fitting(values, column, block)
                if values is None or (values.null_count and not column.nullable):
                    return None
            found[position] = values
        return found

    def texts(self, block: Block) -> Texts:
        """The fields as texts, of those records that have as many as they should."""
        wrong: dict[int, int] = {}

        def note(row: pacsv.InvalidRow) -> str:
            wrong[row.number - 1] = row.actual_columns
            return "skip"

        # In one thread: only then rows are numbered.
        table = self._parse(block, {}, use_threads=False, on_wrong_count=note)
        columns = {position: table[str(position)].combine_chunks() for position in self.wanted}
        for position in self._times:
            self._times[position] = _how_written(columns[position])
        records = row_numbers(0, table.num_rows + len(wrong))
        if wrong:
            records = records.filter(pc.invert(pc.is_in(records, pa.array(list(wrong), pa.int64()))))
        return Texts(columns, records, wrong)

    def _parse(
        self,
        block: Block,
        types: Mapping[int, pa.DataType],
        *,
        use_threads: bool,
        on_wrong_count: Callable[[pacsv.InvalidRow], str] | None = None,
    ) -> pa.Table:
        options = self._options
        data = block.data
        if data.startswith(_BOM):  # Arrow would take it for a byte order mark; blank lines it reads past
            data = b"\n" + data
        if not data.endswith((b"\n", b"\r")):  # an empty last field would be taken for a quoted one
            data += b"\n"
        return pacsv.read_csv(
            pa.BufferReader(data),
            read_options=pacsv.ReadOptions(
                use_threads=use_threads,
                block_size=len(data) + 1,  # all in one piece
                column_names=self._names,
            ),
            parse_options=pacsv.ParseOptions(
                delimiter=options.separator,
                quote_char=options.quote or False,
                newlines_in_values=block.inner_lines,
                invalid_row_handler=on_wrong_count,
            ),
            convert_options=pacsv.ConvertOptions(
                check_utf8=False,  # it was checked
                column_types={str(p): types.get(p, pa.string()) for p in self.wanted},
                include_columns=[str(p) for p in self.wanted],
                null_values=options.null_values,
                strings_can_be_null=True,
                quoted_strings_can_be_null=options.quoted_nulls,
                true_values=options.true_values,
                false_values=options.false_values,
                decimal_point="," if options.decimal_comma else ".",
            ),
        )

    def _parsed_type(self, position: int, column: Column) -> pa.DataType:
        if column.type == "timestamp":
            return self._times.get(position, pa.string())
        if column.type == "binary" or (column.type == "date" and self._options.date_formats):
            return pa.string()
        digits = decimal_digits(column.type)
        if digits and decimal_to_parse(*digits) != arrow_type(column):
            return pa.string()  # a type that Arrow reads from texts, and not from CSV
        return arrow_type(column)

    def _fitting(self, values: pa.Array, column: Column, block: Block) -> pa.Array | None:
        """The values as they are read strictly, or None where Arrow may have read them in another way."""
        kind = column.type
        if kind != "string" and pa.types.is_string(values.type):
            converted = convert(values, column, self._reading)
            return None if converted.faults else converted.values
        fits = True
        if kind in ("float", "double"):
            fits = _floats_fit(values, block.data)
        elif digits := decimal_digits(kind):
            fits = decimals_fit(values, digits[0])
        elif kind in ("date", "timestamp"):
            fits = years_fit(values)
        if fits and values.type == _LOCAL:
            values, faults = from_local(values, self._reading.times)
            fits = not faults
        return values if fits else None


def _floats_fit(values: pa.Array, data: bytes) -> bool:
    """Whether none of the floats can be other than its text: Arrow reads 1e400, 1e-400 and nan(...) without a word."""
    if pc.any(pc.is_inf(values)).as_py():
        return False
    if pc.any(pc.is_nan(values)).as_py() and _NAN_OF.search(data):
        return False
    return not (pc.any(pc.equal(values, pa.scalar(0, values.type))).as_py() and _TINY.search(data))


def _how_written(texts: pa.Array) -> pa.DataType:
    """As what Arrow can read a column of times, by some of them."""
    zoned = pc.match_substring_regex(texts.slice(0, _SAMPLE), ZONED)
    if not pc.any(zoned).as_py():
        return _LOCAL
    return TIMESTAMP if pc.all(zoned).as_py() else pa.string()
