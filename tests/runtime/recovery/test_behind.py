"""A ledger that is older than what S3 shows is refused, for ever; one that is not never is."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from alur_runtime.config import OnChange, SourceConfig
from alur_runtime.contracts.options import ErrorBudget
from alur_runtime.errors import LedgerBehindError
from alur_runtime.ledger.ledger import Ledger
from alur_runtime.model import BatchStatus
from alur_runtime.run.behind import check_batch, check_ledger
from tests.runtime.recovery.bad_days import Call, Day, Moment, puts


@pytest.fixture
def day(monkeypatch: pytest.MonkeyPatch) -> Day:
    return Day.make(monkeypatch)


def check(day: Day) -> None:
    check_ledger(day.world.clients.s3, day.world.config, day.world.ledger)


def check_open(day: Day) -> None:
    for batch in day.world.ledger.open_batches():
        check_batch(day.world.clients.s3, day.world.config, batch)


def is_create(call: Call) -> bool:
    return call[0] == "TransactWriteItems" and "ConditionCheck" in call[1]["TransactItems"][0]


def is_commit(call: Call) -> bool:
    return call[0] == "PutItem" and call[1]["Item"].get("status") == {"S": "committed"}


def watched_run(day: Day) -> list[Moment]:
    day.cloud.moments = []
    day.run()
    found, day.cloud.moments = day.cloud.moments, None
    return found


def test_a_ledger_with_all_that_was_planned_passes(day: Day) -> None:
    check(day)
    day.land("a", range(3))
    day.run()
    check(day)
    day.run()
    check(day)


def test_a_lost_ledger_is_refused_however_often_it_is_tried(day: Day) -> None:
    day.land("a", range(3))
    day.run()
    day.cloud.set_ledger({})
    for _ in range(5):
        with pytest.raises(LedgerBehindError, match="was planned under a token it has not given out yet"):
            check(day)
    assert day.world.ledger.lease() is None  # no token was counted up: the next one is refused as well


def test_a_ledger_of_before_the_last_plan_is_refused(day: Day) -> None:
    day.land("a", range(3))
    day.run()
    backup = day.cloud.now().ledger
    day.land("b", range(3, 6))
    day.run()
    day.cloud.set_ledger(backup)
    with pytest.raises(LedgerBehindError, match="ledger of db_"):
        check(day)


def test_a_backup_of_while_the_lease_was_held_is_refused_once_its_batch_was_committed(day: Day) -> None:
    """Its token is known then; that its batches are not is only seen by their commit manifests."""
    day.land("a", range(3))
    moments = watched_run(day)
    created = next(m for m in moments if is_create(m.call))
    day.cloud.set_ledger(created.ledger)
    with pytest.raises(LedgerBehindError, match=r"commit-1-.* is of a batch that it does not know"):
        check(day)


def test_a_run_that_died_between_its_plan_and_its_batches_leaves_a_ledger_that_passes(day: Day) -> None:
    day.land("a", range(3))
    assert day.run_killed(is_create)
    check(day)
    assert not day.trouble(day.run())
    check(day)


def test_a_live_holder_of_the_lease_whose_batches_are_known_passes(day: Day) -> None:
    """It has committed batches while it still holds the lease: both the ledger and S3 know them."""
    day.land("a", range(3))
    day.run()
    key = {"ingestion_key": {"S": day.world.config.table.key}, "file_path": {"S": "@lease"}}
    day.world.clients.dynamodb.update_item(
        TableName=day.world.config.ledger.table,
        Key=key,
        UpdateExpression="SET #owner = :me",
        ExpressionAttributeNames={"#owner": "owner"},
        ExpressionAttributeValues={":me": {"S": "live"}},
    )
    check(day)


def test_another_run_that_plans_between_the_two_reads_is_no_proof(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    day.land("a", range(3))
    old: list[Any] = [day.world.ledger.lease()]
    day.run()
    kept = Ledger.lease
    monkeypatch.setattr(Ledger, "lease", lambda self: old.pop() if old else kept(self))
    check(day)
    assert not old


def test_what_the_check_costs(day: Day) -> None:
    """One GetItem and one ListObjectsV2: of the 15 calls that a rerun may make."""
    day.land("a", range(3))
    day.run()
    day.cloud.calls.clear()
    check(day)
    assert [name for name, _ in day.cloud.calls] == ["GetItem", "ListObjectsV2"]


# --- a batch that is processing in the backup ---------------------------------------------------------------------


@pytest.mark.parametrize("half", [False, True])
def test_a_processing_batch_of_which_an_object_is_there_was_committed(day: Day, half: bool) -> None:
    day.land("a", range(3))
    day.land("b", range(3, 6), region="US")
    moments = watched_run(day)
    backup = next(m for m in moments if is_commit(m.call))
    if half:
        new = [m for m in moments if m.call[0] == "CompleteMultipartUpload"]
        day.cloud.set_back(new[1])
    day.cloud.set_ledger(backup.ledger)
    check(day)  # nothing was planned since
    assert [b.status for b in day.world.ledger.open_batches()] == [BatchStatus.PROCESSING]
    for _ in range(3):
        with pytest.raises(LedgerBehindError, match=r"is processing in it, and s3://.*parquet shows that"):
            check_open(day)


@pytest.mark.parametrize("all_of_it", [True, False], ids=["object emptied", "object rewritten"])
def test_a_processing_batch_that_has_dropped_old_rows_was_committed(day: Day, all_of_it: bool) -> None:
    day.land("a", range(3))
    if not all_of_it:
        day.land("b", range(3, 6))
    day.run()
    day.land("a", range(7, 9))
    moments = watched_run(day)
    backup = next(m for m in moments if is_commit(m.call))
    name = "DeleteObjects" if all_of_it else "CompleteMultipartUpload"
    dropped = next(m.number for m in moments if m.call[0] == name)
    day.cloud.set_back(moments[dropped + 1])  # no new row is there yet
    day.cloud.set_ledger(backup.ledger)
    with pytest.raises(LedgerBehindError):
        check_open(day)
    day.cloud.set_back(moments[dropped])
    check_open(day)


def test_a_processing_batch_whose_bad_rows_are_there_was_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    day = Day.make(monkeypatch)
    source = SourceConfig(name="orders", uri=day.world.config.sources[0].uri, budget=ErrorBudget(rows=9))
    day.world.config = attrs.evolve(day.world.config, sources=(source,))
    day.world.land("orders/a.csv", "id,region,note,at\nx,EU,,\n1,EU,,\n")
    moments = watched_run(day)
    backup = next(m for m in moments if is_commit(m.call))
    first = [m.number for m in moments if puts("quarantine/")(m.call)][-1]
    day.cloud.set_back(moments[first + 1])
    day.cloud.set_ledger(backup.ledger)
    with pytest.raises(LedgerBehindError, match="quarantine"):
        check_open(day)


def test_a_run_that_died_with_its_commit_manifest_written_has_committed_nothing(day: Day) -> None:
    day.land("a", range(3))
    assert day.run_killed(is_commit)
    assert [b.status for b in day.world.ledger.open_batches()] == [BatchStatus.PROCESSING]
    check(day)
    check_open(day)
    assert not day.trouble(day.run())


def test_append_drops_nothing_and_new_objects_are_the_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    day = Day.make(monkeypatch, on_change=OnChange.APPEND)
    day.land("a", range(3))
    day.run()
    day.land("a", range(7, 9))
    moments = watched_run(day)
    backup = next(m for m in moments if is_commit(m.call))
    day.cloud.set_ledger(backup.ledger)
    with pytest.raises(LedgerBehindError):
        check_open(day)
