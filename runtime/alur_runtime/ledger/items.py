"""Ledger items to and from DynamoDB's attribute values. Pure functions; the names are those of the ledger's form."""

from __future__ import annotations

import datetime as dt
import json
import zlib
from decimal import Decimal
from typing import Any, Final, TypeVar, cast

import attrs
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from alur_runtime.config import structure
from alur_runtime.errors import AlurError, LedgerFormatError
from alur_runtime.model import BatchItem, FileItem, RunItem
from alur_runtime.naming import ledger_key

_T = TypeVar("_T")
HASH: Final = "ingestion_key"
RANGE: Final = "file_path"
EXPIRES: Final = "expires_at"
LEASE: Final = "@lease"
RUN: Final = "@run/"
BATCH: Final = "@batch/"

# Attributes whose names in the ledger are not those in the code.
_FILE_NAMES: Final = {"etag": "file_etag", "size": "file_size", "last_modified_ms": "last_modified"}
_FILE_FIELDS: Final[dict[str, str]] = {_FILE_NAMES.get(name, name): name for name in attrs.fields_dict(FileItem)}

# An item has at most 400 kB. A file's rows may be in thousands of objects: their names are packed when they are many.
_LISTS: Final = ("outputs", "versions")
_PACKED: Final = "packed"
_PLAIN_BYTES: Final = 8_000
_MOST_ITEM_BYTES: Final = 390_000  # with room for the keys and for what DynamoDB counts besides
_FIXED_BYTES: Final = 4_000  # names of attributes, numbers, digests
_MOST_BYTES_A_CHARACTER: Final = 4

_serializer: Final = TypeSerializer()
_deserializer: Final = TypeDeserializer()


def to_attributes(values: dict[str, Any]) -> dict[str, Any]:
    """Plain values to DynamoDB attribute values."""
    return {name: _serializer.serialize(_plain(value)) for name, value in values.items()}


def from_attributes(item: dict[str, Any]) -> dict[str, Any]:
    """DynamoDB attribute values to plain values; whole numbers become ints."""
    return {name: _number(_deserializer.deserialize(value)) for name, value in item.items()}


def file_attributes(item: FileItem) -> dict[str, Any]:
    """The attributes of a file's item, without its hash key.

    What is empty is left out: an item is kept near 400 bytes, which is what planning reads a million of.
    """
    values = {stored: getattr(item, field) for stored, field in _FILE_FIELDS.items() if field != "uri"}
    lists = {name: values[name] for name in _LISTS}
    if sum(len(text) for texts in lists.values() for text in texts) > _PLAIN_BYTES:
        values = {**values, **dict.fromkeys(_LISTS, ()), _PACKED: zlib.compress(json.dumps(lists).encode())}
    stamp = dt.datetime.fromtimestamp(item.processed_at, dt.UTC)
    key = ledger_key(item.uri)
    kept = {name: value for name, value in values.items() if value not in ("", (), {}, None)}
    return {RANGE: key, **({"uri": item.uri} if key != item.uri else {}), **kept, "processed_at_iso": stamp.isoformat()}


def fits(item: FileItem) -> bool:
    """Whether DynamoDB takes the item. Of hardly any it has to be measured: the long texts of most are short."""
    texts = (item.uri, item.uri, item.source, item.reason, item.error, item.quarantine, *item.outputs, *item.versions)
    told = (text for pair in item.expectations.items() for text in pair)
    characters = sum(len(text) + 1 for text in (*texts, *told))
    if _FIXED_BYTES + characters * _MOST_BYTES_A_CHARACTER <= _MOST_ITEM_BYTES:
        return True
    return item_bytes(to_attributes(file_attributes(item))) <= _MOST_ITEM_BYTES


def item_bytes(attributes: dict[str, Any]) -> int:
    """About how many bytes DynamoDB counts for an item of such attribute values."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in attributes.items())


def _value_bytes(value: dict[str, Any]) -> int:
    ((kind, found),) = value.items()
    if kind == "L":
        return 3 + sum(1 + _value_bytes(v) for v in found)
    if kind == "M":
        return 3 + sum(1 + len(k.encode()) + _value_bytes(v) for k, v in found.items())
    if kind == "N":
        return len(found) // 2 + 2
    return len(found.encode()) if isinstance(found, str) else len(found) if isinstance(found, bytes) else 1


def file_item(values: dict[str, Any]) -> FileItem:
    """A file's item from plain values.

    Raises:
        LedgerFormatError: If it is not of this version's form.
    """
    if _PACKED in values:
        values = {**values, **json.loads(zlib.decompress(bytes(values[_PACKED])))}
    fields = {field: values[stored] for stored, field in _FILE_FIELDS.items() if stored in values}
    fields.setdefault("uri", values[RANGE])
    fields.setdefault("etag", "")  # of a file that is to be taken whatever its version is
    return _structure(fields, FileItem, values)


def run_item(values: dict[str, Any]) -> RunItem:
    """A run's item from plain values.

    Raises:
        LedgerFormatError: If it is not of this version's form.
    """
    return _known(values, RunItem)


def batch_item(values: dict[str, Any]) -> BatchItem:
    """A batch's item from plain values.

    Raises:
        LedgerFormatError: If it is not of this version's form.
    """
    return _known(values, BatchItem)


def plain(item: Any) -> dict[str, Any]:
    """The attributes of a run's or batch's item as plain values; what is None is left out."""
    return {k: v for k, v in attrs.asdict(item).items() if v is not None}


def _known(values: dict[str, Any], cls: type[_T]) -> _T:
    names = {a.name for a in attrs.fields(cast("type[attrs.AttrsInstance]", cls))}
    return _structure({k: v for k, v in values.items() if k in names}, cls, values)


def _structure(fields: dict[str, Any], cls: type[_T], values: dict[str, Any]) -> _T:
    try:
        return structure(fields, cls)
    except AlurError as error:
        raise LedgerFormatError(f"{values.get(HASH)} {values.get(RANGE)}", str(error)) from error


def _plain(value: Any) -> Any:
    if isinstance(value, str) and type(value) is not str:
        return str(value)  # an enumeration's member
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return value


def _number(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, list):
        return [_number(v) for v in value]
    if isinstance(value, dict):
        return {k: _number(v) for k, v in value.items()}
    return value
