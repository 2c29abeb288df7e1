"""What alarms are registered, what they say, and which arguments no alarm can be made of."""

import datetime as dt
import json
import re
from typing import Any

import pulumi
import pytest

import alur_pulumi as alur
from alur_pulumi.alarms import (
    FAILED_RUN,
    MOST_HOURS,
    AlarmSpec,
    Severity,
    failed_run_description,
    hours_to_expect,
    job_alarms,
    ledger_alarms,
    start_alarms,
)
from alur_pulumi.cli.main import cli
from alur_pulumi.cron import longest_gap
from alur_pulumi.iam import METRIC_NAMESPACES
from alur_pulumi.metric_alarms import SEVERITY_TAG
from alur_pulumi.state_table import HASH_KEY, RANGE_KEY
from alur_pulumi.topic import key_policy, topic_policy
from alur_runtime.config import config_from_json
from alur_runtime.run.metrics import NAMESPACE, Metric
from tests.components.monitor import Monitor, Registered, register
from tests.components.programs import ROOT, Pipeline

SPECS = (*job_alarms(27, 24), *start_alarms(), *ledger_alarms())
DAILY = "cron(0 6 * * ? *)"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:mine"
_ANCHOR = re.compile(r"docs/alarms\.md#([\w-]+)$")


def _deployed(**arguments: Any) -> Monitor:
    return register(lambda: Pipeline(**arguments))


def _refused(**arguments: Any) -> str:
    with pytest.raises(alur.ArgumentError) as caught:
        _deployed(**arguments)
    return str(caught.value)


def _alarms(monitor: Monitor) -> dict[str, Registered]:
    return {r.name: r for r in monitor.of("MetricAlarm")}


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.key)
def test_a_description_says_how_urgent_what_is_so_what_to_run_and_where_to_read_on(spec: AlarmSpec) -> None:
    text = spec.description("orders-job-1a2b3c4")
    assert text.startswith(f"[{spec.severity}] ")
    assert len(text) <= 1024
    command = text.split(" Run: ")[1].split(". Read on: ")[0].split()
    assert command[0] == "alur"
    options = {name for parameter in cli.commands[command[1]].params for name in parameter.opts}
    assert {word for word in command if word.startswith("--")} <= options


def test_every_alarm_has_a_section_of_the_page_and_every_section_an_alarm() -> None:
    page = (ROOT / "docs" / "alarms.md").read_text()
    anchors = [_ANCHOR.search(text) for text in (failed_run_description("j"), *(s.description("j") for s in SPECS))]
    assert [a[1] for a in anchors if a] == [FAILED_RUN, *(s.key for s in SPECS)]
    sections = page.partition("## Each of them")[2]
    assert sorted(re.findall(r"^### (.+)$", sections, re.MULTILINE)) == sorted({FAILED_RUN, *(s.key for s in SPECS)})


def test_the_page_has_the_alarms_severities_and_the_metrics_as_they_are() -> None:
    page = (ROOT / "docs" / "alarms.md").read_text()
    lines = re.findall(r"^\| (`[a-z-]+`(?:, `[a-z-]+`)*) \| (\w+) \|", page, re.MULTILINE)
    listed = {key: severity for keys, severity in lines for key in re.findall(r"`([a-z-]+)`", keys)}
    assert listed == {FAILED_RUN: "page", **{s.key: s.severity.value for s in SPECS}}
    metrics = page.partition("## What a run publishes")[2].partition("## Each of them")[0]
    first = re.findall(r"^\| (`[^|]+) \|", metrics, re.MULTILINE)
    assert sorted(re.findall(r"`(\w+)`", " ".join(first))) == sorted(Metric)


def test_only_the_missing_run_is_told_by_missing_data() -> None:
    assert [s.key for s in SPECS if s.missing == "breaching"] == ["did-not-run"]
    assert {s.missing for s in SPECS} == {"breaching", "notBreaching"}


