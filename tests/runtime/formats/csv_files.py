"""Random contracts, rows, dialects and the CSV files that they make; and reading files in blocks of any size."""

from __future__ import annotations

import base64
import datetime as dt
import io
import json
import math
import os
from decimal import Decimal
from typing import Any
from unittest import mock

import attrs
import pyarrow as pa
from hypothesis import strategies as st

from alur_runtime.contracts.options import CsvOptions
from alur_runtime.contracts.spec import Column, ContractSpec, Extras
from alur_runtime.formats import csv_blocks, read_file
from alur_runtime.rows import Chunk, RefusedFileError
from alur_runtime.table.schema import rows_schema
from tests.runtime.formats.strict_csv import Outcome, WholeFileError

URI = "s3://bucket/file.csv"
TYPES = (
    "bigint",
    "int",
    "tinyint",
    "double",
    "decimal(7,2)",
    "decimal(38,9)",
    "boolean",
    "date",
    "timestamp",
    "string",
)
TEXTS = st.text(st.sampled_from("ab \t,;|'\"\\#\r\n0é€😀\x00\ufeff"), max_size=8)

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "tinyint": st.integers(-128, 127),
    "int": st.integers(-(2**31), 2**31 - 1),
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "double": st.floats(),
    "decimal(7,2)": st.integers(-(10**7) + 1, 10**7 - 1).map(lambda n: Decimal(n).scaleb(-2)),
    "decimal(38,9)": st.integers(-(10**38) + 1, 10**38 - 1).map(
        lambda n: Decimal((n < 0, Decimal(abs(n)).as_tuple().digits, -9))
    ),
    "boolean": st.booleans(),
    "date": st.dates(),
    "timestamp": st.datetimes(timezones=st.just(dt.UTC)),
    "string": TEXTS,
    "binary": st.binary(max_size=4),
}


def examples(count: int) -> int:
    """How many examples a property is tried on: so many in CI, times ALUR_EXAMPLES where that is set."""
    return count * int(os.environ.get("ALUR_EXAMPLES", "1"))


@attrs.frozen
class CsvFile:
    """A file, how it is to be read, and what it was made of."""

    contract: ContractSpec
    options: CsvOptions
    names: list[str]
    rows: list[dict[str, Any]]
    body: bytes
    block_bytes: int


