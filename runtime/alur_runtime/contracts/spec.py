"""Contracts as data: the columns of a table, for the Arrow schema, the reading of files and the Glue catalog.

How a contract is written down by people is in `declare`.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

import attrs

from alur_runtime.contracts.expectations import Expectation, check_expectation
from alur_runtime.contracts.options import AnyOptions, CsvOptions, check_options
from alur_runtime.errors import ConfigError, ContractError

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,254}")
_DECIMAL: Final = re.compile(r"decimal\((\d+),(\d+)\)")
_MAX_PRECISION: Final = 38  # of Parquet, Hive and Spark alike
_MOST_BUCKETS: Final = 10_000

PLAIN_TYPES: Final = (
    "tinyint",
    "smallint",
    "int",
    "bigint",
    "float",
    "double",
    "boolean",
    "string",
    "binary",
    "date",
    "timestamp",
)
"""Glue types without parts; beside them are decimal(p,s), array<...> and struct<...>."""

ELEMENT: Final = "element"
"""The name of a list's one field, as Parquet has it."""

RESCUED: Final = "_rescued"
"""The column that keeps what a file has beside the contract's columns."""


class Extras(StrEnum):
    """What becomes of what a file has beside the contract's columns."""

    IGNORE = "ignore"
    RESCUE = "rescue"  # kept as a JSON object in the column `_rescued`
    REJECT = "reject"  # the file fails


class PartitionTransform(StrEnum):
    """How a partition value is made of a column's."""

    DAY = "day"  # a date, in UTC
    MONTH = "month"  # 2024-05, in UTC
    HOUR = "hour"  # 2024-05-01-13, in UTC
    BUCKET = "bucket"  # CRC32 of the value's text modulo the number of buckets


_DERIVED_TYPES: Final = {
    PartitionTransform.DAY: "date",
    PartitionTransform.MONTH: "string",
    PartitionTransform.HOUR: "string",
    PartitionTransform.BUCKET: "int",
}
_DERIVED_FROM: Final = {
    PartitionTransform.DAY: ("timestamp", "date"),
    PartitionTransform.MONTH: ("timestamp", "date"),
    PartitionTransform.HOUR: ("timestamp",),
}
_NO_BUCKET: Final = ("float", "double", "binary", "array", "struct")


@attrs.frozen
class Column:
    """A column of a contract.

    Attributes:
        name: As in the files and in the catalog.
        type: Its Glue type: one of `PLAIN_TYPES`, decimal(p,s), array<...> or struct<...>.
        nullable: Whether a value may be missing.
        doc: Shown as the column's comment in the catalog.
        fields: Of a struct its fields, of an array one named `element`; they say what may be missing within.
    """

    name: str
    type: str
    nullable: bool = False
    doc: str = ""
    fields: tuple[Column, ...] = ()


@attrs.frozen
class DerivedPartition:
    """A partition column that is made of a column of the contract, which stays in the files.

    Attributes:
        name: Of the partition column.
        column: That it is made of.
        transform: How.
        buckets: How many, for `bucket`.
    """

    name: str
    column: str
    transform: PartitionTransform
    buckets: int = 0


@attrs.frozen
class ContractSpec:
    """A contract as data: what travels in the job's configuration.

    Attributes:
        name: Name of the contract class.
        columns: In order.
        partition_by: Names of the partition columns, outermost first: of `columns` or of `derived`.
        doc: What the table is about.
        derived: Partition columns that are made of others.
        extras: What becomes of what files have beside the columns.
        files: How files are written, for sources that do not say so themselves.
        expectations: Checked on every file before its rows are committed.
    """

    name: str
    columns: tuple[Column, ...]
    partition_by: tuple[str, ...] = ()
    doc: str = ""
    derived: tuple[DerivedPartition, ...] = ()
    extras: Extras = Extras.IGNORE
    files: AnyOptions = attrs.field(factory=CsvOptions)
    expectations: tuple[Expectation, ...] = ()

    @property
    def data_columns(self) -> tuple[Column, ...]:
        """The columns stored in the Parquet files (the partition columns are in the path)."""
        rescued = (Column(RESCUED, "string", True, "what the file has beside the columns"),)
        kept = tuple(c for c in self.columns if c.name not in self.partition_by)
        return (*kept, *(rescued if self.extras is Extras.RESCUE else ()))

    @property
    def partition_columns(self) -> tuple[Column, ...]:
        """The partition columns, in the order of `partition_by`."""
        by_name = {c.name: c for c in self.columns}
        by_name |= {d.name: Column(d.name, _DERIVED_TYPES[d.transform], True, _describe(d)) for d in self.derived}
        return tuple(by_name[name] for name in self.partition_by)


def check_spec(spec: ContractSpec) -> ContractSpec:
    """Return the spec if it can be.

    Raises:
        ContractError: Naming the class, the column and what is allowed.
    """
    if not spec.columns:
        raise ContractError(spec.name, None, "has no columns: annotate at least one")
    _check_names(spec.name, "", (*spec.columns, *(Column(d.name, "string") for d in spec.derived)))
    for col in spec.columns:
        check_type(spec.name, col.name, col)
    _check_partitions(spec)
    for expectation in spec.expectations:
        check_expectation(spec.name, {c.name: c.type for c in spec.columns}, expectation)
    labels = [e.name for e in spec.expectations]
    if twice := sorted({n for n in labels if labels.count(n) > 1}):
        raise ContractError(spec.name, None, f"two expectations are called {twice[0]!r}: give one another name")
    try:
        check_options("files", spec.files)
    except ConfigError as error:
        raise ContractError(spec.name, None, f"{error.setting}: {error.problem}") from error
    return spec


