"""Arrow values of one type into a contract's, never at a loss: whole arrays at once, faults one by one. Pure."""

from __future__ import annotations

import decimal
from collections.abc import Callable
from typing import Final

import attrs
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from alur_runtime.contracts.spec import Column
from alur_runtime.formats.arrow_times import Calendar, cast_date, cast_timestamp
from alur_runtime.formats.nested import Cast, Checked
from alur_runtime.formats.sift import Test, sift
from alur_runtime.reasons import Reason
from alur_runtime.table.schema import arrow_type

NO_TEXT: Final = "is no text: it is no UTF-8"
_ANY_INT: Final = pa.decimal128(20, 0)  # of 64 bits, with a sign or without
_ROOMY_DIGITS: Final = 76
_PRECISION: Final = {"float": 24, "double": 53}
"""Bits of a whole number that the type holds in any case."""


def plan_cast(source: pa.DataType, column: Column, calendar: Calendar) -> Cast | None:
    """What casts values of an Arrow type into a column without parts; None if nothing ever can.

    Args:
        source: As the file has it.
        column: As the contract has it.
        calendar: How the file means dates and times.
    """
    stored = _stored(source)
    cast = _plan(stored, column, calendar)
    if cast is None or stored == source:
        return cast
    return lambda values: cast(_decoded(values, stored))


def _stored(source: pa.DataType) -> pa.DataType:
    """The plain type beneath dictionaries, extensions and the several kinds of text and bytes."""
    if isinstance(source, pa.BaseExtensionType):
        return _stored(source.storage_type)
    if pt.is_dictionary(source):
        return _stored(source.value_type)
    if pt.is_string(source) or pt.is_large_string(source) or source == pa.string_view():
        return pa.string()
    if pt.is_fixed_size_binary(source):
        return pa.binary(source.byte_width)
    if pt.is_large_binary(source) or source == pa.binary_view():
        return pa.binary()
    return pa.float32() if pt.is_float16(source) else source


def _decoded(values: pa.Array, stored: pa.DataType) -> pa.Array:
    if isinstance(values, pa.ExtensionArray):
        return _decoded(values.storage, stored)
    if pt.is_dictionary(values.type):
        return _decoded(values.dictionary_decode(), stored)
    # Whether it is text is not known yet: as bytes it can be looked at.
    return values.cast(pa.binary() if stored == pa.string() else stored)


def _plan(source: pa.DataType, column: Column, calendar: Calendar) -> Cast | None:
    target = arrow_type(column)
    kind = column.type
    if pt.is_null(source):
        return lambda values: Checked(pa.nulls(len(values), target))
    if pt.is_decimal(target):
        return _to_decimal(source, target, kind)
    if pt.is_integer(target):
        return _to_int(source, target, kind)
    if pt.is_floating(target):
        return _to_float(source, target, kind)
    if kind == "date":
        return (lambda values: cast_date(values, calendar)) if pt.is_date(source) else None
    if kind == "timestamp":
        known = pt.is_timestamp(source) or pt.is_date(source)
        return (lambda values: cast_timestamp(values, calendar)) if known else None
    if kind == "string":
        # Bytes too: many writers do not say that theirs are text. A fixed number of them is a UUID or a digest.
        return _to_text if source in (pa.string(), pa.binary()) else None
    if kind == "binary" and pt.is_fixed_size_binary(source):
        return lambda values: Checked(values.cast(target))
    return Checked if source == target else None


def _to_text(values: pa.Array) -> Checked:
    return sift(values.cast(pa.binary()), [Test(_is_text, Reason.BAD_ENCODING, NO_TEXT)], lambda v: v.cast(pa.string()))


def _is_text(values: pa.Array) -> pa.Array:
    try:
        values.cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([v is None or _decodes(v) for v in values.to_pylist()])
    return pa.repeat(pa.scalar(True), len(values))


def _to_int(source: pa.DataType, target: pa.DataType, kind: str) -> Cast | None:
    least, most = _bounds(target)
    outside = f"is out of range of {kind}: {least:,} to {most:,}"
    if pt.is_integer(source):
        tests = _within(source, _bounds(source), (least, most), outside)
    elif pt.is_decimal(source):
        limit = 10 ** (source.precision - source.scale)
        ranges = _within(source, (1 - limit, limit - 1), (least, most), outside)
        tests = [*(_of_whole_part(test) for test in ranges), _whole(kind)]
    elif pt.is_floating(source):
        # The bounds as floats are exact: a power of two each.
        low, high = pa.scalar(float(least), source), pa.scalar(float(most + 1), source)
        tests = [
            Test(pc.is_finite, Reason.BAD_VALUE, f"is no {kind}"),
            _of_whole_part(
                Test(lambda v: pc.and_(pc.greater_equal(v, low), pc.less(v, high)), Reason.OUT_OF_RANGE, outside)
            ),
            _whole(kind),
        ]
    else:
        return None
    return lambda values: sift(values, tests, lambda kept: kept.cast(target))


