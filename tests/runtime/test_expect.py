"""Expectations on Arrow tables against a plain evaluation in Python, and what people are told."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import math
import re
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import attrs
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alur_runtime import Decimal, Float32, Int8, contract, spec_of
from alur_runtime.checks.expect import Expecting, Taken, Verdicts
from alur_runtime.checks.operands import check_operands
from alur_runtime.contracts.expectations import (
    Check,
    Expectation,
    Severity,
    between,
    function,
    in_set,
    matches,
    not_null,
    pattern_error,
    row_count,
    unique,
)
from alur_runtime.contracts.spec import ContractSpec, check_spec
from alur_runtime.errors import ConfigError, ContractError
from alur_runtime.reasons import Reason
from alur_runtime.rows import RefusedFileError
from alur_runtime.table.schema import rows_schema

URI = "s3://landing/orders/a.csv"
WARN, QUARANTINE, FAIL = Severity.WARN, Severity.QUARANTINE, Severity.FAIL_FILE
NOON = dt.datetime(2024, 5, 1, 12, tzinfo=dt.UTC)
NEW_YEAR = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
LONG_AGO = dt.datetime(1, 1, 1, tzinfo=dt.UTC)


@contract()
class Everything:
    """A column of each type that can be compared, and some that cannot."""

    id: int | None
    small: Int8 | None
    text: str | None
    flag: bool | None
    real: float | None
    short: Float32 | None
    price: Annotated[decimal.Decimal, Decimal(9, 2)] | None
    day: dt.date | None
    at: dt.datetime | None
    raw: bytes | None
    tags: list[str] | None


SPEC = spec_of(Everything)


def _table(rows: list[dict[str, Any]], first: int = 1) -> pa.Table:
    numbered = [{"_source_row": first + n, **row} for n, row in enumerate(rows)]
    return pa.Table.from_pylist(numbered, schema=rows_schema(SPEC))


def _check(expectations: list[Expectation], *tables: pa.Table) -> tuple[list[Taken], Verdicts]:
    expecting = Expecting(expectations, SPEC, URI)
    taken = [expecting.take(table) for table in tables]
    return taken, expecting.finish()


def _values(column: str, values: list[Any]) -> pa.Table:
    return _table([{column: value} for value in values])


CASES = [
    (not_null("text"), "text", ["a", None, "", None], [2, 4], 4),
    (in_set("text", ("a", "b")), "text", ["a", "b", "c", None, "A"], [3, 5], 4),
    (in_set("flag", (True,)), "flag", [True, False, None], [2], 2),
    (in_set("small", (1, 2)), "small", [1, 3, None], [2], 2),
    (in_set("price", (decimal.Decimal("1.50"),)), "price", [decimal.Decimal("1.5"), decimal.Decimal(2)], [2], 2),
    (in_set("day", (dt.date(2024, 5, 1),)), "day", [dt.date(2024, 5, 1), dt.date(2024, 5, 2)], [2], 2),
    (in_set("real", (0,)), "real", [0.0, -0.0, 1e-300], [3], 3),
    (in_set("real", (math.nan, 1)), "real", [math.nan, 1.0, 2.0], [3], 3),
    (in_set("short", ("0.1",)), "short", [0.1, 0.2], [2], 2),
    (in_set("at", (NOON,)), "at", [NOON, None], [], 1),
    (matches("text", "[a-z]+"), "text", ["abc", "Abc", "abc1", "", None, "abc\n"], [2, 3, 4, 6], 5),
    (matches("text", "a|bc"), "text", ["a", "bc", "ac", "bca"], [3, 4], 4),
    (matches("text", "."), "text", ["é", "\U0001f600", "ab"], [3], 3),
    (between("id", 2, 3), "id", [1, 2, 3, 4, None], [1, 4], 4),
    (between("id", least=2), "id", [1, 2, 2**62], [1], 3),
    (between("id", most=2), "id", [1, 2, 3, -(2**62)], [3], 4),
    (between("real", 0, 1), "real", [0.0, -0.0, math.nan, math.inf, 1.0], [3, 4], 5),
    (between("price", "0.10", "9.99"), "price", [decimal.Decimal("0.1"), decimal.Decimal(10)], [2], 2),
    (between("text", "b", "d"), "text", ["a", "b", "cc", "d", "da", "é"], [1, 5, 6], 6),
    (between("day", dt.date(2024, 1, 1)), "day", [dt.date(2023, 12, 31), dt.date(2024, 1, 1)], [1], 2),
    (between("at", "2024-01-01 00:00:00"), "at", [NEW_YEAR, LONG_AGO], [2], 2),
    (unique("id"), "id", [1, 2, 1, None, None, 1], [3, 6], 4),
    (unique("text"), "text", ["", "a", "", "A"], [3], 4),
    (unique("real"), "real", [0.0, -0.0, math.nan, math.nan, 1.0], [2, 4], 5),
    (unique("short"), "short", [1.0, 1.0, -0.0, 0.0], [2, 4], 4),
    (unique("flag"), "flag", [True, False, True], [3], 3),
    (unique("price"), "price", [decimal.Decimal(1), decimal.Decimal("1.00"), decimal.Decimal("1.01")], [2], 3),
    (unique("day"), "day", [dt.date(1, 1, 1), dt.date(9999, 12, 31), dt.date(1, 1, 1)], [3], 3),
    (unique("at"), "at", [NEW_YEAR] * 2, [2], 2),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0].name)
@pytest.mark.parametrize("severity", list(Severity))
def test_each_check(case: tuple[Expectation, str, list[Any], list[int], int], severity: Severity) -> None:
    expectation, column, values, failing, checked = case
    taken, verdicts = _check([attrs.evolve(expectation, severity=severity)], _values(column, values))
    verdict = verdicts.results[0]
    assert (verdict.met, verdict.checked, verdict.failed) == (not failing, checked, len(failing))
    assert (verdict.name, verdict.severity) == (expectation.name, severity)
    kept_out = failing if severity is QUARANTINE else []
    assert [row.row for row in taken[0].bad] == kept_out
    assert taken[0].table["_source_row"].to_pylist() == [n + 1 for n in range(len(values)) if n + 1 not in kept_out]
    assert (verdicts.refused is not None) == (bool(failing) and severity is FAIL)


@pytest.mark.parametrize("table", [_table([]), pa.Table.from_batches([], rows_schema(SPEC))], ids=["rows", "chunks"])
@pytest.mark.parametrize("expectation", [case[0] for case in CASES], ids=lambda e: e.name)
def test_no_rows(expectation: Expectation, table: pa.Table) -> None:
    taken, verdicts = _check([expectation], table, _values(expectation.columns[0], [None, None]), table)
    assert [t.bad for t in taken] == [(), (), ()]
    assert verdicts.results[0].checked == (2 if expectation.check is Check.NOT_NULL else 0)


def test_unique_over_several_columns() -> None:
    rows = [{"id": 1, "text": "a"}, {"id": 1, "text": "b"}, {"id": 1, "text": "a"}, {"id": 1}, {"id": 1}]
    taken, verdicts = _check([unique("id", "text", severity=QUARANTINE)], _table(rows))
    assert [(r.row, r.column, r.value) for r in taken[0].bad] == [(3, None, None)]
    assert taken[0].bad[0].problem == "row 1 has the same id, text (expectation 'unique_id_text')"
    assert (verdicts.results[0].checked, verdicts.results[0].failed) == (3, 1)


def test_unique_remembers_earlier_chunks() -> None:
    chunks = [
        _table([{"id": n} for n in ids], first) for ids, first in (([1, 2], 1), ([2, 3, 3], 3), ([], 6), ([1], 6))
    ]
    taken, verdicts = _check([unique("id", severity=QUARANTINE)], *chunks)
    assert [[(r.row, r.value) for r in t.bad] for t in taken] == [[], [(3, "2"), (5, "3")], [], [(6, "1")]]
    assert taken[2].table.num_rows == 0
    assert verdicts.results[0].text == (
        "3 of 6 rows: row 3, column 'id': 2 stands in row 2 too; row 5, column 'id': 3 stands in row 4 too; "
        "row 6, column 'id': 1 stands in row 1 too"
    )


def test_a_record_is_written_whole_or_not_at_all() -> None:
    rows = [
        {"_source_row": 1, "text": "good"},
        {"_source_row": 2, "text": "good"},
        {"_source_row": 2, "text": "bad"},
        {"_source_row": 2, "text": "bad"},
        {"_source_row": 3, "text": "good"},
    ]
    taken, verdicts = _check([in_set("text", ("good",), severity=QUARANTINE), row_count(2, 2)], _table(rows))
    assert taken[0].table["_source_row"].to_pylist() == [1, 3]
    assert [r.row for r in taken[0].bad] == [2]
    assert [(v.met, v.checked, v.failed) for v in verdicts.results] == [(False, 5, 2), (True, 2, 0)]


def test_a_record_is_named_once_by_the_first_expectation_that_it_fails() -> None:
    both = [not_null("text", severity=QUARANTINE), between("id", 0, severity=QUARANTINE, name="positive")]
    taken, verdicts = _check(both, _table([{"id": -1}, {"id": -2, "text": "a"}]))
    assert [(r.row, r.column, r.value) for r in taken[0].bad] == [(1, "text", None), (2, "id", "-2")]
    assert [v.failed for v in verdicts.results] == [1, 2]


def test_what_is_kept_out_says_why_and_what_it_was() -> None:
    row = {"id": 7, "text": "x", "price": decimal.Decimal("1.50"), "day": dt.date(2024, 5, 1), "raw": b"\0\xff",
           "tags": ["a"], "real": math.nan, "flag": True}  # fmt: skip
    taken, _ = _check([in_set("text", ("a", "b"), severity="quarantine", name="known")], _table([row], first=48_211))
    (bad,) = taken[0].bad
    assert (bad.row, bad.line, bad.column, bad.value) == (48_211, None, "text", "x")
    assert bad.reason is Reason.EXPECTATION_FAILED
    assert bad.problem == "'x' is not among 'a', 'b' (expectation 'known')"
    assert bad.record is not None
    assert json.loads(bad.record, parse_float=str) == {
        "id": 7, "small": None, "text": "x", "flag": True, "real": "nan", "short": None, "price": "1.50",
        "day": "2024-05-01", "at": None, "raw": "AP8=", "tags": ["a"],
    }  # fmt: skip


def test_a_file_that_is_failed_says_how_many_and_the_first() -> None:
    expectations = [
        matches("text", "[a-z]", name="letter"),
        between("id", 0, severity=WARN),
        row_count(least=1_000),
        not_null("id"),
    ]
    rows = [{"id": 5, "text": text} for text in "ABCDe"]
    _, verdicts = _check(expectations, _table(rows))
    assert str(verdicts.refused) == (
        f"{URI}: expectation 'letter' is not met: 4 of 5 rows: row 1, column 'text': 'A' does not match '[a-z]'; "
        "row 2, column 'text': 'B' does not match '[a-z]'; row 3, column 'text': 'C' does not match '[a-z]', ...; "
        "expectation 'row_count' is not met: 5 rows to write, fewer than 1,000"
    )
    assert verdicts.refused is not None
    assert verdicts.refused.reason is Reason.EXPECTATION_FAILED
    assert [v.met for v in verdicts.results] == [False, True, False, True]


@pytest.mark.parametrize(
    ("expectation", "says"),
    [
        (between("id", 2), "1 is not 2 or more"),
        (between("id", None, 0), "1 is not 0 or less"),
        (between("id", 2, 3), "1 is not from 2 to 3"),
        (not_null("text"), "row 1, column 'text': has no value"),
        (in_set("id", tuple(range(10, 20))), "1 is not among '10', '11', '12', '13', '14', '15' and 4 more"),
    ],
)
def test_sentences(expectation: Expectation, says: str) -> None:
    _, verdicts = _check([attrs.evolve(expectation, severity=WARN)], _table([{"id": 1}]))
    assert says in verdicts.results[0].text


def test_long_values_are_cut_in_sentences_and_whole_beside_them() -> None:
    taken, _ = _check([matches("text", "a", severity=QUARANTINE)], _values("text", ["x" * 5_000]))
    assert taken[0].bad[0].value == "x" * 5_000
    assert len(taken[0].bad[0].problem) < 400


@pytest.mark.parametrize(
    ("least", "most", "rows", "text"),
    [
        (1, None, 0, "0 rows to write, fewer than 1"),
        (None, 2, 3, "3 rows to write, more than 2"),
        (1, 3, 3, ""),
        (0, None, 0, ""),
    ],
)
def test_row_count(least: int | None, most: int | None, rows: int, text: str) -> None:
    _, verdicts = _check([row_count(least, most)], _table([{"id": n} for n in range(rows)]))
    assert (verdicts.results[0].met, verdicts.results[0].text) == (not text, text)
    assert (verdicts.refused is None) == (not text)


# --- against a plain evaluation in Python ---------------------------------------------------------------------------

_TEXT = st.sampled_from(["", "a", "b", "ab", "é", "z\n", None])
_ROW = st.fixed_dictionaries(
    {
        "id": st.none() | st.integers(-2, 4),
        "text": _TEXT,
        "real": st.none() | st.sampled_from([0.0, -0.0, 1.5, -1.5, math.nan, math.inf]),
        "price": st.none() | st.decimals(-2, 2, places=2),
        "flag": st.none() | st.booleans(),
    }
)
_SEVERITY = st.sampled_from(list(Severity))
_EXPECTATION = st.one_of(
    st.builds(not_null, st.sampled_from(["id", "text", "real"]), severity=_SEVERITY),
    st.builds(in_set, st.just("text"), st.sampled_from([("a",), ("", "é"), ("ab", "b")]), severity=_SEVERITY),
    st.builds(in_set, st.just("real"), st.sampled_from([(0.0,), (math.nan, 1.5)]), severity=_SEVERITY),
    st.builds(matches, st.just("text"), st.sampled_from(["a?", "[a-z]+", ".*", "(?i)A|É"]), severity=_SEVERITY),
    st.builds(between, st.just("id"), st.sampled_from([0, -1]), st.sampled_from([1, 3, None]), severity=_SEVERITY),
    st.builds(between, st.just("real"), st.just(-1.5), st.sampled_from([0.0, None]), severity=_SEVERITY),
    st.builds(between, st.just("price"), st.just("-0.5"), st.just("0.5"), severity=_SEVERITY),
    st.builds(unique, st.just("id"), severity=_SEVERITY),
    st.builds(unique, st.just("text"), st.just("real"), severity=_SEVERITY),
    st.builds(unique, st.just("flag"), st.just("price"), st.just("id"), severity=_SEVERITY),
)


def _key(value: Any) -> Any:
    return "nan" if isinstance(value, float) and math.isnan(value) else value


def _plain(expectation: Expectation, rows: list[dict[str, Any]]) -> tuple[int, list[int]]:
    """How many rows are looked at, and the positions of those that fail: one row after another."""
    if expectation.check is Check.NOT_NULL:
        return len(rows), [n for n, row in enumerate(rows) if row[expectation.columns[0]] is None]
    valid = [n for n, row in enumerate(rows) if all(row[c] is not None for c in expectation.columns)]
    if expectation.check is Check.UNIQUE:
        keys = [(n, tuple(_key(rows[n][c]) for c in expectation.columns)) for n in valid]
        first = {key: n for n, key in reversed(keys)}
        return len(valid), [n for n, key in keys if first[key] != n]
    convert: Callable[[str], Any] = {"id": int, "real": float, "price": decimal.Decimal, "text": str}[
        expectation.columns[0]
    ]

    def fails(value: Any) -> bool:
        if expectation.check is Check.IN_SET:
            return _key(value) not in {_key(convert(v)) for v in expectation.values}
        if expectation.check is Check.MATCHES:
            return re.fullmatch(expectation.pattern, value) is None
        least = expectation.least is None or value >= convert(expectation.least)
        return not (least and (expectation.most is None or value <= convert(expectation.most)))

    return len(valid), [n for n in valid if fails(rows[n][expectation.columns[0]])]


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.tuples(_ROW, st.integers(0, 2)), max_size=25),
    st.lists(_EXPECTATION, max_size=4, unique_by=lambda e: e.name),
    st.sets(st.integers(0, 25)),
)
def test_as_a_plain_evaluation_says(
    drawn: list[tuple[dict[str, Any], int]], expectations: list[Expectation], cuts: set[int]
) -> None:
    rows: list[dict[str, Any]] = []
    for row, step in drawn:
        # steps of 0 are rows that one record was made into; records stay together
        number = (rows[-1]["_source_row"] if rows else 0) + (step if rows else 1)
        rows.append({**row, "_source_row": number})
    starts = [n for n in sorted(cuts) if 0 < n < len(rows) and rows[n]["_source_row"] != rows[n - 1]["_source_row"]]
    bounds = list(zip([0, *starts], [*starts, len(rows)], strict=True))
    taken, verdicts = _check(expectations, *[_table(rows[low:high]) for low, high in bounds])

    kept_out: set[int] = set()
    for expectation, verdict in zip(expectations, verdicts.results, strict=True):
        checked, failing = _plain(expectation, rows)
        assert (verdict.checked, verdict.failed, verdict.met) == (checked, len(failing), not failing), expectation
        if expectation.severity is QUARANTINE:
            kept_out |= {rows[n]["_source_row"] for n in failing}
    assert [row.row for t in taken for row in t.bad] == sorted(kept_out)
    stays = [number for t in taken for number in t.table["_source_row"].to_pylist()]
    assert stays == [row["_source_row"] for row in rows if row["_source_row"] not in kept_out]
    # every record is written or kept out
    assert set(stays) | kept_out == {row["_source_row"] for row in rows}
    fails = [v for v in verdicts.results if not v.met and v.severity is FAIL]
    assert (verdicts.refused is not None) == bool(fails)


# --- functions ------------------------------------------------------------------------------------------------------


@pytest.fixture
def checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The user's module."""
    source = (
        "import pyarrow as pa\nimport pyarrow.compute as pc\n\n\n"
        "def positive(table):\n    return pc.greater(table['id'], 0)\n\n\n"
        "def columns(table):\n    return '_source_row' not in table.column_names\n\n\n"
        "def few(table):\n    return pa.scalar(table.num_rows < 3)\n\n\n"
        "def fails(table):\n    return table['nope']\n\n\n"
        "def short(table):\n    return pa.array([True])\n\n\n"
        "def numbers(table):\n    return table['id']\n\n\n"
        "def nothing(table):\n    pass\n"
    )
    (tmp_path / "users_checks.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    return "users_checks"


def test_a_function_judges_rows(checks: str) -> None:
    rows = _table([{"id": 1}, {"id": 0}, {}, {"id": -1}])
    taken, verdicts = _check([function(f"{checks}:positive", severity=QUARANTINE, name="positive")], rows)
    assert [(r.row, r.column, r.problem) for r in taken[0].bad] == [
        (2, None, f"{checks}:positive says no (expectation 'positive')"),
        (4, None, f"{checks}:positive says no (expectation 'positive')"),
    ]
    assert (verdicts.results[0].checked, verdicts.results[0].failed) == (4, 2)
    assert (
        verdicts.results[0].text == f"2 of 4 rows: row 2: {checks}:positive says no; row 4: {checks}:positive says no"
    )


@pytest.mark.parametrize(("name", "count", "met"), [("few", 2, True), ("few", 3, False), ("columns", 5, True)])
def test_a_function_judges_a_file(checks: str, name: str, count: int, met: bool) -> None:
    expectation = function(f"{checks}:{name}", name="n")
    _, verdicts = _check([expectation], _table([{"id": n} for n in range(count)]))
    assert (verdicts.results[0].met, verdicts.results[0].checked, verdicts.results[0].failed) == (met, count, 0)
    assert (verdicts.refused is None) == met


@pytest.mark.parametrize(
    ("name", "severity", "says"),
    [
        ("few", QUARANTINE, "returned one bool: with severity=quarantine it must return one a row"),
        ("fails", WARN, "users_checks:fails raised KeyError: "),
        ("fails", WARN, "in fails\n    return table['nope']"),
        ("short", FAIL, "returned 1 values for 2 rows"),
        ("numbers", FAIL, "returned a ChunkedArray of int64; it must return a pyarrow array of bool, or one bool"),
        ("nothing", FAIL, "returned a NoneType"),
    ],
)
def test_a_function_that_cannot_judge_fails_the_file(checks: str, name: str, severity: Severity, says: str) -> None:
    expecting = Expecting([function(f"{checks}:{name}", severity=severity, name="n")], SPEC, URI)
    with pytest.raises(RefusedFileError, match="expectation 'n' could not be checked") as caught:
        expecting.take(_table([{"id": 1}, {"id": 2}]))
    assert caught.value.reason is Reason.EXPECTATION_FAILED
    assert says in str(caught.value)


def test_a_function_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match="expectation 'n': 'no_such_module:f' cannot be loaded"):
        Expecting([function("no_such_module:f", name="n")], SPEC, URI)


