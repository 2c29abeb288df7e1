"""Every moment of a history may have been that of a backup, and every later one that of the disaster.

For each such pair: a run on the restored ledger refuses it and changes nothing, or is right; after a rebuild a run is.
"""

from __future__ import annotations

import os
import random

import pytest

from alur_runtime.config import OnChange
from alur_runtime.errors import LeaseBusyError, RebuildError
from alur_runtime.rebuild.apply import rebuild
from tests.runtime.formats.csv_files import examples
from tests.runtime.recovery.bad_days import Day, Ledger, Moment
from tests.runtime.recovery.histories import HISTORIES, Played, play, rebuild_and_run
from tests.simulation.cloud.dynamodb import Key
from tests.simulation.cloud.expressions import Item
from tests.simulation.cloud.s3 import Object, Place

SEED = int(os.environ.get("ALUR_SEED", "0"))
POLICIES = (OnChange.REPLACE, OnChange.APPEND)


@pytest.fixture(params=[(name, policy) for name in HISTORIES for policy in POLICIES], ids=lambda p: f"{p[0]}-{p[1]}")
def played(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Played:
    return play(monkeypatch, *request.param)


def pairs(played: Played, count: int) -> list[tuple[Ledger, Moment, str]]:
    """Ledgers and later moments, the same for a seed; one in eight of the ledgers is lost."""
    chance = random.Random(SEED)
    found = []
    for _ in range(count):
        late = chance.choice(played.moments)
        early = played.moments[chance.randint(0, late.number)]
        lost = chance.random() < 1 / 8
        name = f"ledger of {'nothing' if lost else (early.number, early.call[0])}, S3 of {late.number, late.call[0]}"
        found.append(({} if lost else early.ledger, late, name))
    return found


def set_back(day: Day, ledger: Ledger, moment: Moment) -> None:
    day.cloud.set_back(moment)
    day.cloud.set_ledger(ledger)


def test_a_run_refuses_the_ledger_or_is_right(played: Played) -> None:
    day, refused = played.day, 0
    for ledger, moment, name in pairs(played, examples(12)):
        set_back(day, ledger, moment)
        before = _without_reports(day)
        report = day.run()
        if report.outcome != "ledger_behind":
            assert not day.trouble(report), name
            continue
        refused += 1
        assert day.run().outcome == "ledger_behind", name  # however often it is tried
        assert _without_reports(day) == before, name
        assert rebuild(day.world.config, day.cloud.clients(), apply=False).replay.needed, name
    assert refused


def _without_reports(day: Day) -> dict[Place, Object]:
    return {place: o for place, o in day.cloud.s3.objects.items() if not place[1].endswith("/report.json")}


def test_after_a_rebuild_a_run_is_right(played: Played) -> None:
    for ledger, moment, name in pairs(played, examples(12)):
        set_back(played.day, ledger, moment)
        assert not rebuild_and_run(played.day), name


def test_a_rebuild_that_says_what_it_would_do_does_nothing(played: Played) -> None:
    day = played.day
    for ledger, moment, name in pairs(played, examples(3)):
        set_back(day, ledger, moment)
        before = day.cloud.now()
        found = rebuild(day.world.config, day.cloud.clients(), apply=False)
        assert day.cloud.now() == before, name
        day.wait()
        done = rebuild(day.world.config, day.cloud.clients(), apply=True)
        assert done.replay.files == found.replay.files, name
        assert len(done.replay.moves) == len(found.replay.moves), name


def test_a_rebuild_that_is_killed_at_any_call_can_be_done_again(played: Played) -> None:
    """And until it has been, a run refuses the ledger or is right."""
    day = played.day
    for ledger, moment, name in pairs(played, examples(1)):
        calls = 0
        while True:
            set_back(day, ledger, moment)
            day.wait()
            calls += 1
            if not day.rebuild_killed(calls):
                break
            half = day.cloud.now()
            report = day.run()
            assert report.outcome == "ledger_behind" or not day.trouble(report), f"{name}, killed at {calls}"
            set_back(day, half.ledger, half)
            assert not rebuild_and_run(day), f"{name}, killed at {calls}"
        assert calls > 5


@pytest.mark.parametrize("name", HISTORIES)
def test_files_and_batches_come_back_as_they_were(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    played = play(monkeypatch, name)
    day, end = played.day, played.moments[-1]
    wanted = _decided(end.ledger)
    for moment in (None, *random.Random(SEED).choices(played.moments, k=examples(6))):
        set_back(day, {} if moment is None else moment.ledger, end)
        day.wait()
        rebuild(day.world.config, day.cloud.clients(), apply=True)
        assert _decided(day.cloud.now().ledger) == wanted, moment and moment.call


def _decided(ledger: Ledger) -> dict[Key, Item]:
    """Items of files, and of batches that were committed; not when they expire, nor what was noted on the way."""
    kept = {"seq", "status", "owner", "attempt", "commit_uri", "plan_uri", "undo"}
    files = {k: {n: v for n, v in i.items() if n != "expires_at"} for k, i in ledger.items() if "#" in k[0]}
    batches = {k: {n: i[n] for n in kept} for k, i in ledger.items() if "@batch" in k[1] and i["commit_uri"]["S"]}
    return files | batches


def test_a_rebuild_beside_a_live_run_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    day = Day.make(monkeypatch)
    day.land("a", range(3))
    day.cloud.moments = []
    day.run()
    moments, day.cloud.moments = day.cloud.moments, None
    config = day.world.config
    created = next(m.number for m in moments if m.call[0] == "TransactWriteItems")
    set_back(day, moments[created].ledger, moments[created])
    with pytest.raises(LeaseBusyError, match="planning lease"):
        rebuild(config, day.cloud.clients(), apply=True)
    commit = next(m for m in moments if m.call[0] == "CompleteMultipartUpload")
    set_back(day, commit.ledger, commit)
    before = day.cloud.now()
    with pytest.raises(RebuildError, match="is alive: stop the job's trigger"):
        rebuild(config, day.cloud.clients(), apply=True)
    after = day.cloud.now()
    assert after.objects == before.objects
    assert [key for key, item in after.ledger.items() if before.ledger.get(key) != item] == [
        (config.table.key, "@lease")
    ]
    assert not rebuild_and_run(day)
