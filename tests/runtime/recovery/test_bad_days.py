"""The four bad days of docs/recovery.md: nothing becomes visible before the command, and a run is right after it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from alur_pulumi.cli.fsck import FsckOptions, check_and_repair
from alur_runtime.fsck.find import check
from alur_runtime.fsck.gather import gather
from alur_runtime.rebuild.apply import rebuild
from tests.runtime.recovery.bad_days import Day, Ledger
from tests.runtime.recovery.histories import is_commit, is_complete, is_items


@pytest.fixture
def day(monkeypatch: pytest.MonkeyPatch) -> Day:
    return Day.make(monkeypatch)


def fsck(day: Day, *, repair: bool = False, accept_loss: bool = False) -> list[str]:
    """What the check finds, or what is left after its repair."""
    day.wait()
    options = FsckOptions(repair=repair, accept_loss=accept_loss, rows=True)
    result = check_and_repair(day.world.config, day.cloud.clients(), options)
    return [f"{f.kind}: {f.what}" for f in result.checked.findings]


def is_all_right(day: Day) -> None:
    """After one run."""
    assert not day.trouble(day.run())
    assert not [f for f in fsck(day) if not f.startswith("upload_pending")]


# --- committed uploads that are gone -------------------------------------------------------------------------------


def lose_committed_uploads(day: Day) -> None:
    day.land("a", range(3))
    day.land("b", range(10, 12), region="US")
    day.run()
    day.land("a", range(3, 6), note="second")
    day.land("c", range(20, 22), region="US")
    assert day.run_killed(is_complete)
    assert day.cloud.s3.uploads
    day.cloud.s3.uploads.clear()


def test_lost_uploads_are_made_again_by_the_next_run(day: Day) -> None:
    lose_committed_uploads(day)
    is_all_right(day)


def test_lost_uploads_whose_file_is_gone_hold_runs_until_a_person_accepts_the_loss(day: Day) -> None:
    lose_committed_uploads(day)
    day.cloud.s3.remove((day.world.landing, "orders/c.csv"))
    before = day.visible()
    for _ in range(2):
        report = day.run()
        assert report.outcome == "upload_lost"
        assert day.world.uri("orders/c.csv") in report.error
        assert day.visible() == before
    fsck(day, repair=True, accept_loss=True)
    report = day.run()
    assert report.exit_code == 0
    assert day.visible() == day.landed()
    assert not [f for f in fsck(day) if not f.startswith("upload_pending")]


# --- the ledger restored from a backup, or lost ----------------------------------------------------------------------


def with_new_files(day: Day) -> Ledger:
    """New files were ingested since."""
    day.land("a", range(3))
    day.run()
    backup = day.cloud.now().ledger
    day.land("b", range(10, 12))
    day.run()
    day.land("c", range(20, 22))
    return backup


def with_changed_files(day: Day) -> Ledger:
    """Files were replaced since: rows that the backup knows are gone."""
    day.land("a", range(3))
    day.land("b", range(10, 12))
    day.run()
    backup = day.cloud.now().ledger
    day.land("a", range(3, 6), note="second")
    day.run()
    day.land("b", range(12, 14), note="second")
    day.run()
    day.land("a", range(6, 7), note="third")
    return backup


def with_a_committed_batch(day: Day) -> Ledger:
    """A batch was committed when the backup was made, and has been rolled forward and rewritten since."""
    day.land("a", range(3))
    day.land("b", range(10, 12))
    assert day.run_killed(is_complete)
    backup = day.cloud.now().ledger
    day.run()
    day.land("a", range(3, 6), note="second")
    day.run()
    return backup


def with_a_processing_batch(day: Day) -> Ledger:
    """A batch was worked on when the backup was made, and has been committed since; nothing was planned after it."""
    day.land("a", range(3))
    day.cloud.moments = []
    day.run()
    moments, day.cloud.moments = day.cloud.moments, None
    return next(m for m in moments if is_commit(m.call)).ledger


def with_a_run_that_died(day: Day) -> Ledger:
    """The last run before the disaster died with half of its batch visible, and its file items not written."""
    day.land("a", range(3))
    day.run()
    backup = day.cloud.now().ledger
    day.land("a", range(3, 6), note="second")
    day.land("b", range(10, 12), region="US")
    assert day.run_killed(is_items)
    return backup


HOURS = (with_new_files, with_changed_files, with_a_committed_batch, with_a_processing_batch, with_a_run_that_died)


@pytest.mark.parametrize("lost", [False, True], ids=["restored", "lost"])
@pytest.mark.parametrize("hour", HOURS, ids=lambda h: h.__name__)
def test_a_ledger_of_an_hour_ago_or_none(day: Day, hour: Callable[[Day], Ledger], lost: bool) -> None:
    backup = hour(day)
    day.cloud.set_ledger({} if lost else backup)
    before = day.visible()
    for _ in range(3):
        assert day.run().outcome == "ledger_behind"
        assert day.visible() == before
    day.wait()
    rebuild(day.world.config, day.cloud.clients(), apply=True)
    assert day.visible() == before
    is_all_right(day)
    assert day.run().outcome == "nothing_to_do"


@pytest.mark.parametrize("hour", HOURS, ids=lambda h: h.__name__)
def test_without_the_rebuild_rows_would_be_doubled_or_a_run_would_fail(
    day: Day, hour: Callable[[Day], Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The days are bad ones: with the checks taken away, each of them goes wrong."""
    backup = hour(day)
    day.cloud.set_ledger(backup)
    monkeypatch.setattr("alur_runtime.run.ingest.check_ledger", lambda *_: None)
    monkeypatch.setattr("alur_runtime.run.recover.check_batch", lambda *_: None)
    assert day.trouble(day.run())


# --- the table's bucket ----------------------------------------------------------------------------------------------


def test_objects_that_are_lost_are_ingested_again(day: Day) -> None:
    day.land("a", range(3))
    day.land("b", range(10, 12), region="US")
    day.run()
    lake, key = next(place for place in day.cloud.s3.objects if place[1].startswith("db/sales/region=US/"))
    day.cloud.s3.remove((lake, key))
    assert day.run().outcome == "nothing_to_do"  # no run looks for what it has written
    assert fsck(day)
    fsck(day, repair=True)
    is_all_right(day)


@pytest.mark.parametrize("back", [1, 2, 3])
def test_a_bucket_that_was_restored_to_an_older_state(day: Day, back: int) -> None:
    states = []
    day.land("a", range(3))
    day.land("b", range(10, 12), region="US")
    day.run()
    states.append(day.cloud.now())
    day.land("a", range(3, 6), note="second")
    day.land("c", range(20, 22), region="US")
    day.run()
    states.append(day.cloud.now())
    day.land("b", range(12, 14), region="US", note="second")
    day.run()
    states.append(day.cloud.now())
    day.land("d", range(30, 31))
    day.run()
    last = day.cloud.now()
    lake = day.world.lake
    kept = {place: o for place, o in last.objects.items() if place[0] != lake}
    day.cloud.s3.objects = kept | {place: o for place, o in states[-back].objects.items() if place[0] == lake}
    fsck(day, repair=True)
    is_all_right(day)


def test_the_check_names_a_ledger_that_is_behind(day: Day) -> None:
    day.cloud.set_ledger(with_new_files(day))
    found = check(gather(day.world.config, day.cloud.clients(), rows=False))
    assert [f.kind for f in found.findings if "rebuild" in f.repair]
