"""Dates and timestamps: one text at a time, strictly, and times of a zone into UTC, one or a column at a time. Pure."""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import re
import warnings
import zoneinfo
from typing import Final

import attrs
import pyarrow as pa
import pyarrow.compute as pc

from alur_runtime.contracts.options import UTC, AmbiguousTimes, FileOptions, TextOptions
from alur_runtime.errors import ConfigError
from alur_runtime.formats.faults import RefusedValueError, bad_value, lost_precision, out_of_range, shown
from alur_runtime.table.schema import TIMESTAMP

YEARS: Final = "years are 0001 to 9999"

_DATE: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_TIMESTAMP: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[T ](\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?"
    r"(?:(Z)|([+-])(\d\d)(?::?(\d\d))?)?)?",
    re.ASCII,
)
_MICROSECOND_DIGITS: Final = 6
_WIDTHS: Final = {"%Y": 4, "%j": 3, "%f": 6, **dict.fromkeys(("%y", "%m", "%d", "%H", "%I", "%M", "%S"), 2)}
_DAY: Final = dt.timedelta(days=1)
# An offset leads beyond the calendar from within these days of its ends.
_FIRST_DAY: Final = dt.date.min + 2 * _DAY
_LAST_DAY: Final = dt.date.max - 2 * _DAY
_HOURS: Final = tuple(dt.timedelta(hours=h) for h in range(25))
_MICROSECOND: Final = dt.timedelta(microseconds=1)
_SAMPLES: Final = tuple(dt.datetime(*parts, tzinfo=dt.UTC) for parts in ((2024, 11, 23, 22), (1999, 2, 8, 11)))
_DATE_PARTS: Final = ("year", "month", "day")
_HOUR_PARTS: Final = (*_DATE_PARTS, "hour")
_LOCAL: Final = pa.timestamp("us")
_LEAST: Final = pa.scalar(dt.datetime.min, _LOCAL)  # noqa: DTZ901  (a local time)
_MOST: Final = pa.scalar(dt.datetime.max, _LOCAL)  # noqa: DTZ901


@attrs.frozen
class Times:
    """How dates and times are written.

    Attributes:
        zone: That times without an offset are in.
        ambiguous: What a time means that the zone's clocks show twice.
        date_formats: As `strptime` has it; ISO 8601 if none is given.
        timestamp_formats: The same.
    """

    zone: zoneinfo.ZoneInfo = attrs.field(factory=lambda: zoneinfo.ZoneInfo(UTC))
    ambiguous: AmbiguousTimes = AmbiguousTimes.REFUSE
    date_formats: tuple[str, ...] = ()
    timestamp_formats: tuple[str, ...] = ()

    @property
    def utc(self) -> bool:
        """Whether times without an offset are UTC already."""
        return self.zone.key == UTC


def times_of(options: FileOptions) -> Times:
    """How the files that have these options write dates and times."""
    zone = zoneinfo.ZoneInfo(options.timezone)
    if not isinstance(options, TextOptions):
        return Times(zone, options.ambiguous_times)
    return Times(zone, options.ambiguous_times, options.date_formats, options.timestamp_formats)


def check_formats(setting: str, options: TextOptions) -> None:
    """Refuse formats that leave a part of times open: `strptime` would make it up, as the year 1900.

    Args:
        setting: Where the options stand, such as ``sources[0].files``.
        options: To check.

    Raises:
        ConfigError: Naming the option and the format.
    """
    for option, parts in (("date_formats", _DATE_PARTS), ("timestamp_formats", _HOUR_PARTS)):
        for form in getattr(options, option):
            if "%Z" in form:
                problem = "reads the names of zones past: use %z for offsets, or set timezone"
                raise ConfigError(f"{setting}.{option}", f"{form!r} {problem}")
            for sample in _SAMPLES:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", DeprecationWarning)  # that a year is missing is said below
                    read = dt.datetime.strptime(sample.strftime(form), form)  # noqa: DTZ007  (its zone does not matter)
                for part in parts:
                    if getattr(read, part) != getattr(sample, part):
                        raise ConfigError(f"{setting}.{option}", f"{form!r} does not say the {part}")


