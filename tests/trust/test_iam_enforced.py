"""The job runs under exactly the role that was deployed: with it all is well, without a part of it nothing is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from alur_pulumi.iam import POLICY_SIZE, policy_size
from tests.trust.deployed import Deployed, deployed
from tests.trust.pieces import Piece, pieces_of

_ROWS = "OrderId,amount,note,Region\n1,2.50,,north\n2,3.50,x,south\n"


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    with deployed(tmp_path_factory.mktemp("deployed")) as there:
        yield there


def test_a_job_runs_end_to_end_under_its_role(pipeline: Deployed) -> None:
    pipeline.without(None)
    for body in (_ROWS, _ROWS.replace("2.50", "4.50"), ""):  # new, changed, emptied: write, rewrite, delete
        pipeline.land("a.csv", body)
        run = pipeline.run()
        assert run["JobRunState"] == "SUCCEEDED", pipeline.emulator.run_log(pipeline.job, run["Id"])
    assert pipeline.emulator.refusals() == []
    called = pipeline.emulator.calls()["operations"]
    # or else nothing of this was asked of the role
    assert {"dynamodb.TransactWriteItems", "glue.BatchCreatePartition", "s3.DeleteObjects"} <= called.keys()


@pytest.mark.parametrize(
    ("piece", "said"),
    [
        (Piece("Artifacts", "statement", "Artifacts"), "s3:GetObject"),
        (Piece("Ledger", "action", "dynamodb:Query"), "dynamodb:Query"),
        (Piece("Keys", "action", "kms:Decrypt"), "kms:Decrypt"),
        (Piece("LandingList0", "statement", "LandingList0"), "s3:ListBucket"),
    ],
    ids=lambda value: f"{value.sid} {value.name}" if isinstance(value, Piece) else "",
)
def test_what_is_taken_away_is_refused(pipeline: Deployed, piece: Piece, said: str) -> None:
    assert piece.without(pipeline.policy) != json.dumps(json.loads(pipeline.policy))
    pipeline.land(f"{piece.sid}-{piece.kind}.csv", _ROWS)
    before = len(pipeline.emulator.refusals())
    pipeline.without(piece)
    run = pipeline.run()
    assert run["JobRunState"] == "FAILED"
    assert said in pipeline.emulator.refusals()[before]


def test_of_a_ledger_a_job_has_the_keys_of_its_own_table(pipeline: Deployed) -> None:
    (files,) = (p for p in pieces_of(pipeline.policy) if p.kind == "condition" and p.name.endswith("#*"))
    before = len(pipeline.emulator.refusals())
    pipeline.without(files)
    assert pipeline.run()["JobRunState"] == "FAILED"
    assert "dynamodb:" in pipeline.emulator.refusals()[before]


def test_a_job_of_many_sources_has_several_policies_and_runs_under_them(tmp_path: Path) -> None:
    with deployed(tmp_path, sources=80) as many:
        role = many.emulator.client("glue").get_job(JobName=many.job)["Job"]["Role"].rpartition("/")[2]
        attached = many.emulator.client("iam").list_attached_role_policies(RoleName=role)["AttachedPolicies"]
        assert len(attached) == 3
        assert policy_size(many.policy) > POLICY_SIZE
        many.land("a.csv", _ROWS)
        assert many.run()["JobRunState"] == "SUCCEEDED"
        assert many.emulator.refusals() == []


def test_only_glue_takes_the_role(pipeline: Deployed) -> None:
    pipeline.without(None)
    iam = pipeline.emulator.client("iam")
    role = pipeline.emulator.client("glue").get_job(JobName=pipeline.job)["Job"]["Role"].rpartition("/")[2]
    trust = json.dumps(iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"])
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=trust.replace("glue.", "lambda."))
    assert pipeline.run()["JobRunState"] == "FAILED"
    assert "glue.amazonaws.com is not authorized to perform: sts:AssumeRole" in pipeline.emulator.refusals()[-1]
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=trust)
    assert pipeline.run()["JobRunState"] == "SUCCEEDED"


def test_who_deploys_is_not_held_to_the_role(pipeline: Deployed) -> None:
    assert pipeline.emulator.client("s3").list_buckets()["Buckets"]
