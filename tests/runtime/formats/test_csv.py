from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest

from alur_runtime.contracts.options import CsvOptions
from alur_runtime.contracts.spec import Column, ContractSpec, Extras
from alur_runtime.formats import csv_blocks
from alur_runtime.reasons import Reason
from alur_runtime.rows import BadRow, RefusedFileError
from tests.runtime.formats.csv_files import read_chunks, table_of

SIZES = (1, 7, 40, 1 << 20)  # of blocks: within records, some records, all


def contract(extras: Extras = Extras.IGNORE, **types: str) -> ContractSpec:
    """Types by name; one that ends in ? is nullable."""
    columns = tuple(Column(name, kind.rstrip("?"), kind.endswith("?")) for name, kind in types.items())
    return ContractSpec("Rows", columns, extras=extras)


PLAIN = contract(id="bigint", name="string?")


def read(text: str | bytes, spec: ContractSpec = PLAIN, **options: Any) -> tuple[list[tuple[Any, ...]], list[BadRow]]:
    """Rows (with their numbers last) and bad rows; the same in blocks of any size."""
    body = text if isinstance(text, bytes) else text.encode(options.get("encoding", "utf-8"))
    found = []
    for size in SIZES:
        chunks = read_chunks(body, spec, CsvOptions(**options), size)
        rows = [tuple(row.values()) for row in table_of(chunks, spec).to_pylist()]
        found.append((rows, [bad for chunk in chunks for bad in chunk.bad]))
    assert all(other == found[0] for other in found[1:])
    return found[0]


def rows(text: str | bytes, spec: ContractSpec = PLAIN, **options: Any) -> list[tuple[Any, ...]]:
    """Rows of a file that has no bad ones, without their numbers."""
    found, bad = read(text, spec, **options)
    assert not bad
    assert [row[-1] for row in found] == list(range(1, len(found) + 1))
    return [row[:-1] for row in found]


def bad_rows(
    text: str | bytes, spec: ContractSpec = PLAIN, **options: Any
) -> list[tuple[int, str, str | None, str | None, int | None]]:
    """Of the bad rows number, reason, column, value and line."""
    return [(b.row, b.reason.value, b.column, b.value, b.line) for b in read(text, spec, **options)[1]]


def refusal(text: str | bytes, spec: ContractSpec = PLAIN, **options: Any) -> RefusedFileError:
    """The same refusal in blocks of any size."""
    body = text if isinstance(text, bytes) else text.encode()
    errors = []
    for size in SIZES:
        with pytest.raises(RefusedFileError) as caught:
            read_chunks(body, spec, CsvOptions(**options), size)
        errors.append(caught.value)
    assert len({str(error) for error in errors}) == 1
    return errors[0]


AB = [(1, "a"), (2, "b")]


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("id,name\n1,a\n2,b\n", {}),
        ("id,name\n1,a\n2,b", {}),
        ("name,x,id\r\na,,1\r\nb,,2", {}),
        ("id,name\r1,a\r2,b\r", {}),
        ("\r\n\nid,name\n\n1,a\r\n\r2,b\n\n\r\n", {}),
        ("id;name\n1;a\n2;b", {"separator": ";"}),
        ("id\tname\n1\t'a'\n2\tb", {"separator": "\t", "quote": "'"}),
        ("id name\n1 a\n2 b\n", {"separator": " "}),
        ('"id","name"\n"1","a"\n"2","b"\n', {}),
        ("# id,x\nid,name\n#,'\n1,a\n# \"\n\n2,b\n#", {"comment": "#"}),
        ('#x\n"id",name\n#"\n"1",a\n#\n2,b\n', {"comment": "#"}),
        ("// c\nid,name\n1,a\n// \\\n2,b", {"comment": "//", "escape": "\\"}),
        ('made by "x\n\nid,name\n1,a\n2,b\n', {"skip_rows": 2}),
        ('made by "x\r\nid,name\r\n1,a\r\n2,b\r\n', {"skip_rows": 1}),
        ("1,a\n2,b\n", {"columns": ("id", "name")}),
        ("x\n1,?,a\n2,?,b\n", {"columns": ("id", "x", "name"), "skip_rows": 1}),
        ("ID, Name \n1,a\n2,b", {"ignore_case": True, "trim_names": True}),
        ("\ufeffid,name\n1,a\n2,b\n", {}),
        ('\ufeff"id",name\n1,a\n2,b\n', {"encoding": "utf-16-le"}),
    ],
)
def test_dialects(text: str, options: dict[str, Any]) -> None:
    assert rows(text, **options) == AB


