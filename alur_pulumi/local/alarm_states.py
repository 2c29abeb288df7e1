"""The state of a metric alarm, from what was published of its metrics: the rules of CloudWatch's alarms. Pure."""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import attrs

OK: Final = "OK"
ALARM: Final = "ALARM"
INSUFFICIENT: Final = "INSUFFICIENT_DATA"

_LOOK_BACK: Final = 2
"""Periods before the evaluated ones in which values are looked for: as in CloudWatch's own example, 5 for 3."""
_STATISTICS: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {
    "Sum": sum,
    "Maximum": max,
    "Minimum": min,
    "SampleCount": len,
    "Average": lambda values: sum(values) / len(values),
}
_COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}

Point = tuple[float, float]
"""When, in seconds since the epoch, and the value."""


@attrs.frozen(kw_only=True)
class Watched:
    """What an alarm looks at.

    Attributes:
        statistic: Of the values of a period.
        period: Seconds.
        periods: That are looked at.
        breaching: How many of them must break the threshold.
        threshold: That is compared with.
        comparison: CloudWatch's name of how.
        missing: What a period without values counts as.
    """

    statistic: str
    period: int
    periods: int
    breaching: int
    threshold: float
    comparison: str
    missing: str


def state_of(watched: Watched, series: Sequence[Sequence[Point]], at: float, before: str) -> str:
    """The state of an alarm at a moment.

    Periods end with the moment, as CloudWatch's windows move on with each minute. Values that are there are looked at
    first, farther back than the evaluated periods too; only what is then still wanting counts as missing.

    Args:
        watched: What the alarm looks at.
        series: The values of its metrics; of more than one the sum counts.
        at: The moment, in seconds since the epoch.
        before: The state it had.
    """
    values = [_value(watched, series, at - n * watched.period) for n in range(watched.periods + _LOOK_BACK)]
    real = [value for value in values if value is not None][: watched.periods]
    breaks = _COMPARISONS[watched.comparison]
    broken = sum(breaks(value, watched.threshold) for value in real)
    if not real and watched.missing == "ignore":
        return before
    if not real and watched.missing == "missing":
        return INSUFFICIENT
    if watched.missing == "breaching":
        broken += watched.periods - len(real)
    return ALARM if broken >= watched.breaching else OK


def _value(watched: Watched, series: Sequence[Sequence[Point]], end: float) -> float | None:
    """The value of the period that ends at a moment; None if none of the metrics has one."""
    inside = [[value for at, value in points if end - watched.period < at <= end] for points in series]
    found = [_STATISTICS[watched.statistic](values) for values in inside if values]
    return sum(found) if found else None
