"""What readers hand on: rows that fit, rows that do not, and how many records there were."""

from __future__ import annotations

import attrs
import pyarrow as pa
import pyarrow.compute as pc

from alur_runtime.config import SOURCE_ROW
from alur_runtime.errors import ParseError
from alur_runtime.reasons import Reason


@attrs.frozen(kw_only=True)
class BadRow:
    """A record that does not fit.

    Attributes:
        row: Number of the record in the file, from 1; header, comments, skipped and blank lines do not count.
        line: Number of the line (of the decompressed text) that it begins on, from 1, or None where there are none.
        column: Name of the column, or None when it is about the whole record.
        value: The raw value, as it stands in the file, or None when it is about the whole record or missing.
        reason: Code.
        problem: What is wrong, as a sentence's end: ``'x' is no bigint``.
        record: The raw record as text, as far as there is one.
    """

    row: int
    reason: Reason
    problem: str
    line: int | None = None
    column: str | None = None
    value: str | None = None
    record: str | None = None


@attrs.frozen
class Chunk:
    """Some records of a file, in order.

    Attributes:
        table: Those that fit: the contract's columns, `_rescued` if it has one, and `_source_row`.
        bad: Those that do not.
        records: How many there were, counted by other means than the parse.
    """

    table: pa.Table
    bad: tuple[BadRow, ...]
    records: int


def without(table: pa.Table, rows: set[int]) -> pa.Table:
    """The table without all that was made of some records, by their numbers."""
    goes = pc.is_in(table[SOURCE_ROW], value_set=pa.array(sorted(rows), pa.int64()))
    return table.filter(pc.invert(goes))


class RefusedFileError(ParseError):
    """A file that cannot be taken, with the reason code it is recorded under."""

    def __init__(
        self, uri: str, reason: Reason, problem: str, *, row: int | None = None, column: str | None = None
    ) -> None:
        super().__init__(uri, problem, row=row, column=column)
        self.reason = reason
