"""The alarms of a job and of a ledger, as values: what each watches, when it goes off, what it says. Pure."""

import datetime as dt
import json
import math
from enum import StrEnum
from typing import Final

import attrs

from alur_runtime.run.metrics import DIMENSION, NAMESPACE, Metric

PAGE_OF: Final = "docs/alarms.md"
"""Where each alarm has a section: what it means, how to find out more, what to do."""
FAILED_STATES: Final = ("FAILED", "TIMEOUT", "ERROR")
DYNAMODB: Final = "AWS/DynamoDB"
LEDGER_DIMENSION: Final = "TableName"
SQS: Final = "AWS/SQS"
LEDGER_OPERATIONS: Final = (
    "BatchGetItem", "GetItem", "PutItem", "Query", "TransactWriteItems", "UpdateItem",
)  # fmt: skip
"""What the runtime asks of the ledger: DynamoDB counts its own errors by operation only."""
MOST_HOURS: Final = 7 * 24
"""CloudWatch looks back no farther."""

_DIMENSIONS: Final = {NAMESPACE: DIMENSION, DYNAMODB: LEDGER_DIMENSION, SQS: "QueueName"}
_HOUR: Final = 3600
_FIVE_MINUTES: Final = 300


class Severity(StrEnum):
    """How soon somebody should look."""

    PAGE = "page"
    """Now: data is not coming, or is not right."""
    TICKET = "ticket"
    """In working hours: some files or rows were kept out, or it is slow."""


@attrs.frozen(kw_only=True)
class AlarmSpec:
    """One metric alarm.

    Attributes:
        key: Its name, as its section in the page of alarms has it.
        severity: How soon somebody should look.
        meaning: What is so when it goes off, in a sentence.
        command: What to run to see more; ``{job}`` stands for the Glue job's name.
        namespace: Of the metric.
        metric: Its name.
        operations: Where they are named, the metric of each is taken (dimension `Operation`), and their sum counts.
        statistic: Of the values of a period.
        period: Seconds.
        periods: That are looked at.
        breaching: How many of them must break the threshold.
        threshold: More than that breaks it; for `is_least`, less than that.
        is_least: Whether the threshold is the least that must be.
        missing: What a period without values counts as.
        tells_end: Whether the topic is told too when it is over. Not of what is over by itself with the next run,
            whether somebody has looked or not.
    """

    key: str
    severity: Severity
    meaning: str
    command: str
    namespace: str
    metric: str
    operations: tuple[str, ...] = ()
    statistic: str = "Sum"
    period: int = _FIVE_MINUTES
    periods: int = 1
    breaching: int = 1
    threshold: float = 0
    is_least: bool = False
    missing: str = "notBreaching"
    tells_end: bool = False

    @property
    def comparison(self) -> str:
        """CloudWatch's name of how values and threshold are compared."""
        return "LessThanThreshold" if self.is_least else "GreaterThanThreshold"

    def description(self, job: str) -> str:
        """What a person reads who is woken by it."""
        return describe(self.key, self.severity, self.meaning, self.command.format(job=job))


def describe(key: str, severity: Severity, meaning: str, command: str) -> str:
    """An alarm's description: how urgent, what is so, which command to run, where to read on."""
    return f"[{severity}] {meaning} Run: {command}. Read on: {PAGE_OF}#{key}"


FAILED_RUN: Final = "run-failed"
_FAILED_RUN_MEANING: Final = "A run of the job failed or ran out of time; nothing of it that is unfinished is visible."


def failed_run_description(job: str) -> str:
    """What the rule says that tells of failed runs of a Glue job."""
    return describe(FAILED_RUN, Severity.PAGE, _FAILED_RUN_MEANING, f"alur status {job}")


def failed_run_pattern(job_name: str) -> str:
    """The events of runs of a job that did not succeed; a run that somebody stopped is no failure.

    A failed run is told by EventBridge and not by a metric: Glue sends an event for every run that ends. Delivery is
    best effort, so that it tells of failures and does not prove success: `did-not-run` does.
    """
    pattern = {
        "source": ["aws.glue"],
        "detail-type": ["Glue Job State Change"],
        "detail": {"jobName": [job_name], "state": list(FAILED_STATES)},
    }
    return json.dumps(pattern, sort_keys=True)


