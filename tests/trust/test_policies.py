"""Every policy that is registered, of whatever kind: parliament has nothing to say, and nothing is open to all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import parliament
import pytest

from tests.trust.examples import registrations

# By kind of resource, where its policies are. Those of KMS keys are about the key that they belong to: "*" is that key.
_POLICIES = {
    "BucketPolicy": "policy",
    "Policy": "policy",
    "QueuePolicy": "policy",
    "Role": "assumeRolePolicy",
    "RolePolicy": "policy",
    "TopicPolicy": "policy",
}
# Their actions know no resources; what fences them, where there is anything, is a condition.
_STARS = {"Metrics", "NetworkRead", "SecurityConfiguration"}

Policies = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def policies() -> Policies:
    """The statements of each policy, by program and resource."""
    found = {
        f"{program}: {r.name} ({kind})": json.loads(r.inputs[_POLICIES[kind]])["Statement"]
        for program, registered in registrations().items()
        for r in registered
        if (kind := r.type.rpartition(":")[2]) in _POLICIES
    }
    assert {name.rpartition("(")[2].rstrip(")") for name in found} >= {"BucketPolicy", "Policy", "Role", "TopicPolicy"}
    return found


def test_parliament_finds_nothing(policies: Policies) -> None:
    told = {name: findings for name, statements in policies.items() if (findings := list(_findings(statements)))}
    assert told == {}


def _findings(statements: list[dict[str, Any]]) -> Iterator[str]:
    for statement in statements:
        # It reads identity policies: a statement about a principal is read without him, and without his conditions.
        read = dict(statement)
        if read.pop("Principal", None) is not None:
            read.pop("Condition", None)
            read.setdefault("Resource", "*")
        text = json.dumps({"Version": "2012-10-17", "Statement": [read]})
        for finding in parliament.analyze_policy_string(text).findings:
            # a star is judged by the test below
            if finding.issue != "RESOURCE_STAR":
                yield str(finding)


def test_a_star_stands_where_there_is_nothing_else_to_name(policies: Policies) -> None:
    for name, statements in policies.items():
        for statement in statements:
            actions, resources = _many(statement["Action"]), _many(statement.get("Resource", []))
            if statement["Effect"] == "Allow":
                assert not [action for action in actions if "*" in action], name
                assert "*" not in resources or statement["Sid"] in _STARS, name
                assert statement.get("Principal") != "*", name


def test_parliament_does_find_what_is_wrong() -> None:
    wrong = {"Effect": "Allow", "Action": ["dynamodb:TransactWriteItems"], "Resource": ["*"]}
    assert list(_findings([wrong]))


def _many(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
