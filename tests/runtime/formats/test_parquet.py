# ruff: noqa: DTZ001, DTZ901  (local times are what it is about)
"""Parquet files into rows: what is cast, what is refused and by which name, and that nothing damaged is read."""

from __future__ import annotations

import datetime as dt
import decimal
import io
import random
from typing import Annotated, Any

import attrs
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alur_runtime import Decimal, contract, spec_of
from alur_runtime.contracts.declare import Int8
from alur_runtime.contracts.options import AmbiguousTimes, ParquetOptions
from alur_runtime.contracts.spec import Column, ContractSpec, Extras, check_spec
from alur_runtime.formats import parquet
from alur_runtime.formats.arrow_times import Calendar
from alur_runtime.formats.nested_casts import Planner
from alur_runtime.formats.parquet import read_parquet
from alur_runtime.formats.times import Times
from alur_runtime.reasons import Reason
from alur_runtime.rows import BadRow, Chunk, RefusedFileError
from alur_runtime.table.schema import arrow_type, rows_schema

URI = "s3://landing/a.parquet"
UTC = dt.UTC


@contract()
class Line:
    sku: str
    count: Int8 | None


@contract()
class Orders:
    id: int
    lines: list[Line]
    home: Line | None
    note: str | None


def written(table: pa.Table, **settings: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **settings)
    return sink.getvalue()


def read(body: bytes, spec: ContractSpec, **options: Any) -> list[Chunk]:
    chunks = list(read_parquet(io.BytesIO(body), URI, spec, ParquetOptions(**options)))
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


def read_values(values: pa.Array, glue_type: str, **options: Any) -> tuple[list[Any], dict[int, Reason]]:
    """The values that are taken, and for each row that is not the reason."""
    chunks = read(written(pa.table({"a": values})), one(glue_type), **options)
    return [row["a"] for row in rows(chunks)], {row.row: row.reason for row in bad(chunks)}


D = decimal.Decimal
OUT, LOST, BAD = Reason.OUT_OF_RANGE, Reason.LOST_PRECISION, Reason.BAD_VALUE
MOST = 2**63 - 1

