"""What of a changed contract the readers of files that were written before could not take, as pure functions."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import attrs

from alur_pulumi import catalog
from alur_runtime.config import SOURCE_ETAG, SOURCE_FILE, OnChange
from alur_runtime.contracts.spec import Column

PARTITION_BY: Final = "partition_by"
LOCATION: Final = "location"

_AFRESH: Final = "declare a second BronzeTable with another table_name, which its job fills from the files that landed"

# Parquet keeps all three in 32 bits and marks how many are used, so that a reader that asks for more finds the same
# number. A bigint takes 64: Spark 3.5, which Glue 5 runs, refuses to read it out of 32; see docs/decisions.md.
_NARROW: Final = ("tinyint", "smallint", "int")
_SPACES: Final = re.compile(r"\s+")


@attrs.frozen
class TableShape:
    """What readers take from the catalog: where a table's files are, and what is in them.

    Attributes:
        columns: Type of each stored column, by its name in the catalog.
        partition_keys: Name and type of each partition key, outermost first.
        location: Where its files are, with a slash at its end; empty if that is not known.
    """

    columns: Mapping[str, str]
    partition_keys: tuple[tuple[str, str], ...] = ()
    location: str = ""


@attrs.frozen
class BreakingChange:
    """One thing that readers could not take.

    Attributes:
        subject: Name of the column, or `PARTITION_BY` or `LOCATION`: what is named to allow the change.
        problem: What is deployed, what is asked for, and why both do not go together.
        remedy: What to do instead.
    """

    subject: str
    problem: str
    remedy: str


def shape_of(columns: Sequence[Column], partition_columns: Sequence[Column], location: str = "") -> TableShape:
    """The shape that a table will have.

    Args:
        columns: Those that are stored, see `catalog.stored_columns`.
        partition_columns: In order.
        location: Where its files are.
    """
    stored = {catalog.column_name(c): c.type for c in columns}
    return TableShape(stored, tuple((catalog.column_name(c), c.type) for c in partition_columns), location)


def shape_in_catalog(columns: Sequence[Any], partition_keys: Sequence[Any], location: str | None) -> TableShape:
    """The shape that the catalog tells of.

    Args:
        columns: Each with `name` and `type`, as a look-up of the provider gives them.
        partition_keys: Likewise.
        location: Where the files are.
    """
    keys = tuple((c.name.lower(), _plain(c.type or "")) for c in partition_keys)
    stored = {c.name.lower(): _plain(c.type or "") for c in columns}
    return TableShape(stored, keys, location or "")


def breaking_changes(deployed: TableShape, asked: TableShape, on_change: OnChange) -> tuple[BreakingChange, ...]:
    """What readers of the files that are there could not take, and what the runtime would not find in them.

    A column that is added is none: files that lack it show nulls. The order of columns is none either, since Athena,
    Spark and DuckDB find columns in Parquet files by name.

    Args:
        deployed: The table as it is.
        asked: The table as the contract has it; without a location, that of its files is not looked at.
        on_change: What will happen to a file that is overwritten.
    """
    found: list[BreakingChange] = []
    if deployed.partition_keys != asked.partition_keys:
        found.append(_partitions(deployed, asked))
    # One that moved into or out of the partition keys is told of with these.
    keys = {name for name, _ in (*deployed.partition_keys, *asked.partition_keys)}
    for name, before in deployed.columns.items():
        after = asked.columns.get(name)
        if after is None:
            if name not in keys:
                found.append(_dropped(name, before, asked))
        elif not is_safe(before, after):
            found.append(_retyped(name, before, after))
    found += [_unfilled(name, on_change) for name in _needed(on_change) if name not in deployed.columns]
    if deployed.location and asked.location and _folder(deployed.location) != _folder(asked.location):
        found.append(_moved(deployed.location, asked.location))
    return tuple(found)


def is_safe(before: str, after: str) -> bool:
    """Whether every reader takes files with the one Glue type as the other."""
    before, after = _plain(before), _plain(after)
    if before == after:
        return True
    return before in _NARROW and after in _NARROW and _NARROW.index(before) < _NARROW.index(after)


def refusal(table: str, changes: Sequence[BreakingChange], allowed: Collection[str]) -> str | None:
    """What to say of the changes that nobody has allowed, or None if there are none.

    Args:
        table: As ``database.table``.
        changes: All of them.
        allowed: Subjects that may break.
    """
    left = [change for change in changes if change.subject not in allowed]
    if not left:
        return None
    told = "; ".join(f"{change.subject}: {change.problem}: {change.remedy}" for change in left)
    subjects = ", ".join(repr(change.subject) for change in left)
    return (
        f"the deployed table {table} has files that this breaks. {told}. "
        f"If you know that no reader minds, name {subjects} in allow_breaking_changes_of"
    )


def _plain(glue_type: str) -> str:
    return _SPACES.sub("", glue_type).lower()


def _folder(location: str) -> str:
    return location.rstrip("/")


def _needed(on_change: OnChange) -> tuple[str, ...]:
    """Columns of alur's own by which the runtime tells apart rows that are there already."""
    return {OnChange.REPLACE: (SOURCE_FILE,), OnChange.APPEND: (SOURCE_FILE, SOURCE_ETAG)}.get(on_change, ())


def _keys(keys: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in keys) or "nothing"


def _partitions(deployed: TableShape, asked: TableShape) -> BreakingChange:
    return BreakingChange(
        PARTITION_BY,
        f"deployed is a table by {_keys(deployed.partition_keys)}, asked for is one by {_keys(asked.partition_keys)}, "
        "and the partitions that are there do not fit it",
        _AFRESH,
    )


def _dropped(name: str, before: str, asked: TableShape) -> BreakingChange:
    if name.startswith("_"):
        remedy = f"keep it: name {name} in metadata_columns (or keep extras rescue, for _rescued)"
    else:
        remedy = "keep it in the contract, nullable (str | None) if files no longer bring it"
    same = [n for n, kind in asked.columns.items() if kind == before]
    renamed = "; a renamed column is a new one, and the old values stay under the old name" if same else ""
    return BreakingChange(name, f"deployed as {before}, and dropped{renamed}", remedy)


def _retyped(name: str, before: str, after: str) -> BreakingChange:
    return BreakingChange(
        name,
        f"deployed as {before}, asked for as {after}, and not each of Athena, Spark and DuckDB reads one as the other",
        f"keep {before} and add a column of another name as {after}, or {_AFRESH}",
    )


def _unfilled(name: str, on_change: OnChange) -> BreakingChange:
    return BreakingChange(
        name,
        f"on_change={on_change.value} needs it, and the rows that are there were written without it",
        f"keep on_change as it was, or {_AFRESH}",
    )


def _moved(before: str, after: str) -> BreakingChange:
    return BreakingChange(
        LOCATION,
        f"deployed at {before}, asked for at {after}, where its rows are not, while the ledger has their files as done",
        f"keep the bucket, or {_AFRESH}",
    )