def test_data_that_do_not_come_or_are_not_right_page_and_all_else_waits_for_the_morning() -> None:
    pages = {s.key for s in SPECS if s.severity is Severity.PAGE}
    assert pages == {"did-not-run", "counts-differ"}
    assert failed_run_description("j").startswith("[page]")


def test_no_alarm_looks_farther_back_than_cloudwatch() -> None:
    for spec in (*job_alarms(MOST_HOURS, 1), *ledger_alarms()):
        most = 7 * 24 * 3600 if spec.period >= 3600 else 24 * 3600
        assert spec.period * spec.periods <= most
        assert spec.breaching <= spec.periods


def test_alarms_are_on_by_default_and_each_tells_the_topic_of_the_state() -> None:
    monitor = _deployed(job={"schedule": DAILY, "tags": {"team": "data"}})
    alarms = _alarms(monitor)
    assert set(alarms) == {
        *(f"ingest-{s.key}" for s in job_alarms(27, 24)),
        *(f"state-{s.key}" for s in ledger_alarms()),
    }
    topic = monitor.one("Topic", "state-alarm")
    arn = monitor.one("TopicPolicy").inputs["arn"]
    for name, alarm in alarms.items():
        assert alarm.inputs["alarmActions"] == [arn], name
        assert alarm.inputs["tags"][SEVERITY_TAG] in set(Severity)
        assert "name" not in alarm.inputs
        assert alarm.parent.rpartition("::")[2] == name.partition("-")[0]
    assert {a.inputs["tags"].get("team") for n, a in alarms.items() if n.startswith("ingest")} == {"data"}
    assert monitor.one("EventTarget").inputs["arn"] == arn
    # what tells the topic waits for the policy that lets it
    assert any("state-alarm-policy" in urn for urn in alarms["ingest-files-failed"].dependencies)
    assert topic.inputs["kmsMasterKeyId"]


def test_starts_that_cannot_be_delivered_are_told_where_there_can_be_any() -> None:
    for job in ({"schedule": DAILY, "schedule_timezone": "Asia/Tokyo"}, {"start_on_arrival": alur.StartOnArrival()}):
        monitor = _deployed(job=job)
        assert monitor.one("Queue").name == "ingest-undelivered"
        alarm = _alarms(monitor)["ingest-starts-undelivered"].inputs
        assert alarm["dimensions"] == {"QueueName": "ingest-undelivered-1a2b3c4"}
    assert "ingest-starts-undelivered" not in _alarms(_deployed(job={"schedule": DAILY}))


def test_a_failed_run_is_told_with_the_name_of_its_job() -> None:
    rule = _deployed().one("EventRule").inputs
    assert "alur status ingest-job-1a2b3c4" in rule["description"]
    assert len(rule["description"]) <= 512
    assert json.loads(rule["eventPattern"])["detail"]["jobName"] == ["ingest-job-1a2b3c4"]
    assert rule["tags"] == {SEVERITY_TAG: "page"}


def test_the_role_may_publish_what_alarms_look_at() -> None:
    assert NAMESPACE in METRIC_NAMESPACES


def test_a_ledger_of_another_stack_is_watched_there() -> None:
    ledger = {
        "name": "theirs",
        "hashKey": HASH_KEY,
        "rangeKey": RANGE_KEY,
        "attributes": [{"name": HASH_KEY, "type": "S"}, {"name": RANGE_KEY, "type": "S"}],
        "arn": "arn:aws:dynamodb:eu-west-1:123456789012:table/theirs",
    }
    monitor = register(lambda: Pipeline(state={"existing_table": "theirs"}), existing={"theirs": ledger})
    assert all(name.startswith("ingest-") for name in _alarms(monitor))
    assert monitor.one("Topic").name == "ingest-alarm"