CASTS: list[tuple[pa.Array, str, list[Any], dict[int, Reason]]] = [
    # whole numbers
    (pa.array([-128, 127, None, 128, -129], pa.int16()), "tinyint", [-128, 127, None], {4: OUT, 5: OUT}),
    (pa.array([0, 255], pa.uint8()), "smallint", [0, 255], {}),
    (pa.array([0, 128], pa.uint8()), "tinyint", [0], {2: OUT}),
    (pa.array([MOST, MOST + 1], pa.uint64()), "bigint", [MOST], {2: OUT}),
    (pa.array([-MOST - 1, MOST], pa.int64()), "bigint", [-MOST - 1, MOST], {}),
    (pa.array([1.0, -0.0, 1.5, float("nan"), float("inf"), 1e300, 2.0**63, -(2.0**63), None]), "bigint",
     [1, 0, -(2**63), None], {3: LOST, 4: BAD, 5: BAD, 6: OUT, 7: OUT}),
    (pa.array([D("7.00"), D("7.01"), D("300.00")], pa.decimal128(9, 2)), "tinyint", [7], {2: LOST, 3: OUT}),
    (pa.array([D(MOST), D(MOST + 1)], pa.decimal128(38, 0)), "bigint", [MOST], {2: OUT}),
    (pa.array([D("9.9"), D("9.0")], pa.decimal128(2, 1)), "tinyint", [9], {1: LOST}),
    # decimals
    (pa.array([1, 999, 1000, -1000, None], pa.int64()), "decimal(5,2)",
     [D("1.00"), D("999.00"), None], {3: OUT, 4: OUT}),
    (pa.array([MOST], pa.int64()), "decimal(19,0)", [D(MOST)], {}),
    (pa.array([2**64 - 1], pa.uint64()), "decimal(38,18)", [D(2**64 - 1)], {}),
    (pa.array([0, 1], pa.int64()), "decimal(38,38)", [D(0)], {2: OUT}),
    (pa.array([D("1.500"), D("1.505"), D("999.990"), D("1000.000")], pa.decimal128(7, 3)), "decimal(5,2)",
     [D("1.50"), D("999.99")], {2: LOST, 4: OUT}),
    (pa.array([D("9.99")], pa.decimal128(3, 2)), "decimal(3,1)", [], {1: LOST}),
    (pa.array([D("1.5")], pa.decimal128(2, 1)), "decimal(38,37)", [D("1.5")], {}),
    (pa.array([D(10**38 - 1), D(10**38)], pa.decimal256(50, 0)), "decimal(38,0)", [D(10**38 - 1)], {2: OUT}),
    # floats
    (pa.array([0.1, 1e300, -1e300, 0.5], pa.float64()), "float", [0.5], {1: LOST, 2: OUT, 3: OUT}),
    (pa.array([1e-300, 0.0, float("inf"), float("-inf")]), "float", [0.0, float("inf"), float("-inf")], {1: OUT}),
    (pa.array([0.5, None], pa.float32()), "double", [0.5, None], {}),
    (pa.array([2**53, 2**53 + 1, -(2**53) - 1, MOST, -MOST - 1, 2**60], pa.int64()), "double",
     [2.0**53, -(2.0**63), 2.0**60], {2: LOST, 3: LOST, 4: LOST}),
    (pa.array([2**24, 2**24 + 1], pa.int32()), "float", [2.0**24], {2: LOST}),
    (pa.array([2**64 - 1, 2**63], pa.uint64()), "double", [2.0**63], {1: LOST}),
    # dates and times
    (pa.array([0, -719_162, -719_163, 2_932_896, 2_932_897], pa.int32()).cast(pa.date32()), "date",
     [dt.date(1970, 1, 1), dt.date.min, dt.date.max], {3: OUT, 5: OUT}),
    (pa.array([dt.date(2024, 5, 1)]), "timestamp", [dt.datetime(2024, 5, 1, tzinfo=UTC)], {}),
    (pa.array([1_000, 1_001, -1_001, None], pa.timestamp("ns")), "timestamp",
     [dt.datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC), None], {2: LOST, 3: LOST}),
    (pa.array([1_500], pa.timestamp("ms", "Asia/Tokyo")), "timestamp",
     [dt.datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)], {}),
    (pa.array([2**62, 253_402_300_800_000], pa.timestamp("ms")), "timestamp", [], {1: OUT, 2: OUT}),
    # text and bytes
    (pa.array(["a", None, ""]).dictionary_encode(), "string", ["a", None, ""], {}),
    (pa.array(["é"], pa.large_string()), "string", ["é"], {}),
    (pa.array(["é".encode(), b"\xff", None]), "string", ["é", None], {2: Reason.BAD_ENCODING}),
    (pa.array([b"\xff\x00"], pa.large_binary()), "binary", [b"\xff\x00"], {}),
    (pa.array([b"\xff\x00"], pa.binary(2)), "binary", [b"\xff\x00"], {}),
    (pa.array([True, None]), "boolean", [True, None], {}),
    (pa.nulls(2), "decimal(5,2)", [None, None], {}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "glue_type", "taken", "refused"), CASTS, ids=lambda v: str(getattr(v, "type", v))[:40]
)
def test_a_value_is_cast_exactly_or_refused(
    values: pa.Array, glue_type: str, taken: list[Any], refused: dict[int, Reason]
) -> None:
    assert read_values(values, glue_type) == (taken, refused)


NEVER = [
    (pa.array(["1"]), "bigint"),
    (pa.array(["1.5"]), "decimal(5,2)"),
    (pa.array(["true"]), "boolean"),
    (pa.array(["2024-01-01"]), "date"),
    (pa.array([1]), "boolean"),
    (pa.array([True]), "bigint"),
    (pa.array([1]), "string"),
    (pa.array([1.5]), "decimal(5,2)"),
    (pa.array([D("1.5")]), "double"),
    (pa.array([1], pa.timestamp("us")), "date"),
    (pa.array([1], pa.timestamp("us")), "bigint"),
    (pa.array([1]), "timestamp"),
    (pa.array([1], pa.time64("us")), "timestamp"),
    (pa.array(["a"]), "binary"),
    (pa.array([b"0123456789abcdef"], pa.binary(16)), "string"),
    (pa.array([[1]]), "bigint"),
    (pa.array([{"b": 1}]), "string"),
]


