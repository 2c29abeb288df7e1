"""CloudWatch alarms and dashboards."""

from collections.abc import Mapping
from typing import Any

from alur_pulumi.local.resources.base import (
    Aws,
    Kind,
    Props,
    from_aws,
    or_none,
    set_only,
    sync_tags,
    tag_list,
    tag_map,
    tag_outputs,
    to_aws,
)

_ALARM_NAMES = {
    "name": "AlarmName",
    "okActions": "OKActions",
    "evaluateLowSampleCountPercentiles": "EvaluateLowSampleCountPercentile",
}
_PLAIN = frozenset(
    {
        "name",
        "actionsEnabled",
        "alarmActions",
        "alarmDescription",
        "comparisonOperator",
        "datapointsToAlarm",
        "evaluateLowSampleCountPercentiles",
        "evaluationPeriods",
        "extendedStatistic",
        "insufficientDataActions",
        "metricName",
        "namespace",
        "okActions",
        "period",
        "statistic",
        "threshold",
        "thresholdMetricId",
        "treatMissingData",
        "unit",
    }
)


class MetricAlarm(Kind):
    """``aws.cloudwatch.MetricAlarm``; its id is its name."""

    token = "aws:cloudwatch/metricAlarm:MetricAlarm"  # noqa: S105 - a type token
    arguments = _PLAIN | {"dimensions", "metricQueries", "tags"}
    required = frozenset({"comparisonOperator", "evaluationPeriods"})
    replace_on = frozenset({"name"})
    computed = frozenset({"arn", "tagsAll"})
    name_argument = "name"

    def create(self, aws: Aws, inputs: Props) -> str:
        """Put the alarm."""
        arguments = to_aws({key: inputs[key] for key in _PLAIN & inputs.keys()}, _ALARM_NAMES)
        if inputs.get("dimensions"):
            arguments["Dimensions"] = tag_list(inputs["dimensions"], "Name")
        if inputs.get("metricQueries"):
            arguments["Metrics"] = [_query(query) for query in inputs["metricQueries"]]
        aws.client("cloudwatch").put_metric_alarm(**arguments)
        return str(inputs["name"])

    def describe(self, aws: Aws, resource_id: str) -> Props | None:
        """Say what can be seen of the alarm."""
        cloudwatch = aws.client("cloudwatch")
        alarms = cloudwatch.describe_alarms(AlarmNames=[resource_id])["MetricAlarms"]
        if not alarms:
            return None
        alarm = from_aws(alarms[0], _ALARM_NAMES)
        arn = alarms[0]["AlarmArn"]
        actual = {key: alarm[key] for key in _PLAIN & alarm.keys() if alarm[key] not in (None, [], "")}
        if alarm.get("dimensions"):
            actual["dimensions"] = tag_map(alarm["dimensions"], "name", "value")
        if alarms[0].get("Metrics"):
            actual["metricQueries"] = [_query_again(query) for query in alarms[0]["Metrics"]]
        tags = cloudwatch.list_tags_for_resource(ResourceARN=arn).get("Tags", [])
        return {**actual, "arn": arn, "region": aws.region, **tag_outputs(tag_map(tags))}

    def update(self, aws: Aws, resource_id: str, old: Props, new: Props) -> None:
        """Put the alarm again."""
        del resource_id, old
        self.create(aws, new)

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        """Delete the alarm."""
        del state
        or_none(aws.client("cloudwatch").delete_alarms, AlarmNames=[resource_id])

    def write_tags(self, aws: Aws, resource_id: str, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        """Take off what is gone and set the rest."""
        cloudwatch = aws.client("cloudwatch")
        arn = aws.arn("cloudwatch", f"alarm:{resource_id}")
        sync_tags(cloudwatch.untag_resource, cloudwatch.tag_resource, old, new, ResourceARN=arn)


class Dashboard(Kind):
    """``aws.cloudwatch.Dashboard``; its id is its name."""

    token = "aws:cloudwatch/dashboard:Dashboard"  # noqa: S105 - a type token
    arguments = frozenset({"dashboardName", "dashboardBody"})
    required = frozenset({"dashboardBody"})
    replace_on = frozenset({"dashboardName"})
    documents = frozenset({"dashboardBody"})
    computed = frozenset({"dashboardArn"})
    name_argument = "dashboardName"

    def create(self, aws: Aws, inputs: Props) -> str:
        """Put the dashboard."""
        name = str(inputs["dashboardName"])
        aws.client("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=inputs["dashboardBody"])
        return name

    def describe(self, aws: Aws, resource_id: str) -> Props | None:
        """Say what can be seen of the dashboard."""
        found = or_none(aws.client("cloudwatch").get_dashboard, DashboardName=resource_id)
        if found is None:
            return None
        return {
            "dashboardName": resource_id,
            "dashboardBody": found["DashboardBody"],
            "dashboardArn": found["DashboardArn"],
        }

    def update(self, aws: Aws, resource_id: str, old: Props, new: Props) -> None:
        """Put the dashboard again."""
        del resource_id, old
        self.create(aws, new)

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        """Delete the dashboard."""
        del state
        or_none(aws.client("cloudwatch").delete_dashboards, DashboardNames=[resource_id])


def _query(query: Props) -> Props:
    result: Props = to_aws({key: value for key, value in query.items() if key != "metric"})
    if metric := query.get("metric"):
        named = set_only(Namespace=metric.get("namespace"), MetricName=metric["metricName"])
        if metric.get("dimensions"):
            named["Dimensions"] = tag_list(metric["dimensions"], "Name")
        result["MetricStat"] = {
            "Metric": named,
            "Period": metric["period"],
            **set_only(Stat=metric.get("stat"), Unit=metric.get("unit")),
        }
    return result


def _query_again(query: Any) -> Props:
    result: Props = from_aws({key: value for key, value in query.items() if key != "MetricStat"})
    if stat := query.get("MetricStat"):
        metric = stat["Metric"]
        result["metric"] = set_only(
            namespace=metric.get("Namespace"),
            metricName=metric["MetricName"],
            dimensions=tag_map(metric.get("Dimensions", []), "Name") or None,
            period=stat["Period"],
            stat=stat.get("Stat"),
            unit=stat.get("Unit"),
        )
    return result


KINDS: tuple[Kind, ...] = (MetricAlarm(), Dashboard())
