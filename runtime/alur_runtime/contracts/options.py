"""How files are written: one class of options a format, checked when the program is previewed."""

from __future__ import annotations

import codecs
import datetime as dt
import zoneinfo
from enum import StrEnum
from typing import Final

import attrs

from alur_runtime.errors import ConfigError

UTC: Final = "UTC"


class Compression(StrEnum):
    """How a file is compressed."""

    AUTO = "auto"  # by its first bytes; a name that says .gz, .bz2 or .zst must be right
    NONE = "none"
    GZIP = "gzip"
    BZ2 = "bz2"
    ZSTD = "zstd"


class AmbiguousTimes(StrEnum):
    """What a local time means that a clock shows twice, when it is set back."""

    REFUSE = "refuse"  # a bad value: which of the two is meant cannot be known
    EARLIER = "earlier"
    LATER = "later"


@attrs.frozen(kw_only=True)
class FileOptions:
    """What every format has.

    Attributes:
        ignore_case: Whether names in the file bind to columns whatever their case.
        trim_names: Whether blanks around names in the file are read past.
        timezone: The zone (IANA name) that times without an offset are in.
        ambiguous_times: What a time of `timezone` means that its clocks show twice: refuse (a bad value), earlier or
            later.
    """

    ignore_case: bool = False
    trim_names: bool = False
    timezone: str = UTC
    ambiguous_times: AmbiguousTimes = AmbiguousTimes.REFUSE


@attrs.frozen(kw_only=True)
class TextOptions(FileOptions):
    """What the text formats have.

    Attributes:
        compression: auto (by the first bytes), none, gzip, bz2 or zstd.
        encoding: A codec name, such as utf-8, utf-16, latin-1 or cp1252; a byte order mark is read past.
        date_formats: How dates are written, as `strptime` has it; ISO 8601 (2024-05-01) if none is given. A value
            that two of them read as two days is a bad value.
        timestamp_formats: The same for timestamps; ISO 8601 if none is given.
    """

    compression: Compression = Compression.AUTO
    encoding: str = "utf-8"
    date_formats: tuple[str, ...] = ()
    timestamp_formats: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class CsvOptions(TextOptions):
    """How CSV files are written.

    Attributes:
        separator: One character between fields.
        quote: One character around fields that hold the separator, quotes (doubled) or line ends; empty for none.
        escape: One character that takes its meaning from the next one; empty for none.
        comment: Lines that begin with it are read past; empty for none.
        multiline: Whether a quoted field may hold line ends. Where it may, a quote that is out of place fails the
            file, since nobody can say where its record ends; where it may not, only its row is bad.
        skip_rows: So many lines above the header (or the first record) are read past.
        columns: Names of the fields, in order, for files without a header line.
        null_values: Unquoted fields that stand for a missing value.
        quoted_nulls: Whether they do so in quotes too.
        true_values: Fields that are true.
        false_values: Fields that are false.
        decimal_comma: Whether numbers are written 1,5 rather than 1.5.
    """

    separator: str = ","
    quote: str = '"'
    escape: str = ""
    comment: str = ""
    multiline: bool = True
    skip_rows: int = 0
    columns: tuple[str, ...] = ()
    null_values: tuple[str, ...] = ("",)
    quoted_nulls: bool = False
    true_values: tuple[str, ...] = ("true", "True", "TRUE", "1")
    false_values: tuple[str, ...] = ("false", "False", "FALSE", "0")
    decimal_comma: bool = False


@attrs.frozen(kw_only=True)
class JsonLinesOptions(TextOptions):
    """How JSON Lines files are written: one JSON object a line."""


@attrs.frozen(kw_only=True)
class ParquetOptions(FileOptions):
    """How Parquet files are written."""


AnyOptions = CsvOptions | JsonLinesOptions | ParquetOptions

_CODEC_NAMES: Final = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252", "ascii")
_KINDS: Final = {str: "a text", int: "a whole number", bool: "True or False"}
_BLANK: Final = ("\r", "\n", "\0")


@attrs.frozen(kw_only=True)
class ErrorBudget:
    """How many bad rows a file may have and be taken all the same; a file over either limit is failed.

    Attributes:
        rows: Most bad rows of a file; None for no limit.
        percent: Most bad rows of a file in percent of its records; None for no limit.
    """

    rows: int | None = None
    percent: float | None = None

    def over(self, bad: int, records: int) -> str | None:
        """What limit so many bad rows are over, as a sentence, or None."""
        if self.rows is not None and bad > self.rows:
            return f"{_bad_rows(bad)}; its source's error budget allows {self.rows:,}"
        # Multiplied, not divided: an exact comparison.
        if self.percent is not None and bad * 100 > self.percent * records:
            return f"{_bad_rows(bad)} of {records:,}; its source's error budget allows {self.percent:g} percent"
        return None


def _bad_rows(count: int) -> str:
    return f"{count:,} bad row{'s' if count != 1 else ''}"


NO_BAD_ROWS: Final = ErrorBudget(rows=0)


