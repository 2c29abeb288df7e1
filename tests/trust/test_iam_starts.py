"""What starts a job does so under the role that was deployed for it, and what it may not start is not lost."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.trust.deployed import policy_of
from tests.trust.pieces import Piece, pieces_of
from tests.trust.starting import ARRIVAL, STARTS, Starting, starting, take_away_from_starts


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starting]:
    with starting(tmp_path_factory.mktemp("starting")) as there:
        yield there


@pytest.mark.parametrize("part", STARTS)
def test_a_run_begins_under_the_role(there: Starting, part: str) -> None:
    assert there.play(part) == ""
    assert there.undelivered() == []


@pytest.mark.parametrize("part", STARTS)
def test_only_the_service_that_starts_it_takes_the_role(there: Starting, part: str) -> None:
    iam, role = there.emulator.client("iam"), there.role(part)
    trust = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    other = json.dumps(trust).replace("123456789012", "210987654321")  # another account's rule or schedule
    assert other != json.dumps(trust)
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=other)
    assert "sts:AssumeRole" in there.play(part)
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(trust))
    assert there.play(part) == ""


def test_an_event_that_may_start_nothing_lies_in_the_queue(there: Starting) -> None:
    there.undelivered()
    with there.without(ARRIVAL, Piece("Notify", "statement", "Notify")):
        key = there.land()
    (message,) = there.undelivered()
    assert json.loads(message["Body"])["detail"]["object"]["key"] == key
    assert "glue:notifyEvent" in message["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"]

    sqs = there.emulator.client("sqs")
    policy = json.loads(
        sqs.get_queue_attributes(QueueUrl=there.queue, AttributeNames=["Policy"])["Attributes"]["Policy"]
    )
    kept = [statement for statement in policy["Statement"] if statement["Effect"] == "Deny"]
    assert len(kept) == len(policy["Statement"]) - 1
    sqs.set_queue_attributes(QueueUrl=there.queue, Attributes={"Policy": json.dumps({**policy, "Statement": kept})})
    with there.without(ARRIVAL, Piece("Notify", "statement", "Notify")):
        there.land()
    assert there.undelivered() == []
    sqs.set_queue_attributes(QueueUrl=there.queue, Attributes={"Policy": json.dumps(policy)})


def test_a_start_that_glue_refuses_lies_in_the_queue(there: Starting) -> None:
    with there.without_job():
        assert not there.fire()
    (message,) = there.undelivered()
    assert json.loads(message["Body"]) == {"JobName": there.job}
    assert "not found" in message["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"]


def test_a_schedule_that_is_off_starts_nothing(there: Starting) -> None:
    scheduler = there.emulator.client("scheduler")
    (listed,) = scheduler.list_schedules()["Schedules"]
    known = scheduler.get_schedule(Name=listed["Name"])
    kept = {name: known[name] for name in ("Name", "ScheduleExpression", "FlexibleTimeWindow", "Target")}
    scheduler.update_schedule(**kept, State="DISABLED")
    assert not there.fire()
    scheduler.update_schedule(**kept, State="ENABLED", ScheduleExpressionTimezone="Europe/Berlin")


def test_nothing_of_their_policies_is_needless(there: Starting) -> None:
    verdicts = list(take_away_from_starts(there))
    assert [str(verdict.piece) for verdict in verdicts if verdict.needless] == []
    pieces = [piece for part in STARTS for piece in pieces_of(policy_of(there.emulator, there.role(part)))]
    assert [verdict.piece for verdict in verdicts] == pieces
    assert {(v.piece.sid, v.breaks) for v in verdicts} == {
        ("Notify", "a file lands"),
        ("Start", "the schedule's time comes"),
        ("Undelivered", "a start is refused"),
    }
