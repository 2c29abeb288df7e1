"""Whole columns of texts into typed ones: Arrow casts what is surely right, the strict reader decides on the rest.

What is cast in bulk must be what `values.read_text` reads, value for value; tests compare the two.
"""

from __future__ import annotations

import decimal
import functools
import re
from collections.abc import Callable
from typing import Any, Final

import attrs
import pyarrow as pa
import pyarrow.compute as pc

from alur_runtime.contracts.spec import Column, decimal_digits
from alur_runtime.formats.faults import RefusedValueError
from alur_runtime.formats.times import from_local
from alur_runtime.formats.values import INT_BITS, Reading, read_text
from alur_runtime.table.schema import TIMESTAMP, arrow_type

ZONED: Final = r"[T ]\d\d.*(?:Z|[+-]\d\d(?::?\d\d)?)$"
"""A pattern of timestamps that have an offset, among those that are timestamps."""

_DAYS: Final = (
    r"[1-9]\d{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)"
    r"|02-(?:0[1-9]|1\d|2[0-8]))"
)
_SAFE_DATE: Final = f"^{_DAYS}$"
_HOURS: Final = r"[T ](?:[01]\d|2[0-3])(?::[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?)?"
_SAFE_LOCAL: Final = f"^{_DAYS}(?:{_HOURS})?$"
_SAFE_ZONED: Final = rf"^{_DAYS}{_HOURS}(?:Z|[+-](?:0\d|1\d|2[0-3])(?::?[0-5]\d)?)$"
_SAFE_FLOAT: Final = r"^-?\d{1,15}(?:\.\d{1,15})?$"
_NOT_ZERO: Final = r"^[^eE]*[1-9]"  # a mantissa that is not zero
_MOST_DIGITS: Final = 38  # of a decimal
_ROOMY_DIGITS: Final = 76  # of 256 bits
_LOCAL: Final = pa.timestamp("us")
_DAYS_OF_YEARS: Final = (-719_162, 2_932_896)  # 0001-01-01 and 9999-12-31, counted from 1970
_MICROSECONDS_OF_YEARS: Final = (
    _DAYS_OF_YEARS[0] * 86_400_000_000,
    (_DAYS_OF_YEARS[1] + 1) * 86_400_000_000 - 1,
)

# Parts of a fixed width: a format of such parts only is rewritten as ISO 8601 in bulk.
_PARTS: Final = {"Y": r"\d{4}", "f": r"\d{6}", **dict.fromkeys("mdHMS", r"\d{2}")}


@attrs.frozen
class Converted:
    """A column that was read.

    Attributes:
        values: Typed; null where the text is missing or at fault.
        faults: Those at fault, by index.
    """

    values: pa.Array
    faults: dict[int, RefusedValueError]


def convert(texts: pa.Array, column: Column, reading: Reading) -> Converted:
    """Read a column of texts.

    Args:
        texts: Strings, null where a value is missing.
        column: Of a type without parts.
        reading: How its values are written.

    Returns:
        The values as the column's Arrow type. Whether null is allowed is not looked at.
    """
    kind = column.type
    wanted = arrow_type(column)
    if kind == "string":
        return Converted(texts, {})
    if kind == "boolean":
        values, safe = _booleans(texts, reading)
    elif kind in INT_BITS:
        values, safe = _bulk(texts, wanted, rf"^-?\d{{1,{len(str(1 << INT_BITS[kind] - 1)) - 1}}}$", _no_hex)
    elif kind in ("float", "double"):
        values, safe = _points(texts, reading, lambda plain: _bulk(plain, wanted, _SAFE_FLOAT, _finite))
    elif digits := decimal_digits(kind):
        values, safe = _points(texts, reading, lambda plain: _decimals(plain, wanted, *digits))
    elif kind == "date":
        if reading.times.date_formats:  # slow to read, and dates come often
            return _each_once(texts, lambda once: _dates(once, reading))
        return _dates(texts, reading)
    elif kind == "timestamp":
        return _timestamps(texts, reading)
    else:  # base64: Arrow has no reader for it
        values, safe = pa.nulls(len(texts), wanted), pa.repeat(pa.scalar(False), len(texts))
    return _with_odd_ones(texts, values, safe, lambda text: read_text(text, kind, reading))