def test_quotes() -> None:
    text = 'id,name\n1,"a ""b"", c"\n2,"two\r\nlines\n"\n3,""\n4,\n5,""""\n6," "\n'
    wanted = [(1, 'a "b", c'), (2, "two\r\nlines\n"), (3, ""), (4, None), (5, '"'), (6, " ")]
    assert rows(text) == wanted
    assert rows("id,name\n1,'a'\n", quote="") == [(1, "'a'")]
    assert rows('id,name\n1,"a"\n', quote="") == [(1, '"a"')]


def test_quotes_within_an_unquoted_field_are_text() -> None:
    assert rows('id,name\n1,5" pipe\n2, "x"\n3,a""b\n') == [(1, '5" pipe'), (2, ' "x"'), (3, 'a""b')]


def test_escapes() -> None:
    text = 'id,name\n1,a\\,b\n2,"a\\"b"\n3,\\N\n4,"a""b"\n5,a\\\nb\n6,\\\\\n7,\\a\n'
    wanted = [(1, "a,b"), (2, 'a"b'), (3, None), (4, 'a"b'), (5, "a\nb"), (6, "\\"), (7, "a")]
    assert rows(text, escape="\\", null_values=("\\N",)) == wanted
    assert rows("id,name\n1,a\\,b\n", contract(id="bigint", name="string"), escape="\\") == [(1, "a,b")]


def test_nulls() -> None:
    text = 'id,name\n1,\n2,""\n3,NA\n4,"NA"\n5, NA\n6,na\n'
    assert rows(text) == [(1, None), (2, ""), (3, "NA"), (4, "NA"), (5, " NA"), (6, "na")]
    assert rows(text, null_values=("NA",)) == [(1, ""), (2, ""), (3, None), (4, "NA"), (5, " NA"), (6, "na")]
    both = {"null_values": ("NA", ""), "quoted_nulls": True}
    assert rows(text, **both) == [(1, None), (2, None), (3, None), (4, None), (5, " NA"), (6, "na")]
    numbers = contract(id="bigint", n="int?")
    assert bad_rows('id,n\n1,\n2,""\n3, \n4,NA\n', numbers) == [
        (2, "bad_value", "n", "", 3),
        (3, "bad_value", "n", " ", 4),
        (4, "bad_value", "n", "NA", 5),
    ]
    assert bad_rows("id,name\n,a\n", PLAIN) == [(1, "null_value", "id", None, 2)]


def test_an_empty_last_field_without_a_line_end_is_missing_after_a_quoted_one_too() -> None:
    """Arrow takes such a field for a quoted one."""
    assert rows('id,name\n"1",') == [(1, None)]


def test_typed_values() -> None:
    spec = contract(
        i="tinyint", f="float", d="decimal(5,2)", b="boolean", day="date", at="timestamp", raw="binary", s="string"
    )
    text = "i,f,d,b,day,at,raw,s\n-128,1e3,1.50,true,2024-05-01,2024-05-01 10:00:00.5,YWI=,x\n"
    at = dt.datetime(2024, 5, 1, 10, 0, 0, 500_000, tzinfo=dt.UTC)
    assert rows(text, spec) == [(-128, 1000.0, Decimal("1.50"), True, dt.date(2024, 5, 1), at, b"ab", "x")]
    odd = "i,f,d,b,day,at,raw,s\n +5,.5,15e-1,0, 2024-05-01,2024-05-01T12+02,,\n"
    assert rows(odd, spec, null_values=())[0][:6] == (
        5,
        0.5,
        Decimal("1.50"),
        False,
        dt.date(2024, 5, 1),
        at.replace(microsecond=0),
    )


