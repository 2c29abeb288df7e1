from __future__ import annotations

import csv
import datetime as dt
import decimal
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alur_runtime import Decimal, contract, spec_of
from alur_runtime.options import CsvOptions
from alur_runtime.parse import parse_csv
from alur_runtime.reasons import Reason
from alur_runtime.rows import RefusedFileError

PLAIN = CsvOptions()


@contract()
class Row:
    id: int
    amount: Decimal(12, 2) | None
    at: dt.datetime | None
    name: str
    note: str | None
    flag: bool | None
    day: dt.date | None


def parse(text: str | bytes, options: CsvOptions = PLAIN) -> list[dict[str, object]]:
    body = text if isinstance(text, bytes) else text.encode()
    return parse_csv(body, "s3://b/f.csv", spec_of(Row), options).to_pylist()


def test_columns_bind_by_name_and_extra_ones_are_ignored() -> None:
    rows = parse('note,extra,name,id\n"a, ""b""\nc",x,Zoë,1\n"",x,"",2\n,x,n,3\n')
    assert [(r["id"], r["name"], r["note"]) for r in rows] == [(1, "Zoë", 'a, "b"\nc'), (2, "", ""), (3, "n", None)]
    assert rows[0]["amount"] is None


def test_times_with_and_without_an_offset_are_utc() -> None:
    ten = dt.datetime(2024, 1, 2, 10, tzinfo=dt.UTC)
    for values in (
        ["2024-01-02 10:00:00", "2024-01-02T10:00:00"],
        ["2024-01-02T10:00:00Z", "2024-01-02T12:00:00+02:00"],
        ["2024-01-02T10:00:00Z", "2024-01-02 10:00:00", "2024-01-02T12:00+02"],
    ):
        rows = parse("id,name,note,at\n" + "".join(f'{n},x,"",{v}\n' for n, v in enumerate(values)))
        assert [r["at"] for r in rows] == [ten] * len(values)
        assert {r["note"] for r in rows} == {""}


@pytest.mark.parametrize(
    ("text", "reason", "message"),
    [
        ("id\n1\n", Reason.HEADER_MISMATCH, "column 'name': the header lacks"),
        ("id,name,id\n", Reason.HEADER_MISMATCH, "names 'id' more than once"),
        ("", Reason.HEADER_MISMATCH, "it has: empty"),
        ("id,name\n1,a\n2\n", Reason.FIELD_COUNT, "row 2: has 1 fields where the header has 2"),
        ("id,name\n1,a\nx,b\n", Reason.BAD_VALUE, "row 2, column 'id': 'x' is no bigint"),
        ("id,name\n9223372036854775808,a\n", Reason.BAD_VALUE, "out of range"),
        ("id,name,amount\n1,a,1.234\n", Reason.BAD_VALUE, "'1.234' is no decimal(12,2): more than 2 digits after"),
        ("id,name,amount\n1,a,12345678901\n", Reason.BAD_VALUE, "more than 10 digits before the point"),
        ("id,name,flag\n1,a,maybe\n", Reason.BAD_VALUE, "'maybe' is no boolean"),
        ("id,name,day\n1,a,01.02.2024\n", Reason.BAD_VALUE, "write YYYY-MM-DD"),
        ("id,name,at\n1,a,yesterday\n", Reason.BAD_VALUE, "'yesterday' is no timestamp"),
        ("id,name\n1,a\n2,\n", Reason.NULL_VALUE, "row 2, column 'name': has no value"),
        ("id,name\n,a\n", Reason.NULL_VALUE, "row 1, column 'id': has no value"),
        ("id,name\n1,ä\n".encode("latin-1"), Reason.UNREADABLE, "is not utf-8"),
    ],
)
def test_a_file_that_does_not_fit_says_where(text: str | bytes, reason: Reason, message: str) -> None:
    with pytest.raises(RefusedFileError) as caught:
        parse(text)
    assert caught.value.reason is reason
    assert message in str(caught.value)
    assert str(caught.value).startswith("s3://b/f.csv")


def test_encodings_marks_and_line_ends() -> None:
    text = "id,name\r\n1,ä\r\n"
    for body, options in (
        (b"\xef\xbb\xbf" + text.encode(), PLAIN),
        (text.encode("latin-1"), CsvOptions(encoding="latin-1")),
        (text.encode("utf-16"), CsvOptions(encoding="utf-16")),
        ("id;name\n1;'ä'\n".encode(), CsvOptions(separator=";", quote="'")),
    ):
        assert [(r["id"], r["name"]) for r in parse(body, options)] == [(1, "ä")]


def test_a_header_longer_than_a_kilobyte() -> None:
    extra = ",".join(f"extra_{n:04}" for n in range(500))
    assert len(parse(f"{extra},id,name\n{',' * 499},1,a\n")) == 1


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=8)
ROWS = st.lists(
    st.tuples(
        st.integers(-(2**63), 2**63 - 1),
        st.none() | st.decimals(-9999999999, 9999999999, places=2),
        st.none()
        | st.datetimes(dt.datetime(1678, 1, 1), dt.datetime(2262, 1, 1)).map(lambda v: v.replace(tzinfo=dt.UTC)),  # noqa: DTZ001
        TEXT.filter(bool),
        st.none() | TEXT.filter(bool),
        st.none() | st.booleans(),
        st.none() | st.dates(dt.date(1, 1, 1)),
    ),
    min_size=1,
    max_size=20,
)


@given(ROWS)
def test_what_is_written_is_what_is_read(rows: list[tuple[object, ...]]) -> None:
    names = ["id", "amount", "at", "name", "note", "flag", "day"]
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_MINIMAL)
    writer.writerow(names)
    for row in rows:
        writer.writerow(
            ""
            if v is None
            else str(v).lower()
            if isinstance(v, bool)
            else v.isoformat()
            if isinstance(v, dt.date)
            else v
            for v in row
        )
    found = [tuple(r[n] for n in names) for r in parse(out.getvalue())]
    expected = [
        tuple(v.quantize(decimal.Decimal("0.01")) if isinstance(v, decimal.Decimal) else v for v in r) for r in rows
    ]
    assert found == expected
