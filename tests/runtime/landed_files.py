"""Random files of every format for one contract, right ones and damaged ones, with what a run must make of them."""

from __future__ import annotations

import bz2
import gzip
import io
import json
from collections.abc import Callable
from typing import Any, Final, TypeVar

import attrs
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from alur_runtime.contracts.options import AnyOptions, CsvOptions, JsonLinesOptions, ParquetOptions
from alur_runtime.contracts.spec import ELEMENT, RESCUED, Column, ContractSpec, Extras, array_type, struct_type
from alur_runtime.table.schema import arrow_schema
from tests.runtime.formats.csv_files import TYPES, VALUES, csv_files, written
from tests.runtime.formats.strict_csv import WholeFileError, read_strictly

_T = TypeVar("_T")
Rows = dict[int, dict[str, Any]]
Faults = dict[int, tuple[str, str | None]]

_PARTITION_TYPES: Final = ("tinyint", "int", "bigint", "decimal(7,2)", "boolean", "date", "string")
_SCRAPS: Final = [b'"', b",", b";", b"\n", b"\r", b"\\", b"#", b" ", b"0", b"x", b"\xff", b"\xc3", b'""', b",,", b"-"]


def _zstd(body: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(body, asbytes=True))


_PACKED: Final[dict[str, Callable[[bytes], bytes]]] = {
    "": lambda body: body,
    ".gz": lambda body: gzip.compress(body, mtime=0),
    ".bz2": bz2.compress,
    ".zst": _zstd,
}


@attrs.frozen
class Landed:
    """A file and what a run must make of it.

    Attributes:
        options: How it is to be read.
        suffix: Of its key.
        body: Its bytes.
        rows: By record number, those that must be in the table; None if the file must fail.
        bad: By record number, the reason and column of those that must be in quarantine.
        may_fail: Whether it may fail as well: damage that can be seen or not.
    """

    options: AnyOptions
    suffix: str
    body: bytes
    rows: Rows | None
    bad: Faults = attrs.field(factory=dict)
    may_fail: bool = False


def collect(strategy: st.SearchStrategy[_T], count: int, number: int) -> list[_T]:
    """So many examples of a strategy, always the same ones for a number.

    Examples are gathered first and run together: a run for each would take a thousand times as long.
    """
    found: list[_T] = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def gather(example: _T) -> None:
        found.append(example)

    gather()
    return found[:count]


# --- contracts --------------------------------------------------------------------------------------------------------


@st.composite
def flat_contracts(draw: st.DrawFn) -> ContractSpec:
    """Of plain types, partitioned or not: any format can hold them."""
    types = draw(st.lists(st.sampled_from(TYPES), min_size=2, max_size=4))
    columns = tuple(Column(f"c{i}", kind, draw(st.booleans())) for i, kind in enumerate(types))
    able = [c.name for c in columns[1:] if c.type in _PARTITION_TYPES]
    partition_by = tuple(draw(st.lists(st.sampled_from(able), max_size=2, unique=True))) if able else ()
    return ContractSpec("Flat", columns, partition_by, extras=draw(st.sampled_from([Extras.IGNORE, Extras.RESCUE])))


@st.composite
def nested_contracts(draw: st.DrawFn) -> ContractSpec:
    """With lists and structs."""
    columns = tuple(_nested(draw, f"c{i}", 2) for i in range(draw(st.integers(1, 3))))
    return ContractSpec("Nested", columns, extras=draw(st.sampled_from([Extras.IGNORE, Extras.RESCUE])))


def _nested(draw: st.DrawFn, name: str, depth: int) -> Column:
    kind = draw(st.sampled_from(["plain", "list", "struct"])) if depth else "plain"
    nullable = draw(st.booleans())
    if kind == "plain":
        return Column(name, draw(st.sampled_from([*TYPES, "binary"])), nullable)
    if kind == "list":
        element = _nested(draw, ELEMENT, depth - 1)
        return Column(name, array_type(element), nullable, fields=(element,))
    fields = tuple(_nested(draw, f"f{i}", depth - 1) for i in range(draw(st.integers(1, 3))))
    return Column(name, struct_type(fields), nullable, fields=fields)


def values(column: Column, *, finite: bool = False) -> st.SearchStrategy[Any]:
    """Values of a column; of a double only finite ones if JSON is to hold them."""
    found: st.SearchStrategy[Any]
    if column.type.startswith("array<"):
        found = st.lists(values(column.fields[0], finite=finite), max_size=3)
    elif column.fields:
        found = st.fixed_dictionaries({f.name: values(f, finite=finite) for f in column.fields})
    elif column.type == "double" and finite:
        found = st.floats(allow_nan=False, allow_infinity=False)
    else:
        found = VALUES[column.type]
    return st.none() | found if column.nullable else found


# --- right files ------------------------------------------------------------------------------------------------------


def _complete(contract: ContractSpec, rows: list[dict[str, Any]], extras: list[str]) -> Rows:
    """Rows as the table must have them, by number."""
    names = [c.name for c in contract.columns]
    rescue = contract.extras is Extras.RESCUE
    return {
        number: {n: row.get(n) for n in names}
        | ({RESCUED: {n: row[n] for n in extras if n in row} or None} if rescue else {})
        for number, row in enumerate(rows, start=1)
    }


def _without_unwritable(contract: ContractSpec, rows: Rows) -> tuple[Rows, Faults]:
    """What a partition column cannot hold is a bad row: an empty text is null to Hive, and no path holds a NUL."""
    bad: Faults = {}
    for number, row in rows.items():
        texts = {name: row[name] for name in contract.partition_by if isinstance(row[name], str)}
        if wrong := [name for name, text in texts.items() if not text or "\0" in text]:
            bad[number] = ("bad_value", wrong[0])
    return {n: row for n, row in rows.items() if n not in bad}, bad


