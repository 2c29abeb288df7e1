"""Whether arguments are of the kinds that their classes say: what Python does not check, and deployments fail of."""

from __future__ import annotations

import enum
import inspect
import os
import types
import typing
from collections import abc
from typing import TYPE_CHECKING, Any, Final

import attrs
import pulumi

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alur_pulumi.checks import Checker

_WORDS: Final[dict[Any, str]] = {
    str: "a text",
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    type: "a class",
    os.PathLike: "a path",
    type(None): "None",
}


@attrs.frozen
class Misfit:
    """A value that is of another kind than is wanted.

    Attributes:
        path: Where it is, such as ``sources[0].prefix``.
        value: What it is.
        wanted: What is wanted, in words.
    """

    path: str
    value: object
    wanted: str


def check_types(checker: Checker, args: object, kind: type[Any]) -> None:
    """Refuse arguments of another kind than their class says, and those of the values that they hold.

    Args:
        checker: Names the component.
        args: The arguments.
        kind: Their class.

    Raises:
        ArgumentError: For the first one.
    """
    if not isinstance(args, kind):
        raise checker.refuse("args", args, f"give {kind.__name__}(...)")
    for found in _of_fields("", args):
        plain = ": it must be known at preview, and an output is not" if _is_output(found.value) else ""
        raise checker.refuse(found.path, found.value, f"give {found.wanted}{plain}")


def hints_of(kind: type[Any]) -> dict[str, Any]:
    """The annotations of an arguments' class."""
    # `pulumi.Input` refers to these two, which are not in our modules.
    return typing.get_type_hints(kind, localns={"Output": pulumi.Output, "T": Any})


def misfit(path: str, value: object, hint: Any) -> Misfit | None:
    """The first value that is of another kind, of a value and those that it holds; None if there is none."""
    origin, inner = typing.get_origin(hint) or hint, typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        found = [misfit(path, value, member) for member in inner]
        # of the right kind itself, and holds what is not
        deeper = next((one for one in found if one and one.path != path), Misfit(path, value, _words(hint)))
        return None if None in found else deeper
    if not _is_of(value, origin):
        return Misfit(path, value, _words(hint))
    return next(_of_parts(path, value, origin, inner), None)


def _is_of(value: object, kind: Any) -> bool:
    """Whether a value is of a kind, whatever it holds."""
    if kind is Any:
        return True
    if kind in (pulumi.Output, abc.Awaitable):
        return _is_output(value)
    if kind is float:
        kind = (int, float)
    if isinstance(value, bool):  # which is a number to Python
        return kind is bool or kind is object
    if kind in (abc.Sequence, list, tuple):
        return isinstance(value, abc.Sequence) and not isinstance(value, str | bytes)
    if isinstance(kind, type) and issubclass(kind, enum.StrEnum):
        return isinstance(value, str)  # which of them is checked with its own words
    return isinstance(value, kind)


def _of_parts(path: str, value: Any, kind: Any, inner: tuple[Any, ...]) -> Iterator[Misfit]:
    if kind in (abc.Sequence, list, tuple) and inner:
        pairs = [(f"{path}[{i}]", one, inner[0]) for i, one in enumerate(value)]
    elif kind in (abc.Mapping, dict) and inner:
        pairs = [(f"{path}[{key!r}]", one, inner[1]) for key, one in value.items()]
    elif isinstance(kind, type) and attrs.has(kind):
        yield from _of_fields(f"{path}.", value)
        return
    else:
        return
    for name, one, hint in pairs:
        if found := misfit(name, one, hint):
            yield found


def _of_fields(prefix: str, value: Any) -> Iterator[Misfit]:
    hints = hints_of(type(value))
    for field in attrs.fields(type(value)):
        if found := misfit(f"{prefix}{field.name}", getattr(value, field.name), hints[field.name]):
            yield found


def _is_output(value: object) -> bool:
    return isinstance(value, pulumi.Output) or inspect.isawaitable(value)


def _words(hint: Any) -> str:
    """What is wanted, for people."""
    origin, inner = typing.get_origin(hint) or hint, typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        members = [one for one in inner if (typing.get_origin(one) or one) not in (pulumi.Output, abc.Awaitable)]
        return " or ".join(dict.fromkeys(_words(one) for one in members))
    if origin in (abc.Sequence, list, tuple):
        return f"a list, each {_words(inner[0])}"
    if origin in (abc.Mapping, dict):
        return "a dict"
    if isinstance(origin, type) and issubclass(origin, enum.Enum):
        return " or ".join(f"{origin.__name__}.{one.name}" for one in origin)
    return _WORDS.get(origin) or f"{getattr(origin, '__name__', origin)}(...)"