def read_date(text: str, times: Times) -> dt.date:
    """A date; blanks around it are read past.

    Raises:
        RefusedValueError: If it is none.
    """
    bare = text.strip(" \t")
    if times.date_formats:
        value = _by_formats(bare, text, "date", times.date_formats)
        if value.time() != dt.time():
            raise lost_precision(f"{shown(text)} has a time of day, which a date has not")
        return value.date()
    match = _DATE.fullmatch(bare)
    if not match:
        raise bad_value(f"{shown(text)} is no date: write YYYY-MM-DD, or set date_formats")
    return _built(text, "date", *(int(part) for part in match.groups())).date()


def read_timestamp(text: str, times: Times) -> dt.datetime:
    """A timestamp in UTC; one without an offset is in the zone of `times`.

    Raises:
        RefusedValueError: If it is none, or its zone's clocks never show it, or show it twice.
    """
    if times.timestamp_formats:
        values = {_in_utc(value, text, times): form for value, form in _readings(text, times.timestamp_formats)}
        return _only(values, text, "timestamp", times.timestamp_formats)
    match = _TIMESTAMP.fullmatch(text)
    if not match:
        raise bad_value(
            f"{shown(text)} is no timestamp: write YYYY-MM-DDThh:mm:ss, with up to six digits after the second and "
            "with an offset or without, or set timestamp_formats"
        )
    year, month, day, hour, minute, second, fraction, zulu, sign, hours, minutes = match.groups()
    digits = (fraction or "").ljust(_MICROSECOND_DIGITS, "0")
    value = _built(text, "timestamp", *(int(part or 0) for part in (year, month, day, hour, minute, second)))
    if digits[_MICROSECOND_DIGITS:].strip("0"):
        raise lost_precision(f"{shown(text)} is finer than a microsecond, which a timestamp cannot hold")
    value = value.replace(microsecond=int(digits[:_MICROSECOND_DIGITS]))
    if not (zulu or sign):
        return to_utc(value, text, times)
    offset = dt.timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    if offset >= _DAY or int(minutes or 0) >= 60:
        raise bad_value(f"{shown(text)} is no timestamp: its offset cannot be")
    return _shifted(value, -offset if sign == "-" else offset, text)


def to_utc(local: dt.datetime, text: str, times: Times) -> dt.datetime:
    """The instant at which the zone's clocks show a time.

    Args:
        local: Without a zone.
        text: As it is written, for problems.
        times: With the zone, and what a time means that it has twice.

    Raises:
        RefusedValueError: If they never do, or twice, or outside the years 0001 to 9999 of UTC.
    """
    first, second = (local.replace(tzinfo=times.zone, fold=fold).utcoffset() or dt.timedelta() for fold in (0, 1))
    if first < second:
        raise bad_value(f"{shown(text)} is no time in {times.zone.key}: its clocks were set forward over it")
    if first > second and times.ambiguous is AmbiguousTimes.REFUSE:
        raise bad_value(
            f"{shown(text)} is two times in {times.zone.key}, where clocks were set back: write the offset, "
            "or set ambiguous_times to earlier or later"
        )
    # The earlier of two is that of the offset before clocks are set back, which is the larger one.
    return _shifted(local, second if times.ambiguous is AmbiguousTimes.LATER else first, text)


def from_local(values: pa.Array, times: Times) -> tuple[pa.Array, dict[int, RefusedValueError]]:
    """The same for a column: days on which the clocks are left alone all at once, times of others one by one.

    Args:
        values: Timestamps in microseconds without a zone.
        times: With the zone.

    Returns:
        Timestamps in UTC, null where there is a fault, and the faults by index.
    """
    odd = pc.invert(pc.and_(pc.greater_equal(values, _LEAST), pc.less_equal(values, _MOST)))
    if times.utc and not pc.any(odd).as_py():
        return values.cast(TIMESTAMP), {}
    known = pc.if_else(odd, pa.scalar(None, _LOCAL), values)
    days = pc.floor_temporal(known, unit="day").cast(pa.date32()).dictionary_encode()
    offsets = pa.array([_offset_all_day(day, times.zone) for day in days.dictionary.to_pylist()], pa.int64())
    shifts = offsets.take(days.indices)
    shifted = pc.subtract(known.cast(pa.int64()), shifts).cast(TIMESTAMP)
    left = pc.and_(pc.is_valid(values), pc.is_null(shifted))
    faults: dict[int, RefusedValueError] = {}
    found: list[dt.datetime | None] = []
    for index in pc.indices_nonzero(left).to_pylist():
        value = None
        try:
            value = _one_from_local(values[index], times)
        except RefusedValueError as fault:
            faults[index] = fault.kept()
        found.append(value)
    return pc.replace_with_mask(shifted, left, pa.array(found, TIMESTAMP)), faults


