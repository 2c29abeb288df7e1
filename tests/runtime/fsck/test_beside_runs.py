"""A check beside live runs gives no false alarm, a repair beside them breaks nothing, and may itself be killed."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from alur_runtime.config import OnChange
from alur_runtime.errors import FencedOffError, LeaseBusyError
from alur_runtime.fsck.repair import repair
from tests.runtime.fsck.checked import (
    body_of,
    checked,
    day_of,
    delete_item,
    found,
    lose,
    mend,
    object_of,
    put,
    remove,
    settled,
)
from tests.runtime.recovery.bad_days import Day, KilledError, WatchedCloud

IMPATIENT: dict[str, Any] = {"planning_wait_seconds": 0.01}


class Paused:
    """Lets something happen before a call, while the caller waits."""

    def __init__(self, patch: pytest.MonkeyPatch, at: int, action: Callable[[], None]) -> None:
        self._at, self._action = at, action
        self._calls, self.happened = 0, False
        send = WatchedCloud._send

        def watched(cloud: WatchedCloud, service: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
            self._calls += 1
            if self._calls >= self._at and not self.happened:
                self.happened = True
                self._action()
            return send(cloud, service, operation, request)

        patch.setattr(WatchedCloud, "_send", watched)


def change_sources(day: Day) -> None:
    """A new file, one that is replaced and shares its object, one that moves to a partition of its own."""
    day.land("a", range(3), note="new")
    day.land("c", range(20, 25), region="ASIA")
    day.land("e", range(40, 42))


def moments(patch: pytest.MonkeyPatch, most: int, play: Callable[[pytest.MonkeyPatch, int], bool]) -> int:
    """Play a scene for each moment until there are no more; how many there were."""
    for at in range(1, most):
        with patch.context() as inner:
            if not play(inner, at):
                return at - 1
    raise AssertionError("there is no end of it")


@pytest.mark.parametrize("policy", [OnChange.REPLACE, OnChange.APPEND])
def test_a_check_at_any_moment_of_a_run_finds_nothing(monkeypatch: pytest.MonkeyPatch, policy: OnChange) -> None:
    def play(patch: pytest.MonkeyPatch, at: int) -> bool:
        day = day_of(patch, on_change=policy)
        change_sources(day)
        seen: list[Any] = []
        paused = Paused(patch, at, lambda: seen.append((found(day), found(day, rows=True))))
        report = day.world.run()
        assert report.exit_code == 0
        assert seen in ([], [([], [])]), (at, seen)
        return paused.happened

    assert moments(monkeypatch, 200, play) > 25


@pytest.mark.parametrize("rows", [False, True], ids=["footers", "rows"])
def test_a_run_at_any_moment_of_a_check_changes_nothing_of_what_it_finds(
    monkeypatch: pytest.MonkeyPatch, rows: bool
) -> None:
    def play(patch: pytest.MonkeyPatch, at: int) -> bool:
        day = day_of(patch)
        remove(day, object_of(day, "d"))
        change_sources(day)
        reports: list[Any] = []
        paused = Paused(patch, at, lambda: reports.append(day.world.run()))
        assert found(day, rows=rows) == [("file_without_rows", day.world.uri("orders/d.csv"))], at
        assert [r.exit_code for r in reports] in ([], [0])
        return paused.happened

    assert moments(monkeypatch, 200, play) > 20


def test_what_a_live_run_holds_is_counted_as_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[Any] = []

    def play(patch: pytest.MonkeyPatch, at: int) -> bool:
        day = day_of(patch)
        change_sources(day)
        paused = Paused(patch, at, lambda: looks.append(checked(day)))
        day.world.run()
        return paused.happened

    moments(monkeypatch, 200, play)
    assert max(look.files_left_out for look in looks) == 3
    assert max(look.objects_left_out for look in looks) > 1


def damage(day: Day) -> None:
    """Of every sort that a repair does something about."""
    remove(day, object_of(day, "b"))
    delete_item(day, "c")
    put(day, day.world.config.table.location + "region=EU/other.parquet", body_of(day, object_of(day, "d")))
    assert day.cloud.glue is not None
    day.cloud.glue.partitions.pop(("a b/c%",))
    day.cloud.glue.partitions["MARS",] = day.world.config.table.location + "region=MARS/"
    day.world.clients.s3.create_multipart_upload(
        Bucket=day.world.lake, Key="db/sales/region=EU/000000000001-00001.1.0009-01234567.parquet"
    )


def test_a_repair_at_any_moment_of_a_run_breaks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def play(patch: pytest.MonkeyPatch, at: int) -> bool:
        day = day_of(patch)
        day.world.config = attrs.evolve(day.world.config, settings=attrs.evolve(day.world.config.settings, **IMPATIENT))
        day.land("e", range(40, 42))
        day.land("d", range(30, 31), region="US")
        damage(day)

        def mended() -> None:
            with contextlib.suppress(LeaseBusyError):  # the run is planning
                repair(day.world.config, day.cloud.clients(), accept_loss=True)

        paused = Paused(patch, at, mended)
        day.world.run()
        if paused.happened:
            day.wait()
            mend(day, accept_loss=True)
            settled_again(day)
        return paused.happened

    assert moments(monkeypatch, 200, play) > 25


def settled_again(day: Day) -> None:
    """As `settled`, after one run more: the first finds what the repair has left to it."""
    day.run()
    day.wait()
    mend(day, accept_loss=True)
    settled(day)


@pytest.mark.parametrize("asleep", [False, True], ids=["alive", "asleep"])
def test_a_run_at_any_moment_of_a_repair_breaks_nothing(monkeypatch: pytest.MonkeyPatch, asleep: bool) -> None:
    """Of a repair that sleeps over its leases the run adopts the batches; it finds itself fenced off when it wakes."""

    def play(patch: pytest.MonkeyPatch, at: int) -> bool:
        day = day_of(patch)
        tuning = IMPATIENT if asleep else {**IMPATIENT, "run_lease_seconds": 0.1}  # so long a run waits for others
        day.world.config = attrs.evolve(day.world.config, settings=attrs.evolve(day.world.config.settings, **tuning))
        change_sources(day)
        damage(day)

        def run() -> None:
            if asleep:
                day.wait()
            day.world.run()

        paused = Paused(patch, at, run)
        with contextlib.suppress(FencedOffError):
            repair(day.world.config, day.cloud.clients(), accept_loss=True)
        day.wait()
        if paused.happened:
            mend(day, accept_loss=True)
            settled_again(day)
        return paused.happened

    assert moments(monkeypatch, 300, play) > 40


@pytest.mark.parametrize("then", ["repair", "run"])
def test_a_repair_that_is_killed_at_any_call_can_be_done_again(monkeypatch: pytest.MonkeyPatch, then: str) -> None:
    def play(patch: pytest.MonkeyPatch, at: int) -> bool:
        day = day_of(patch)
        damage(day)
        lose(day, "b")
        calls = itertools.count(1)
        day.cloud.kill_when = lambda _: next(calls) == at
        with contextlib.suppress(KilledError):
            repair(day.world.config, day.cloud.clients(), accept_loss=True)
        killed, day.cloud.killed = day.cloud.killed, False
        day.cloud.kill_when = lambda _: False
        day.wait()
        if then == "run":
            day.run()
            day.wait()
        mend(day, accept_loss=True)
        settled_again(day)
        return killed

    assert moments(monkeypatch, 300, play) > 40
