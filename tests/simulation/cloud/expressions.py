"""DynamoDB's expressions: conditions, filters, key conditions and updates, parsed and evaluated over attribute values.

As much of the grammar as the ledger uses and a little more; what is not understood is refused loudly, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

import attrs
from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords

Item = dict[str, Any]
"""An item as attribute values: ``{"a": {"S": "x"}}``."""

_TOKEN: Final = re.compile(r"\s*(?:(<>|<=|>=|[=<>(),+-])|([#:]?[A-Za-z_][A-Za-z0-9_]*))")
_KEYWORDS: Final = frozenset({"AND", "OR", "NOT", "IN", "BETWEEN", "SET", "REMOVE", "ADD", "DELETE"})
_FUNCTIONS: Final = frozenset({"attribute_exists", "attribute_not_exists", "begins_with"})
_RESERVED: Final = frozenset(word.upper() for word in ReservedKeywords.get_reserved_keywords())


class ExpressionError(ValueError):
    """An expression that DynamoDB would refuse, or that this evaluator does not know."""


@attrs.define
class Scope:
    """Names and values of one request, and which of them have been used."""

    names: dict[str, str]
    values: Item
    used: set[str] = attrs.field(factory=set)

    def name(self, token: str) -> str:
        """The attribute that a token of an expression names."""
        if not token.startswith("#"):
            if token.upper() in _RESERVED:
                raise ExpressionError(f"Attribute name is a reserved keyword; reserved keyword: {token}")
            return token
        if token not in self.names:
            raise ExpressionError(f"An expression attribute name used in the document path is not defined: {token}")
        self.used.add(token)
        return self.names[token]

    def value(self, token: str) -> Any:
        """The attribute value that a token stands for."""
        if token not in self.values:
            raise ExpressionError(f"An expression attribute value used in expression is not defined: {token}")
        self.used.add(token)
        return self.values[token]

    def check_all_used(self) -> None:
        """DynamoDB refuses what no expression of the request uses."""
        if left := {*self.names, *self.values} - self.used:
            raise ExpressionError(f"Value unused in expressions: {sorted(left)}")


Condition = Callable[[Item, Scope], bool]
Operand = Callable[[Item, Scope], Any]
Update = tuple[str, str, str]
"""Action (SET, REMOVE, ADD), name token, value token."""


def tokens_of(text: str) -> list[str]:
    """An expression in pieces."""
    found, position = [], 0
    text = text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ExpressionError(f"not understood from here on: {text[position:]!r}")
        found.append(match[1] or match[2])
        position = match.end()
    return found


class _Parser:
    def __init__(self, text: str) -> None:
        self._text, self._tokens, self._next = text, tokens_of(text), 0

    def done(self) -> bool:
        return self._next == len(self._tokens)

    def peek(self) -> str:
        return "" if self.done() else self._tokens[self._next]

    def take(self, wanted: str = "") -> str:
        token = self.peek()
        if not token or (wanted and token.upper() != wanted):
            raise ExpressionError(f"{self._text!r}: {wanted or 'more'} expected, not {token!r}")
        self._next += 1
        return token

    def takes(self, keyword: str) -> bool:
        if self.peek().upper() != keyword:
            return False
        self._next += 1
        return True

    # --- conditions -----------------------------------------------------------------------------------------------

    def whole_condition(self) -> Condition:
        found = self._either()
        if not self.done():
            raise ExpressionError(f"{self._text!r}: {self.peek()!r} is too much")
        return found

    def _either(self) -> Condition:
        parts = [self._all()]
        while self.takes("OR"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else lambda item, scope: any(_evaluated(parts, item, scope))

    def _all(self) -> Condition:
        parts = [self._one()]
        while self.takes("AND"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda item, scope: all(_evaluated(parts, item, scope))

    def _one(self) -> Condition:
        if self.takes("NOT"):
            inner = self._one()
            return lambda item, scope: not inner(item, scope)
        if self.takes("("):
            inner = self._either()
            self.take(")")
            return inner
        if self.peek() in _FUNCTIONS:
            return self._function(self.take())
        return self._comparison()

    def _function(self, function: str) -> Condition:
        self.take("(")
        name = self._name()
        if function == "begins_with":
            self.take(",")
            prefix = self._operand()
            self.take(")")
            return lambda item, scope: _begins(item.get(scope.name(name)), prefix(item, scope))
        self.take(")")
        wanted = function == "attribute_exists"
        return lambda item, scope: (scope.name(name) in item) is wanted

    def _comparison(self) -> Condition:
        left = self._operand()
        if self.takes("IN"):
            self.take("(")
            options = [self._operand()]
            while self.takes(","):
                options.append(self._operand())
            self.take(")")
            return lambda item, scope: any(
                _compare("=", left(item, scope), o) for o in _evaluated(options, item, scope)
            )
        if self.takes("BETWEEN"):
            low = self._operand()
            self.take("AND")
            high = self._operand()
            return lambda item, scope: all(
                [
                    _compare(">=", left(item, scope), low(item, scope)),
                    _compare("<=", left(item, scope), high(item, scope)),
                ]
            )
        comparator = self.take()
        if comparator not in _COMPARE:
            raise ExpressionError(f"{self._text!r}: {comparator!r} is no comparator")
        right = self._operand()
        return lambda item, scope: _compare(comparator, left(item, scope), right(item, scope))

    def _name(self) -> str:
        token = self.take()
        if not (token[0].isalpha() or token[0] in "#_") or token.upper() in _KEYWORDS:
            raise ExpressionError(f"{self._text!r}: {token!r} is no name of an attribute")
        return token

    def _operand(self) -> Operand:
        if self.peek().startswith(":"):
            value = self.take()
            return lambda _, scope: scope.value(value)
        name = self._name()
        return lambda item, scope: item.get(scope.name(name))

    # --- updates --------------------------------------------------------------------------------------------------

    def whole_update(self) -> list[Update]:
        found: list[Update] = []
        seen: set[str] = set()
        while not self.done():
            action = self.take().upper()
            if action not in ("SET", "REMOVE", "ADD") or action in seen:
                raise ExpressionError(f"{self._text!r}: {action!r} is unknown here, or there twice")
            seen.add(action)
            found.append(self._change(action))
            while self.takes(","):
                found.append(self._change(action))
        return found

    def _change(self, action: str) -> Update:
        name = self._name()
        if action == "REMOVE":
            return action, name, ""
        if action == "SET":
            self.take("=")
        value = self.take()
        if not value.startswith(":"):
            raise ExpressionError(f"{self._text!r}: only plain values are simulated, not {value!r}")
        return action, name, value


_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def _evaluated(parts: list[Callable[[Item, Scope], Any]], item: Item, scope: Scope) -> list[Any]:
    """Every part's value, whatever the first ones say: all names and values in it count as used."""
    return [part(item, scope) for part in parts]


