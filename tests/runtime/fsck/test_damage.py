"""Each kind of damage is made, found and named, repaired, and found clean; and a check alone changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from alur_runtime.config import OnChange
from alur_runtime.contracts.options import ErrorBudget
from alur_runtime.fsck.finding import Kind
from alur_runtime.ledger.forgotten import Forgotten
from tests.runtime.fsck.checked import (
    Found,
    all_of,
    body_of,
    change_item,
    checked,
    day_of,
    delete_item,
    found,
    item_of,
    mend,
    object_of,
    put,
    remove,
    settled,
)
from tests.runtime.recovery.bad_days import Call, Day

LATER = "000000000009-00001.1.0000-0123abcd.parquet"


def uri(day: Day, name: str) -> str:
    return day.world.uri(f"orders/{name}.csv")


def table(day: Day, key: str) -> str:
    return day.world.config.table.location + key


def object_deleted(day: Day) -> Found:
    remove(day, object_of(day, "a"))
    return [("file_without_rows", uri(day, "a")), ("file_without_rows", uri(day, "b"))]


def object_cut_off(day: Day) -> Found:
    place = object_of(day, "a")
    put(day, place, body_of(day, place)[:-20])
    return [("file_without_rows", uri(day, "a")), ("file_without_rows", uri(day, "b"))]


def object_of_another(day: Day) -> Found:
    """The right number of files, other rows: only the footers' sum tells."""
    put(day, object_of(day, "a"), body_of(day, object_of(day, "c")))
    return [
        ("file_without_rows", uri(day, "a")),
        ("file_without_rows", uri(day, "b")),
        ("rows_without_file", uri(day, "c")),
    ]


def item_deleted(day: Day) -> Found:
    delete_item(day, "c")
    return [("rows_without_file", object_of_c(day))]


def object_of_c(day: Day) -> str:
    (key,) = [key for (_, key) in day.cloud.s3.objects if "region=US" in key]
    return f"s3://{day.world.lake}/{key}"


def item_of_shared_object_deleted(day: Day) -> Found:
    delete_item(day, "a")
    return [("rows_without_file", uri(day, "a"))]


def object_copied(day: Day) -> Found:
    put(day, table(day, f"region=US/{LATER}"), body_of(day, object_of(day, "c")))
    return [("orphan_object", table(day, f"region=US/{LATER}"))]


def object_of_another_tool(day: Day) -> Found:
    put(day, table(day, "region=EU/part-0.parquet"), b"whatever")
    return [("orphan_object", table(day, "region=EU/part-0.parquet"))]


def counts_changed(day: Day) -> Found:
    change_item(day, uri(day, "c"), table_rows={"N": "40"})
    return [("counts_differ", uri(day, "c"))]


def account_changed(day: Day) -> Found:
    change_item(day, uri(day, "c"), rows_parsed={"N": "40"})
    return [("counts_differ", uri(day, "c"))]


def partition_deleted(day: Day) -> Found:
    assert day.cloud.glue is not None
    del day.cloud.glue.partitions["a b/c%",]
    return [("partition_missing", table(day, "region=a b%2Fc%25/"))]


def partition_created(day: Day) -> Found:
    assert day.cloud.glue is not None
    day.cloud.glue.partitions["MARS",] = table(day, "region=MARS/")
    return [("partition_left_over", table(day, "region=MARS/"))]


def upload_left(day: Day) -> Found:
    place = {"Bucket": day.world.lake, "Key": f"db/sales/region=EU/{LATER}"}
    day.world.clients.s3.create_multipart_upload(**place)
    return [("upload_pending", table(day, f"region=EU/{LATER}"))]


def upload_left_in_quarantine(day: Day) -> Found:
    quarantine = day.world.config.table.quarantine
    key = quarantine.partition("/_alur/")[2]
    day.world.clients.s3.create_multipart_upload(Bucket=day.world.lake, Key=f"_alur/{key}x.jsonl")
    return [("upload_pending", f"{quarantine}x.jsonl")]


DAMAGES: list[Callable[[Day], Found]] = [
    object_deleted,
    object_cut_off,
    object_of_another,
    item_deleted,
    item_of_shared_object_deleted,
    object_copied,
    object_of_another_tool,
    counts_changed,
    account_changed,
    partition_deleted,
    partition_created,
    upload_left,
    upload_left_in_quarantine,
]