def test_alarms_look_at_the_table_by_the_name_that_runs_publish() -> None:
    monitor = _deployed(job={"schedule": DAILY})
    key = config_from_json(monitor.one("BucketObjectv2", "ingest-config").inputs["content"]).table.key
    own = [a.inputs for n, a in _alarms(monitor).items() if n.startswith("ingest-")]
    assert [a["dimensions"] for a in own] == [{"Table": key}] * 5
    assert {a["namespace"] for a in own} == {"Alur"}
    assert all("alur " in a["alarmDescription"] and "ingest-job-1a2b3c4" in a["alarmDescription"] for a in own)


def test_errors_of_the_ledger_are_summed_over_all_operations_that_the_runtime_asks_for() -> None:
    monitor = _deployed()
    total, *parts = _alarms(monitor)["state-ledger-errors"].inputs["metricQueries"]
    assert (total["expression"], total["returnData"]) == ("SUM(METRICS())", True)
    found = {part["metric"]["dimensions"]["Operation"] for part in parts}
    granted = json.loads(monitor.one("Policy", "ingest-policy").inputs["policy"])["Statement"]
    actions = {a.removeprefix("dynamodb:") for s in granted for a in s["Action"] if a.startswith("dynamodb:")}
    # IAM knows no transactions: they are allowed by the actions on single items
    assert found - {"TransactWriteItems"} == actions - {"ConditionCheckItem"}
    assert all(not part.get("returnData") for part in parts)


@pytest.mark.parametrize("by", ["state", "job"])
def test_a_topic_of_ones_own_is_told_and_none_is_made(by: str) -> None:
    arguments: dict[str, Any] = {by: {"alarm_topic_arn": TOPIC}}
    if by == "job":
        arguments["state"] = {"alarms": False}
    monitor = _deployed(**arguments)
    for kind in ("Topic", "TopicPolicy", "Key"):
        assert monitor.of(kind) == []
    assert {tuple(a.inputs["alarmActions"]) for a in _alarms(monitor).values()} == {(TOPIC,)}
    assert monitor.one("EventTarget").inputs["arn"] == TOPIC


def test_a_job_whose_state_has_no_topic_makes_one() -> None:
    monitor = _deployed(state={"alarms": False})
    assert monitor.one("Topic").name == "ingest-alarm"
    assert all(name.startswith("ingest-") for name in _alarms(monitor))


def test_no_alarms_no_topic() -> None:
    monitor = _deployed(state={"alarms": False}, job={"alarms": False})
    for kind in ("MetricAlarm", "EventRule", "EventTarget", "Topic", "Key"):
        assert monitor.of(kind) == []


def test_a_key_of_ones_own_encrypts_the_topic() -> None:
    key = "arn:aws:kms:eu-west-1:123456789012:key/0d9bb1a2-61c4-4a6c-8d5d-0d9bb1a261c4"
    monitor = _deployed(state={"alarm_kms_key_arn": key})
    assert monitor.of("Key") == []
    assert monitor.one("Topic").inputs["kmsMasterKeyId"] == key


def test_the_topic_takes_from_alarms_of_its_account_and_from_rules() -> None:
    statements = {s["Sid"]: s for s in json.loads(topic_policy(TOPIC))["Statement"]}
    assert statements["Alarms"]["Condition"]["StringEquals"] == {"aws:SourceAccount": "123456789012"}
    # a condition would shut EventBridge out: it names nobody on whose behalf it comes
    assert "Condition" not in statements["FailedRuns"]
    assert all(s["Resource"] == TOPIC for s in statements.values())
    key = {s["Sid"]: s for s in json.loads(key_policy(TOPIC))["Statement"]}
    assert "Condition" not in key["FailedRuns"]
    assert key["AccountPolicies"]["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}


# --- when a run is expected -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cron", "hours"),
    [
        ("cron(0/15 * * * ? *)", 0.25),
        ("cron(30 6 * * ? *)", 24),
        ("cron(0 6,18 * * ? *)", 12),
        ("cron(0 6 ? * MON-FRI *)", 72),
        ("cron(0 6 ? * FRI-MON *)", 96),
        ("cron(0 8-18/2 ? * 2-6 *)", 62),
        ("cron(0 6 1 * ? *)", 31 * 24),
        ("cron(0 6 1/2 * ? *)", 48),
        ("cron(0 6 L * ? *)", None),
        ("cron(0 6 ? * 2#1 *)", None),
        ("cron(0 6 31-1 2 ? *)", 365 * 24),
        ("rate(1 day)", None),
        ("cron(0 25 * * ? *)", None),
    ],
)
def test_the_longest_gap_of_a_schedule(cron: str, hours: float | None) -> None:
    assert longest_gap(cron) == (None if hours is None else dt.timedelta(hours=hours))


