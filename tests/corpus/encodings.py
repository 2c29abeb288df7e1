"""Encodings: byte order marks, UTF-16, code pages, and bytes that are no text."""

# A case is a line, however long: this is a table.
# fmt: off
# ruff: noqa: E501

from __future__ import annotations

import gzip

from alur_runtime import CsvOptions
from tests.corpus.case import ANY, Bad, Case, lines
from tests.corpus.contracts import Loose, Plain

TEXT = lines("id,name", "1,Zoë €", "2,日本 😀")
ROWS = ((1, "Zoë €"), (2, "日本 😀"))
UTF16 = CsvOptions(encoding="utf-16")


def option(encoding: str) -> CsvOptions:
    return CsvOptions(encoding=encoding)


CASES = [
    Case("UTF-8", Plain, TEXT, ROWS),
    Case("UTF-8 with a mark", Plain, TEXT.encode("utf-8-sig"), ROWS),
    Case("UTF-8 with a mark and a quoted header", Plain, ("\ufeff" + lines('"id","name"', "1,a")), ((1, "a"),)),
    Case("UTF-8 with a mark and given columns", Plain, "\ufeff1,a\n", ((1, "a"),), files=CsvOptions(columns=("id", "name"))),
    Case("UTF-8 with a mark and a comment", Plain, "\ufeff# x\nid,name\n1,a\n", ((1, "a"),), files=CsvOptions(comment="#")),
    Case("UTF-8 with a mark, in gzip", Plain, gzip.compress(TEXT.encode("utf-8-sig"), mtime=0), ROWS),
    Case("utf-8-sig without a mark", Plain, TEXT, ROWS, files=option("utf-8-sig")),
    Case("a mark only", Plain, b"\xef\xbb\xbf"),
    Case("a mark that comes twice is of the name once", Plain, "\ufeff\ufeffid,name\n1,a\n", failed="header_mismatch", says=("'id'",)),
    Case("a mark in the middle is text", Plain, "id,name\n1,\ufeffa\n2,b\ufeff\n", ((1, "\ufeffa"), (2, "b\ufeff"))),
    Case("UTF-16 little endian with a mark", Plain, b"\xff\xfe" + TEXT.encode("utf-16-le"), ROWS, files=UTF16),
    Case("UTF-16 big endian with a mark", Plain, b"\xfe\xff" + TEXT.encode("utf-16-be"), ROWS, files=UTF16),
    Case("UTF-16 little endian without", Plain, TEXT.encode("utf-16-le"), ROWS, files=option("utf-16-le")),
    Case("UTF-16 big endian without", Plain, TEXT.encode("utf-16-be"), ROWS, files=option("utf-16-be")),
    Case("UTF-16 with CRLF and a bad row", Plain, "id,name\r\n1,a\r\nx,b\r\n".encode("utf-16"), ((1, "a"),), (Bad(2, "bad_value", "id", "x", line=3),), files=UTF16, budget=ANY),
    Case("UTF-16 of nothing", Plain, b"\xff\xfe", files=UTF16),
    Case("UTF-16 with half a pair", Plain, "id,name\n1,a\n2,".encode("utf-16-le") + b"\x00\xd8" + "x\n3,c\n".encode("utf-16-le"), ((1, "a"), (3, "c")), (Bad(2, "bad_encoding", ..., ..., line=3),), files=option("utf-16-le"), budget=ANY),
    Case("UTF-16 with half a character at the end", Plain, "id,name\n1,a\n2,b".encode("utf-16-le") + b"\x00", ((1, "a"),), (Bad(2, "bad_encoding", ..., ..., line=3),), files=option("utf-16-le"), budget=ANY),
    Case("UTF-16 read as UTF-8", Plain, TEXT.encode("utf-16"), failed="header_mismatch|unreadable", budget=ANY),
    Case("latin-1", Plain, "id,name\n1,Zoë\n2,\x80\n".encode("latin-1"), ((1, "Zoë"), (2, "\x80")), files=option("latin-1")),
    Case("latin-1 with a line sign of its own", Plain, b"id,name\n1,a\x85b\n", ((1, "a\x85b"),), files=option("latin-1")),
    Case("cp1252", Plain, "id,name\n1,Zoë €\n".encode("cp1252"), ((1, "Zoë €"),), files=option("cp1252")),
    Case("cp1252 with a byte it has not", Plain, b"id,name\n1,a\n2,x\x81y\n3,c\n", ((1, "a"), (3, "c")), (Bad(2, "bad_encoding", ..., ..., line=3),), files=option("cp1252"), budget=ANY),
    Case("iso-8859-15", Plain, b"id,name\n1,\xa4\n", ((1, "€"),), files=option("iso-8859-15")),
    Case("koi8-r", Plain, "id,name\n1,Привет\n".encode("koi8-r"), ((1, "Привет"),), files=option("koi8-r")),
    Case("ascii with a byte it has not", Plain, "id,name\n1,a\n2,ü\n".encode(), ((1, "a"),), (Bad(2, "bad_encoding", ..., ..., line=3),), files=option("ascii"), budget=ANY),
    Case("latin-1 read as UTF-8", Plain, "id,name\n1,a\n2,Zoë\n3,c\n".encode("latin-1"), ((1, "a"), (3, "c")), (Bad(2, "bad_encoding", "name", "Zo\\xeb", line=3),), budget=ANY),
    Case("latin-1 read as UTF-8, in quotes", Plain, 'id,name\n1,"Zo\në"\n2,b\n'.encode("latin-1"), ((2, "b"),), (Bad(1, "bad_encoding", "name", ..., line=2),), budget=ANY),
    Case("bytes that are no text in a column nobody asked for", Plain, b"id,other,name\n1,\xff,a\n2,x,b\n", ((2, "b"),), (Bad(1, "bad_encoding", ..., ..., line=2),), budget=ANY),
    Case("too long a form of a sign", Plain, b"id,name\n1,\xc0\xaf\n2,b\n", ((2, "b"),), (Bad(1, "bad_encoding", "name", "\\xc0\\xaf", line=2),), budget=ANY),
    Case("half a pair in UTF-8", Plain, b"id,name\n1,\xed\xa0\x80\n2,b\n", ((2, "b"),), (Bad(1, "bad_encoding", "name", ..., line=2),), budget=ANY),
    Case("a character cut off at the end", Plain, b"id,name\n1,a\n2,b\xe2\x82", ((1, "a"),), (Bad(2, "bad_encoding", "name", "b\\xe2\\x82", line=3),), budget=ANY),
    Case("a character cut off by the separator", Plain, b"name,id\n\xe2\x82,1\nb,2\n", ((2, "b"),), (Bad(1, "bad_encoding", "name", "\\xe2\\x82", line=2),), budget=ANY),
    Case("bytes that are no text in the header", Plain, b"id,na\xffme\n1,a\n", failed="header_mismatch|unreadable", budget=ANY),
    Case("bytes that are no text in a comment", Plain, b"# \xff\nid,name\n1,a\n# \xfe\n", ((1, "a"),), files=CsvOptions(comment="#")),
    Case("bytes that are no text fail a file without a budget", Plain, b"id,name\n1,a\xff\n", failed="too_many_bad_rows", says=("row 1", "'name'")),
    Case("accents together and apart are two texts", Loose, "id,name\n1,é\n2,e\u0301\n", ((1, "é"), (2, "e\u0301"))),
]
