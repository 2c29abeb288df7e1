"""JSON Lines: lines, values by type, nested values, keys."""

# A case is a line, however long: this is a table.
# fmt: off
# ruff: noqa: E501

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from alur_runtime import CsvOptions, Int32, JsonLinesOptions, contract
from tests.corpus.case import ANY, Bad, Case, json_values, lines
from tests.corpus.contracts import Loose, Plain, Rescued, Strict, Values

BAD, RANGE, LOST, RECORD, NULL = "bad_value", "out_of_range", "lost_precision", "bad_record", "null_value"
JSON = JsonLinesOptions()
A = '{"id": 1, "name": "a"}'
ROW_A = (1, "a")


@contract()
class Item:
    """A line of an order."""

    sku: str
    count: Int32 | None


@contract()
class Order:
    """Nested."""

    id: int
    buyer: Item | None
    lines: list[Item] | None
    tags: list[str | None] | None
    grid: list[list[int]] | None


@contract(extras="rescue")
class RescuedOrder:
    """Nested, with extras kept."""

    id: int
    buyer: Item | None


@contract(extras="reject")
class StrictOrder:
    """Nested, without extras."""

    id: int
    buyer: Item | None


def plain(name: str, data: str | bytes, rows: tuple[object, ...] = (), bad: tuple[Bad, ...] = (), **more: object) -> Case:
    return Case(name, Plain, data, rows, bad, files=JSON, budget=ANY, **more)  # type: ignore[arg-type]


def order(name: str, text: str, row: dict[str, object] | None = None, reason: str = "", column: str = "") -> Case:
    """One record of a nested contract: its row, or its fault."""
    bad = (Bad(1, reason, column or ..., ...),) if reason else ()
    rows = ({"id": 1, **(row or {})},) if not reason else ()
    return Case(name, Order, f'{{"id": 1, {text}}}\n', rows, bad, files=JSON, budget=ANY)


