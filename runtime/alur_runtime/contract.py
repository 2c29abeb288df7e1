"""Contracts: the columns of a table, declared once, for the Arrow schema, the CSV parse and the Glue catalog.

A contract is a class with the decorator `contract`; its annotations are the columns::

    @contract(partition_by=("order_date",))
    class Orders:
        order_id: int
        customer: str
        amount: Decimal(12, 2)  # or, for type checkers: Annotated[decimal.Decimal, Decimal(12, 2)]
        note: str | None = column(doc="free text, may be missing")
        order_date: date
"""

from __future__ import annotations

import datetime as dt
import decimal
import re
import types
import typing
from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar, Union, dataclass_transform

import attrs

from alur_runtime.errors import ContractError

_T = TypeVar("_T")
_DOC: Final = "alur_doc"
_SPEC: Final = "__alur_contract__"
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,254}")
_DECIMAL: Final = re.compile(r"decimal\((\d+),(\d+)\)")
_MAX_PRECISION: Final = 38  # of Parquet, Hive and Spark alike

# Python type -> Glue (Hive) type. The Glue type is the one stored form of a type; all else is derived from it.
_GLUE_TYPES: Final[dict[Any, str]] = {
    int: "bigint",
    float: "double",
    bool: "boolean",
    str: "string",
    dt.date: "date",
    dt.datetime: "timestamp",
}
_ALLOWED: Final = "allowed are int, float, bool, str, Decimal(precision, scale), date and datetime, each with `| None`"


@attrs.frozen
class Decimal:
    """An exact decimal number type: `precision` digits in all, `scale` of them after the point.

    Use it as an annotation, or inside `typing.Annotated` where a type checker reads the contract too.
    """

    precision: int
    scale: int = 0

    @property
    def glue_type(self) -> str:
        """The Glue type, such as ``decimal(12,2)``."""
        return f"decimal({self.precision},{self.scale})"

    def __or__(self, other: object) -> Any:
        """``Decimal(12, 2) | None``: nullable."""
        return Union[Annotated[decimal.Decimal, self], None] if other is None else NotImplemented  # noqa: UP007


@attrs.frozen
class Column:
    """A column of a contract.

    Attributes:
        name: As in the header of the files and in the catalog.
        type: Its Glue type: bigint, double, boolean, string, date, timestamp or decimal(p,s).
        nullable: Whether a value may be missing.
        doc: Shown as the column's comment in the catalog.
    """

    name: str
    type: str
    nullable: bool = False
    doc: str = ""


@attrs.frozen
class ContractSpec:
    """A contract as data: what travels in the job's configuration.

    Attributes:
        name: Name of the contract class.
        columns: In order.
        partition_by: Names of the columns that the table is partitioned by, outermost first.
        doc: What the table is about.
    """

    name: str
    columns: tuple[Column, ...]
    partition_by: tuple[str, ...] = ()
    doc: str = ""

    @property
    def data_columns(self) -> tuple[Column, ...]:
        """The columns stored in the Parquet files (the partition columns are in the path)."""
        return tuple(c for c in self.columns if c.name not in self.partition_by)

    @property
    def partition_columns(self) -> tuple[Column, ...]:
        """The partition columns, in the order of `partition_by`."""
        by_name = {c.name: c for c in self.columns}
        return tuple(by_name[name] for name in self.partition_by)


def column(*, doc: str = "") -> Any:
    """Describe a column of a contract.

    Args:
        doc: Its comment in the catalog.
    """
    return attrs.field(metadata={_DOC: doc})


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(column, attrs.field))
def contract(*, partition_by: tuple[str, ...] = ()) -> Callable[[type[_T]], type[_T]]:
    """Make an attrs class with annotated columns a contract.

    Args:
        partition_by: Names of columns to partition the table by, outermost first.

    Raises:
        ContractError: If a column's name or type is not allowed, or a partition column does not exist.
    """

    def decorate(cls: type[_T]) -> type[_T]:
        defined = attrs.define(cls, frozen=True, kw_only=True, slots=False)
        spec = _spec_of(defined, partition_by)
        setattr(defined, _SPEC, spec)
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


