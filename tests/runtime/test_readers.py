"""What the catalog says is what readers of the table read: every type, bare and nested, at its extremes."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import duckdb
import pytest

from alur_pulumi.catalog import column_name, stored_columns
from alur_runtime.config import SourceConfig
from alur_runtime.contracts.options import JsonLinesOptions, ParquetOptions
from alur_runtime.contracts.spec import Column, decimal_digits, is_array, is_struct
from tests.corpus.read_back import plain, same
from tests.runtime.every_type import EVERYTHING, FINITE, NOT_FINITE, as_json_lines, as_parquet
from tests.runtime.world import World

_DUCKDB = {
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
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
OWN = ("_ingested_at", "_source_system", "_source_file", "_source_row")


@pytest.fixture
def table(aws: str, tmp_path: Path) -> tuple[World, Path]:
    """A table of every type, made by a run of Parquet and JSON Lines files, and the folder of its objects."""
    world = World.make(aws, EVERYTHING)
    sources = (
        SourceConfig(name="parquet", uri=f"s3://{world.landing}/parquet/", files=ParquetOptions()),
        SourceConfig(name="json", uri=f"s3://{world.landing}/json/", files=JsonLinesOptions()),
    )
    world.config = attrs.evolve(world.config, sources=sources)
    world.land("parquet/a.parquet", as_parquet([*FINITE, *NOT_FINITE]))
    world.land("json/a.jsonl", as_json_lines(FINITE))
    report = world.run()
    assert (report.outcome, report.rows_written) == ("completed", 2 * len(FINITE) + len(NOT_FINITE)), report
    for number, key in enumerate(world.objects()):
        body = world.clients.s3.get_object(Bucket=world.lake, Key=key)["Body"].read()
        (tmp_path / f"{number}.parquet").write_bytes(body)
    return world, tmp_path


def catalog(world: World) -> dict[str, str]:
    """Names and types, as the components write them into the catalog."""
    columns = stored_columns(world.config.contract, world.config.on_change)
    return {column_name(column): column.type for column in columns}


def expected(source: str) -> list[dict[str, Any]]:
    return [*FINITE, *NOT_FINITE] if source == "parquet" else FINITE


def test_duckdb_reads_the_types_of_the_catalog_and_the_values_that_landed(table: tuple[World, Path]) -> None:
    world, folder = table
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = connection.execute(f"SELECT * FROM read_parquet('{folder}/*.parquet') ORDER BY number")
        assert found.description is not None
        names = [d[0] for d in found.description]
        types = {name: str(d[1]) for name, d in zip(names, found.description, strict=True)}
        for column in EVERYTHING.columns:
            assert types[column.name].replace('"', "") == _duckdb_type(column)
        assert {name.lower() for name in names} == catalog(world).keys()
        rows = [dict(zip(names, map(plain, values), strict=True)) for values in found.fetchall()]
    for source in ("parquet", "json"):
        data = [{k: v for k, v in row.items() if k not in OWN} for row in rows if row["_source_system"] == source]
        for one, other in zip(data, expected(source), strict=True):
            assert same(one, plain(other)), (one, other)


def _duckdb_type(column: Column) -> str:
    if is_array(column):
        return f"{_duckdb_type(column.fields[0])}[]"
    if is_struct(column):
        fields = (f"{f.name} {_duckdb_type(f)}" for f in column.fields)
        return f"STRUCT({', '.join(fields)})"
    return _DUCKDB.get(column.type, column.type.upper())


@pytest.mark.spark
def test_spark_reads_by_the_catalogs_types_what_landed(table: tuple[World, Path]) -> None:
    world, folder = table
    asked = json.dumps({"folder": str(folder), "columns": list(catalog(world).items())})
    reader = Path(__file__).with_name("spark_reader.py")
    environment = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "TZ": "America/New_York"}
    command = [sys.executable, str(reader), asked]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    rows = [json.loads(line.removeprefix("ROW ")) for line in done.stdout.splitlines() if line.startswith("ROW ")]
    rows.sort(key=lambda row: row["number"])
    for source in ("parquet", "json"):
        data = [row for row in rows if row["_source_system"] == source]
        for found, wanted in zip(data, expected(source), strict=True):
            for column in EVERYTHING.columns:
                one, other = _typed(found[column.name.lower()], column), _text(wanted[column.name], column)
                assert same(one, other), (column.name, one, other)


def _typed(value: Any, column: Column) -> Any:
    """What Spark wrote down, so that it compares exactly."""
    if value is None:
        return None
    if is_array(column):
        return [_typed(item, column.fields[0]) for item in value]
    if is_struct(column):
        return {f.name: _typed(value[f.name.lower()], f) for f in column.fields}
    return decimal.Decimal(value) if decimal_digits(column.type) else value


def _text(value: Any, column: Column) -> Any:
    """A value that landed, as the Spark reader writes it down."""
    if value is None:
        return None
    if is_array(column):
        return [_text(item, column.fields[0]) for item in value]
    if is_struct(column):
        return {f.name: _text(value[f.name], f) for f in column.fields}
    if column.type == "timestamp":
        return (value - _EPOCH) // dt.timedelta(microseconds=1)
    if column.type == "date":
        return (value - _EPOCH.date()).days
    return value.hex().upper() if column.type == "binary" else value
