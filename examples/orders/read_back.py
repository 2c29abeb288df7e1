"""Reads the table as anyone would, by the Glue catalog: shares no code with what wrote it."""

import re
from typing import Any
from urllib.parse import urlsplit

import boto3
import pyarrow as pa
import pyarrow.parquet as pq

TYPES = {
    "bigint": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "string": pa.string(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}


def arrow_type(glue_type: str) -> pa.DataType:
    """The Arrow type that a reader takes for a type of the catalog."""
    if digits := re.fullmatch(r"decimal\((\d+),(\d+)\)", glue_type):
        return pa.decimal128(int(digits[1]), int(digits[2]))
    return TYPES[glue_type]


def read_table(database: str, name: str) -> pa.Table:
    """All rows of a table: columns, types, partitions and places are the catalog's.

    Objects outside of the catalog's partitions are not read: a partition that was not registered shows as rows missing.
    """
    glue = boto3.client("glue")
    table = glue.get_table(DatabaseName=database, Name=name)["Table"]
    keys = table.get("PartitionKeys", [])
    columns = table["StorageDescriptor"]["Columns"]
    stored = pa.schema([(c["Name"], arrow_type(c["Type"])) for c in columns])
    schema = pa.schema([*stored, *((k["Name"], arrow_type(k["Type"])) for k in keys)])
    if not keys:
        pieces = [_read_folder(table["StorageDescriptor"]["Location"], stored)]
    else:
        pages = glue.get_paginator("get_partitions").paginate(DatabaseName=database, TableName=name)
        pieces = [_read_partition(p, keys, stored) for page in pages for p in page["Partitions"]]
    return pa.concat_tables([schema.empty_table(), *pieces])


def _read_partition(partition: dict[str, Any], keys: list[dict[str, str]], stored: pa.Schema) -> pa.Table:
    rows = _read_folder(partition["StorageDescriptor"]["Location"], stored)
    for key, value in zip(keys, partition["Values"], strict=True):
        text = None if value == "__HIVE_DEFAULT_PARTITION__" else value
        constant = pa.repeat(pa.scalar(text, pa.string()), rows.num_rows).cast(arrow_type(key["Type"]))
        rows = rows.append_column(key["Name"], constant)
    return rows


def _read_folder(location: str, stored: pa.Schema) -> pa.Table:
    s3 = boto3.client("s3")
    found = []
    for bucket, key in list_objects(location):
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        found.append(pq.read_table(pa.BufferReader(body), partitioning=None).select(stored.names).cast(stored))
    return pa.concat_tables([stored.empty_table(), *found])


def list_objects(location: str) -> list[tuple[str, str]]:
    """Bucket and key of every object below an s3:// URI."""
    place = urlsplit(location)
    pages = boto3.client("s3").get_paginator("list_objects_v2")
    found = pages.paginate(Bucket=place.netloc, Prefix=place.path.lstrip("/"))
    return [(place.netloc, entry["Key"]) for page in found for entry in page.get("Contents", ())]