@pytest.mark.parametrize(("values", "glue_type"), NEVER, ids=str)
def test_a_type_that_is_never_the_columns_fails_the_file(values: pa.Array, glue_type: str) -> None:
    with pytest.raises(RefusedFileError) as caught:
        read_values(values, glue_type)
    assert (caught.value.reason, caught.value.column) == (Reason.HEADER_MISMATCH, "a")
    assert glue_type in str(caught.value)
    assert str(values.type).partition("<")[0] in str(caught.value)


def exact(value: Any, glue_type: str) -> Any:
    """What a contract's type holds of a number exactly, in plain Python, or the reason why not."""
    number = value.as_integer_ratio() if not isinstance(value, float) or value - value == 0 else None
    if glue_type in ("float", "double"):
        if number is None:
            return value
        found = (
            float(value) if glue_type == "double" else pa.scalar(float(value)).cast(pa.float32(), safe=False).as_py()
        )
        if found - found != 0 or (not found and number[0]):
            return OUT
        return found if found.as_integer_ratio() == number else LOST
    if number is None:
        return BAD
    if glue_type.startswith("decimal"):
        precision, scale = map(int, glue_type[8:-1].split(","))
        if abs(number[0]) >= 10 ** (precision - scale) * number[1]:
            return OUT
        scaled, rest = divmod(number[0] * 10**scale, number[1])
        return LOST if rest else D(scaled).scaleb(-scale, decimal.Context(prec=99))
    bits = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}[glue_type] - 1
    whole = number[1] == 1
    if not whole:
        return LOST if -(2**bits) <= int(value) < 2**bits else OUT
    return number[0] if -(2**bits) <= number[0] < 2**bits else OUT


def test_numbers_of_any_type_into_any_type_as_plain_python_has_it() -> None:
    chosen = random.Random(4)
    near = [s * (2**b + d) for b in (0, 7, 8, 15, 16, 24, 31, 32, 53, 62, 63, 64) for d in (-1, 0, 1) for s in (1, -1)]
    targets = ["tinyint", "smallint", "int", "bigint", "float", "double", "decimal(3,0)", "decimal(9,4)",
               "decimal(18,18)", "decimal(20,1)", "decimal(38,0)", "decimal(38,19)"]  # fmt: skip
    sources: list[pa.Array] = []
    for kind in (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()):
        signed = pa.types.is_signed_integer(kind)
        least, most = (
            (-(2 ** (kind.bit_width - 1)), 2 ** (kind.bit_width - 1) - 1) if signed else (0, 2**kind.bit_width - 1)
        )
        drawn = [chosen.randint(least, most) for _ in range(20)]
        sources.append(pa.array([n for n in near + drawn if least <= n <= most] + [None], kind))
    floats = [float(n) for n in near] + [chosen.uniform(-1e6, 1e6) for _ in range(30)]
    floats += [0.5, 0.1, 1e300, 1e-300, 1e-40, 3.5e38, float("inf"), float("-inf")]
    sources += [pa.array([*floats, None], pa.float64()), pa.array([*floats, None]).cast(pa.float32(), safe=False)]
    for precision, scale in ((3, 0), (5, 2), (18, 18), (20, 10), (38, 0), (38, 20)):
        limit = 10**precision - 1
        units = [0, 1, -1, limit, -limit, 10**scale, 5 * 10**scale, 50 * 10**scale, 127 * 10**scale, 128 * 10**scale]
        units += [chosen.randint(-limit, limit) for _ in range(20)]
        context = decimal.Context(prec=99)
        values = [D(n).scaleb(-scale, context) for n in units if abs(n) <= limit]
        sources.append(pa.array(values, pa.decimal128(precision, scale)))
    compared = 0
    for source in sources:
        for target in targets:
            floating, decimals = pa.types.is_floating(source.type), pa.types.is_decimal(source.type)
            if (floating and target.startswith("decimal")) or (decimals and target in ("float", "double")):
                continue
            expected = [None if v is None else exact(v, target) for v in source.to_pylist()]
            taken = [v for v in expected if not isinstance(v, Reason)]
            refused = {i: v for i, v in enumerate(expected, start=1) if isinstance(v, Reason)}
            assert read_values(source, target) == (taken, refused), (source.type, target)
            compared += len(expected)
    assert compared > 5000


