"""Arrow values as JSON, for people: what a quarantined row held, and what a table has no column for. Pure."""

from __future__ import annotations

import base64
import math
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from alur_runtime.formats.json_text import Number


def json_values(values: pa.Array) -> list[Any]:
    """What JSON has for each value: numbers by their digits, times by ISO 8601, bytes by base64."""
    kind = values.type
    if isinstance(kind, pa.BaseExtensionType):
        return json_values(values.storage)
    if pt.is_dictionary(kind):
        return json_values(values.dictionary_decode())
    if pt.is_struct(kind):
        columns = [json_values(pc.struct_field(values, [i])) for i in range(kind.num_fields)]
        names = [field.name for field in kind]
        there = values.is_valid().to_pylist()
        rows = zip(*columns, strict=True) if columns else [()] * len(values)
        return [dict(zip(names, row, strict=True)) if valid else None for row, valid in zip(rows, there, strict=True)]
    if pt.is_list(kind) or pt.is_large_list(kind) or pt.is_fixed_size_list(kind) or pt.is_map(kind):
        return _lists(values)
    return _plain(values)


def _lists(values: pa.Array) -> list[Any]:
    if pt.is_map(values.type):
        values = values.cast(pa.list_(pa.struct([values.type.key_field, values.type.item_field])))
    items = iter(json_values(pc.list_flatten(values)))
    lengths = pc.list_value_length(values).to_pylist()
    return [None if length is None else [next(items) for _ in range(length)] for length in lengths]


def _plain(values: pa.Array) -> list[Any]:
    kind = values.type
    if pt.is_string(kind) or pt.is_large_string(kind) or kind == pa.string_view():
        raw = values.cast(pa.large_binary()).to_pylist()
        return [None if v is None else v.decode("utf-8", "backslashreplace") for v in raw]
    if pt.is_temporal(kind):
        texts: list[Any] = values.cast(pa.string()).to_pylist()
        return texts
    found = values.to_pylist()
    if pt.is_decimal(kind):
        return [None if v is None else Number(format(v, "f")) for v in found]
    if pt.is_floating(kind):
        return [_float(v) for v in found]
    return [base64.b64encode(v).decode() if isinstance(v, bytes) else v for v in found]


def _float(value: Any) -> Any:
    """JSON has no number for what is not finite."""
    if value is None or math.isfinite(value):
        return None if value is None else float(value)
    return str(float(value))
