"""The runtime under schedules from seeds: `make simulate` plays many more of them, `make mutants` tests this test."""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from alur_runtime.config import OnChange
from tests.simulation.files import version_of
from tests.simulation.many import play_many
from tests.simulation.matrix import run_matrix
from tests.simulation.mutants import MUTANTS, NO_LEASES, Mutant, find
from tests.simulation.play import fresh_base, play
from tests.simulation.schedule import Change, ChangeKind, Fault, Kind, RunPlan, Schedule, schedule_of
from tests.simulation.seams import seams
from tests.simulation.shrink import shrink

SCHEDULES = 700
"""As many as take about a minute on two cores."""


@pytest.fixture
def under_the_scheduler() -> Iterator[None]:
    with seams():
        yield


@pytest.mark.timeout(900)
def test_schedules_hold_and_every_fault_is_met() -> None:
    base = str(fresh_base())
    totals = play_many(base, SCHEDULES, lambda *_: None)
    assert totals.violations == [], f"base seed {base}: python -m tests.simulation replay --shrink --seed <seed>"
    assert totals.schedules == SCHEDULES
    wanted = {kind.value for kind in Kind} | {f"source_{kind.value}" for kind in ChangeKind}
    assert wanted | {"heartbeat_lost", "skewed_clock"} == set(totals.faults), f"base seed {base}"


@pytest.mark.timeout(600)
def test_leases_are_no_guard(under_the_scheduler: None) -> None:
    """Any run may plan, and adopt any batch, at any moment: safety never depends on clocks."""
    base = f"no-leases-{fresh_base()}"
    with NO_LEASES.patch():
        for number in range(80):
            result = play(schedule_of(f"{base}-{number}"), prepare=NO_LEASES.prepare)
            assert result.violation is None, f"{base}-{number}"


def test_a_file_that_is_read_whenever_a_run_dies_fails_and_a_retry_takes_it(under_the_scheduler: None) -> None:
    dies = Fault(1, Kind.DIES_BEFORE, operation="CreateMultipartUpload")
    runs = tuple(RunPlan(300.0 * n, faults=(dies,)) for n in range(3))
    result = play(Schedule("deaths", settled=False, files=1, runs=runs))
    assert result.violation is None, result.told()
    assert result.outcomes["clean"].startswith("files_failed")
    assert result.outcomes["retried"] == "completed"


def test_a_batch_that_takes_itself_back_leaves_no_row_of_a_file_whose_newest_version_is_refused(
    under_the_scheduler: None,
) -> None:
    # The run dies once it has committed; its uploads go, and the file that is there by then has too many bad rows.
    dies = Fault(1, Kind.DIES_BEFORE, operation="CompleteMultipartUpload")
    refused = next(n for n in range(3, 200) if not version_of("back", "f0", n, all_good=False).is_taken)
    taken = next(n for n in range(2, 200) if version_of("back", "f0", n, all_good=False).is_taken)
    changes = (
        Change(0.0, ChangeKind.LANDS, "f0", taken),
        Change(100.0, ChangeKind.LIFECYCLE),
        Change(100.0, ChangeKind.LANDS, "f0", refused),
    )
    result = play(Schedule("back", files=1, runs=(RunPlan(1.0, faults=(dies,)),), changes=changes))
    assert result.violation is None, result.told()
    assert result.outcomes["clean"].startswith("files_failed")


def test_a_zombie_that_cannot_learn_whose_its_batch_is_does_not_say_that_the_table_is_wrong(
    under_the_scheduler: None,
) -> None:
    # It wakes before it reads the object to rewrite, which is another by then; its giving the batch up is an error.
    faults = (
        Fault(1, Kind.SLEEPS, 60.0, operation="UploadPart"),
        Fault(2, Kind.FAILED_AFTER, operation="PutItem"),
    )
    runs = (RunPlan(0.1, heartbeat=False, faults=faults), RunPlan(20.0))
    changes = (Change(0.0, ChangeKind.LANDS, "f0", 2),)
    result = play(Schedule("late", files=1, run_lease=5.0, runs=runs, changes=changes), all_good=True)
    assert result.violation is None, result.told()
    assert result.outcomes["run1"].startswith("aws_error")