CASES = [
    # lines
    plain("JSON lines", lines(A, '{"name":"b","id":2}'), (ROW_A, (2, "b"))),
    plain("JSON without a line end at the end", A, (ROW_A,)),
    plain("JSON with CRLF and blank lines", f"\r\n{A}\r\n\r\n  \r\n" + '{"id": "x"}\r\n\n', (ROW_A,), (Bad(2, BAD, "id", ..., line=5),)),
    plain("JSON with a mark", "\ufeff" + A, (ROW_A,)),
    plain("JSON of no bytes", ""),
    plain("JSON of blank lines", "\n\n  \n"),
    plain("JSON with other separators of lines", '{"id": 1, "name": "a\u2028b\u0085c"}\n', ((1, "a\u2028b\u0085c"),)),
    plain("JSON escapes", r'{"id": 1, "name": "\u00e4\n\"\/\\\t\ud83d\ude00\u0000"}', ((1, 'ä\n"/\\\t😀\0'),)),
    plain("JSON keys with escapes", r'{"\u0069d": 1, "na\u006De": "a"}', (ROW_A,)),
    Case("JSON in UTF-16", Plain, A.encode("utf-16"), (ROW_A,), files=JsonLinesOptions(encoding="utf-16")),
    Case("JSON in latin-1", Plain, '{"id": 1, "name": "ä"}'.encode("latin-1"), ((1, "ä"),), files=JsonLinesOptions(encoding="latin-1")),
    plain("JSON that is cut off", lines(A, '{"id": 2, "na'), (ROW_A,), (Bad(2, RECORD, ..., ..., line=2),)),
    plain("JSON with text behind", lines(A, A + " x", A + A, A + ","), (ROW_A,), tuple(Bad(n, RECORD, ..., ..., line=n) for n in (2, 3, 4))),
    plain("lines that are no objects", lines("[1]", "1", '"a"', "null", "true", "x", A, "[{}]"), (ROW_A,), tuple(Bad(n, RECORD, ..., ..., line=n) for n in (1, 2, 3, 4, 5, 6, 8))),
    plain("JSON that is not strict", lines("{'id': 1}", "{id: 1}", '{"id": 1,}', '{"id": 1} // x', '{"id": 01}', '{"id": +1}', '{"id": 1.}', '{"id": .5}', A), (ROW_A,), tuple(Bad(n, RECORD, ..., ..., line=n) for n in range(1, 9))),
    plain("JSON numbers that are none", lines('{"id": NaN}', '{"id": 1, "x": Infinity}', '{"id": 1, "x": -Infinity}', A), (ROW_A,), tuple(Bad(n, RECORD, ..., ..., line=n) for n in (1, 2, 3))),
    plain("JSON with a tab in a text", '{"id": 1, "name": "a\tb"}\n' + A, (ROW_A,), (Bad(1, RECORD, ..., ..., line=1),)),
    plain("a key twice", lines('{"id": 1, "id": 2}', '{"id": 1, "x": 1, "x": 2}', A), (ROW_A,), (Bad(1, RECORD, ..., ..., line=1), Bad(2, RECORD, ..., ..., line=2))),
    plain("JSON over several lines", '{\n"id": 1\n}\n' + A, (ROW_A,), (Bad(1, RECORD, ..., ..., line=1), Bad(2, RECORD, ..., ..., line=2), Bad(3, RECORD, ..., ..., line=3))),
    plain("an array over the whole file", f"[{A}]\n", (), (Bad(1, RECORD, ..., ..., line=1),)),
    plain("JSON with bytes that are no text", b'{"id": 1, "name": "\xff"}\n' + A.encode(), (ROW_A,), (Bad(1, "bad_encoding", ..., ..., line=1),)),
    plain("JSON with half a pair", lines(r'{"id": 1, "name": "\ud83d"}', r'{"id": 2, "name": "\ude00\ud83d"}', A), (ROW_A,), (Bad(1, "bad_encoding", "name", ..., line=1), Bad(2, "bad_encoding", "name", ..., line=2))),
    # keys
    plain("a key is missing", lines('{"name": "a"}', '{"id": 2}', "{}"), ((2, None),), (Bad(1, NULL, "id", ..., line=1), Bad(3, NULL, "id", ..., line=3))),
    plain("a null", lines('{"id": null, "name": "a"}', '{"id": 2, "name": null}'), ((2, None),), (Bad(1, NULL, "id", ..., line=1),)),
    plain("extra keys", lines('{"id": 1, "x": {"y": [1]}, "name": "a"}'), (ROW_A,)),
    plain("a key of another case", lines('{"ID": 1, "name": "a"}'), (), (Bad(1, NULL, "id", ..., line=1),)),
    Case("a key of another case, ignored", Plain, lines('{"ID": 1, "Name": "a"}', '{"iD": 2}'), (ROW_A, (2, None)), files=JsonLinesOptions(ignore_case=True)),
    Case("two keys of one column", Plain, lines('{"ID": 1, "id": 1}', A), (ROW_A,), (Bad(1, RECORD, ..., ..., line=1),), files=JsonLinesOptions(ignore_case=True), budget=ANY),
    Case("keys with blanks, trimmed", Plain, lines('{" id ": 1, "name": "a"}'), (ROW_A,), files=JsonLinesOptions(trim_names=True)),
    Case("JSON extras are rescued", Rescued, lines('{"id": 1, "name": "a", "x": 1.50, "y": {"z": [null, "ü"]}}', A), ((1, "a", {"x": 1.5, "y": {"z": [None, "ü"]}}), (1, "a", None)), files=JSON),
    Case("JSON extras are refused", Strict, lines('{"id": 1, "x": 1}', A), (ROW_A,), (Bad(1, RECORD, ..., ..., line=1),), files=JSON, budget=ANY),
    Case("JSON without a budget", Plain, lines(A, '{"id": "x"}'), failed="too_many_bad_rows", says=("row 2", "'id'"), files=JSON),
    Case("CSV read as JSON", Plain, lines("id,name", "1,a"), failed="too_many_bad_rows", files=JSON),
    Case("JSON read as CSV", Plain, lines(A), failed="header_mismatch", files=CsvOptions()),
    # values
    json_values("JSON integers", Values, "i64", {"1": 1, "-9223372036854775808": -(2**63), "9223372036854775807": 2**63 - 1, "9007199254740993": 9007199254740993, "1.0": 1, "1e2": 100, "null": None}, {"9223372036854775808": RANGE, "1e400": RANGE, "1.5": LOST, '"1"': BAD, "true": BAD, "[1]": BAD, "{}": BAD}),
    json_values("JSON small integers", Values, "i8", {"127": 127, "-128": -128}, {"128": RANGE, "-129": RANGE, "127.5": LOST}),
    json_values("JSON doubles", Values, "f64", {"1.5": 1.5, "1": 1.0, "-0.0": -0.0, "1e308": 1e308, "5e-324": 5e-324}, {"1e400": RANGE, "1e-400": RANGE, '"1.5"': BAD, "false": BAD}),
    json_values("JSON floats", Values, "f32", {"1.5": 1.5, "0.1": 0.10000000149011612}, {"1e39": RANGE, "1e-60": RANGE}),
    json_values("JSON decimals", Values, "money", {"1.5": Decimal("1.50"), "999.99": Decimal("999.99"), '"2.50"': Decimal("2.50"), "1.500": Decimal("1.50"), "1e2": Decimal(100)}, {"1000": RANGE, "1.005": LOST, '"1.005"': LOST, '"x"': BAD, "true": BAD, '""': BAD}),
    json_values("JSON decimals with 38 digits", Values, "exact", {"1234567890123456789012345678.0123456789": Decimal("1234567890123456789012345678.0123456789"), "0.1": Decimal("0.1")}, {"12345678901234567890123456789": RANGE}),
    json_values("JSON booleans", Values, "flag", {"true": True, "false": False, "null": None}, {"1": BAD, "0": BAD, '"true"': BAD}),
    json_values("JSON texts", Values, "text", {'"a"': "a", '""': "", '"null"': "null", "null": None}, {"1": BAD, "1.5": BAD, "true": BAD, "[]": BAD, '{"a": 1}': BAD}),
    json_values("JSON dates", Values, "day", {'"2024-05-01"': dt.date(2024, 5, 1), '"0001-01-01"': dt.date(1, 1, 1)}, {'"2024-02-30"': BAD, "20240501": BAD, '"01.05.2024"': BAD, '""': BAD}),
    json_values("JSON times", Values, "at", {'"2024-05-01T10:00:00Z"': dt.datetime(2024, 5, 1, 10, tzinfo=dt.UTC), '"2024-05-01 10:00:00.5"': dt.datetime(2024, 5, 1, 8, 0, 0, 500000, tzinfo=dt.UTC)}, {"1714557600": BAD, '"2024-03-31 02:30:00"': BAD, '"x"': BAD}, JsonLinesOptions(timezone="Europe/Berlin")),
    json_values("JSON bytes", Values, "raw", {'"aGVsbG8="': b"hello", '""': b""}, {'"aGVsbG8"': BAD, "1": BAD}),
    # nested
    order("a nested object", '"buyer": {"sku": "a", "count": 2}', {"buyer": {"sku": "a", "count": 2}}),
    order("a nested object without a nullable key", '"buyer": {"sku": "a"}', {"buyer": {"sku": "a", "count": None}}),
    order("a nested object with a key more", '"buyer": {"x": 1, "sku": "a"}', {"buyer": {"sku": "a", "count": None}}),
    order("a nested null", '"buyer": null, "lines": null', {}),
    order("a nested value is missing", '"buyer": {"count": 2}', reason=NULL, column="buyer.sku"),
    order("a nested value of another type", '"buyer": {"sku": 1}', reason=BAD, column="buyer.sku"),
    order("a nested value out of range", '"buyer": {"sku": "a", "count": 2147483648}', reason=RANGE, column="buyer.count"),
    order("an object is no list", '"lines": {"sku": "a"}', reason=BAD, column="lines"),
    order("a list is no object", '"buyer": [{"sku": "a"}]', reason=BAD, column="buyer"),
    order("a list of objects", '"lines": [{"sku": "a", "count": 1}, {"sku": "b"}]', {"lines": [{"sku": "a", "count": 1}, {"sku": "b", "count": None}]}),
    order("an empty list is no null", '"lines": [], "tags": []', {"lines": [], "tags": []}),
    order("a list of texts and nulls", '"tags": ["a", null, ""]', {"tags": ["a", None, ""]}),
    order("lists of lists", '"grid": [[1, 2], [], [3]]', {"grid": [[1, 2], [], [3]]}),
    order("a null in a list that has none", '"lines": [{"sku": "a"}, null]', reason=NULL, column="lines[1]"),
    order("a null deep in a list", '"lines": [{"sku": "a"}, {"sku": null}]', reason=NULL, column="lines[1].sku"),
    order("a null in a list of lists", '"grid": [[1], [2, null]]', reason=NULL, column="grid[1][1]"),
    order("a nested key twice", '"buyer": {"sku": "a", "sku": "b"}', reason=RECORD),
    Case("a nested key more is rescued", RescuedOrder, '{"id": 1, "buyer": {"sku": "a", "x": [1]}, "y": 2}', ((1, {"sku": "a", "count": None}, {"buyer.x": [1], "y": 2}),), files=JSON),
    Case("a nested key more is refused", StrictOrder, '{"id": 1, "buyer": {"sku": "a", "x": 1}}', (), (Bad(1, RECORD, ..., ..., line=1),), files=JSON, budget=ANY),
    Case("JSON of everything nullable", Loose, lines("{}", '{"id": null}'), ((None, None), (None, None)), files=JSON),
]
