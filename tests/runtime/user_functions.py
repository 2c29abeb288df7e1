"""What a user's wheel would hold: transforms and checks that the tests name as ``user_functions:...``."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def only_even(table: pa.Table) -> pa.Table:
    return table.filter(pc.equal(pc.bit_wise_and(table["id"], 1), 0))


def twice_and_reversed(table: pa.Table) -> pa.Table:
    return pa.concat_tables([table, table]).take(pa.array(range(2 * table.num_rows - 1, -1, -1)))


def even_ones_twice(table: pa.Table) -> pa.Table:
    return pa.concat_tables([only_even(table), only_even(table)])


def broken(table: pa.Table) -> pa.Table:
    raise KeyError("no such customer")


def short_note(table: pa.Table) -> pa.ChunkedArray:
    return pc.less(pc.utf8_length(table["note"]), 7)
