"""Columns of lists and structs: the values within are converted as whole arrays, and faults find their record. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable

import attrs
import pyarrow as pa
import pyarrow.compute as pc

from alur_runtime.contracts.spec import Column, is_array, is_struct
from alur_runtime.reasons import Reason

MISSING = "has no value, and it is not nullable"


@attrs.frozen
class Fault:
    """What is wrong with a value.

    Attributes:
        reason: Code.
        problem: As a sentence's end: ``'x' is no bigint``.
        value: As it is shown to people, or None if it is missing.
        path: Where it is within its column, such as ``[3].sku`` (lists count from 0); empty for the column itself.
    """

    reason: Reason
    problem: str
    value: str | None = None
    path: str = ""


@attrs.frozen
class Checked:
    """Values of a column's type.

    Attributes:
        values: Null where there is a fault.
        faults: By index, the first of each.
    """

    values: pa.Array
    faults: dict[int, Fault] = attrs.field(factory=dict)


Cast = Callable[[pa.Array], Checked]
"""Makes an array one of a column's type; null stays null."""


def cast_list(values: pa.Array, target: pa.ListType, element: Cast) -> Checked:
    """Lists, whose elements are converted all at once.

    Args:
        values: Lists of any kind.
        target: The type they get.
        element: Converts the elements.
    """
    inner = element(pc.list_flatten(values))
    offsets = _offsets(values)
    lists = pa.ListArray.from_arrays(offsets, inner.values, type=target, mask=values.is_null())
    faults: dict[int, Fault] = {}
    starts = offsets.to_pylist() if inner.faults else []
    for index, fault in inner.faults.items():
        row = bisect_right(starts, index) - 1
        faults.setdefault(row, attrs.evolve(fault, path=f"[{index - starts[row]}]{fault.path}"))
    return Checked(lists, faults)


def cast_struct(values: pa.Array, target: pa.StructType, fields: list[tuple[int | None, Cast]]) -> Checked:
    """Structs, field by field.

    Args:
        values: Structs.
        target: The type they get.
        fields: Of each of its fields the position in `values`, or None where it has none (null), and what converts it.
    """
    arrays: list[pa.Array] = []
    faults: dict[int, Fault] = {}
    for field, (position, convert) in zip(target, fields, strict=True):
        if position is None:
            arrays.append(pa.nulls(len(values), field.type))
            continue
        inner = convert(pc.struct_field(values, [position]))
        arrays.append(inner.values)
        for index, fault in inner.faults.items():
            faults.setdefault(index, attrs.evolve(fault, path=f".{field.name}{fault.path}"))
    return Checked(pa.StructArray.from_arrays(arrays, fields=list(target), mask=values.is_null()), faults)


def find_missing(values: pa.Array, column: Column) -> dict[int, str]:
    """Where something is null that the contract wants.

    Args:
        values: Of the column's type.
        column: Says what may be missing, at any depth.

    Returns:
        By index the path within the column of the first such value; empty for the column's own.
    """
    missing = {}
    if not column.nullable and values.null_count:
        missing = dict.fromkeys(pc.indices_nonzero(values.is_null()).to_pylist(), "")
    if is_array(column):
        (element,) = column.fields
        within = find_missing(pc.list_flatten(values), element)
        missing = in_lists(values, within) | missing
    elif is_struct(column):
        there = pc.indices_nonzero(values.is_valid())
        structs = values.take(there)
        for position, field in enumerate(column.fields):
            for index, path in find_missing(pc.struct_field(structs, [position]), field).items():
                missing.setdefault(there[index].as_py(), f".{field.name}{path}")
    return missing


def in_lists(values: pa.Array, within: dict[int, str]) -> dict[int, str]:
    """Paths within elements as paths within the lists that they are in, the first of each list.

    Args:
        values: Lists of any kind.
        within: By index among all elements.
    """
    found: dict[int, str] = {}
    starts = _offsets(values).to_pylist() if within else []
    for index, path in within.items():
        row = bisect_right(starts, index) - 1
        found.setdefault(row, f"[{index - starts[row]}]{path}")
    return found


def _offsets(values: pa.Array) -> pa.Array:
    """Where each list's elements begin among all, and the end; a missing list has none."""
    ends = pc.cumulative_sum(pc.fill_null(pc.list_value_length(values), 0).cast(pa.int32()))
    return pa.concat_arrays([pa.array([0], pa.int32()), ends])
