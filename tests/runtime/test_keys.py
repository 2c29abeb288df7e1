"""Keys as landing zones have them, by each of the two readers."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from world import World, rows

from alur_runtime.errors import SourceChangedError
from alur_runtime.kernel import work as kernel
from alur_runtime.landing import fetch

# Beside these, tests/corpus/names.py has a case for each kind of key.
KEYS = [
    "plain.csv",
    "with space.csv",
    "a+b.csv",
    "100%.csv",
    "%41.csv",
    "[x].csv",
    "sta*r.csv",
    "what?.csv",
    "day=2024-01-01/f.csv",
    "Ünïcödé/文件.csv",
    "a//b.csv",
    "~tilde'quote\"&amp;<x>.csv",
    "back\\slash.csv",
    "caf\u00e9.csv",
    "cafe\u0301.csv",
    "long/" + "ä" * 450 + ".csv",
    "x" * (1024 - len("archive/")),
]
HIDDEN = ["_hidden.csv", ".dot.csv", "a/./b.csv", "a/../b.csv", "_folder/a.csv", "a/.folder/b/c.csv", "_", "a/_/b"]


@pytest.mark.parametrize("reader", ["obstore", "boto3"])
@pytest.mark.parametrize("hidden", [False, True], ids=["hidden names left out", "hidden names taken"])
def test_every_key_is_ingested_once(aws: str, monkeypatch: pytest.MonkeyPatch, reader: str, hidden: bool) -> None:
    if reader == "boto3":
        monkeypatch.setattr(kernel, "make_fetch", fetch._Boto3Fetch)
    world = World.make(aws)
    world.config = attrs.evolve(world.config, sources=(attrs.evolve(world.config.sources[1], hidden=hidden),))
    for number, key in enumerate(KEYS + HIDDEN):
        world.land(f"archive/{key}", rows(number * 10, 2))
    taken = KEYS + HIDDEN if hidden else KEYS
    report = world.run()
    assert report.rows_written == 2 * len(taken)
    assert report.passed_over == ({} if hidden else {"hidden_name": len(HIDDEN)})
    skipped = {f.uri: (f.status, f.reason) for f in report.files if f.status != "completed"}
    assert skipped == {world.uri(f"archive/{k}"): ("skipped", "hidden_name") for k in HIDDEN if not hidden}
    by_file = {row["_source_file"]: row["id"] // 10 for row in world.table()}
    assert by_file == {world.uri(f"archive/{key}"): number for number, key in enumerate(KEYS + HIDDEN) if key in taken}
    assert {item.uri for item in world.ledger.files()} == set(by_file)
    rerun = world.run()
    assert (rerun.outcome, rerun.files_by_reason) == ("nothing_to_do", {"unchanged": len(taken)})


# The embedded AWS knows no key with a line end or NUL; S3 itself takes them.
LETTERS = st.characters(exclude_characters="\0\n\r", exclude_categories=["Cs"])
KEY = st.text(LETTERS, min_size=1, max_size=20).filter(lambda key: not key.endswith("/"))


@settings(deadline=None, max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(KEY, min_size=25, max_size=25, unique=True))
def test_any_key_is_ingested_once(aws: str, keys: list[str]) -> None:
    world = World.make(aws)
    archive = attrs.evolve(world.config.sources[1], hidden=True, pattern="**")
    world.config = attrs.evolve(world.config, sources=(archive,))
    for number, key in enumerate(keys):
        world.land(f"archive/{key}", rows(number, 1))
    assert world.run().rows_written == len(keys)
    found = {row["id"]: row["_source_file"] for row in world.table()}
    assert found == {number: world.uri(f"archive/{key}") for number, key in enumerate(keys)}
    assert world.run().files_by_reason == {"unchanged": len(keys)}


def test_uris_longer_than_a_sort_key(aws: str) -> None:
    """DynamoDB's sort key has 1,024 bytes at most, an S3 URI may have more."""
    world = World.make(aws)
    keys = [f"archive/{'x' * 1008}{n}.csv" for n in range(3)]
    for number, key in enumerate(keys):
        world.land(key, rows(number * 10, 1))
    world.land("orders/a.csv", rows(100, 1))
    assert world.run().rows_written == 4
    assert world.run().files_by_reason == {"unchanged": 4}
    world.land(keys[1], rows(50, 2))
    assert world.run().files_by_reason == {"changed_replaced": 1, "unchanged": 3}
    assert world.ids() == [0, 20, 50, 51, 100]


@pytest.mark.parametrize("reader", ["obstore", "boto3"])
def test_a_read_is_pinned_to_the_listed_version(aws: str, monkeypatch: pytest.MonkeyPatch, reader: str) -> None:
    world = World.make(aws)
    read = fetch._Boto3Fetch(world.clients) if reader == "boto3" else fetch.make_fetch(world.clients)
    world.land("orders/a.csv", "one")
    etag = world.clients.s3.head_object(Bucket=world.landing, Key="orders/a.csv")["ETag"].strip('"')
    uri = world.uri("orders/a.csv")
    assert (read(uri, etag, 0, 3), read(uri, etag, 1, 2), read(uri, etag, 0, 0)) == (b"one", b"ne", b"one")
    world.land("orders/a.csv", "two")
    with pytest.raises(SourceChangedError, match="overwritten after it was listed"):
        read(uri, etag, 0, 3)
    world.clients.s3.delete_object(Bucket=world.landing, Key="orders/a.csv")
    with pytest.raises(SourceChangedError, match="deleted after it was listed"):
        read(uri, etag, 0, 3)


def test_a_file_of_two_sources_is_read_once(aws: str) -> None:
    world = World.make(aws)
    world.land("orders/a.csv", rows(0, 2))
    both = attrs.evolve(world.config.sources[1], name="all", uri=f"s3://{world.landing}/", pattern="**/*.csv")
    report = world.run(sources=(world.config.sources[0], both))
    assert (report.listed, report.rows_written) == (1, 2)
    assert {row["_source_system"] for row in world.table()} == {"orders"}
