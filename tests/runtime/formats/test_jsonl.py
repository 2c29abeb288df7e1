"""JSON Lines into rows: what each value may be, how keys bind, what is refused and where, blocks and their borders."""

from __future__ import annotations

import datetime as dt
import decimal
import gzip
import io
import json
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alur_runtime import Decimal, contract, spec_of
from alur_runtime.contracts.declare import Float32, Int8
from alur_runtime.contracts.options import JsonLinesOptions
from alur_runtime.contracts.spec import Column, ContractSpec, Extras, check_spec
from alur_runtime.formats import jsonl, text
from alur_runtime.formats.jsonl import read_jsonl
from alur_runtime.reasons import Reason
from alur_runtime.rows import BadRow, Chunk, RefusedFileError
from alur_runtime.table.schema import rows_schema
from tests.runtime.formats.csv_files import examples

URI = "s3://landing/a.jsonl"
D = decimal.Decimal
BAD, OUT, LOST = Reason.BAD_VALUE, Reason.OUT_OF_RANGE, Reason.LOST_PRECISION
RECORD, ENCODING, NULL = Reason.BAD_RECORD, Reason.BAD_ENCODING, Reason.NULL_VALUE


def read(body: str | bytes, spec: ContractSpec, **options: Any) -> list[Chunk]:
    raw = body.encode() if isinstance(body, str) else body
    chunks = list(read_jsonl(io.BytesIO(raw), URI, spec, JsonLinesOptions(**options)))
    for chunk in chunks:
        assert chunk.table.schema == rows_schema(spec)
        chunk.table.validate(full=True)
        assert chunk.table.num_rows + len(chunk.bad) == chunk.records
    return chunks


def rows(chunks: list[Chunk]) -> list[dict[str, Any]]:
    return [row for chunk in chunks for row in chunk.table.to_pylist()]


def bad(chunks: list[Chunk]) -> list[BadRow]:
    return [row for chunk in chunks for row in chunk.bad]


def one(glue_type: str, *, nullable: bool = True, **changes: Any) -> ContractSpec:
    return check_spec(ContractSpec("One", (Column("a", glue_type, nullable),), **changes))


@pytest.mark.parametrize(
    ("glue_type", "value", "expected"),
    [
        ("tinyint", "-128", -128),
        ("tinyint", "128", OUT),
        ("bigint", "9223372036854775807", 2**63 - 1),
        ("bigint", "9223372036854775808", OUT),
        ("bigint", "1.0", 1),
        ("bigint", "12e2", 1200),
        ("bigint", "1.5", LOST),
        ("bigint", "1e30", OUT),
        ("bigint", "1e999999999999", OUT),
        ("bigint", '"1"', BAD),
        ("bigint", "true", BAD),
        ("bigint", "[1]", BAD),
        ("double", "1e400", OUT),
        ("double", "1e-400", OUT),
        ("double", "0e5", 0.0),
        ("double", "1", 1.0),
        ("double", "true", BAD),
        ("double", '"NaN"', BAD),
        ("double", "NaN", RECORD),
        ("double", "-Infinity", RECORD),
        ("float", "0.1", 0.10000000149011612),
        ("float", "1e39", OUT),
        ("decimal(5,2)", "1.5", D("1.50")),
        ("decimal(5,2)", "1.500", D("1.50")),
        ("decimal(5,2)", "1.505", LOST),
        ("decimal(5,2)", '"1.50"', D("1.50")),
        ("decimal(5,2)", '"1.505"', LOST),
        ("decimal(5,2)", "1000", OUT),
        ("decimal(5,2)", "1e2", D("100.00")),
        ("decimal(5,2)", "true", BAD),
        ("decimal(38,10)", "1234567890123456789012345678.0123456789", D("1234567890123456789012345678.0123456789")),
        ("decimal(38,38)", "2147483648", OUT),
        ("boolean", "true", True),
        ("boolean", "1", BAD),
        ("boolean", '"true"', BAD),
        ("string", '"\\u00e9\\ud83d\\ude00"', "é😀"),
        ("string", '"\u2028"', "\u2028"),
        ("string", '""', ""),
        ("string", '"\\u0000"', "\0"),
        ("string", '"\\ud800"', ENCODING),
        ("string", '"\\udc00 "', ENCODING),
        ("string", "1", BAD),
        ("string", "true", BAD),
        ("string", '{"b": 1}', BAD),
        ("string", '"a\tb"', RECORD),
        ("binary", '"YWI="', b"ab"),
        ("binary", '"YWI"', BAD),
        ("date", '"2024-02-29"', dt.date(2024, 2, 29)),
        ("date", '"2023-02-29"', BAD),
        ("date", "20240229", BAD),
        ("timestamp", '"2024-05-01T10:00:00+02:00"', dt.datetime(2024, 5, 1, 8, tzinfo=dt.UTC)),
        ("timestamp", '"2024-05-01 10:00:00"', dt.datetime(2024, 5, 1, 10, tzinfo=dt.UTC)),
        ("timestamp", '"2024-06-30T23:59:60Z"', BAD),
        ("timestamp", '"2024-05-01 10:00:00.1234567"', LOST),
        ("timestamp", "1714557600", BAD),
    ],
)
def test_a_value_is_read_as_it_stands_or_refused(glue_type: str, value: str, expected: Any) -> None:
    found = read(f'{{"a": {value}}}', one(glue_type))
    if isinstance(expected, Reason):
        (row,) = bad(found)
        assert row.reason is expected
        assert row.column == (None if expected is RECORD else "a")
    else:
        (taken,) = rows(found)
        assert taken["a"] == expected
        assert type(taken["a"]) is type(expected)