# Those that are found soon; `make mutants` has all.
QUICK = {
    "commit: owner and attempt",
    "create: lease",
    "file items",
    "pending",
    "If-Match",
    "shared objects",
    "read order",
    "consistent reads",
    "forward: old first",
    "forward: indexed, then closed",
}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mutant", [m for m in MUTANTS if m.name in QUICK], ids=lambda m: m.name)
def test_a_guard_that_is_taken_away_is_missed(mutant: Mutant) -> None:
    seeds, _ = find(attrs.evolve(mutant, within=200), "mutants")
    assert seeds is not None


@pytest.mark.timeout(600)
def test_crashes_at_every_call_and_a_sample_of_pairs() -> None:
    """Every 40th pair; `make crash-matrix` plays all."""
    lines: list[str] = []
    found = run_matrix(40, lines.append)
    assert found.wrong == [], lines
    assert found.points > 60
    assert found.pairs > 100


# --- the simulation itself --------------------------------------------------------------------------------------------


def test_logs_are_heard_again_after_a_simulation() -> None:
    before = logging.root.manager.disable
    with seams():
        assert logging.root.manager.disable == logging.CRITICAL
    assert logging.root.manager.disable == before


def test_a_schedule_replays_exactly(under_the_scheduler: None) -> None:
    first = play(schedule_of("replay-3"))
    play(schedule_of("replay-4"))
    assert play(schedule_of("replay-3")).told() == first.told()


@pytest.mark.timeout(900)
def test_a_schedule_replays_exactly_in_another_process(under_the_scheduler: None, repository: Path) -> None:
    seeds = [f"replay-{n}" for n in range(3)]
    script = (
        "import hashlib; from tests.simulation.play import play; from tests.simulation.seams import seams; "
        "from tests.simulation.schedule import schedule_of\n"
        f"with seams():\n  for s in {seeds}: print(hashlib.sha256(play(schedule_of(s)).told().encode()).hexdigest())"
    )
    paths = os.pathsep.join([str(repository), str(repository / "runtime")])

    # Sets of texts come in another order there.
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": paths}
    command = [sys.executable, "-c", script]
    there = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    here = [hashlib.sha256(play(schedule_of(seed)).told().encode()).hexdigest() for seed in seeds]
    assert there.split() == here


@pytest.mark.timeout(600)
def test_a_failing_schedule_is_made_small(under_the_scheduler: None) -> None:
    mutant = next(m for m in MUTANTS if m.name == "create: lease")
    with mutant.patch():
        number = next(n for n in range(200) if play(schedule_of(f"small-{n}"), prepare=mutant.prepare).violation)
        schedule = schedule_of(f"small-{number}")
        small, result = shrink(schedule, lambda s: play(s, prepare=mutant.prepare))
    assert result.violation is not None
    assert f"VIOLATION {result.violation[0]}" in result.told()
    size = Counter(runs=len(small.runs), changes=len(small.changes), faults=sum(len(r.faults) for r in small.runs))
    before = Counter(
        runs=len(schedule.runs), changes=len(schedule.changes), faults=sum(len(r.faults) for r in schedule.runs)
    )
    assert size <= before
    assert size.total() < before.total()


def test_a_schedule_without_faults_ingests_every_file(under_the_scheduler: None) -> None:
    for policy in OnChange:
        result = play(Schedule(seed="plain", policy=policy, runs=(RunPlan(0.0), RunPlan(40.0))), all_good=True)
        assert result.violation is None
        assert {o.split()[0] for o in result.outcomes.values()} == {"completed", "nothing_to_do"}


# --- bugs that it found -----------------------------------------------------------------------------------------------


def overwritten(at: float, *files: str, version: int = 2) -> tuple[Change, ...]:
    return tuple(Change(at, ChangeKind.LANDS, file, version) for file in files)


