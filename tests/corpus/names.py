"""Keys: what is taken, what is passed over, and names that need care."""

# A case is a line, however long: this is a table.
# fmt: off

from __future__ import annotations

import gzip

from tests.corpus.case import Case, lines
from tests.corpus.contracts import Loose

ONE = lines("id,name", "1,a")
A = ((1, "a"),)


def key(name: str, key: str, *, pattern: str = "**", hidden: bool = False) -> Case:
    return Case(name, Loose, ONE, A, key=key, pattern=pattern, hidden=hidden)


def passed(name: str, key: str, reason: str, *, pattern: str = "**", data: str | bytes = ONE) -> Case:
    return Case(name, Loose, data, skipped=reason, key=key, pattern=pattern)


CASES = [
    key("key with blanks", "a b/ c .csv"),
    key("key with a plus", "a+b.csv"),
    key("key with a percent", "100%.csv"),
    key("key that looks escaped", "%41%2F.csv"),
    key("key with brackets", "[x].csv"),
    key("key with a star", "a*b.csv"),
    key("key with a question mark", "what?.csv"),
    key("key with an equals sign", "day=2024-05-01/a.csv"),
    key("key with an ampersand", "a&amp;b.csv"),
    key("key with a hash", "a#b.csv"),
    key("key with a colon", "a:b.csv"),
    key("key with quotes", "it's \"a\".csv"),
    key("key with a backslash", "a\\b.csv"),
    key("key with letters of many scripts", "Ünïcödé/文件/😀.csv"),
    key("key with an accent together", "caf\u00e9.csv"),
    key("key with an accent apart", "cafe\u0301.csv"),
    key("key with two slashes", "a//b.csv"),
    key("key that begins with a slash", "/a.csv"),
    key("key with a tab", "a\tb.csv"),
    key("key without a suffix", "data"),
    key("key with capitals", "DATA.CSV"),
    key("key of 1,024 bytes", "x" * 1017 + ".csv"),
    Case("a folder that holds bytes is a file", Loose, ONE, A, key="folder-with-bytes/"),
    # passed over
    passed("a folder's marker", "folder/", "directory_marker", data=""),
    passed("a folder's marker deep down", "a/b/c/", "directory_marker", data=""),
    passed("a name with an underscore first", "_SUCCESS", "hidden_name"),
    passed("a name with a dot first", ".DS_Store", "hidden_name", data=b"\0\0\0\1Bud1"),
    passed("a folder with an underscore first", "_temporary/0/part-0.csv", "hidden_name"),
    passed("a folder with a dot first", "a/.staging/b.csv", "hidden_name"),
    passed("a sum beside a file", ".a.csv.crc", "hidden_name"),
    passed("a name that the pattern does not ask for", "a.txt", "not_matched", pattern="*.csv"),
    passed("a star does not cross folders", "a/b.csv", "not_matched", pattern="*.csv"),
    passed("a question mark is no slash", "x/y.csv", "not_matched", pattern="x?y.csv"),
    passed("a pattern knows case", "A.CSV", "not_matched", pattern="*.csv"),
    key("an underscore within a name", "a_b/c_.csv"),
    key("an underscore first, wanted", "_a/.b.csv", hidden=True),
    key("two stars cross folders", "x/y/z.csv", pattern="**/*.csv"),
    key("two stars cross none", "z.csv", pattern="**/*.csv"),
    key("either of two", "in/b.tsv", pattern="{in,out}/*.{csv,tsv}"),
    key("a digit", "day=07/a.csv", pattern="day=[0-3][0-9]/*"),
    key("a star that is meant", "a*.csv", pattern="a[*].csv"),
    Case("two suffixes", Loose, gzip.compress(ONE.encode(), mtime=0), A, key="two.csv.gz", pattern="*.csv{,.gz}"),
]
