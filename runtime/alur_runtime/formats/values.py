"""One text into a value of a Glue type, strictly: nothing is guessed, rounded or cut off. Pure."""

from __future__ import annotations

import base64
import binascii
import decimal
import re
from collections.abc import Callable
from typing import Any, Final

import attrs
import pyarrow as pa

from alur_runtime.contracts.options import CsvOptions, FileOptions
from alur_runtime.contracts.spec import decimal_digits
from alur_runtime.formats.faults import bad_value, lost_precision, out_of_range, shown
from alur_runtime.formats.times import Times, read_date, read_timestamp, times_of

INT_BITS: Final = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}

_INT: Final = re.compile(r"([+-]?)(\d+)", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(?:[eE]([+-]?\d+))?", re.ASCII)
_NOT_FINITE: Final = re.compile(r"[+-]?(nan|inf|infinity)", re.ASCII | re.IGNORECASE)
_BLANKS: Final = " \t"
_MOST_INT_DIGITS: Final = 19  # of 64 bits
_MOST_EXPONENT_DIGITS: Final = 9  # of those that Decimal takes in any case


@attrs.frozen
class Reading:
    """How values are written.

    Attributes:
        times: Dates and times.
        true_values: Texts that are true.
        false_values: Texts that are false.
        decimal_comma: Whether numbers are written 1,5 rather than 1.5.
    """

    times: Times = attrs.field(factory=Times)
    true_values: tuple[str, ...] = CsvOptions().true_values
    false_values: tuple[str, ...] = CsvOptions().false_values
    decimal_comma: bool = False


def reading_of(options: FileOptions) -> Reading:
    """How the files that have these options write values."""
    times = times_of(options)
    if not isinstance(options, CsvOptions):
        return Reading(times)
    return Reading(times, options.true_values, options.false_values, options.decimal_comma)


def read_value(text: str, glue_type: str) -> Any:
    """A value as it is written where nothing else is said: ISO 8601, UTC, a decimal point.

    Args:
        text: Of a value that is not missing.
        glue_type: A Glue type without parts, or a decimal.

    Raises:
        RefusedValueError: A ValueError whose text says what is wrong.
    """
    return read_text(text, glue_type, Reading())


def read_text(text: str, glue_type: str, reading: Reading) -> Any:
    """A value of a Glue type: int, float, bool, str, bytes (from base64), Decimal, date, or datetime in UTC.

    Args:
        text: Of a value that is not missing.
        glue_type: A Glue type without parts, or a decimal.
        reading: How it is written.

    Raises:
        RefusedValueError: If it is none, or the type cannot hold it exactly.
    """
    if digits := decimal_digits(glue_type):
        return read_decimal(text, *digits, reading)
    return _READERS[glue_type](text, glue_type, reading)


def read_decimal(text: str, precision: int, scale: int, reading: Reading) -> decimal.Decimal:
    """A decimal, from its digits; zeros past the scale are exact.

    Raises:
        RefusedValueError: If it is none, or has more digits than fit.
    """
    kind = f"decimal({precision},{scale})"
    bare, match = _number(text, kind, reading)
    if len((match[2] or "").lstrip("+-0")) > _MOST_EXPONENT_DIGITS:
        # Beyond what Decimal has; with a zero before it any exponent is exact.
        if not match[1].strip("0."):
            return decimal.Decimal(0).scaleb(-scale)
        bare = f"{match[1]}e{'-' if match[2][0] == '-' else ''}{'9' * _MOST_EXPONENT_DIGITS}"
    value = decimal.Decimal(bare)
    if not value:
        return decimal.Decimal(0).scaleb(-scale)
    if value.adjusted() >= precision - scale:
        raise out_of_range(
            f"{shown(text)} is out of range of {kind}: it has {precision - scale} digits before the point"
        )
    sign, digits, exponent = value.as_tuple()
    surplus = -scale - int(exponent)
    if surplus > 0:
        if any(digits[-surplus:]):
            raise lost_precision(f"{shown(text)} has digits that {kind} has not: it has {scale} after the point")
        digits, exponent = digits[:-surplus], -scale
    exact = decimal.Decimal((sign, digits, int(exponent)))
    return exact.quantize(decimal.Decimal(1).scaleb(-scale), context=decimal.Context(prec=precision))


def _number(text: str, kind: str, reading: Reading) -> tuple[str, re.Match[str]]:
    """A number's text with a decimal point, and its mantissa and exponent."""
    bare = text.strip(_BLANKS)
    if reading.decimal_comma:
        bare = "" if "." in bare else bare.replace(",", ".")
    match = _NUMBER.fullmatch(bare)
    if not match:
        form = "digits with a decimal comma" if reading.decimal_comma else "digits with a decimal point"
        raise bad_value(f"{shown(text)} is no {kind}: write {form}, without separators between them")
    return bare, match


def _read_int(text: str, kind: str, _: Reading) -> int:
    match = _INT.fullmatch(text.strip(_BLANKS))
    if not match:
        raise bad_value(f"{shown(text)} is no {kind}: write digits only")
    digits = match[2].lstrip("0") or "0"
    limit = 1 << INT_BITS[kind] - 1
    if len(digits) <= _MOST_INT_DIGITS:  # int() takes very long, or refuses, for very many
        value = -int(digits) if match[1] == "-" else int(digits)
        if -limit <= value < limit:
            return value
    raise out_of_range(f"{shown(text)} is out of range of {kind}: {-limit:,} to {limit - 1:,}")


def _read_float(text: str, kind: str, reading: Reading) -> float:
    if _NOT_FINITE.fullmatch(text.strip(_BLANKS)):
        return float(text)
    bare, match = _number(text, kind, reading)
    # A float is not a double cut short: the nearest one is found from the text, as Arrow does.
    value: float = float(bare) if kind == "double" else pa.array([bare]).cast(pa.float32())[0].as_py()
    if value in (float("inf"), float("-inf")) or (not value and match[1].strip("0.")):
        raise out_of_range(f"{shown(text)} is out of range of {kind}")
    return value


def _read_boolean(text: str, _: str, reading: Reading) -> bool:
    if text in reading.true_values:
        return True
    if text in reading.false_values:
        return False
    known = ", ".join((*reading.true_values, *reading.false_values))
    raise bad_value(f"{shown(text)} is no boolean: known are {known}")


def _read_binary(text: str, _kind: str, _: Reading) -> bytes:
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise bad_value(f"{shown(text)} is no binary: write base64") from error
    if base64.b64encode(value).decode() != text:
        raise bad_value(f"{shown(text)} is no binary: its base64 holds bits that are no part of it")
    return value


_READERS: Final[dict[str, Callable[[str, str, Reading], Any]]] = {
    **dict.fromkeys(INT_BITS, _read_int),
    "float": _read_float,
    "double": _read_float,
    "boolean": _read_boolean,
    "string": lambda text, _kind, _reading: text,
    "binary": _read_binary,
    "date": lambda text, _kind, reading: read_date(text, reading.times),
    "timestamp": lambda text, _kind, reading: read_timestamp(text, reading.times),
}
