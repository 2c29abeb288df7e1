"""What starts a job by itself: schedules in UTC and in other zones, and files that land."""

import json
from typing import Any

import pytest

import alur_pulumi as alur
from alur_pulumi import start_documents as documents
from tests.components.monitor import Monitor, Registered, register
from tests.components.programs import Pipeline

CRON = "cron(0 6 * * ? *)"
JOB_ARN = "arn:aws:glue:eu-west-1:123456789012:job/ingest-job-1a2b3c4"
BERLIN = {"schedule": CRON, "schedule_timezone": "Europe/Berlin"}
ARRIVAL = {"start_on_arrival": alur.StartOnArrival(window_seconds=60, batch_size=10)}
KINDS = ("Trigger", "Schedule", "Workflow", "Queue", "QueuePolicy", "BucketNotification", "EventRule", "EventTarget")


def _deployed(**job: Any) -> Monitor:
    return register(lambda: Pipeline(job=job))


def _made(monitor: Monitor) -> dict[str, list[str]]:
    """What is made of these kinds, but for what tells of failed runs."""
    made = {kind: [r.name for r in monitor.of(kind) if "failed" not in r.name] for kind in KINDS}
    return {kind: names for kind, names in made.items() if names}


def _waits_for(waiting: Registered) -> set[str]:
    return {urn.rpartition("::")[2] for urn in waiting.dependencies}


def _allowed(policy: str) -> set[tuple[str, str]]:
    allowing = [s for s in json.loads(policy)["Statement"] if s["Effect"] == "Allow"]
    return {(action, resource) for s in allowing for action in s["Action"] for resource in s["Resource"]}


def test_nothing_starts_a_job_unless_asked_for() -> None:
    assert _made(_deployed()) == {}


@pytest.mark.parametrize("enabled", [True, False])
def test_a_schedule_in_utc_is_a_trigger_of_glue(enabled: bool) -> None:
    monitor = _deployed(schedule=CRON, schedule_enabled=enabled, tags={"team": "sales"})
    assert _made(monitor) == {"Trigger": ["ingest-schedule"]}
    assert monitor.one("Trigger").inputs == {
        "type": "SCHEDULED",
        "schedule": CRON,
        "actions": [{"jobName": "ingest-job-1a2b3c4"}],
        "enabled": enabled,
        "tags": {"team": "sales"},
    }


@pytest.mark.parametrize(("enabled", "state"), [(True, "ENABLED"), (False, "DISABLED")])
def test_a_schedule_in_another_zone_is_the_scheduler_s(enabled: bool, state: str) -> None:
    monitor = _deployed(**BERLIN, schedule_enabled=enabled)
    assert _made(monitor) == {
        "Schedule": ["ingest-schedule"],
        "Queue": ["ingest-undelivered"],
        "QueuePolicy": ["ingest-undelivered-policy"],
    }
    schedule = monitor.one("Schedule")
    target = schedule.inputs.pop("target")
    assert schedule.inputs == {
        "description": "Starts the ingestion job ingest.",
        "scheduleExpression": CRON,
        "scheduleExpressionTimezone": "Europe/Berlin",
        "state": state,
        "flexibleTimeWindow": {"mode": "OFF"},
    }
    assert target["arn"] == "arn:aws:scheduler:::aws-sdk:glue:startJobRun"
    assert json.loads(target["input"]) == {"JobName": "ingest-job-1a2b3c4"}
    assert target["deadLetterConfig"]["arn"].endswith("ingest-undelivered-1a2b3c4")
    assert "ingest-schedule-policy-attached" in _waits_for(schedule)


def test_the_scheduler_may_start_this_job_and_nothing_else() -> None:
    monitor = _deployed(**BERLIN, permissions_boundary="arn:aws:iam::123456789012:policy/fence")
    role = monitor.one("Role", "ingest-schedule-role").inputs
    assert role["permissionsBoundary"].endswith("policy/fence")
    (trusted,) = json.loads(role["assumeRolePolicy"])["Statement"]
    assert trusted["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trusted["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}
    assert _allowed(monitor.one("Policy", "ingest-schedule-policy").inputs["policy"]) == {
        ("glue:StartJobRun", JOB_ARN),
        ("sqs:SendMessage", "arn:aws:sqs:eu-west-1:123456789012:queue/ingest-undelivered-1a2b3c4"),
    }


