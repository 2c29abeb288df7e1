"""Reads Parquet objects by a catalog's types with Spark and its defaults; a process of its own: Java and grpc clash.

Call it with a JSON object: `folder` of the objects, and `columns`, the catalog's names and types in order. It prints
the rows as JSON, one a line, with values as text where a reader in between might change them.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as f
from pyspark.sql.column import Column
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    DataType,
    DateType,
    DecimalType,
    StructType,
    TimestampType,
)


def as_text(value: Column, kind: DataType) -> Column:
    """What is compared of a value: numbers of days and microseconds, bytes as hex, decimals and floats by digits."""
    if isinstance(kind, ArrayType):
        return f.transform(value, lambda item: as_text(item, kind.elementType))
    if isinstance(kind, StructType):
        fields = [as_text(value[field.name], field.dataType).alias(field.name) for field in kind]
        return f.when(value.isNotNull(), f.struct(*fields))
    if isinstance(kind, TimestampType):
        return f.unix_micros(value)
    if isinstance(kind, DateType):
        return f.unix_date(value)
    if isinstance(kind, BinaryType):
        return f.hex(value)
    return value.cast("string") if isinstance(kind, DecimalType) else value


def main() -> None:
    asked: dict[str, Any] = json.loads(sys.argv[1])
    schema = ", ".join(f"`{name}` {kind}" for name, kind in asked["columns"])
    spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    table = spark.read.schema(schema).parquet(asked["folder"])
    plain = table.select([as_text(table[field.name], field.dataType).alias(field.name) for field in table.schema])
    for row in plain.collect():
        sys.stdout.write(f"ROW {json.dumps(row.asDict(recursive=True))}\n")


if __name__ == "__main__":
    main()
