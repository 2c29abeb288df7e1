"""Lines of JSON into rows all at once, by Arrow's parser, wherever that is sure to read what the strict reader reads.

Arrow reads a stream of JSON values, not lines; takes NaN and Infinity for numbers; makes zero of what is too small for
a float; lets decimals have too many digits; and takes a stack frame for each level of nesting. Blocks in which one of
these could make a difference are left to the strict reader, as are all in which something does not fit. What the
parser itself refuses (keys that are there twice, halves of surrogate pairs, values of another kind) is left to it too.
"""

from __future__ import annotations

import re
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
import pyarrow.types as pt

from alur_runtime.contracts.options import JsonLinesOptions
from alur_runtime.contracts.spec import Column, ContractSpec, Extras, decimal_digits, is_array, is_struct
from alur_runtime.formats.binding import fold
from alur_runtime.formats.convert import convert, decimal_to_parse, decimals_fit, row_numbers
from alur_runtime.formats.json_text import MOST_DEPTH, is_too_deep
from alur_runtime.formats.nested import Cast, Checked, cast_list, cast_struct, find_missing
from alur_runtime.formats.values import Reading, reading_of
from alur_runtime.table.schema import arrow_type, rows_schema

_AS_TEXT: Final = ("date", "timestamp", "binary")
_BLANKS: Final = b" \t\r"
_CONSTANT: Final = re.compile(rb"[:\[,][ \t\r]*-?(?:NaN|Inf)")
_TINY: Final = re.compile(rb"0{30}|[:\[,][ \t\r]*-?[\d.]+[eE]-\d\d")  # a number less than any float but zero has one


class BulkReader:
    """Reads lines by a contract.

    Args:
        contract: Its columns, and what becomes of other keys.
        options: How the lines are written.
    """

    def __init__(self, contract: ContractSpec, options: JsonLinesOptions) -> None:
        self._contract, self._schema = contract, rows_schema(contract)
        self._parse = pj.ParseOptions(
            explicit_schema=pa.schema([pa.field(c.name, _wire_type(c)) for c in contract.columns]),
            unexpected_field_behavior="infer",  # read as well, so that keys that are there twice are found
        )
        self._reading = reading_of(options)
        self._options = options

    def read(self, data: bytes, records: int, row: int) -> pa.Table | None:
        """The rows of some lines, or None if it takes the strict reader to say what they are.

        Args:
            data: Whole lines.
            records: How many of them are not blank.
            row: Number of the first record.
        """
        lines = _one_object_each(data, records)
        if lines is None or not _is_safe(lines):
            return None
        try:
            parsed = pj.read_json(
                pa.BufferReader(lines), pj.ReadOptions(use_threads=False, block_size=len(lines) + 1), self._parse
            )
        except pa.ArrowInvalid:
            return None
        if parsed.num_rows != records or self._has_others(pa.struct(list(parsed.schema)), self._contract.columns):
            return None
        arrays = []
        for column, field in zip(self._contract.columns, self._schema, strict=False):
            cast = _plan(column, field.type, parsed.schema.field(column.name).type, self._reading, lines)
            try:
                values = cast(parsed[column.name].combine_chunks()).values
            except _UnsureError:
                return None
            if find_missing(values, column):
                return None
            arrays.append(values)
        if self._contract.extras is Extras.RESCUE:
            arrays.append(pa.nulls(records, pa.string()))
        return pa.Table.from_arrays([*arrays, row_numbers(row, records)], schema=self._schema)

    def _has_others(self, found: pa.StructType, columns: tuple[Column, ...]) -> bool:
        """Whether there are keys, at any depth, that must be looked at one by one."""
        names = {c.name: c for c in columns}
        if found.num_fields > len(names) and self._contract.extras is not Extras.IGNORE:
            return True
        # All columns are among what was found: this tells extras that are a column too, or each other.
        if len({fold(field.name, self._options) for field in found}) < found.num_fields:
            return True
        return any(self._has_others_within(found.field(name).type, column) for name, column in names.items())

    def _has_others_within(self, found: pa.DataType, column: Column) -> bool:
        if is_array(column):
            return self._has_others_within(found.value_type, column.fields[0])
        return is_struct(column) and self._has_others(found, column.fields)


def _wire_type(column: Column) -> pa.DataType:
    """What Arrow is to read; of dates, times and bytes the text."""
    if is_array(column):
        return pa.list_(_wire_type(column.fields[0]))
    if is_struct(column):
        return pa.struct([(f.name, _wire_type(f)) for f in column.fields])
    digits = decimal_digits(column.type)
    if digits:
        return decimal_to_parse(*digits)
    return pa.string() if column.type in _AS_TEXT else arrow_type(column)


def _one_object_each(data: bytes, records: int) -> bytes | None:
    """The lines without blank ones, if each begins and ends as an object; None if one does not.

    No line end can be within an object then: after `}` and before `{` there is none. So if there are as many objects
    as lines, each line is one.
    """
    body = data.rstrip(b"\r\n")
    if body[:1] == b"{" and body[-1:] == b"}":
        ends = body.count(b"\n")
        if ends == records - 1 and (body.count(b"}\n{") == ends or body.count(b"}\r\n{") == ends):
            return body
    lines = [line for raw in data.split(b"\n") if (line := raw.strip(_BLANKS))]
    if all(line[:1] == b"{" and line[-1:] == b"}" for line in lines):
        return b"\n".join(lines)
    return None


def _is_safe(lines: bytes) -> bool:
    """Whether the parser can be trusted with the lines."""
    if (b"NaN" in lines or b"Inf" in lines) and _CONSTANT.search(lines):
        return False
    if not lines.isascii():
        try:
            lines.decode()
        except UnicodeDecodeError:
            return False
    if lines.count(b"{") + lines.count(b"[") <= MOST_DEPTH:
        return True
    return not any(len(line) > MOST_DEPTH and is_too_deep(line) for line in lines.split(b"\n"))


class _UnsureError(Exception):
    """There is a value that only the strict reader can decide on."""


def _plan(column: Column, target: pa.DataType, parsed: pa.DataType, reading: Reading, lines: bytes) -> Cast:
    """What makes a column of what was parsed; it raises `_UnsureError`."""
    if is_array(column):
        inner = _plan(column.fields[0], target.value_type, parsed.value_type, reading, lines)
        return lambda values: cast_list(values, target, inner)
    if is_struct(column):
        fields: list[tuple[int | None, Cast]] = []
        for field, kind in zip(column.fields, target, strict=True):
            position = parsed.get_field_index(field.name)
            fields.append((position, _plan(field, kind.type, parsed[position].type, reading, lines)))
        return lambda values: cast_struct(values, target, fields)
    if column.type in _AS_TEXT:
        return lambda values: _from_text(values, column, reading)
    if pt.is_decimal(target):
        return lambda values: Checked(_sure(values, decimals_fit(values, target.precision)).values.cast(target))
    if pt.is_floating(target):
        return lambda values: _sure(values, not pc.any(pc.is_inf(values)).as_py() and not _is_tiny(values, lines))
    return Checked


def _sure(values: pa.Array, sure: object) -> Checked:
    if not sure:
        raise _UnsureError
    return Checked(values)


def _from_text(values: pa.Array, column: Column, reading: Reading) -> Checked:
    found = convert(values, column, reading)
    return _sure(found.values, not found.faults)


def _is_tiny(values: pa.Array, lines: bytes) -> bool:
    """Whether a zero may be a number that is none."""
    zero = pc.any(pc.equal(values, pa.scalar(0, values.type))).as_py()
    return bool(zero) and _TINY.search(lines) is not None
