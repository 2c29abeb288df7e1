"""A Parquet column's type into a contract column's, at any depth: what casts it is found once for a file. Pure."""

from __future__ import annotations

import attrs
import pyarrow as pa
import pyarrow.types as pt

from alur_runtime.contracts.options import FileOptions
from alur_runtime.contracts.spec import Column, ContractSpec, is_array, is_struct
from alur_runtime.formats.arrow_casts import plan_cast
from alur_runtime.formats.arrow_times import Calendar
from alur_runtime.formats.binding import Binding, bind
from alur_runtime.formats.nested import Cast, Checked, cast_list, cast_struct
from alur_runtime.reasons import Reason
from alur_runtime.rows import RefusedFileError


@attrs.frozen
class Planner:
    """Finds what casts the columns of one file.

    Attributes:
        uri: The file.
        contract: Whose columns they become.
        options: How names are bound.
        calendar: How the file means dates and times.
        with_extras: Columns of the contract within which the file has fields that the contract has not; found while
            planning.
    """

    uri: str
    contract: ContractSpec
    options: FileOptions
    calendar: Calendar
    with_extras: set[str] = attrs.field(factory=set)

    def plan(self, source: pa.DataType, column: Column, target: pa.DataType, path: str) -> Cast:
        """What casts a column.

        Args:
            source: The file's type.
            column: Of the contract, at any depth.
            target: Its Arrow type there.
            path: Where it is in the contract.

        Raises:
            RefusedFileError: If no value of the file's type can ever be one of the contract's.
        """
        if not column.fields:
            cast = plan_cast(source, column, self.calendar)
            if cast is None:
                raise self._never(source, column, path)
            return cast
        if pt.is_null(source):
            return lambda values: Checked(pa.nulls(len(values), target))
        if is_array(column) and (pt.is_list(source) or pt.is_large_list(source) or pt.is_fixed_size_list(source)):
            (element,) = column.fields
            inner = self.plan(source.value_type, element, target.value_type, f"{path}.{element.name}")
            return lambda values: cast_list(values, target, inner)
        if is_struct(column) and pt.is_struct(source):
            return self._plan_struct(source, column, target, path)
        raise self._never(source, column, path)

    def _plan_struct(self, source: pa.StructType, column: Column, target: pa.StructType, path: str) -> Cast:
        binding = self._bind_fields([field.name for field in source], column, path)
        if binding.extras:
            self.with_extras.add(path.partition(".")[0])
        fields: list[tuple[int | None, Cast]] = []
        for position, field, kind in zip(binding.positions, column.fields, target, strict=True):
            found = pa.null() if position is None else source[position].type
            fields.append((position, self.plan(found, field, kind.type, f"{path}.{field.name}")))
        return lambda values: cast_struct(values, target, fields)

    def _bind_fields(self, names: list[str], column: Column, path: str) -> Binding:
        part = ContractSpec(f"{self.contract.name}.{path}", column.fields, extras=self.contract.extras)
        try:
            return bind(names, self.uri, part, self.options)
        except RefusedFileError as error:
            name = f"{path}.{error.column}"
            raise RefusedFileError(self.uri, error.reason, error.problem, column=name) from error

    def _never(self, source: pa.DataType, column: Column, path: str) -> RefusedFileError:
        return RefusedFileError(
            self.uri,
            Reason.HEADER_MISMATCH,
            f"is {source} in the file, of which no value is ever a {column.type} as contract {self.contract.name} "
            "has it: change the column's type, or what writes the file",
            column=path,
        )
