"""CSV read one character and one value at a time: slow, simple, and of no code of the runtime's reader.

What it says of a file is what `alur_runtime.formats` must say.
"""

from __future__ import annotations

import base64
import datetime as dt
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import attrs

from alur_runtime.contracts.options import AmbiguousTimes, CsvOptions
from alur_runtime.contracts.spec import Column, ContractSpec, Extras

LINE_ENDS = "\r\n"


class WholeFileError(Exception):
    """The file cannot be taken."""


class BadError(Exception):
    """A value that does not fit."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@attrs.frozen
class Field:
    """A field: what it says, how it stands in the file, and whether it is quoted."""

    text: str
    raw: str
    quoted: bool


@attrs.frozen
class Record:
    """A record: its line, how it stands in the file, its fields, or that it cannot be read."""

    line: int
    raw: str
    fields: list[Field]
    bad: bool = False


@attrs.frozen
class Outcome:
    """What becomes of a file's records: rows by number, and reason and column by number."""

    rows: dict[int, dict[str, Any]]
    bad: dict[int, tuple[str, str | None]]
    lines: dict[int, int]


class Scanner:
    """Records of a text, character by character."""

    def __init__(self, text: str, options: CsvOptions) -> None:
        self.text, self.options, self.at, self.line = text, options, 0, 1

    def skip_line(self) -> None:
        self._to_line_end()
        self._past_line_end()

    def records(self) -> Iterator[Record]:
        while self.at < len(self.text):
            if self._here() in LINE_ENDS:
                self._past_line_end()
            elif self.options.comment and self.text.startswith(self.options.comment, self.at):
                self._to_line_end()
            else:
                yield self._record()

    def _record(self) -> Record:
        start, line = self.at, self.line
        end = len(self.text)
        if not self.options.multiline:
            end = next((i for i in range(start, end) if self.text[i] in LINE_ENDS), end)
        fields: list[Field] = []
        while True:
            field = self._field(end)
            if field is None:
                if self.options.multiline:
                    raise WholeFileError
                self.at = end
                return Record(line, self.text[start:end], [], bad=True)
            fields.append(field)
            if self.at < end and self._here() == self.options.separator:
                self.at += 1
                continue
            inner = self.text[start : self.at]
            self.line += len(re.findall(r"\r\n|\r|\n", inner))
            return Record(line, inner, fields)

    def _field(self, end: int) -> Field | None:
        start = self.at
        quote, escape = self.options.quote, self.options.escape
        if not (quote and self.at < end and self._here() == quote):
            text = ""
            while self.at < end and self._here() not in self.options.separator + LINE_ENDS:
                step = self._escaped(end) if escape and self._here() == escape else self._here()
                if step is None:
                    return None
                text += step
                self.at += len(step) + (1 if self._here() == escape and escape else 0)
            return Field(text, self.text[start : self.at], quoted=False)
        self.at += 1
        text = ""
        while self.at < end:
            if escape and self._here() == escape:
                step = self._escaped(end)
                if step is None:
                    return None
                text += step
                self.at += 1 + len(step)
            elif self._here() != quote:
                text += self._here()
                self.at += 1
            elif self.at + 1 < end and self.text[self.at + 1] == quote:
                text += quote
                self.at += 2
            else:
                self.at += 1
                if self.at < end and self._here() not in self.options.separator + LINE_ENDS:
                    return None
                return Field(text, self.text[start : self.at], quoted=True)
        return None

    def _escaped(self, end: int) -> str | None:
        rest = self.text[self.at + 1 : end]
        return rest[:2] if rest[:2] == "\r\n" else rest[:1] or None

    def _here(self) -> str:
        return self.text[self.at]

    def _to_line_end(self) -> None:
        while self.at < len(self.text) and self._here() not in LINE_ENDS:
            self.at += 1

    def _past_line_end(self) -> None:
        if self.at < len(self.text):
            self.at += 2 if self.text.startswith("\r\n", self.at) else 1
            self.line += 1


