"""Globs: what each sign matches, what is refused, and a comparison with a matcher that shares nothing with them."""

from __future__ import annotations

import itertools
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from alur_runtime.errors import ConfigError
from alur_runtime.landing.globs import compile_glob

# pattern, keys that it matches, keys that it does not
TABLE: list[tuple[str, list[str], list[str]]] = [
    ("*.csv", ["a.csv", ".csv", "ä b.csv"], ["a/b.csv", "a.csv.gz", "a.CSV", "/a.csv"]),
    ("**", ["a", "a/b/c", "a//b", ""], []),
    ("**/*.csv", ["a.csv", "x/a.csv", "x/y/a.csv", "x//a.csv"], ["x/a.txt"]),
    ("in/**/a.csv", ["in/a.csv", "in/x/a.csv", "in/x/y/a.csv"], ["a.csv", "in/xa.csv", "inx/a.csv"]),
    ("in/**", ["in/a", "in/x/y", "in/"], ["in", "inx/a"]),
    ("x**/a", ["x/a", "xy/z/a"], ["xa", "a"]),
    ("**.csv", ["a.csv", "x/y.csv"], ["a.txt"]),
    ("a**", ["a", "a/b/c"], ["b/a"]),
    ("***/a", ["a", "x/y/a"], ["xa"]),
    ("20??/*", ["2024/a", "20ab/"], ["20/4/a", "202/a"]),
    ("?", ["a", "é", "文"], ["", "/", "ab", "e\u0301"]),
    ("*.{csv,tsv}", ["a.csv", "a.tsv"], ["a.{csv,tsv}", "a.xsv"]),
    ("{in,out/**}/*.csv", ["in/a.csv", "out/a.csv", "out/x/a.csv"], ["a.csv", "in/x/a.csv"]),
    ("a.csv{,.gz,.{bz2,zst}}", ["a.csv", "a.csv.gz", "a.csv.bz2", "a.csv.zst"], ["a.csv."]),
    ("{a}", ["a"], ["{a}"]),
    ("{**/,}a", ["a", "x/a"], ["xa"]),
    ("day=[0-3][0-9]", ["day=01", "day=39"], ["day=40", "day=1"]),
    ("[!a-c]", ["d", "!", "ä"], ["a", "/", ""]),
    ("[^a-c]", ["d", "^"], ["a", "/"]),
    ("[a^!]", ["a", "^", "!"], ["b"]),
    ("[]a]", ["]", "a"], ["b"]),
    ("[!]]", ["a"], ["]"]),
    ("[+-0]", ["+", ".", "0"], ["/"]),
    ("[a-]", ["a", "-"], ["b"]),
    ("[*][?][[][{][}]", ["*?[{}"], ["aa[{}"]),
    ("[,]{[,],[}]}", [",,", ",}"], [","]),
    ("a\\b", ["a\\b"], ["ab"]),
    ("a.b+c(d)|e^$", ["a.b+c(d)|e^$"], ["axb+c(d)|e^$"]),
    ("a\nb*", ["a\nb\n"], ["a b"]),
    ("caf\u00e9", ["caf\u00e9"], ["cafe\u0301"]),
]