def test_times_with_and_without_an_offset_in_one_file() -> None:
    spec = contract(a="timestamp", b="timestamp?")
    text = "a,b\n2024-01-01 10:00,2024-01-01T10Z\n2024-01-01 11:00,2024-01-01T11:00:00+01\n2024-01-01T12Z,\n"
    ten = dt.datetime(2024, 1, 1, 10, tzinfo=dt.UTC)
    hour = dt.timedelta(hours=1)
    assert rows(text * 1, spec) == [(ten, ten), (ten + hour, ten), (ten + 2 * hour, None)]
    assert rows(text, spec, timezone="Europe/Berlin") == [(ten - hour, ten), (ten, ten), (ten + 2 * hour, None)]


def test_a_column_that_the_file_lacks_is_null_and_one_that_no_column_wants_is_ignored() -> None:
    assert rows("x,id\n?,1\n") == [(1, None)]
    assert rows("x,y\n1,2\n3,4\n", contract(q="string?")) == [(None,), (None,)]
    assert bad_rows("x,y\n1,2\n3\n", contract(q="string?")) == [(2, "field_count", None, None, 3)]


def test_extras_are_rescued() -> None:
    spec = contract(Extras.RESCUE, id="bigint")
    found = rows('é,id,y"\n"a""\\",1,\nx,2,"1\n"\n', spec)
    assert [json.loads(text) for _, text in found] == [{"é": 'a"\\', 'y"': None}, {"é": "x", 'y"': "1\n"}]
    assert rows("id\n1\n", spec) == [(1, None)]


@pytest.mark.parametrize("text", ["", "\n", "\r\n\r\n", "# x\n", "id,name", "id,name\n", "id,name\r\n\r\n# 1,a\r\n"])
def test_files_without_records_have_no_rows(text: str) -> None:
    assert rows(text, comment="#") == []


def test_bad_rows_say_where_they_are_and_what_they_are() -> None:
    text = "\n# c\nid,name\n1,a\n\nx,b\n# c\n3\n4,d,\n,e\n6,f\n99999999999999999999,g\n"
    found, bad = read(text, comment="#")
    assert found == [(1, "a", 1), (6, "f", 6)]
    assert [(b.row, b.line, b.reason.value, b.column, b.value, b.record) for b in bad] == [
        (2, 6, "bad_value", "id", "x", "x,b"),
        (3, 8, "field_count", None, None, "3"),
        (4, 9, "field_count", None, None, "4,d,"),
        (5, 10, "null_value", "id", None, ",e"),
        (7, 12, "out_of_range", "id", "99999999999999999999", "99999999999999999999,g"),
    ]
    assert bad[1].problem == "has 1 field where the header has 2"
    assert bad[0].problem == "'x' is no bigint: write digits only"


def test_lines_and_records_with_line_ends_in_quotes() -> None:
    text = 'id,name\n1,"a\nb"\nx,"c\r\n\r\nd"\n3,"\n"\ny,z\n'
    assert [(b.row, b.line, b.record) for b in read(text)[1]] == [(2, 4, 'x,"c\r\n\r\nd"'), (4, 9, "y,z")]


def test_a_bad_row_has_its_first_fault_in_the_order_of_the_contract() -> None:
    assert bad_rows("name,id,n\na,x,y\n", contract(n="int", id="bigint")) == [(1, "bad_value", "n", "y", 2)]


def test_a_quote_out_of_place_fails_the_file_where_records_may_have_lines() -> None:
    error = refusal('id,name\n1,a\n2,"b" c\n3,d\n')
    assert (error.reason, error.row) == (Reason.UNREADABLE, 2)
    assert "line 3 has text after the closing quote of field 2: where the record ends cannot be told" in error.problem
    assert "set multiline=False" in error.problem
    assert "line 2 opens a quote in field 2 that is never closed" in refusal('id,name\n1,"a\n2,b\n').problem
    assert (
        "line 2 ends in '\\\\', which takes the meaning from nothing" in refusal("id,name\n1,a\\", escape="\\").problem
    )


def test_a_quote_out_of_place_is_a_bad_row_where_records_have_one_line() -> None:
    text = 'id,name\n1,a\n2,"b" c\n3,"d\n4,e"\n5,"f"\n'
    found, bad = read(text, multiline=False)
    assert found == [(1, "a", 1), (4, 'e"', 4), (5, "f", 5)]
    assert [(b.row, b.reason.value, b.line, b.record) for b in bad] == [
        (2, "bad_record", 3, '2,"b" c'),
        (3, "bad_record", 4, '3,"d'),
    ]


