"""Parquet: columns by name, safe casts, damaged parts."""

# A case is a line, however long: this is a table.
# fmt: off
# ruff: noqa: E501, DTZ001, PLR0917

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from alur_runtime import ErrorBudget, ParquetOptions
from tests.corpus.case import ANY, Bad, Case
from tests.corpus.contracts import Loose, Plain, Rescued, Strict, Values
from tests.corpus.jsonl import Order

BAD, RANGE, LOST, NULL = "bad_value", "out_of_range", "lost_precision", "null_value"
PARQUET = ParquetOptions()
BERLIN = ParquetOptions(timezone="Europe/Berlin")
AB = ((1, "a"), (2, "b"))
IDS = pa.array([1, 2])
NAMES = pa.array(["a", "b"])
AT = dt.datetime(2024, 5, 1, 10, 0, 0, 123456, tzinfo=dt.UTC)
FAR = pa.scalar(AT, pa.timestamp("us")).cast(pa.int64()).as_py()


def file(table: pa.Table, **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


def plain(name: str, columns: dict[str, Any] | pa.Table, rows: tuple[Any, ...] = AB, bad: tuple[Bad, ...] = (), **more: Any) -> Case:
    table = columns if isinstance(columns, pa.Table) else pa.table(columns)
    values: dict[str, Any] = {"files": PARQUET, "budget": ANY, **more}
    return Case(name, values.pop("contract", Plain), file(table), rows, bad, **values)


def column(name: str, to: str, values: pa.Array, good: tuple[Any, ...], bad: tuple[str, ...] = (), files: ParquetOptions = PARQUET) -> Case:
    """One column's values: those that are read, then those that are not."""
    table = pa.table({"id": pa.array(range(1, len(values) + 1)), to: values})
    rows = tuple({"id": n, to: value} for n, value in enumerate(good, start=1))
    refused = tuple(Bad(n, reason, to, ...) for n, reason in enumerate(bad, start=len(good) + 1))
    return Case(name, Values, file(table), rows, refused, files=files, budget=ANY)


def never(name: str, to: str, values: pa.Array) -> Case:
    """A column whose type can never be cast: the file fails, whatever its values."""
    table = pa.table({"id": pa.array(range(1, len(values) + 1)), to: values})
    return Case(name, Values, file(table), failed="header_mismatch", says=(f"'{to}'",), files=PARQUET, budget=ANY)


def twice() -> bytes:
    """A file with a column twice."""
    return file(pa.Table.from_arrays([IDS, IDS, NAMES], names=["id", "id", "name"]))


def damaged() -> bytes:
    """A byte of a page is another; the footer is whole."""
    table = pa.table({"id": pa.array(range(5000)), "name": pa.array([f"n{n}" for n in range(5000)])})
    body = bytearray(file(table, compression="none", use_dictionary=False, write_page_checksum=True))
    place = body.find(b"n2500")
    body[place] ^= 0x55
    return bytes(body)


GROUPS = pa.table({"id": pa.array([n if n != 2500 else None for n in range(1, 3001)]), "name": pa.array([f"n{n}" for n in range(1, 3001)])})
BIG = file(pa.table({"id": pa.array(range(3000)), "name": pa.array([f"n{n}" for n in range(3000)])}))
NUMBERED = pa.table({"id": pa.array(range(1500)), "name": pa.array([f"n{n}" for n in range(1500)])})
INVALID = pa.Array.from_buffers(pa.string(), 2, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0\2\0\0\0"), pa.py_buffer(b"a\xff")])
STRUCT = pa.array([{"count": 1, "sku": "a", "x": 1}, None], pa.struct([("count", pa.int64()), ("sku", pa.string()), ("x", pa.int64())]))

CASES = [
    # binding
    plain("parquet", {"id": IDS, "name": NAMES}),
    plain("parquet in another order with a column more", {"x": IDS, "name": NAMES, "id": IDS}),
    plain("parquet without a nullable column", {"id": IDS}, ((1, None), (2, None))),
    plain("parquet without a column that must be there", {"name": NAMES}, (), failed="header_mismatch", says=("'id'",)),
    plain("parquet with a name of another case", {"ID": IDS, "name": NAMES}, (), failed="header_mismatch", says=("'id'", "ignore_case")),
    plain("parquet with a name of another case, ignored", {"ID": IDS, "Name": NAMES}, files=ParquetOptions(ignore_case=True)),
    Case("parquet with a column twice", Plain, twice(), failed="header_mismatch", says=("'id'",), files=PARQUET),
    plain("parquet extras are rescued", {"id": IDS, "name": NAMES, "x": pa.array([1.5, None]), "y": pa.array([["p"], []])}, ((1, "a", {"x": 1.5, "y": ["p"]}), (2, "b", {"x": None, "y": []})), contract=Rescued),
    plain("parquet extras are refused", {"id": IDS, "x": IDS}, (), failed="header_mismatch", says=("x",), contract=Strict),
    plain("parquet of no rows", {"id": pa.array([], pa.int64()), "name": pa.array([], pa.string())}, ()),
    plain("parquet of no rows that does not fit", {"name": pa.array([], pa.string())}, (), failed="header_mismatch"),
    # rows
    plain("parquet with a null where none may be", {"id": pa.array([1, None, 3]), "name": pa.array(["a", "b", "c"])}, ((1, "a"), (3, "c")), (Bad(2, NULL, "id", None, line=None),)),
    Case("parquet with a bad row in a later group", Plain, file(GROUPS, row_group_size=1000), tuple((n, f"n{n}") for n in range(1, 3001) if n != 2500), (Bad(2500, NULL, "id", None, line=None),), files=PARQUET, budget=ErrorBudget(rows=1)),
    plain("parquet without a budget", {"id": pa.array([1, None])}, (), failed="too_many_bad_rows", says=("row 2", "'id'"), budget=ErrorBudget(rows=0)),
    plain("parquet of nulls only", {"id": pa.nulls(2), "name": pa.nulls(2)}, ((None, None), (None, None)), contract=Loose),
    plain("parquet with a text that is none", pa.Table.from_arrays([IDS, INVALID], names=["id", "name"]), ((1, "a"),), (Bad(2, "bad_encoding", "name", ...),)),
    # casts that are safe
    column("parquet narrow integers", "i64", pa.array([1, -128], pa.int8()), (1, -128)),
    column("parquet wide integers into narrow", "i8", pa.array([127, -128, 128, -129]), (127, -128), (RANGE, RANGE)),
    column("parquet unsigned integers", "i64", pa.array([2**63 - 1, 2**63], pa.uint64()), (2**63 - 1,), (RANGE,)),
    column("parquet integers into doubles", "f64", pa.array([2**53, 2**53 + 1]), (float(2**53),), (LOST,)),
    column("parquet integers into decimals", "money", pa.array([999, -999, 1000]), (Decimal(999), Decimal(-999)), (RANGE,)),
    column("parquet floats into doubles", "f64", pa.array([1.5, float("nan")], pa.float32()), (1.5, float("nan"))),
    column("parquet doubles into integers", "i8", pa.array([1.0, -128.0, -0.0, None, 1.5, 128.0, 1e300]), (1, -128, 0, None), (LOST, RANGE, RANGE)),
    column("parquet doubles into floats", "f32", pa.array([1.5, 0.1, 1e300]), (1.5,), (LOST, RANGE)),
    column("parquet decimals of another scale", "money", pa.array([Decimal("1.500"), Decimal("1.505"), Decimal("1000.000")]), (Decimal("1.50"),), (LOST, RANGE)),
    column("parquet decimals of 38 digits", "exact", pa.array([Decimal("1234567890123456789012345678.0123456789")]), (Decimal("1234567890123456789012345678.0123456789"),)),
    column("parquet dictionaries", "text", pa.array(["a", None, "a"]).dictionary_encode(), ("a", None, "a")),
    column("parquet large texts", "text", pa.array(["a", ""], pa.large_string()), ("a", "")),
    column("parquet bytes of one length", "raw", pa.array([b"ab", b"cd"], pa.binary(2)), (b"ab", b"cd")),
    column("parquet booleans", "flag", pa.array([True, False, None]), (True, False, None)),
    column("parquet days", "day", pa.array([dt.date(1, 1, 1), dt.date(1582, 10, 10), dt.date(9999, 12, 31)]), (dt.date(1, 1, 1), dt.date(1582, 10, 10), dt.date(9999, 12, 31))),
    column("parquet days out of the years", "day", pa.array([0, -719163, 2932897], pa.int32()).cast(pa.date32()), (dt.date(1970, 1, 1),), (RANGE, RANGE)),
    column("parquet days into times", "at", pa.array([dt.date(2024, 7, 1)]), (dt.datetime(2024, 6, 30, 22, tzinfo=dt.UTC),), files=BERLIN),
    column("parquet times", "at", pa.array([AT], pa.timestamp("us", "UTC")), (AT,)),
    column("parquet times of another zone", "at", pa.array([AT], pa.timestamp("us", "America/New_York")), (AT,)),
    column("parquet times in milliseconds", "at", pa.array([FAR // 1000], pa.int64()).cast(pa.timestamp("ms", "UTC")), (AT.replace(microsecond=123000),)),
    column("parquet times in nanoseconds", "at", pa.array([FAR * 1000, FAR * 1000 + 1], pa.int64()).cast(pa.timestamp("ns", "UTC")), (AT,), (LOST,)),
    column("parquet times without a zone", "at", pa.array([dt.datetime(2024, 7, 1, 12), dt.datetime(2024, 3, 31, 2, 30), dt.datetime(2024, 10, 27, 2, 30)]), (dt.datetime(2024, 7, 1, 10, tzinfo=dt.UTC),), (BAD, BAD), BERLIN),
    column("parquet times out of the years", "at", pa.array([0, 253402300800000000, -62135596800000001], pa.int64()).cast(pa.timestamp("us", "UTC")), (dt.datetime(1970, 1, 1, tzinfo=dt.UTC),), (RANGE, RANGE)),
    Case("parquet times of INT96", Values, file(pa.table({"id": IDS, "at": pa.array([AT, dt.datetime(1, 1, 1, tzinfo=dt.UTC)], pa.timestamp("us", "UTC"))}), use_deprecated_int96_timestamps=True), ({"id": 1, "at": AT}, {"id": 2, "at": dt.datetime(1, 1, 1, tzinfo=dt.UTC)}), files=PARQUET),
    *(Case(f"parquet pages by {codec}", Plain, file(NUMBERED, compression=codec, data_page_version="2.0", data_page_size=500, row_group_size=700, use_dictionary=False, column_encoding={"id": "DELTA_BINARY_PACKED", "name": "DELTA_BYTE_ARRAY"}), tuple((n, f"n{n}") for n in range(1500)), files=PARQUET) for codec in ("snappy", "gzip", "brotli", "lz4", "zstd")),
    # casts that never are
    never("parquet texts are no integers", "i64", pa.array(["1"])),
    never("parquet texts are no dates", "day", pa.array(["2024-05-01"])),
    never("parquet doubles are no decimals", "money", pa.array([1.0])),
    never("parquet integers are no texts", "text", pa.array([1])),
    never("parquet integers are no booleans", "flag", pa.array([1])),
    never("parquet integers are no times", "at", pa.array([1])),
    never("parquet times are no days", "day", pa.array([AT], pa.timestamp("us", "UTC"))),
    never("parquet lists are no texts", "text", pa.array([["a"]])),
    # nested
    Case("parquet nested", Order, file(pa.table({"id": IDS, "buyer": STRUCT, "tags": pa.array([["a", None], []])})), ({"id": 1, "buyer": {"sku": "a", "count": 1}, "tags": ["a", None]}, {"id": 2, "tags": []}), files=PARQUET),
    Case("parquet nested with a null where none may be", Order, file(pa.table({"id": IDS, "lines": pa.array([[{"sku": "a"}], [{"sku": "b"}, {"sku": None}]])})), ({"id": 1, "lines": [{"sku": "a", "count": None}]},), (Bad(2, NULL, "lines[1].sku", ...),), files=PARQUET, budget=ANY),
    Case("parquet nested without a field that must be there", Order, file(pa.table({"id": IDS, "buyer": pa.array([{"count": 1}, {"count": 2}])})), failed="header_mismatch", says=("sku",), files=PARQUET, budget=ANY),
    # damaged
    Case("parquet of no bytes", Plain, b"", files=PARQUET),
    Case("parquet cut off", Plain, BIG[: len(BIG) * 2 // 3], failed="damaged", files=PARQUET, budget=ANY),
    Case("parquet without its last byte", Plain, BIG[:-1], failed="damaged", files=PARQUET, budget=ANY),
    Case("parquet with a damaged page", Plain, damaged(), failed="damaged", files=PARQUET, budget=ANY),
    Case("parquet with a damaged footer", Plain, BIG[:-60] + b"\xff" * 20 + BIG[-40:], failed="damaged", files=PARQUET, budget=ANY),
    Case("CSV read as parquet", Plain, b"id,name\n1,a\n2,b\n", failed="damaged|unreadable", files=PARQUET, budget=ANY),
    Case("parquet read as CSV", Plain, BIG, failed="header_mismatch|unreadable", budget=ANY),
]