@contract()
class Line:
    sku: str
    count: Int8 | None


@contract()
class Orders:
    id: int
    lines: list[Line]
    home: Line | None
    ratios: list[Float32 | None] | None
    price: Decimal(5, 2) | None


def test_objects_and_lists_fill_structs_and_lists() -> None:
    body = """
        {"price": 1.5, "id": 1, "lines": [{"sku": "a", "count": 1}, {"sku": "b"}], "home": {"sku": "h", "count": null}}
        {"id": 2, "lines": [], "home": null, "ratios": [0.5, null]}
    """
    assert rows(read(body, spec_of(Orders))) == [
        {"id": 1, "lines": [{"sku": "a", "count": 1}, {"sku": "b", "count": None}], "home": {"sku": "h", "count": None},
         "ratios": None, "price": D("1.50"), "_source_row": 1},
        {"id": 2, "lines": [], "home": None, "ratios": [0.5, None], "price": None, "_source_row": 2},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "column", "value", "reason"),
    [
        ('{"lines": []}', "id", None, NULL),
        ('{"id": null, "lines": []}', "id", None, NULL),
        ('{"id": 1}', "lines", None, NULL),
        ('{"id": 1, "lines": [null]}', "lines[0]", None, NULL),
        ('{"id": 1, "lines": [{"sku": "a"}, {"count": 1}]}', "lines[1].sku", None, NULL),
        ('{"id": 1, "lines": [{"sku": "a", "count": 300}]}', "lines[0].count", "300", OUT),
        ('{"id": 1, "lines": {"sku": "a"}}', "lines", '{"sku": "a"}', BAD),
        ('{"id": 1, "lines": [["a", 1.50]]}', "lines[0]", '["a", 1.50]', BAD),
        ('{"id": 1, "lines": [], "home": {}}', "home.sku", None, NULL),
        ('{"id": 1, "lines": [], "ratios": [1, "2"]}', "ratios[1]", "2", BAD),
        ('{"id": 1.5, "lines": 1}', "id", "1.5", LOST),  # the first fault, in the contract's order
    ],
)
def test_a_fault_is_named_by_its_path(line: str, column: str, value: str | None, reason: Reason) -> None:
    (row,) = bad(read(line, spec_of(Orders)))
    assert (row.column, row.value, row.reason, row.record) == (column, value, reason, line)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("[1]", "is a JSON array, no object"),
        ("1", "is a JSON number, no object"),
        ('"a"', "is a JSON string, no object"),
        ("null", "is a JSON null, no object"),
        ("a,b", "is no JSON: Expecting value at character 1"),
        ('{"a": 1', "is no JSON: "),
        ('{"a": 1} {"a": 2}', "is no JSON: Extra data at character 10"),
        ('{"a": 1},', "is no JSON: Extra data at character 9"),
        ('{"a": 1,}', "is no JSON: "),
        ('{"a": 01}', "is no JSON: "),
        ("{'a': 1}", "is no JSON: "),
        ('{"a": 1} // one', "is no JSON: "),
        ('{"a": 1, "a": 1}', "has the key 'a' twice in one object"),
        ('{"a": 1, "\\u0061": 1}', "has the key 'a' twice in one object"),
        ('{"a": 1, "x": {"b": 1, "b": 2}}', "has the key 'b' twice in one object"),
        ('{"a": ' + "[" * 5000 + "]" * 5000 + "}", "is nested more than 200 levels deep"),
        ('{"a": NaN}', "is no JSON: NaN is no number of it"),
    ],
)
def test_a_line_that_is_no_object_is_a_bad_record(line: str, problem: str) -> None:
    found = read(f'{{"a": 1}}\n{line}\n{{"a": 3}}\n', one("bigint"))
    assert [row["_source_row"] for row in rows(found)] == [1, 3]
    (row,) = bad(found)
    assert (row.row, row.line, row.reason, row.column, row.value) == (2, 2, RECORD, None, None)
    assert row.problem.startswith(problem)


