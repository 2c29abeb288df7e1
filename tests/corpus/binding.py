"""Which field feeds which column: names, extras, what is missing, what is there twice."""

# A case is a line, however long: this is a table.
# fmt: off
# ruff: noqa: E501

from __future__ import annotations

from alur_runtime import CsvOptions
from tests.corpus.case import ANY, Bad, Case, lines
from tests.corpus.contracts import Loose, Plain, Rescued, Strict

NO_CASE = CsvOptions(ignore_case=True)
TRIM = CsvOptions(trim_names=True)

CASES = [
    Case("columns in another order", Plain, lines("name,id", "a,1", "b,2"), ((1, "a"), (2, "b"))),
    Case("a column more in the middle", Plain, lines("id,other,name", "1,x,a"), ((1, "a"),)),
    Case("a nullable column is missing", Plain, lines("id", "1", "2"), ((1, None), (2, None))),
    Case("a column that must be there is missing", Plain, lines("name", "a"), failed="header_mismatch", says=("'id'", "name")),
    Case("every column is missing and may be", Loose, lines("x,y", "1,2"), ((None, None),)),
    Case("the same name twice", Plain, lines("id,name,id", "1,a,2"), failed="header_mismatch", says=("'id'",)),
    Case("the same name twice, behind a mark", Plain, "\ufeff" + lines("id,name,id", "1,a,2"), failed="header_mismatch", says=("'id'",)),
    Case("the same extra twice", Plain, lines("id,x,x", "1,a,2"), failed="header_mismatch", says=("'x'",)),
    Case("two names that are empty", Plain, lines("id,,", "1,,"), failed="header_mismatch"),
    Case("one name that is empty", Plain, lines("id,", "1,x"), ((1, None),)),
    Case("a name of another case", Plain, lines("ID,name", "1,a"), failed="header_mismatch", says=("'id'", "ignore_case")),
    Case("a name of another case, ignored", Plain, lines("ID,NaMe", "1,a"), ((1, "a"),), files=NO_CASE),
    Case("two names that differ in case, ignored", Plain, lines("id,Id,name", "1,2,a"), failed="header_mismatch", says=("Id",), files=NO_CASE),
    Case("two extras that differ in case, ignored", Plain, lines("id,x,X", "1,2,3"), failed="header_mismatch", files=NO_CASE),
    Case("two extras that differ in case", Plain, lines("id,x,X", "1,2,3"), ((1, None),)),
    Case("blanks around a name", Plain, lines(" id ,name", "1,a"), failed="header_mismatch", says=("'id'", "trim_names")),
    Case("blanks around a name, trimmed", Plain, lines(" id ,\tname", "1, a"), ((1, " a"),), files=TRIM),
    Case("two names that differ in blanks, trimmed", Plain, lines("id, id,name", "1,2,a"), failed="header_mismatch", files=TRIM),
    Case("case and blanks", Plain, lines(" ID, Name ", "1,a"), ((1, "a"),), files=CsvOptions(ignore_case=True, trim_names=True)),
    Case("a header of one name only", Loose, lines("id", "1", "", "2"), ((1, None), (2, None))),
    Case("a single column's empty text in quotes is a record", Loose, 'name\na\n""\n\nb\n', ((None, "a"), (None, ""), (None, "b"))),
    # extras
    Case("extras are rescued", Rescued, lines("id,x,name,Y z", '1,"a ""q""",n,ü', "2,,m,3"), ((1, "n", {"x": 'a "q"', "Y z": "ü"}), (2, "m", {"x": None, "Y z": "3"}))),
    Case("nothing to rescue", Rescued, lines("id,name", "1,a"), ((1, "a", None),)),
    Case("a rescued text without characters", Rescued, lines("id,x,y", '1,"",'), ((1, None, {"x": "", "y": None}),)),
    Case("a rescued text that is none", Rescued, b"id,x\n1,\xff\n2,a\n", ((2, None, {"x": "a"}),), (Bad(1, "bad_encoding", ..., ..., line=2),), budget=ANY),
    Case("a rescued number stays its text", Rescued, lines("id,x", "1,007", "2,1e3"), ((1, None, {"x": "007"}), (2, None, {"x": "1e3"}))),
    Case("a rescued name of alur's own", Rescued, lines("id,_source_file,_rescued", "1,a,b"), ((1, None, {"_source_file": "a", "_rescued": "b"}),)),
    Case("rescue and a bad row", Rescued, lines("id,x", "1,a", "y,b", "2,c"), ((1, None, {"x": "a"}), (2, None, {"x": "c"})), (Bad(2, "bad_value", "id", "y", line=3),), budget=ANY),
    Case("rescue and line ends in quotes", Rescued, 'id,x\n1,"a\nb"\nz,c\n', ((1, None, {"x": "a\nb"}),), (Bad(2, "bad_value", "id", "z", line=4),), budget=ANY),
    Case("a name of another case is rescued", Rescued, lines("id,Name", "1,a"), ((1, None, {"Name": "a"}),)),
    Case("extras are ignored though named like alur's own", Plain, lines("id,name,_source_row,_ingested_at", "1,a,77,x"), ((1, "a"),)),
    Case("extras are refused", Strict, lines("id,name,x", "1,a,b"), failed="header_mismatch", says=("x",)),
    Case("extras are refused, none there", Strict, lines("name,id", "a,1"), ((1, "a"),)),
    Case("extras are refused, in a header only", Strict, "id,name,x\n", failed="header_mismatch", says=("x",)),
]
