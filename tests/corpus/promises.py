"""Expectations, transforms, metadata columns and partitions."""

# A case is a line, however long: this is a table.
# fmt: off
# ruff: noqa: E501

from __future__ import annotations

import datetime as dt
import decimal
import zlib

from alur_runtime import Decimal, bucket, contract, day, hour, month
from alur_runtime.contracts.expectations import between, function, in_set, matches, not_null, row_count, unique
from tests.corpus.case import ANY, Bad, Case, Job, lines
from tests.corpus.contracts import Plain, Rescued

D = decimal.Decimal
MET = "expectation_failed"
FUNCTIONS = "tests.corpus.functions"


# --- expectations ----------------------------------------------------------------------------------------------------


@contract(expect=(not_null("name"), unique("id"), in_set("kind", ("a", "b")), matches("name", "[a-z]+"), between("amount", 0, "10.5"), row_count(1, 5)))
class FailFile:
    """Every check fails the file."""

    id: int
    name: str | None
    kind: str | None
    amount: Decimal(5, 2) | None  # type: ignore[valid-type]


@contract(
    expect=(
        not_null("name", severity="quarantine"),
        unique("id", severity="quarantine"),
        in_set("kind", ("a", "b"), severity="quarantine"),
        matches("name", "[a-z]+", severity="quarantine"),
        between("amount", 0, None, severity="quarantine"),
        function(f"{FUNCTIONS}:no_x", severity="quarantine", name="no x"),
        row_count(most=4, severity="warn", name="few"),
    )
)
class Sifted:
    """Checks of rows keep rows out."""

    id: int
    name: str | None
    kind: str | None
    amount: Decimal(5, 2) | None  # type: ignore[valid-type]


@contract(expect=(not_null("name", severity="warn"), unique("name", severity="warn", name="names differ"), function(f"{FUNCTIONS}:few_rows", severity="warn", name="few")))
class Warned:
    """Checks that only warn."""

    id: int
    name: str | None


@contract(expect=(function(f"{FUNCTIONS}:few_rows", name="few"), function(f"{FUNCTIONS}:no_x", name="no x")))
class Asked:
    """Functions of the user's say whether a file is taken."""

    id: int
    name: str | None


HEAD = "id,name,kind,amount"


def fails(name: str, expectation: str, *rows: str) -> Case:
    return Case(f"expected: {name}", FailFile, lines(HEAD, *rows), failed=MET, says=(expectation,))


EXPECTATIONS = [
    Case("expected: all is met", FailFile, lines(HEAD, "1,x,a,0", "2,y,,10.5"), ((1, "x", "a", D("0.00")), (2, "y", None, D("10.50")))),
    fails("no null", "not_null_name", "1,x,a,1", "2,,a,1"),
    fails("no value twice", "unique_id", "1,x,a,1", "1,y,a,1"),
    fails("one of a set", "in_set_kind", "1,x,c,1"),
    fails("the whole of a text", "matches_name", "1,x1,a,1"),
    fails("no less", "between_amount", "1,x,a,-0.01"),
    fails("no more", "between_amount", "1,x,a,10.51"),
    fails("no fewer rows", "row_count"),
    fails("no more rows", "row_count", *(f"{n},x,a,1" for n in range(6))),
    Case("expected: rows that do not meet it go", Sifted, lines(HEAD, "1,x,a,1", "1,y,a,1", "2,,a,1", "3,z,c,1", "4,z9,a,1", "5,z,a,-1", "6,ok,b,1"), ((6, "ok", "b", D("1.00")),), tuple(Bad(n, MET, ..., ...) for n in range(1, 7)), budget=ANY, unmet={"not_null_name": "1 of 7", "unique_id": "1 of 7", "in_set_kind": "1 of 7", "matches_name": "1 of 6", "between_amount": "1 of 7", "no x": "1 of 7"}),
    Case("expected: the first of two stays", Sifted, lines(HEAD, "1,a,a,1", "1,b,a,1", "2,c,a,1"), ((1, "a", "a", D(1)), (2, "c", "a", D(1))), (Bad(2, MET, ..., ...),), budget=ANY, unmet={"unique_id": "1 of 3"}),
    Case("expected: rows that go count in the budget", Sifted, lines(HEAD, "1,a,a,1", "2,b,c,1"), failed="too_many_bad_rows", says=("row 2",)),
    Case("expected: both kinds of bad rows", Sifted, lines(HEAD, "1,a,a,1", "x,b,a,1", "3,c,q,1"), ((1, "a", "a", D(1)),), (Bad(2, "bad_value", "id", "x"), Bad(3, MET, ..., ...)), budget=ANY, unmet={"in_set_kind": "1 of 2"}),
    Case("expected: warned", Warned, lines("id,name", "1,a", "2,", "3,a", "4,"), ((1, "a"), (2, None), (3, "a"), (4, None)), unmet={"not_null_name": "2 of 4", "names differ": "1 of 2", "few": "few_rows says no"}),
    Case("expected: nothing to warn of", Warned, lines("id,name", "1,a", "2,b"), ((1, "a"), (2, "b"))),
    Case("expected: a function that says yes", Asked, lines("id,name", "1,a"), ((1, "a"),)),
    Case("expected: a function that says no", Asked, lines("id,name", "1,a", "2,b", "3,c", "4,d"), failed=MET, says=("few",)),
    Case("expected: a function that says no of a row", Asked, lines("id,name", "1,a", "2,x"), failed=MET, says=("no x",)),
    Case("expected: of what the transform leaves", Asked, lines("id,name", "1,x", "2,b", "3,x", "4,d", "5,x"), ((2, "b"), (4, "d")), job=Job(transform=f"{FUNCTIONS}:keep_even"), filtered=3),
    Case("expected: bad rows are none of its business", FailFile, lines(HEAD, "1,x,a,1", "y,,q,99"), ((1, "x", "a", D(1)),), (Bad(2, "bad_value", "id", "y"),), budget=ANY),
]


