"""What programs in other languages give, as the arguments' classes."""

import enum
import typing
from collections import abc
from collections.abc import Mapping
from typing import Any

import attrs
import pulumi
from pulumi.provider.experimental.util import camel_case

from alur_pulumi.checks import Checker
from alur_pulumi.provider.bridge import PARTS, FileFormat, fields_of, plain


@attrs.frozen
class Given:
    """Makes the arguments of one component.

    Attributes:
        checker: Names the component.
    """

    checker: Checker

    def arguments(self, cls: type[Any], given: object, path: str = "") -> Any:
        """An instance of an arguments' class.

        Args:
            cls: The class.
            given: Values by their names in the schema; outputs stay what they are.
            path: What it is the value of, such as ``sources[0].``; nothing for the component itself.

        Raises:
            ArgumentError: If something has a name or a kind that is not in the schema, or is missing.
        """
        return cls(**self._by_name(cls, given, path))

    def _by_name(self, cls: type[Any], given: object, path: str) -> dict[str, Any]:
        values = self._map(given, path.removesuffix("."))
        fields = {camel_case(name): (name, hint, required) for name, hint, required in fields_of(cls)}
        for key, value in values.items():
            if key not in fields:
                raise self.checker.refuse(f"{path}{key}", value, f"there are {', '.join(sorted(fields))}")
        for key, (_, _, required) in fields.items():
            if required and values.get(key) is None:
                raise self.checker.refuse(f"{path}{key}", None, "it must be given")
        return {
            name: self._value(hint, values[key], f"{path}{key}")
            for key, (name, hint, _) in fields.items()
            if values.get(key) is not None
        }

    def _value(self, hint: Any, value: Any, path: str) -> Any:
        if isinstance(value, pulumi.Output):
            return value
        kind = plain(hint)
        origin, inner = typing.get_origin(kind), typing.get_args(kind)
        if origin in (abc.Sequence, list, tuple):
            if not isinstance(value, list | tuple):
                raise self.checker.refuse(path, value, "give a list")
            return tuple(self._value(inner[0], one, f"{path}[{i}]") for i, one in enumerate(value))
        if origin in (abc.Mapping, dict):
            return {key: self._value(inner[1], one, f"{path}.{key}") for key, one in self._map(value, path).items()}
        if kind is FileFormat:
            return self._format(value, path)
        if kind in PARTS.values():
            return self._by_name(kind, value, f"{path}.")
        if isinstance(kind, type) and attrs.has(kind):
            return self.arguments(kind, value, f"{path}.")
        return self._converted(kind, value, path)

    def _map(self, given: object, path: str) -> Mapping[str, Any]:
        if not isinstance(given, Mapping):
            raise self.checker.refuse(path or "inputs", given, "give a map")
        return given

    def _format(self, value: object, path: str) -> Any:
        given = self.arguments(FileFormat, value, f"{path}.")
        formats = [one for one in attrs.astuple(given, recurse=False) if one is not None]
        if len(formats) != 1:
            raise self.checker.refuse(path, value, "give exactly one of csv, jsonLines and parquet")
        return formats[0]

    def _converted(self, kind: Any, value: Any, path: str) -> Any:
        """Numbers have no kinds in other languages, and enumerations are texts."""
        if kind is int and isinstance(value, float) and value.is_integer():
            return int(value)
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            try:
                return kind(value)
            except ValueError:
                allowed = ", ".join(str(one.value) for one in kind)
                raise self.checker.refuse(path, value, f"allowed are {allowed}") from None
        return value
