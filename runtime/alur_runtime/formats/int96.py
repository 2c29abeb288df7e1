"""INT96 timestamps, which hold nanoseconds of any year: where reading them as microseconds cuts something off. Pure."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from alur_runtime.formats.nested import in_lists

_NANOSECONDS: int = 1000  # in a microsecond


def find_cut(values: pa.Array, finer: pa.Array) -> dict[int, str]:
    """Where a time lost digits.

    Args:
        values: As read in microseconds, at any depth of lists and structs.
        finer: The same as read in nanoseconds; those out of their range wrapped round.

    Returns:
        By index the path of the first such time.
    """
    if pt.is_timestamp(values.type):
        # The product wraps round as the nanoseconds did.
        product = pc.multiply(values.cast(pa.int64()), _NANOSECONDS)
        cut = pc.not_equal(product, finer.cast(pa.int64())) if finer.type.unit == "ns" != values.type.unit else None
        return {} if cut is None else dict.fromkeys(pc.indices_nonzero(cut).to_pylist(), "")
    if pt.is_list(values.type):
        return in_lists(values, find_cut(pc.list_flatten(values), pc.list_flatten(finer)))
    found: dict[int, str] = {}
    if pt.is_struct(values.type):
        for position, field in enumerate(values.type):
            within = find_cut(pc.struct_field(values, [position]), pc.struct_field(finer, [position]))
            for index, path in within.items():
                found.setdefault(index, f".{field.name}{path}")
    return found