def test_blank_lines_do_not_count_and_lines_do() -> None:
    body = '\n{"a": 1}\r\n \t\r\n\n{"a": "x"}\n{"a": 3}\n\n{"a": 4}'
    found = read(body, one("bigint"))
    assert [(row["a"], row["_source_row"]) for row in rows(found)] == [(1, 1), (3, 3), (4, 4)]
    assert [(row.row, row.line) for row in bad(found)] == [(2, 5)]
    assert sum(chunk.records for chunk in found) == 4
    assert read("", one("bigint")) == read(" \n\r\n\t", one("bigint")) == []


def test_only_a_line_feed_ends_a_line() -> None:
    found = read('{"a": "x\u2028y\u0085z"}\n{"a": "1"}\r{"a": "2"}\n', one("string"))
    assert [row["a"] for row in rows(found)] == ["x\u2028y\u0085z"]
    assert [(row.row, row.reason) for row in bad(found)] == [(2, RECORD)]


def test_extra_keys_are_ignored_kept_or_refused_at_every_depth() -> None:
    line = '{"id": 1, "lines": [{"sku": "a", "color": "red"}], "x": {"y": 1.10}, "z": 1e400}'
    spec = spec_of(Orders)
    assert [row["id"] for row in rows(read(line, spec))] == [1]
    kept = attrs.evolve(spec, extras=Extras.RESCUE)
    (row,) = rows(read(line, kept))
    # Every digit is as it was.
    assert row["_rescued"] == '{"lines[0].color": "red", "x": {"y": 1.10}, "z": 1e400}'
    assert [row["_rescued"] for row in rows(read('{"id": 1, "lines": []}', kept))] == [None]
    (refused,) = bad(read(line, attrs.evolve(spec, extras=Extras.REJECT)))
    assert (refused.reason, refused.column) == (RECORD, None)
    assert refused.problem == "has the key 'lines[0].color' beside the columns of contract Orders, which rejects extras"


def test_nothing_that_is_kept_is_lost_or_no_text() -> None:
    inner = Column("b", "bigint", nullable=True)
    spec = check_spec(
        ContractSpec("T", (Column("a", "struct<b:bigint>", True, fields=(inner,)),), extras=Extras.RESCUE)
    )
    (row,) = bad(read('{"a.c": 1, "a": {"c": 2}}', spec))
    assert (row.reason, row.problem) == (RECORD, "has two keys beside the columns that are 'a.c'")
    (row,) = bad(read('{"x": "\\ud800"}', spec))
    assert row.reason is ENCODING
    (row,) = bad(read('{"\\ud800": 1}', spec))
    assert row.reason is ENCODING


def test_keys_bind_whatever_their_case_and_blanks_if_the_options_say_so() -> None:
    line = '{"ID": 1, " Lines": [{"SKU": "a", "Count ": 2}]}'
    loose = {"ignore_case": True, "trim_names": True}
    (row,) = rows(read(line, spec_of(Orders), **loose))
    assert (row["id"], row["lines"]) == (1, [{"sku": "a", "count": 2}])
    assert [r.column for r in bad(read(line, spec_of(Orders)))] == ["id"]
    (row,) = bad(read('{"id": 1, "ID": 1, "lines": []}', spec_of(Orders), ignore_case=True))
    assert (row.reason, row.problem) == (RECORD, "has the keys 'id' and 'ID', which are one")
    (row,) = bad(read('{"id": 1, "lines": [{"sku": "a", "Sku": "b"}]}', spec_of(Orders), ignore_case=True))
    assert (row.reason, row.column) == (RECORD, "lines[0]")
    spec = attrs.evolve(spec_of(Orders), extras=Extras.RESCUE)
    (row,) = rows(read('{"Id": 1, "lines": [], "Other": 1}', spec, ignore_case=True))
    assert row["_rescued"] == '{"Other": 1}'


