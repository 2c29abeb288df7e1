from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alur_runtime.errors import ConfigError
from alur_runtime.landing.globs import compile_glob
from alur_runtime.naming import batch_seq, ledger_key, partition_folder, shard_of

KEYS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=1100)


@given(KEYS)
def test_a_ledger_key_fits_and_tells_files_apart(key: str) -> None:
    uri = f"s3://bucket/{key}"
    stored = ledger_key(uri)
    assert len(stored.encode()) <= 1024
    assert (stored == uri) == (len(uri.encode()) <= 1024)
    assert ledger_key(uri + "x") != stored


@given(KEYS, st.integers(1, 256))
def test_a_shard_is_one_of_them(uri: str, shards: int) -> None:
    assert 0 <= shard_of(uri, shards) < shards


def test_shards_are_fixed_for_ever() -> None:
    assert [shard_of(f"s3://bucket/{n}/orders.csv", 4) for n in range(0, 200, 25)] == [0, 0, 0, 3, 3, 0, 0, 3]


@given(st.integers(0, 10**9), st.integers(1, 9999))
def test_batches_sort_as_they_were_created(token: int, number: int) -> None:
    assert batch_seq(token, number) < batch_seq(token, number + 1) < batch_seq(token + 1, 1)


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_a_partition_value_survives_its_folder(value: str) -> None:
    folder = partition_folder(("k",), (value,))
    assert folder.count("/") == 1
    assert unquote(folder[2:-1]) == value


def test_partition_folders() -> None:
    assert partition_folder((), ()) == ""
    assert partition_folder(("a", "b"), ("x/y", None)) == "a=x%2Fy/b=__HIVE_DEFAULT_PARTITION__/"


@pytest.mark.parametrize(
    ("pattern", "matches", "misses"),
    [
        ("*.csv", ["a.csv", ".csv", "ä b.csv"], ["a/b.csv", "a.csv.gz"]),
        ("**/*.csv", ["a.csv", "a/b.csv", "a/b/c.csv"], ["a.txt"]),
        ("**", ["a", "a/b"], []),
        ("a/**/z", ["a/z", "a/b/z", "a/b/c/z"], ["az", "b/a/z"]),
        ("?.{csv,tsv}", ["a.csv", "b.tsv"], ["ab.csv", "a.txt", "/.csv"]),
        ("[ab]x", ["ax", "bx"], ["cx"]),
        ("[!ab]x", ["cx"], ["ax", "/x"]),
        ("a+b(1).csv", ["a+b(1).csv"], ["aab1.csv"]),
    ],
)
def test_globs(pattern: str, matches: list[str], misses: list[str]) -> None:
    assert [k for k in matches if not compile_glob(pattern).fullmatch(k)] == []
    assert [k for k in misses if compile_glob(pattern).fullmatch(k)] == []


def test_an_open_brace_is_an_error() -> None:
    with pytest.raises(ConfigError, match="open brace"):
        compile_glob("a{b")
