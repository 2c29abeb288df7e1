"""A contract of every type, rows of the values that readers get wrong, and those rows as files of each format."""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import io
import json
import math
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from alur_runtime import Decimal, contract, spec_of
from alur_runtime.contracts.declare import Float32, Int8, Int16, Int32
from alur_runtime.table.schema import arrow_schema

UTC = dt.UTC
D = decimal.Decimal


@contract()
class Inner:
    """Names with capitals, which the catalog folds."""

    Sku: str
    price: Decimal(38, 18) | None
    At: dt.datetime | None
    tags: list[str | None] | None


@contract()
class Everything:
    """Every type, bare and within lists and structs."""

    number: int
    tiny: Int8 | None
    small: Int16 | None
    medium: Int32 | None
    large: int | None
    single: Float32 | None
    double: float | None
    flag: bool | None
    Text: str | None
    blob: bytes | None
    money: Decimal(12, 2) | None
    whole: Decimal(38, 0) | None
    fraction: Decimal(38, 38) | None
    day: dt.date | None
    at: dt.datetime | None
    numbers: list[Int16] | None
    moments: list[dt.datetime | None] | None
    matrix: list[list[Decimal(5, 1)]] | None
    inner: Inner | None
    inners: list[Inner | None] | None


EVERYTHING = spec_of(Everything)

_FIRST, _LAST = dt.datetime(1, 1, 1, tzinfo=UTC), dt.datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
_DIGITS = D("9" * 38)
_LEAST_DIGITS = _DIGITS.copy_negate()  # the minus sign would round
_EXACT = decimal.Context(prec=99)
_OLD = [dt.datetime(1582, 10, day, 3, 4, 5, 6, tzinfo=UTC) for day in (4, 5, 14, 15)]
_NOTHING = dict.fromkeys((c.name for c in EVERYTHING.columns), None)


def _row(number: int, **values: Any) -> dict[str, Any]:
    assert values.keys() <= _NOTHING.keys()
    return {**_NOTHING, "number": number, **values}


FINITE: list[dict[str, Any]] = [
    _row(0),
    _row(
        1, tiny=-128, small=-(2**15), medium=-(2**31), large=-(2**63), single=-3.4028234663852886e38,
        double=-1.7976931348623157e308, flag=False, Text="", blob=b"", money=D("-9999999999.99"), whole=_LEAST_DIGITS,
        fraction=_LEAST_DIGITS.scaleb(-38, _EXACT), day=dt.date(1, 1, 1), at=_FIRST, numbers=[], moments=[],
        matrix=[], inner={"Sku": "", "price": None, "At": None, "tags": None}, inners=[],
    ),
    _row(
        2, tiny=127, small=2**15 - 1, medium=2**31 - 1, large=2**63 - 1, single=3.4028234663852886e38,
        double=1.7976931348623157e308, flag=True, Text="é😀\u2028\0\\\"'\t\r\n", blob=bytes(range(256)),
        money=D("9999999999.99"), whole=_DIGITS, fraction=_DIGITS.scaleb(-38, _EXACT), day=dt.date(9999, 12, 31),
        at=_LAST, numbers=[-(2**15), 0, 2**15 - 1], moments=[_FIRST, None, *_OLD, _LAST],
        matrix=[[], [D("-9999.9"), D("0.1")], [D("0.0")]],
        inner={"Sku": "a", "price": _DIGITS.scaleb(-18, _EXACT), "At": _FIRST, "tags": ["", None, "null"]},
        inners=[None, {"Sku": "b", "price": D("-0.000000000000000001"), "At": _LAST, "tags": []}, None],
    ),
    _row(
        3, single=1.401298464324817e-45, double=5e-324, Text="__HIVE_DEFAULT_PARTITION__", blob=b"\xff",
        money=D("0.01"), whole=D(0), fraction=D("1e-38"), day=dt.date(1582, 10, 4), at=_OLD[0],
    ),
    _row(4, single=0.5, double=0.1, Text=" NaN ", day=dt.date(1582, 10, 15), at=_OLD[3], matrix=[[D("1.5")]]),
    _row(5, double=-0.0, day=dt.date(1899, 12, 31), at=dt.datetime(1899, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
    _row(6, double=2.0**53 + 2, day=dt.date(1969, 12, 31), at=dt.datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC)),
    _row(7, single=16777216.0, day=dt.date(2024, 2, 29), at=dt.datetime(2024, 2, 29, 12, 0, 0, 123456, tzinfo=UTC)),
]  # fmt: skip
"""Rows that JSON can write too."""

NOT_FINITE: list[dict[str, Any]] = [
    _row(100, single=math.nan, double=math.nan),
    _row(101, single=math.inf, double=math.inf),
    _row(102, single=-math.inf, double=-math.inf),
]
"""Rows for which JSON has no numbers."""


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    """The rows as a Parquet file."""
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=arrow_schema(EVERYTHING.columns)), sink)
    return sink.getvalue()


def as_json_lines(rows: list[dict[str, Any]]) -> bytes:
    """The rows as JSON Lines; decimals with all their digits, as strings where a number would do as well."""
    return "\n".join(json.dumps(_json(row), ensure_ascii=False) for row in rows).encode()


def _json(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _json(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_json(v) for v in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, D):
        return format(value, "f")
    return value.isoformat() if isinstance(value, dt.date) else value
