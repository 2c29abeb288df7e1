"""Contract types as Arrow types. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import pyarrow as pa

from alur_runtime.config import SOURCE_ROW
from alur_runtime.contract import RESCUED, Column, ContractSpec, Extras, decimal_digits

TIMESTAMP: Final = pa.timestamp("us", tz="UTC")

_ARROW_TYPES: Final[dict[str, pa.DataType]] = {
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "string": pa.string(),
    "binary": pa.binary(),
    "date": pa.date32(),
    "timestamp": TIMESTAMP,
}


def arrow_type(column: Column) -> pa.DataType:
    """The Arrow type of a column."""
    if digits := decimal_digits(column.type):
        return pa.decimal128(*digits)
    if not column.fields:
        return _ARROW_TYPES[column.type]
    fields = [arrow_field(f) for f in column.fields]
    return pa.list_(fields[0]) if column.type.startswith("array<") else pa.struct(fields)


def arrow_field(column: Column) -> pa.Field:
    """The Arrow field of a column."""
    return pa.field(column.name, arrow_type(column), nullable=column.nullable)


def arrow_schema(columns: Iterable[Column]) -> pa.Schema:
    """The Arrow schema of some columns, in order."""
    return pa.schema([arrow_field(c) for c in columns])


def rows_schema(contract: ContractSpec) -> pa.Schema:
    """What readers make of a file: the contract's columns, `_rescued` if it has one, and `_source_row`."""
    rescued = [pa.field(RESCUED, pa.string())] if contract.extras is Extras.RESCUE else []
    row = pa.field(SOURCE_ROW, pa.int64(), nullable=False)
    return pa.schema([*arrow_schema(contract.columns), *rescued, row])