# --- transforms ------------------------------------------------------------------------------------------------------


def changed(name: str, function: str, *rows: tuple[object, ...], **more: object) -> Case:
    data = lines("id,name", "1,a", "2,b", "3,c", "4,d")
    return Case(f"transform: {name}", Plain, data, rows, job=Job(transform=f"{FUNCTIONS}:{function}"), **more)  # type: ignore[arg-type]


def refused(name: str, function: str, *says: str) -> Case:
    return changed(name, function, failed="transform_failed", says=(function, *says))


TRANSFORMS = [
    changed("filters", "keep_even", (2, "b"), (4, "d"), filtered=2),
    Case("transform: filters all", Plain, lines("id,name", "1,a", "3,c"), job=Job(transform=f"{FUNCTIONS}:keep_even"), filtered=2),
    Case("transform: filters below bad rows", Plain, lines("id,name", "x,a", "1,b", "2,c", "y,d", "4,e"), ((2, "c"), (4, "e")), (Bad(1, "bad_value", "id", "x"), Bad(4, "bad_value", "id", "y")), job=Job(transform=f"{FUNCTIONS}:keep_even"), filtered=1, budget=ANY),
    Case("transform: explodes", Plain, lines("id,name", "0,a", "1,b", "3,c"), ((1, "b"), (3, "c"), (3, "c"), (3, "c")), job=Job(transform=f"{FUNCTIONS}:explode"), filtered=1, added=2),
    changed("changes values and the order", "upper", (1, "A"), (2, "B"), (3, "C"), (4, "D")),
    Case("transform: of no rows", Plain, "id,name\n", job=Job(transform=f"{FUNCTIONS}:upper")),
    refused("its own error", "fail_on_three", "three is not what this job was made for", "functions.py", "ValueError"),
    Case("transform: its own error on another file only", Plain, lines("id,name", "1,a"), ((1, "a"),), job=Job(transform=f"{FUNCTIONS}:fail_on_three")),
    refused("loses the row numbers", "forget_rows", "_source_row"),
    refused("loses a column", "forget_name", "name"),
    refused("makes a null", "null_ids", "'id'"),
    refused("makes row numbers up", "rows_of_others", "_source_row"),
    refused("another type", "texts_for_ids", "'id'"),
    refused("no table", "no_table", "dict"),
]


# --- metadata columns -------------------------------------------------------------------------------------------------

FEW = Job(metadata_columns=("_source_file",))
APPEND = Job(on_change="append")
METADATA = [
    Case("metadata: only what replace needs", Plain, lines("id,name", "1,a", "2,b"), ((1, "a"), (2, "b")), job=FEW),
    Case("metadata: only what replace needs, rescued", Rescued, lines("id,x", "1,a"), ((1, None, {"x": "a"}),), job=FEW),
    Case("metadata: with the version", Plain, lines("id,name", "1,a"), ((1, "a"),), job=APPEND),
]


# --- partitions -------------------------------------------------------------------------------------------------------


@contract(partition_by=("kind",))
class ByKind:
    """By a text."""

    id: int
    kind: str | None


@contract(partition_by=(day("at"), bucket(4, "name")))
class ByDay:
    """By the day of a time and a bucket of a text."""

    id: int
    at: dt.datetime | None
    name: str | None


