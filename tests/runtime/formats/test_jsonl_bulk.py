"""Arrow's parser against the strict reader: what the one takes in bulk is what the other reads, value for value."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from alur_runtime.contracts.options import JsonLinesOptions
from alur_runtime.contracts.spec import Column, ContractSpec, Extras, array_type, check_spec, struct_type
from alur_runtime.formats.binding import fold
from alur_runtime.formats.json_text import decode_object
from alur_runtime.formats.jsonl import count_records
from alur_runtime.formats.jsonl_bulk import BulkReader
from alur_runtime.formats.jsonl_rows import RowReader
from alur_runtime.formats.jsonl_values import FaultError, Keys, reader_of
from alur_runtime.formats.values import reading_of
from alur_runtime.rows import BadRow
from tests.runtime.formats.csv_files import examples

NAMES = ("a", "b", "A")
KINDS = (
    "tinyint", "smallint", "int", "bigint", "float", "double", "boolean", "string", "binary", "date", "timestamp",
    "decimal(4,2)", "decimal(12,2)", "decimal(38,0)", "decimal(38,38)",
)  # fmt: skip

NUMBERS = (
    "0", "-0", "1", "127", "128", "-129", "32768", "2147483648", "9223372036854775807", "9223372036854775808", "1.0",
    "1.5", "12.50", "99.99", "100", "1234", "12345678901", "1e2", "1E+2", "1e-2", "1.005", "0.001", "1e400", "-1e400",
    "1e-400", "1e-46", "3.4e38", "3.5e38", "1e308", "0." + "0" * 330 + "1", "1" + "0" * 39, "0.1", "16777217",
    "01", "1.", ".5", "+1", "0x10", "1_0", "NaN", "Infinity", "-Infinity", "Inf", "-", "1e", "0e0", "0.0e5",
    "123456789012345678901234567890.5", "0.99999999999999999999999999999999999999", "5e-324", "2e-324",
)  # fmt: skip
STRINGS = (
    "", " ", "a", "é", "\u2028", "😀", "0", "1.5", "12.505", " 1.5 ", "1e2", "+1.5", ".5", "5.", "1,5", "0x10", "1e400",
    "1e-50", "1e999999999999", "NaN", "null", "true", "2024-02-29", "2023-02-29", "0000-01-01", "0001-01-01",
    "9999-12-31", "10000-01-01", "2024-1-1", "20240101", "2024-05-01T10:00:00", "2024-05-01 10:00:00.1234567",
    "2024-05-01T10:00:00Z", "2024-05-01T10:00:00+02:00", "2024-05-01T24:00:00", "2024-06-30T23:59:60Z",
    "2024-05-01T10:00:00.1234560", "0001-01-01T00:00:00+01:00", "2024-03-31 02:30:00", "2024-10-27 02:30:00",
    "YWI=", "YWI", "YW I=", "====", "e-12", "\x7f", "{", "}", "}\n{", '"', "\\",
)  # fmt: skip
ESCAPED = ('"\\ud800"', '"\\udc00x"', '"\\ud83d\\ude00"', '"\\u0000"', '"\\x"', '"a\tb"', '"\\u00e9"', '"\\/"', "'a'")


def _objects(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    keys = st.sampled_from(['"a"', '"b"', '"A"', '"x"', '"\\u0061"', '""', '" a"'])
    pairs = st.lists(st.tuples(keys, values), max_size=3)
    return pairs.map(lambda found: "{" + ",".join(f"{k}:{v}" for k, v in found) + "}")


_values: st.SearchStrategy[str] = st.recursive(
    st.sampled_from(NUMBERS)
    | st.sampled_from(STRINGS).map(lambda s: json.dumps(s, ensure_ascii=False))
    | st.sampled_from(ESCAPED)
    | st.sampled_from(["null", "true", "false", "nul", ""])
    | st.decimals(allow_nan=False, allow_infinity=False, places=2).map(str)
    | st.floats(allow_nan=False, allow_infinity=False).map(repr)
    | st.integers().map(str),
    lambda inner: st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]") | _objects(inner),
    max_leaves=4,
)


_lines = (
    _objects(_values)
    | _objects(_values).map(lambda o: f" {o}\t\r")
    | _values
    | st.sampled_from(["", " ", '{"a":1}{"a":2}', '{"a":', "1}", '{"a":1},', "// c", "\ufeff{}", '{"a":{}', "{}}"])
)


def _columns(kinds: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[Column, ...]]:
    plain = st.builds(Column, st.sampled_from(NAMES[:2]), kinds, st.booleans())

    def nest(inner: st.SearchStrategy[Column]) -> st.SearchStrategy[Column]:
        def listed(name: str, column: Column, nullable: bool) -> Column:
            element = Column("element", column.type, column.nullable, fields=column.fields)
            return Column(name, array_type(element), nullable, fields=(element,))

        def struct(name: str, fields: list[Column], nullable: bool) -> Column:
            return Column(name, struct_type(tuple(fields)), nullable, fields=tuple(fields))

        named = st.lists(inner, min_size=1, max_size=2, unique_by=lambda c: c.name)
        names = st.sampled_from(NAMES[:2])
        return st.builds(listed, names, inner, st.booleans()) | st.builds(struct, names, named, st.booleans())

    columns = st.recursive(plain, nest, max_leaves=3)
    return st.lists(columns, min_size=1, max_size=2, unique_by=lambda c: c.name).map(tuple)


def _show(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def compare(lines: list[str | bytes], spec: ContractSpec, options: JsonLinesOptions) -> pa.Table | None:
    """What is read in bulk, if anything is, having seen that it is what the strict reader reads."""
    data = b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines)
    records = count_records(data)
    found, bad = RowReader(spec, options, _show).read(data, 1, 1)
    assert found.num_rows + len(bad) == records
    compare_with_single_values(data, found, bad, spec, options)
    taken: pa.Table | None = BulkReader(spec, options).read(data, records, 1) if records else None
    if taken is not None:
        assert not bad, bad
        taken.validate(full=True)
        assert taken.schema == found.schema
        # Bit for bit: NaN is NaN, and -0.0 is not 0.0.
        assert repr(taken.to_pylist()) == repr(found.to_pylist())
    return taken


def compare_with_single_values(
    data: bytes, found: pa.Table, bad: list[BadRow], spec: ContractSpec, options: JsonLinesOptions
) -> None:
    """See that the columns are what the strict reader of single values makes of each line that is an object."""
    keys = Keys((lambda key: fold(key, options)) if options.ignore_case or options.trim_names else None)
    readers = [(keys.name(c), c.name, reader_of(c, reading_of(options), keys)) for c in spec.columns]
    taken = {row["_source_row"]: row for row in found.to_pylist()}
    refused = {row.row: row for row in bad}
    lines = [raw for raw in data.split(b"\n") if raw.strip(b" \t\r")]
    for number, raw in enumerate(lines, start=1):
        if number in refused and refused[number].column is None:
            continue
        record = keys.bind(decode_object(raw.decode()))
        values: dict[str, Any] = {}
        fault = None
        for key, name, read in readers:
            try:
                values[name] = read(record.get(key))
            except FaultError as error:
                fault = fault or (name + error.fault.path, error.fault.reason, error.fault.problem)
        if fault is None:
            wanted = pa.Table.from_pylist(
                [values], schema=found.schema.remove(found.schema.get_field_index("_source_row"))
            )
            assert repr({**wanted.to_pylist()[0], "_source_row": number}) == repr({**taken[number], **_rescued(spec)})
        else:
            row = refused[number]
            assert (row.column, row.reason, row.problem) == fault


def _rescued(spec: ContractSpec) -> dict[str, None]:
    return {"_rescued": None} if spec.extras is Extras.RESCUE else {}


_options = st.builds(
    JsonLinesOptions,
    ignore_case=st.booleans(),
    trim_names=st.booleans(),
    timezone=st.sampled_from(["UTC", "Europe/Berlin"]),
)


def _spec(columns: tuple[Column, ...], extras: Extras = Extras.IGNORE) -> ContractSpec:
    return check_spec(ContractSpec("T", columns, extras=extras))


@settings(deadline=None, max_examples=examples(400))
@given(st.lists(_lines, max_size=4), _columns(st.sampled_from(KINDS)), st.sampled_from(Extras), _options)
@example(['{"x":null,"x":null}'], (Column("a", "int", True),), Extras.IGNORE, JsonLinesOptions())
@example(['{"x":[],"x":[]}'], (Column("a", "int", True),), Extras.IGNORE, JsonLinesOptions())
@example(['{"a":{"b":1}}', '{"a":{"b":1,"A":2}}'], (Column("a", "struct<b:int>", fields=(Column("b", "int"),)),),
         Extras.RESCUE, JsonLinesOptions())  # fmt: skip
def test_any_lines(lines: list[str], columns: tuple[Column, ...], extras: Extras, options: JsonLinesOptions) -> None:
    compare(list(lines), _spec(columns, extras), options)


@settings(deadline=None, max_examples=examples(300))
@given(st.data())
def test_objects_whose_values_are_nearly_right(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(KINDS))
    tokens = NUMBERS if "int" in kind or kind in ("float", "double") else None
    strings = st.sampled_from(STRINGS).map(lambda s: json.dumps(s, ensure_ascii=False))
    values = st.sampled_from(tokens) if tokens else strings | st.sampled_from(ESCAPED)
    if kind.startswith("decimal"):
        values = values | st.sampled_from(NUMBERS)
    lines = data.draw(st.lists(values.map(lambda v: f'{{"a":{v}}}'), min_size=1, max_size=3))
    compare(list(lines), _spec((Column("a", kind, data.draw(st.booleans())),)), JsonLinesOptions())


@pytest.mark.parametrize("kind", KINDS)
def test_every_value_alone(kind: str) -> None:
    spec = _spec((Column("a", kind, nullable=True),))
    values = [*NUMBERS, *(json.dumps(s, ensure_ascii=False) for s in STRINGS), *ESCAPED, "null", "true"]
    for value in values:
        compare([f'{{"a": {value}}}'], spec, JsonLinesOptions())


TYPICAL: list[tuple[str, list[Any]]] = [
    ("bigint", [1, -5, 2**63 - 1, None]),
    ("tinyint", [-128, 127]),
    ("double", [0.0, 1.5, 1e300, -0.25, 7]),
    ("float", [0.5, 0.0]),
    ("boolean", [True, False, None]),
    ("string", ["", "é", "e-12", "550e8400-e29b-41d4", "\u2028", "NaN", "{", "Information"]),
    ("binary", ["YWI=", ""]),
    ("date", ["2024-02-29", "0001-01-01", None]),
    ("timestamp", ["2024-05-01T10:00:00Z", "2024-05-01 10:00:00.123456"]),
    ("decimal(12,2)", ["1.50", "-3"]),
]


@pytest.mark.parametrize("extras", Extras)
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\n\n", " \r\n\t\n"])
def test_typical_files_are_read_in_bulk(ends: str, extras: Extras) -> None:
    columns = [Column(f"c{n}", kind, nullable=True) for n, (kind, _) in enumerate(TYPICAL)]
    line = Column("element", "struct<sku:string,n:int>", fields=(Column("sku", "string"), Column("n", "int", True)))
    columns.append(Column("lines", array_type(line), True, fields=(line,)))
    rows = [
        {f"c{n}": values[i % len(values)] for n, (_, values) in enumerate(TYPICAL)}
        | {"lines": [{"sku": "a", "n": i}] * (i % 3)}
        for i in range(40)
    ]
    data = ends.join(json.dumps(row, ensure_ascii=False) for row in rows) + ends
    assert compare([data], _spec(tuple(columns), extras), JsonLinesOptions()) is not None


def test_what_makes_the_parser_unsure_of_itself_is_left_to_the_strict_reader() -> None:
    spec = _spec((Column("a", "double", nullable=True),))
    for line in (
        '{"a":NaN}',
        '{"a":1,"x":[Infinity]}',
        '{"a":1e-400}',
        '{"a":1} {"a":2}',
        '{"a":\n1}',
        b'{"a":1,"x":"\xff"}',
        '{"a":1,"x":"\\ud800"}',
        '{"a":1,"a":1}',
        '{"a":1,"x":' + "[" * 300 + "]" * 300 + "}",
    ):
        assert compare([line], spec, JsonLinesOptions()) is None, line


def test_nesting_without_end_does_not_end_the_process() -> None:
    spec = _spec((Column("a", "double", nullable=True),))
    deep = '{"a":' + "[" * 1_000_000 + "]" * 1_000_000 + "}"
    objects = '{"a":' * 300_000 + "1" + "}" * 300_000
    hidden = '{"a":["' + "]" * 1000 + '",' + "[" * 100_000 + "]" * 100_000 + "]}"
    for line in (deep, objects, hidden):
        data = line.encode()
        assert BulkReader(spec, JsonLinesOptions()).read(data, 1, 1) is None
        _, bad = RowReader(spec, JsonLinesOptions(), _show).read(data, 1, 1)
        assert [row.problem for row in bad] == ["is nested more than 200 levels deep"]
        assert isinstance(bad[0], BadRow)
