"""Metric alarms that go off: moto keeps alarms and metrics, and never holds the one against the other."""

import datetime as dt
import json
from typing import Any

from moto.cloudwatch.models import cloudwatch_backends
from moto.core.models import DEFAULT_ACCOUNT_ID

from alur_pulumi.local.alarm_states import ALARM, INSUFFICIENT, OK, Point, Watched, state_of
from alur_pulumi.local.errors import LocalError
from alur_pulumi.local.topics import Topics

_FRESH = "Unchecked: Initial alarm creation"  # moto says OK of an alarm that nobody has looked at yet
_SUM = "SUM(METRICS())"


class UnknownExpressionError(LocalError):
    """An alarm's metric math is more than this AWS knows."""

    def __init__(self, alarm: str, expression: str | None) -> None:
        """Keep both."""
        super().__init__(alarm, expression)
        self.alarm = alarm
        self.expression = expression

    def __str__(self) -> str:
        """Name the alarm and what is known."""
        return f"alarm {self.alarm}: {self.expression} cannot be evaluated here, only {_SUM} can"


def evaluate_alarms(region: str, at: float, topics: Topics) -> dict[str, str]:
    """Bring every metric alarm to the state it has at a moment, and tell the topics of those that change.

    Args:
        region: Whose alarms.
        at: The moment, in seconds since the epoch; metrics published later are not looked at.
        topics: Publishes what is told.

    Returns:
        The states by name.

    Raises:
        UnknownExpressionError: If an alarm's metric math is more than a sum.
    """
    backend = cloudwatch_backends[DEFAULT_ACCOUNT_ID][region]
    states = {}
    for alarm in [alarm for alarm in backend.alarms.values() if alarm.rule is None]:
        before = INSUFFICIENT if alarm.state_reason == _FRESH else alarm.state_value
        after = state_of(_watched(alarm), _series(backend, alarm), at, before)
        states[alarm.name] = after
        if after != before:
            _change(alarm, topics, before, after, at)
    return states


def _parts(alarm: Any) -> list[Any]:
    """The metrics of an alarm with metric math, each with its statistic and period."""
    expressions = [query.expression for query in alarm.metric_data_queries if query.expression]
    if expressions and expressions != [_SUM]:
        raise UnknownExpressionError(alarm.name, "; ".join(expressions))
    return [query.metric_stat for query in alarm.metric_data_queries if query.metric_stat is not None]


def _watched(alarm: Any) -> Watched:
    parts = _parts(alarm)
    return Watched(
        statistic=parts[0].stat if parts else alarm.statistic,
        period=int(parts[0].period if parts else alarm.period),
        periods=int(alarm.evaluation_periods),
        breaching=int(alarm.datapoints_to_alarm or alarm.evaluation_periods),
        threshold=float(alarm.threshold),
        comparison=alarm.comparison_operator,
        missing=alarm.treat_missing_data or "missing",
    )


def _series(backend: Any, alarm: Any) -> list[list[Point]]:
    metrics = [part.metric for part in _parts(alarm)] or [alarm]
    return [_points(backend, m.namespace, m.metric_name, m.dimensions) for m in metrics]


def _points(backend: Any, namespace: str, name: str, dimensions: Any) -> list[Point]:
    wanted = _plain(dimensions)
    return [
        (_seconds(datum.timestamp), datum.value)
        for datum in backend.metric_data
        if (datum.namespace, datum.name) == (namespace, name) and _plain(datum.dimensions) == wanted
    ]


def _plain(dimensions: Any) -> set[tuple[str, str]]:
    return {(dimension.name, dimension.value) for dimension in dimensions}


def _seconds(moment: Any) -> float:
    """A time of moto's, which knows no zones and means UTC."""
    if isinstance(moment, int | float):
        return float(moment)
    found: dt.datetime = dt.datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).timestamp()


def _change(alarm: Any, topics: Topics, before: str, after: str, at: float) -> None:
    changed = dt.datetime.fromtimestamp(at, dt.UTC).isoformat()
    reason = f"{before} until {changed}"
    alarm.update_state(reason, "{}", after)
    message = {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": DEFAULT_ACCOUNT_ID,
        "NewStateValue": after,
        "OldStateValue": before,
        "NewStateReason": reason,
        "StateChangeTime": changed,
        "AlarmArn": alarm.alarm_arn,
    }
    actions = {ALARM: alarm.alarm_actions, OK: alarm.ok_actions, INSUFFICIENT: alarm.insufficient_data_actions}
    for action in actions[after] if alarm.actions_enabled else []:
        if action.split(":")[2] == "sns":
            source = {
                "aws:SourceArn": alarm.alarm_arn,
                "aws:SourceAccount": DEFAULT_ACCOUNT_ID,
                "aws:SourceOwner": DEFAULT_ACCOUNT_ID,
            }
            subject = f'{after}: "{alarm.name}" in {action.split(":")[3]}'
            topics.publish("cloudwatch.amazonaws.com", action, json.dumps(message), source, subject)