@st.composite
def right_csv(draw: st.DrawFn, contract: ContractSpec, dialects: st.SearchStrategy[CsvOptions]) -> Landed:
    file = draw(csv_files(contract, dialects))
    suffix = draw(st.sampled_from(["", "", *_PACKED]))
    extras = [name for name in file.names if name not in {c.name for c in contract.columns}]
    rows, bad = _without_unwritable(contract, _complete(contract, file.rows, extras))
    return Landed(file.options, f".csv{suffix}", _PACKED[suffix](file.body), rows, bad)


@st.composite
def right_jsonl(draw: st.DrawFn, contract: ContractSpec, _: Any) -> Landed:
    cells = {c.name: values(c, finite=True) for c in contract.columns}
    rows = draw(st.lists(st.fixed_dictionaries(cells), max_size=8))
    extra = draw(st.booleans())
    lines = []
    for row in rows:
        if extra:
            row["x y"] = draw(st.sampled_from([None, 1, "é", [1, {"a": None}]]))
        shown = [(n, v) for n, v in draw(st.permutations(list(row.items()))) if v is not None or draw(st.booleans())]
        blanks = draw(st.sampled_from(["", "", "", "\n", "  \n"]))
        if not any(n == "x y" for n, _ in shown):
            row.pop("x y", None)
        lines.append(blanks + "{" + ", ".join(f"{json.dumps(n)}: {_json(draw, v)}" for n, v in shown) + "}")
    end = draw(st.sampled_from(["\n", "\r\n"]))
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16"]))
    suffix = draw(st.sampled_from(["", "", *_PACKED]))
    body = (end.join(lines) + draw(st.sampled_from(["", end]))).encode(encoding)
    complete, bad = _without_unwritable(contract, _complete(contract, rows, ["x y"]))
    return Landed(JsonLinesOptions(encoding=encoding), f".jsonl{suffix}", _PACKED[suffix](body), complete, bad)


def _json(draw: st.DrawFn, value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(n)}:{_json(draw, v)}" for n, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + " , ".join(_json(draw, v) for v in value) + "]"
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    if type(value).__name__ == "Decimal":
        return draw(st.sampled_from([f"{value:f}", f'"{value:f}"']))
    return json.dumps(written(value), ensure_ascii=draw(st.booleans()))


@st.composite
def right_parquet(draw: st.DrawFn, contract: ContractSpec, _: Any) -> Landed:
    rows = draw(st.lists(st.fixed_dictionaries({c.name: values(c) for c in contract.columns}), max_size=8))
    table = pa.Table.from_pylist(rows, arrow_schema(contract.columns))
    extras = draw(st.sampled_from([[], ["x y"]]))
    for name in extras:
        for number, row in enumerate(rows):
            row[name] = number
        table = table.append_column(name, pa.array(range(len(rows)), pa.int32()))
    table = table.select(draw(st.permutations(table.column_names)))
    out = io.BytesIO()
    pq.write_table(
        table,
        out,
        row_group_size=draw(st.integers(1, 9)),
        compression=draw(st.sampled_from(["none", "snappy", "gzip", "zstd"])),
        use_dictionary=draw(st.booleans()),
        data_page_version=draw(st.sampled_from(["1.0", "2.0"])),
    )
    complete, bad = _without_unwritable(contract, _complete(contract, rows, extras))
    return Landed(ParquetOptions(), ".parquet", out.getvalue(), complete, bad)


# --- damaged files ----------------------------------------------------------------------------------------------------


@st.composite
def damaged_csv(draw: st.DrawFn, contract: ContractSpec, dialects: st.SearchStrategy[CsvOptions]) -> Landed:
    """A CSV file with some bytes too many, too few or other ones: what a strict reader makes of it is right."""
    file = draw(csv_files(contract, dialects))
    # In UTF-16 a byte more or less makes another file of all that follows.
    options = attrs.evolve(file.options, encoding="utf-8")
    body = file.body.decode(file.options.encoding).encode()
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(body)))
        cut = draw(st.sampled_from([0, 0, 1, 3, 1000]))
        body = body[:at] + draw(st.sampled_from([b"", *_SCRAPS, body[:20]])) + body[at + cut :]
    try:
        outcome = read_strictly(body, contract, options)
    except WholeFileError:
        return Landed(options, ".csv", body, None)
    rows, bad = _without_unwritable(contract, outcome.rows)
    return Landed(options, ".csv", body, rows, bad | outcome.bad)


@st.composite
def damaged_pack(draw: st.DrawFn, contract: ContractSpec, dialects: st.SearchStrategy[CsvOptions]) -> Landed:
    """A compressed file with a changed or missing byte: seen, or of no consequence."""
    file = draw(right_csv(contract, dialects).filter(lambda f: f.suffix in (".csv.gz", ".csv.bz2")))
    at = draw(st.integers(0, len(file.body) - 1))
    change = draw(st.integers(0, 255))
    body = file.body[:at] + (bytes([file.body[at] ^ change]) + file.body[at + 1 :] if change else b"")
    return attrs.evolve(file, body=body, may_fail=True)


@st.composite
def damaged_parquet(draw: st.DrawFn, contract: ContractSpec, _: Any) -> Landed:
    """A Parquet file that is cut off: it must fail."""
    file = draw(right_parquet(contract, None))
    return attrs.evolve(file, body=file.body[: draw(st.integers(1, len(file.body) - 1))], rows=None, bad={})


def comparable(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose `_rescued` is an object again."""
    text = row.get(RESCUED)
    return row | ({RESCUED: json.loads(text)} if isinstance(text, str) else {})
