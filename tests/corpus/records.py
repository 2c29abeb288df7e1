"""Rows that do not fit, what a budget allows, and files with no rows."""

# A case is a line, however long: this is a table.
# fmt: off
# ruff: noqa: E501

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from alur_runtime import CsvOptions, ErrorBudget
from tests.corpus.case import ANY, Bad, Case, lines
from tests.corpus.contracts import Loose, Plain, Values

A = ((1, "a"),)
HUNDRED = ["id,name", *(f"{n},n" for n in range(1, 100))]
HUNDRED_ROWS = tuple((n, "n") for n in range(1, 100))

CASES = [
    Case("too many fields", Plain, lines("id,name", "1,a", "2,b,c"), A, (Bad(2, "field_count", line=3),), budget=ANY),
    Case("too few fields", Plain, lines("id,name", "1,a", "2"), A, (Bad(2, "field_count", line=3),), budget=ANY),
    Case("an empty surplus is a fault", Plain, lines("id,name", "1,a", "2,b,"), A, (Bad(2, "field_count", line=3),), budget=ANY),
    Case("a missing tail is a fault though nullable", Loose, lines("id,name", "1,a", "2"), A, (Bad(2, "field_count", line=3),), budget=ANY),
    Case("every row has a surplus", Plain, lines("id,name", "1,a,", "2,b,"), (), (Bad(1, "field_count", line=2), Bad(2, "field_count", line=3)), budget=ANY),
    Case("a value that is no number", Plain, lines("id,name", "1,a", "x,b", "2,c"), ((1, "a"), (2, "c")), (Bad(2, "bad_value", "id", "x", line=3),), budget=ANY),
    Case("a missing value", Plain, lines("id,name", "1,a", ",b"), A, (Bad(2, "null_value", "id", ..., line=3),), budget=ANY),
    Case("one fault a row, the first of the contract", Values, lines("day,i8,id", "x,y,1", "x,1,z", "2024-01-01,1,2"), ({"id": 2, "i8": 1, "day": dt.date(2024, 1, 1)},), (Bad(1, "bad_value", "i8", "y", line=2), Bad(2, "bad_value", "id", "z", line=3)), budget=ANY),
    Case("every reason in one file", Values, lines("id,i8,money,name", "1,5,1.5,x", "x,5,1,x", "2,128,1,x", "3,5,1.005,x", ",5,1,x", "4,5", "5,6,7.25,x"), ({"id": 1, "i8": 5, "money": Decimal("1.50")}, {"id": 5, "i8": 6, "money": Decimal("7.25")}), (Bad(2, "bad_value", "id", "x", line=3), Bad(3, "out_of_range", "i8", "128", line=4), Bad(4, "lost_precision", "money", "1.005", line=5), Bad(5, "null_value", "id", ..., line=6), Bad(6, "field_count", line=7)), budget=ANY),
    # budgets
    Case("no budget: one bad row fails the file", Plain, lines("id,name", "1,a", "x,b", "2,c"), failed="too_many_bad_rows", says=("row 2", "'id'", "'x'")),
    Case("a budget of rows that is kept", Plain, lines("id,name", "1,a", "x,b"), A, (Bad(2, "bad_value", "id", "x"),), budget=ErrorBudget(rows=1)),
    Case("a budget of rows that is not", Plain, lines("id,name", "1,a", "x,b", "y,c"), failed="too_many_bad_rows", says=("2 bad rows", "allows 1", "row 2"), budget=ErrorBudget(rows=1)),
    Case("a budget in percent that is just kept", Plain, lines(*HUNDRED, "x,n"), HUNDRED_ROWS, (Bad(100, "bad_value", "id", "x"),), budget=ErrorBudget(percent=1)),
    Case("a budget in percent that is just not", Plain, lines(*HUNDRED[:-1], "x,n"), failed="too_many_bad_rows", says=("1 bad row of 99", "1 percent"), budget=ErrorBudget(percent=1)),
    Case("either limit is one: rows", Plain, lines(*HUNDRED, "x,n", "y,n"), failed="too_many_bad_rows", says=("allows 1",), budget=ErrorBudget(rows=1, percent=50)),
    Case("either limit is one: percent", Plain, lines("id,name", "1,a", "x,b"), failed="too_many_bad_rows", says=("10 percent",), budget=ErrorBudget(rows=5, percent=10)),
    Case("bad rows first, then enough good ones", Plain, lines("id,name", "x,b", *HUNDRED[1:]), HUNDRED_ROWS, (Bad(1, "bad_value", "id", "x", line=2),), budget=ErrorBudget(percent=1)),
    Case("every row is bad and allowed", Plain, lines("id,name", "x,a", "y,b"), (), (Bad(1, "bad_value", "id", "x"), Bad(2, "bad_value", "id", "y")), budget=ANY),
    # nothing in them
    Case("no bytes", Plain, ""),
    Case("a header only", Plain, "id,name\n"),
    Case("a header only, without a line end", Plain, "id,name"),
    Case("blank lines only", Plain, "\n\r\n\n"),
    Case("comments only", Plain, "# a\n# b\n", files=CsvOptions(comment="#")),
    Case("a header only that does not fit", Plain, "name\n", failed="header_mismatch", says=("'id'",)),
    Case("given columns and no bytes", Plain, "", files=CsvOptions(columns=("id", "name"))),
    # what is no CSV
    Case("a picture", Plain, b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00", failed="header_mismatch|unreadable", budget=ANY),
    Case("a page of HTML", Plain, lines("<html>", "<body>Access denied</body>", "</html>"), failed="header_mismatch", says=("<html>",), budget=ANY),
]
