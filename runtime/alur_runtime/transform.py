"""The user's transform: one file's rows in, the rows to write out, with counts that stay exact."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Final

import attrs
import pyarrow as pa
import pyarrow.compute as pc

from alur_runtime.config import SOURCE_ROW
from alur_runtime.contract import Column, ContractSpec
from alur_runtime.reasons import Reason
from alur_runtime.rows import RefusedFileError
from alur_runtime.schema import TIMESTAMP, rows_schema
from alur_runtime.user_code import load_function, told

_WHY: Final = f"{SOURCE_ROW} says which record of the file a row was made of: that is what keeps counts of rows exact"
_ANY_INTEGER: Final = pa.decimal128(20, 0)  # holds every int64 and uint64
_FIRST_TIME: Final = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
_LAST_TIME: Final = dt.datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=dt.UTC)

# From which types values are cast: those of which Arrow refuses each value that would change.
_kinds: Final = pa.types
_CASTS: Final = (
    (_kinds.is_string, (_kinds.is_large_string, _kinds.is_string_view)),
    (_kinds.is_binary, (_kinds.is_large_binary, _kinds.is_fixed_size_binary, _kinds.is_binary_view)),
    (_kinds.is_integer, (_kinds.is_integer,)),
    (_kinds.is_decimal, (_kinds.is_integer, _kinds.is_decimal)),
    (_kinds.is_float64, (_kinds.is_integer, _kinds.is_floating)),
    (_kinds.is_float32, (_kinds.is_integer, _kinds.is_float16)),
    (_kinds.is_timestamp, (_kinds.is_timestamp, _kinds.is_date)),
    (_kinds.is_date, (_kinds.is_date,)),
)


@attrs.frozen
class Transform:
    """A function of the user's wheel.

    Attributes:
        name: ``module:function``.
        function: Takes a file's rows (the contract's columns, `_rescued` if the contract has it, `_source_row`) and
            returns the rows to write, with the same columns in any order. Rows may be changed, left out, repeated
            (an explode) and reordered.
    """

    name: str
    function: Callable[[pa.Table], pa.Table]


@attrs.frozen
class Transformed:
    """What a transform made of a file's rows.

    Attributes:
        table: Rows to write, in the contract's types, with `_source_row`.
        dropped: Records of which no row was made.
        added: Rows beyond the first that were made of a record, over all records.
    """

    table: pa.Table
    dropped: int
    added: int


def load_transform(name: str | None) -> Transform | None:
    """The transform called ``module:function``, or None.

    Raises:
        ConfigError: If it cannot be loaded.
    """
    return None if name is None else Transform(name, load_function("transform", name))


def apply_transform(transform: Transform, table: pa.Table, uri: str, contract: ContractSpec) -> Transformed:
    """Transform a file's rows.

    Args:
        transform: The user's.
        table: The rows as they were read, with `_source_row`.
        uri: The file, for errors.
        contract: What the rows that come out must fit.

    Raises:
        RefusedFileError: With the reason `transform_failed`: it raised an error (whose traceback is in the text), or
            what it returned is no table that fits.
    """
    return _Application(transform, table, uri, contract).result()


class _Application:
    def __init__(self, transform: Transform, table: pa.Table, uri: str, contract: ContractSpec) -> None:
        self._transform, self._table, self._uri, self._contract = transform, table, uri, contract
        self._schema = rows_schema(contract)

    def result(self) -> Transformed:
        try:
            returned = self._transform.function(self._table)
        except Exception as error:
            raise self._refuse(f"raised {told(error)}") from error
        if not isinstance(returned, pa.Table):
            raise self._refuse(f"returned a {type(returned).__name__}; it must return a pyarrow.Table")
        self._check_names(returned)
        table = pa.table([self._column(f, returned[f.name]) for f in self._schema], schema=self._schema)
        records_out = self._check_numbers(table[SOURCE_ROW])
        self._check_values(table)
        records_in = pc.count_distinct(self._table[SOURCE_ROW]).as_py()
        return Transformed(table, dropped=records_in - records_out, added=table.num_rows - records_out)

    def _refuse(self, problem: str, *, row: int | None = None, column: str | None = None) -> RefusedFileError:
        text = f"transform {self._transform.name} {problem}"
        return RefusedFileError(self._uri, Reason.TRANSFORM_FAILED, text, row=row, column=column)

    def _check_names(self, returned: pa.Table) -> None:
        names = returned.column_names
        if twice := sorted({n for n in names if names.count(n) > 1}):
            raise self._refuse(f"returned column {twice[0]!r} twice")
        if SOURCE_ROW not in names:
            raise self._refuse(f"returned no column {SOURCE_ROW!r}: keep it where you select columns. {_WHY}")
        if missing := [n for n in self._schema.names if n not in names]:
            raise self._refuse(f"returned no column {missing[0]!r}; it must return {', '.join(self._schema.names)}")
        if more := [n for n in names if n not in self._schema.names]:
            raise self._refuse(
                f"returned a column {more[0]!r} that the contract does not have: drop it, or add it to the contract"
            )

    def _column(self, field: pa.Field, values: pa.ChunkedArray) -> pa.ChunkedArray:
        """A returned column in the contract's type; only casts that keep every value are made."""
        if values.type == field.type:
            return values
        if not _castable(_decoded(values.type), field.type):
            problem = f"returned type {values.type}, the contract has {field.type}: cast the column in the transform"
            raise self._refuse(problem, column=field.name)
        try:
            return _cast(values, field.type)
        except pa.ArrowException as error:
            position = _first_misfit(values, field.type)
            problem = f"returned a value that does not fit {field.type} at row {position + 1:,} of its table: {error}"
            raise self._refuse(problem, column=field.name) from error

    def _check_numbers(self, numbers: pa.ChunkedArray) -> int:
        """Refuse numbers of records that were not handed in; return how many records have rows."""
        if numbers.null_count:
            position = pc.index(numbers.is_null(), True).as_py()
            raise self._refuse(f"returned no value in {SOURCE_ROW!r} at row {position + 1:,}. {_WHY}")
        known = pc.is_in(numbers, value_set=self._table[SOURCE_ROW])
        position = pc.index(known, False).as_py()
        if position >= 0:
            raise self._refuse(
                f"returned {SOURCE_ROW!r} {numbers[position].as_py():,}, which is no record that it got. {_WHY}"
            )
        return int(pc.count_distinct(numbers).as_py())

    def _check_values(self, table: pa.Table) -> None:
        for column in self._contract.columns:
            values = table[column.name]
            path, position = _missing(column, values)
            if path:
                problem = "left no value, and the column is not nullable"
                raise self._refuse(problem, row=table[SOURCE_ROW][position].as_py(), column=path)
            if column.type in ("date", "timestamp") and (position := _out_of_years(values)) >= 0:
                problem = "returned a time outside the years 1 to 9999"
                raise self._refuse(problem, row=table[SOURCE_ROW][position].as_py(), column=column.name)