def check_budget(setting: str, budget: ErrorBudget) -> None:
    """Refuse a budget that cannot be.

    Raises:
        ConfigError: Naming the limit.
    """
    if budget.rows is None and budget.percent is None:
        raise ConfigError(setting, "has no limit at all: give rows, percent or both (rows=0 allows no bad row)")
    if budget.rows is not None and budget.rows < 0:
        raise ConfigError(f"{setting}.rows", f"is {budget.rows}; it must be 0 at least")
    if budget.percent is not None and not 0 <= budget.percent <= 100:
        raise ConfigError(f"{setting}.percent", f"is {budget.percent}; allowed are 0 to 100")


def check_options(setting: str, options: AnyOptions) -> None:
    """Refuse options that cannot be.

    Args:
        setting: Where they stand, such as ``sources[0].files``.
        options: To check.

    Raises:
        ConfigError: Naming the option and what is allowed.
    """
    _check_kinds(setting, options)
    try:
        zoneinfo.ZoneInfo(options.timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError(
            f"{setting}.timezone", f"{options.timezone!r} is no time zone; write an IANA name such as Europe/Berlin"
        ) from error
    if isinstance(options, TextOptions):
        _check_text(setting, options)
    if isinstance(options, CsvOptions):
        _check_csv(setting, options)


def _check_kinds(setting: str, options: AnyOptions) -> None:
    for field in attrs.fields(type(options)):
        value, default = getattr(options, field.name), field.default
        if isinstance(default, StrEnum):
            if value not in tuple(type(default)):
                raise ConfigError(f"{setting}.{field.name}", f"is {value!r}; allowed are {', '.join(type(default))}")
        elif isinstance(default, tuple):
            # A text is a sequence of texts too: null_values="NA" would be N and A.
            if not isinstance(value, tuple | list) or not all(isinstance(v, str) for v in value):
                raise ConfigError(f"{setting}.{field.name}", f"is {value!r}; give a tuple of texts, such as ('a', 'b')")
        elif type(value) is not type(default):
            raise ConfigError(f"{setting}.{field.name}", f"is {value!r}; it must be {_KINDS[type(default)]}")


def _check_text(setting: str, options: TextOptions) -> None:
    try:
        found = codecs.lookup(options.encoding).name
    except LookupError as error:
        raise ConfigError(f"{setting}.encoding", f"{options.encoding!r} is no encoding Python knows") from error
    # Others read line ends or digits in ways of their own, or are no text encodings at all (base64, rot13).
    if found not in {codecs.lookup(name).name for name in _CODEC_NAMES} and not _is_single_byte(found):
        raise ConfigError(
            f"{setting}.encoding", f"{options.encoding!r} is not supported; use {', '.join(_CODEC_NAMES)}"
        )
    for option, needs in (("date_formats", ("%d", "%m")), ("timestamp_formats", ("%H",))):
        for text in getattr(options, option):
            _check_time_format(f"{setting}.{option}", text, needs)


def _is_single_byte(codec: str) -> bool:
    return codec.startswith(("cp", "iso8859", "koi8", "mac"))


def _check_time_format(setting: str, text: str, needs: tuple[str, ...]) -> None:
    try:
        sample = dt.datetime(2024, 11, 23, 14, 15, 16, 123456, dt.UTC).strftime(text)
        dt.datetime.strptime(sample, text)  # noqa: DTZ007  (only whether it can be read back)
    except ValueError as error:
        raise ConfigError(setting, f"{text!r} cannot be read: {error}") from error
    date_only = "date_formats" in setting
    whole_day = "%x" in text or "%c" in text or "%j" in text
    if not whole_day and date_only and not all(n in text for n in needs) and "%b" not in text and "%B" not in text:
        raise ConfigError(setting, f"{text!r} has no day or no month: write one such as %d.%m.%Y")


def _check_csv(setting: str, options: CsvOptions) -> None:
    one = {"separator": True, "quote": False, "escape": False, "comment": False}
    used: dict[str, str] = {}
    for option, needed in one.items():
        value: str = getattr(options, option)
        if (not value and not needed) or (option == "comment" and len(value) > 1):
            continue
        if len(value) != 1 or not value.isascii() or value in _BLANK:
            raise ConfigError(f"{setting}.{option}", f"is {value!r}; it must be one ASCII character, no line end")
        if (other := used.setdefault(value, option)) != option:
            raise ConfigError(f"{setting}.{option}", f"is {value!r}, and so is {other}: they must differ")
    if options.comment and (not options.comment.isascii() or any(c in options.comment for c in _BLANK)):
        raise ConfigError(f"{setting}.comment", f"is {options.comment!r}; it must be ASCII, without line ends")
    if options.skip_rows < 0:
        raise ConfigError(f"{setting}.skip_rows", f"is {options.skip_rows}; it must be 0 at least")
    if len(set(options.columns)) != len(options.columns):
        raise ConfigError(f"{setting}.columns", f"{options.columns} names a field twice")
    if clash := set(options.true_values) & set(options.false_values):
        raise ConfigError(f"{setting}.true_values", f"{min(clash)!r} is among false_values too")
    if options.decimal_comma and options.separator == ",":
        raise ConfigError(f"{setting}.decimal_comma", "cannot be with the separator ',': set separator too")
    for value in options.null_values:
        if any(c in value for c in _BLANK):
            raise ConfigError(f"{setting}.null_values", f"{value!r} holds a line end")
