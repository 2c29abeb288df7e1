"""Values of CSV: dates and timestamps, formats and zones."""

# A case is a line, however long: this is a table.
# fmt: off
# ruff: noqa: E501

from __future__ import annotations

import datetime as dt
from typing import Any

import attrs

from alur_runtime import CsvOptions
from alur_runtime.contracts.options import AmbiguousTimes
from tests.corpus.case import Case, csv_values
from tests.corpus.contracts import Values

BAD, RANGE, LOST = "bad_value", "out_of_range", "lost_precision"
BERLIN = CsvOptions(timezone="Europe/Berlin")
KOLKATA = CsvOptions(timezone="Asia/Kolkata")


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def dates(name: str, good: dict[str, str], bad: dict[str, str], *formats: str) -> Case:
    return csv_values(name, Values, "day", {t: day(v) for t, v in good.items()}, bad, CsvOptions(date_formats=formats))


def times(name: str, good: dict[str, str], bad: dict[str, str], files: CsvOptions | None = None, **options: Any) -> Case:
    options_ = attrs.evolve(files or CsvOptions(), **options)
    return csv_values(name, Values, "at", {t: at(v) for t, v in good.items()}, bad, options_)


CASES = [
    dates("date", {"2024-05-01": "2024-05-01", "0001-01-01": "0001-01-01", "9999-12-31": "9999-12-31", "1582-10-10": "1582-10-10", "1899-12-31": "1899-12-31", "2024-02-29": "2024-02-29", "1900-02-28": "1900-02-28", "1969-12-31": "1969-12-31"}, {"2023-02-29": BAD, "1900-02-29": BAD, "2024-13-01": BAD, "2024-00-01": BAD, "2024-04-31": BAD, "01.05.2024": BAD, "05/01/2024": BAD, "20240501": BAD, "2024-5-1": BAD, "2024-05": BAD, "24-05-01": BAD, "2024-05-01 00:00:00": BAD, "2024-05-01T00:00:00Z": BAD, "45413": BAD, "today": BAD, "2024-05-01x": BAD}),
    csv_values("date out of the years", Values, "day", {"": None}, {"0000-01-01": "out_of_range"}),
    dates("date by a format", {"01.05.2024": "2024-05-01", "31.12.1999": "1999-12-31"}, {"2024-05-01": BAD, "31.02.2024": BAD, "05/01/2024": BAD}, "%d.%m.%Y"),
    dates("date by one of two formats", {"01.05.2024": "2024-05-01", "2024-05-02": "2024-05-02"}, {"05/01/2024": BAD}, "%d.%m.%Y", "%Y-%m-%d"),
    dates("date whose order is not declared", {"13/02/2024": "2024-02-13", "02/13/2024": "2024-02-13", "05/05/2024": "2024-05-05"}, {"02/03/2024": BAD, "13/13/2024": BAD}, "%d/%m/%Y", "%m/%d/%Y"),
    dates("date by the name of its month", {"1 May 2024": "2024-05-01", "01 may 2024": "2024-05-01"}, {"1 Mai 2024": BAD}, "%d %B %Y"),
    dates("date without separators", {"20240501": "2024-05-01"}, {"2024051": BAD, "2024-05-01": BAD}, "%Y%m%d"),
    times("timestamp", {"2024-05-01 10:00:00": "2024-05-01 10:00", "2024-05-01T10:00:00": "2024-05-01 10:00", "2024-05-01 10:00": "2024-05-01 10:00", "2024-05-01 10": "2024-05-01 10:00", "2024-05-01": "2024-05-01", "2024-05-01 10:00:00.5": "2024-05-01 10:00:00.500", "2024-05-01 10:00:00.123456": "2024-05-01 10:00:00.123456", "0001-01-01 00:00:00": "0001-01-01", "9999-12-31 23:59:59.999999": "9999-12-31 23:59:59.999999", "1969-12-31 23:59:59.999999": "1969-12-31 23:59:59.999999"}, {"1714557600": BAD, "1714557600000": BAD, "2024-05-01 24:00:00": BAD, "2024-05-01 10:60": BAD, "2016-12-31 23:59:60": BAD, "2024-02-30 10:00:00": BAD, "01.05.2024 10:00": BAD, "2024-05-01 10:00:00 PM": BAD, " 2024-05-01 10:00:00": BAD, "2024-05-01  10:00:00": BAD, "10:00:00": BAD, "now": BAD, "2024-05-01 10:00:00,5": BAD, "2024-05-01 10:00:00.": BAD}),
    times("timestamp with an offset", {"2024-05-01T10:00:00Z": "2024-05-01 10:00", "2024-05-01 10:00:00+02": "2024-05-01 08:00", "2024-05-01 10:00:00+0200": "2024-05-01 08:00", "2024-05-01T10:00:00+02:00": "2024-05-01 08:00", "2024-05-01T10:00:00.250-05:30": "2024-05-01 15:30:00.250", "2024-05-01T10:00Z": "2024-05-01 10:00"}, {"2024-05-01T10:00:00 CEST": BAD, "2024-05-01T10:00:00+25:00": BAD, "2024-05-01T10:00:00+02:00[Europe/Berlin]": BAD, "2016-12-31T23:59:60Z": BAD}),
    times("timestamp with and without offsets", {"2024-05-01T10:00:00Z": "2024-05-01 10:00", "2024-05-01 10:00:00": "2024-05-01 08:00"}, {}, BERLIN),
    times("timestamp of many digits", {"2024-05-01 10:00:00.123456000": "2024-05-01 10:00:00.123456", "2024-05-01 10:00:00.1234560000000": "2024-05-01 10:00:00.123456"}, {"2024-05-01 10:00:00.1234567": LOST, "2024-05-01 10:00:00.123456001": LOST}),
    times("timestamp out of the years", {"9999-12-31 23:59:59+00:00": "9999-12-31 23:59:59"}, {"9999-12-31T23:59:59-01:00": RANGE, "0001-01-01T00:00:00+01:00": RANGE, "0000-01-01 00:00:00": RANGE}),
    times("timestamp in a zone", {"2024-07-01 12:00:00": "2024-07-01 10:00", "2024-01-01 12:00:00": "2024-01-01 11:00", "2024-07-01": "2024-06-30 22:00", "2024-03-31 01:59:59": "2024-03-31 00:59:59", "2024-03-31 03:00:00": "2024-03-31 01:00"}, {"2024-03-31 02:00:00": BAD, "2024-03-31 02:30:00": BAD, "2024-10-27 02:30:00": BAD}, BERLIN),
    times("timestamp that a clock shows twice, the earlier", {"2024-10-27 02:30:00": "2024-10-27 00:30", "2024-10-27 03:00:00": "2024-10-27 02:00"}, {"2024-03-31 02:30:00": BAD}, BERLIN, ambiguous_times=AmbiguousTimes.EARLIER),
    times("timestamp that a clock shows twice, the later", {"2024-10-27 02:30:00": "2024-10-27 01:30", "2024-10-27 01:59:59": "2024-10-26 23:59:59"}, {"2024-03-31 02:30:00": BAD}, BERLIN, ambiguous_times=AmbiguousTimes.LATER),
    times("timestamp in a zone of half hours", {"2024-05-01 05:30:00": "2024-05-01 00:00", "1890-01-01 00:00:00": "1889-12-31 18:38:50"}, {}, KOLKATA),
    times("timestamp by a format", {"01.05.2024 10:15": "2024-05-01 10:15"}, {"2024-05-01 10:15": BAD, "32.05.2024 10:15": BAD}, timestamp_formats=("%d.%m.%Y %H:%M",)),
    times("timestamp by a format with an offset", {"01/May/2024:10:15:00 +0200": "2024-05-01 08:15"}, {"01/May/2024:10:15:00": BAD}, timestamp_formats=("%d/%b/%Y:%H:%M:%S %z",)),
    times("timestamp by two formats, in a zone", {"01.07.2024 12:00": "2024-07-01 10:00", "2024-07-01T12:00:00": "2024-07-01 10:00"}, {"31.03.2024 02:30": BAD, "27.10.2024 02:30": BAD}, BERLIN, timestamp_formats=("%d.%m.%Y %H:%M", "%Y-%m-%dT%H:%M:%S")),
    times("timestamp whose order is not declared", {"13/02/2024 10:00": "2024-02-13 10:00"}, {"02/03/2024 10:00": BAD}, timestamp_formats=("%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M")),
    times("timestamp by a format with a leap second", {"01.05.2024 10:15:59": "2024-05-01 10:15:59"}, {"31.12.2016 23:59:60": BAD}, timestamp_formats=("%d.%m.%Y %H:%M:%S",)),
]
