"""The dashboard of a table: is it healthy, what came in, what was refused, what did it cost."""

import json
import re
from collections.abc import Sequence
from typing import Any, Final

import attrs
import pulumi
import pulumi_aws as aws

from alur_pulumi.alarms import DYNAMODB, LEDGER_DIMENSION, PAGE_OF
from alur_runtime.run.metrics import DIMENSION, NAMESPACE, Metric

GRID_WIDTH: Final = 24
"""Columns of a dashboard."""
DPU_HOUR_USD: Final = {"STANDARD": 0.44, "FLEX": 0.29}
"""List prices of a DPU-hour in us-east-1, by execution class: what a run costs at most is an estimate from them."""
MEMORY_DPU_HOUR_USD: Final = 0.52
"""The same for the workers with more memory (``R.``)."""

_HOUR: Final = 3600
_DAY: Final = 24 * _HOUR
_HEIGHT: Final = 6
_NO_NAME: Final = re.compile(r"[^A-Za-z0-9_-]")

Widget = dict[str, Any]


@attrs.frozen(kw_only=True)
class Shown:
    """What a dashboard is about, all resolved.

    Attributes:
        region: Of all of it.
        table: ``database.table``.
        job: The Glue job's name.
        ledger: The DynamoDB table's name.
        log_group: Where runs log what goes wrong.
        alarms: ARNs of the alarms that it shows.
        hour_usd: What an hour of a run costs at most, in US dollars.
    """

    region: str
    table: str
    job: str
    ledger: str
    log_group: str
    alarms: tuple[str, ...]
    hour_usd: float


def hour_price(worker_type: str, workers: int, execution_class: str) -> float:
    """What an hour of a run costs if all its workers are in use, in US dollars: an estimate from list prices.

    Args:
        worker_type: Such as ``G.2X``: the number is that of its DPUs.
        workers: Most workers of a run.
        execution_class: ``STANDARD`` or ``FLEX``.
    """
    family, _, size = worker_type.partition(".")
    price = MEMORY_DPU_HOUR_USD if family == "R" else DPU_HOUR_USD[execution_class]
    return price * int(size.removesuffix("X")) * workers


def dashboard_body(shown: Shown) -> dict[str, Any]:
    """The body as CloudWatch takes it."""
    rows = [
        _row(_text(_head(shown)), height=5),
        *([_row(_alarms(shown), height=3)] if shown.alarms else []),
        _row(_text("## Is it healthy?"), height=1),
        _row(
            _graph(shown, "Runs that came to their end", [_own(shown, Metric.HEARTBEAT, "runs")]),
            _graph(shown, "Seconds of the longest run", [_own(shown, Metric.RUN_SECONDS, "seconds")], stat="Maximum"),
            _graph(
                shown,
                "Oldest file that is neither in the table nor refused",
                [
                    _own(shown, Metric.OLDEST_PENDING_AGE, "its age in seconds"),
                    _own(shown, Metric.FILES_PENDING, "such files", yAxis="right"),
                ],
                stat="Maximum",
            ),
        ),
        _row(_text("## What came in?"), height=1),
        _row(
            _graph(shown, "Files that became rows", [_own(shown, Metric.FILES_COMMITTED, "files")]),
            _graph(shown, "Rows", [_own(shown, Metric.ROWS_COMMITTED, "rows")]),
            _graph(shown, "Files below the sources", [_own(shown, Metric.FILES_LISTED, "files")], stat="Maximum"),
        ),
        _row(_text("## What was refused?"), height=1),
        _row(
            _graph(
                shown,
                "Files",
                [
                    _own(shown, Metric.FILES_FAILED, "refused"),
                    _own(shown, Metric.FILES_FAILED_BEFORE, "refused before, and still there", stat="Maximum"),
                ],
            ),
            _graph(shown, "Rows in quarantine", [_own(shown, Metric.ROWS_QUARANTINED, "rows")]),
            _graph(shown, "Counts that differ", [_own(shown, Metric.RECONCILE_MISMATCH, "batches")]),
        ),
        _row(_text("## What did it cost?"), height=1),
        _row(
            _graph(shown, "Glue, US dollars a day at most (an estimate)", _cost(shown), period=_DAY),
            _graph(shown, "AWS calls", [_own(shown, Metric.AWS_CALLS, "calls")]),
            _graph(
                shown,
                "The ledger, all tables that share it",
                [
                    _ledger(shown, "ConsumedReadCapacityUnits", "read units"),
                    _ledger(shown, "ConsumedWriteCapacityUnits", "write units"),
                    _ledger(shown, "ConditionalCheckFailedRequests", "runs kept apart", yAxis="right"),
                    _ledger(shown, "ReadThrottleEvents", "reads throttled", yAxis="right"),
                    _ledger(shown, "WriteThrottleEvents", "writes throttled", yAxis="right"),
                ],
            ),
        ),
        _row(_log(shown)),
    ]
    widgets: list[Widget] = []
    top = 0
    for row in rows:
        widgets += [{**widget, "y": top} for widget in row]
        top += max(widget["height"] for widget in row)
    return {"start": "-P7D", "periodOverride": "inherit", "widgets": widgets}


