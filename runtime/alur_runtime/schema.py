"""Contract types as Arrow types. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import pyarrow as pa

from alur_runtime.contract import Column, decimal_digits

TIMESTAMP: Final = pa.timestamp("us", tz="UTC")

_ARROW_TYPES: Final[dict[str, pa.DataType]] = {
    "bigint": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "string": pa.string(),
    "date": pa.date32(),
    "timestamp": TIMESTAMP,
}


def arrow_type(glue_type: str) -> pa.DataType:
    """The Arrow type of a contract's Glue type."""
    digits = decimal_digits(glue_type)
    return pa.decimal128(*digits) if digits else _ARROW_TYPES[glue_type]


def arrow_schema(columns: Iterable[Column]) -> pa.Schema:
    """The Arrow schema of some columns, in order."""
    return pa.schema([pa.field(c.name, arrow_type(c.type), nullable=c.nullable) for c in columns])
