"""How far apart the firings of a schedule are: from AWS's cron expressions, without a clock. Pure."""

import datetime as dt
import itertools
import re
from collections.abc import Mapping
from typing import Final

import attrs

_EXPRESSION: Final = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
_PART: Final = re.compile(r"(?P<first>\*|\w+)(-(?P<last>\w+))?(/(?P<step>\d+))?", re.IGNORECASE)
_ANY: Final = frozenset({"*", "?"})
_MONTHS: Final = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS: Final = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_NUMBERS: Final = {name: n for names in (_MONTHS, _DAYS) for n, name in enumerate(names, start=1)}
# Two years, one of them with 29 days in February: all that the calendar can do to a gap.
_DAY: Final = 24 * 60  # minutes
_FROM: Final = dt.date(2023, 1, 1)
_UNTIL: Final = dt.date(2025, 1, 1)


@attrs.frozen
class _Cron:
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    def fires_on(self, day: dt.date) -> bool:
        weekday = day.isoweekday() % 7 + 1  # AWS counts from Sunday, which is 1
        return day.day in self.days and day.month in self.months and weekday in self.weekdays

    def longest_gap(self) -> int | None:
        """Minutes; None if it does not fire twice."""
        moments = sorted(hour * 60 + minute for hour in self.hours for minute in self.minutes)
        gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
        days = [n for n in range((_UNTIL - _FROM).days) if self.fires_on(_FROM + dt.timedelta(days=n))]
        gaps += [(later - earlier) * _DAY + moments[0] - moments[-1] for earlier, later in itertools.pairwise(days)]
        return max(gaps, default=None)


def longest_gap(expression: str) -> dt.timedelta | None:
    """The longest time between two firings of a schedule, whatever its years.

    Args:
        expression: Such as ``cron(0 6 ? * MON-FRI *)``, which leaves out three days.

    Returns:
        None for what is no such expression, or has days that depend on the month (``L``, ``W``, ``#``): those are
        farther apart than a week.
    """
    cron = _parse(expression)
    minutes = None if cron is None else cron.longest_gap()
    return None if minutes is None else dt.timedelta(minutes=minutes)


def _parse(expression: str) -> _Cron | None:
    matched = _EXPRESSION.fullmatch(expression)
    if matched is None:
        return None
    minutes, hours, days, months, weekdays, _ = matched.groups()
    sets = (
        _numbers(minutes, 0, 59, {}),
        _numbers(hours, 0, 23, {}),
        _numbers(days, 1, 31, {}),
        _numbers(months, 1, 12, _NUMBERS),
        _numbers(weekdays, 1, 7, _NUMBERS),
    )
    found = tuple(s for s in sets if s)
    return _Cron(*found) if len(found) == len(sets) else None


def _numbers(field: str, least: int, most: int, names: Mapping[str, int]) -> frozenset[int] | None:
    """The values of a field; None for a form that is not one of these."""
    if field in _ANY:
        return frozenset(range(least, most + 1))
    found: set[int] = set()
    for part in field.split(","):
        matched = _PART.fullmatch(part)
        if matched is None:
            return None
        ends = [names.get(str(e).upper(), e) for e in (matched["first"], matched["last"]) if e is not None]
        if ends[0] == "*":
            ends = [least, most]
        if not all(str(e).isdecimal() for e in ends):
            return None
        first, last = int(ends[0]), int(ends[-1])
        if len(ends) == 1 and matched["step"] is not None:
            last = most  # 3/5: from 3 on
        step = int(matched["step"] or 1)
        if step == 0 or not (least <= first <= most and least <= last <= most):
            return None
        # FRI-MON goes over the end
        found.update(
            range(first, last + 1, step) if first <= last else {*range(first, most + 1), *range(least, last + 1)}
        )
    return frozenset(found)