def _each_once(texts: pa.Array, read: Callable[[pa.Array], Converted]) -> Converted:
    """A column read by reading each of its texts once."""
    coded = texts.dictionary_encode()
    once = read(coded.dictionary)
    values = once.values.take(coded.indices)
    if not once.faults:
        return Converted(values, {})
    codes = enumerate(coded.indices.to_pylist())
    return Converted(values, {index: once.faults[code] for index, code in codes if code in once.faults})


def _with_odd_ones(texts: pa.Array, values: pa.Array, safe: pa.Array | None, read: Callable[[str], Any]) -> Converted:
    """The values with those that are not safe read one by one, each text once."""
    if safe is None:
        return Converted(values, {})
    odd = pc.and_(pc.is_valid(texts), pc.invert(pc.fill_null(safe, False)))
    indices = pc.indices_nonzero(odd)
    if not len(indices):
        return Converted(values, {})
    coded = texts.take(indices).dictionary_encode()
    found: list[Any] = []
    faults: dict[int, RefusedValueError] = {}
    for number, text in enumerate(coded.dictionary.to_pylist()):
        try:
            found.append(read(text))
        except RefusedValueError as fault:
            found.append(None)
            faults[number] = fault.kept()
    read_ones = pa.array(found, values.type).take(coded.indices)
    values = pc.replace_with_mask(values, odd, read_ones)
    if not faults:
        return Converted(values, {})
    codes = coded.indices.to_pylist()
    return Converted(
        values, {i: faults[code] for i, code in zip(indices.to_pylist(), codes, strict=True) if code in faults}
    )


def _bulk(
    texts: pa.Array, wanted: pa.DataType, pattern: str, check: Callable[[pa.Array, pa.Array], pa.Array | None]
) -> tuple[pa.Array, pa.Array | None]:
    """Cast all, or else those that a pattern says are safe.

    Args:
        texts: To cast.
        wanted: Their type.
        pattern: Of texts that the cast reads as the strict reader does.
        check: Given the texts and all of them cast, which of them are safe (None: all).

    Returns:
        Values, and which of them are safe (None: all).
    """
    try:
        values = texts.cast(wanted)
    except pa.ArrowInvalid:
        safe = pc.match_substring_regex(texts, pattern)
        return pc.if_else(safe, texts, pa.scalar(None, pa.string())).cast(wanted), safe
    return values, check(texts, values)


def _no_hex(texts: pa.Array, _: pa.Array) -> pa.Array | None:
    """Arrow reads 0x10 as 16."""
    hexadecimal = pc.or_(pc.match_substring(texts, "x"), pc.match_substring(texts, "X"))
    return _none_if_all(pc.invert(hexadecimal))


def _finite(texts: pa.Array, values: pa.Array) -> pa.Array | None:
    """Arrow reads 1e400 as infinite, 1e-400 as zero, and nan(...) as no number."""
    plain = pc.and_(pc.is_finite(values), pc.not_equal(values, pa.scalar(0, values.type)))
    if pc.all(plain).as_py() is not False:
        return None
    zero = pc.and_(pc.equal(values, pa.scalar(0, values.type)), pc.invert(pc.match_substring_regex(texts, _NOT_ZERO)))
    return _none_if_all(pc.or_(plain, zero))