def test_times_without_a_zone_are_in_the_declared_one() -> None:
    local = [dt.datetime(2024, 7, 1, 12), dt.datetime(2024, 3, 31, 2, 30), dt.datetime(2024, 10, 27, 2, 30), None]
    local += [dt.datetime(2060, 7, 1, 12), dt.datetime.min]
    values = pa.array(local, pa.timestamp("us"))
    summer, future = (dt.datetime(y, 7, 1, 10, tzinfo=UTC) for y in (2024, 2060))
    found = read_values(values, "timestamp", timezone="Europe/Berlin")
    assert found == ([summer, None, future], {2: BAD, 3: BAD, 6: OUT})
    found = read_values(values, "timestamp", timezone="Europe/Berlin", ambiguous_times=AmbiguousTimes.LATER)
    assert found == ([summer, dt.datetime(2024, 10, 27, 1, 30, tzinfo=UTC), None, future], {2: BAD, 6: OUT})
    # Those with one are instants already.
    zoned = pa.array([dt.datetime(2024, 3, 31, 2, 30, tzinfo=UTC)], pa.timestamp("us", "UTC"))
    assert read_values(zoned, "timestamp", timezone="Europe/Berlin")[0] == [dt.datetime(2024, 3, 31, 2, 30, tzinfo=UTC)]


def test_int96_is_read_in_every_year_and_never_cut() -> None:
    old = [dt.datetime.min, dt.datetime(1582, 10, 4), dt.datetime(2500, 1, 1, 1, 1, 1, 1), dt.datetime.max]
    body = written(pa.table({"a": pa.array(old, pa.timestamp("us"))}), use_deprecated_int96_timestamps=True)
    assert [row["a"].replace(tzinfo=None) for row in rows(read(body, one("timestamp")))] == old
    nested = pa.array([[{"t": 1_000}], [{"t": 5_000}, {"t": 5_001}]], pa.list_(pa.struct([("t", pa.timestamp("ns"))])))
    table = pa.table({"a": pa.array([2_000, 2_001], pa.timestamp("ns")), "n": nested, "plain": pa.array([1, 2])})
    body = written(table, use_deprecated_int96_timestamps=True)
    at = Column("t", "timestamp", nullable=True)
    element = Column("element", "struct<t:timestamp>", nullable=True, fields=(at,))
    found = read(body, check_spec(ContractSpec("T", (Column("n", "array<struct<t:timestamp>>", fields=(element,)),))))
    assert [(r.row, r.column, r.reason) for r in bad(found)] == [(2, "n[1].t", LOST)]
    assert [r.row for r in bad(read(body, one("timestamp")))] == [2]


def test_a_file_in_sparks_old_calendar_gives_no_old_dates() -> None:
    values = [dt.date(1582, 10, 14), dt.date(1582, 10, 15)]
    for key, value in (("org.apache.spark.legacyDateTime", ""), ("org.apache.spark.version", "2.4.8")):
        body = written(pa.table({"a": values}).replace_schema_metadata({key: value}))
        # pyarrow keeps the schema's metadata among the file's, as Spark does its own.
        assert [(r.row, r.reason) for r in bad(read(body, one("date")))] == [(1, BAD)]
    body = written(pa.table({"a": values}).replace_schema_metadata({"org.apache.spark.version": "3.5.6"}))
    assert [row["a"] for row in rows(read(body, one("date")))] == values


LINE = pa.struct([("count", pa.int64()), ("sku", pa.large_string()), ("color", pa.string())])


def orders(**changes: pa.Array) -> pa.Table:
    columns = {
        "home": pa.array([None, {"sku": "h", "count": 1}, {"sku": None}, None], LINE),
        "lines": pa.array(
            [
                [{"sku": "a", "count": 1, "color": "red"}],
                [],
                [{"sku": "b", "count": 2}],
                [{"sku": "c", "count": 1}, {"count": 300}],
            ],
            pa.large_list(LINE),
        ),
        "id": pa.array([1, 2, 3, 4], pa.int32()),
    }
    return pa.table({**columns, **changes})


def test_nested_columns_bind_by_name_and_say_where_they_do_not_fit() -> None:
    found = read(written(orders()), spec_of(Orders))
    assert rows(found) == [
        {"id": 1, "lines": [{"sku": "a", "count": 1}], "home": None, "note": None, "_source_row": 1},
        {"id": 2, "lines": [], "home": {"sku": "h", "count": 1}, "note": None, "_source_row": 2},
    ]
    assert [(r.row, r.column, r.reason, r.value) for r in bad(found)] == [
        (3, "home.sku", Reason.NULL_VALUE, None),
        (4, "lines[1].count", OUT, "300"),
    ]
    assert bad(found)[1].record is not None
    assert '"id": 4' in bad(found)[1].record


