"""Crashes, errors and races of a sweep and of what comes back."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from alur_runtime.ledger.expiry import keep_for_good, let_expire
from alur_runtime.ledger.forgotten import FEW
from alur_runtime.model import FileItem, FileStatus
from tests.regressions.faults import Faults, Killed
from tests.runtime.retention.days import DAY, FORGET, LAZY, Days
from tests.simulation.cloud.dynamodb import Key

LONG = FORGET + LAZY + 1


def test_a_sweep_that_is_killed_anywhere_forgets_nothing(days: Days, faults: Faults) -> None:
    """At every call of it: what expires is in the archive, which is merged then too."""
    for n in range(FEW - 1):
        days.archive.keep([FileItem(f"s3://b/{n}", FileStatus.COMPLETED, "", 0, 0, "", "", "", "", 0)], f"{n}")
    bodies = {name: days.land(name) for name in "abc"}
    days.run()
    for name in "ab":
        days.remove(name)
    days.pass_days(1)
    number = 0
    while True:
        number += 1
        for after in (False, True):
            moment = days.moment()
            faults.clear()
            faults.kill(number, after=after)
            ended = False
            with contextlib.suppress(Killed):
                days.world.run()
                ended = True
            faults.clear()
            days.pass_days(LONG)
            for name in "ab":
                days.land_again(name, bodies[name])
            report = days.run()
            assert report.files_by_reason == {"unchanged": 3}, (number, after)
            days.check()
            if ended:
                assert number > 15
                assert len(days.archived()) == 1, "it was merged"
                return
            days.set_back(moment)


def test_an_item_that_a_batch_has_written_since_does_not_expire(days: Days) -> None:
    days.land("a")
    days.run()
    stale = days.item("a")
    assert stale is not None
    days.land("a", 3)
    days.run()
    assert let_expire(days.world.ledger, [stale], 5) == 0
    item = days.item("a")
    assert item is not None
    assert item.expires_at is None


def test_a_sweep_that_slept_marks_a_file_that_has_come_back_and_the_next_run_sees_it(days: Days) -> None:
    body = days.land("a")
    days.run()
    days.remove("a")
    days.sweep()
    days.land_again("a", body)
    days.run()
    item = days.item("a")
    assert item is not None
    assert let_expire(days.world.ledger, [item], int(days.cloud.s3.clock.now) + FORGET * DAY) == 1
    days.pass_days(1)
    assert days.run().files_by_reason == {"unchanged": 1}
    assert days.item("a") == item
    assert item.expires_at is None


def test_an_item_that_was_deleted_meanwhile_is_not_made_anew_empty(days: Days) -> None:
    """The race: an expired item is read, and DynamoDB deletes it before its time to live is taken back."""
    body = days.land("a")
    days.run()
    days.remove("a")
    days.sweep()
    stale = days.item("a")
    assert stale is not None
    days.pass_days(LONG)
    assert keep_for_good(days.world.ledger, [stale]) == 0
    assert days.item("a") is None
    days.land_again("a", body)
    assert days.run().files_by_reason == {"unchanged": 1}


def test_an_item_that_is_deleted_right_after_it_was_read_is_found_by_the_next_run(days: Days, faults: Faults) -> None:
    body = days.land("a")
    days.run()
    days.remove("a")
    days.sweep()
    days.pass_days(FORGET - 1)
    days.land_again("a", body)
    key = next(key for key, item in days.dynamodb.items.items() if "file_etag" in item)
    faults.clear()
    faults.when("TransactWriteItems", lambda: _lose(days, key))
    assert days.run().files_by_reason == {"unchanged": 1}
    assert days.item("a") is None
    assert days.run().files_by_reason == {"unchanged": 1}
    assert days.item("a") is not None
    days.check()


def _lose(days: Days, key: Key) -> None:
    del days.dynamodb.items[key]


def test_an_archive_that_cannot_be_read_is_not_taken_for_empty(days: Days, faults: Faults) -> None:
    body = days.land("a")
    days.run()
    days.remove("a")
    days.sweep()
    days.pass_days(LONG)
    days.land_again("a", body)
    for calls in (_of_archive("ListObjectsV2"), _of_archive("GetObject")):
        faults.clear()
        faults.fail(calls)
        assert days.world.run().outcome == "aws_error"
        days.check()
    assert days.run().files_by_reason == {"unchanged": 1}


def test_a_sweep_that_fails_fails_the_run_after_its_work(days: Days, faults: Faults) -> None:
    days.land("a")
    days.run()
    days.remove("a")
    days.land("b")
    days.pass_days(1)
    faults.clear()
    faults.fail(_of_archive("PutObject"))
    report = days.world.run()
    assert (report.outcome, report.exit_code, report.rows_written) == ("aws_error", 1, 2)
    days.check()
    assert "1 of them newly" in days.run().notes["gone from the sources"]


def _of_archive(operation: str) -> Callable[[str, dict[str, Any]], bool]:
    return lambda call, request: call == operation and "forgotten/" in request.get("Key", request.get("Prefix", ""))