def _to_decimal(source: pa.DataType, target: pa.DataType, kind: str) -> Cast | None:
    before, scale = target.precision - target.scale, target.scale
    outside = f"is out of range of {kind}: it has {before} digits before the point"
    limit = 10**before
    if pt.is_integer(source):
        tests = _within(source, _bounds(source), (1 - limit, limit - 1), outside)
        # Arrow wants room for all that the type of integers may hold on the way.
        return lambda values: sift(values, tests, lambda kept: kept.cast(_ANY_INT).cast(target))
    if not pt.is_decimal(source):
        return None
    most = 10 ** (source.precision - source.scale)
    tests = []
    if most > limit:
        low, high = (pa.scalar(decimal.Decimal(n), source) for n in (-limit, limit))
        tests.append(Test(lambda v: pc.and_(pc.greater(v, low), pc.less(v, high)), Reason.OUT_OF_RANGE, outside))
    if source.scale > scale:
        problem = f"has digits that {kind} has not: it has {scale} after the point"
        tests.append(Test(_ends_by(scale), Reason.LOST_PRECISION, problem))
    return lambda values: sift(values, tests, lambda kept: kept.cast(target))


def _to_float(source: pa.DataType, target: pa.DataType, kind: str) -> Cast | None:
    if pt.is_integer(source):
        least, most = _bounds(source)
        exact = max(-least, most).bit_length() <= _PRECISION[kind]
        problem = f"has more digits than a {kind} holds"
        tests = [] if exact else [Test(_survives(target), Reason.LOST_PRECISION, problem)]
    elif pt.is_floating(source):
        narrower = source.bit_width > target.bit_width
        tests = _narrowing(target, kind) if narrower else []
    else:
        return None
    return lambda values: sift(values, tests, lambda kept: kept.cast(target, safe=False))


def _narrowing(target: pa.DataType, kind: str) -> list[Test]:
    def in_range(values: pa.Array) -> pa.Array:
        narrow = values.cast(target, safe=False)
        lost = pc.or_(pc.is_inf(narrow), pc.equal(narrow, pa.scalar(0.0, target)))
        return pc.or_(pc.invert(lost), pc.equal(narrow.cast(values.type), values))

    def exact(values: pa.Array) -> pa.Array:
        return pc.or_(pc.is_nan(values), pc.equal(values.cast(target, safe=False).cast(values.type), values))

    return [
        Test(in_range, Reason.OUT_OF_RANGE, f"is out of range of {kind}"),
        Test(exact, Reason.LOST_PRECISION, f"has more digits than a {kind} holds"),
    ]


def _survives(target: pa.DataType) -> Callable[[pa.Array], pa.Array]:
    """A test of whole numbers: the float that is made of one is that number."""

    def passes(values: pa.Array) -> pa.Array:
        floats = values.cast(target, safe=False).cast(pa.float64())
        # Rounded up to the number after the last one, it cannot be cast back.
        fits = pc.less(floats, pa.scalar(float(_bounds(values.type)[1] + 1)))
        back = pc.if_else(fits, floats, pa.scalar(0.0)).cast(values.type, safe=False)
        return pc.and_(fits, pc.equal(back, values))

    return passes


def _bounds(kind: pa.DataType) -> tuple[int, int]:
    """The least and the most that a type of integers holds."""
    if pt.is_unsigned_integer(kind):
        return 0, 2**kind.bit_width - 1
    return -(2 ** (kind.bit_width - 1)), 2 ** (kind.bit_width - 1) - 1


def _within(source: pa.DataType, held: tuple[int, int], allowed: tuple[int, int], problem: str) -> list[Test]:
    """A test that exact numbers are allowed ones, unless all that the type holds are."""
    if allowed[0] <= held[0] and held[1] <= allowed[1]:
        return []
    # Bounds beyond what the source holds cannot be written in its type.
    wrap = decimal.Decimal if pt.is_decimal(source) else int
    least, most = max(held[0], allowed[0]), min(held[1], allowed[1])
    low, high = pa.scalar(wrap(least), source), pa.scalar(wrap(most), source)
    return [Test(lambda v: pc.and_(pc.greater_equal(v, low), pc.less_equal(v, high)), Reason.OUT_OF_RANGE, problem)]


def _whole(kind: str) -> Test:
    return Test(
        lambda values: pc.equal(_cut(values, 0), values),
        Reason.LOST_PRECISION,
        f"has digits after the point, which a {kind} has not",
    )


def _of_whole_part(test: Test) -> Test:
    return attrs.evolve(test, passes=lambda values: test.passes(_cut(values, 0)))


def _ends_by(scale: int) -> Callable[[pa.Array], pa.Array]:
    """A test of decimals: nothing but zeros follows so many digits after the point."""
    return lambda values: pc.equal(_cut(values, scale), values)


def _cut(values: pa.Array, scale: int) -> pa.Array:
    """Numbers without what follows so many digits after the point."""
    kind = values.type
    if pt.is_decimal(kind) and kind.precision == kind.scale:  # Arrow wants a digit before the point to cut there
        values = values.cast(pa.decimal256(_ROOMY_DIGITS, kind.scale))
    return pc.round(values, ndigits=scale, round_mode="towards_zero")


def _decodes(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