def test_nulls_are_bad_rows_at_every_depth() -> None:
    inner = Column("element", "array<bigint>", fields=(Column("element", "bigint"),))
    spec = check_spec(ContractSpec("T", (Column("a", "array<array<bigint>>", fields=(inner,)),)))
    values = pa.array([[[1]], None, [None], [[1], [2, None]], []], pa.list_(pa.list_(pa.int64())))
    found = read(written(pa.table({"a": values})), spec)
    assert [row["a"] for row in rows(found)] == [[[1]], []]
    assert [(r.row, r.column, r.reason) for r in bad(found)] == [
        (2, "a", Reason.NULL_VALUE),
        (3, "a[0]", Reason.NULL_VALUE),
        (4, "a[1][1]", Reason.NULL_VALUE),
    ]


def test_lists_of_a_fixed_size_with_missing_ones() -> None:
    values = pa.array([[1, 2], None, [3, 400]], pa.list_(pa.int64(), 2))
    column = Column("a", "array<tinyint>", True, fields=(Column("element", "tinyint"),))
    planner = Planner(URI, check_spec(ContractSpec("T", (column,))), ParquetOptions(), Calendar(Times()))
    found = planner.plan(values.type, column, arrow_type(column), "a")(values)
    assert found.values.to_pylist() == [[1, 2], None, [3, None]]
    assert {index: (fault.path, fault.reason) for index, fault in found.faults.items()} == {2: ("[1]", OUT)}


def test_extras_are_ignored_kept_or_refused_at_every_depth() -> None:
    table = orders(home=pa.nulls(4, LINE), when=pa.array([dt.date(2024, 1, 1), None, None, None]))
    kept = attrs.evolve(spec_of(Orders), extras=Extras.RESCUE)
    found = read(written(table), kept)
    assert [row["_rescued"] for row in rows(found)] == [
        '{"when": "2024-01-01", "lines[0].color": "red"}',
        '{"when": null}',
        '{"when": null, "lines[0].color": null}',
    ]
    narrow = pa.table({"id": [1], "lines": pa.array([[]], pa.list_(pa.struct([("sku", pa.string())])))})
    assert [row["_rescued"] for row in rows(read(written(narrow), kept))] == [None]
    strict = attrs.evolve(spec_of(Orders), extras=Extras.REJECT)
    with pytest.raises(RefusedFileError, match="when") as caught:
        read(written(table), strict)
    assert caught.value.reason is Reason.HEADER_MISMATCH
    with pytest.raises(RefusedFileError, match="color"):
        read(written(table.drop_columns(["when"])), strict)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        (pa.table({"lines": pa.array([], pa.list_(LINE))}), "id"),
        (pa.table({"ID": [1], "lines": pa.array([[]], pa.list_(LINE))}), "id"),
        (pa.table([[1], [2]], names=["id", "id"]), "id"),
        (
            pa.table({"id": [1], "lines": pa.array([[]], pa.list_(pa.struct([("count", pa.int8())])))}),
            "lines.element.sku",
        ),
    ],
    ids=["missing", "case", "twice", "nested"],
)
def test_names_that_cannot_be_bound_fail_the_file(table: pa.Table, column: str) -> None:
    with pytest.raises(RefusedFileError) as caught:
        read(written(table), spec_of(Orders))
    assert (caught.value.reason, caught.value.column) == (Reason.HEADER_MISMATCH, column)


def test_names_bind_whatever_their_case_and_blanks_if_the_options_say_so() -> None:
    line = pa.struct([(" SKU", pa.string())])
    table = pa.table({"ID ": [1], "Lines": pa.array([[{" SKU": "a"}]], pa.list_(line))})
    found = rows(read(written(table), spec_of(Orders), ignore_case=True, trim_names=True))
    assert found == [{"id": 1, "lines": [{"sku": "a", "count": None}], "home": None, "note": None, "_source_row": 1}]


