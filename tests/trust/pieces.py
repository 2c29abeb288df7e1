"""A policy in pieces, each of which can be taken away: statements, actions, resources, values of conditions."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import attrs


@attrs.frozen
class Piece:
    """Something that a policy could do without, or not.

    Attributes:
        sid: Its statement.
        kind: ``action``, ``resource``, ``pair`` (one action on one resource), ``condition`` (one of its values) or
            ``statement``.
        name: The action, resource or value; the statement's name for a statement.
        resource: Of a pair.
    """

    sid: str
    kind: str
    name: str
    resource: str = ""

    def __str__(self) -> str:
        """Say what it is."""
        return f"{self.name} on {self.resource}" if self.resource else f"{self.kind} {self.name}"

    def without(self, policy: str) -> str:
        """The policy's document without it; what is left of no use goes with it."""
        document = copy.deepcopy(json.loads(policy))
        statements = []
        for statement in document["Statement"]:
            if statement["Sid"] == self.sid and self.kind == "pair":
                statements += self._split(statement)
                continue
            if statement["Sid"] == self.sid:
                for values in self._lists(statement):
                    if self.name in values:
                        values.remove(self.name)
                if self.kind == "statement" or not all(self._lists(statement)):
                    continue
            statements.append(statement)
        return json.dumps({**document, "Statement": statements})

    def _split(self, statement: dict[str, Any]) -> list[dict[str, Any]]:
        others = [action for action in statement["Action"] if action != self.name]
        elsewhere = [resource for resource in statement["Resource"] if resource != self.resource]
        return [{**statement, "Action": others}, {**statement, "Action": [self.name], "Resource": elsewhere}]

    def _lists(self, statement: dict[str, Any]) -> list[list[str]]:
        match self.kind:
            case "action":
                return [statement["Action"]]
            case "resource":
                return [statement["Resource"]]
            case "condition":
                return [values for block in statement["Condition"].values() for values in block.values()]
            case _:
                return []


def pieces_of(policy: str) -> Iterator[Piece]:
    """All pieces of a policy, statement by statement."""
    for statement in json.loads(policy)["Statement"]:
        sid = statement["Sid"]
        yield Piece(sid, "statement", sid)
        yield from (Piece(sid, "action", name) for name in statement["Action"])
        if len(statement["Resource"]) > 1:  # or else it is the statement
            yield from (Piece(sid, "resource", name) for name in statement["Resource"])
        if len(statement["Action"]) > 1 and len(statement["Resource"]) > 1:
            for name in statement["Action"]:
                yield from (Piece(sid, "pair", name, resource) for resource in statement["Resource"])
        for block in statement.get("Condition", {}).values():
            for values in block.values():
                yield from (Piece(sid, "condition", value) for value in values if len(values) > 1)