def test_a_run_may_take_its_time_and_clocks_may_change() -> None:
    assert hours_to_expect(dt.timedelta(hours=24), 120) == 27
    assert hours_to_expect(dt.timedelta(minutes=5), 5) == 2


@pytest.mark.parametrize(
    ("job", "hours"),
    [
        ({"schedule": DAILY}, 27),
        ({"schedule": DAILY, "timeout_minutes": 30}, 26),
        ({"schedule": DAILY, "expect_every_hours": 48}, 48),
        ({"schedule": DAILY, "expect_every_hours": 0}, None),
        ({"schedule": DAILY, "schedule_enabled": False}, None),
        ({}, None),
        ({"expect_every_hours": 6}, 6),
    ],
)
def test_a_missing_run_is_noticed_where_runs_are_expected(job: dict[str, Any], hours: int | None) -> None:
    alarm = _alarms(_deployed(job=job)).get("ingest-did-not-run")
    found = None if alarm is None else alarm.inputs["evaluationPeriods"]
    assert found == hours
    if alarm is not None:
        assert alarm.inputs["treatMissingData"] == "breaching"
        assert alarm.inputs["datapointsToAlarm"] == hours


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"job": {"schedule": "cron(0 6 ? * SUN *)"}}, "schedule is 'cron(0 6 ? * SUN *)': CloudWatch looks back 168"),
        ({"job": {"schedule": "cron(0 6 L * ? *)"}}, "schedule is 'cron(0 6 L * ? *)': CloudWatch looks back 168"),
        (
            {"job": {"schedule": DAILY, "expect_every_hours": 23}},
            "expect_every_hours is 23: the schedule itself leaves",
        ),
        ({"job": {"expect_every_hours": 169}}, "expect_every_hours is 169: allowed are 0 to 168"),
        ({"job": {"freshness_hours": 0}}, "freshness_hours is 0: allowed are 1 to"),
        ({"job": {"alarms": False, "alarm_topic_arn": TOPIC}}, "leave it out, or turn alarms on"),
        ({"job": {"alarm_topic_arn": "mine"}}, "alarm_topic_arn is 'mine': give the ARN of a standard topic"),
        ({"job": {"alarm_topic_arn": f"{TOPIC}.fifo"}}, "give the ARN of a standard topic"),
        ({"state": {"alarm_topic_arn": "mine"}}, "StateTable 'state': alarm_topic_arn is 'mine'"),
        ({"state": {"alarm_kms_key_arn": "alias/mine"}}, "give the key's own ARN"),
    ],
)
def test_what_no_alarm_can_be_made_of_is_refused(arguments: dict[str, Any], message: str) -> None:
    assert message in _refused(**arguments)


def test_a_schedule_that_is_not_known_yet_needs_a_word_on_when_runs_are_expected() -> None:
    assert "say within how many hours" in _refused(job={"schedule": pulumi.Output.from_input(DAILY)})
    monitor = _deployed(job={"schedule": pulumi.Output.from_input(DAILY), "expect_every_hours": 30})
    assert "ingest-did-not-run" in _alarms(monitor)
