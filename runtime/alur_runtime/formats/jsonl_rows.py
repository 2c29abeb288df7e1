"""Lines of JSON into rows one by one: the strict reading, taken where Arrow's parser refuses a block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pyarrow as pa

from alur_runtime.contract import ContractSpec, Extras
from alur_runtime.formats.binding import fold
from alur_runtime.formats.json_text import MOST_DEPTH, JsonError, decode_object, encode, is_too_deep, leftovers
from alur_runtime.formats.jsonl_values import FaultError, Keys, reader_of
from alur_runtime.formats.nested import Fault
from alur_runtime.formats.values import reading_of
from alur_runtime.options import JsonLinesOptions
from alur_runtime.reasons import Reason
from alur_runtime.rows import BadRow
from alur_runtime.schema import rows_schema

BLANKS = b" \t\r"
"""What a line that counts for nothing may hold."""


class RowReader:
    """Reads lines by a contract.

    Args:
        contract: Its columns, and what becomes of other keys.
        options: How the lines are written.
        show: Makes raw bytes of the file readable.
    """

    def __init__(self, contract: ContractSpec, options: JsonLinesOptions, show: Callable[[bytes], str]) -> None:
        self._contract, self._show = contract, show
        self._fold: Callable[[str], str] = lambda key: fold(key, options)
        self._keys = Keys(self._fold if options.ignore_case or options.trim_names else None)
        reading = reading_of(options)
        self._columns = [(self._keys.name(c), c.name, reader_of(c, reading, self._keys)) for c in contract.columns]
        self._schema = rows_schema(contract)

    def read(self, data: bytes, row: int, line: int) -> tuple[pa.Table, list[BadRow]]:
        """The rows of some lines, and those that do not fit.

        Args:
            data: Whole lines.
            row: Number of their first record.
            line: Number of the first line.
        """
        taken: list[list[Any]] = []
        bad: list[BadRow] = []
        for number, raw in enumerate(data.split(b"\n"), start=line):
            if not raw.strip(BLANKS):
                continue
            try:
                taken.append([*self._read_line(raw), row])
            except _LineError as error:
                fault, column = error.fault, error.column
                bad.append(
                    BadRow(
                        row=row,
                        line=number,
                        column=None if column is None else column + fault.path,
                        value=None if fault.value is None else self._shown(fault.value),
                        reason=fault.reason,
                        problem=fault.problem,
                        record=self._show(raw.strip(BLANKS)),
                    )
                )
            row += 1
        columns = zip(*taken, strict=True) if taken else [()] * len(self._schema)
        arrays = [pa.array(list(values), field.type) for values, field in zip(columns, self._schema, strict=True)]
        return pa.Table.from_arrays(arrays, schema=self._schema), bad

    def _read_line(self, raw: bytes) -> list[Any]:
        if is_too_deep(raw):
            raise _LineError(Fault(Reason.BAD_RECORD, f"is nested more than {MOST_DEPTH} levels deep"))
        broken = None
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            broken = Fault(Reason.BAD_ENCODING, "holds bytes that are no text in the encoding of its source")
            # Bytes that are none become halves of characters: a column with such a value is found and named.
            text = raw.decode("utf-8", "surrogateescape")
        try:
            record = decode_object(text)
        except JsonError as error:
            raise _LineError(broken or Fault(Reason.BAD_RECORD, str(error))) from None
        try:
            values = self._read_record(record)
        except _LineError as error:
            if broken is None or error.fault.reason is not Reason.BAD_ENCODING:
                raise
            raise _LineError(attrs.evolve(error.fault, problem=broken.problem), error.column) from None
        if broken is not None:
            raise _LineError(broken)
        return values

    def _read_record(self, record: dict[str, Any]) -> list[Any]:
        values: list[Any] = []
        column = None
        try:
            bound = self._keys.bind(record)
            for key, column, read in self._columns:  # noqa: B007  (the one at fault)
                values.append(read(bound.get(key)))
        except FaultError as error:
            raise _LineError(error.fault, column) from None
        if self._contract.extras is not Extras.IGNORE:
            left = self._left(record)
            if self._contract.extras is Extras.RESCUE:
                values.append(left)
        return values

    def _left(self, record: dict[str, Any]) -> str | None:
        """What the record has beside the columns, as JSON."""
        left: dict[str, Any] = {}
        for path, value in leftovers(record, self._contract.columns, self._fold):
            if self._contract.extras is Extras.REJECT:
                problem = (
                    f"has the key {path!r} beside the columns of contract {self._contract.name}, which rejects extras"
                )
                raise _LineError(Fault(Reason.BAD_RECORD, problem))
            if path in left:
                raise _LineError(Fault(Reason.BAD_RECORD, f"has two keys beside the columns that are {path!r}"))
            left[path] = value
        if not left:
            return None
        text = encode(left)
        try:
            text.encode()
        except UnicodeEncodeError:
            raise _LineError(Fault(Reason.BAD_ENCODING, "has text beside the columns that is none")) from None
        return text

    def _shown(self, value: str) -> str:
        """A value for people: where it is no text, its bytes or the halves of its characters."""
        if value.isascii():
            return value
        try:
            return self._show(value.encode("utf-8", "surrogateescape"))
        except UnicodeEncodeError:
            return value.encode("utf-8", "backslashreplace").decode()


class _LineError(Exception):
    """A line that makes no row, and the column at fault where there is one."""

    def __init__(self, fault: Fault, column: str | None = None) -> None:
        super().__init__(fault, column)
        self.fault, self.column = fault, column