@pytest.fixture
def day(monkeypatch: pytest.MonkeyPatch) -> Day:
    return day_of(monkeypatch)


def test_a_sound_table_is_clean(day: Day) -> None:
    assert found(day) == []
    assert found(day, rows=True) == []
    assert checked(day).files == 4
    assert mend(day) == []


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_found_repaired_and_found_clean(day: Day, damage: Callable[[Day], Found]) -> None:
    expected = damage(day)
    before = all_of(day)
    assert found(day) == expected
    assert found(day, rows=True) == expected
    assert all_of(day) == before  # the check alone changes nothing
    assert mend(day)
    assert found(day) == []
    after = day.visible()
    assert mend(day) == []
    assert day.visible() == after
    settled(day)


@pytest.mark.parametrize("policy", list(OnChange))
@pytest.mark.parametrize("damage", [object_deleted, item_of_shared_object_deleted, counts_changed])
def test_rows_are_had_again_under_every_policy(
    monkeypatch: pytest.MonkeyPatch, policy: OnChange, damage: Callable[[Day], Found]
) -> None:
    day = Day.make(monkeypatch, on_change=policy)
    day.land("a", range(4))
    day.land("b", range(10, 14))
    day.land("c", range(20, 24), region="US")
    day.run()
    day.wait()
    assert found(day) == []
    assert damage(day) == found(day)
    mend(day)
    assert found(day) == []
    settled(day)


def test_what_is_taken_out_of_the_table_is_kept(day: Day) -> None:
    place = table(day, "region=EU/part-0.parquet")
    put(day, place, b"somebody's")
    delete_item(day, "a")
    shared = body_of(day, object_of(day, "b"))
    mend(day)
    kept = {key: o.body for (_, key), o in day.cloud.s3.objects.items() if "/lost+found/" in key}
    assert sorted(kept.values()) == sorted([b"somebody's", shared])
    assert {key.partition("region=")[2] for key in kept} == {
        place.partition("region=")[2],
        object_of(day, "b").partition("region=")[2],
    }


def test_a_partition_that_has_come_into_use_stays(day: Day) -> None:
    """The race: a repair sleeps over its lease right before it deletes a partition that has no object."""
    assert partition_created(day) == found(day)

    def comes_into_use(call: Call) -> bool:
        if call[0] == "BatchDeletePartition":
            put(day, table(day, f"region=MARS/{LATER}"), b"rows")
        return False

    day.cloud.kill_when = comes_into_use
    mend(day)
    assert day.cloud.glue is not None
    assert day.cloud.glue.partitions["MARS",] == table(day, "region=MARS/")


def test_rows_of_files_that_the_ledger_has_forgotten_are_not_nobodys(day: Day) -> None:
    """Their items went into the archive before DynamoDB deleted them."""
    items = [item_of(day, name) for name in ("a", "c")]
    Forgotten(day.world.clients.s3, day.world.config.table.forgotten).keep(items, "000000000001-1.parquet")
    delete_item(day, "a")
    delete_item(day, "c")
    assert found(day, rows=True) == []
    assert checked(day).files == 4


def test_bad_rows_that_are_gone_are_had_again(monkeypatch: pytest.MonkeyPatch) -> None:
    day = with_bad_rows(monkeypatch)
    place = day.world.config.table.quarantine + item_of(day, "a").quarantine
    remove(day, place)
    assert found(day) == [("quarantine_missing", uri(day, "a"))]
    mend(day)
    assert found(day) == []
    assert day.run().rows_quarantined == 1
    day.wait()
    assert found(day, rows=True) == []
    assert item_of(day, "a").table_rows == 2


def with_bad_rows(patch: pytest.MonkeyPatch) -> Day:
    day = Day.make(patch)
    source = attrs.evolve(day.world.config.sources[0], budget=ErrorBudget(rows=5))
    day.world.config = attrs.evolve(day.world.config, sources=(source,))
    day.world.land("orders/a.csv", "id,region,note,at\n1,EU,,\nx,EU,,\n2,EU,,\n")
    assert day.run().rows_quarantined == 1
    day.wait()
    assert found(day) == []
    return day


def test_every_kind_is_met_by_a_test() -> None:
    """Here and in the modules beside this one."""
    text = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    assert [kind.value for kind in Kind if f'("{kind.value}", ' not in text] == []