def test_files_that_land_start_the_job_by_way_of_a_workflow() -> None:
    monitor = _deployed(**ARRIVAL)
    assert _made(monitor) == {
        "Trigger": ["ingest-arrival-trigger"],
        "Workflow": ["ingest-arrival"],
        "Queue": ["ingest-undelivered"],
        "QueuePolicy": ["ingest-undelivered-policy"],
        "BucketNotification": ["ingest-arrival-events"],
        "EventRule": ["ingest-arrival"],
        "EventTarget": ["ingest-arrival-target"],
    }
    assert monitor.one("Trigger").inputs == {
        "type": "EVENT",
        "workflowName": "ingest-arrival-1a2b3c4",
        "actions": [{"jobName": "ingest-job-1a2b3c4"}],
        "eventBatchingConditions": [{"batchSize": 10, "batchWindow": 60}],
    }
    assert json.loads(monitor.one("EventRule", "ingest-arrival").inputs["eventPattern"]) == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": ["ingest-landing-1a2b3c4"]}, "object": {"key": [{"prefix": "in/"}]}},
    }
    notified = monitor.one("BucketNotification")
    assert notified.inputs == {"bucket": "ingest-landing-1a2b3c4", "eventbridge": True}
    # what an event needs to be taken is there before there are events
    assert "ingest-arrival-target" in _waits_for(notified)
    target = monitor.one("EventTarget", "ingest-arrival-target")
    assert {"ingest-arrival-policy-attached", "ingest-arrival-trigger"} <= _waits_for(target)
    assert target.inputs["deadLetterConfig"]["arn"].endswith("ingest-undelivered-1a2b3c4")


def test_the_rule_may_tell_this_workflow_and_nobody_else_may_take_its_role() -> None:
    monitor = _deployed(**ARRIVAL)
    rule = "arn:aws:aws:eu-west-1:123456789012:eventrule/ingest-arrival-1a2b3c4"
    (trusted,) = json.loads(monitor.one("Role", "ingest-arrival-role").inputs["assumeRolePolicy"])["Statement"]
    assert trusted["Condition"] == {"ArnEquals": {"aws:SourceArn": rule}}
    (allowed,) = _allowed(monitor.one("Policy", "ingest-arrival-policy").inputs["policy"])
    assert allowed == ("glue:notifyEvent", "arn:aws:glue:eu-west-1:123456789012:workflow/ingest-arrival-1a2b3c4")
    statements = {s["Sid"]: s for s in json.loads(monitor.one("QueuePolicy").inputs["policy"])["Statement"]}
    assert statements["UndeliveredEvents"]["Condition"] == {"ArnEquals": {"aws:SourceArn": [rule]}}
    assert statements["TlsOnly"]["Effect"] == "Deny"


def test_a_bucket_of_one_s_own_is_not_touched() -> None:
    monitor = _deployed(**ARRIVAL, landing_bucket="theirs")
    assert monitor.of("BucketNotification") == []
    assert '"name": ["theirs"]' in monitor.one("EventRule", "ingest-arrival").inputs["eventPattern"]


def test_a_schedule_sweeps_up_beside_arrival() -> None:
    assert [r.name for r in _deployed(**ARRIVAL, schedule=CRON).of("Trigger")] == [
        "ingest-schedule",
        "ingest-arrival-trigger",
    ]
    both = _deployed(**ARRIVAL, **BERLIN)
    assert len(both.of("Schedule")) == len(both.of("Workflow")) == len(both.of("Queue")) == 1


def test_places_in_several_buckets_are_pairs_of_bucket_and_prefix() -> None:
    pattern = json.loads(documents.arrival_pattern([("b", "x/"), ("a", "y/"), ("a", "x/"), ("c", "x/"), ("c", "")]))
    assert pattern["detail"] == {
        "$or": [
            {"bucket": {"name": ["a"]}, "object": {"key": [{"prefix": "x/"}, {"prefix": "y/"}]}},
            {"bucket": {"name": ["b"]}, "object": {"key": [{"prefix": "x/"}]}},
            {"bucket": {"name": ["c"]}},  # one of its places is the whole bucket
        ]
    }


def test_the_scheduler_s_call_is_in_the_job_s_partition() -> None:
    china = "arn:aws-cn:glue:cn-north-1:123456789012:job/j"
    assert documents.start_job_target(china) == "arn:aws-cn:scheduler:::aws-sdk:glue:startJobRun"
