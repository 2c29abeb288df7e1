"""Names that alur gives: ledger keys, shards, batches, objects and partition folders. Pure functions."""

from __future__ import annotations

import hashlib
import secrets
import time
import zlib
from typing import Final

NULL_PARTITION: Final = "__HIVE_DEFAULT_PARTITION__"
"""The folder that Hive, Spark and Athena read as a null partition value."""

_SORT_KEY_BYTES: Final = 1024  # DynamoDB's limit; an S3 URI may have 1,092
_KEY_BYTES: Final = 1024  # S3's limit of an object's key
_OBJECT_NAME_BYTES: Final = 64  # `object_name` takes 51, and more where attempts or numbers are large
# What Hive escapes in partition paths (FileUtils.charToEscape), and the percent sign itself.
_ESCAPED: Final = frozenset(map(chr, range(1, 32))) | frozenset("\"#%'*/:=?\\{[]^\x7f")


def ledger_key(uri: str) -> str:
    """The sort key of a file's ledger item: its URI, shortened with a digest where DynamoDB's limit asks for it.

    A shortened key ends in ``#`` and 64 hex digits; it does not sort as the URI does.
    """
    raw = uri.encode()
    if len(raw) <= _SORT_KEY_BYTES:
        return uri
    head = raw[: _SORT_KEY_BYTES - 65].decode(errors="ignore")
    return f"{head}#{hashlib.sha256(raw).hexdigest()}"


def shard_of(uri: str, shards: int) -> int:
    """The shard of a file's item: CRC32 of its URI modulo the number of shards."""
    return zlib.crc32(uri.encode()) % shards


def file_partition(table_key: str, uri: str, shards: int) -> str:
    """The hash key of a file's item, such as ``sales.orders#3``."""
    return shard_key(table_key, shard_of(uri, shards))


def shard_key(table_key: str, shard: int) -> str:
    """The hash key of a shard."""
    return f"{table_key}#{shard}"


def new_run_id() -> str:
    """A run's name: it sorts by time, and no two are alike, not even on one Glue run that starts its driver twice."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()) + "-" + secrets.token_hex(4)


def batch_seq(token: int, number: int) -> str:
    """A batch's sequence: planning token, then number; as text it sorts as it was created."""
    return f"{token:012d}-{number:05d}"


def object_name(seq: str, attempt: int, number: int, run_id: str) -> str:
    """Name of a Parquet object. It is never used twice, not even after the ledger was restored from a backup."""
    return f"{seq}.{attempt}.{number:04d}-{run_id[-8:]}.parquet"


def archive_name(token: int, number: int, run_id: str) -> str:
    """Name of an object of the ledger's archive; like that of a Parquet object it is never used twice."""
    return f"{token:012d}-{number}-{run_id[-8:]}.parquet"


def folder_room(location: str) -> int:
    """How many bytes the partition folders of an object may take below a table's location."""
    prefix = location.split("/", 3)[3]
    return _KEY_BYTES - _OBJECT_NAME_BYTES - len(prefix.encode())


def quarantine_name(seq: str, attempt: int, run_id: str) -> str:
    """Name of the object with a batch's bad rows."""
    return f"{seq}.{attempt}-{run_id[-8:]}.jsonl"


def partition_folder(names: tuple[str, ...], values: tuple[str | None, ...]) -> str:
    """The folder of a partition, such as ``region=EU/``; empty for a table without partitions."""
    pairs = zip(names, values, strict=True)
    return "".join(f"{name}={NULL_PARTITION if v is None else _escape(v)}/" for name, v in pairs)


def escaped_length(value: str) -> int:
    """How many bytes a partition value takes in a key."""
    return len(_escape(value).encode())


def _escape(value: str) -> str:
    return "".join(f"%{ord(c):02X}" if c in _ESCAPED else c for c in value)
