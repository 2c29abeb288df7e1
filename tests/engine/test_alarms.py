"""Every metric alarm as it is deployed goes off and ends, by what is published, and tells its topic."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import attrs
import pulumi
import pytest

import alur_pulumi as alur
from alur_pulumi.alarms import LEDGER_OPERATIONS
from alur_pulumi.local.emulator import Emulator
from alur_pulumi.local.stack import open_stack
from alur_runtime.config import split_uri
from tests.components.programs import Pipeline
from tests.engine.engines import WITHOUT_ENGINE

NOON = 1_800_000_000.0
"""A moment to hold alarms against: of no other meaning."""
HOUR, MINUTE = 3600.0, 60.0
HOURS = 24 + 2 + 1
"""A day between two runs, the timeout, and one more."""


@attrs.frozen
class Deployed:
    """A pipeline on an AWS of its own, and a queue that hears what its topic is told."""

    emulator: Emulator
    outputs: Mapping[str, Any]
    queue: str

    def publish(self, namespace: str, name: str, value: float, at: float, **dimensions: str) -> None:
        """Publish one value of a metric."""
        datum = {
            "MetricName": name,
            "Value": value,
            "Timestamp": at,
            "Dimensions": [{"Name": key, "Value": text} for key, text in dimensions.items()],
        }
        self.emulator.client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=[datum])

    def own(self, name: str, value: float, at: float) -> None:
        """Publish what a run publishes of the table."""
        self.publish("Alur", name, value, at, Table=self.outputs["table"])

    def ledger(self, name: str, value: float, at: float, **dimensions: str) -> None:
        """Publish what DynamoDB publishes of the ledger."""
        self.publish("AWS/DynamoDB", name, value, at, TableName=self.outputs["ledger"], **dimensions)

    def state(self, key: str, at: float) -> str:
        """The state of one alarm at a moment, by the name of its kind."""
        return _of(key, self.emulator.evaluate_alarms(at))

    def told(self) -> list[dict[str, Any]]:
        """What the topic was told since the last time: changes of alarms, and events of runs."""
        sqs = self.emulator.client("sqs")
        found: list[dict[str, Any]] = []
        while messages := sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", []):
            for message in messages:
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
                found.append(json.loads(json.loads(message["Body"])["Message"]))
        return found

    def heard(self) -> list[tuple[str, str, str]]:
        """The same of alarms alone: old and new state, and the alarm's description."""
        return [(told["OldStateValue"], told["NewStateValue"], told["AlarmDescription"]) for told in self.told()]

    def run(self, order: str) -> str:
        """A file with one order lands and the job runs: how the run ended."""
        bucket, prefix = split_uri(self.outputs["landing"][0])
        body = f"OrderId,amount,note,Region\n{order},1,,EU\n"
        self.emulator.client("s3").put_object(Bucket=bucket, Key=f"{prefix}a.csv", Body=body.encode())
        return str(self.emulator.run_job(self.outputs["job"])["JobRunState"])

    @contextmanager
    def without(self, where: str, sid: str) -> Iterator[None]:
        """The policy of the topic, or of its key, lacks a statement for a while."""
        whole = self._policy(where)
        statements = json.loads(whole)["Statement"]
        kept = [statement for statement in statements if statement["Sid"] != sid]
        assert len(kept) == len(statements) - 1
        self._set_policy(where, json.dumps({"Version": "2012-10-17", "Statement": kept}))
        try:
            yield
        finally:
            self._set_policy(where, whole)

    def _policy(self, where: str) -> str:
        if where == "topic":
            return str(self._topic["Policy"])
        kms = self.emulator.client("kms")
        return str(kms.get_key_policy(KeyId=self._topic["KmsMasterKeyId"], PolicyName="default")["Policy"])

    def _set_policy(self, where: str, document: str) -> None:
        if where == "topic":
            asked = {"TopicArn": self.outputs["topic"], "AttributeName": "Policy", "AttributeValue": document}
            self.emulator.client("sns").set_topic_attributes(**asked)
        else:
            key = self._topic["KmsMasterKeyId"]
            self.emulator.client("kms").put_key_policy(KeyId=key, PolicyName="default", Policy=document)

    @property
    def _topic(self) -> dict[str, str]:
        found: dict[str, str] = self.emulator.client("sns").get_topic_attributes(TopicArn=self.outputs["topic"])[
            "Attributes"
        ]
        return found


