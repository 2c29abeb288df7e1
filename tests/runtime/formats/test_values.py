from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alur_runtime.contracts.options import AmbiguousTimes, CsvOptions
from alur_runtime.contracts.spec import Column
from alur_runtime.errors import ConfigError
from alur_runtime.formats.convert import convert
from alur_runtime.formats.faults import RefusedValueError
from alur_runtime.formats.times import Times, check_formats, from_local, read_timestamp, to_utc
from alur_runtime.formats.values import Reading, read_text, read_value, reading_of
from tests.runtime.formats.csv_files import examples

BAD, RANGE, LOST = "bad_value", "out_of_range", "lost_precision"


def outcome(text: str, kind: str, reading: Reading | None = None) -> Any:
    try:
        return read_text(text, kind, reading or Reading())
    except RefusedValueError as fault:
        return fault.reason.value


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("kind", "outcomes"),
    [
        (
            "tinyint",
            {"127": 127, "128": RANGE, "-128": -128, "-129": RANGE, " 5\t": 5, "+5": 5, "007": 7, "0" * 5000 + "7": 7},
        ),
        (
            "bigint",
            {"9223372036854775807": 2**63 - 1, "9223372036854775808": RANGE, "9" * 5000: RANGE, "-" + "0" * 30: 0},
        ),
        (
            "int",
            {
                "1.0": BAD,
                "1e3": BAD,
                "0x10": BAD,
                "1_000": BAD,
                "1,000": BAD,
                "": BAD,
                "٣": BAD,
                "\n5": BAD,
                "--5": BAD,
            },
        ),
        (
            "double",
            {"1e400": RANGE, "-1e400": RANGE, "1e-400": RANGE, "0e-400": 0.0, "5e-324": 5e-324, "1.": 1.0, ".5": 0.5},
        ),
        (
            "double",
            {"inf": math.inf, "-Infinity": -math.inf, "nan(1)": BAD, "1_0": BAD, "0x1p3": BAD, ".": BAD, "1,5": BAD},
        ),
        ("float", {"1e39": RANGE, "1e-46": RANGE, "0.1": 0.10000000149011612, "16777217": 16777216.0, "-0.0": -0.0}),
        # Not the double nearest to the text rounded once more: that would be 1.00000011920928955.
        ("float", {"1.00000017881393432617187499": 1.0000001192092896}),
        (
            "decimal(5,2)",
            {
                "1.50": Decimal("1.50"),
                "1.5": Decimal("1.50"),
                "1.5000": Decimal("1.50"),
                "1.505": LOST,
                "1e2": Decimal("100.00"),
            },
        ),
        (
            "decimal(5,2)",
            {
                "999.99": Decimal("999.99"),
                "1000": RANGE,
                "1e999999999999": RANGE,
                "1e-999999999999": LOST,
                "0e999999999999": Decimal("0.00"),
            },
        ),
        (
            "decimal(5,2)",
            {
                "-0.00": Decimal("0.00"),
                "12345": RANGE,
                "1000.005": RANGE,
                "nan": BAD,
                "1.2.3": BAD,
                "1e": BAD,
                "1 000": BAD,
            },
        ),
        ("decimal(38,0)", {"9" * 38: Decimal("9" * 38), "9" * 39: RANGE, "1.0": Decimal(1), "1e37": Decimal(10**37)}),
        ("decimal(3,3)", {"0.999": Decimal("0.999"), ".5": Decimal("0.500"), "1": RANGE, "0.0005": LOST}),
        ("boolean", {"true": True, "FALSE": False, "1": True, " true": BAD, "yes": BAD, "tRUE": BAD, "": BAD}),
        ("binary", {"YWI=": b"ab", "": b"", "YWI": BAD, "YW I=": BAD, "YWJ=": BAD, "YWI=YWI=": BAD, "é": BAD}),
        (
            "date",
            {
                "2024-02-29": dt.date(2024, 2, 29),
                " 2024-05-01\t": dt.date(2024, 5, 1),
                "2023-02-29": BAD,
                "0000-01-01": RANGE,
            },
        ),
        (
            "date",
            {
                "2024-5-1": BAD,
                "20240501": BAD,
                "01/02/2024": BAD,
                "2024-05-01T00": BAD,
                "10000-01-01": BAD,
                "1714557600": BAD,
                "": BAD,
            },
        ),
        (
            "timestamp",
            {
                "2024-05-01": utc(2024, 5, 1),
                "2024-05-01 10": utc(2024, 5, 1, 10),
                "2024-05-01T10:11": utc(2024, 5, 1, 10, 11),
            },
        ),
        (
            "timestamp",
            {
                "2024-05-01 10:11:12.5": utc(2024, 5, 1, 10, 11, 12, 500_000),
                "2024-05-01 10:11:12.1234560": utc(2024, 5, 1, 10, 11, 12, 123_456),
            },
        ),
        (
            "timestamp",
            {
                "2024-05-01 10:11:12.1234567": LOST,
                "2016-12-31 23:59:60Z": BAD,
                "2024-05-01 24:00": BAD,
                "1714557600": BAD,
                "10:11": BAD,
            },
        ),
        (
            "timestamp",
            {
                "2024-05-01 10Z": utc(2024, 5, 1, 10),
                "2024-05-01 10:00+02": utc(2024, 5, 1, 8),
                "2024-05-01 10:00-0530": utc(2024, 5, 1, 15, 30),
            },
        ),
        (
            "timestamp",
            {
                "2024-05-01Z": BAD,
                "2024-05-01 10:00+24": BAD,
                "2024-05-01 10:00+02:60": BAD,
                "2024-05-01 10:00 +02": BAD,
                "2024-05-01 10:00z": BAD,
            },
        ),
        (
            "timestamp",
            {
                "0000-01-01": RANGE,
                "0001-01-01 00:00+01": RANGE,
                "9999-12-31 23:30-01": RANGE,
                "9999-12-31 23:59:59.999999": utc(9999, 12, 31, 23, 59, 59, 999_999),
            },
        ),
    ],
)
def test_what_each_type_takes(kind: str, outcomes: dict[str, Any]) -> None:
    for text, wanted in outcomes.items():
        found = outcome(text, kind)
        assert (found, str(found)) == (wanted, str(wanted)), text