@contract(partition_by=(month("on"), hour("at")))
class ByMonth:
    """By the month of a date and the hour of a time."""

    id: int
    on: dt.date | None
    at: dt.datetime | None


@contract(partition_by=("on", "flag", "number", "amount"))
class ByTypes:
    """By every other type that may be."""

    id: int
    on: dt.date | None
    flag: bool | None
    number: int | None
    amount: Decimal(5, 2) | None  # type: ignore[valid-type]


ODD = ["plain", "a/b", "100%", "%41", "x=y", "ä ö", " blank ", "it's", "a:b#c?d", "{[^]}", "*", "\\", "日本😀", "..", ".", "__x", "e\u0301", "a&b", "a+b", "~", "CON", "true", "1", "01", "1.0", "null", "None", "NaN"]


def crc(text: str) -> int:
    return zlib.crc32(text.encode()) % 4


UTC = dt.UTC
PARTITIONS = [
    Case("partitions: odd values", ByKind, lines("id,kind", *(f'{n},"{v}"' for n, v in enumerate(ODD)), "99,"), (*enumerate(ODD), (99, None))),
    Case("partitions: controls and line ends", ByKind, 'id,kind\n1,"a\nb"\n2,"a\tb"\n3,"a\x7fb"\n4,"a\rb"\n', ((1, "a\nb"), (2, "a\tb"), (3, "a\x7fb"), (4, "a\rb"))),
    Case("partitions: what would be read as null", ByKind, lines("id,kind", '1,""', "2,__HIVE_DEFAULT_PARTITION__", "3,x"), ((3, "x"),), (Bad(1, "bad_value", "kind", ""), Bad(2, "bad_value", "kind", "__HIVE_DEFAULT_PARTITION__")), budget=ANY),
    Case("partitions: a NUL", ByKind, "id,kind\n1,a\0b\n2,x\n", ((2, "x"),), (Bad(1, "bad_value", "kind", "a\0b"),), budget=ANY),
    Case("partitions: a value that is too long", ByKind, lines("id,kind", "1," + "x" * 300, "2," + "x" * 200), ((2, "x" * 200),), (Bad(1, "bad_value", "kind", ...),), budget=ANY),
    Case("partitions: day and bucket", ByDay, lines("id,at,name", "1,2024-05-01 23:59:59,x", "2,2024-05-02 00:00:00+02:00,", "3,,y", "4,1969-12-31 23:59:59.999999,x"), ((1, dt.datetime(2024, 5, 1, 23, 59, 59, tzinfo=UTC), "x", dt.date(2024, 5, 1), crc("x")), (2, dt.datetime(2024, 5, 1, 22, tzinfo=UTC), None, dt.date(2024, 5, 1), None), (3, None, "y", None, crc("y")), (4, dt.datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), "x", dt.date(1969, 12, 31), crc("x")))),
    Case("partitions: month and hour", ByMonth, lines("id,on,at", "1,2024-05-31,2024-05-31 13:59:59", "2,0001-01-01,0001-01-01 00:00:00", "3,9999-12-31,9999-12-31 23:59:59", "4,,"), ((1, dt.date(2024, 5, 31), dt.datetime(2024, 5, 31, 13, 59, 59, tzinfo=UTC), "2024-05", "2024-05-31-13"), (2, dt.date(1, 1, 1), dt.datetime(1, 1, 1, tzinfo=UTC), "0001-01", "0001-01-01-00"), (3, dt.date(9999, 12, 31), dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), "9999-12", "9999-12-31-23"), (4, None, None, None, None))),
    Case("partitions: other types", ByTypes, lines("id,on,flag,number,amount", "1,2024-05-01,true,-7,1.5", "2,0001-01-01,false,9223372036854775807,-999.99", "3,,,,", "4,2024-05-01,1,0,0"), ((1, dt.date(2024, 5, 1), True, -7, D("1.50")), (2, dt.date(1, 1, 1), False, 2**63 - 1, D("-999.99")), (3, None, None, None, None), (4, dt.date(2024, 5, 1), True, 0, D("0.00")))),
    Case("partitions: too many", ByKind, lines("id,kind", *(f"{n},k{n}" for n in range(6))), failed="too_many_partitions", says=("max_partitions", "5"), job=Job(max_partitions=5)),
    Case("partitions: just not too many", ByKind, lines("id,kind", *(f"{n},j{n % 4}" for n in range(8))), tuple((n, f"j{n % 4}") for n in range(8)), job=Job(max_partitions=5)),
    Case("partitions: file of no rows", ByKind, "id,kind\n"),
]

CASES = [*EXPECTATIONS, *TRANSFORMS, *METADATA, *PARTITIONS]