def _of(key: str, by_name: dict[str, str]) -> str:
    (found,) = [state for name, state in by_name.items() if f"-{key}-" in name]
    return found


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    def program() -> None:
        pipeline = Pipeline(
            job={"schedule": "cron(0 6 * * ? *)", "start_on_arrival": alur.StartOnArrival(window_seconds=900)}
        )
        pulumi.export("table", pulumi.Output.concat(pipeline.table.database_name, ".", pipeline.table.table_name))
        pulumi.export("ledger", pipeline.state.table_name)
        pulumi.export("topic", pipeline.job.alarm_topic_arn)
        pulumi.export("job", pipeline.job.job_name)
        pulumi.export("undelivered", pipeline.job.undelivered_queue_url)
        pulumi.export("landing", pipeline.job.landing_uris)

    with Emulator.start(work_dir=tmp_path_factory.mktemp("aws")) as emulator:
        stack = open_stack(program, emulator=emulator, work_dir=tmp_path_factory.mktemp("stack"), cli=WITHOUT_ENGINE)
        outputs = stack.up().outputs
        assert stack.preview().changes == ()
        sqs = emulator.client("sqs")
        queue = sqs.create_queue(QueueName="heard")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        emulator.client("sns").subscribe(TopicArn=outputs["topic"], Protocol="sqs", Endpoint=arn)
        yield Deployed(emulator, outputs, queue)


@pytest.fixture
def quiet(deployed: Deployed, request: pytest.FixtureRequest) -> tuple[Deployed, float]:
    """The pipeline at a moment of its own, at which all is well: a week after that of the test before."""
    number = list(request.session.items).index(request.node)
    at = NOON + number * 14 * 24 * HOUR
    deployed.own("Heartbeat", 1, at)
    states = deployed.emulator.evaluate_alarms(at)
    assert set(states.values()) == {"OK"}, states
    deployed.heard()
    return deployed, at


@pytest.mark.parametrize(
    ("key", "metric", "bad", "good"),
    [
        ("counts-differ", "ReconcileMismatch", 1, 0),
        ("files-failed", "FilesFailed", 2, 0),
        ("rows-quarantined", "RowsQuarantined", 7, 0),
        ("files-pending", "OldestPendingAgeSeconds", 24 * HOUR + 1, 24 * HOUR),
    ],
)
def test_what_a_run_tells_sets_an_alarm_off_and_the_next_run_ends_it(
    quiet: tuple[Deployed, float], key: str, metric: str, bad: float, good: float
) -> None:
    deployed, at = quiet
    deployed.own(metric, good, at)
    assert deployed.state(key, at + MINUTE) == "OK"
    deployed.own(metric, bad, at + 10 * MINUTE)
    assert deployed.state(key, at + 11 * MINUTE) == "ALARM"
    ((before, after, description),) = deployed.heard()
    assert (before, after) == ("OK", "ALARM")
    assert f" {deployed.outputs['job']}" in description
    deployed.own(metric, good, at + 20 * MINUTE)
    assert deployed.state(key, at + 21 * MINUTE) == "OK"
    # of what was and is not put right by a run that has nothing to do, nobody is told that it is well
    assert [told[:2] for told in deployed.heard()] == ([("ALARM", "OK")] if key == "files-pending" else [])


def test_another_tables_failures_are_not_this_ones(quiet: tuple[Deployed, float]) -> None:
    deployed, at = quiet
    deployed.publish("Alur", "FilesFailed", 1, at, Table="other.table")
    assert deployed.state("files-failed", at + MINUTE) == "OK"


def test_a_run_that_does_not_come_sets_an_alarm_off_and_the_next_one_ends_it(quiet: tuple[Deployed, float]) -> None:
    deployed, at = quiet
    assert deployed.state("did-not-run", at + (HOURS - 1) * HOUR) == "OK"
    # CloudWatch looks for values in a few periods before those that must be empty
    assert deployed.state("did-not-run", at + (HOURS + 3) * HOUR) == "ALARM"
    deployed.own("Heartbeat", 1, at + (HOURS + 4) * HOUR)
    assert deployed.state("did-not-run", at + (HOURS + 4) * HOUR + MINUTE) == "OK"
    assert [told[:2] for told in deployed.heard()] == [("OK", "ALARM"), ("ALARM", "OK")]


def test_a_run_each_day_keeps_the_alarm_quiet(quiet: tuple[Deployed, float]) -> None:
    deployed, at = quiet
    for day in range(1, 4):
        assert deployed.state("did-not-run", at + day * 24 * HOUR) == "OK"
        deployed.own("Heartbeat", 1, at + day * 24 * HOUR + day % 2 * 2 * HOUR)
    assert deployed.heard() == []