def test_a_name_with_a_dot_is_one_name() -> None:
    table = pa.table({"a.b": [1], "a": [2]})
    assert rows(read(written(table), one("bigint"))) == [{"a": 2, "_source_row": 1}]
    kept = rows(read(written(table), one("bigint", extras=Extras.RESCUE)))
    assert kept == [{"a": 2, "_rescued": '{"a.b": 1}', "_source_row": 1}]


def test_rows_are_numbered_over_batches_and_row_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "BATCH_BYTES", 200)
    values = pa.array([None if n % 50 == 49 else n for n in range(500)], pa.int64())
    chunks = read(written(pa.table({"a": values}), row_group_size=130), one("bigint", nullable=False))
    assert len(chunks) > 8
    assert [row["_source_row"] for row in rows(chunks)] == [n + 1 for n in range(500) if n % 50 != 49]
    assert all(row["a"] + 1 == row["_source_row"] for row in rows(chunks))
    assert [row.row for row in bad(chunks)] == list(range(50, 501, 50))
    assert sum(chunk.records for chunk in chunks) == 500


def test_a_file_without_any_column_of_the_contract_has_its_rows() -> None:
    found = rows(read(written(pa.table({"other": [1, 2, 3]})), one("bigint")))
    assert found == [{"a": None, "_source_row": n} for n in (1, 2, 3)]


def test_empty_files_have_no_rows() -> None:
    assert read(b"", one("bigint")) == []
    assert rows(read(written(pa.table({"a": pa.array([], pa.int64())})), one("bigint"))) == []


def sample() -> tuple[bytes, ContractSpec]:
    @contract()
    class Sample:
        a: int
        text: str | None
        many: list[str] | None

    table = pa.table(
        {
            "a": range(60),
            "text": [f"v{n % 7}" if n % 5 else None for n in range(60)],
            "many": [[str(n)] * (n % 3) for n in range(60)],
        }
    )
    return written(table, row_group_size=25, write_page_checksum=True), spec_of(Sample)


def test_a_file_that_is_cut_off_anywhere_is_refused() -> None:
    body, spec = sample()
    for length in range(1, len(body)):
        with pytest.raises(RefusedFileError) as caught:
            read(body[:length], spec)
        assert caught.value.reason is (Reason.DAMAGED if length >= 4 else Reason.UNREADABLE)


def test_a_byte_that_is_damaged_is_refused_or_changes_nothing() -> None:
    body, spec = sample()
    wanted = rows(read(body, spec))
    footer = len(body) - 8 - int.from_bytes(body[-8:-4], "little")
    refused = 0
    for place in range(4, footer):
        damaged = bytearray(body)
        damaged[place] ^= 1 << place % 8
        try:
            found = rows(read(bytes(damaged), spec))
        except RefusedFileError as error:
            refused += error.reason in (Reason.DAMAGED, Reason.UNREADABLE)
        else:
            assert found == wanted  # a part that no row hangs on, such as a statistic
    assert refused > (footer - 4) / 2


def test_what_is_no_parquet_or_encrypted_says_so() -> None:
    with pytest.raises(RefusedFileError, match="is no Parquet file: it begins with b'id,n'") as caught:
        read(b"id,name\n1,a\n", one("bigint"))
    assert caught.value.reason is Reason.UNREADABLE
    with pytest.raises(RefusedFileError, match="encrypted") as caught:
        read(b"PARE....PARE", one("bigint"))
    assert caught.value.reason is Reason.UNREADABLE


def test_a_file_that_could_not_be_fetched_is_not_called_damaged() -> None:
    body, spec = sample()

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if 100 < self.tell() < len(body) - 2000:
                raise ConnectionResetError("gone")
            return super().read(size)

    with pytest.raises(ConnectionResetError):
        list(read_parquet(Broken(body), URI, spec, ParquetOptions()))


def test_bad_values_are_shown_as_people_write_them() -> None:
    class Wide:
        amount: Annotated[D, Decimal(3, 1)]

    values = pa.array([D("12345.67")], pa.decimal128(9, 2))
    (row,) = bad(read(written(pa.table({"amount": values})), spec_of(contract()(Wide))))
    assert (row.column, row.value, row.line) == ("amount", "12345.67", None)
    assert row.problem == "12345.67 is out of range of decimal(3,1): it has 2 digits before the point"
    assert row.record == '{"amount": 12345.67}'
