"""The user's transform: one file's rows in, the rows to write out, with counts that stay exact."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs
import pyarrow as pa
import pyarrow.compute as pc

from alur_runtime.config import SOURCE_ROW
from alur_runtime.contracts.options import ParquetOptions
from alur_runtime.contracts.spec import RESCUED, Column, ContractSpec
from alur_runtime.formats.arrow_times import Calendar
from alur_runtime.formats.nested import Cast, find_missing
from alur_runtime.formats.nested_casts import Planner
from alur_runtime.formats.times import Times
from alur_runtime.kernel.user_code import load_function, told
from alur_runtime.reasons import Reason
from alur_runtime.rows import RefusedFileError
from alur_runtime.table.schema import rows_schema

_WHY: Final = f"{SOURCE_ROW} says which record of the file a row was made of: that is what keeps counts of rows exact"
_ANY_INTEGER: Final = pa.decimal128(20, 0)


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
        self._transform, self._table, self._uri = transform, table, uri
        self._schema = rows_schema(contract)
        own = (Column(RESCUED, "string", nullable=True), Column(SOURCE_ROW, "bigint"))
        self._columns = (*contract.columns, *(c for c in own if c.name in self._schema.names))
        # What a Parquet file may hold for a column, a transform may return.
        self._planner = Planner(uri, contract, ParquetOptions(), Calendar(Times()))

    def result(self) -> Transformed:
        try:
            returned = self._transform.function(self._table)
        except Exception as error:
            raise self._refuse(f"raised {told(error)}") from error
        if not isinstance(returned, pa.Table):
            raise self._refuse(f"returned a {type(returned).__name__}; it must return a pyarrow.Table")
        self._check_names(returned)
        numbers = self._numbers(returned[SOURCE_ROW])
        columns = [self._column(column, returned[column.name], numbers) for column in self._columns]
        table = pa.table(columns, schema=self._schema)
        records_in, records_out = (pc.count_distinct(t[SOURCE_ROW]).as_py() for t in (self._table, table))
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

    def _numbers(self, returned: pa.ChunkedArray) -> pa.ChunkedArray:
        """The numbers of the records that rows were made of, if they are those of records that were handed in."""
        if not pa.types.is_integer(returned.type):
            raise self._refuse(f"returned {SOURCE_ROW!r} as {returned.type}; it must stay a column of integers. {_WHY}")
        # As decimals numbers of every integer type can be compared.
        known = pc.is_in(returned.cast(_ANY_INTEGER), value_set=self._table[SOURCE_ROW].cast(_ANY_INTEGER))
        position = pc.index(known, False).as_py()
        if position >= 0:
            value = returned[position].as_py()
            problem = "no value" if value is None else f"{value:,}, which is no record that it got,"
            raise self._refuse(f"returned {problem} as {SOURCE_ROW!r} of row {position + 1:,} of its table. {_WHY}")
        return returned

    def _column(self, column: Column, returned: pa.ChunkedArray, numbers: pa.ChunkedArray) -> pa.ChunkedArray:
        """A returned column in the contract's type; only casts that keep every value are made."""
        cast = self._plan(column, returned.type)
        start, chunks = 0, []
        for chunk in returned.chunks:
            checked = cast(chunk)
            if checked.faults:
                first = min(checked.faults)
                fault = checked.faults[first]
                row, path = numbers[start + first].as_py(), f"{column.name}{fault.path}"
                raise self._refuse(f"returned a value that does not fit: {fault.problem}", row=row, column=path)
            if missing := find_missing(checked.values, column):
                first = min(missing)
                row, path = numbers[start + first].as_py(), f"{column.name}{missing[first]}"
                raise self._refuse("left no value, and it is not nullable", row=row, column=path)
            chunks.append(checked.values)
            start += len(chunk)
        return pa.chunked_array(chunks, self._schema.field(column.name).type)

    def _plan(self, column: Column, returned: pa.DataType) -> Cast:
        wanted = self._schema.field(column.name).type
        try:
            cast = self._planner.plan(returned, column, wanted, column.name)
        except RefusedFileError as error:
            problem = f"returned type {returned}, the contract has {wanted}: cast the column in the transform"
            raise self._refuse(problem, column=error.column) from error
        if column.name in self._planner.with_extras:
            problem = f"returned type {returned}, with a field that the contract does not have: it has {wanted}"
            raise self._refuse(problem, column=column.name)
        return cast