@pytest.mark.parametrize(
    ("key", "metric", "dimensions"),
    [
        ("reads-throttled", "ReadThrottleEvents", {}),
        ("writes-throttled", "WriteThrottleEvents", {}),
        *[("ledger-errors", "SystemErrors", {"Operation": operation}) for operation in LEDGER_OPERATIONS],
    ],
)
def test_a_ledger_in_trouble_sets_an_alarm_off_if_it_lasts(
    quiet: tuple[Deployed, float], key: str, metric: str, dimensions: dict[str, str]
) -> None:
    deployed, at = quiet
    deployed.ledger(metric, 5, at + MINUTE, **dimensions)
    assert deployed.state(key, at + 5 * MINUTE) == "OK", "one period of three is a moment's trouble"
    deployed.ledger(metric, 5, at + 6 * MINUTE, **dimensions)
    assert deployed.state(key, at + 10 * MINUTE) == "ALARM"
    assert deployed.state(key, at + 60 * MINUTE) == "OK"
    assert [told[:2] for told in deployed.heard()] == [("OK", "ALARM"), ("ALARM", "OK")]


def test_a_start_that_lies_in_the_queue_sets_an_alarm_off_until_it_is_gone(quiet: tuple[Deployed, float]) -> None:
    deployed, at = quiet
    for minute, waiting, state in ((1, 0, "OK"), (6, 1, "ALARM"), (11, 0, "OK")):
        metric, queue = "ApproximateNumberOfMessagesVisible", deployed.outputs["undelivered"].rpartition("/")[2]
        deployed.publish("AWS/SQS", metric, waiting, at + minute * MINUTE, QueueName=queue)
        assert deployed.state("starts-undelivered", at + (minute + 1) * MINUTE) == state
    assert [told[:2] for told in deployed.heard()] == [("OK", "ALARM")]


def test_what_a_run_publishes_is_what_alarms_look_at(deployed: Deployed) -> None:
    assert deployed.run("bad 0") == "FAILED"
    states = deployed.emulator.evaluate_alarms(time.time())
    assert {key: _of(key, states) for key in ("files-failed", "did-not-run", "files-pending", "counts-differ")} == {
        "files-failed": "ALARM",
        "did-not-run": "OK",
        "files-pending": "OK",
        "counts-differ": "OK",
    }


def test_a_run_that_fails_is_told_and_one_that_does_not_is_not(deployed: Deployed) -> None:
    assert deployed.run("4") == "SUCCEEDED"
    deployed.told()
    assert deployed.run("bad 1") == "FAILED"
    (event,) = deployed.told()
    assert event["detail"]["jobName"] == deployed.outputs["job"]
    assert (event["detail"]["state"], event["detail"]["severity"]) == ("FAILED", "ERROR")
    assert deployed.run("5") == "SUCCEEDED"
    assert deployed.told() == []


@pytest.mark.parametrize("where", ["topic", "key"])
def test_without_its_leave_of_topic_or_key_an_alarm_is_silent(quiet: tuple[Deployed, float], where: str) -> None:
    deployed, at = quiet
    with deployed.without(where, "Alarms"):
        deployed.own("FilesFailed", 1, at + MINUTE)
        assert deployed.state("files-failed", at + 2 * MINUTE) == "ALARM"
        assert deployed.run("bad 2") == "FAILED"
    (event,) = deployed.told()
    assert event["detail"]["state"] == "FAILED"
    assert "cloudwatch.amazonaws.com is not authorized" in deployed.emulator.refusals()[-1]
    with deployed.without(where, "FailedRuns"):
        deployed.own("ReconcileMismatch", 1, at + 20 * MINUTE)
        assert deployed.state("counts-differ", at + 21 * MINUTE) == "ALARM"
        assert deployed.run("bad 3") == "FAILED"
    assert len(deployed.heard()) == 1
    assert "events.amazonaws.com is not authorized" in deployed.emulator.refusals()[-1]


def test_every_alarm_that_is_deployed_has_been_driven(deployed: Deployed) -> None:
    driven = {"counts-differ", "files-failed", "rows-quarantined", "files-pending", "did-not-run"}
    driven |= {"starts-undelivered", "reads-throttled", "writes-throttled", "ledger-errors"}
    alarms = deployed.emulator.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert len(alarms) == len(driven)
    for key in driven:
        (alarm,) = [a for a in alarms if f"-{key}-" in a["AlarmName"]]
        assert alarm["AlarmActions"] == [deployed.outputs["topic"]]


def test_the_topic_is_encrypted_and_its_key_lets_both_services_use_it(deployed: Deployed) -> None:
    topic = deployed.emulator.client("sns").get_topic_attributes(TopicArn=deployed.outputs["topic"])["Attributes"]
    kms = deployed.emulator.client("kms")
    policy = json.loads(kms.get_key_policy(KeyId=topic["KmsMasterKeyId"], PolicyName="default")["Policy"])
    services = {s["Principal"].get("Service") for s in policy["Statement"]}
    assert services == {None, "cloudwatch.amazonaws.com", "events.amazonaws.com"}
    assert kms.get_key_rotation_status(KeyId=topic["KmsMasterKeyId"])["KeyRotationEnabled"]
