"""What keeps ending or failing a run holds nobody else for ever, and a run ends before its job's timeout does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import attrs
import pytest
import world
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from world import QUICK, World, rows

from alur_runtime.config import OnChange
from alur_runtime.kernel import work as kernel
from alur_runtime.model import Action, BatchItem, BatchPlan, BatchStatus, FileStatus, Member
from alur_runtime.reasons import Reason
from alur_runtime.report import RunReport, render_text
from alur_runtime.rows import Chunk
from alur_runtime.run import ingest
from alur_runtime.run.attempts import Fate, fate_of, split
from alur_runtime.run.deadline import working_seconds
from tests.corpus.read_back import read_table
from tests.runtime.cloud_in_memory import worlds_in_memory

MOST = QUICK.max_batch_deaths


class Killed(BaseException):
    """The process is gone: no handler of the runtime may catch it."""


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    return worlds_in_memory(monkeypatch, world)


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> dict[str, BaseException]:
    """What reading a file raises, by the end of its name."""
    raised: dict[str, BaseException] = {}
    read = kernel.read_file

    def read_or_raise(file: Any, uri: str, *rest: Any) -> Iterator[Chunk]:
        for end, error in raised.items():
            if uri.endswith(end):
                raise error
        return read(file, uri, *rest)

    monkeypatch.setattr(kernel, "read_file", read_or_raise)
    return raised


def run_until_it_ends(there: World, most: int = 12) -> tuple[int, RunReport]:
    """Run until one run is not killed: how many were, and its report."""
    for deaths in range(most):
        try:
            return deaths, there.run()
        except Killed:
            continue
    pytest.fail(f"{most} runs were killed: the file holds the others for ever")


def ids(there: World) -> list[int]:
    return sorted(row["id"] for row in read_table(there))


def failed_files(there: World) -> dict[str, str]:
    return {f.uri.rsplit("/", 1)[1]: f.reason for f in there.ledger.files() if f.status is FileStatus.FAILED}


# --- files that end the run -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 5, 40])
def test_a_file_that_ends_each_run_fails_and_the_others_are_ingested(
    place: Callable[[], str], reading: dict[str, BaseException], count: int
) -> None:
    there = World.make(place(), settings=attrs.evolve(QUICK, run_lease_seconds=0.3, planning_lease_seconds=0.3))
    for n in range(count):
        there.land(f"orders/{n:02}.csv", rows(10 * n, 2))
    reading["07.csv" if count > 7 else "00.csv"] = Killed()
    deaths, report = run_until_it_ends(there)
    bad = 7 if count > 7 else 0
    assert ids(there) == sorted(10 * n + k for n in range(count) for k in range(2) if n != bad), render_text(report)
    assert failed_files(there) == {f"{bad:02}.csv": "ends_its_run"}
    assert report.outcome == "files_failed"
    assert "ended while it did" in report.error
    # One death that nobody has written down, those that have it cut or condemned, and one for each cut.
    cuts = {1: 0, 2: 1, 5: 1, 40: 2}[count]
    assert deaths == 1 + MOST + cuts
    assert not there.ledger.open_batches()
    assert there.run().outcome == "nothing_to_do"
    reading.clear()
    (item,) = (f for f in there.ledger.files() if f.status is FileStatus.FAILED)
    assert there.ledger.try_again(item)  # on larger workers, say
    assert there.run().outcome == "completed"
    assert ids(there) == sorted(10 * n + k for n in range(count) for k in range(2))


def test_a_changed_file_that_ends_its_run_keeps_its_older_rows(
    place: Callable[[], str], reading: dict[str, BaseException]
) -> None:
    """The four files share one object: batches that rewrite it must not be open at once."""
    there = World.make(place(), settings=attrs.evolve(QUICK, run_lease_seconds=0.3, planning_lease_seconds=0.3))
    for n in range(4):
        there.land(f"orders/{n}.csv", rows(10 * n, 2))
    there.run()
    for n in range(4):
        there.land(f"orders/{n}.csv", rows(10 * n, 3))
    reading["2.csv"] = Killed()
    ended = 0
    for _ in range(30):
        try:
            report = there.run()
        except Killed:
            ended += 1
            continue
        if report.outcome == "nothing_to_do":
            break
    assert ids(there) == [0, 1, 2, 10, 11, 12, 20, 21, 30, 31, 32]
    assert failed_files(there) == {"2.csv": "ends_its_run"}
    assert ended <= 12
    assert not there.ledger.open_batches()


def test_a_file_whose_read_is_refused_holds_no_other_and_is_tried_at_each_run(
    place: Callable[[], str], reading: dict[str, BaseException]
) -> None:
    """Say, it is archived: each run says so until somebody restores the file; it never ends as failed."""
    there = World.make(place())
    for n in range(3):
        there.land(f"orders/{n}.csv", rows(10 * n, 2))
    reading["1.csv"] = ClientError({"Error": {"Code": "InvalidObjectState", "Message": "archived"}}, "GetObject")
    outcomes = [there.run().outcome for _ in range(MOST + 3)]
    assert set(outcomes) == {"aws_error"}
    assert ids(there) == [0, 1, 20, 21]
    assert failed_files(there) == {}
    reading.clear()
    assert there.run().outcome == "completed"
    assert ids(there) == [0, 1, 10, 11, 20, 21]


def test_files_that_make_too_many_partitions_together_are_ingested_by_smaller_batches(place: Callable[[], str]) -> None:
    there = World.make(place(), settings=attrs.evolve(QUICK, max_partitions=2))
    for n, region in enumerate("ABCDEF"):
        there.land(f"orders/{n}.csv", rows(10 * n, 2, region))
    report = there.run()
    assert report.outcome == "completed", render_text(report)
    assert report.rows_written == 12
    assert Reason.SPLIT.value in {b.outcome for b in report.batches}
    assert ids(there) == sorted(10 * n + k for n in range(6) for k in range(2))


def test_a_batch_of_another_configuration_is_planned_anew(
    place: Callable[[], str], reading: dict[str, BaseException]
) -> None:
    """Its options may be what was wrong: adopted, its files would fail by them, and under the name of the new code."""
    there = World.make(place(), settings=attrs.evolve(QUICK, run_lease_seconds=0.3, planning_lease_seconds=0.3))
    there.land("orders/a.csv", rows(0, 2))
    reading["a.csv"] = Killed()
    with pytest.raises(Killed):
        there.run()
    reading.clear()
    report = there.run(code_digest="two")
    assert [b.outcome for b in report.batches] == ["planned_anew", "completed"]
    assert ids(there) == [0, 1]


KILLER = """
import os, signal

