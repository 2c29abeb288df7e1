"""JSON as it is written down: numbers keep their digits, and a key that is there twice is refused. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from alur_runtime.contracts.spec import Column, is_array, is_struct

MOST_DEPTH: Final = 200
"""Levels of nesting; parsers take a stack frame for each, so there must be an end to it."""

_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]')


class Number(str):
    """A JSON number, by its text: no float comes between."""

    __slots__ = ()


class JsonError(ValueError):
    """A text that is no strict JSON; it says why."""


def decode_object(text: str) -> dict[str, Any]:
    """A JSON object: its numbers are `Number`, all else is what `json` makes of it.

    Raises:
        JsonError: If the text is anything else, or a key is in one of its objects twice.
    """
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise JsonError(f"is no JSON: {error.msg} at character {error.pos + 1:,}") from error
    if not isinstance(value, dict):
        raise JsonError(f"is a JSON {kind_of(value)}, no object")
    return value


def is_too_deep(line: bytes) -> bool:
    """Whether a line of JSON has more than `MOST_DEPTH` levels of objects and arrays."""
    if line.count(b"[") + line.count(b"{") <= MOST_DEPTH:
        return False
    depth = 0
    for token in _TOKEN.finditer(line):
        first = token[0][:1]
        if first in b"[{":
            depth += 1
        elif first in b"]}":
            depth -= 1
        if depth > MOST_DEPTH:
            return True
    return False


def encode(value: Any) -> str:
    """JSON text of a value; a `Number` as it was written."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k, ensure_ascii=False)}: {encode(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(encode, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def kind_of(value: Any) -> str:
    """What JSON calls a value of this kind."""
    if isinstance(value, Number):
        return "number"
    kinds = {type(None): "null", bool: "boolean", str: "string", list: "array", dict: "object"}
    return kinds[type(value)]


def leftovers(value: Any, columns: tuple[Column, ...], fold: Callable[[str], str]) -> Iterator[tuple[str, Any]]:
    """What an object has beside its columns, at any depth: path (lists count from 0) and value.

    Args:
        value: A JSON object.
        columns: Those that it fills.
        fold: Makes a key as keys are compared.
    """
    known = {fold(c.name): c for c in columns}
    for key, item in value.items():
        column = known.get(fold(key))
        if column is None:
            yield key, item
        else:
            for path, left in _within(item, column, fold):
                yield f"{key}{path}", left


def _within(value: Any, column: Column, fold: Callable[[str], str]) -> Iterator[tuple[str, Any]]:
    if is_struct(column) and isinstance(value, dict):
        for path, left in leftovers(value, column.fields, fold):
            yield f".{path}", left
    elif is_array(column) and column.fields[0].fields and isinstance(value, list):
        for number, item in enumerate(value):
            for path, left in _within(item, column.fields[0], fold):
                yield f"[{number}]{path}", left


def _refuse_constant(text: str) -> None:
    raise JsonError(f"is no JSON: {text} is no number of it")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        raise JsonError(f"has the key {next(k for k in keys if keys.count(k) > 1)!r} twice in one object")
    return found


_DECODER: Final = json.JSONDecoder(
    parse_float=Number, parse_int=Number, parse_constant=_refuse_constant, object_pairs_hook=_object
)