def _one_from_local(value: pa.Scalar, times: Times) -> dt.datetime:
    text = str(value.cast(pa.string()))
    try:
        local: dt.datetime = value.as_py()
    except (OverflowError, ValueError) as error:
        raise out_of_range(f"{text} is out of range: {YEARS}") from error
    return to_utc(local, text, times)


@functools.lru_cache(maxsize=10_000)
def _offset_all_day(day: dt.date | None, zone: zoneinfo.ZoneInfo) -> int | None:
    """The zone's offset on a day in microseconds, or None where it changes or the calendar ends."""
    if day is None or not _FIRST_DAY < day < _LAST_DAY:
        return None
    midnight = dt.datetime.combine(day, dt.time())
    moments = [midnight + hours for hours in _HOURS]
    offsets = {m.replace(tzinfo=zone, fold=fold).utcoffset() or dt.timedelta() for m in moments for fold in (0, 1)}
    return offsets.pop() // _MICROSECOND if len(offsets) == 1 else None


def _built(text: str, kind: str, year: int, *parts: int) -> dt.datetime:
    if not year:
        raise out_of_range(f"{shown(text)} is out of range: {YEARS}")
    try:
        return dt.datetime(year, *parts)  # type: ignore[arg-type]  # noqa: DTZ001  (local, or its offset follows)
    except ValueError as error:  # a leap second is one too: no table can hold it
        raise bad_value(f"{shown(text)} is no {kind}: {error}") from error


def _readings(text: str, formats: tuple[str, ...]) -> list[tuple[dt.datetime, str]]:
    """What the formats read, and which of them."""
    found: list[tuple[dt.datetime, str]] = []
    # strptime takes any script's digits for digits.
    if any(c.isdigit() and not c.isascii() for c in text):
        return found
    for form in formats:
        # It would also guess which of the digits that 2024111 lacks as %Y%m%d are missing.
        widths = _widths(form)
        if widths and not widths.fullmatch(text):
            continue
        try:
            found.append((dt.datetime.strptime(text, form), form))  # noqa: DTZ007  (its zone follows)
        except ValueError:
            continue
    return found


@functools.cache
def _widths(form: str) -> re.Pattern[str] | None:
    """A pattern of texts in which numbers that follow one another are whole; None if a format has no such numbers."""
    parts = re.findall(r"%.|\s+|[^%\s]", form)
    widths = [_WIDTHS.get(part) for part in parts]
    together = {i for i, pair in enumerate(itertools.pairwise(widths)) if all(pair)}
    if not together:
        return None
    pattern = ""
    for i, (part, width) in enumerate(zip(parts, widths, strict=True)):
        if i in together or i - 1 in together:
            pattern += rf"\d{{{width}}}"
        elif part[0] == "%":
            pattern += ".+?"
        else:
            pattern += r"\s+" if part.isspace() else re.escape(part)
    return re.compile(pattern, re.IGNORECASE)


def _by_formats(bare: str, text: str, kind: str, formats: tuple[str, ...]) -> dt.datetime:
    return _only(dict(_readings(bare, formats)), text, kind, formats)


def _only(values: dict[dt.datetime, str], text: str, kind: str, formats: tuple[str, ...]) -> dt.datetime:
    if not values:
        raise bad_value(f"{shown(text)} is no {kind} written as {' or '.join(formats)}")
    if len(values) > 1:
        (one, form), (other, other_form) = list(values.items())[:2]
        raise bad_value(f"{shown(text)} is {one:%Y-%m-%d %H:%M} as {form}, and {other:%Y-%m-%d %H:%M} as {other_form}")
    return next(iter(values))


def _in_utc(value: dt.datetime, text: str, times: Times) -> dt.datetime:
    offset = value.utcoffset()
    return to_utc(value, text, times) if offset is None else _shifted(value.replace(tzinfo=None), offset, text)


def _shifted(local: dt.datetime, offset: dt.timedelta, text: str) -> dt.datetime:
    try:
        return (local - offset).replace(tzinfo=dt.UTC)
    except OverflowError as error:
        raise out_of_range(f"{shown(text)} is out of range in UTC: {YEARS}") from error
