"""What starts a run without anybody's hand, as pure functions that return documents: patterns, inputs, policies."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from alur_pulumi.iam import Statement, allow, document, service_trust_policy

if TYPE_CHECKING:
    from collections.abc import Iterable


def arrival_pattern(landing: Iterable[tuple[str, str]]) -> str:
    """The events of objects that were written below one of the places.

    Args:
        landing: Pairs of bucket name and prefix.
    """
    prefixes: dict[str, set[str]] = {}
    for bucket, prefix in landing:
        prefixes.setdefault(bucket, set()).add(prefix)
    places = [_place(bucket, prefixes[bucket]) for bucket in sorted(prefixes)]
    # a pattern's fields are joined by "and": buckets and prefixes beside one another would match the wrong pairs too
    detail = places[0] if len(places) == 1 else {"$or": places}
    pattern = {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": detail}
    return json.dumps(pattern, sort_keys=True)


def notify_policy(workflow_arn: str) -> str:
    """EventBridge may tell this workflow of events."""
    return document([allow("Notify", ["glue:notifyEvent"], [workflow_arn])])


def rule_trust_policy(rule_arn: str) -> str:
    """Only EventBridge may take the role, and only for this rule."""
    return service_trust_policy("events.amazonaws.com", {"ArnEquals": {"aws:SourceArn": rule_arn}})


def start_job_input(job_name: str) -> str:
    """What the scheduler calls StartJobRun with."""
    return json.dumps({"JobName": job_name})


def start_job_target(job_arn: str) -> str:
    """The scheduler's own ARN for a call of StartJobRun, in the job's partition."""
    return f"arn:{job_arn.split(':')[1]}:scheduler:::aws-sdk:glue:startJobRun"


def start_job_policy(job_arn: str, queue_arn: str) -> str:
    """The scheduler may start this job, and say of a start that never came about that it did not."""
    start = allow("Start", ["glue:StartJobRun"], [job_arn])
    return document([start, allow("Undelivered", ["sqs:SendMessage"], [queue_arn])])


def scheduler_trust_policy(job_arn: str) -> str:
    """Only the scheduler of the job's own account may take the role.

    The schedule's ARN would be a tighter fence, but a schedule is made with its role and cannot come before it.
    """
    account = job_arn.split(":")[4]
    return service_trust_policy("scheduler.amazonaws.com", {"StringEquals": {"aws:SourceAccount": account}})


def queue_policy(queue_arn: str, rule_arns: Iterable[str]) -> str:
    """These rules may send to the queue, and nobody without TLS."""
    tls: Statement = {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": queue_arn,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    rules = sorted(rule_arns)
    if not rules:
        return document([tls])
    send = {
        **allow("UndeliveredEvents", ["sqs:SendMessage"], [queue_arn]),
        "Principal": {"Service": "events.amazonaws.com"},
        "Condition": {"ArnEquals": {"aws:SourceArn": rules}},
    }
    return document([send, tls])


def _place(bucket: str, prefixes: set[str]) -> dict[str, Any]:
    place: dict[str, Any] = {"bucket": {"name": [bucket]}}
    if "" not in prefixes:
        place["object"] = {"key": [{"prefix": prefix} for prefix in sorted(prefixes)]}
    return place
