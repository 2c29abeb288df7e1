"""The check's look at S3: objects, their footers and rows, uploads that are pending, manifests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TypeVar

import attrs
import pyarrow as pa
import pyarrow.parquet as pq
from botocore.exceptions import ClientError

from alur_runtime.config import SOURCE_FILE, structure
from alur_runtime.errors import ConfigError
from alur_runtime.fsck.names import is_folder_mark
from alur_runtime.fsck.state import Object, Unknown
from alur_runtime.model import MANIFEST_FORMAT
from alur_runtime.table.ranges import RangedObject
from alur_runtime.table.store import get_bytes, is_gone, list_objects
from alur_runtime.table.write import count_by_file

_T = TypeVar("_T")


def objects_of(s3: Any, location: str) -> Iterator[Object]:
    """The objects of a store, but for those that only stand for a folder."""
    for found in list_objects(s3, location):
        if not is_folder_mark(found.key, found.size):
            yield Object(found.key, found.etag, found.size)


def with_footer(s3: Any, location: str, found: Object) -> Object:
    """An object with the number of rows that its footer says."""
    return _opened(s3, location, found, _count)


def with_rows(s3: Any, location: str, found: Object) -> Object:
    """An object with its rows by file, of which only that column is read."""
    return _opened(s3, location, found, _count_by_file)


def _opened(s3: Any, location: str, found: Object, look: Any) -> Object:
    try:
        file = pq.ParquetFile(RangedObject(s3, location + found.key, found.size))
        result: Object = look(found, file)
    except (pa.ArrowException, OSError) as error:  # the latter also if it was rewritten between two reads
        said = str(error).partition("\n")[0]
        return attrs.evolve(found, problem=f"cannot be read as Parquet: {said}")
    except ClientError as error:
        if is_gone(error):
            return attrs.evolve(found, changed=True)
        raise
    return result


def _count(found: Object, file: pq.ParquetFile) -> Object:
    return attrs.evolve(found, rows=file.metadata.num_rows)


def _count_by_file(found: Object, file: pq.ParquetFile) -> Object:
    if SOURCE_FILE not in file.schema_arrow.names:
        return attrs.evolve(found, problem=f"has no column {SOURCE_FILE}: another tool has written it")
    counts: dict[str, int] = {}
    for group in range(file.num_row_groups):
        for uri, rows in count_by_file(file.read_row_group(group, [SOURCE_FILE])).items():
            counts[uri] = counts.get(uri, 0) + rows
    return attrs.evolve(found, rows=file.metadata.num_rows, by_file=counts)


def read_manifest(s3: Any, uri: str, cls: type[_T], seq: str) -> _T | str | Unknown:
    """A manifest; or why it cannot be read; or what is unknown of its form.

    Args:
        s3: A boto3 client.
        uri: Of the manifest.
        cls: `BatchPlan` or `CommitManifest`.
        seq: The batch that it is of.
    """
    try:
        data = json.loads(get_bytes(s3, uri))
    except ClientError as error:
        if is_gone(error):
            return "is not there"
        raise
    except ValueError as error:
        return f"is no JSON: {error}"
    form = data.get("format") if isinstance(data, dict) else None
    if form != MANIFEST_FORMAT:
        return Unknown(uri, f"has the form {form!r}; this version reads {MANIFEST_FORMAT}", seq=seq)
    try:
        return structure(data, cls)
    except ConfigError as error:
        return Unknown(uri, error.problem, seq=seq)
