"""What a run says of itself to CloudWatch: one call, from its report alone.

Glue's own metrics see Spark and not the threads of this process, and they do not know what a file is.
"""

from __future__ import annotations

import logging
from enum import StrEnum
from typing import Any, Final

from alur_runtime.model import FileStatus
from alur_runtime.reasons import Reason
from alur_runtime.report import RunReport, reconciles

NAMESPACE: Final = "Alur"
DIMENSION: Final = "Table"
"""The only one, its value ``database.table``: each set of dimensions is billed as a metric of its own."""

_log = logging.getLogger(__name__)
_RECORDED_ONLY: Final = frozenset({Reason.CHANGED_SKIPPED.value, Reason.RESTORED.value})


class Metric(StrEnum):
    """What a run publishes, by the names in CloudWatch."""

    HEARTBEAT = "Heartbeat"
    """1 for every run that ended by its own word, however it ended."""
    RUN_SECONDS = "RunSeconds"
    AWS_CALLS = "AwsCalls"
    """Up to the report: writing that, the run's end and these metrics are three more."""
    FILES_LISTED = "FilesListed"
    FILES_COMMITTED = "FilesCommitted"
    """Files whose rows became visible."""
    FILES_FAILED = "FilesFailed"
    """Files that this run refused."""
    FILES_FAILED_BEFORE = "FilesFailedBefore"
    """Files that an earlier run refused and that still lie there as they were."""
    FILES_PENDING = "FilesPending"
    """Files that are listed and neither in the table nor refused; left out if the sources were not listed."""
    OLDEST_PENDING_AGE = "OldestPendingAgeSeconds"
    """Since the oldest of them landed, and 0 if there is none; left out likewise."""
    ROWS_COMMITTED = "RowsCommitted"
    ROWS_QUARANTINED = "RowsQuarantined"
    RECONCILE_MISMATCH = "ReconcileMismatch"
    """Batches whose counts differ, and 1 more if those of the report do."""


_UNITS: Final = {Metric.RUN_SECONDS: "Seconds", Metric.OLDEST_PENDING_AGE: "Seconds"}  # all others are counts


def metric_values(report: RunReport) -> dict[Metric, float]:
    """What the report comes to, by metric. What it does not know is left out: a 0 would say that all is well."""
    values: dict[Metric, float] = {
        Metric.HEARTBEAT: 1,
        Metric.RUN_SECONDS: report.timings.get("total", 0.0),
        Metric.AWS_CALLS: sum(report.aws_calls.values()),
        Metric.FILES_LISTED: report.listed,
        Metric.FILES_COMMITTED: sum(
            f.status == FileStatus.COMPLETED.value and f.reason not in _RECORDED_ONLY for f in report.files
        ),
        Metric.FILES_FAILED: sum(f.status == FileStatus.FAILED.value for f in report.files),
        Metric.FILES_FAILED_BEFORE: report.files_by_reason.get(Reason.FAILED_BEFORE.value, 0),
        Metric.ROWS_COMMITTED: report.rows_written,
        Metric.ROWS_QUARANTINED: report.rows_quarantined,
        Metric.RECONCILE_MISMATCH: sum(b.outcome == Reason.COUNTS_DIFFER.value for b in report.batches)
        + (not reconciles(report)),
    }
    if report.files_pending is not None:
        values[Metric.FILES_PENDING] = report.files_pending
        oldest = report.oldest_pending_at
        values[Metric.OLDEST_PENDING_AGE] = 0 if oldest is None else max(0, report.finished_at - oldest)
    return values


def metric_data(report: RunReport) -> list[dict[str, Any]]:
    """The same as `PutMetricData` takes it."""
    dimensions = [{"Name": DIMENSION, "Value": report.table}]
    return [
        {"MetricName": name.value, "Dimensions": dimensions, "Value": float(value), "Unit": _UNITS.get(name, "Count")}
        for name, value in metric_values(report).items()
    ]


def publish_metrics(cloudwatch: Any, report: RunReport) -> None:
    """Publish them. A run has ended as its report says, whether CloudWatch was told or not.

    Args:
        cloudwatch: A boto3 client; None where nothing is published.
        report: Of the run, as it was recorded.
    """
    if cloudwatch is None:
        return
    try:
        cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=metric_data(report))
    except Exception:  # noqa: BLE001  (the alarm for runs that do not come is how somebody learns of it)
        _log.warning("the metrics of run %s were not published", report.run_id, exc_info=True)
