"""What a transform may return, what it may not, and the counts that come of it."""

from __future__ import annotations

import datetime as dt
import decimal
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import attrs
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alur_runtime import ContractSpec, Decimal, Float32, Int8, contract, spec_of
from alur_runtime.contracts.spec import Extras
from alur_runtime.errors import ConfigError
from alur_runtime.kernel.transform import Transform, Transformed, apply_transform, load_transform
from alur_runtime.reasons import Reason
from alur_runtime.rows import RefusedFileError
from alur_runtime.table.schema import rows_schema

URI = "s3://landing/orders/a.csv"


@contract()
class Line:
    """A part of an order."""

    sku: str
    pieces: int | None


@contract()
class Orders:
    """Orders."""

    order_id: int
    note: str | None
    amount: Annotated[decimal.Decimal, Decimal(6, 2)] | None
    day: dt.date | None
    at: dt.datetime | None
    small: Int8 | None
    ratio: Float32 | None
    lines: list[Line] | None


SPEC = spec_of(Orders)
LINE = pa.struct([("sku", pa.string()), ("pieces", pa.int8())])
NONE = [None] * 3
NAN = pytest.approx(math.nan, nan_ok=True)
A = {"sku": "a", "pieces": 1}

_Function = Callable[[pa.Table], Any]


def _table(count: int = 4, spec: ContractSpec = SPEC, first: int = 1) -> pa.Table:
    rows = [{"order_id": n, "note": f"n{n}", "_source_row": n} for n in range(first, first + count)]
    return pa.Table.from_pylist(rows, schema=rows_schema(spec))


def _apply(function: _Function, table: pa.Table | None = None, spec: ContractSpec = SPEC) -> Transformed:
    rows = _table(spec=spec) if table is None else table
    return apply_transform(Transform("feed.clean:run", function), rows, URI, spec)


def _refused(function: _Function, spec: ContractSpec = SPEC) -> str:
    with pytest.raises(RefusedFileError) as caught:
        _apply(function, spec=spec)
    assert caught.value.reason is Reason.TRANSFORM_FAILED
    assert str(caught.value).startswith(URI)
    assert "transform feed.clean:run " in str(caught.value)
    return str(caught.value)


def _set(name: str, values: pa.Array) -> _Function:
    return lambda table: table.set_column(table.schema.get_field_index(name), name, values)


def test_rows_may_be_changed_left_out_repeated_and_reordered() -> None:
    done = _apply(lambda table: table.take(pa.array([3, 3, 1, 3])))
    assert done.table["order_id"].to_pylist() == [4, 4, 2, 4]
    assert (done.dropped, done.added) == (2, 2)
    assert done.table.schema == rows_schema(SPEC)


def test_counts_are_of_records_that_came_in_even_where_numbers_have_gaps() -> None:
    table = _table().take(pa.array([0, 2, 3]))
    done = _apply(lambda rows: rows.slice(1), table)
    assert (done.dropped, done.added) == (1, 0)


@pytest.mark.parametrize("table", [_table(0), pa.Table.from_batches([], rows_schema(SPEC))], ids=["rows", "chunks"])
def test_a_file_without_rows(table: pa.Table) -> None:
    done = _apply(lambda table: table, table)
    assert (done.table.num_rows, done.dropped, done.added) == (0, 0, 0)
    assert done.table.schema == rows_schema(SPEC)


def test_all_rows_may_be_left_out() -> None:
    done = _apply(lambda table: table.slice(0, 0))
    assert (done.table.num_rows, done.dropped, done.added) == (0, 4, 0)


def test_columns_come_back_in_any_order() -> None:
    done = _apply(lambda table: table.select(list(reversed(table.column_names))))
    assert done.table.column_names == rows_schema(SPEC).names


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 9), max_size=40))
def test_counts_are_exact_whatever_comes_out(picked: list[int]) -> None:
    done = _apply(lambda table: table.take(pa.array(picked, pa.int64())), _table(10, first=7))
    rows = Counter(picked)
    assert done.dropped == 10 - len(rows)
    assert done.added == sum(count - 1 for count in rows.values())
    assert done.table.num_rows == 10 - done.dropped + done.added
    assert done.table["_source_row"].to_pylist() == [n + 7 for n in picked]