def check_spec(spec: ContractSpec) -> ContractSpec:
    """Return the spec if it can be.

    Raises:
        ContractError: Naming the class, the column and what is allowed.
    """
    if not spec.columns:
        raise ContractError(spec.name, None, "has no columns: annotate at least one")
    seen: dict[str, str] = {}
    for col in spec.columns:
        _check_column(spec.name, col)
        # Glue and Hive fold names to lower case: two that differ only in case are one there.
        if (other := seen.setdefault(col.name.lower(), col.name)) is not col.name:
            raise ContractError(
                spec.name, col.name, f"differs from {other!r} only in case; the catalog cannot hold both"
            )
    for name in spec.partition_by:
        if name not in {c.name for c in spec.columns}:
            raise ContractError(spec.name, name, f"partition_by names no column; columns are {_names(spec)}")
    if len(set(spec.partition_by)) != len(spec.partition_by):
        raise ContractError(spec.name, None, f"partition_by {spec.partition_by} names a column twice")
    if len(spec.partition_by) == len(spec.columns):
        raise ContractError(spec.name, None, "partition_by names every column; at least one must be left as data")
    for col in spec.partition_columns:
        if col.type in ("double", "timestamp"):
            raise ContractError(
                spec.name, col.name, f"a {col.type} cannot be a partition column; use a date, a string or an int"
            )
    return spec


def decimal_digits(glue_type: str) -> tuple[int, int] | None:
    """Precision and scale of a Glue decimal type, or None for any other type."""
    match = _DECIMAL.fullmatch(glue_type)
    return (int(match[1]), int(match[2])) if match else None


def _names(spec: ContractSpec) -> str:
    return ", ".join(c.name for c in spec.columns)


def _check_column(contract_name: str, col: Column) -> None:
    if not _NAME.fullmatch(col.name):
        raise ContractError(
            contract_name,
            col.name,
            "a column's name has letters, digits and underscores, starts with a letter, and is at most 255 long",
        )
    if digits := decimal_digits(col.type):
        precision, scale = digits
        if not (1 <= precision <= _MAX_PRECISION and 0 <= scale <= precision):
            raise ContractError(
                contract_name,
                col.name,
                f"Decimal({precision}, {scale}) cannot be: precision is 1 to {_MAX_PRECISION}, scale 0 to precision",
            )
    elif col.type not in _GLUE_TYPES.values():
        raise ContractError(contract_name, col.name, f"type {col.type!r} is not known; {_ALLOWED}")


def _spec_of(cls: type, partition_by: tuple[str, ...]) -> ContractSpec:
    try:
        hints = typing.get_type_hints(cls, include_extras=True)
    except Exception as error:
        raise ContractError(cls.__name__, None, f"its annotations cannot be read: {error}") from error
    columns = []
    for field in attrs.fields(cls):
        glue_type, nullable = _read_type(cls.__name__, field.name, hints[field.name])
        columns.append(Column(field.name, glue_type, nullable, str(field.metadata.get(_DOC, ""))))
    doc = (cls.__doc__ or "").strip()
    return check_spec(ContractSpec(cls.__name__, tuple(columns), tuple(partition_by), doc))


def _read_type(contract_name: str, name: str, hint: Any) -> tuple[str, bool]:
    nullable = False
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        members = [m for m in typing.get_args(hint) if m is not type(None)]
        if len(members) != 1 or len(members) == len(typing.get_args(hint)):
            raise ContractError(contract_name, name, f"{hint} is a union; {_ALLOWED}")
        nullable, hint = True, members[0]
    if typing.get_origin(hint) is Annotated:
        extras = [e for e in typing.get_args(hint)[1:] if isinstance(e, Decimal)]
        hint = extras[0] if extras else typing.get_args(hint)[0]
    if isinstance(hint, Decimal):
        return hint.glue_type, nullable
    if hint is decimal.Decimal:
        raise ContractError(contract_name, name, "a decimal needs its digits: Decimal(precision, scale)")
    if hint not in _GLUE_TYPES:
        raise ContractError(contract_name, name, f"type {getattr(hint, '__name__', hint)} is not known; {_ALLOWED}")
    return _GLUE_TYPES[hint], nullable
