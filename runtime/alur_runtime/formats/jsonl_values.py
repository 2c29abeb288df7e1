"""JSON values into those of a contract, strictly, one at a time: what Arrow's parser is measured against. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import attrs

from alur_runtime.contracts.spec import Column, decimal_digits, is_array, is_struct
from alur_runtime.formats.faults import RefusedValueError, shown
from alur_runtime.formats.json_text import Number, encode, kind_of
from alur_runtime.formats.nested import MISSING, Fault
from alur_runtime.formats.values import INT_BITS, Reading, read_decimal, read_text
from alur_runtime.reasons import Reason

Read = Callable[[Any], Any]
"""Makes a value of a column's type from one of JSON; raises `FaultError`."""

_PLAIN_INT: Final = re.compile(r"-?\d+", re.ASCII)
_ANY_INT: Final = (20, 0)  # digits that hold every integer of 64 bits


class FaultError(Exception):
    """A value that does not fit its column."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault = fault


@attrs.frozen
class Keys:
    """How the keys of objects are bound.

    Attributes:
        fold: Makes a key as keys are compared; None if they are compared as they are.
    """

    fold: Callable[[str], str] | None

    def bind(self, value: dict[str, Any]) -> dict[str, Any]:
        """An object by its keys as they are compared.

        Raises:
            FaultError: If two of them are one.
        """
        if self.fold is None:
            return value
        found: dict[str, tuple[str, Any]] = {}
        for key, item in value.items():
            other, _ = found.setdefault(self.fold(key), (key, item))
            if other != key:
                raise FaultError(Fault(Reason.BAD_RECORD, f"has the keys {other!r} and {key!r}, which are one"))
        return {name: item for name, (_, item) in found.items()}

    def name(self, column: Column) -> str:
        """A column's name as keys are compared."""
        return column.name if self.fold is None else self.fold(column.name)


def reader_of(column: Column, reading: Reading, keys: Keys) -> Read:
    """What reads the values of a column.

    Args:
        column: Of any depth.
        reading: How dates and times are written.
        keys: How the keys of objects are bound.
    """
    if is_array(column):
        read = _read_list(reader_of(column.fields[0], reading, keys), column)
    elif is_struct(column):
        read = _read_struct(column, reading, keys)
    else:
        read = _read_plain(column, reading)

    def read_or_missing(value: Any) -> Any:
        if value is not None:
            return read(value)
        if column.nullable:
            return None
        raise FaultError(Fault(Reason.NULL_VALUE, MISSING))

    return read_or_missing


def _read_list(element: Read, column: Column) -> Read:
    def read(value: Any) -> list[Any]:
        if type(value) is not list:
            raise _wrong_kind(value, column, "an array")
        found = []
        for number, item in enumerate(value):
            try:
                found.append(element(item))
            except FaultError as error:
                raise _within(error, f"[{number}]") from None
        return found

    return read


def _read_struct(column: Column, reading: Reading, keys: Keys) -> Read:
    fields = [(keys.name(f), f.name, reader_of(f, reading, keys)) for f in column.fields]

    def read(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise _wrong_kind(value, column, "an object")
        bound = keys.bind(value)
        found = {}
        for key, name, read_field in fields:
            try:
                found[name] = read_field(bound.get(key))
            except FaultError as error:
                raise _within(error, f".{name}") from None
        return found

    return read


def _read_plain(column: Column, reading: Reading) -> Read:
    kind = column.type
    digits = decimal_digits(kind)
    if kind == "boolean":
        return lambda value: value if type(value) is bool else _refuse(value, column, "true or false")
    if kind == "string":
        return lambda value: _text(value, column)
    if kind in ("binary", "date", "timestamp"):
        return lambda value: _caught(_text(value, column), lambda text: read_text(text, kind, reading))
    if digits:
        return lambda value: _caught(
            value if type(value) is Number else _text(value, column, "a number or a string of one"),
            lambda text: read_decimal(text, *digits, reading),
        )
    if kind in INT_BITS:
        return lambda value: _caught(_number(value, column), lambda text: _read_int(text, kind, reading))
    return lambda value: _caught(_number(value, column), lambda text: read_text(text, kind, reading))


def _read_int(text: str, kind: str, reading: Reading) -> Any:
    """A whole number, be it written as 1, 1.0 or 1e0."""
    if _PLAIN_INT.fullmatch(text):
        return read_text(text, kind, reading)
    try:
        whole = read_decimal(text, *_ANY_INT, reading)
    except RefusedValueError as error:
        if error.reason is Reason.LOST_PRECISION:
            raise RefusedValueError(
                error.reason, f"{shown(text)} has digits after the point, which a {kind} has not"
            ) from error
        raise RefusedValueError(error.reason, f"{shown(text)} is out of range of {kind}") from error
    return read_text(str(int(whole)), kind, reading)


def _number(value: Any, column: Column) -> str:
    return value if type(value) is Number else _refuse(value, column, "a number")


def _text(value: Any, column: Column, wanted: str = "a string") -> str:
    if type(value) is not str:
        _refuse(value, column, wanted)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            half = next(c for c in value if "\ud800" <= c <= "\udfff")
            problem = f"is no text: it holds {half!r}, half of a character"
            raise FaultError(Fault(Reason.BAD_ENCODING, problem, value)) from None
    text: str = value
    return text


def _caught(text: str, read: Callable[[str], Any]) -> Any:
    try:
        return read(text)
    except RefusedValueError as error:
        raise FaultError(Fault(error.reason, error.problem, str(text))) from None


def _refuse(value: Any, column: Column, wanted: str) -> Any:
    raise _wrong_kind(value, column, wanted)


def _wrong_kind(value: Any, column: Column, wanted: str) -> FaultError:
    text = encode(value)
    problem = f"{shown(text)} is a JSON {kind_of(value)}, no {column.type}: write {wanted}"
    return FaultError(Fault(Reason.BAD_VALUE, problem, value if type(value) is str else text))


def _within(error: FaultError, path: str) -> FaultError:
    return FaultError(attrs.evolve(error.fault, path=path + error.fault.path))
