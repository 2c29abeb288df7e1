"""The archive of the ledger by itself: what goes in comes out, and it stays small in number."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, Final

import attrs
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alur_runtime.errors import LedgerFormatError
from alur_runtime.ledger import forgotten
from alur_runtime.ledger.forgotten import FEW, Forgotten, objects_to_merge
from alur_runtime.model import FileItem, FileStatus
from tests.regressions.faults import Faults
from tests.runtime.retention.days import Days

SEED: Final = 20260705
ODD: Final = ("!", "A", "a", "a b", "a%20b", "b" * 900, "é", "日本", "\uff5e", "😀")


def item(name: str, seq: int = 1, attempt: int = 1, **more: Any) -> FileItem:
    """An item as planning reads it."""
    uri = f"s3://landing/orders/{name}"
    known = FileItem(uri, FileStatus.COMPLETED, f"etag-{seq}", 10, 20, "orders", "new", f"{seq:012d}-00001", "run", 30)
    return attrs.evolve(known, batch_attempt=attempt, **more)


def found(archive: Forgotten, *names: str) -> dict[str, str]:
    """Name -> ETag of what the archive has of some files."""
    items = archive.find(f"s3://landing/orders/{name}" for name in names)
    assert all(uri == known.uri for uri, known in items.items())
    return {uri.removeprefix("s3://landing/orders/"): known.etag for uri, known in items.items()}


def test_an_item_comes_out_as_it_went_in_but_for_its_time_to_live(days: Days) -> None:
    whole = item(
        "a",
        outputs=("region=EU/x.parquet",),
        versions=("v1", "v2"),
        expectations={"some": "met"},
        error="ü",
        table_rows=2**40,
        expires_at=77,
    )
    days.archive.keep([whole], "one")
    assert days.archive.find([whole.uri]) == {whole.uri: attrs.evolve(whole, expires_at=None)}


def test_an_empty_archive_costs_one_call(days: Days, faults: Faults) -> None:
    faults.clear()
    assert days.archive.find(["s3://landing/orders/a"]) == {}
    assert [call for call, _ in faults.log] == ["ListObjectsV2"]
    faults.clear()
    assert days.archive.find([]) == {}
    assert faults.log == []


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_of_several_items_the_latest_counts(days: Days, order: tuple[int, int]) -> None:
    for number, which in enumerate(order):
        days.archive.keep([item("a", which), item("b", 7, which, etag=f"attempt {which}")], f"{number}")
    assert found(days.archive, "a", "b") == {"a": "etag-2", "b": "attempt 2"}
    assert {known.etag for known in days.archive.all().values()} == {"etag-2", "attempt 2"}


def test_odd_names_are_found_among_many_row_groups(days: Days, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgotten, "_ROW_GROUP_ROWS", 3)
    names = [f"{odd}{n}" for odd in ODD for n in range(5)]
    for start in range(2):
        days.archive.keep([item(name) for name in names[start::4]], f"{start}")
    kept = {*names[0::4], *names[1::4]}
    assert set(found(days.archive, *names)) == kept
    for name in names:
        assert set(found(days.archive, name)) == kept & {name}


def test_of_a_large_object_only_the_parts_are_read_that_may_hold_a_file(
    days: Days, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgotten, "_WHOLE_BYTES", 0)
    monkeypatch.setattr(forgotten, "_ROW_GROUP_ROWS", 200)
    noise = random.Random(SEED)
    names = [f"2024/{n:05}" for n in range(2000)]
    days.archive.keep([item(name, run_id=noise.randbytes(200).hex()) for name in names], "one")
    (stored,) = (o for (_, key), o in days.cloud.s3.objects.items() if "forgotten/" in key)
    faults.clear()
    assert found(days.archive, "2025/00001", "2023/1") == {}
    assert _bytes_read(faults) < 70_000, "the footer alone"
    faults.clear()
    assert found(days.archive, "2024/00777", "2025/00001") == {"2024/00777": "etag-1"}
    assert _bytes_read(faults) < len(stored.body) / 3


def _bytes_read(faults: Faults) -> int:
    ranges = [request["Range"].removeprefix("bytes=").split("-") for call, request in faults.log if call == "GetObject"]
    assert ranges
    return sum(int(last) - int(first) + 1 for first, last in ranges)


# --- merging ----------------------------------------------------------------------------------------------------------


def _sizes(count: int, size: int) -> dict[str, int]:
    return {f"{n:03}": size for n in range(count)}


def test_few_objects_are_left_alone() -> None:
    assert objects_to_merge({}) == {}
    assert objects_to_merge(_sizes(FEW - 1, 5_000)) == {}


def test_objects_of_about_one_size_are_merged() -> None:
    assert len(objects_to_merge(_sizes(FEW, 5_000))) == FEW
    large = {f"large-{n}": 3_000_000 for n in range(FEW - 1)}
    assert set(objects_to_merge(large | _sizes(FEW, 5_000))) == set(_sizes(FEW, 5_000))


def test_large_objects_are_merged_no_more() -> None:
    assert objects_to_merge(_sizes(50, 4 * 1024 * 1024)) == {}


@pytest.mark.parametrize("size", [1_500, 5_000, 60_000])
def test_years_of_daily_objects_become_few_and_each_is_written_few_times(size: int) -> None:
    sizes: dict[str, int] = {}
    written = most = 0
    for day in range(1000):
        sizes[f"{day}"] = size
        written += size
        if chosen := objects_to_merge(sizes):
            for key in chosen:
                del sizes[key]
            sizes[f"{day}-merged"] = sum(chosen.values())
            written += sum(chosen.values())
        most = max(most, len(sizes))
    assert most <= FEW * 5
    assert written <= 1000 * size * 6


def test_merged_objects_hold_what_was_in_them_and_the_latest_alone(days: Days) -> None:
    for n in range(FEW):
        attempts = item("attempts", 7, attempt=(n + 3) % FEW, etag=f"attempt {(n + 3) % FEW}")
        days.archive.keep([item("always", n), item(f"only-{n}", n), attempts], f"{n}")
    before = days.archive.all()
    assert days.archive.merge("merged") == FEW
    assert [key.rsplit("/", 1)[-1] for key in days.archived()] == ["merged"]
    assert days.archive.all() == before
    assert len(before) == FEW + 2
    wanted = {"always": f"etag-{FEW - 1}", "attempts": f"attempt {FEW - 1}"}
    assert found(days.archive, *wanted) == wanted
    (stored,) = (o for (_, key), o in days.cloud.s3.objects.items() if "forgotten/" in key)
    uris = pq.ParquetFile(pa.BufferReader(stored.body)).read(["uri"])["uri"].to_pylist()
    assert uris == sorted(before)
    assert days.archive.merge("again") == 0


def test_two_runs_that_merge_at_once_lose_nothing(days: Days, faults: Faults) -> None:
    """Whatever the one does at whichever call of the other."""
    number = 0
    while True:
        number += 1
        for n in range(FEW):
            days.archive.keep([item("always", n), item(f"only-{n}", n)], f"{number}-{n}")
        before = days.archive.all()
        other = Forgotten(days.world.clients.s3, days.archive.location)
        met: list[int] = []

        def meanwhile(other: Forgotten = other, name: str = f"{number}-other", met: list[int] = met) -> None:
            met.append(other.merge(name))

        faults.clear()
        faults.when(lambda *_: True, meanwhile, nth=number)
        days.archive.merge(f"{number}-merged")
        faults.clear()
        assert days.archive.all() == before
        for bucket, key in [place for place in days.cloud.s3.objects if "forgotten/" in place[1]]:
            days.cloud.s3.remove((bucket, key))
        if not met:
            assert number > FEW
            return


def test_an_object_that_is_merged_while_it_is_to_be_read_is_looked_for_again(days: Days, faults: Faults) -> None:
    for n in range(FEW):
        days.archive.keep([item(f"only-{n}", n)], f"{n}")
    names = [f"only-{n}" for n in range(FEW)]
    for nth in (1, FEW):
        faults.clear()
        faults.when("GetObject", lambda: _merge(days), nth=nth)
        assert set(found(days.archive, *names)) == set(names)


def _merge(days: Days) -> None:
    days.archive.merge("merged")


def test_an_object_that_is_deleted_while_it_is_to_be_read_in_parts(
    days: Days, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgotten, "_WHOLE_BYTES", 0)
    for n in range(FEW):
        days.archive.keep([item(f"only-{n}", n)], f"{n}")
    names = [f"only-{n}" for n in range(FEW)]
    faults.clear()
    faults.when("GetObject", lambda: _merge(days), nth=2)
    assert set(found(days.archive, *names)) == set(names)


# --- what is not as it should be --------------------------------------------------------------------------------------


def _bad_objects() -> Iterator[tuple[bytes, str]]:
    yield b"no Parquet", "is no Parquet file"
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"uri": ["s3://b/k"]}), sink)
    yield sink.getvalue().to_pybytes(), "form"


@pytest.mark.parametrize(("body", "problem"), list(_bad_objects()), ids=["bytes", "form"])
def test_an_object_that_cannot_be_read_is_named(days: Days, body: bytes, problem: str) -> None:
    days.archive.keep([item("a")], "one")
    bucket, key = next(place for place in days.cloud.s3.objects if "forgotten/" in place[1])
    days.cloud.s3.put((bucket, f"{key}-2"), body)
    with pytest.raises(LedgerFormatError, match=problem) as met:
        days.archive.find(["s3://landing/orders/a"])
    assert f"{key}-2" in str(met.value)