def read_strictly(body: bytes, contract: ContractSpec, options: CsvOptions) -> Outcome:
    """Read a file that is not compressed.

    Raises:
        WholeFileError: If it cannot be taken.
    """
    text = body.decode(options.encoding, "surrogateescape").removeprefix("\ufeff")
    scanner = Scanner(text, options)
    for _ in range(options.skip_rows):
        scanner.skip_line()
    records = scanner.records()
    outcome = Outcome({}, {}, {})
    names = list(options.columns)
    if not names:
        header = next(records, None)
        if header is None:
            return outcome
        names = [field.text for field in header.fields]
        if header.bad or any(is_broken(name) for name in names):
            raise WholeFileError
    if len(set(names)) < len(names) or any(c.name not in names and not c.nullable for c in contract.columns):
        raise WholeFileError
    for row, record in enumerate(records, start=1):
        outcome.lines[row] = record.line
        try:
            outcome.rows[row] = read_row(record, names, contract, options)
        except RowError as error:
            outcome.bad[row] = (error.reason, error.column)
    return outcome


class RowError(Exception):
    def __init__(self, reason: str, column: str | None) -> None:
        super().__init__(reason, column)
        self.reason, self.column = reason, column


def is_broken(text: str) -> bool:
    return any("\ud800" <= c <= "\udfff" for c in text)


def read_row(record: Record, names: list[str], contract: ContractSpec, options: CsvOptions) -> dict[str, Any]:
    by_name = dict(zip(names, record.fields, strict=False))
    right = len(record.fields) == len(names) and not record.bad
    for column in contract.columns if right else ():
        if column.name in by_name and is_broken(by_name[column.name].text):
            raise RowError("bad_encoding", column.name)
    if is_broken(record.raw):
        raise RowError("bad_encoding", None)
    if record.bad:
        raise RowError("bad_record", None)
    if not right:
        raise RowError("field_count", None)
    row: dict[str, Any] = {}
    for column in contract.columns:
        field = by_name.get(column.name)
        text = None if field is None else text_of(field, options)
        if text is None:
            if not column.nullable:
                raise RowError("null_value", column.name)
            row[column.name] = None
            continue
        try:
            row[column.name] = read_one(text, column, options)
        except BadError as error:
            raise RowError(error.reason, column.name) from error
    if contract.extras is Extras.RESCUE:
        known = {c.name for c in contract.columns}
        extras = {name: text_of(field, options) for name, field in by_name.items() if name not in known}
        row["_rescued"] = extras or None
    return row


def text_of(field: Field, options: CsvOptions) -> str | None:
    if field.quoted:
        return None if options.quoted_nulls and field.text in options.null_values else field.text
    return None if field.raw in options.null_values else field.text


def read_one(text: str, column: Column, options: CsvOptions) -> Any:
    for pattern, read in READERS:
        if re.fullmatch(pattern, column.type):
            return read(text, column.type, options)
    raise AssertionError(column.type)


def number_of(text: str, options: CsvOptions) -> tuple[str, str, str, int]:
    """Sign, digits before the point and after it, and the exponent."""
    bare = text.strip(" \t")
    if options.decimal_comma:
        if "." in bare:
            raise BadError("bad_value")
        bare = bare.replace(",", ".")
    found = re.fullmatch(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?", bare)
    if not found or not (found[2] or found[3]):
        raise BadError("bad_value")
    return found[1], found[2], found[3] or "", int(found[4] or 0)


def read_int(text: str, kind: str, _: CsvOptions) -> int:
    if not re.fullmatch(r"[ \t]*[+-]?[0-9]+[ \t]*", text):
        raise BadError("bad_value")
    value = int(text)
    bits = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}[kind]
    if not -(2 ** (bits - 1)) <= value <= 2 ** (bits - 1) - 1:
        raise BadError("out_of_range")
    return value


def read_double(text: str, _: str, options: CsvOptions) -> float:
    if re.fullmatch(r"[ \t]*[+-]?(nan|inf|infinity)[ \t]*", text, re.IGNORECASE | re.ASCII):
        return float(text)
    sign, whole, fraction, exponent = number_of(text, options)
    value = float(f"{sign}{whole or 0}.{fraction or 0}e{exponent}")
    if abs(value) == float("inf") or (value == 0 and int((whole + fraction) or 0)):
        raise BadError("out_of_range")
    return value


