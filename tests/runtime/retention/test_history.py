"""Open batches stay in sight, whatever is forgotten of those that are closed and of runs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from tests.regressions.faults import Faults, Killed
from tests.runtime.retention.days import DAY, LAZY, SETTINGS, Days


def _die(days: Days, faults: Faults, calls: Callable[[str, dict[str, Any]], bool], *, after: bool = False) -> None:
    """A run that is killed at a call."""
    faults.clear()

    def die() -> None:
        faults._dead = True
        raise Killed

    faults.when(calls, die, after=after)
    with contextlib.suppress(Killed):
        days.world.run()
    assert faults._dead, "there was no such call"
    faults.clear()
    days.pass_days(0.1)


def test_a_file_of_an_open_batch_is_not_gone(days: Days, faults: Faults) -> None:
    days.land("a")
    days.run()
    days.land("a", 3)
    _die(days, faults, lambda call, request: call == "PutObject" and "/commit-" in request["Key"])
    days.remove("a")
    days.pass_days(1)
    (batch,) = days.world.ledger.open_batches()
    days.world.ledger.heartbeat(batch.owner, int((days.cloud.s3.clock.now + DAY / 2) * 1000))
    days.run()
    item = days.item("a")
    assert item is not None
    assert item.expires_at is None


def test_closed_batches_are_not_read_at_every_run(days: Days) -> None:
    for n in range(5):
        days.land(f"{n}")
        days.run()
    read: list[int] = []
    query = type(days.dynamodb)._Query

    def counted(table: Any, request: dict[str, Any]) -> dict[str, Any]:
        answer = query(table, request)
        if "FilterExpression" in request:
            read.append(answer["ScannedCount"])
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(days.dynamodb), "_Query", counted)
        days.run()
        first = read.copy()
        days.sweep()
    assert first == [1], "that of the run before, which was open when it gave its lease back"
    assert read[1:] == [5], "a sweep reads them all"


def test_an_open_batch_stays_in_sight(days: Days, faults: Faults) -> None:
    days.land("a")
    days.run()
    days.land("b")
    _die(days, faults, lambda call, request: call == "PutObject" and "/commit-" in request["Key"])
    # Its run counts as alive for a long time: runs go by that leave it alone.
    (batch,) = days.world.ledger.open_batches()
    days.world.ledger.heartbeat(batch.owner, int((days.cloud.s3.clock.now + DAY / 2) * 1000))
    quick = attrs.evolve(SETTINGS, run_lease_seconds=0.01)
    for name in "cde":
        days.land(name)
        days.world.run(settings=quick)
        assert (days.world.ledger.lease() or {})["oldest_open"] == batch.seq
    days.pass_days(0.6)
    assert days.run().files_by_reason["new"] == 1
    assert days.world.ledger.open_batches() == []
    days.check()


def test_closed_batches_and_runs_expire_and_open_ones_do_not(days: Days, faults: Faults) -> None:
    days.land("a")
    report = days.run()
    days.land("b")
    _die(days, faults, lambda call, request: call == "PutObject" and "/commit-" in request["Key"])
    days.pass_days(SETTINGS.history_days + LAZY + 1)
    ledger = days.world.ledger
    (batch,) = ledger.open_batches()
    assert ledger.run(report.run_id) is None
    assert [key for _, key in days.dynamodb.items if key.startswith("@batch/")] == [f"@batch/{batch.seq}"]
    days.run()
    days.check()
