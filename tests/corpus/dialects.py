"""CSV as landing zones hold it: signs, quotes, escapes, lines, comments, headers, markers."""

# A case is a line, however long: this is a table.
# fmt: off
# ruff: noqa: E501

from __future__ import annotations

from alur_runtime import CsvOptions
from tests.corpus.case import ANY, Bad, Case, lines
from tests.corpus.contracts import Loose, Plain

AB = ((1, "a"), (2, "b"))
ONE_LINE = CsvOptions(multiline=False)

CASES = [
    # separators
    Case("separator comma", Plain, lines("id,name", "1,a", "2,b"), AB),
    Case("separator semicolon", Plain, lines("id;name", "1;a", "2;b,c"), ((1, "a"), (2, "b,c")), files=CsvOptions(separator=";")),
    Case("separator tab", Plain, lines("id\tname", "1\ta", "2\tb c"), ((1, "a"), (2, "b c")), files=CsvOptions(separator="\t")),
    Case("separator pipe", Plain, lines("id|name", "1|a", "2|b;c"), ((1, "a"), (2, "b;c")), files=CsvOptions(separator="|")),
    Case("separator of a regular expression", Plain, lines("id^name", "1^a", "2^b.c"), ((1, "a"), (2, "b.c")), files=CsvOptions(separator="^")),
    Case("separator unit separator", Plain, "id\x1fname\n1\x1fa\n", ((1, "a"),), files=CsvOptions(separator="\x1f")),
    Case("separator blank", Plain, lines("id name", "1 a", "2  b"), ((1, "a"),), (Bad(2, "field_count", line=3),), files=CsvOptions(separator=" "), budget=ANY),
    Case("wrong separator names the header", Plain, lines("id;name", "1;a"), failed="header_mismatch", says=("'id'", "id;name")),
    # quotes
    Case("quoted separators", Plain, lines("id,name", '1,"a,b"', '"2",",,"'), ((1, "a,b"), (2, ",,"))),
    Case("doubled quotes", Plain, lines("id,name", '1,"say ""hi"""', '2,""""', '3,""""""'), ((1, 'say "hi"'), (2, '"'), (3, '""'))),
    Case("single quotes", Plain, lines("id,name", "1,'a,b'", "2,'it''s'", '3,"c"'), ((1, "a,b"), (2, "it's"), (3, '"c"')), files=CsvOptions(quote="'")),
    Case("no quotes", Plain, lines("id,name", '1,"a"', '2,"', '3,"x""y"'), ((1, '"a"'), (2, '"'), (3, '"x""y"')), files=CsvOptions(quote="")),
    Case("no quotes and a separator between quotes", Plain, lines("id,name", '1,"a,b"', "2,c"), ((2, "c"),), (Bad(1, "field_count", line=2),), files=CsvOptions(quote=""), budget=ANY),
    Case("a quote in the middle is text", Plain, lines("id,name", '1,5" pipe', '2,a"b"c', '3,x"'), ((1, '5" pipe'), (2, 'a"b"c'), (3, 'x"'))),
    Case("a quote after a blank is text", Plain, lines("id,name", '1, "a"', '2, "b,c"'), ((1, ' "a"'),), (Bad(2, "field_count", line=3),), budget=ANY),
    Case("line ends in quotes are kept", Plain, 'id,name\n1,"a\nb"\n2,"c\r\nd"\n3,"\n"\n4,"e\rf"\n', ((1, "a\nb"), (2, "c\r\nd"), (3, "\n"), (4, "e\rf"))),
    Case("numbers of rows and lines differ by quoted line ends", Plain, 'id,name\n1,"a\n\nb"\nx,c\n"2","d"\n', ((1, "a\n\nb"), (2, "d")), (Bad(2, "bad_value", "id", "x", line=5),), budget=ANY),
    Case("quoted numbers", Plain, lines('"id","name"', '"1","a"', '"2","b"'), AB),
    Case("text after a closing quote", Plain, lines("id,name", '1,"a"', '2,"b"x', "3,c"), failed="unreadable", says=("line 3", "multiline=False"), budget=ANY),
    Case("a quote never closed", Plain, lines("id,name", "1,a", '2,"b', "3,c"), failed="unreadable", says=("line 3", "multiline=False"), budget=ANY),
    Case("a quote never closed at the end", Plain, 'id,name\n1,a\n2,"b', failed="unreadable", says=("line 3",), budget=ANY),
    Case("one line records text after a quote", Plain, lines("id,name", '1,"a"', '2,"b"x', "3,c"), ((1, "a"), (3, "c")), (Bad(2, "bad_record", ..., ..., line=3),), files=ONE_LINE, budget=ANY),
    Case("one line records quote never closed", Plain, lines("id,name", "1,a", '2,"b', "3,c", '4,"d""'), ((1, "a"), (3, "c")), (Bad(2, "bad_record", ..., ..., line=3), Bad(4, "bad_record", ..., ..., line=5)), files=ONE_LINE, budget=ANY),
    Case("one line records that are right", Plain, lines("id,name", '1,"a,""b"""', '2,c"d'), ((1, 'a,"b"'), (2, 'c"d')), files=ONE_LINE),
    Case("backslash before a quote is text without escape", Plain, lines("id,name", '1,"a\\"', "2,b\\"), ((1, "a\\"), (2, "b\\"))),
    # escapes
    Case("escape", Plain, lines("id,name", "1,a\\,b", '2,"c\\"d"', "3,e\\\\f", '4,"g,\\\\"'), ((1, "a,b"), (2, 'c"d'), (3, "e\\f"), (4, "g,\\")), files=CsvOptions(escape="\\")),
    Case("escape without quotes", Plain, lines("id|name", "1|a\\|b", '2|"c"'), ((1, "a|b"), (2, '"c"')), files=CsvOptions(separator="|", quote="", escape="\\")),
    Case("escape and doubled quotes", Plain, lines("id,name", '1,"a""b\\"c"'), ((1, 'a"b"c'),), files=CsvOptions(escape="\\")),
    Case("an escaped line end", Plain, "id,name\n1,a\\\nb\n2,c\n", ((1, "a\nb"), (2, "c")), files=CsvOptions(escape="\\")),
    # lines
    Case("line ends CRLF", Plain, "id,name\r\n1,a\r\n2,b\r\n", AB),
    Case("line ends CR", Plain, "id,name\r1,a\r2,b\r", AB),
    Case("line ends mixed", Plain, "id,name\r\n1,a\n2,b\r3,c\r\n", ((1, "a"), (2, "b"), (3, "c"))),
    Case("no line end at the end", Plain, "id,name\n1,a\n2,b", AB),
    Case("CR at the end", Plain, "id,name\r\n1,a\r\n2,b\r", AB),
    Case("blank lines do not count", Plain, "\n\nid,name\n\n1,a\n\n\r\n2,b\n\nx,c\n\n", AB, (Bad(3, "bad_value", "id", "x", line=10),), budget=ANY),
    Case("a line of blanks is a record", Plain, "id,name\n1,a\n  \n2,b\n", AB, (Bad(2, "field_count", line=3),), budget=ANY),
    Case("other separators of lines are text", Plain, "id,name\n1,a\u2028b\n2,c\x0bd\x0ce\n3,f\u0085g\n4,h\x1ci\n", ((1, "a\u2028b"), (2, "c\x0bd\x0ce"), (3, "f\u0085g"), (4, "h\x1ci"))),
    Case("a nul is text", Plain, "id,name\n1,a\0b\n2,\0\n", ((1, "a\0b"), (2, "\0"))),
    # comments and lines to skip
    Case("comments", Plain, lines("# made by x, y", "id,name", "1,a", '# "', "2,b#c", "#3,c", "#"), ((1, "a"), (2, "b#c")), files=CsvOptions(comment="#")),
    Case("comments of two characters", Plain, lines("// note", "id,name", "1,/a", "//2,b"), ((1, "/a"),), files=CsvOptions(comment="//")),
    Case("a comment sign in quotes is text", Plain, 'id,name\n1,"a\n# b"\n# no\n2,c\n', ((1, "a\n# b"), (2, "c")), files=CsvOptions(comment="#")),
    Case("a comment sign after a blank is a record", Plain, lines("id,name", "1,a", " # x"), ((1, "a"),), (Bad(2, "field_count", line=3),), files=CsvOptions(comment="#"), budget=ANY),
    Case("no comments unless declared", Plain, lines("id,name", "1,a", "# x"), ((1, "a"),), (Bad(2, "field_count", line=3),), budget=ANY),
    Case("rows below comments keep their numbers", Plain, lines("# 1", "id,name", "# 3", "1,a", "# 5", "x,b", "2,c"), ((1, "a"), (2, "c")), (Bad(2, "bad_value", "id", "x", line=6),), files=CsvOptions(comment="#"), budget=ANY),
    Case("skipped lines", Plain, lines("Report of May;;;", '"an open quote', "id,name", "1,a", "x,b"), ((1, "a"),), (Bad(2, "bad_value", "id", "x", line=5),), files=CsvOptions(skip_rows=2), budget=ANY),
    Case("skipped lines count blank ones", Plain, "title\n\nid,name\n1,a\n", ((1, "a"),), files=CsvOptions(skip_rows=2)),
    Case("skipped lines with CRLF", Plain, "title\r\nid,name\r\n1,a\r\n", ((1, "a"),), files=CsvOptions(skip_rows=1)),
    Case("more lines to skip than there are", Plain, "id,name\n1,a\n", files=CsvOptions(skip_rows=5)),
    # headers
    Case("given column names", Plain, lines("a,1", "b,2", "id,name"), ((1, "a"), (2, "b")), (Bad(3, "bad_value", "id", "name", line=3),), files=CsvOptions(columns=("name", "id")), budget=ANY),
    Case("given column names with one that is not wanted", Plain, lines("1,zzz,a", "2,,b"), AB, files=CsvOptions(columns=("id", "other", "name"))),
    Case("given column names below skipped lines", Plain, lines("title", "1,a"), ((1, "a"),), files=CsvOptions(columns=("id", "name"), skip_rows=1)),
    Case("given column names lack one", Plain, "a\n", failed="header_mismatch", says=("'id'",), files=CsvOptions(columns=("name",))),
    Case("the header once more is a bad row", Plain, lines("id,name", "1,a", "id,name", "2,b"), AB, (Bad(2, "bad_value", "id", "id", line=3),), budget=ANY),
    Case("a header in quotes with a line end", Plain, '"id","no\nte","name"\n1,x,a\ny,x,b\n', ((1, "a"),), (Bad(2, "bad_value", "id", "y", line=4),), budget=ANY),
    Case("a separator at the end of every line", Plain, lines("id,name,", "1,a,", "2,b,"), AB),
    Case("a separator at the end of every line but the header's", Plain, lines("id,name", "1,a,", "2,b,"), (), (Bad(1, "field_count", line=2), Bad(2, "field_count", line=3)), budget=ANY),
    Case("a line for a spreadsheet first", Plain, lines("sep=;", "id;name", "1;a"), ((1, "a"),), files=CsvOptions(separator=";", skip_rows=1)),
    Case("quotes within a quoted name", Plain, lines('"id","a ""b""","name"', "1,x,a"), ((1, "a"),)),
    Case("a number with its unit", Plain, lines("id,name", "1,a", "2 EUR,b", "3%,c", "(4),d", "5-,e", "#6,f"), ((1, "a"),), tuple(Bad(n, "bad_value", "id", text) for n, text in enumerate(("2 EUR", "3%", "(4)", "5-", "#6"), start=2)), budget=ANY),
    # markers
    Case("the empty field is the marker", Plain, lines("id,name", "1,", '2,""', "3,NA", "4,null", "5,None", "6,NaN", "7,NULL", "8,\\N"), ((1, None), (2, ""), (3, "NA"), (4, "null"), (5, "None"), (6, "NaN"), (7, "NULL"), (8, "\\N"))),
    Case("declared markers", Loose, lines("id,name", "NA,NA", '1,"NA"', "2,", '3,""', "-,-", "4,na"), ((None, None), (1, "NA"), (2, ""), (3, ""), (None, None), (4, "na")), files=CsvOptions(null_values=("NA", "-"))),
    Case("markers in quotes", Loose, lines("id,name", '"NA","NA"', '"",""', "1,NA"), ((None, None), (None, None), (1, None)), files=CsvOptions(null_values=("", "NA"), quoted_nulls=True)),
    Case("a quoted empty field is no number", Loose, lines("id,name", '"",a', ",b"), ((None, "b"),), (Bad(1, "bad_value", "id", ..., line=2),), budget=ANY),
    Case("no marker at all", Loose, lines("id,name", "1,", ",b"), ((1, ""),), (Bad(2, "bad_value", "id", "", line=3),), files=CsvOptions(null_values=()), budget=ANY),
    Case("a marker with blanks is text", Plain, lines("id,name", "1, NA ", "2,NA"), ((1, " NA "), (2, None)), files=CsvOptions(null_values=("NA",))),
    Case("blanks of texts are kept", Plain, lines("id,name", "1,  a  ", "2, ", '3,"  "', "4,\t"), ((1, "  a  "), (2, " "), (3, "  "), (4, "\t"))),
    Case("a record of nulls", Loose, lines("id,name", ",", "1,a"), ((None, None), (1, "a"))),
    Case("nothing but separators in a strict column", Plain, lines("id,name", ",", "1,a"), ((1, "a"),), (Bad(1, "null_value", "id", ..., line=2),), budget=ANY),
    # long and many
    Case("a long field", Plain, lines("id,name", f"1,{'x' * 300_000}", "2,b"), ((1, "x" * 300_000), (2, "b"))),
    Case("many rows with one bad", Plain, lines("id,name", *(f"{n},n{n}" if n != 1777 else "x,y" for n in range(1, 3001))), tuple((n, f"n{n}") for n in range(1, 3001) if n != 1777), (Bad(1777, "bad_value", "id", "x", line=1778),), budget=ANY),
]