def _compare(comparator: str, left: Any, right: Any) -> bool:
    """Values of different types are never equal nor in order; a missing one makes every comparison but <> false."""
    if left is None or right is None:
        return comparator == "<>"
    (kind, one), (other_kind, two) = next(iter(left.items())), next(iter(right.items()))
    if kind != other_kind:
        return comparator == "<>"
    if kind == "N":
        one, two = Decimal(one), Decimal(two)
    elif kind == "S":
        one, two = one.encode(), two.encode()
    elif comparator not in ("=", "<>"):
        raise ExpressionError(f"{kind} has no order")
    return _COMPARE[comparator](one, two)


def _begins(value: Any, prefix: Any) -> bool:
    return value is not None and "S" in value and str(value["S"]).startswith(prefix["S"])


@lru_cache(maxsize=512)
def parse_condition(text: str) -> Condition:
    """A condition, filter or key condition."""
    return _Parser(text).whole_condition()


@lru_cache(maxsize=512)
def parse_update(text: str) -> list[Update]:
    """An update expression's changes."""
    return _Parser(text).whole_update()


def apply_update(item: Item, text: str, scope: Scope, key_names: tuple[str, ...]) -> Item:
    """The item after an update."""
    after, touched = dict(item), set[str]()
    for action, token, value_token in parse_update(text):
        name = scope.name(token)
        if name in touched or name in key_names:
            raise ExpressionError(f"two changes of {name!r}, or a change of the key")
        touched.add(name)
        if action == "REMOVE":
            after.pop(name, None)
        elif action == "SET":
            after[name] = scope.value(value_token)
        else:
            added, before = scope.value(value_token), item.get(name, {"N": "0"})
            if "N" not in added or "N" not in before:
                raise ExpressionError("ADD is simulated for numbers only")
            after[name] = {"N": str(Decimal(before["N"]) + Decimal(added["N"]))}
    return after
