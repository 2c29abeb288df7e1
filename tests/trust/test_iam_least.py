"""Nothing is missing in the job's policy, and each part of it is needed by something."""

from __future__ import annotations

import json

import pytest

from alur_pulumi.local.access import Need, UnjudgedPolicyError, is_allowed, parse_policy
from tests.trust.least import Known, play_all, stale_sources, take_away, whole_policy
from tests.trust.pieces import pieces_of


@pytest.fixture(scope="module")
def known() -> Known:
    return play_all()


def test_nothing_is_missing(known: Known) -> None:
    assert {name: wrong for name, (wrong, _) in known.items() if wrong} == {}
    assert {name: role.refusals for name, (_, role) in known.items() if role.refusals} == {}


def test_nothing_is_needless(known: Known) -> None:
    verdicts = list(take_away(known))
    assert [str(v.piece) for v in verdicts if v.needless] == []
    assert {v.piece for v in verdicts} == set(pieces_of(whole_policy(known)))
    assert stale_sources(whole_policy(known)) == []


def _policy(**statement: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


@pytest.mark.parametrize(
    ("action", "resource", "allowed"),
    [
        ("s3:GetObject", "arn:aws:s3:::b/in/a/b.csv", True),
        ("S3:getobject", "arn:aws:s3:::b/in/", True),
        ("s3:GetObject", "arn:aws:s3:::b/out/a", False),
        ("s3:GetObject", "arn:aws:s3:::b/IN/a", False),
        ("s3:GetObjectAcl", "arn:aws:s3:::b/in/a", False),
        ("s3:ListBucket", "arn:aws:s3:::b", False),
    ],
)
def test_actions_and_resources_are_patterns(action: str, resource: str, allowed: bool) -> None:
    policy = parse_policy(_policy(Action="s3:Get?bject", Resource=["arn:aws:s3:::b/in/*"]))
    assert is_allowed(policy, Need(action, resource)) is allowed


@pytest.mark.parametrize(
    ("condition", "values", "holds"),
    [
        ({"StringLike": {"s3:prefix": ["in/*", "x"]}}, ("in/a",), True),
        ({"StringLike": {"s3:Prefix": "in/*"}}, ("in/a",), True),
        ({"StringEquals": {"s3:prefix": "in/*"}}, ("in/a",), False),
        ({"StringLike": {"s3:prefix": "in/*"}}, None, False),
        ({"ForAllValues:StringLike": {"s3:prefix": "in/*"}}, ("in/a", "out"), False),
        ({"ForAllValues:StringLike": {"s3:prefix": "in/*"}}, None, True),
        ({"ArnEquals": {"s3:prefix": "arn:*:x"}}, ("arn:aws:x",), True),
        ({"Bool": {"s3:prefix": "TRUE"}}, ("true",), True),
    ],
)
def test_conditions_are_held_against_what_the_request_has(
    condition: dict[str, object], values: tuple[str, ...] | None, holds: bool
) -> None:
    policy = parse_policy(_policy(Action="s3:ListBucket", Resource="*", Condition=condition))
    context = {} if values is None else {"s3:prefix": values}
    assert is_allowed(policy, Need("s3:ListBucket", "arn:aws:s3:::b", context)) is holds


def test_a_denial_wins() -> None:
    allow = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    deny = {"Effect": "Deny", "Action": "s3:Delete*", "Resource": "*"}
    policy = parse_policy(json.dumps({"Statement": [allow, deny]}))
    assert is_allowed(policy, Need("s3:GetObject", "arn:aws:s3:::b/a"))
    assert not is_allowed(policy, Need("s3:DeleteObject", "arn:aws:s3:::b/a"))


@pytest.mark.parametrize(
    "statement",
    [
        {"NotAction": "s3:*", "Action": "x", "Resource": "*"},
        {"Action": "s3:*", "Resource": "*", "Condition": {"DateLessThan": {"aws:CurrentTime": "2030-01-01"}}},
        {"Action": "s3:*", "Resource": "arn:aws:s3:::b/${aws:username}/*"},
    ],
    ids=["element", "operator", "variable"],
)
def test_what_is_not_known_is_refused(statement: dict[str, object]) -> None:
    with pytest.raises(UnjudgedPolicyError):
        parse_policy(_policy(**statement))
