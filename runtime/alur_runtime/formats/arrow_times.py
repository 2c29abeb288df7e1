"""Arrow dates and timestamps into those of a contract, exactly. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Final

import attrs
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from alur_runtime.formats.nested import Checked, Fault
from alur_runtime.formats.sift import Test, sift
from alur_runtime.formats.times import YEARS, Times, from_local
from alur_runtime.reasons import Reason
from alur_runtime.table.schema import TIMESTAMP

_EPOCH: Final = dt.date(1970, 1, 1)
_FIRST_DAY, _LAST_DAY = ((day - _EPOCH).days for day in (dt.date.min, dt.date.max))
_A_SECOND: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_DAY_SECONDS: Final = 86_400
FINER: Final = "is finer than a microsecond, which a timestamp cannot hold"
_RANGE: Final = f"is out of range: {YEARS}"
# Before these, Spark's old calendar and the one of all others differ, and which one a value is in is not written down.
_FIRST_GREGORIAN_DAY: Final = (dt.date(1582, 10, 15) - _EPOCH).days
_FIRST_COMMON_DAY: Final = (dt.date(1900, 1, 1) - _EPOCH).days
_LEGACY: Final = (
    "is of a time for which the file says that it is in Spark's old calendar: write it with Spark 3 or later"
)


@attrs.frozen
class Calendar:
    """How a file means its dates and times.

    Attributes:
        times: The zone of timestamps without one.
        legacy: Whether it was written in Spark's old calendar, in which dates before 1582-10-15 and timestamps before
            1900 are other ones.
    """

    times: Times
    legacy: bool = False


def cast_date(values: pa.Array, calendar: Calendar) -> Checked:
    """Dates of any unit into dates of the years 0001 to 9999."""
    return sift(values, _date_tests(calendar), lambda kept: kept.cast(pa.date32()))


def cast_timestamp(values: pa.Array, calendar: Calendar) -> Checked:
    """Timestamps of any unit, or dates (their midnight), into microseconds in UTC."""
    if pt.is_date(values.type):
        return _localise(sift(values, _date_tests(calendar), lambda kept: kept.cast(pa.timestamp("us"))), calendar)
    unit, zoned = values.type.unit, values.type.tz is not None
    second = _A_SECOND[unit]
    tests = []
    if unit == "ns":  # all that it holds is between 1677 and 2262
        tests.append(Test(_is_whole_microsecond, Reason.LOST_PRECISION, FINER))
    else:
        least, most = _FIRST_DAY * _DAY_SECONDS * second, (_LAST_DAY + 1) * _DAY_SECONDS * second - 1
        tests.append(Test(_between(pa.int64(), least, most), Reason.OUT_OF_RANGE, _RANGE))
    if calendar.legacy:
        first = _FIRST_COMMON_DAY * _DAY_SECONDS * second
        tests.append(Test(_between(pa.int64(), first, None), Reason.BAD_VALUE, _LEGACY))
    target = TIMESTAMP if zoned else pa.timestamp("us")
    found = sift(values, tests, lambda kept: kept.cast(target, safe=False))
    return found if zoned else _localise(found, calendar)


def _localise(found: Checked, calendar: Calendar) -> Checked:
    values, refused = from_local(found.values, calendar.times)
    faults = {i: Fault(f.reason, f.problem, str(found.values[i].cast(pa.string()))) for i, f in refused.items()}
    return Checked(values, faults | found.faults)


def _date_tests(calendar: Calendar) -> list[Test]:
    tests = [Test(_between(pa.int32(), _FIRST_DAY, _LAST_DAY), Reason.OUT_OF_RANGE, _RANGE)]
    if calendar.legacy:
        tests.append(Test(_between(pa.int32(), _FIRST_GREGORIAN_DAY, None), Reason.BAD_VALUE, _LEGACY))
    return tests


def _between(number: pa.DataType, least: int, most: int | None) -> Callable[[pa.Array], pa.Array]:
    """A test of values by the number that they are stored as."""

    def passes(values: pa.Array) -> pa.Array:
        numbers = values.cast(pa.date32()).cast(number) if pt.is_date(values.type) else values.cast(number)
        enough = pc.greater_equal(numbers, pa.scalar(least, number))
        return enough if most is None else pc.and_(enough, pc.less_equal(numbers, pa.scalar(most, number)))

    return passes


def _is_whole_microsecond(values: pa.Array) -> pa.Array:
    numbers = values.cast(pa.int64())
    return pc.equal(numbers, pc.multiply(pc.divide(numbers, 1000), 1000))