def _out_of_years(values: pa.ChunkedArray) -> int:
    """Position of the first date or time that no reader could show, or -1."""
    first = pa.scalar(_FIRST_TIME, TIMESTAMP).cast(values.type)
    last = pa.scalar(_LAST_TIME, TIMESTAMP).cast(values.type, safe=False)
    return int(pc.index(pc.or_(pc.less(values, first), pc.greater(values, last)), True).as_py())


def _first_misfit(values: pa.ChunkedArray, wanted: pa.DataType) -> int:
    """The first position whose value cannot be cast, found by halves."""
    low, high = 0, len(values)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            _cast(values.slice(low, middle - low), wanted)
        except pa.ArrowException:
            high = middle
        else:
            low = middle
    return low


def _cast(values: pa.ChunkedArray, wanted: pa.DataType) -> pa.ChunkedArray:
    # Arrow judges an integer type by its widest value; through a decimal that holds them all it looks at each.
    if pa.types.is_decimal(wanted) and pa.types.is_integer(values.type):
        values = values.cast(_ANY_INTEGER)
    return values.cast(wanted)


def _decoded(given: pa.DataType) -> pa.DataType:
    return given.value_type if pa.types.is_dictionary(given) else given


def _castable(given: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether values of a type may be cast to the contract's."""
    if given == wanted or _kinds.is_null(given):
        return True
    if _kinds.is_list(wanted):
        is_list = _kinds.is_list(given) or _kinds.is_large_list(given)
        return is_list and _castable(given.value_type, wanted.value_type)
    if _kinds.is_struct(wanted):
        fields, others = list(given) if _kinds.is_struct(given) else [], list(wanted)
        return [f.name for f in fields] == [f.name for f in others] and all(
            _castable(f.type, o.type) for f, o in zip(fields, others, strict=True)
        )
    return any(is_given(given) for is_wanted, from_ in _CASTS if is_wanted(wanted) for is_given in from_)


def _missing(column: Column, values: pa.ChunkedArray) -> tuple[str, int]:
    """Path and position of the first value that is missing where none may be; an empty path if there is none."""
    if not column.fields:
        missing = not column.nullable and values.null_count
        return (column.name, pc.index(values.is_null(), True).as_py()) if missing else ("", -1)
    start = 0
    for chunk in values.chunks:
        positions = pa.array(range(start, start + len(chunk)), pa.int64())
        if (found := _missing_within(column, column.name, chunk, positions))[0]:
            return found
        start += len(chunk)
    return "", -1


def _missing_within(column: Column, path: str, values: pa.Array, positions: pa.Array) -> tuple[str, int]:
    if not column.nullable and values.null_count:
        return path, positions[pc.index(values.is_null(), True).as_py()].as_py()
    if not column.fields:
        return "", -1
    if pa.types.is_list(values.type):
        children, positions = [pc.list_flatten(values)], positions.take(pc.list_parent_indices(values))
    else:
        there = values.is_valid()
        valid, positions = values.filter(there), positions.filter(there)
        children = [pc.struct_field(valid, [n]) for n in range(len(column.fields))]
    inner = zip(column.fields, children, strict=True)
    found = (_missing_within(field, f"{path}.{field.name}", child, positions) for field, child in inner)
    return next((f for f in found if f[0]), ("", -1))