@pytest.mark.parametrize(("pattern", "matched", "others"), TABLE, ids=[row[0] for row in TABLE])
def test_what_a_pattern_matches(pattern: str, matched: list[str], others: list[str]) -> None:
    glob = compile_glob(pattern)
    assert [key for key in matched if not glob.fullmatch(key)] == []
    assert [key for key in others if glob.fullmatch(key)] == []


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("", "is empty"),
        ("{a,b", "has an open brace: write {a,b}"),
        ("a}", "closes a brace that is not open"),
        ("{a,{b}", "has an open brace"),
        ("[a", "has an open bracket: write [abc]"),
        ("[]", "has an open bracket"),
        ("[a/b]", "has [a/b]: brackets hold single characters and ranges, and no slash"),
        ("[[:alpha:]]", "brackets hold single characters"),
        ("[z-a]", "has the range z-a, which is empty"),
        ("{0,1,2,3,4,5,6,7,8,9}" * 4, "10,000 choices; 1,000 are allowed"),
    ],
)
def test_a_pattern_that_cannot_be_is_refused_by_name(pattern: str, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        compile_glob(pattern)
    assert text in str(caught.value)
    assert "sources.pattern" in str(caught.value)


# --- an independent matcher: a pattern as a list of pieces, matched by trying every length ------------------------

Piece = tuple[str, object]


def matches(pieces: list[Piece], key: str, *, start: bool = True) -> bool:
    """Whether the pieces match the whole key; `start` says that a folder's name begins here."""
    if not pieces:
        return not key
    (kind, what), rest = pieces[0], pieces[1:]
    if kind == "stars":
        if start and rest[:1] == [("char", "/")]:  # whole folders, or none
            slashes = [n + 1 for n, char in enumerate(key) if char == "/"]
            return any(matches(rest[1:], key[n:]) for n in [0, *slashes])
        return any(matches(rest, key[n:], start=False) for n in range(len(key) + 1))
    if kind == "star":
        folder = key.split("/", 1)[0]
        return any(matches(rest, key[n:], start=False) for n in range(len(folder) + 1))
    if not key:
        return False
    one = key[0]
    if kind == "char":
        fits = one == what
    elif kind == "any":
        fits = one != "/"
    else:
        assert isinstance(what, tuple)
        negated, low, high = what
        fits = one != "/" and (low <= one <= high) != negated
    return fits and matches(rest, key[1:], start=one == "/")


def choices(pieces: list[Piece]) -> list[list[Piece]]:
    """The pieces without braces: one list for each choice."""
    each = [what if kind == "either" and isinstance(what, list) else [[(kind, what)]] for kind, what in pieces]
    return [[piece for choice in chosen for piece in choice] for chosen in itertools.product(*each)]


def written(pieces: list[Piece]) -> str:
    parts = []
    for kind, what in pieces:
        if kind == "either":
            assert isinstance(what, list)
            parts.append("{" + ",".join(written(choice) for choice in what) + "}")
        elif kind == "range":
            assert isinstance(what, tuple)
            parts.append(f"[{'!' if what[0] else ''}{what[1]}-{what[2]}]")
        elif kind == "char" and what != "/" and str(what) in "*?[{},":
            parts.append(f"[{what}]")
        else:
            parts.append({"stars": "**", "star": "*", "any": "?"}.get(kind, str(what)))
    return "".join(parts)


CHARS = "ab./-*?[{},é"
KEYS = st.text(CHARS + "/b", max_size=8)
RANGES = st.tuples(st.booleans(), st.sampled_from("+-.a"), st.sampled_from("abé")).map(lambda r: ("range", r))
PLAIN = st.one_of(
    st.sampled_from(CHARS + "///").map(lambda c: ("char", c)),
    st.sampled_from([("star", ""), ("any", ""), ("stars", "")]),
    RANGES,
)
CHOICES = st.lists(st.lists(PLAIN, max_size=3), min_size=1, max_size=3).map(lambda c: ("either", c))
PIECES = st.lists(st.one_of(PLAIN, PLAIN, CHOICES), min_size=1, max_size=6)


def spell(pieces: list[Piece], draw: st.DrawFn) -> str:
    """A key that is near to one that the pieces match: what is drawn blindly hardly ever fits."""
    parts = []
    for kind, what in pieces:
        if kind == "either":
            assert isinstance(what, list)
            parts.append(spell(draw(st.sampled_from(what)), draw))
        elif kind == "char":
            parts.append(str(what))
        else:
            size = {"any": 1, "range": 1, "star": 2, "stars": 4}[kind]
            parts.append(draw(st.text("ab/." if kind == "stars" else "ab.-", max_size=size)))
    return "".join(parts)


@st.composite
def patterns_and_keys(draw: st.DrawFn) -> tuple[list[Piece], str]:
    pieces = draw(PIECES)
    key = draw(KEYS) if draw(st.integers(0, 3)) == 0 else spell(pieces, draw)
    return pieces, key


@settings(deadline=None, max_examples=600)
@given(patterns_and_keys())
def test_it_agrees_with_an_independent_matcher(case: tuple[list[Piece], str]) -> None:
    pieces, key = case
    flat = choices(pieces)
    # Stars in a row are one sign; which one, the pieces do not say.
    stars = ({"star", "stars"} >= {one[0], other[0]} for choice in flat for one, other in pairwise(choice))
    assume(not any(stars))
    pattern = written(pieces)
    assert bool(compile_glob(pattern).fullmatch(key)) == any(matches(c, key) for c in flat), (pattern, key)
