"""Lines of JSON into rows one by one: the strict reading, taken where Arrow's parser refuses a block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import attrs
import pyarrow as pa

from alur_runtime.contracts.options import JsonLinesOptions
from alur_runtime.contracts.spec import ContractSpec, Extras
from alur_runtime.formats.binding import fold
from alur_runtime.formats.json_text import MOST_DEPTH, JsonError, decode_object, encode, is_too_deep, leftovers
from alur_runtime.formats.jsonl_columns import ColumnReader
from alur_runtime.formats.jsonl_values import FaultError, Keys
from alur_runtime.formats.nested import Fault
from alur_runtime.formats.values import reading_of
from alur_runtime.reasons import Reason
from alur_runtime.rows import BadRow
from alur_runtime.table.schema import rows_schema

BLANKS: Final = b" \t\r"
"""What a line that counts for nothing may hold."""

_NOTHING: Final[dict[str, Any]] = {}


_BROKEN: Final = Fault(Reason.BAD_ENCODING, "holds bytes that are no text in the encoding of its source")


@attrs.define
class Line:
    """A line that is not blank, and what was made of it.

    Attributes:
        raw: Its bytes.
        number: Of the line, from 1.
        row: Of the record, from 1.
        record: The object that it is.
        bound: The same by keys as they are compared.
        left: What it has beside the columns, as JSON.
        fault: Why it makes no row.
        column: That the fault is in.
        broken: Whether it holds bytes that are no text.
    """

    raw: bytes
    number: int
    row: int
    record: dict[str, Any] = _NOTHING
    bound: dict[str, Any] = _NOTHING
    left: str | None = None
    fault: Fault | None = None
    column: str | None = None
    broken: bool = False

    def refuse(self, fault: Fault, column: str | None = None) -> None:
        """Make it a bad record, unless it is one already."""
        if self.fault is None:
            self.fault, self.column = fault, column


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
        self._schema = rows_schema(contract)
        self._columns = [
            ColumnReader(column, field.type, reading, self._keys)
            for column, field in zip(contract.columns, self._schema, strict=False)
        ]

    def read(self, data: bytes, row: int, line: int) -> tuple[pa.Table, list[BadRow]]:
        """The rows of some lines, and those that do not fit.

        Args:
            data: Whole lines.
            row: Number of their first record.
            line: Number of the first line.
        """
        found = [(number, raw) for number, raw in enumerate(data.split(b"\n"), start=line) if raw.strip(BLANKS)]
        lines = [Line(raw, number, row + index) for index, (number, raw) in enumerate(found)]
        for each in lines:
            self._decode(each)
        objects = [each for each in lines if each.fault is None]
        arrays = []
        for column in self._columns:
            checked = column.read([each.bound.get(column.key) for each in objects])
            arrays.append(checked.values)
            for index, fault in checked.faults.items():
                objects[index].refuse(fault, column.column.name)
        for each in objects:
            self._finish(each)
        if self._contract.extras is Extras.RESCUE:
            arrays.append(pa.array([each.left for each in objects], pa.string()))
        arrays.append(pa.array([each.row for each in objects], pa.int64()))
        table = pa.Table.from_arrays(arrays, schema=self._schema)
        bad = [self._bad_row(each, each.fault) for each in lines if each.fault is not None]
        if bad:
            table = table.filter(pa.array([each.fault is None for each in objects], pa.bool_()))
        return table, bad

    def _decode(self, line: Line) -> None:
        """Make an object of a line, or refuse it."""
        if is_too_deep(line.raw):
            line.refuse(Fault(Reason.BAD_RECORD, f"is nested more than {MOST_DEPTH} levels deep"))
            return
        try:
            text = line.raw.decode()
        except UnicodeDecodeError:
            line.broken = True
            # Bytes that are no text become halves of characters: a column with such a value is found and named.
            text = line.raw.decode("utf-8", "surrogateescape")
        try:
            line.record = decode_object(text)
            line.bound = self._keys.bind(line.record)
        except JsonError as error:
            line.refuse(_BROKEN if line.broken else Fault(Reason.BAD_RECORD, str(error)))
        except FaultError as error:
            line.refuse(error.fault)

    def _finish(self, line: Line) -> None:
        """Look at what no column is made of."""
        if line.broken:
            if line.fault is None:
                line.refuse(_BROKEN)
            elif line.fault.reason is Reason.BAD_ENCODING:
                line.fault = attrs.evolve(line.fault, problem=_BROKEN.problem)
        if line.fault is None and self._contract.extras is not Extras.IGNORE:
            try:
                line.left = self._left(line.record)
            except FaultError as error:
                line.refuse(error.fault)

    def _bad_row(self, line: Line, fault: Fault) -> BadRow:
        return BadRow(
            row=line.row,
            line=line.number,
            column=None if line.column is None else line.column + fault.path,
            value=None if fault.value is None else self._shown(fault.value),
            reason=fault.reason,
            problem=fault.problem,
            record=self._show(line.raw.strip(BLANKS)),
        )

    def _left(self, record: dict[str, Any]) -> str | None:
        """What the record has beside the columns, as JSON."""
        left: dict[str, Any] = {}
        for path, value in leftovers(record, self._contract.columns, self._fold):
            if self._contract.extras is Extras.REJECT:
                problem = (
                    f"has the key {path!r} beside the columns of contract {self._contract.name}, which rejects extras"
                )
                raise FaultError(Fault(Reason.BAD_RECORD, problem))
            if path in left:
                raise FaultError(Fault(Reason.BAD_RECORD, f"has two keys beside the columns that are {path!r}"))
            left[path] = value
        if not left:
            return None
        text = encode(left)
        try:
            text.encode()
        except UnicodeEncodeError:
            raise FaultError(Fault(Reason.BAD_ENCODING, "has text beside the columns that is none")) from None
        return text

    def _shown(self, value: str) -> str:
        """A value for people: where it is no text, its bytes or the halves of its characters."""
        try:
            return self._show(value.encode("utf-8", "surrogateescape"))
        except UnicodeEncodeError:
            return self._show(value.encode("utf-8", "backslashreplace"))
