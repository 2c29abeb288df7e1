"""How people write contracts down: a class whose annotations are the columns.

::

    @contract(partition_by=("order_date",))
    class Orders:
        order_id: int
        customer: str
        amount: Decimal(12, 2)  # or, for type checkers: Annotated[decimal.Decimal, Decimal(12, 2)]
        note: str | None = column(doc="free text, may be missing")
        tags: list[str]
        order_date: date
"""

from __future__ import annotations

import datetime as dt
import decimal
import types
import typing
from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar, Union, dataclass_transform

import attrs

from alur_runtime.contracts.expectations import Expectation
from alur_runtime.contracts.options import AnyOptions, CsvOptions
from alur_runtime.contracts.spec import (
    ELEMENT,
    Column,
    ContractSpec,
    DerivedPartition,
    Extras,
    PartitionTransform,
    array_type,
    check_spec,
    struct_type,
)
from alur_runtime.errors import ContractError

_T = TypeVar("_T")
_DOC: Final = "alur_doc"
_SPEC: Final = "__alur_contract__"

# Python type -> Glue (Hive) type. The Glue type is the one stored form of a type; all else is derived from it.
_GLUE_TYPES: Final[dict[Any, str]] = {
    int: "bigint",
    float: "double",
    bool: "boolean",
    str: "string",
    bytes: "binary",
    dt.date: "date",
    dt.datetime: "timestamp",
}
_ALLOWED: Final = (
    "allowed are int, Int8, Int16, Int32, Int64, float, Float32, bool, str, bytes, Decimal(precision, scale), "
    "date, datetime, list[...] and other contracts, each with `| None`"
)


@attrs.frozen
class GlueType:
    """The Glue type of an annotation, inside `typing.Annotated`, where Python's own type does not say it."""

    name: str


Int8 = Annotated[int, GlueType("tinyint")]
"""Whole numbers from -128 to 127."""
Int16 = Annotated[int, GlueType("smallint")]
"""Whole numbers from -32,768 to 32,767."""
Int32 = Annotated[int, GlueType("int")]
"""Whole numbers of 32 bits."""
Int64 = Annotated[int, GlueType("bigint")]
"""Whole numbers of 64 bits: what a plain `int` is too."""
Float32 = Annotated[float, GlueType("float")]
"""Floating-point numbers of 32 bits."""


@attrs.frozen
class Decimal:
    """An exact decimal number type: `precision` digits in all, `scale` of them after the point.

    Use it as an annotation, or inside `typing.Annotated` where a type checker reads the contract too.
    """

    precision: int
    scale: int = 0

    @property
    def name(self) -> str:
        """The Glue type, such as ``decimal(12,2)``."""
        return f"decimal({self.precision},{self.scale})"

    def __or__(self, other: object) -> Any:
        """``Decimal(12, 2) | None``: nullable."""
        return Union[Annotated[decimal.Decimal, self], None] if other is None else NotImplemented  # noqa: UP007


def column(*, doc: str = "") -> Any:
    """Describe a column of a contract.

    Args:
        doc: Its comment in the catalog.
    """
    return attrs.field(metadata={_DOC: doc})


def day(name: str) -> DerivedPartition:
    """Partition by the day (UTC) of a timestamp, as the date column ``<name>_day``."""
    return DerivedPartition(f"{name}_day", name, PartitionTransform.DAY)


def month(name: str) -> DerivedPartition:
    """Partition by the month (UTC) of a timestamp or date, as the text column ``<name>_month`` (2024-05)."""
    return DerivedPartition(f"{name}_month", name, PartitionTransform.MONTH)


def hour(name: str) -> DerivedPartition:
    """Partition by the hour (UTC) of a timestamp, as the text column ``<name>_hour`` (2024-05-01-13)."""
    return DerivedPartition(f"{name}_hour", name, PartitionTransform.HOUR)


