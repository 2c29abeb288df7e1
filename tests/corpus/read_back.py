"""What a run has left: the table by DuckDB and the catalog, and the quarantine. Shares no code with what wrote them."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from tests.runtime.world import World

_NULL = "__HIVE_DEFAULT_PARTITION__"
_DUCKDB_TYPES = {
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "int": "INTEGER",
    "bigint": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "string": "VARCHAR",
    "binary": "BLOB",
    "date": "DATE",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
}


def read_table(world: World) -> list[dict[str, Any]]:
    """Every row of the table; its columns and partitions are the catalog's.

    Raises:
        AssertionError: If an object is of no partition of the catalog, or has another type than the catalog says.
    """
    config = world.config
    glue = world.clients.glue
    table = glue.get_table(DatabaseName=config.table.database, Name=config.table.name)["Table"]
    columns = {c["Name"]: c["Type"] for c in table["StorageDescriptor"]["Columns"]}
    keys = {k["Name"]: k["Type"] for k in table.get("PartitionKeys", [])}
    pages = glue.get_paginator("get_partitions").paginate(
        DatabaseName=config.table.database, TableName=config.table.name
    )
    partitions = {p["StorageDescriptor"]["Location"]: p["Values"] for page in pages for p in page["Partitions"]}
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for key in world.objects():
            place = f"s3://{world.lake}/{key.rpartition('/')[0]}/"
            assert not keys or place in partitions, f"{key} is in no partition of the catalog: {sorted(partitions)}"
            values = partitions[place] if keys else []
            fixed = {n: _partition_value(v, t) for (n, t), v in zip(keys.items(), values, strict=True)}
            path = Path(folder) / "object.parquet"
            path.write_bytes(world.clients.s3.get_object(Bucket=world.lake, Key=key)["Body"].read())
            rows += ({**row, **fixed} for row in _read_object(connection, path, columns))
    return rows


def _read_object(
    connection: duckdb.DuckDBPyConnection, path: Path, columns: dict[str, str]
) -> Iterator[dict[str, Any]]:
    found = connection.execute(f"SELECT * FROM read_parquet('{path}', hive_partitioning = false)")
    assert found.description is not None
    # The catalog folds names to lower case; readers match them so.
    names = [d[0] for d in found.description]
    types = {name.lower(): str(d[1]) for name, d in zip(names, found.description, strict=True)}
    for name, glue_type in columns.items():
        if "<" not in glue_type:
            expected = _DUCKDB_TYPES.get(glue_type, glue_type.upper())
            assert types[name.lower()] == expected, f"{name} is {types[name.lower()]}, the catalog says {glue_type}"
    assert len(names) == len(columns), f"the object has {names}, the catalog {list(columns)}"
    while chunk := found.fetchmany(10_000):
        for values in chunk:
            yield {name: plain(value) for name, value in zip(names, values, strict=True)}


def _partition_value(text: str, glue_type: str) -> Any:
    if text == _NULL:
        return None
    if glue_type in ("tinyint", "smallint", "int", "bigint"):
        return int(text)
    if glue_type == "date":
        return dt.date.fromisoformat(text)
    if glue_type == "boolean":
        return {"true": True, "false": False}[text]
    if glue_type.startswith("decimal"):
        return decimal.Decimal(text)
    return text


def read_quarantine(world: World) -> list[dict[str, Any]]:
    """Every quarantined row, in the order of the objects' keys and their lines."""
    bucket, _, prefix = world.config.table.quarantine.removeprefix("s3://").partition("/")
    pages = world.clients.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
    bodies = [world.clients.s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys]
    return [json.loads(line) for body in bodies for line in body.decode().split("\n") if line]


def plain(value: Any) -> Any:
    """A value in the one form that is compared: times in UTC; a time without a zone is in UTC."""
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return bytes(value) if isinstance(value, bytearray | memoryview) else value


def same(one: Any, other: Any) -> bool:
    """Whether two plain values are the same, of the same type: 1 is not 1.0 nor True, and NaN is NaN."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return repr(one) == repr(other) if isinstance(one, float) else bool(one == other)
