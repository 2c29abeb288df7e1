"""Open batches, their manifests and uploads; losses that a person has to accept."""

from __future__ import annotations

import attrs
import pytest

from alur_runtime.config import split_uri
from alur_runtime.contracts.options import ErrorBudget
from alur_runtime.errors import LedgerBehindError
from alur_runtime.model import BatchItem, BatchStatus
from tests.runtime.fsck.checked import (
    all_of,
    body_of,
    change_item,
    day_of,
    delete_item,
    found,
    hows,
    item_of,
    lose,
    made_right,
    mend,
    object_of,
    put,
    remove,
    settled,
)
from tests.runtime.recovery.bad_days import Call, Day, puts


@pytest.fixture
def day(monkeypatch: pytest.MonkeyPatch) -> Day:
    return day_of(monkeypatch)


def commits(call: Call) -> bool:
    """The write after a commit: the batch is committed, nothing of it is visible."""
    return call[0] == "CompleteMultipartUpload"


def killed_while(day: Day, when: str) -> BatchItem:
    """A run is killed while it ingests a new file and a changed one; its batch is left open."""
    day.land("a", range(3), note="new")
    day.land("e", range(40, 42))
    kill = {"processing": puts("/commit-"), "committed": commits}[when]
    assert day.run_killed(kill)
    day.wait()
    (batch,) = day.world.ledger.open_batches()
    return batch


@pytest.mark.parametrize("when", ["processing", "committed"])
def test_a_dead_runs_batch_is_left_to_the_next(day: Day, when: str) -> None:
    batch = killed_while(day, when)
    assert found(day) == [("batch_stuck", batch.seq)]
    assert hows(day) == ["run"]
    before = all_of(day)[1:]
    mend(day, accept_loss=True)
    assert all_of(day)[1:] == before
    made_right(day)
    mend(day)
    settled(day)


def test_uploads_of_a_dead_attempt_are_found_once_its_batch_is_closed(day: Day) -> None:
    """While it is open nobody can tell whether its run wakes and commits them."""
    killed_while(day, "processing")
    assert day.run().exit_code == 0
    day.wait()
    kinds = {kind for kind, _ in found(day)}
    assert kinds == {"upload_pending"}
    mend(day)
    assert not day.cloud.s3.uploads
    settled(day)


def test_committed_uploads_that_are_gone_are_done_again_by_a_run(day: Day) -> None:
    batch = killed_while(day, "committed")
    day.cloud.s3.uploads.clear()
    assert (found(day), hows(day)) == ([("batch_stuck", batch.seq)], ["run"])
    settled(day)


def test_committed_uploads_that_are_gone_with_their_file_are_accepted_by_a_person(day: Day) -> None:
    batch = killed_while(day, "committed")
    day.cloud.s3.uploads.clear()
    lose(day, "e")
    assert (found(day), hows(day)) == ([("batch_stuck", batch.seq)], ["accept_loss"])
    assert day.run().outcome == "upload_lost"
    day.wait()
    mend(day)
    assert found(day) == [("batch_stuck", batch.seq)]
    assert mend(day, accept_loss=True)
    assert found(day) == []
    settled(day)


def test_a_completed_rewrite_is_not_lost(day: Day) -> None:
    """Its upload is no longer pending; that it was completed is told by its mark alone."""
    day.land("a", range(3), note="new")
    calls: list[Call] = []

    def second(call: Call) -> bool:
        calls.extend([call] if commits(call) else [])
        return len(calls) == 2

    assert day.run_killed(second)
    day.wait()
    (batch,) = day.world.ledger.open_batches()
    assert (found(day), hows(day)) == ([("batch_stuck", batch.seq)], ["run"])
    lose(day, "a")
    assert hows(day) == ["run"]
    put(day, object_of(day, "b"), body_of(day, object_of(day, "b")))  # without a mark: another hand
    assert hows(day) == ["accept_loss"]


def manifest(day: Day, uri: str, body: bytes | None) -> None:
    if body is None:
        remove(day, uri)
    else:
        put(day, uri, body)


@pytest.mark.parametrize("body", [None, b"{", b""], ids=["gone", "cut off", "empty"])
@pytest.mark.parametrize("when", ["processing", "committed"])
def test_an_open_batch_without_its_plan(day: Day, when: str, body: bytes | None) -> None:
    batch = killed_while(day, when)
    manifest(day, batch.plan_uri, body)
    assert (found(day), hows(day)) == ([("manifest_missing", batch.plan_uri)], ["repair"])
    assert day.run().exit_code == (1 if when == "processing" else 0)
    day.wait()
    mend(day)
    closed = day.world.ledger.batch(batch.seq)
    assert closed is not None
    assert closed.status is (BatchStatus.FAILED if when == "processing" else BatchStatus.COMPLETED)
    made_right(day)