def test_only_functions_need_the_whole_file(checks: str) -> None:
    plain = [not_null("id"), unique("text"), row_count(1)]
    assert not Expecting(plain, SPEC, URI).needs_whole_file
    assert Expecting([*plain, function(f"{checks}:few")], SPEC, URI).needs_whole_file


# --- at preview -----------------------------------------------------------------------------------------------------


def _spec(expectation: Expectation) -> ContractSpec:
    return attrs.evolve(SPEC, expectations=(expectation,))


@pytest.mark.parametrize(
    ("expectation", "says"),
    [
        (not_null("nope"), "'nope' is no column; columns are id, small"),
        (attrs.evolve(not_null("id"), columns=("id", "text")), "not_null is about one column, this names 2"),
        (unique(), "unique needs at least one column"),
        (unique("id", "tags"), "unique cannot compare values of type array"),
        (in_set("raw", ("a",)), "in_set cannot compare values of type binary"),
        (in_set("text", ()), "allows no value at all"),
        (matches("id", "1"), "matches needs a column of text, this is a bigint"),
        (matches("text", "a("), "'a(' is no regular expression (RE2): missing ): a("),
        (matches("text", "(?=a)"), "is no regular expression (RE2): invalid perl operator"),
        (between("flag", 0), "a boolean has no order"),
        (between("tags", 0), "a array has no order"),
        (between("id"), "has no limit"),
        (row_count(), "has no limit"),
        (row_count(1, severity=QUARANTINE), "row_count is about the whole file"),
        (function("module", name="n"), "write module:function"),
        (function("a b:c", name="n"), "write module:function"),
        (function(len, name="n"), "<built-in function len> is no name of a function, which the job loads"),  # type: ignore[arg-type]
    ],
)
def test_an_expectation_that_cannot_be(expectation: Expectation, says: str) -> None:
    with pytest.raises(ContractError) as caught:
        check_spec(_spec(expectation))
    assert str(caught.value).startswith(f"contract Everything: expectation {expectation.name!r}: ")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("expectation", "says"),
    [
        (between("small", 0, 300), "'300' is no value of its column"),
        (in_set("id", (1, "two")), "'two' is no value of its column"),
        (between("day", "yesterday"), "'yesterday' is no value of its column"),
        (between("id", 3, 2), "nothing is from 3 to 2"),
        (between("real", "nan", 2), "nothing is from nan to 2"),
        (row_count(3, 2), "nothing is from 3 to 2"),
    ],
)
def test_values_that_do_not_fit_their_column(expectation: Expectation, says: str) -> None:
    check_spec(_spec(expectation))
    with pytest.raises(ContractError) as caught:
        check_operands(_spec(expectation))
    assert says in str(caught.value)


