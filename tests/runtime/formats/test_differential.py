"""What is fast reads what is strict: Arrow's typed parse, bulk casts, Python's csv and DuckDB against one another."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alur_runtime.contracts.options import AmbiguousTimes, CsvOptions
from alur_runtime.contracts.spec import Column, ContractSpec
from alur_runtime.formats.convert import convert
from alur_runtime.formats.csv_blocks import Block
from alur_runtime.formats.csv_parse import BlockParser
from alur_runtime.formats.faults import RefusedValueError
from alur_runtime.formats.values import INT_BITS, read_text, reading_of
from tests.runtime.formats.csv_files import examples, read_chunks, same, table_of

TYPES = (
    *INT_BITS,
    "float",
    "double",
    "decimal(5,2)",
    "decimal(12,2)",
    "decimal(38,9)",
    "decimal(3,3)",
    "boolean",
    "date",
    "timestamp",
)
NUMBERS = st.from_regex(r"[+-]?[0-9]{0,20}([.,][0-9]{0,12})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
ODD_NUMBERS = st.sampled_from(
    [
        "nan",
        "-NaN",
        "inf",
        "-Infinity",
        "nan(1)",
        "0x1F",
        "0X9",
        "-0x1",
        "1e400",
        "1e-400",
        "0e-500",
        "-0",
        "-0.0",
        "1_0",
        "127",
        "128",
        "-129",
        "2147483648",
        "9223372036854775807",
        "9223372036854775808",
        "1e39",
        "1e-46",
        " 5",
        "5\t",
        "5 ",
        "0." + "0" * 340 + "1",
        "1e999999999999999999",
        "٣",
        "1 0",
        "99999",
        "1234",
        "12345678901",
        "9" * 39,
        "1e38",
        "0x",
    ]
)
YEARS = st.sampled_from(["0000", "0001", "0002", "1582", "1893", "1970", "2024", "2024", "2023", "9999", "10000", "24"])
DAYS = st.from_regex(r"-[01]?[0-9]-[0-3]?[0-9]", fullmatch=True) | st.sampled_from(
    ["-03-31", "-10-27", "-02-29", "-12-31", "/01/01", "-01-01"]
)
CLOCKS = (
    st.just("")
    | st.from_regex(r"[ T][0-2][0-9](:[0-6][0-9](:[0-6][0-9](\.[0-9]{1,8})?)?)?", fullmatch=True)
    | st.just(" 02:30:00")
)
OFFSETS = st.sampled_from(["", "", "", "Z", "z", "+02", "-0230", "+02:30", "+24:00", "+23:59", "-05:60", " +02", "+2"])
TIMES = st.builds(lambda *parts: "".join(parts), YEARS, DAYS, CLOCKS, OFFSETS)
TEXTS = {
    "boolean": st.sampled_from(["true", "True", "tRue", "1", "0", "false", "FALSE", " true", "yes", "t", "01", "on"]),
    "date": TIMES
    | st.builds(lambda *parts: "".join(parts), YEARS, DAYS)
    | st.sampled_from([" 2024-05-01", "2024-05-01\t", "20240501"]),
    "timestamp": TIMES,
}
OPTIONS = (
    CsvOptions(separator=";"),
    CsvOptions(separator=";", decimal_comma=True),
    CsvOptions(separator=";", timezone="Europe/Berlin"),
    CsvOptions(separator=";", timezone="America/New_York", ambiguous_times=AmbiguousTimes.LATER),
    CsvOptions(
        separator=";",
        null_values=("NA", ""),
        date_formats=("%d.%m.%Y", "%Y-%m-%d"),
        timestamp_formats=("%Y-%m-%d %H:%M:%S",),
    ),
    CsvOptions(separator=";", date_formats=("%Y-%m-%d",), timestamp_formats=("%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M")),
)


@st.composite
def columns_of_texts(draw: st.DrawFn) -> tuple[str, list[str], CsvOptions]:
    kind = draw(st.sampled_from(TYPES))
    texts = TEXTS.get(kind, NUMBERS | ODD_NUMBERS) | st.text("0123456789+-.:eETZ nx", max_size=8)
    return kind, draw(st.lists(texts, min_size=1, max_size=6)), draw(st.sampled_from(OPTIONS))


def strict_values(kind: str, texts: list[str], options: CsvOptions) -> list[Any]:
    """Values, or the faults of those that are none."""
    found: list[Any] = []
    for text in texts:
        try:
            found.append(read_text(text, kind, reading_of(options)))
        except RefusedValueError as fault:
            found.append((fault.reason, fault.problem))
    return found


@given(columns_of_texts())
@settings(deadline=None, max_examples=examples(400))
def test_bulk_casts_read_what_the_strict_reader_reads(case: tuple[str, list[str], CsvOptions]) -> None:
    kind, texts, options = case
    strict = strict_values(kind, texts, options)
    fitting = [t for t, v in zip(texts, strict, strict=True) if not isinstance(v, tuple)]
    # Alone, with others, and with those only that fit: in bulk and one by one.
    for some in ([t] for t in texts), [texts], [fitting], [[None, *fitting]]:
        for column in some:
            found = convert(pa.array(column, pa.string()), Column("c", kind), reading_of(options))
            found.values.validate(full=True)
            by_text = dict(zip(texts, strict, strict=True)) | {None: None}
            for index, text in enumerate(column):
                fault = found.faults.get(index)
                value = (fault.reason, fault.problem) if fault else found.values[index].as_py()
                assert same(value, by_text[text]), (kind, text, value, by_text[text])


@given(columns_of_texts())
@settings(deadline=None, max_examples=examples(400))
def test_what_the_typed_parse_takes_the_strict_reader_reads_too(case: tuple[str, list[str], CsvOptions]) -> None:
    kind, texts, options = case
    column = Column("c", kind)
    for some in ([t] for t in texts), [texts]:
        for group in some:
            data = "".join(f"{text};\n" for text in group).encode()
            parser = BlockParser(2, {0: column}, [], options)
            block = Block(data=data, line=1, line_ends=1, count=len(group))
            parser.texts(block)  # it learns how times are written
            typed = parser.typed(block)
            if typed is None:
                continue
            strict = strict_values(kind, group, options)
            assert all(same(*pair) for pair in zip(typed[0].to_pylist(), strict, strict=True)), (kind, group, strict)


def test_the_typed_parse_takes_what_is_plain() -> None:
    """Without this the tests above would hold for one that takes nothing."""
    plain = {
        "tinyint": "-128",
        "bigint": "1",
        "double": "1.5e3",
        "float": "-0.0",
        "decimal(5,2)": "999.9",
        "boolean": "True",
        "date": "0001-01-01",
        "timestamp": "9999-12-31 23:59:59.999999",
        "string": "x",
        "binary": "YQ==",
    }
    for kind, text in plain.items():
        parser = BlockParser(2, {0: Column("c", kind)}, [], CsvOptions())
        assert parser.typed(Block(data=f"{text},\n".encode(), line=1, line_ends=1, count=1)) is not None, kind


TABLES = st.integers(2, 4).flatmap(
    lambda width: st.lists(
        st.lists(st.text(st.sampled_from("ab ,;\"'\n\té0"), max_size=6), min_size=width, max_size=width),
        min_size=1,
        max_size=8,
    )
)


def contract_of_texts(width: int) -> ContractSpec:
    return ContractSpec("Texts", tuple(Column(f"c{i}", "string") for i in range(width)))


@given(
    TABLES,
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    st.sampled_from([1, 10, 10_000]),
)
@settings(deadline=None, max_examples=examples(150))
def test_pythons_csv_reads_the_same_records(
    rows: list[list[str]], separator: str, end: str, quoting: Any, size: int
) -> None:
    out = io.StringIO(newline="")
    if end == "\r":  # else the writer leaves other line ends bare
        quoting = csv.QUOTE_ALL
    writer = csv.writer(out, delimiter=separator, lineterminator=end, quoting=quoting)
    names = [f"c{i}" for i in range(len(rows[0]))]
    writer.writerows([names, *rows])
    options = CsvOptions(separator=separator, null_values=())
    chunks = read_chunks(out.getvalue().encode(), contract_of_texts(len(names)), options, size)
    theirs = list(csv.reader(io.StringIO(out.getvalue(), newline=""), delimiter=separator))[1:]
    assert not any(chunk.bad for chunk in chunks)
    assert (
        [list(row.values())[:-1] for row in table_of(chunks, contract_of_texts(len(names))).to_pylist()]
        == theirs
        == rows
    )


@st.composite
def typed_tables(draw: st.DrawFn) -> list[tuple[Any, ...]]:
    row = st.tuples(
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        st.decimals(-(10**8), 10**8, places=2),
        st.dates(),
        st.datetimes(),
        st.booleans(),
        st.text(st.sampled_from("ab ,\"\né'0"), min_size=1, max_size=6),
    )
    return draw(st.lists(row, min_size=1, max_size=6))


TYPED = ("bigint", "double", "decimal(12,2)", "date", "timestamp", "boolean", "string")


@given(typed_tables(), st.sampled_from([1, 10, 10_000]))
@settings(deadline=None, max_examples=examples(60))
def test_duckdb_reads_the_same_values(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[Any, ...]], size: int
) -> None:
    path = Path(tmp_path_factory.mktemp("duck")) / "f.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([f"c{i}" for i in range(len(TYPED))])
        writer.writerows(rows)
    contract = ContractSpec("Typed", tuple(Column(f"c{i}", kind) for i, kind in enumerate(TYPED)))
    chunks = read_chunks(path.read_bytes(), contract, CsvOptions(), size)
    assert not any(chunk.bad for chunk in chunks)
    ours = [tuple(row.values())[:-1] for row in table_of(chunks, contract).to_pylist()]
    columns = ", ".join(f"'c{i}': '{kind}'" for i, kind in enumerate(TYPED))
    how = "header=true, quote='\"', escape='\"', delim=',', auto_detect=false"
    query = f"FROM read_csv('{path}', {how}, columns={{{columns}}})"
    theirs = duckdb.sql(query).fetchall()
    assert [(*row[:4], row[4].replace(tzinfo=None), *row[5:]) for row in ours] == theirs == rows