def test_a_committed_batch_without_its_commit_manifest(day: Day) -> None:
    batch = killed_while(day, "committed")
    manifest(day, batch.commit_uri, None)
    assert (found(day), hows(day)) == ([("manifest_missing", batch.commit_uri)], ["accept_loss"])
    mend(day)
    assert found(day) == [("manifest_missing", batch.commit_uri)]
    assert mend(day, accept_loss=True)
    assert found(day) == []
    assert not day.cloud.s3.uploads
    settled(day)


def test_a_committed_batch_without_its_commit_manifest_that_was_half_rolled_forward(day: Day) -> None:
    day.land("e", range(40, 42))
    day.land("f", range(50, 52), region="US")
    calls: list[Call] = []

    def second(call: Call) -> bool:
        calls.extend([call] if commits(call) else [])
        return len(calls) == 2

    assert day.run_killed(second)
    day.wait()
    (batch,) = day.world.ledger.open_batches()
    manifest(day, batch.commit_uri, None)
    assert len(day.visible()) == 16
    assert mend(day, accept_loss=True)
    assert len(day.visible()) == 14
    assert found(day) == []
    settled(day)


def test_an_object_and_its_items_are_gone(day: Day) -> None:
    seq = item_of(day, "d").batch_seq
    remove(day, object_of(day, "d"))
    delete_item(day, "d")
    assert (found(day), hows(day)) == ([("manifest_without_objects", seq)], ["accept_loss"])
    mend(day)
    assert found(day) == [("manifest_without_objects", seq)]
    assert mend(day, accept_loss=True)
    assert found(day) == []
    settled(day)


def test_a_batch_that_was_committed_after_all_is_not_given_up(day: Day) -> None:
    """The ledger was set back to before its commit, and its plan is gone."""
    batch = killed_while(day, "processing")
    assert day.run().exit_code == 0
    day.wait()
    change_item(day, f"@batch/{batch.seq}", status={"S": "processing"})
    remove(day, batch.plan_uri)
    assert ("manifest_missing", batch.plan_uri) in found(day)
    with pytest.raises(LedgerBehindError):
        mend(day)
    assert len(day.visible()) == 15


def test_what_a_batch_may_rewrite_whose_plan_is_gone_is_not_touched_before_it_is_given_up(day: Day) -> None:
    batch = killed_while(day, "processing")
    remove(day, batch.plan_uri)
    remove(day, object_of(day, "d"))
    put(day, day.world.config.table.location + "region=EU/other.csv", b"1")
    uploads = dict(day.cloud.s3.uploads)
    assert hows(day) == ["run", "run", "repair"]
    mend(day)
    assert set(hows(day)) == {"repair"}  # now that it is
    assert {kind for kind, _ in found(day)} == {"file_without_rows", "orphan_object", "upload_pending"}
    assert day.cloud.s3.uploads == uploads
    mend(day)
    settled(day)