@pytest.mark.parametrize("expectation", [case[0] for case in CASES], ids=lambda e: e.name)
def test_what_can_be_checked_is_taken_at_preview(expectation: Expectation) -> None:
    spec = _spec(expectation)
    check_operands(check_spec(spec))


def test_values_of_a_set_have_an_order() -> None:
    assert in_set("text", frozenset("cab")).values == ("a", "b", "c")
    assert in_set("text", ["c", "a"]).values == ("c", "a")


@pytest.mark.parametrize("values", ["EUR", ("EUR", None)])
def test_what_is_no_set_of_values(values: Any) -> None:
    with pytest.raises(ContractError, match="in_set takes several values, and None is none of them"):
        in_set("text", values)


def test_a_severity_that_is_none() -> None:
    with pytest.raises(ContractError, match="severity is 'fatal'; allowed are warn, quarantine, fail_file"):
        not_null("id", severity="fatal")


def test_names() -> None:
    made = [not_null("id"), unique("id", "text"), row_count(1), function("m:f"), in_set("id", (1,), name="one")]
    assert [e.name for e in made] == ["not_null_id", "unique_id_text", "row_count", "m:f", "one"]
    assert Counter(e.severity for e in made) == {FAIL: 5}


def test_patterns_are_checked_where_there_is_no_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pattern_error("a(") == "missing ): a("
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert pattern_error("a(b)?") is None
    assert pattern_error("a(") == "missing ), unterminated subpattern at position 1"
