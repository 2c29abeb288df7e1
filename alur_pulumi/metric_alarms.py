"""What tells of trouble: a thin layer of resources over the values of `alarms`."""

from collections.abc import Iterable

import attrs
import pulumi
import pulumi_aws as aws

from alur_pulumi.alarms import (
    FAILED_RUN,
    AlarmSpec,
    Severity,
    dimension_of,
    failed_run_description,
    failed_run_pattern,
)

SEVERITY_TAG = "alur:severity"

Tags = dict[str, pulumi.Input[str]]


@attrs.frozen(kw_only=True)
class Telling:
    """Who is told, and what all alarms of a component have in common.

    Attributes:
        name: Logical name of the component.
        topic_arn: The topic that is told.
        tags: Tags; each alarm's severity is one more.
        opts: Options of the children.
    """

    name: str
    topic_arn: pulumi.Input[str]
    tags: Tags
    opts: pulumi.ResourceOptions

    def tags_of(self, severity: Severity) -> Tags:
        """The tags of one alarm."""
        return {**self.tags, SEVERITY_TAG: severity.value}


def metric_alarms(
    specs: Iterable[AlarmSpec], value: pulumi.Input[str], job: pulumi.Input[str], telling: Telling
) -> list[pulumi.Output[str]]:
    """Register alarms.

    Args:
        specs: What each watches.
        value: Of the dimension that says whose metrics they are: the table's key, or the ledger's name.
        job: The Glue job's name, for the commands in the descriptions.
        telling: Who is told.

    Returns:
        Their ARNs.
    """
    return [_metric_alarm(spec, value, job, telling).arn for spec in specs]


def _metric_alarm(
    spec: AlarmSpec, value: pulumi.Input[str], job: pulumi.Input[str], telling: Telling
) -> aws.cloudwatch.MetricAlarm:
    actions = [telling.topic_arn]
    dimensions = {dimension_of(spec): value}
    one = not spec.operations
    return aws.cloudwatch.MetricAlarm(
        f"{telling.name}-{spec.key}",
        alarm_description=pulumi.Output.from_input(job).apply(spec.description),
        namespace=spec.namespace if one else None,
        metric_name=spec.metric if one else None,
        dimensions=dimensions if one else None,
        statistic=spec.statistic if one else None,
        period=spec.period if one else None,
        metric_queries=None if one else _queries(spec, dimensions),
        evaluation_periods=spec.periods,
        datapoints_to_alarm=spec.breaching,
        comparison_operator=spec.comparison,
        threshold=spec.threshold,
        treat_missing_data=spec.missing,
        alarm_actions=actions,
        ok_actions=actions if spec.tells_end else None,
        tags=telling.tags_of(spec.severity),
        opts=telling.opts,
    )


def _queries(
    spec: AlarmSpec, dimensions: dict[str, pulumi.Input[str]]
) -> list[aws.cloudwatch.MetricAlarmMetricQueryArgs]:
    total = aws.cloudwatch.MetricAlarmMetricQueryArgs(
        id="total", expression="SUM(METRICS())", label=spec.metric, return_data=True
    )
    parts = [
        aws.cloudwatch.MetricAlarmMetricQueryArgs(
            id=f"m{number}",
            metric=aws.cloudwatch.MetricAlarmMetricQueryMetricArgs(
                namespace=spec.namespace,
                metric_name=spec.metric,
                dimensions={**dimensions, "Operation": operation},
                period=spec.period,
                stat=spec.statistic,
            ),
        )
        for number, operation in enumerate(spec.operations)
    ]
    return [total, *parts]


def failed_run_rule(job: pulumi.Output[str], telling: Telling) -> None:
    """Register the rule that tells of runs that fail.

    Args:
        job: The Glue job's name.
        telling: Who is told.
    """
    rule = aws.cloudwatch.EventRule(
        f"{telling.name}-{FAILED_RUN}",
        description=job.apply(failed_run_description),
        event_pattern=job.apply(failed_run_pattern),
        tags=telling.tags_of(Severity.PAGE),
        opts=telling.opts,
    )
    aws.cloudwatch.EventTarget(
        f"{telling.name}-{FAILED_RUN}-target", rule=rule.name, arn=telling.topic_arn, opts=telling.opts
    )