@st.composite
def dialects(draw: st.DrawFn) -> CsvOptions:
    separator, quote = draw(st.sampled_from([(",", '"'), (";", '"'), ("\t", "'"), ("|", '"'), (" ", '"')]))
    return CsvOptions(
        separator=separator,
        quote=quote,
        escape=draw(st.sampled_from(["", "", "\\"])),
        comment=draw(st.sampled_from(["", "", "#", "//"])),
        multiline=draw(st.sampled_from([True, True, False])),
        skip_rows=draw(st.sampled_from([0, 0, 2])),
        null_values=draw(st.sampled_from([("",), ("", "NULL"), ("\\N",)])),
        encoding=draw(st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-be"])),
    )


def written(value: Any) -> str:
    """A value as a CSV file has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f").rjust(26, "0") + ("Z" if value.second % 2 else "")
    return value if isinstance(value, str) else str(value)


@st.composite
def contracts(draw: st.DrawFn) -> ContractSpec:
    types = draw(st.lists(st.sampled_from(TYPES), min_size=1, max_size=4))
    columns = tuple(Column(f"c{i}", kind, draw(st.booleans())) for i, kind in enumerate(types))
    return ContractSpec("Random", columns, extras=draw(st.sampled_from([Extras.IGNORE, Extras.RESCUE])))


@st.composite
def csv_files(
    draw: st.DrawFn, contract: ContractSpec | None = None, options: st.SearchStrategy[CsvOptions] | None = None
) -> CsvFile:
    """Files of any contract, or of the one that is given; in any dialect, or in those that are."""
    dialect = draw(dialects() if options is None else options)
    contract = contract or draw(contracts())
    columns = contract.columns
    extras = draw(st.sampled_from([[], [], ["x y", "é"]]))
    names = draw(st.permutations([c.name for c in columns] + extras))
    kinds = {c.name: c for c in columns} | {name: Column(name, "string", True) for name in extras}
    # Of one field alone an empty one is a blank line.
    nulls = len(names) > 1 or _null(dialect) != ""
    cells = {n: VALUES[c.type] | st.none() if c.nullable and nulls else VALUES[c.type] for n, c in kinds.items()}
    rows = draw(st.lists(st.fixed_dictionaries(cells), max_size=8))
    if not dialect.multiline:
        rows = [
            {n: v.translate({10: " ", 13: " "}) if isinstance(v, str) else v for n, v in row.items()} for row in rows
        ]
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    lines = [*['skipped, "line'] * dialect.skip_rows]
    lines.append(dialect.separator.join(_field(draw, name, dialect, always=False) for name in names))
    for row in rows:
        lines += draw(st.sampled_from([[], [], [], [""], [f'{dialect.comment} say "what"'] if dialect.comment else []]))
        fields = [
            _null(dialect) if row[n] is None else _field(draw, written(row[n]), dialect, always=True) for n in names
        ]
        lines.append(dialect.separator.join(fields))
    text = end.join(lines) + draw(st.sampled_from(["", end]))
    return CsvFile(
        contract, dialect, names, rows, text.encode(dialect.encoding), draw(st.sampled_from([1, 5, 30, 10_000]))
    )


def _null(options: CsvOptions) -> str:
    return options.null_values[-1]


def _field(draw: st.DrawFn, text: str, options: CsvOptions, *, always: bool) -> str:
    special = any(c in text for c in (options.separator, options.quote, "\r", "\n", options.escape or "\n"))
    special |= bool(options.comment) and text.startswith(options.comment[0])
    special |= always and (text in options.null_values or not text)
    if not special and not draw(st.booleans()):
        return text
    if options.escape:
        text = text.replace(options.escape, options.escape * 2)
        mark = draw(st.sampled_from([options.quote, options.escape]))
        return options.quote + text.replace(options.quote, mark + options.quote) + options.quote
    return options.quote + text.replace(options.quote, options.quote * 2) + options.quote


def read_chunks(body: bytes, contract: ContractSpec, options: CsvOptions, block_bytes: int = 1 << 20) -> list[Chunk]:
    """All chunks of a file that is read in blocks of so many bytes, each of them checked."""
    with mock.patch.object(csv_blocks, "BLOCK_BYTES", block_bytes):
        chunks = list(read_file(io.BytesIO(body), URI, contract, options))
    row = 0
    for chunk in chunks:
        chunk.table.validate(full=True)
        assert chunk.table.schema == rows_schema(contract)
        numbers = sorted([*chunk.table["_source_row"].to_pylist(), *(bad.row for bad in chunk.bad)])
        # Every record is accounted for, once, and they are as many as were counted.
        assert numbers == list(range(row + 1, row + chunk.records + 1))
        row += chunk.records
    return chunks


def read_outcome(body: bytes, contract: ContractSpec, options: CsvOptions, block_bytes: int = 1 << 20) -> Outcome:
    """What becomes of a file's records.

    Raises:
        WholeFileError: If it is refused.
    """
    try:
        chunks = read_chunks(body, contract, options, block_bytes)
    except RefusedFileError as error:
        raise WholeFileError from error
    outcome = Outcome({}, {}, {})
    for chunk in chunks:
        for row in chunk.table.to_pylist():
            number = row.pop("_source_row")
            if contract.extras is Extras.RESCUE:
                row["_rescued"] = None if row["_rescued"] is None else json.loads(row["_rescued"])
            outcome.rows[number] = row
        for bad in chunk.bad:
            outcome.bad[bad.row] = (bad.reason.value, bad.column)
            assert bad.line is not None
            outcome.lines[bad.row] = bad.line
    return outcome


def same(one: Any, other: Any) -> bool:
    """Whether two rows or values are the same, signs of zeros and scales of decimals included."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(v, other[k]) for k, v in one.items())
    if isinstance(one, float) and isinstance(other, float):
        return (math.isnan(one) and math.isnan(other)) or (
            one == other and math.copysign(1, one) == math.copysign(1, other)
        )
    return bool(one == other) and (type(one) is not Decimal or str(one) == str(other))


def table_of(chunks: list[Chunk], contract: ContractSpec) -> pa.Table:
    """The rows of all chunks."""
    return pa.concat_tables([rows_schema(contract).empty_table(), *(chunk.table for chunk in chunks)])