def end_at_10(table):
    if 10 in table["id"].to_pylist():
        os.kill(os.getpid(), signal.SIGKILL)
    return table
"""


def test_a_file_that_kills_real_processes(aws: str, tmp_path: Path) -> None:
    there = World.make(aws)
    (tmp_path / "killer.py").write_text(KILLER)
    for n in range(3):
        there.land(f"orders/{n}.csv", rows(10 * n, 2))
    kills = 0
    while kills < 10:
        try:
            there.run_as_glue_does(tmp_path, transform="killer:end_at_10")
        except ProcessLookupError:
            kills += 1
        else:
            break
    assert failed_files(there) == {"1.csv": "ends_its_run"}
    assert kills == MOST + 2
    assert ids(there) == [0, 1, 20, 21]


# --- the decisions ----------------------------------------------------------------------------------------------------


def batch(**changes: Any) -> BatchItem:
    return attrs.evolve(BatchItem("1-1", BatchStatus.PROCESSING, "run", 1, "", 1, 1, 1), **changes)


def plan_of(outputs: list[frozenset[str]], on_change: OnChange = OnChange.REPLACE) -> BatchPlan:
    members = [
        Member(f"u{n}", "1", 1, 0, "s", Action.INGEST, "new", old_outputs=tuple(sorted(found)))
        for n, found in enumerate(outputs)
    ]
    drops = tuple(sorted(set().union(*outputs))) if on_change is OnChange.REPLACE else ()
    return BatchPlan("1-1", tuple(members), on_change, "c", drops)


def test_what_becomes_of_a_dead_runs_batch() -> None:
    one, two = plan_of([frozenset()]), plan_of([frozenset(), frozenset()])
    assert fate_of(batch(), one, "c", 2) is Fate.ADOPT
    assert fate_of(batch(), one, "d", 2) is Fate.REPLAN
    assert fate_of(batch(undo=True), one, "d", 2) is Fate.ADOPT
    assert fate_of(batch(begun=1), two, "c", 2) is Fate.ADOPT
    assert fate_of(batch(begun=1, failures=1), two, "c", 2) is Fate.SPLIT
    assert fate_of(batch(begun=2), one, "c", 2) is Fate.CONDEMN
    assert fate_of(batch(begun=1, failures=9), one, "c", 2) is Fate.ADOPT


@given(st.lists(st.frozensets(st.sampled_from("abcdef"), max_size=2), min_size=2, max_size=60), st.integers(1, 9))
def test_parts_of_a_batch_share_no_object_and_are_smaller(outputs: list[frozenset[str]], first: int) -> None:
    whole = plan_of(outputs)
    parts = split(whole, 7, first)
    uris = [m.uri for part in parts for m in part.members]
    assert len(set(uris)) == len(uris)
    assert 0 < len(parts) <= 16
    assert max(len(part.members) for part in parts) < len(whole.members)
    drops = [key for part in parts for key in part.drops]
    assert len(set(drops)) == len(drops)
    if len(parts) > 1:
        assert set(uris) == {m.uri for m in whole.members}
    assert [part.seq for part in parts] == [f"{7:012d}-{n:05d}" for n in range(first, first + len(parts))]


# --- the job's timeout ------------------------------------------------------------------------------------------------


def test_a_run_near_its_timeout_takes_no_new_batch_and_says_what_is_left(
    place: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = World.make(place(), settings=attrs.evolve(QUICK, batch_max_files=1, threads=1))
    for n in range(5):
        there.land(f"orders/{n}.csv", rows(10 * n, 2))
    clock = [0.0]
    real = ingest.time
    monkeypatch.setattr(ingest, "time", SimpleNamespace(time=real.time, sleep=real.sleep, monotonic=lambda: clock[0]))
    read = kernel.read_file

    def read_for_a_minute(*arguments: Any) -> Any:
        clock[0] += 60
        return read(*arguments)

    monkeypatch.setattr(kernel, "read_file", read_for_a_minute)
    report = there.run(timeout_seconds=240)  # 60 of them are kept to end in
    assert (report.outcome, report.exit_code) == ("out_of_time", 0), render_text(report)
    assert "2 batches are left" in report.error
    assert report.rows_written == 6
    assert report.files_by_reason == {"new": 3, "out_of_time": 2}
    report = there.run()  # at once: nobody has to wait for a lease
    assert report.outcome == "completed"
    assert [b.recovered for b in report.batches] == ["adopted", "adopted"]
    assert ids(there) == sorted(10 * n + k for n in range(5) for k in range(2))


def test_what_is_kept_of_a_timeout() -> None:
    assert working_seconds(0) == float("inf")
    assert working_seconds(7200) == 6480
    assert working_seconds(300) == 240
    assert working_seconds(60) == 30