def _decimals(texts: pa.Array, wanted: pa.DataType, precision: int, scale: int) -> tuple[pa.Array, pa.Array | None]:
    whole = precision - scale
    point = rf"(?:\.\d{{1,{scale}}})?" if scale else ""
    pattern = rf"^-?\d{{1,{whole}}}{point}$" if whole else rf"^-?0{point}$"
    parsed = pa.decimal256(_ROOMY_DIGITS, scale)
    limit = pa.scalar(decimal.Decimal(10) ** whole, parsed)

    def check(_: pa.Array, found: pa.Array) -> pa.Array | None:
        fits = pc.and_(pc.less(found, limit), pc.greater(found, pc.negate(limit)))
        # Of longer texts, and by an exponent, Arrow makes wrong numbers without a word: even 256 bits have an end.
        short = pc.less_equal(pc.binary_length(texts), _MOST_DIGITS)
        plain = pc.invert(pc.or_(pc.match_substring(texts, "e"), pc.match_substring(texts, "E")))
        return _none_if_all(pc.and_(fits, pc.and_(short, plain)))

    values, safe = _bulk(texts, parsed, pattern, check)
    return (values if safe is None else pc.if_else(safe, values, pa.scalar(None, parsed))).cast(wanted), safe


def decimal_to_parse(precision: int, scale: int) -> pa.DataType:
    """The type that texts of a decimal are to be parsed as, before it is seen whether they fit.

    Arrow's parsers of CSV and JSON take texts of at most `precision` digits and multiply them by a power of ten,
    without seeing that the product may be too large for 128 bits: 2147483648 would be some decimal(38,38). In 256
    bits there is room.
    """
    return pa.decimal128(precision, scale) if precision + scale <= _MOST_DIGITS else pa.decimal256(_MOST_DIGITS, scale)


def decimals_fit(values: pa.Array, precision: int) -> bool:
    """Whether parsed decimals have no more digits than the precision, which Arrow's parsers do not always see to."""
    found = pc.min_max(values).as_py()
    limit = 10 ** (precision - values.type.scale)
    return found["min"] is None or bool(-limit < found["min"] and found["max"] < limit)


def _in_years(_: pa.Array, values: pa.Array) -> pa.Array | None:
    return None if years_fit(values) else pa.repeat(pa.scalar(False), len(values))


def years_fit(values: pa.Array | pa.ChunkedArray) -> bool:
    """Whether dates or timestamps are of the years 1 to 9999."""
    if pa.types.is_date(values.type):
        plain, (least, most) = values.cast(pa.int32()), _DAYS_OF_YEARS
    else:
        plain, (least, most) = values.cast(pa.int64()), _MICROSECONDS_OF_YEARS
    found = pc.min_max(plain).as_py()
    return found["min"] is None or bool(least <= found["min"] and found["max"] <= most)


def _booleans(texts: pa.Array, reading: Reading) -> tuple[pa.Array, pa.Array | None]:
    true = pc.is_in(texts, pa.array(reading.true_values, pa.string()))
    known = pc.or_(true, pc.is_in(texts, pa.array(reading.false_values, pa.string())))
    return pc.if_else(known, true, pa.scalar(None, pa.bool_())), _none_if_all(pc.or_(known, pc.is_null(texts)))


def _points(
    texts: pa.Array, reading: Reading, read: Callable[[pa.Array], tuple[pa.Array, pa.Array | None]]
) -> tuple[pa.Array, pa.Array | None]:
    """Numbers with a decimal point, of numbers with a decimal comma where they are written so."""
    if not reading.decimal_comma:
        return read(texts)
    pointed = pc.match_substring(texts, ".")
    plain = pc.replace_substring(pc.if_else(pointed, pa.scalar(None, pa.string()), texts), ",", ".")
    values, safe = read(plain)
    if not pc.any(pointed).as_py():
        return values, safe
    return values, pc.invert(pointed) if safe is None else pc.and_not(safe, pointed)


def _dates(texts: pa.Array, reading: Reading) -> Converted:
    iso = _as_iso(texts, reading.times.date_formats)
    values, safe = _bulk(iso, pa.date32(), _SAFE_DATE, _in_years)
    safe = _safe_if_rewritten(safe, iso, reading.times.date_formats)
    return _with_odd_ones(texts, values, safe, lambda text: read_text(text, "date", reading))


