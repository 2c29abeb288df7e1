"""The rules of CloudWatch's alarms: what they look at, and what is missing."""

from __future__ import annotations

import attrs
import pytest

from alur_pulumi.local.alarm_states import ALARM, INSUFFICIENT, OK, Watched, state_of

WATCHED = Watched(
    statistic="Sum",
    period=60,
    periods=3,
    breaching=3,
    threshold=0,
    comparison="GreaterThanThreshold",
    missing="missing",
)
NOW = 6000.0


def _state(values: str, before: str = OK, **changes: object) -> str:
    """The state after these periods, newest last: ``X`` breaks the threshold, ``0`` does not, ``-`` is missing."""
    count = len(values)
    points = [
        (NOW - (count - n) * 60 + 30, 1.0 if value == "X" else 0.0) for n, value in enumerate(values) if value != "-"
    ]
    return state_of(attrs.evolve(WATCHED, **changes), [points], NOW, before)


@pytest.mark.parametrize(
    ("values", "missing", "breaching", "not_breaching", "ignore"),
    [
        ("0-X-X", OK, OK, OK, OK),
        ("-----", INSUFFICIENT, ALARM, OK, "before"),
        ("0----", OK, OK, OK, OK),
        ("XXX-X", ALARM, ALARM, ALARM, ALARM),
    ],
)
def test_what_is_missing_counts_only_where_too_little_is_there(
    values: str, missing: str, breaching: str, not_breaching: str, ignore: str
) -> None:
    """Three of three, and five periods are looked at."""
    for treat, expected in (
        ("missing", missing), ("breaching", breaching), ("notBreaching", not_breaching), ("ignore", ignore)
    ):  # fmt: skip
        assert _state(values, "before", missing=treat) == expected, treat


def test_some_of_several_periods_are_enough() -> None:
    assert _state("0XX0X", breaching=2) == ALARM
    assert _state("XX00X", breaching=2) == OK


def test_what_came_before_the_range_or_comes_after_the_moment_is_not_looked_at() -> None:
    assert _state("XXX000", periods=1, breaching=1) == OK
    assert state_of(attrs.evolve(WATCHED, periods=1, breaching=1), [[(NOW + 1, 1.0)]], NOW, OK) == INSUFFICIENT


@pytest.mark.parametrize(
    ("statistic", "threshold", "expected"),
    [
        ("Sum", 5.9, ALARM),
        ("Sum", 6, OK),
        ("Maximum", 3.9, ALARM),
        ("Minimum", 2, OK),
        ("Average", 2.9, ALARM),
        ("SampleCount", 2, OK),
    ],
)
def test_statistics_of_a_period(statistic: str, threshold: float, expected: str) -> None:
    watched = attrs.evolve(WATCHED, periods=1, breaching=1, statistic=statistic, threshold=threshold)
    assert state_of(watched, [[(NOW - 50, 2.0), (NOW, 4.0)]], NOW, OK) == expected


def test_several_metrics_are_summed() -> None:
    watched = attrs.evolve(WATCHED, periods=1, breaching=1, threshold=3)
    assert state_of(watched, [[(NOW, 2.0)], [(NOW, 2.0)], []], NOW, OK) == ALARM
    assert state_of(watched, [[(NOW, 2.0)], []], NOW, OK) == OK


@pytest.mark.parametrize(
    ("comparison", "expected"),
    [
        ("GreaterThanThreshold", OK),
        ("GreaterThanOrEqualToThreshold", ALARM),
        ("LessThanThreshold", OK),
        ("LessThanOrEqualToThreshold", ALARM),
    ],
)
def test_comparisons_at_the_threshold(comparison: str, expected: str) -> None:
    watched = attrs.evolve(WATCHED, periods=1, breaching=1, threshold=1, comparison=comparison)
    assert state_of(watched, [[(NOW, 1.0)]], NOW, OK) == expected