def test_no_number_and_infinite_are_floats_in_any_case() -> None:
    for text in ("nan", "NaN", "-nan", " NAN "):
        assert math.isnan(read_value(text, "double"))
        assert math.isnan(read_value(text, "float"))


def test_a_decimal_comma() -> None:
    reading = reading_of(CsvOptions(separator=";", decimal_comma=True))
    assert outcome("1,5", "decimal(5,2)", reading) == Decimal("1.50")
    assert outcome("-1,5e3", "double", reading) == -1500.0
    for text in ("1.5", "1.000,5", "1,000,5"):
        assert outcome(text, "decimal(5,2)", reading) == BAD
        assert outcome(text, "double", reading) == BAD


def test_words_for_true_and_false() -> None:
    reading = reading_of(CsvOptions(true_values=("ja",), false_values=("nein",)))
    assert [outcome(text, "boolean", reading) for text in ("ja", "nein", "true", "Ja")] == [True, False, BAD, BAD]


def test_local_times() -> None:
    berlin = CsvOptions(timezone="Europe/Berlin")
    twice = "2024-10-27 02:30"
    assert outcome("2024-07-01 12:00", "timestamp", reading_of(berlin)) == utc(2024, 7, 1, 10)
    assert outcome("2024-07-01 12:00Z", "timestamp", reading_of(berlin)) == utc(2024, 7, 1, 12)
    assert outcome("2024-03-31 02:30", "timestamp", reading_of(berlin)) == BAD
    assert outcome("2024-03-31 03:00", "timestamp", reading_of(berlin)) == utc(2024, 3, 31, 1)
    assert outcome(twice, "timestamp", reading_of(berlin)) == BAD
    for ambiguous, hour in ((AmbiguousTimes.EARLIER, 0), (AmbiguousTimes.LATER, 1)):
        reading = reading_of(CsvOptions(timezone="Europe/Berlin", ambiguous_times=ambiguous))
        assert outcome(twice, "timestamp", reading) == utc(2024, 10, 27, hour, 30)
        assert outcome("2024-03-31 02:30", "timestamp", reading) == BAD
    # 53 minutes and 28 seconds: the sun's time, before there were zones.
    assert outcome("1890-01-01 00:53:28", "timestamp", reading_of(berlin)) == utc(1890, 1, 1)
    assert outcome("0001-01-01", "timestamp", reading_of(berlin)) == RANGE


def test_formats() -> None:
    options = CsvOptions(
        date_formats=("%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y"), timestamp_formats=("%d.%m.%Y %H:%M", "%Y-%m-%dT%H:%M:%S%z")
    )
    reading = reading_of(options)
    assert outcome("1.5.2024", "date", reading) == dt.date(2024, 5, 1)
    assert outcome("05/05/2024", "date", reading) == dt.date(2024, 5, 5)
    assert outcome("31/12/2024", "date", reading) == dt.date(2024, 12, 31)
    assert outcome("01/02/2024", "date", reading) == BAD
    assert outcome("2024-05-01", "date", reading) == BAD
    assert outcome("\u0660\u0661.05.2024", "date", reading) == BAD
    assert outcome("01.05.2024 10:15", "timestamp", reading) == utc(2024, 5, 1, 10, 15)
    assert outcome("2024-05-01T10:15:00+02:00", "timestamp", reading) == utc(2024, 5, 1, 8, 15)
    assert outcome("2024-05-01 10:15", "timestamp", reading) == BAD
    compact = reading_of(CsvOptions(date_formats=("%Y%m%d",)))
    assert outcome("20240501", "date", compact) == dt.date(2024, 5, 1)
    assert outcome("2024111", "date", compact) == BAD  # 1 November or 11 January
    with_time = reading_of(CsvOptions(date_formats=("%d.%m.%Y %H:%M",)))
    assert outcome("01.05.2024 00:00", "date", with_time) == dt.date(2024, 5, 1)
    assert outcome("01.05.2024 10:15", "date", with_time) == LOST