def check_type(contract_name: str, path: str, col: Column) -> None:
    """Refuse a type that is not known, or that its fields contradict.

    Raises:
        ContractError: Naming the column by its path.
    """
    if digits := decimal_digits(col.type):
        precision, scale = digits
        if not (1 <= precision <= _MAX_PRECISION and 0 <= scale <= precision):
            raise ContractError(
                contract_name,
                path,
                f"Decimal({precision}, {scale}) cannot be: precision is 1 to {_MAX_PRECISION}, scale 0 to precision",
            )
    elif is_array(col) or is_struct(col):
        _check_nested(contract_name, path, col)
        return
    elif col.type not in PLAIN_TYPES:
        known = ", ".join(PLAIN_TYPES)
        raise ContractError(
            contract_name, path, f"type {col.type!r} is not known; there are {known}, decimal(p,s), array and struct"
        )
    if col.fields:
        raise ContractError(contract_name, path, f"a {col.type} has no fields")


def _check_nested(contract_name: str, path: str, col: Column) -> None:
    if is_array(col):
        fits = [f.name for f in col.fields] == [ELEMENT] and col.type == array_type(col.fields[0])
    else:
        fits = bool(col.fields) and col.type == struct_type(col.fields)
        _check_names(contract_name, path, col.fields)
    if not fits:
        raise ContractError(contract_name, path, f"type {col.type!r} is not the one that its fields make")
    for field in col.fields:
        check_type(contract_name, f"{path}.{field.name}", field)


def is_array(col: Column) -> bool:
    """Whether the column holds lists."""
    return col.type.startswith("array<")


def is_struct(col: Column) -> bool:
    """Whether the column holds structs."""
    return col.type.startswith("struct<")


def array_type(element: Column) -> str:
    """The Glue type of a list."""
    return f"array<{element.type}>"


def struct_type(fields: tuple[Column, ...]) -> str:
    """The Glue type of a struct; Hive knows no capitals in names."""
    return "struct<" + ",".join(f"{f.name.lower()}:{f.type}" for f in fields) + ">"


def decimal_digits(glue_type: str) -> tuple[int, int] | None:
    """Precision and scale of a Glue decimal type, or None for any other type."""
    match = _DECIMAL.fullmatch(glue_type)
    return (int(match[1]), int(match[2])) if match else None


def _describe(derived: DerivedPartition) -> str:
    buckets = f"{derived.buckets}, " if derived.buckets else ""
    return f"{derived.transform.value}({buckets}{derived.column})"


def _names(spec: ContractSpec) -> str:
    return ", ".join(c.name for c in spec.columns)


def _check_names(contract_name: str, path: str, columns: tuple[Column, ...]) -> None:
    seen: dict[str, str] = {}
    for col in columns:
        place = f"{path}.{col.name}" if path else col.name
        if not _NAME.fullmatch(col.name):
            raise ContractError(
                contract_name,
                place,
                "a column's name has letters, digits and underscores, starts with a letter, and is at most 255 long",
            )
        # Glue and Hive fold names to lower case: two that differ only in case are one there.
        if (other := seen.setdefault(col.name.lower(), col.name)) is not col.name:
            problem = "is there twice" if other == col.name else f"differs from {other!r} only in case"
            raise ContractError(contract_name, place, f"{problem}; the catalog cannot hold both")


def _check_partitions(spec: ContractSpec) -> None:
    types = {c.name: c.type for c in spec.columns}
    for derived in spec.derived:
        _check_derived(spec, derived, types)
    known = {**types, **{d.name: "" for d in spec.derived}}
    for name in spec.partition_by:
        if name not in known:
            raise ContractError(spec.name, name, f"partition_by names no column; columns are {_names(spec)}")
    if len(set(spec.partition_by)) != len(spec.partition_by):
        raise ContractError(spec.name, None, f"partition_by {spec.partition_by} names a column twice")
    if not set(types) - set(spec.partition_by):
        raise ContractError(spec.name, None, "partition_by names every column; at least one must be left as data")
    for col in spec.partition_columns:
        if col.type in ("float", "double", "timestamp", "binary") or col.fields:
            times = ", or day, month or hour of the column" if col.type == "timestamp" else ""
            raise ContractError(
                spec.name,
                col.name,
                f"a {col.type} cannot be a partition column; use a date, a string or an int{times}",
            )


def _check_derived(spec: ContractSpec, derived: DerivedPartition, types: dict[str, str]) -> None:
    if derived.column not in types:
        raise ContractError(
            spec.name, derived.column, f"{_describe(derived)} names no column; columns are {_names(spec)}"
        )
    if derived.column in spec.partition_by:
        raise ContractError(
            spec.name, derived.column, f"is a partition column itself: {_describe(derived)} adds nothing"
        )
    kind = types[derived.column]
    allowed = _DERIVED_FROM.get(derived.transform)
    if allowed is not None and kind not in allowed:
        raise ContractError(
            spec.name, derived.column, f"{_describe(derived)} needs a {' or a '.join(allowed)}, this is a {kind}"
        )
    if derived.transform is PartitionTransform.BUCKET:
        if kind.partition("<")[0] in _NO_BUCKET:
            raise ContractError(spec.name, derived.column, f"a {kind} has no buckets; use a string, an int or a date")
        if not 1 <= derived.buckets <= _MOST_BUCKETS:
            raise ContractError(
                spec.name, derived.column, f"{derived.buckets} buckets cannot be: 1 to {_MOST_BUCKETS:,}"
            )