def bucket(buckets: int, name: str) -> DerivedPartition:
    """Spread rows over a number of partitions by a column's value, as the int column ``<name>_bucket``."""
    return DerivedPartition(f"{name}_bucket", name, PartitionTransform.BUCKET, buckets)


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(column, attrs.field))
def contract(
    *,
    partition_by: tuple[str | DerivedPartition, ...] = (),
    extras: Extras | str = Extras.IGNORE,
    files: AnyOptions | None = None,
    expect: tuple[Expectation, ...] = (),
) -> Callable[[type[_T]], type[_T]]:
    """Make an attrs class with annotated columns a contract.

    Args:
        partition_by: What the table is partitioned by, outermost first: names of columns, and `day`, `month`, `hour`
            or `bucket` of one.
        extras: What becomes of what files have beside the columns: ignore, rescue (kept as JSON in `_rescued`) or
            reject (the file fails).
        files: How files are written, for sources that do not say so themselves; plain CSV if not given.
        expect: What is checked on every file before its rows are committed; see `alur_runtime.contracts.expectations`.

    Raises:
        ContractError: If a column's name or type is not allowed, or a partition column does not exist.
    """

    def decorate(cls: type[_T]) -> type[_T]:
        defined = attrs.define(cls, frozen=True, kw_only=True, slots=False)
        name = cls.__name__
        if extras not in tuple(Extras):
            raise ContractError(name, None, f"extras is {extras!r}; allowed are {', '.join(Extras)}")
        spec = ContractSpec(
            name,
            _columns_of(defined),
            partition_by=tuple(p if isinstance(p, str) else p.name for p in partition_by),
            doc=(cls.__doc__ or "").strip(),
            derived=tuple(p for p in partition_by if not isinstance(p, str)),
            extras=Extras(extras),
            files=files or CsvOptions(),
            expectations=tuple(expect),
        )
        setattr(defined, _SPEC, check_spec(spec))
        return defined

    return decorate


def spec_of(contract_class: type) -> ContractSpec:
    """The data of a contract class.

    Raises:
        ContractError: If the class was not made with `contract`.
    """
    spec = contract_class.__dict__.get(_SPEC)
    if not isinstance(spec, ContractSpec):
        raise ContractError(contract_class.__name__, None, "is no contract: decorate the class with @contract()")
    return spec


def _columns_of(cls: type) -> tuple[Column, ...]:
    try:
        hints = typing.get_type_hints(cls, include_extras=True)
    except Exception as error:
        raise ContractError(cls.__name__, None, f"its annotations cannot be read: {error}") from error
    found = []
    for field in attrs.fields(cls):
        read = _column(cls.__name__, field.name, field.name, hints[field.name])
        found.append(attrs.evolve(read, doc=str(field.metadata.get(_DOC, ""))))
    return tuple(found)


def _column(contract_name: str, path: str, name: str, hint: Any) -> Column:
    """A column of an annotation."""
    nullable = False
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        members = [m for m in typing.get_args(hint) if m is not type(None)]
        if len(members) != 1 or len(members) == len(typing.get_args(hint)):
            raise ContractError(contract_name, path, f"{hint} is a union; {_ALLOWED}")
        nullable, hint = True, members[0]
    if typing.get_origin(hint) is Annotated:
        plain, *notes = typing.get_args(hint)
        hint = next((note for note in notes if isinstance(note, Decimal | GlueType)), plain)
    if typing.get_origin(hint) is list:
        element = _column(contract_name, f"{path}.{ELEMENT}", ELEMENT, typing.get_args(hint)[0])
        return Column(name, array_type(element), nullable, fields=(element,))
    if isinstance(hint, type) and isinstance(spec := hint.__dict__.get(_SPEC), ContractSpec):
        if spec.expectations or spec.extras is not Extras.IGNORE:
            raise ContractError(
                contract_name, path, f"{spec.name} is nested here: expect and extras belong to the outer contract alone"
            )
        return Column(name, struct_type(spec.columns), nullable, fields=spec.columns)
    return Column(name, _plain_type(contract_name, path, hint), nullable)


def _plain_type(contract_name: str, path: str, hint: Any) -> str:
    if isinstance(hint, Decimal | GlueType):
        return hint.name
    if hint is decimal.Decimal:
        raise ContractError(contract_name, path, "a decimal needs its digits: Decimal(precision, scale)")
    if hint is list:
        raise ContractError(contract_name, path, "a list needs the type of its elements: list[str]")
    known = _GLUE_TYPES.get(hint) if isinstance(hint, type) else None
    if known is None:
        raise ContractError(contract_name, path, f"type {getattr(hint, '__name__', hint)} is not known; {_ALLOWED}")
    return known