def test_bytes_that_are_no_text_are_shown_and_only_their_row_is_refused() -> None:
    body = b'{"a": "x"}\n{"a": "b\xe4h"}\n{"b": "\xff"}\n{"a": "z"}\n'
    found = read(body, one("string"))
    assert [row["a"] for row in rows(found)] == ["x", "z"]
    assert [(r.row, r.reason, r.column, r.value) for r in bad(found)] == [
        (2, ENCODING, "a", "b\\xe4h"),
        (3, ENCODING, None, None),
    ]
    assert bad(found)[0].record == '{"a": "b\\xe4h"}'
    assert [row["a"] for row in rows(read(body, one("string"), encoding="latin-1"))] == ["x", "bäh", None, "z"]


def test_of_a_very_long_value_the_beginning_is_shown() -> None:
    for line in (json.dumps({"a": "x" * 200_000}), json.dumps({"a": ["é" * 200_000]}, ensure_ascii=False)):
        (row,) = bad(read(line, one("bigint")))
        assert row.value is not None
        assert row.record is not None
        assert len(row.value) < len(row.record) + 10 < 70_000
        assert len(row.problem) < 300


def test_compressed_and_in_other_encodings() -> None:
    lines = '{"a": "bäh"}\n{"a": "é"}\n'
    for body, options in (
        (gzip.compress(lines.encode()), {}),
        (lines.encode("utf-8-sig"), {}),
        (lines.encode("utf-16"), {"encoding": "utf-16"}),
        (lines.encode("cp1252"), {"encoding": "cp1252"}),
    ):
        assert [row["a"] for row in rows(read(body, one("string"), **options))] == ["bäh", "é"]
    with pytest.raises(RefusedFileError) as caught:
        read(gzip.compress(lines.encode())[:-5], one("string"))
    assert caught.value.reason is Reason.DAMAGED


def test_a_line_without_an_end_fails_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "BLOCK_BYTES", 100)
    monkeypatch.setattr(jsonl, "MOST_LINE_BYTES", 1000)
    long = '{"a": "' + "x" * 5_000_000 + '"}'
    with pytest.raises(RefusedFileError, match="line 2 has no end within 1,000 bytes") as caught:
        read('{"a": "1"}\n' + long, one("string"))
    assert caught.value.reason is Reason.UNREADABLE


_values = st.one_of(
    st.integers(-(2**63), 2**63 - 1), st.just("x"), st.just(1.5), st.none(), st.just([]), st.just(2**63)
)


@settings(deadline=None, max_examples=examples(60))
@given(
    st.lists(st.one_of(_values, st.just("blank"), st.just("broken")), max_size=60),
    st.sampled_from([1, 7, 64, 4096]),
    st.sampled_from([1, 3, 64]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_every_record_is_accounted_for_wherever_blocks_end(
    values: list[Any], block_bytes: int, piece_lines: int, ends: str
) -> None:
    lines = ["" if v == "blank" else '{"a":' if v == "broken" else json.dumps({"a": v}) for v in values]
    records = [(v, n) for n, v in enumerate(values, start=1) if v != "blank"]
    fits = [type(v) is int and v < 2**63 for v, _ in records]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsonl, "BLOCK_BYTES", block_bytes)
        patch.setattr(jsonl, "PIECE_LINES", piece_lines)
        patch.setattr(text, "_READ_BYTES", 4)
        found = read(ends.join(lines), one("bigint", nullable=False))
    taken = [(row["a"], row["_source_row"]) for row in rows(found)]
    assert taken == [(v, n) for n, ((v, _), fit) in enumerate(zip(records, fits, strict=True), start=1) if fit]
    refused = [(row.row, row.line) for row in bad(found)]
    assert refused == [
        (n, line) for n, ((_, line), fit) in enumerate(zip(records, fits, strict=True), start=1) if not fit
    ]
    assert sum(chunk.records for chunk in found) == len(records)