@pytest.mark.parametrize(
    ("option", "form", "problem"),
    [
        ("date_formats", "%d.%m", "the year"),
        ("date_formats", "%Y-%m", "the day"),
        ("timestamp_formats", "%d.%m.%Y %I:%M", "the hour"),
        ("timestamp_formats", "%H:%M", "the year"),
        ("timestamp_formats", "%Y-%m-%d %H:%M %Z", "%z for offsets"),
    ],
)
def test_formats_that_leave_something_open_are_refused(option: str, form: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=rf"files\.{option}.*{problem}"):
        check_formats("files", CsvOptions(**{option: (form,)}))


def test_formats_that_say_all_are_taken() -> None:
    check_formats(
        "files",
        CsvOptions(
            date_formats=("%d.%m.%y", "%Y%j", "%d %B %Y"), timestamp_formats=("%d.%m.%Y %I:%M %p", "%Y-%m-%d %H")
        ),
    )


ZONES = st.sampled_from(
    [
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Africa/Casablanca",
        "Asia/Kolkata",
        "UTC",
        "Europe/Dublin",
    ]
)
# Around the days on which clocks are set, and anywhere.
SET = (dt.datetime(2023, 3, 1), dt.datetime(2024, 12, 1))  # noqa: DTZ001
MODERN = (dt.datetime(1880, 1, 1), dt.datetime(2100, 1, 1))  # noqa: DTZ001
MOMENTS = st.datetimes(*SET) | st.datetimes() | st.datetimes(*MODERN)


@given(st.lists(MOMENTS, min_size=1, max_size=20), ZONES, st.sampled_from(list(AmbiguousTimes)))
@settings(deadline=None, max_examples=examples(150))
def test_a_column_of_local_times_is_read_as_each_of_them(
    moments: list[dt.datetime], zone: str, ambiguous: AmbiguousTimes
) -> None:
    times = Times(ZoneInfo(zone), ambiguous)
    values, faults = from_local(pa.array([None, *moments], pa.timestamp("us")), times)
    assert values[0].as_py() is None
    for index, moment in enumerate(moments, start=1):
        wanted, reason = None, None
        try:
            wanted = to_utc(moment, "x", times)
        except RefusedValueError as fault:
            reason = fault.reason
        found = faults.get(index)
        assert (values[index].as_py(), found and found.reason) == (wanted, reason)
        if wanted is not None:
            assert wanted.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == moment


def test_times_out_of_the_years_are_refused_in_columns_too() -> None:
    values, faults = from_local(pa.array([-(10**17), 0, 10**18], pa.int64()).cast(pa.timestamp("us")), Times())
    assert [fault.reason.value for fault in faults.values()] == [RANGE, RANGE]
    assert values.to_pylist() == [None, utc(1970, 1, 1), None]


def test_a_problem_names_the_value_and_what_is_allowed() -> None:
    with pytest.raises(ValueError, match=r"^'x' is no int: write digits only$"):
        read_value("x", "int")
    with pytest.raises(ValueError, match=r"^'300' is out of range of tinyint: -128 to 127$"):
        read_value("300", "tinyint")
    with pytest.raises(ValueError, match=r"two times in Europe/Berlin.*set ambiguous_times"):
        read_timestamp("2024-10-27 02:30", Times(ZoneInfo("Europe/Berlin")))
    with pytest.raises(ValueError, match=r"aaa\.\.\.' is no date"):
        read_value("a" * 1000, "date")


def test_a_fault_that_is_kept_keeps_nothing_else() -> None:
    """Its frames hold the columns it was found in: with one bad row in each block, memory grew with the file."""
    for kind, texts in (("int", ["x", "1"]), ("date", ["2024-02-30"]), ("binary", ["?"])):
        fault = convert(pa.array(texts), Column("c", kind), Reading()).faults[0]
        assert (fault.__traceback__, fault.__cause__, fault.__context__) == (None, None, None)
    gap = pa.array([dt.datetime(2024, 3, 31, 2, 30)], pa.timestamp("us"))  # noqa: DTZ001
    fault = from_local(gap, Times(ZoneInfo("Europe/Berlin")))[1][0]
    assert (fault.__traceback__, fault.__cause__, fault.__context__) == (None, None, None)