def _row(*widgets: Widget, height: int = _HEIGHT) -> list[Widget]:
    """Widgets side by side, of one width."""
    width = GRID_WIDTH // len(widgets)
    return [{**widget, "x": n * width, "width": width, "height": height} for n, widget in enumerate(widgets)]


def _text(markdown: str) -> Widget:
    return {"type": "text", "properties": {"markdown": markdown}}


def _head(shown: Shown) -> str:
    job = shown.job
    return "\n".join(
        [
            f"# {shown.table}",
            f"Written by the Glue job `{job}`; its ledger is `{shown.ledger}`. What each alarm means: `{PAGE_OF}`.",
            "",
            "| to see | run |",
            "|---|---|",
            f"| the last runs, and files by status | `alur status {job}` |",
            f"| files that were refused, and why | `alur files {job} --status failed` |",
            f"| rows that were refused, and why | `alur quarantine {job}` |",
            f"| whether ledger, files and table agree | `alur fsck {job}` |",
        ]
    )


def _alarms(shown: Shown) -> Widget:
    return {"type": "alarm", "properties": {"title": "Alarms", "alarms": list(shown.alarms)}}


def _graph(shown: Shown, title: str, metrics: Sequence[list[Any]], *, stat: str = "Sum", period: int = _HOUR) -> Widget:
    properties = {
        "title": title,
        "view": "timeSeries",
        "stacked": False,
        "region": shown.region,
        "stat": stat,
        "period": period,
        "metrics": list(metrics),
        "yAxis": {"left": {"min": 0}, "right": {"min": 0}},
    }
    return {"type": "metric", "properties": properties}


def _own(shown: Shown, metric: Metric, label: str, **more: Any) -> list[Any]:
    return [NAMESPACE, metric.value, DIMENSION, shown.table, {"label": label, **more}]


def _ledger(shown: Shown, metric: str, label: str, **more: Any) -> list[Any]:
    return [DYNAMODB, metric, LEDGER_DIMENSION, shown.ledger, {"label": label, **more}]


def _cost(shown: Shown) -> list[list[Any]]:
    expression = f"seconds / {_HOUR} * {shown.hour_usd:.4g}"
    return [
        _own(shown, Metric.RUN_SECONDS, "seconds", id="seconds", visible=False),
        [{"expression": expression, "id": "cost", "label": "US dollars", "region": shown.region}],
    ]


def _log(shown: Shown) -> Widget:
    query = (
        f"SOURCE '{shown.log_group}' | fields @timestamp, level, message, error "
        '| filter level in ["WARNING", "ERROR"] | sort @timestamp desc | limit 20'
    )
    properties = {"title": "What runs warned of", "region": shown.region, "query": query, "view": "table"}
    return {"type": "log", "properties": properties}


def dashboard_name(job: str) -> str:
    """The dashboard's name: the Glue job's, as far as CloudWatch takes its characters."""
    return _NO_NAME.sub("-", job)


def table_dashboard(name: str, shown: pulumi.Output[Shown], opts: pulumi.ResourceOptions) -> aws.cloudwatch.Dashboard:
    """Register the dashboard of a job's table.

    Args:
        name: Logical name of the job.
        shown: What it is about.
        opts: Options of the child.
    """
    return aws.cloudwatch.Dashboard(
        f"{name}-dashboard",
        # The provider makes up no name for it, and CloudWatch overwrites one of the same name in silence: the job's
        # name, which was made up, keeps stacks apart.
        dashboard_name=shown.apply(lambda known: dashboard_name(known.job)),
        dashboard_body=shown.apply(lambda known: json.dumps(dashboard_body(known), sort_keys=True)),
        opts=opts,
    )
