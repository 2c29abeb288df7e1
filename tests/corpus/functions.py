"""The user's own functions that cases name: transforms and checks."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def keep_even(table: pa.Table) -> pa.Table:
    """Leave the rows with odd ids out."""
    return table.filter(pc.equal(pc.bit_wise_and(table["id"], 1), 0))


def explode(table: pa.Table) -> pa.Table:
    """As many rows of each as its id says, last first."""
    indices = [i for i, n in enumerate(table["id"].to_pylist()) for _ in range(max(n, 0))]
    return table.take(pa.array(indices[::-1], pa.int64()))


def upper(table: pa.Table) -> pa.Table:
    """Names in capitals, columns in another order."""
    names = pc.utf8_upper(table["name"])
    return pa.table({"_source_row": table["_source_row"], "name": names, "id": table["id"]})


def fail_on_three(table: pa.Table) -> pa.Table:
    """Raise an error of its own when the file has an id 3."""
    if 3 in table["id"].to_pylist():
        raise ValueError("three is not what this job was made for")
    return table


def forget_rows(table: pa.Table) -> pa.Table:
    """Select columns, and lose the row numbers."""
    return table.select(["id", "name"])


def forget_name(table: pa.Table) -> pa.Table:
    """Lose a column."""
    return table.drop_columns(["name"])


def null_ids(table: pa.Table) -> pa.Table:
    """A null where the contract has none."""
    return table.set_column(0, "id", pa.nulls(table.num_rows, pa.int64()))


def rows_of_others(table: pa.Table) -> pa.Table:
    """Row numbers that the file does not have."""
    at = table.schema.get_field_index("_source_row")
    return table.set_column(at, "_source_row", pc.add(table["_source_row"], 100))


def texts_for_ids(table: pa.Table) -> pa.Table:
    """A column of another type."""
    return table.set_column(0, "id", pa.array(["x"] * table.num_rows))


def no_table(table: pa.Table) -> dict[str, list[int]]:
    """No Arrow table at all."""
    return {"id": table["id"].to_pylist()}


def few_rows(table: pa.Table) -> bool:
    """A check of the file: three rows at most."""
    return bool(table.num_rows <= 3)


def no_x(table: pa.Table) -> pa.Array:
    """A check of rows: the name is not x."""
    return pc.fill_null(pc.not_equal(table["name"], "x"), True)
