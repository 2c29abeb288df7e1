"""The slow and strict reading of a CSV file, value by value: it finds the first fault. Pure."""

from __future__ import annotations

import csv
import datetime as dt
import decimal
import io
import re
from collections.abc import Callable
from typing import Any, Final

import attrs
import pyarrow as pa

from alur_runtime.contract import Column, decimal_digits
from alur_runtime.options import CsvOptions
from alur_runtime.reasons import Reason
from alur_runtime.schema import TIMESTAMP

_INT: Final = re.compile(r"[+-]?\d+", re.ASCII)
_FLOAT: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}(:?\d{2})?)?", re.ASCII)
_BOOLS: Final = {"true": True, "True": True, "TRUE": True, "1": True} | dict.fromkeys(
    ("false", "False", "FALSE", "0"), False
)
_SHOWN_CHARACTERS: Final = 80
MISSING: Final = "has no value, and the column is not nullable"


@attrs.frozen
class Fault:
    """What is wrong with a row."""

    reason: Reason
    row: int
    column: str | None
    problem: str


def find_fault(text: str, names: list[str], columns: list[Column], options: CsvOptions) -> Fault | None:
    """Read every value by itself until one does not fit.

    An empty string is never a fault here: only the typed parse can tell a quoted one from a missing one.

    Args:
        text: The records, without the header.
        names: The header.
        columns: Those of the contract that the header has.
        options: How the file is written.
    """
    readers = [(names.index(c.name), c, _reader(c.type)) for c in columns]
    records = csv.reader(io.StringIO(text, newline=""), delimiter=options.separator, quotechar=options.quote)
    row = 0
    try:
        for record in filter(None, records):  # without blank lines
            row += 1
            if len(record) != len(names):
                problem = f"has {len(record)} fields where the header has {len(names)}"
                return Fault(Reason.FIELD_COUNT, row, None, problem)
            for position, column, read in readers:
                raw = record[position]
                if not raw and not column.nullable and column.type != "string":
                    return Fault(Reason.NULL_VALUE, row, column.name, MISSING)
                try:
                    if raw:
                        read(raw)
                except (ValueError, ArithmeticError) as error:
                    shown = repr(raw if len(raw) <= _SHOWN_CHARACTERS else raw[:_SHOWN_CHARACTERS] + "...")
                    why = f": {error}" if str(error) else ""
                    return Fault(Reason.BAD_VALUE, row, column.name, f"{shown} is no {column.type}{why}")
    except csv.Error as error:
        return Fault(Reason.UNREADABLE, row + 1, None, f"cannot be read as CSV: {error}")
    return None


def read_timestamps(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Timestamps from text, with or without an offset in each; without one is UTC.

    Raises:
        ValueError: If one is no timestamp.
    """
    read = [None if raw is None else _read_timestamp(raw) for raw in values.to_pylist()]
    return pa.chunked_array([pa.array(read, type=TIMESTAMP)])


def _reader(glue_type: str) -> Callable[[str], Any]:
    digits = decimal_digits(glue_type)
    if digits:
        return lambda raw: _read_decimal(raw.strip(), *digits)
    readers: dict[str, Callable[[str], Any]] = {
        "bigint": _read_int,
        "double": _read_float,
        "boolean": _read_bool,
        "string": str,
        "date": _read_date,
        "timestamp": _read_timestamp,
    }
    return readers[glue_type]


def _read_int(raw: str) -> int:
    raw = raw.strip()
    if not _INT.fullmatch(raw):
        raise ValueError
    value = int(raw)
    if not -(2**63) <= value < 2**63:
        raise ValueError("out of range")
    return value


def _read_float(raw: str) -> float:
    raw = raw.strip()
    if not _FLOAT.fullmatch(raw):
        raise ValueError
    value = float(raw)
    if value in (float("inf"), float("-inf")):
        raise ValueError("out of range")
    return value


def _read_bool(raw: str) -> bool:
    if raw not in _BOOLS:
        raise ValueError(f"known are {', '.join(_BOOLS)}")
    return _BOOLS[raw]


def _read_decimal(raw: str, precision: int, scale: int) -> decimal.Decimal:
    if not _FLOAT.fullmatch(raw):
        raise ValueError
    context = decimal.Context(prec=precision, traps=[decimal.InvalidOperation, decimal.Inexact])
    try:
        return decimal.Decimal(raw).quantize(decimal.Decimal(1).scaleb(-scale), context=context)
    except decimal.Inexact as error:
        raise ValueError(f"more than {scale} digits after the point") from error
    except decimal.InvalidOperation as error:
        raise ValueError(f"more than {precision - scale} digits before the point") from error


def _read_date(raw: str) -> dt.date:
    if not _DATE.fullmatch(raw):
        raise ValueError("write YYYY-MM-DD")
    return dt.date.fromisoformat(raw)


def _read_timestamp(raw: str) -> dt.datetime:
    if not _TIME.fullmatch(raw):
        raise ValueError("write YYYY-MM-DDTHH:MM:SS, with at most six digits after the second")
    value = dt.datetime.fromisoformat(raw)
    return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)
