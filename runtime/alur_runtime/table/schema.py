"""Contract types as Arrow types. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import pyarrow as pa

from alur_runtime.config import SOURCE_ROW
from alur_runtime.contracts.spec import RESCUED, Column, ContractSpec, Extras, decimal_digits, is_array, is_struct

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
    return _type(column, hidden=column.nullable)


def arrow_field(column: Column) -> pa.Field:
    """The Arrow field of a column."""
    return pa.field(column.name, arrow_type(column), nullable=column.nullable)


def _type(column: Column, *, hidden: bool) -> pa.DataType:
    """The type of a column.

    Args:
        column: Of any depth.
        hidden: Whether it, or a struct around it, may be missing as a whole. Arrow has a slot for each of its fields
            even then, which holds null: so they are nullable there, whatever the contract says, and it is the
            readers who see to it that nothing is missing in a struct that is there.
    """
    if digits := decimal_digits(column.type):
        return pa.decimal128(*digits)
    if is_array(column):
        (element,) = column.fields
        kind = _type(element, hidden=element.nullable)
        return pa.list_(pa.field(element.name, kind, nullable=element.nullable))
    if is_struct(column):
        fields = [(f, hidden or f.nullable) for f in column.fields]
        return pa.struct([pa.field(f.name, _type(f, hidden=missing), nullable=missing) for f, missing in fields])
    return _ARROW_TYPES[column.type]


def arrow_schema(columns: Iterable[Column]) -> pa.Schema:
    """The Arrow schema of some columns, in order."""
    return pa.schema([arrow_field(c) for c in columns])


def rows_schema(contract: ContractSpec) -> pa.Schema:
    """What readers make of a file: the contract's columns, `_rescued` if it has one, and `_source_row`."""
    rescued = [pa.field(RESCUED, pa.string())] if contract.extras is Extras.RESCUE else []
    row = pa.field(SOURCE_ROW, pa.int64(), nullable=False)
    return pa.schema([*arrow_schema(contract.columns), *rescued, row])
