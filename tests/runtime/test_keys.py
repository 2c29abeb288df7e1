"""Keys as landing zones have them, by each of the two readers."""

from __future__ import annotations

import pytest
from world import World, rows

from alur_runtime import kernel, sources

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
    "_hidden.csv",
    ".dot.csv",
    "a//b.csv",
    "a/./b.csv",
    "a/../b.csv",
    "~tilde'quote\"&amp;<x>.csv",
    "back\\slash.csv",
    "long/" + "ä" * 450 + ".csv",
]


@pytest.mark.parametrize("reader", ["obstore", "boto3"])
def test_every_key_is_ingested_once(aws: str, monkeypatch: pytest.MonkeyPatch, reader: str) -> None:
    if reader == "boto3":
        monkeypatch.setattr(kernel, "make_fetch", sources._Boto3Fetch)
    world = World.make(aws)
    for number, key in enumerate(KEYS):
        world.land(f"archive/{key}", rows(number * 10, 2))
    assert world.run().rows_written == 2 * len(KEYS)
    assert {row["_source_file"] for row in world.table()} == {world.uri(f"archive/{key}") for key in KEYS}
    rerun = world.run()
    assert (rerun.outcome, rerun.files_by_reason) == ("nothing_to_do", {"unchanged": len(KEYS)})


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
    fetch = sources._Boto3Fetch(world.clients) if reader == "boto3" else sources.make_fetch(world.clients)
    world.land("orders/a.csv", "one")
    etag = world.clients.s3.head_object(Bucket=world.landing, Key="orders/a.csv")["ETag"].strip('"')
    assert fetch(world.uri("orders/a.csv"), etag) == b"one"
    world.land("orders/a.csv", "two")
    with pytest.raises(sources.SourceChangedError, match="overwritten after it was listed"):
        fetch(world.uri("orders/a.csv"), etag)
    world.clients.s3.delete_object(Bucket=world.landing, Key="orders/a.csv")
    with pytest.raises(sources.SourceChangedError, match="deleted after it was listed"):
        fetch(world.uri("orders/a.csv"), etag)


def test_a_file_of_two_sources_is_read_once(aws: str) -> None:
    import attrs

    world = World.make(aws)
    world.land("orders/a.csv", rows(0, 2))
    both = attrs.evolve(world.config.sources[1], name="all", uri=f"s3://{world.landing}/", pattern="**/*.csv")
    report = world.run(sources=(world.config.sources[0], both))
    assert (report.listed, report.rows_written) == (1, 2)
    assert {row["_source_system"] for row in world.table()} == {"orders"}