@pytest.mark.parametrize(
    ("name", "given_", "stored"),
    [
        ("order_id", pa.array([1, 2, 3, 4], pa.uint8()), [1, 2, 3, 4]),
        ("order_id", pa.array([1, 2, 3, 4]).dictionary_encode(), [1, 2, 3, 4]),
        ("note", pa.array(["a", None, "c", "d"], pa.large_string()), ["a", None, "c", "d"]),
        ("note", pa.array(["a", "b", "a", None]).dictionary_encode(), ["a", "b", "a", None]),
        ("note", pa.nulls(4), [None] * 4),
        ("amount", pa.array([1, -9999, None, 0], pa.int64()), [1, -9999, None, 0]),
        ("amount", pa.array(["1.50", *NONE]).cast(pa.decimal128(20, 4)), [decimal.Decimal("1.5"), *NONE]),
        ("at", pa.array([dt.date(2024, 5, 1), *NONE]), [dt.datetime(2024, 5, 1, tzinfo=dt.UTC), *NONE]),
        ("at", pa.array([0, 1, 2, 3], pa.timestamp("s")), [dt.datetime.fromtimestamp(s, dt.UTC) for s in range(4)]),
        ("at", pa.array([1000, None, None, None], pa.timestamp("ns", "Asia/Tokyo")),
         [dt.datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=dt.UTC), *NONE]),
        ("small", pa.array([-128, 127, None, 0], pa.int64()), [-128, 127, None, 0]),
        ("ratio", pa.array([1, 2, 3, None]), [1.0, 2.0, 3.0, None]),
        ("ratio", pa.array([0.5, math.nan, math.inf, None]), [0.5, NAN, math.inf, None]),
        ("order_id", pa.array([1.0, 2.0, 3.0, -4.0]), [1, 2, 3, -4]),
        ("note", pa.array([b"a", b"", None, None]), ["a", "", None, None]),
        ("lines", pa.array([[A], [], None, None]), [[A], [], None, None]),
        ("lines", pa.array([None] * 4, pa.large_list(LINE)), [None] * 4),
    ],
)  # fmt: skip
def test_types_that_hold_the_same_values_are_cast(name: str, given_: pa.Array, stored: list[Any]) -> None:
    done = _apply(_set(name, given_))
    assert done.table[name].to_pylist() == stored
    assert done.table.schema == rows_schema(SPEC)


@pytest.mark.parametrize(
    ("name", "given_", "says"),
    [
        ("order_id", pa.array(["1", "2", "3", "4"]), "'order_id': transform feed.clean:run returned type string, the"),
        ("order_id", pa.array([1.0, 2.5, 3.0, 4.0]), "row 2, column 'order_id': transform feed.clean:run returned a"),
        ("small", pa.array([1, 2, 300, 4]), "row 3, column 'small': transform feed.clean:run returned a value that"),
        ("small", pa.array([1, 2, 300, 4]), "does not fit: 300 is out of range of tinyint: -128 to 127"),
        ("order_id", pa.array([1, 2, 3, 2**63], pa.uint64()), "9223372036854775808 is out of range of bigint"),
        ("amount", pa.array([1.5, 2, 3, 4]), "returned type double, the contract has decimal128(6, 2): cast"),
        ("amount", pa.array([1, 10000, 3, 4]), "10000 is out of range of decimal(6,2)"),
        ("amount", pa.array(["1.005"] * 4).cast(pa.decimal128(9, 3)), "1.005 has digits that decimal(6,2) has not"),
        ("amount", pa.array(["12345.00"] * 4).cast(pa.decimal128(9, 2)), "12345.00 is out of range of decimal(6,2)"),
        ("ratio", pa.array([0.1, 2, 3, 4]), "0.1 has more digits than a float holds"),
        ("ratio", pa.array([1, 2, 3, 2**24 + 1]), "16777217 has more digits than a float holds"),
        ("at", pa.array([0, 0, 0, 1], pa.timestamp("ns")), "row 4, column 'at'"),
        ("at", pa.array(["2024-05-01"] * 4), "returned type string"),
        ("at", pa.array([1, 2, 3, 4]), "returned type int64"),
        ("at", pa.array([None, 253402300800_000_000, None, None], pa.timestamp("us", "UTC")), "row 2, column 'at'"),
        ("day", pa.array([None, None, None, -719_163], pa.date32()), "years are 0001 to 9999"),
        ("day", pa.array([0, 0, 0, 0], pa.timestamp("us")), "returned type timestamp[us]"),
        ("note", pa.array([1, 2, 3, 4]), "returned type int64, the contract has string"),
        ("note", pa.array([b"a", b"\xff", None, None]), "row 2, column 'note'"),
        ("order_id", pa.array([1, None, 3, 4]), "row 2, column 'order_id': transform feed.clean:run left no value"),
        ("lines", pa.array([[], [A, {"sku": None}], None, None]), "row 2, column 'lines[1].sku'"),
        ("lines", pa.array([None, [], [A], [A, None]]), "row 4, column 'lines[1]'"),
        ("lines", pa.array([["a"], [], [], []]), "column 'lines.element': transform feed.clean:run returned type list"),
        ("lines", pa.array([[{"pieces": 1}]] * 4), "the contract has list<element: struct<sku: string"),
        ("lines", pa.array([[{**A, "colour": 1}]] * 4), "with a field that the contract does not have"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(name: str, given_: pa.Array, says: str) -> None:
    assert says in _refused(_set(name, given_))


def test_values_in_later_chunks_are_named_by_their_record() -> None:
    chunks = pa.chunked_array([pa.array([1, 2]), pa.array([3, 300])])
    assert "row 4, column 'small'" in _refused(_set("small", chunks))


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda _: None, "returned a NoneType; it must return a pyarrow.Table"),
        (lambda table: table.to_batches()[0], "returned a RecordBatch"),
        (
            lambda table: table.select(["order_id", "note"]),
            "returned no column '_source_row': keep it where",
        ),
        (lambda table: table.drop_columns("note"), "returned no column 'note'; it must return order_id, note"),
        (lambda table: table.append_column("more", pa.nulls(4)), "a column 'more' that the contract does not have"),
        (lambda table: table.append_column("note", table["note"]), "returned column 'note' twice"),
        (
            _set("_source_row", pa.array([1, 2, 3, 9])),
            "returned 9, which is no record that it got, as '_source_row' of row 4",
        ),
        (_set("_source_row", pa.array([1, None, 3, 4])), "returned no value as '_source_row' of row 2 of its table"),
        (_set("_source_row", pa.array(["1", "2", "3", "4"])), "returned '_source_row' as string; it must stay"),
        (
            _set("_source_row", pa.array([1, 2, 3, 2**64 - 1], pa.uint64())),
            "returned 18,446,744,073,709,551,615",
        ),
    ],
)
def test_a_table_that_does_not_fit_is_refused(function: _Function, says: str) -> None:
    assert says in _refused(function)


