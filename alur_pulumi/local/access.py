"""What IAM policies say of a request: exactly, for the part of their language that is written here.

Whatever this does not know (an element, a condition operator, a policy variable) is refused: an emulator that guesses
would prove nothing about a role.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, Final

import attrs

from alur_pulumi.local.errors import LocalError

_ELEMENTS: Final = {"Sid", "Effect", "Action", "Resource", "Condition"}
_ALL_VALUES: Final = "ForAllValues:"


class UnjudgedPolicyError(LocalError):
    """A policy uses something that cannot be judged here."""

    def __init__(self, what: str) -> None:
        """Keep what it is."""
        super().__init__(what)
        self.what = what

    def __str__(self) -> str:
        """Say what it is."""
        return f"The AWS of this machine cannot judge {self.what} in a policy, so it allows nothing by that policy"


@attrs.frozen
class Need:
    """One permission that a request needs.

    Attributes:
        action: Such as ``s3:GetObject``.
        resource: The ARN of what it is about; ``*`` where the action knows none.
        context: Values of the condition keys that the request has.
    """

    action: str
    resource: str
    context: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)

    def __str__(self) -> str:
        """Say it as AWS's refusals do."""
        return f"{self.action} on resource: {self.resource}"


@attrs.frozen
class _Test:
    """One line of a condition block: the key's values must pass against some of the allowed ones."""

    key: str
    allowed: tuple[str, ...]
    passes: Callable[[str, str], bool]
    of_all: bool

    def holds(self, context: Mapping[str, tuple[str, ...]]) -> bool:
        found = {key.lower(): values for key, values in context.items()}.get(self.key.lower())
        if self.of_all:
            return all(self._some(value) for value in found or ())
        return found is not None and any(self._some(value) for value in found)

    def _some(self, value: str) -> bool:
        return any(self.passes(allowed, value) for allowed in self.allowed)


@attrs.frozen
class Statement:
    """One statement of an identity's policy.

    Attributes:
        sid: Its name, if it has one.
        allows: Or else it denies.
        actions: Patterns.
        resources: Patterns.
    """

    sid: str
    allows: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    _tests: tuple[_Test, ...]

    def covers(self, need: Need) -> bool:
        """Whether the statement is about this."""
        return (
            any(_like(action.lower(), need.action.lower()) for action in self.actions)
            and any(_like(resource, need.resource) for resource in self.resources)
            and all(test.holds(need.context) for test in self._tests)
        )


@cache
def parse_policy(text: str) -> tuple[Statement, ...]:
    """The statements of a policy document.

    Raises:
        UnjudgedPolicyError: If there is anything in it that this module does not know.
    """
    found = json.loads(text)["Statement"]
    return tuple(_statement(statement) for statement in (found if isinstance(found, list) else [found]))


def is_allowed(statements: Iterable[Statement], need: Need) -> bool:
    """Whether some statement allows it and none denies it."""
    covering = [statement for statement in statements if statement.covers(need)]
    return bool(covering) and all(statement.allows for statement in covering)


def refused(statements: Iterable[Statement], needs: Iterable[Need]) -> Need | None:
    """The first of the needs that is not allowed; None if all are."""
    known = tuple(statements)
    return next((need for need in needs if not is_allowed(known, need)), None)


def lets_service(text: str, service: str, need: Need) -> bool:
    """Whether a policy of what is reached (a role's trust policy, a queue's own) lets a service of AWS do something.

    Args:
        text: The policy's document.
        service: Such as ``events.amazonaws.com``.
        need: What it asks for; a trust policy's statements are about its role, whatever is named here.

    Raises:
        UnjudgedPolicyError: If there is anything in it that this module does not know.
    """
    found = json.loads(text)["Statement"]
    about = [
        {"Resource": need.resource} | {key: value for key, value in statement.items() if key != "Principal"}
        for statement in found
        if _is_about(statement["Principal"], service)
    ]
    return is_allowed([_statement(statement) for statement in about], need)


def _is_about(principal: str | dict[str, str | list[str]], service: str) -> bool:
    if isinstance(principal, str):
        return principal == "*"
    return principal.get("AWS") == "*" or service in _many(principal.get("Service", ()))


def _statement(data: dict[str, Any]) -> Statement:
    if unknown := sorted(data.keys() - _ELEMENTS):
        raise UnjudgedPolicyError(f"the element {unknown[0]}")
    if "${" in json.dumps(data):
        raise UnjudgedPolicyError("a policy variable")
    tests = [
        _test(operator, key, values)
        for operator, block in data.get("Condition", {}).items()
        for key, values in block.items()
    ]
    return Statement(
        data.get("Sid", ""), data["Effect"] == "Allow", _many(data["Action"]), _many(data["Resource"]), tuple(tests)
    )


def _test(operator: str, key: str, values: str | list[str]) -> _Test:
    kind = operator.removeprefix(_ALL_VALUES)
    passes = _OPERATORS.get(kind)
    if passes is None:
        raise UnjudgedPolicyError(f"the condition operator {operator}")
    return _Test(key, _many(values), passes, of_all=kind != operator)


def _many(values: str | Iterable[str]) -> tuple[str, ...]:
    return (values,) if isinstance(values, str) else tuple(values)


def _like(pattern: str, value: str) -> bool:
    return _compiled(pattern).fullmatch(value) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(c, re.escape(c)) for c in pattern), re.DOTALL)


def _same(allowed: str, value: str) -> bool:
    return allowed == value


def _same_truth(allowed: str, value: str) -> bool:
    return allowed.lower() == value.lower()


_OPERATORS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "StringEquals": _same,
    "StringLike": _like,
    # both read patterns, as IAM does
    "ArnEquals": _like,
    "ArnLike": _like,
    "Bool": _same_truth,
}