def _timestamps(texts: pa.Array, reading: Reading) -> Converted:
    """Timestamps with an offset and without one, each kind in bulk."""
    iso = _as_iso(texts, reading.times.timestamp_formats)
    nothing = pa.scalar(None, pa.string())
    zoned = _with_offsets(iso)
    without = iso if zoned is None else pc.if_else(zoned, nothing, iso)
    locals_, safe = _bulk(without, _LOCAL, _SAFE_LOCAL, _in_years)
    if safe is not None:
        locals_ = pc.if_else(safe, locals_, pa.scalar(None, _LOCAL))
    values, faults = from_local(locals_, reading.times)
    if faults:  # found again by the strict reader, which names the texts as they are written
        at_fault = pc.is_in(row_numbers(0, len(texts)), pa.array(list(faults), pa.int64()))
        safe = pc.invert(at_fault) if safe is None else pc.and_not(safe, at_fault)
    if zoned is not None:
        instants, safe_instants = _bulk(pc.if_else(zoned, iso, nothing), TIMESTAMP, _SAFE_ZONED, _in_years)
        values = pc.if_else(zoned, instants, values)
        if safe is not None or safe_instants is not None:
            all_safe = pa.scalar(value=True)
            kinds = (all_safe if kind is None else kind for kind in (safe_instants, safe))
            safe = pc.if_else(zoned, *kinds)
    safe = _safe_if_rewritten(safe, iso, reading.times.timestamp_formats)
    return _with_odd_ones(texts, values, safe, lambda text: read_text(text, "timestamp", reading))


def _with_offsets(iso: pa.Array) -> pa.Array | None:
    """Which timestamps have an offset; None if none has."""
    try:
        iso.cast(_LOCAL)
    except pa.ArrowInvalid:
        return pc.match_substring_regex(iso, ZONED)
    return None


def _as_iso(texts: pa.Array, formats: tuple[str, ...]) -> pa.Array:
    """Times of another format as ISO 8601 where that is plain; the others are null, for the strict reader."""
    if not formats:
        return texts
    # What several formats read must be compared: the strict reader does.
    rewriting = _rewriting(formats[0]) if len(formats) == 1 else None
    if rewriting is None:
        return pa.nulls(len(texts), pa.string())
    pattern, replacement = rewriting
    plain = pc.if_else(pc.match_substring_regex(texts, pattern), texts, pa.scalar(None, pa.string()))
    return pc.replace_substring_regex(plain, pattern, replacement)


@functools.cache
def _rewriting(form: str) -> tuple[str, str] | None:
    """A pattern of what a format's plain texts are, and how they are ISO 8601; None if it has other parts too."""
    pattern = ""
    found: list[str] = []
    for part, literal in re.findall(r"%(.)|([^%]+)", form):
        if (part and (part not in _PARTS or part in found)) or not literal.isascii():
            return None
        found += part
        pattern += f"({_PARTS[part]})" if part else re.escape(literal)
    where = {part: rf"\{number}" for number, part in enumerate(found, start=1)}
    if not {"Y", "m", "d"} <= where.keys():
        return None
    iso = "{Y}-{m}-{d}".format(**where)
    if where.keys() & {"H", "M", "S", "f"}:
        if "H" not in where:
            return None
        iso += " {H}:{M}:{S}.{f}".format(**{"M": "00", "S": "00", "f": "000000"} | where)
    return f"^{pattern}$", iso


def _safe_if_rewritten(safe: pa.Array | None, iso: pa.Array, formats: tuple[str, ...]) -> pa.Array | None:
    if not formats:
        return safe
    return pc.is_valid(iso) if safe is None else pc.and_(safe, pc.is_valid(iso))


def _none_if_all(safe: pa.Array) -> pa.Array | None:
    return None if pc.all(safe).as_py() is not False else safe


def row_numbers(first: int, count: int) -> pa.Array:
    """So many integers in order."""
    if not count:
        return pa.array([], pa.int64())
    return pc.cumulative_sum(pa.repeat(pa.scalar(1, pa.int64()), count), start=first - 1)