def test_rescued_values_must_come_back() -> None:
    spec = attrs.evolve(SPEC, extras=Extras.RESCUE)
    assert "returned no column '_rescued'" in _refused(lambda table: table.drop_columns("_rescued"), spec)
    assert _apply(lambda table: table, spec=spec).table.column_names[-2:] == ["_rescued", "_source_row"]


@pytest.fixture
def feed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The user's module."""
    source = (
        "import pyarrow.compute as pc\n\n\n"
        "def clean(table):\n    return helper(table['nope'])\n\n\n"
        "def helper(values):\n    return values\n\n\n"
        "def divide(table):\n"
        "    try:\n        return 1 / 0\n    except ZeroDivisionError as error:\n"
        "        raise KeyError('a row without a price') from error\n\n\n"
        "number = 3\n"
    )
    (tmp_path / "users_feed.py").write_text(source)
    (tmp_path / "broken_feed.py").write_text("import no_such_library\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return "users_feed"


def test_an_error_comes_with_the_users_own_lines(feed: str) -> None:
    found = load_transform(f"{feed}:clean")
    assert found is not None
    with pytest.raises(RefusedFileError) as caught:
        apply_transform(found, _table(), URI, SPEC)
    text = str(caught.value)
    assert text.startswith(f"{URI}: transform {feed}:clean raised KeyError: ")
    assert "in clean\n    return helper(table['nope'])" in text
    assert "alur_runtime" not in text


def test_the_cause_of_an_error_is_told(feed: str) -> None:
    found = load_transform(f"{feed}:divide")
    assert found is not None
    with pytest.raises(RefusedFileError, match="raised KeyError: 'a row without a price'") as caught:
        apply_transform(found, _table(), URI, SPEC)
    assert "ZeroDivisionError: division by zero" in str(caught.value)


def test_a_long_traceback_keeps_its_end() -> None:
    def fails(_: pa.Table) -> pa.Table:
        raise ValueError("x" * 50_000 + "the end")

    text = _refused(fails)
    assert text.endswith("the end")
    assert len(text) < 10_000


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("no_such_module:clean", "transform: 'no_such_module:clean' cannot be loaded: ModuleNotFoundError"),
        ("users_feed:nothing", "AttributeError: module 'users_feed' has no attribute 'nothing'"),
        ("users_feed:number", "is a int, no function"),
        ("broken_feed:clean", "import no_such_library"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("feed")
def test_a_function_that_cannot_be_loaded_is_named(name: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_transform(name)
    assert says in str(caught.value)


def test_no_transform() -> None:
    assert load_transform(None) is None


def test_filters_by_arrow_expressions_work() -> None:
    done = _apply(lambda table: table.filter(pc.field("order_id") > 2))
    assert (done.table.num_rows, done.dropped) == (2, 2)