def read_decimal(text: str, kind: str, options: CsvOptions) -> Decimal:
    precision, scale = (int(n) for n in re.findall(r"[0-9]+", kind))
    sign, whole, fraction, exponent = number_of(text, options)
    value = Fraction(int(whole + fraction)) * Fraction(10) ** (exponent - len(fraction))
    if value >= 10 ** (precision - scale):
        raise BadError("out_of_range")
    scaled = value * 10**scale
    if scaled.denominator != 1:
        raise BadError("lost_precision")
    digits = tuple(int(d) for d in str(scaled.numerator))
    return Decimal((int(sign == "-" and scaled != 0), digits, -scale))


def read_boolean(text: str, _: str, options: CsvOptions) -> bool:
    if text not in (*options.true_values, *options.false_values):
        raise BadError("bad_value")
    return text in options.true_values


def read_day(text: str, _: str, __: CsvOptions) -> dt.date:
    bare = text.strip(" \t")
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", bare):
        raise BadError("bad_value")
    if bare.startswith("0000"):
        raise BadError("out_of_range")
    return checked(lambda: dt.date.fromisoformat(bare))


def read_instant(text: str, _: str, options: CsvOptions) -> dt.datetime:
    found = re.fullmatch(
        r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2})(?::([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?)?(.*))?", text
    )
    if not found:
        raise BadError("bad_value")
    day, hour, minute, second, fraction, zone = (group or "" for group in found.groups())
    offset = re.fullmatch(r"|Z|([+-])([0-9]{2}):?([0-5][0-9])?", zone)
    if not offset or zone.endswith(":"):
        raise BadError("bad_value")
    if day.startswith("0000"):
        raise BadError("out_of_range")
    clock = f"{hour or '00'}:{minute or '00'}:{second or '00'}"
    local = checked(lambda: dt.datetime.strptime(f"{day} {clock}", "%Y-%m-%d %H:%M:%S"))  # noqa: DTZ007
    if fraction[6:].strip("0"):
        raise BadError("lost_precision")
    local += dt.timedelta(microseconds=int(fraction[:6].ljust(6, "0")))
    if zone:
        shift = dt.timedelta(hours=int(offset[2] or 0), minutes=int(offset[3] or 0))
        if shift >= dt.timedelta(days=1):
            raise BadError("bad_value")
        return in_years(local, -shift if offset[1] == "-" else shift)
    return in_zone(local, options)


def in_zone(local: dt.datetime, options: CsvOptions) -> dt.datetime:
    """The instants of UTC that the zone's clocks show as this: there should be one."""
    zone = ZoneInfo(options.timezone)
    offsets = {local.replace(tzinfo=zone, fold=fold).utcoffset() or dt.timedelta() for fold in (0, 1)}
    found = []
    for offset in sorted(offsets):
        instant = in_years(local, offset)
        if instant.astimezone(zone).replace(tzinfo=None) == local:
            found.append(instant)
    found.sort()
    if not found or (len(found) > 1 and options.ambiguous_times is AmbiguousTimes.REFUSE):
        raise BadError("bad_value")
    return found[-1] if options.ambiguous_times is AmbiguousTimes.LATER else found[0]


def in_years(local: dt.datetime, offset: dt.timedelta) -> dt.datetime:
    try:
        return (local - offset).replace(tzinfo=dt.UTC)
    except OverflowError as error:
        raise BadError("out_of_range") from error


def checked(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except ValueError as error:
        raise BadError("bad_value") from error


def read_bytes(text: str, _: str, __: CsvOptions) -> bytes:
    if not re.fullmatch(r"[A-Za-z0-9+/]*={0,2}", text):
        raise BadError("bad_value")
    value: bytes = checked(lambda: base64.b64decode(text, validate=True))
    if base64.b64encode(value) != text.encode():
        raise BadError("bad_value")
    return value


READERS: tuple[tuple[str, Callable[[str, str, CsvOptions], Any]], ...] = (
    ("tinyint|smallint|int|bigint", read_int),
    ("double", read_double),
    (r"decimal\(.*\)", read_decimal),
    ("boolean", read_boolean),
    ("date", read_day),
    ("timestamp", read_instant),
    ("binary", read_bytes),
    ("string", lambda text, _, __: text),
)
