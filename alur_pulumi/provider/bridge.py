"""The arguments' classes as Pulumi's analyser reads them.

The analyser knows plain types, lists, maps, enumerations, inputs, and classes of annotations. Ours are attrs classes
with unions, tuples and paths; what stands for them here is made of them, so that no argument can be forgotten.
"""

import os
import types
import typing
from collections import abc
from collections.abc import Mapping
from typing import Any, Final, ForwardRef, NotRequired, TypedDict, Union

import attrs
import pulumi

from alur_pulumi.argument_types import hints_of
from alur_pulumi.bronze_args import BronzeTableArgs
from alur_pulumi.job_args import IngestionJobArgs
from alur_pulumi.state_table import StateTableArgs
from alur_runtime.contracts.options import CsvOptions, JsonLinesOptions, ParquetOptions
from alur_runtime.contracts.spec import ContractSpec


@attrs.frozen(kw_only=True)
class FileFormat:
    """How files are written: exactly one of these.

    Attributes:
        csv: As CSV.
        json_lines: As JSON Lines.
        parquet: As Parquet.
    """

    csv: CsvOptions | None = None
    json_lines: JsonLinesOptions | None = None
    parquet: ParquetOptions | None = None


_FORMATS: Final = frozenset({CsvOptions, JsonLinesOptions, ParquetOptions})
PARTS: Final[Mapping[str, type[Any]]] = {
    "state": StateTableArgs,
    "table": BronzeTableArgs,
    "job": IngestionJobArgs,
}
"""Of a pipeline: maps of further arguments in Python, of the component's own here."""

# What only Python can give: another component as a whole, and what the pipeline itself sets.
_LEFT_OUT: Final[Mapping[str, frozenset[str]]] = {
    "PipelineArgs": frozenset({"ledger"}),
    "BronzeTableArgs": frozenset({"contract"}),
    "IngestionJobArgs": frozenset({"table", "state", "sources"}),
}


def fields_of(cls: type[Any]) -> list[tuple[str, Any, bool]]:
    """Name, annotation and whether it must be given, of each argument that other languages have."""
    hints = hints_of(cls)
    left_out = _LEFT_OUT.get(cls.__name__, frozenset())
    found = []
    for field in attrs.fields(cls):
        if field.name in left_out or not field.init:
            continue
        hint = hints[field.name]
        if cls.__name__ == "PipelineArgs" and field.name in PARTS:
            hint = PARTS[field.name]
        required = field.default is attrs.NOTHING
        found.append((field.name, hint, required))
    return found


def described_classes(cls: type[Any]) -> dict[str, type[Any]]:
    """A class and all those that its arguments are made of, by name."""
    found: dict[str, type[Any]] = {}

    def visit(one: Any) -> None:
        kind = plain(one)
        if isinstance(kind, type) and attrs.has(kind) and kind.__name__ not in found:
            found[kind.__name__] = kind
            for _, hint, _ in fields_of(kind):
                visit(hint)
        for inner in typing.get_args(kind):
            visit(inner)

    visit(cls)
    return found


def analysed(cls: type[Any]) -> type[Any]:
    """A class of annotations that the analyser reads in place of an arguments' class."""
    return _analysed(cls, set())


def _analysed(cls: type[Any], within: set[type[Any]]) -> type[Any]:
    annotations: dict[str, Any] = {}
    for name, hint, required in fields_of(cls):
        stands = _annotation(hint, within | {cls})
        annotations[name] = stands if required else NotRequired[stands]
    made: Any = types.new_class(
        cls.__name__,
        (TypedDict,),
        exec_body=lambda ns: ns.update(__annotations__=annotations, __module__=__name__, __doc__=cls.__doc__),
    )
    return typing.cast("type[Any]", made)


def _annotation(hint: Any, within: set[type[Any]]) -> Any:
    if _is_input(hint):
        return pulumi.Input[_annotation(plain(hint), within)]  # type: ignore[misc]
    kind = plain(hint)
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (abc.Sequence, list, tuple):
        return list[_annotation(inner[0], within)]  # type: ignore[misc]
    if origin in (abc.Mapping, dict):
        return dict[str, _annotation(inner[1], within)]  # type: ignore[misc]
    if isinstance(kind, type) and attrs.has(kind):
        return ForwardRef(kind.__name__) if kind in within else _analysed(kind, within)
    return kind


def _is_input(hint: Any) -> bool:
    return any(typing.get_origin(member) is abc.Awaitable for member in typing.get_args(hint))


def plain(hint: Any) -> Any:
    """The one type that other languages give, of a union."""
    if typing.get_origin(hint) not in (Union, types.UnionType):
        return hint
    members = [
        member
        for member in typing.get_args(hint)
        if member is not type(None)
        and typing.get_origin(member) not in (abc.Awaitable, pulumi.Output, os.PathLike, type)
        and not isinstance(member, ForwardRef)
    ]
    if len(members) > 1 and _FORMATS.issuperset(members):
        return FileFormat
    return ContractSpec if ContractSpec in members else members[0]
