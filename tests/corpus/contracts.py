"""The contracts that cases are read by; few, since the cases of one share a run."""

from __future__ import annotations

import datetime as dt

from alur_runtime import Decimal, Float32, Int8, Int16, Int32, contract


@contract()
class Plain:
    """The smallest: a number that must be there, a text that need not."""

    id: int
    name: str | None


@contract()
class Loose:
    """Nothing must be there."""

    id: int | None
    name: str | None


@contract()
class Values:
    """One column of each plain type."""

    id: int
    i8: Int8 | None
    i16: Int16 | None
    i32: Int32 | None
    i64: int | None
    f32: Float32 | None
    f64: float | None
    flag: bool | None
    text: str | None
    raw: bytes | None
    money: Decimal(5, 2) | None  # type: ignore[valid-type]
    exact: Decimal(38, 10) | None  # type: ignore[valid-type]
    whole: Decimal(10, 0) | None  # type: ignore[valid-type]
    day: dt.date | None
    at: dt.datetime | None


@contract(extras="rescue")
class Rescued:
    """Keeps what files have beside its columns."""

    id: int
    name: str | None


@contract(extras="reject")
class Strict:
    """Takes no file that has more than its columns."""

    id: int
    name: str | None
