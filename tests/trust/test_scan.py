"""The scanner finds nothing in what is registered but what is excepted, and the page says what it found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import attrs
import pytest

from tests.components.monitor import Registered
from tests.trust.examples import OWN_KEYS, registrations
from tests.trust.plan import address, plan, terraform_type
from tests.trust.scan import PAGE, Excepted, Found, exceptions, page, problems, scan

_WEAK = "weakened"


@pytest.fixture(scope="module")
def programs() -> dict[str, list[Registered]]:
    return registrations()


@pytest.mark.scan
def test_nothing_fails_but_what_is_excepted(programs: dict[str, list[Registered]]) -> None:
    found = scan({**programs, _WEAK: _weakened(programs[OWN_KEYS])})
    real = [f for f in found if f.program != _WEAK]
    assert problems(real, exceptions()) == []
    assert page(real, exceptions()) == PAGE.read_text("utf-8"), "make scan"
    # or else the scanner would not have seen what it passes
    failed = {f.rule for f in found if f.program == _WEAK and not f.passed}
    assert {"CKV2_AWS_6", "CKV_AWS_21", "CKV_AWS_28", "CKV_AWS_66", "CKV_AWS_63"} <= failed


def _weakened(registered: list[Registered]) -> list[Registered]:
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    changes: dict[str, dict[str, Any]] = {
        "aws_dynamodb_table": {"pointInTimeRecovery": {"enabled": False}},
        "aws_cloudwatch_log_group": {"retentionInDays": None},
        "aws_iam_policy": {"policy": json.dumps({"Version": "2012-10-17", "Statement": [everything]})},
    }
    gone = ("aws_s3_bucket_public_access_block", "aws_s3_bucket_versioning")
    return [
        attrs.evolve(r, inputs={**r.inputs, **changes.get(terraform_type(r.type), {})})
        for r in registered
        if terraform_type(r.type) not in gone
    ]


def _found(rule: str, *, passed: bool, program: str = "one") -> Found:
    return Found(rule, "asks", program, "aws_s3_bucket.b", passed)


@pytest.mark.parametrize(
    ("found", "excepted", "told"),
    [
        ([_found("A_1", passed=False)], {}, "fails A_1"),
        ([_found("A_1", passed=True)], {"A_1": Excepted("why")}, "fails nowhere"),
        ([_found("A_1", passed=False, program=OWN_KEYS)], {"A_1": Excepted("why", "a key")}, "fails A_1"),
        ([_found("A_1", passed=False)], {"A_1": Excepted("why", only_in=("two",))}, "fails A_1"),
    ],
    ids=["no exception", "stale", "not settled", "elsewhere"],
)
def test_what_a_scan_may_not_show(found: list[Found], excepted: Mapping[str, Excepted], told: str) -> None:
    (problem,) = problems(found, excepted)
    assert told in problem


def test_an_exception_that_is_needed_is_no_problem() -> None:
    found = [_found("A_1", passed=False), _found("A_1", passed=True, program=OWN_KEYS)]
    assert problems(found, {"A_1": Excepted("why", "a key")}) == []


def test_registrations_become_a_plan(programs: dict[str, list[Registered]]) -> None:
    registered = programs["examples/quickstart"]
    made = plan(registered)
    values = {r["address"]: r["values"] for r in made["planned_values"]["root_module"]["resources"]}
    assert len(values) == len(registered)
    assert values["aws_s3_bucket_lifecycle_configuration.payments-bucket-lifecycle"]["rule"][0]["filter"] == [
        {"prefix": ""}
    ]
    assert values["aws_glue_job.payments-job"]["default_arguments"]["--job-language"] == "python"
    assert values["aws_dynamodb_table.state-table"]["point_in_time_recovery"] == [{"enabled": True}]
    expressions = {r["address"]: r["expressions"] for r in made["configuration"]["root_module"]["resources"]}
    assert expressions["aws_s3_bucket_versioning.payments-bucket-versions"]["bucket"]["references"] == [
        "aws_s3_bucket.payments-bucket.id",
        "aws_s3_bucket.payments-bucket",
    ]


def test_each_resource_has_an_address_of_its_own(programs: dict[str, list[Registered]]) -> None:
    for registered in programs.values():
        assert len({address(r) for r in registered}) == len(registered)