def test_a_file_that_an_open_batch_has_is_left_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its one record was bad: there is no object by which it could be told that it is held."""
    day = Day.make(monkeypatch)
    source = attrs.evolve(day.world.config.sources[0], budget=ErrorBudget(rows=5))
    day.world.config = attrs.evolve(day.world.config, sources=(source,))
    day.world.land("orders/a.csv", "id,region,note,at\nx,EU,,\n")
    assert day.run().rows_quarantined == 1
    remove(day, day.world.config.table.quarantine + item_of(day, "a").quarantine)
    day.wait()
    assert found(day) == [("quarantine_missing", day.world.uri("orders/a.csv"))]
    day.land("a", range(3))
    assert day.run_killed(puts("/commit-"))
    day.wait()
    assert [kind for kind, _ in found(day)] == ["batch_stuck"]


# --- losses -----------------------------------------------------------------------------------------------------------


def test_rows_whose_file_is_gone_are_written_off_by_a_person_only(day: Day) -> None:
    remove(day, object_of(day, "a"))
    lose(day, "b")
    assert hows(day) == ["repair", "accept_loss"]
    mend(day)
    assert found(day) == [("file_without_rows", day.world.uri("orders/b.csv"))]
    assert mend(day, accept_loss=True)
    assert found(day) == []
    item = item_of(day, "b")
    assert (item.table_rows, item.outputs) == (0, ())
    settled(day)
    day.land("b", range(10, 14))  # found again: it is taken as new
    settled(day)


def test_an_item_says_what_is_left_of_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    day = Day.make(monkeypatch)
    lines = [f"{n},{region},,2024-05-01 10:00:00" for n in range(3) for region in ("EU", "US")]
    day.world.land("orders/a.csv", "\n".join(["id,region,note,at", *lines]) + "\n")
    day.run()
    day.wait()
    lost, kept = sorted(item_of(day, "a").outputs)
    remove(day, day.world.config.table.location + lost)
    lose(day, "a")
    assert hows(day) == ["accept_loss"]
    mend(day, accept_loss=True)
    item = item_of(day, "a")
    assert (item.reason, item.table_rows, item.outputs) == ("loss_accepted", 3, (kept,))
    assert found(day, rows=True) == []
    assert day.run().outcome == "nothing_to_do"


def test_rows_of_a_lost_item_stay_while_their_file_is_gone(day: Day) -> None:
    """The ledger can be rebuilt; what is taken out of the table cannot be ingested again."""
    delete_item(day, "c")
    delete_item(day, "a")
    lose(day, "c")
    lose(day, "a")
    before = day.visible()
    assert hows(day) == ["accept_loss", "accept_loss"]
    mend(day)
    assert day.visible() == before
    mend(day, accept_loss=True)
    assert found(day) == []
    settled(day)


# --- what this version does not know ----------------------------------------------------------------------------------


def test_an_item_of_the_future_is_told_and_nothing_is_touched(day: Day) -> None:
    remove(day, object_of(day, "d"))
    uri = day.world.uri("orders/c.csv")
    change_item(day, uri, status={"S": "archived"})
    shard = next(k[0] for k in day.cloud.now().ledger if k[1] == uri)
    assert sorted(found(day)) == sorted(
        [("item_of_the_future", f"{shard} {uri}"), ("file_without_rows", day.world.uri("orders/d.csv"))]
    )
    assert set(hows(day)) == {"person"}
    before = all_of(day)[1:]
    assert mend(day, accept_loss=True) == []
    assert all_of(day)[1:] == before


def test_rows_of_an_item_of_the_future_are_nobodys_only_for_this_version(day: Day) -> None:
    """It shares an object with another file, and what it names cannot be read either."""
    uri = day.world.uri("orders/a.csv")
    change_item(day, uri, status={"S": "archived"}, outputs={"S": "elsewhere"})
    assert [kind for kind, _ in found(day)] == ["item_of_the_future"]
    assert [kind for kind, _ in found(day, rows=True)] == ["item_of_the_future"]


def test_a_batch_and_a_run_of_the_future(day: Day) -> None:
    batch = killed_while(day, "processing")
    key = day.world.config.table.key
    change_item(day, f"@batch/{batch.seq}", status={"S": "paused"})
    assert ("item_of_the_future", f"{key} @batch/{batch.seq}") in found(day)
    change_item(day, f"@batch/{batch.seq}", status={"S": "processing"})
    change_item(day, f"@run/{batch.owner}", started_at={"S": "yesterday"})
    assert found(day) == [("item_of_the_future", f"{key} @run/{batch.owner}")]  # its batch may be alive


def test_a_manifest_of_the_future(day: Day) -> None:
    batch = killed_while(day, "committed")
    body = day.cloud.s3.objects[split_uri(batch.commit_uri)].body
    put(day, batch.commit_uri, body.replace(b'"format":1', b'"format":2'))
    assert ("item_of_the_future", batch.commit_uri) in found(day)


def test_a_ledger_that_is_behind_is_told_and_nothing_is_touched(day: Day) -> None:
    day.cloud.set_ledger({})
    assert found(day) == [("ledger_behind", day.world.config.table.key)]
    before = all_of(day)
    with pytest.raises(LedgerBehindError):
        mend(day, accept_loss=True)
    assert all_of(day) == before


def test_rows_of_a_table_without_source_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose the rows of an object are cannot be told: only what has no rows left can be repaired."""
    from alur_runtime.config import OnChange

    day = Day.make(monkeypatch, on_change=OnChange.SKIP, metadata_columns=("_source_row",))
    day.land("a", range(4))
    day.land("b", range(10, 12))
    day.land("c", range(20, 22), region="US")
    day.run()
    day.wait()
    assert found(day, rows=True) == []
    remove(day, object_of(day, "c"))
    change_item(day, day.world.uri("orders/a.csv"), table_rows={"N": "7"})
    assert found(day) == [
        ("file_without_rows", day.world.uri("orders/c.csv")),
        ("counts_differ", object_of(day, "a")),
    ]
    assert hows(day) == ["repair", "person"]
    mend(day)
    assert [kind for kind, _ in found(day)] == ["counts_differ"]
