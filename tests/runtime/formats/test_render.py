"""Arrow values as JSON: every type has some text, and none makes an error."""

from __future__ import annotations

import datetime as dt
import decimal
import json
from typing import Any

import pyarrow as pa
import pytest

from alur_runtime.formats.json_text import encode
from alur_runtime.formats.render import json_values

CASES: list[tuple[pa.Array, str]] = [
    (pa.array([1, None], pa.uint64()), "[1, null]"),
    (pa.array([0.1, float("nan"), float("-inf")]), '[0.1, "nan", "-inf"]'),
    (pa.array([decimal.Decimal("1.50"), decimal.Decimal("1E-10")], pa.decimal128(38, 10)),
     "[1.5000000000, 0.0000000001]"),
    (pa.array([True, None]), "[true, null]"),
    (pa.array(["é\n", None]), '["é\\n", null]'),
    (pa.array(["é"], pa.large_string()), '["é"]'),
    (pa.array(["a", "a"]).dictionary_encode(), '["a", "a"]'),
    (pa.array([b"\xff"]), '["/w=="]'),
    (pa.array([b"ab"], pa.binary(2)), '["YWI="]'),
    (pa.array([b"\xff"]).view(pa.binary()).cast(pa.string(), safe=False), '["\\\\xff"]'),
    (pa.array([dt.date.min, None]), '["0001-01-01", null]'),
    (pa.array([1], pa.timestamp("ns", "Asia/Tokyo")), '["1970-01-01 09:00:00.000000001+0900"]'),
    (pa.array([1], pa.time64("us")), '["00:00:00.000001"]'),
    (pa.array([1], pa.duration("s")), '["1"]'),
    (pa.array([[1], None, []], pa.list_(pa.int8())), "[[1], null, []]"),
    (pa.array([[1, 2], None], pa.list_(pa.int8(), 2)), "[[1, 2], null]"),
    (pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int8())), '[[{"key": "k", "value": 1}], null]'),
    (pa.array([{"a": {"b": [None]}}, None]), '[{"a": {"b": [null]}}, null]'),
    (pa.StructArray.from_arrays([], fields=[]), "[]"),
    (pa.nulls(1), "[null]"),
]  # fmt: skip


@pytest.mark.parametrize(("values", "text"), CASES, ids=lambda v: str(getattr(v, "type", "")))
def test_a_value_as_json(values: pa.Array, text: str) -> None:
    assert encode(json_values(values)) == text
    json.loads(text)


@pytest.mark.parametrize(
    "values",
    [
        pa.array([2**31 - 1], pa.int32()).cast(pa.date32()),
        pa.array([2**62], pa.timestamp("s")),
        pa.array([-(2**62)], pa.timestamp("us", "Europe/Berlin")),
    ],
    ids=lambda v: str(v.type),
)
def test_times_out_of_all_calendars_have_a_text(values: Any) -> None:
    (text,) = json_values(values)
    assert isinstance(text, str)
    assert text