def test_a_zombie_that_gives_up_a_batch_of_another_ends_well(under_the_scheduler: None) -> None:
    """It slept before it read the objects to rewrite; another run has rewritten them: its counts cannot add up.

    It may not give the batch up, which is another's and completed: it has been fenced off, and nothing is wrong.
    """
    asleep = RunPlan(0.0, faults=(Fault(1, Kind.SLEEPS, 100.0, "CreateMultipartUpload"),))
    result = play(Schedule(seed="zombie", runs=(asleep, RunPlan(40.0)), changes=overwritten(0.0, "f0")), all_good=True)
    assert result.violation is None, result.told()


def test_a_batch_that_takes_itself_back_leaves_a_ledger_that_is_true(under_the_scheduler: None) -> None:
    """Committed, old rows dropped, the new ones' upload removed by lifecycle; then the file changes.

    The rows of the first version are gone, those of the second never came. The ledger must not claim either: each
    batch that is to replace them would stop with `counts_differ`, for ever.
    """
    dead = RunPlan(0.0, faults=(Fault(1, Kind.DIES_BEFORE, operation="CompleteMultipartUpload"),))
    # Its third GetObject is of the object with old rows, after the plan's and the commit manifest's.
    slow = RunPlan(200.0, faults=(Fault(3, Kind.SLEEPS, 20.0, "GetObject"),))
    for landed in (150.0, 210.0):
        changes = (
            *overwritten(0.0, "f0"),
            Change(140.0, ChangeKind.LIFECYCLE),
            *overwritten(landed, "f0", version=3),
        )
        schedule = Schedule(seed="anew", files=2, threads=1, shards=1, runs=(dead, slow), changes=changes)
        result = play(schedule, all_good=True)
        assert result.violation is None, result.told()


def test_a_deploy_of_replace_while_batches_of_append_are_open_mixes_no_versions(under_the_scheduler: None) -> None:
    """Two files share an object. Under `append` each came into a batch of its own, and no batch rewrites the object.

    Adopted by code whose policy is `replace`, both batches rewrite it, side by side: the one that commits last brings
    back the old rows that the other has dropped.
    """
    dead = RunPlan(0.0, policy=OnChange.APPEND, faults=(Fault(1, Kind.DIES_BEFORE, operation="GetObject"),))
    schedule = Schedule(
        seed="deploy0",
        files=2,
        threads=2,
        shards=1,
        batch_max_files=1,
        runs=(dead, RunPlan(200.0)),
        changes=overwritten(0.0, "f0", "f1"),
    )
    result = play(schedule, all_good=True)
    assert result.violation is None, result.told()


def test_uploads_of_a_file_that_nobody_asked_for_any_more_are_aborted(under_the_scheduler: None) -> None:
    """Both files are streamed. One fails; the other is written by then, and its result is never looked at."""
    slow = RunPlan(0.0, faults=(Fault(1, Kind.SLEEPS, 400.0, "UploadPart"),))
    landed = (Change(0.0, ChangeKind.LANDS, "f4", 1), Change(0.0, ChangeKind.LANDS, "f1", 2))
    schedule = Schedule(
        seed="600490895-2258",
        files=1,
        shards=1,
        threads=1,
        page=100,
        stream_bytes=1,
        run_lease=60.0,
        planning_lease=30.0,
        runs=(slow,),
        changes=(*landed, Change(15.0, ChangeKind.LIFECYCLE)),
    )
    result = play(schedule)
    assert any("aws_error" in outcome for outcome in result.outcomes.values()), result.told()
    assert result.violation is None, result.told()


def test_a_commit_whose_answer_never_came_is_no_clean_end(under_the_scheduler: None) -> None:
    """It took effect, and the run does not know: its rows are not visible yet. The next run sees to that."""
    lost = RunPlan(0.0, faults=(Fault(2, Kind.LOST, operation="PutItem"),))  # the first is the run's own item
    result = play(Schedule(seed="lost", settled=False, files=1, threads=1, runs=(lost,)))
    assert result.injected[Kind.LOST.value] == 1
    assert result.outcomes["run1"].startswith("aws_error"), result.told()
    assert result.violation is None, result.told()