def job_alarms(expect_hours: int | None, freshness_hours: int) -> tuple[AlarmSpec, ...]:
    """The alarms of a job, on what its runs publish of their table.

    Args:
        expect_hours: Within so many hours a run must have ended; None where no runs are expected.
        freshness_hours: For how long a file may lie there and be neither in the table nor refused.
    """
    found = [
        AlarmSpec(
            key="counts-differ",
            severity=Severity.PAGE,
            meaning="Counts of a run do not add up: rows or files were lost or made on the way. The batch they belong "
            "to was not committed.",
            command="alur fsck {job}",
            namespace=NAMESPACE,
            metric=Metric.RECONCILE_MISMATCH,
        ),
        AlarmSpec(
            key="files-failed",
            severity=Severity.TICKET,
            meaning="A run refused files: nothing of them is in the table.",
            command="alur files {job} --status failed",
            namespace=NAMESPACE,
            metric=Metric.FILES_FAILED,
        ),
        AlarmSpec(
            key="rows-quarantined",
            severity=Severity.TICKET,
            meaning="A run kept bad rows out of the table, within the budget of their source; the rest of their files "
            "is in it.",
            command="alur quarantine {job}",
            namespace=NAMESPACE,
            metric=Metric.ROWS_QUARANTINED,
        ),
        AlarmSpec(
            key="files-pending",
            severity=Severity.TICKET,
            meaning=f"A file that landed more than {freshness_hours} hours ago was neither in the table nor refused at "
            "the end of a run.",
            command="alur status {job}",
            namespace=NAMESPACE,
            metric=Metric.OLDEST_PENDING_AGE,
            statistic="Maximum",
            threshold=freshness_hours * _HOUR,
            tells_end=True,
        ),
    ]
    if expect_hours is not None:
        found.insert(0, _did_not_run(expect_hours))
    return tuple(found)


def _did_not_run(hours: int) -> AlarmSpec:
    # By the hour, and not one period of all hours: CloudWatch looks for values in a few periods before those that it
    # needs, and one that it finds there keeps the alarm quiet. A few hours late is near enough, a few days are not.
    return AlarmSpec(
        key="did-not-run",
        severity=Severity.PAGE,
        meaning=f"No run has come to its end for {hours} hours, well or not: none was started, or each was killed.",
        command="alur status {job}",
        namespace=NAMESPACE,
        metric=Metric.HEARTBEAT,
        period=_HOUR,
        periods=hours,
        breaching=hours,
        threshold=1,
        is_least=True,
        missing="breaching",
        tells_end=True,
    )


def ledger_alarms() -> tuple[AlarmSpec, ...]:
    """The alarms of a ledger, on what DynamoDB publishes of its table.

    Failed conditions are not among them: they are how runs keep out of each other's way.
    """
    throttled = "The ledger's {} are throttled: runs of all its jobs are slow, and may fail."
    status = "alur status <job>"
    return (
        _ledger_alarm("reads-throttled", throttled.format("reads"), status, "ReadThrottleEvents"),
        _ledger_alarm("writes-throttled", throttled.format("writes"), status, "WriteThrottleEvents"),
        _ledger_alarm(
            "ledger-errors",
            "DynamoDB answers for the ledger with errors of its own: runs try again, and may fail.",
            status,
            "SystemErrors",
            LEDGER_OPERATIONS,
        ),
    )


def _ledger_alarm(key: str, meaning: str, command: str, metric: str, operations: tuple[str, ...] = ()) -> AlarmSpec:
    return AlarmSpec(
        key=key,
        severity=Severity.TICKET,
        meaning=meaning,
        command=command,
        namespace=DYNAMODB,
        metric=metric,
        operations=operations,
        periods=3,
        breaching=2,
        tells_end=True,
    )


def start_alarms() -> tuple[AlarmSpec, ...]:
    """The alarms of what starts a job by itself by way of EventBridge, on what SQS publishes of its queue."""
    return (
        AlarmSpec(
            key="starts-undelivered",
            severity=Severity.TICKET,
            meaning="A schedule, or files that landed, were to start a run and could not. What was not delivered lies "
            "in the job's queue for 14 days.",
            command="alur run {job}",
            namespace=SQS,
            metric="ApproximateNumberOfMessagesVisible",
            statistic="Maximum",
        ),
    )


def dimension_of(spec: AlarmSpec) -> str:
    """The dimension whose value says whose metric it is."""
    return _DIMENSIONS[spec.namespace]


def hours_to_expect(gap: dt.timedelta, timeout_minutes: int) -> int:
    """Within how many hours a run must end, if it is started on schedule.

    Args:
        gap: The longest time between two starts.
        timeout_minutes: The longest time that a run takes.

    Returns:
        Full hours, and one more: clocks are changed, and a start may be late.
    """
    longest = gap + dt.timedelta(minutes=timeout_minutes)
    return math.ceil(longest / dt.timedelta(hours=1)) + 1