def test_bytes_that_are_no_text_make_a_bad_row() -> None:
    text = b'id,name,x\n1,a,\n2,Zo\xeb,\n3,"b",\xff\n\xfe,c,\n5,"\xc3\n\xa4",\n6,d,\n7,e\xc3'
    found, bad = read(text)
    assert found == [(1, "a", 1), (6, "d", 6)]
    assert [(b.row, b.reason.value, b.column, b.value, b.record, b.line) for b in bad] == [
        (2, "bad_encoding", "name", "Zo\\xeb", "2,Zo\\xeb,", 3),
        (3, "bad_encoding", None, None, '3,"b",\\xff', 4),
        (4, "bad_encoding", "id", "\\xfe", "\\xfe,c,", 5),
        (5, "bad_encoding", "name", "\\xc3\n\\xa4", '5,"\\xc3\n\\xa4",', 6),
        (7, "bad_encoding", None, None, "7,e\\xc3", 9),
    ]
    assert bad_rows(b"id,name\n1,a\x81\n", encoding="cp1252") == [(1, "bad_encoding", "name", "a\\x81", 2)]


def test_bytes_that_are_no_text_in_the_header_fail_the_file() -> None:
    error = refusal(b"id,na\xefve\n1,a\n")
    assert error.reason is Reason.UNREADABLE
    assert "the header holds bytes that are no utf-8: id, na\\xefve; set the source's encoding" in error.problem


def test_a_mark_within_the_file_is_text() -> None:
    """Arrow reads past one wherever it begins to read."""
    spec = contract(name="string", id="bigint")
    assert rows("name,id\n\ufeffa,1\n\ufeffb,2\n", spec) == [("\ufeffa", 1), ("\ufeffb", 2)]


def test_a_record_that_is_too_long_fails_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_blocks, "LONGEST_RECORD", 1000)
    body = b"id,name\n1,a\n2," + b"x" * 5000 + b"\n"
    with pytest.raises(RefusedFileError, match=r"row 2: line 3 is longer than 1,000 bytes"):
        read_chunks(body, PLAIN, CsvOptions(), 100)
    with pytest.raises(RefusedFileError, match=r"row 2: line 3 is longer than 1,000 bytes"):
        read_chunks(body.replace(b"x", b'"x', 1).replace(b"x", b"x\n", 4), PLAIN, CsvOptions(), 100)


def test_values_that_arrow_reads_in_another_way_are_bad() -> None:
    spec = contract(i="int?", f="double?", d="decimal(4,2)?", day="date?", at="timestamp?")
    values = {"i": "0x10", "f": "1e400", "d": "1234", "day": "0000-01-01", "at": "0000-01-01 00:00:00"}
    for name, value in values.items():
        fields = ",".join(value if c.name == name else "" for c in spec.columns)
        ((row, _, column, found, _),) = bad_rows(f"{','.join(values)}\n{fields}\n", spec)
        assert (row, column, found) == (1, name, value)
    for text in ("1e-400", "nan(1)", "0." + "0" * 400 + "1"):
        assert bad_rows(f"i,f\n1,{text}\n", spec)[0][2:4] == ("f", text)
    assert rows("i,f\n0,0.0\n1,5e-324\n2,inf\n", contract(i="int", f="double")) == [
        (0, 0.0),
        (1, 5e-324),
        (2, float("inf")),
    ]


def test_many_rows_among_which_few_are_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks that are clean, that are not, and both after one another."""
    numbers = range(1, 3001)
    crowd = set(range(1000, 1200)) | {1, 2000, 3000}
    text = "id,name\n" + "".join(f"{'x' if n in crowd else ''}{n},{n}\n" for n in numbers)
    chunks = read_chunks(text.encode(), PLAIN, CsvOptions(), 500)
    assert len(chunks) > 20
    table = table_of(chunks, PLAIN)
    assert table["id"].to_pylist() == table["_source_row"].to_pylist() == [n for n in numbers if n not in crowd]
    bad = [bad for chunk in chunks for bad in chunk.bad]
    assert [(b.row, b.line, b.value) for b in bad] == [(n, n + 1, f"x{n}") for n in sorted(crowd)]
