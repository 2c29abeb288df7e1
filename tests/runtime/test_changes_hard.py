"""Files that change in the awkward ways, by each `on_change`: the table is exact, ledger and report say so."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import attrs
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from world import QUICK, World, rows

from alur_runtime.config import OnChange
from alur_runtime.contracts.options import ErrorBudget
from alur_runtime.kernel import work as kernel
from alur_runtime.landing import fetch
from alur_runtime.report import RunReport, render_text
from alur_runtime.steps import Step

REPLACE, APPEND, SKIP, FAIL = OnChange
A, B, C = "orders/a.csv", "orders/b.csv", "orders/c.csv"
HEADER = "id,region,note,at\n"
STREAMING = attrs.evolve(QUICK, stream_bytes=1)
EVERY = pytest.mark.parametrize("on_change", list(OnChange))

Ids = dict[str, list[int]]


def ids_by_file(world: World) -> Ids:
    found: Ids = defaultdict(list)
    for row in world.table():
        found[row["_source_file"].removeprefix(world.uri(""))].append(row["id"])
    return {key: sorted(ids) for key, ids in found.items()}


def settled(world: World, expected: Ids, report: RunReport | None = None, **changes: Any) -> None:
    """The table has exactly these ids by file; the ledger counts them and names their objects; a rerun does nothing."""
    expected = {key: sorted(ids) for key, ids in expected.items() if ids}
    text = render_text(report) if report else ""
    assert ids_by_file(world) == expected, text
    items = {item.uri.removeprefix(world.uri("")): item for item in world.ledger.files()}
    assert {key: item.table_rows for key, item in items.items() if item.table_rows} == {
        key: len(ids) for key, ids in expected.items()
    }
    named = {f"db/sales/{output}" for item in items.values() if item.table_rows for output in item.outputs}
    before = world.objects()
    assert named == set(before)
    listed = world.clients.s3.list_objects_v2(Bucket=world.landing).get("Contents", ())
    assert {key: items[key].etag for key in items if key in {e["Key"] for e in listed}} == {
        e["Key"]: e["ETag"].strip('"') for e in listed
    }
    assert (world.pending(), world.ledger.open_batches()) == ([], [])
    again = world.run(**changes)
    assert (again.outcome, again.exit_code, again.rows_written, again.rows_dropped) == ("nothing_to_do", 0, 0, 0)
    assert world.objects() == before


def delete(world: World, key: str) -> None:
    world.clients.s3.delete_object(Bucket=world.landing, Key=key)


def by_policy(on_change: OnChange, *, old: list[int], new: list[int]) -> list[int]:
    """What the table has of a file that was changed once."""
    return {REPLACE: new, APPEND: old + new, SKIP: old, FAIL: old}[on_change]


def reason(on_change: OnChange) -> str:
    return {
        REPLACE: "changed_replaced",
        APPEND: "changed_appended",
        SKIP: "changed_skipped",
        FAIL: "changed_refused",
    }[on_change]


# --- two files of one object -----------------------------------------------------------------------------------------


@EVERY
@pytest.mark.parametrize("settings", [QUICK, STREAMING], ids=["held", "streamed"])
def test_two_files_of_one_object_changed_in_one_run(aws: str, on_change: OnChange, settings: Any) -> None:
    world = World.make(aws, on_change=on_change, settings=settings)
    for number, key in enumerate((A, B, C)):
        world.land(key, rows(number * 10, 3))
    world.run()
    assert len(world.objects()) == (3 if settings is STREAMING else 1)
    world.land(A, rows(0, 5))
    world.land(C, rows(25, 1))
    report = world.run()
    assert report.files_by_reason == {reason(on_change): 2, "unchanged": 1}, render_text(report)
    assert report.exit_code == (1 if on_change is FAIL else 0)
    assert report.rows_dropped == (6 if on_change is REPLACE else 0)
    expected = {
        A: by_policy(on_change, old=[0, 1, 2], new=[0, 1, 2, 3, 4]),
        B: [10, 11, 12],
        C: by_policy(on_change, old=[20, 21, 22], new=[25]),
    }
    settled(world, expected, report)


@EVERY
def test_two_files_of_one_object_changed_in_two_runs_at_once(aws: str, at_step: Any, on_change: OnChange) -> None:
    """The second run plans while the first works: what shares an object with its batch is left to a later pass."""
    world = World.make(aws, on_change=on_change, settings=attrs.evolve(QUICK, run_lease_seconds=6.0))
    world.land(A, rows(0, 3))
    world.land(B, rows(10, 3))
    world.run()
    world.land(A, rows(0, 2))
    seconds: list[RunReport] = []

    def another_changes_the_other_file() -> None:
        world.land(B, rows(10, 1))
        seconds.append(world.run())

    at_step(Step.READ, another_changes_the_other_file)
    first = world.run()
    second = seconds[0]
    if on_change is REPLACE:
        assert second.files_by_reason == {"in_live_batch": 1, "shares_object_with_live_batch": 1}
        assert (second.outcome, second.rows_written) == ("left_to_others", 0)
        assert {f.held_by for f in second.files} == {first.run_id}
    else:
        assert second.files_by_reason == {"in_live_batch": 1, reason(on_change): 1}, render_text(second)
    last = world.run()
    assert last.exit_code == 0
    expected = {
        A: by_policy(on_change, old=[0, 1, 2], new=[0, 1]),
        B: by_policy(on_change, old=[10, 11, 12], new=[10]),
    }
    settled(world, expected, last)


@pytest.mark.parametrize("on_change", [REPLACE, APPEND])
def test_runs_truly_at_once_over_changed_files(aws: str, on_change: OnChange) -> None:
    world = World.make(aws, on_change=on_change)
    keys = [f"orders/{n}.csv" for n in range(6)]
    versions: dict[str, list[int]] = {}
    for n, key in enumerate(keys):
        world.land(key, rows(n * 10, 4))
        versions[key] = list(range(n * 10, n * 10 + 4))
    world.run()
    for round_ in (1, 2, 3):
        for n, key in enumerate(keys[round_ % 2 :]):
            world.land(key, rows(1000 * round_ + n * 10, 3))
            ids = list(range(1000 * round_ + n * 10, 1000 * round_ + n * 10 + 3))
            versions[key] = ids if on_change is REPLACE else versions[key] + ids
        runs = [threading.Thread(target=world.run) for _ in range(3)]
        for run in runs:
            run.start()
        for run in runs:
            run.join()
    last = world.run()
    assert last.exit_code == 0, render_text(last)
    settled(world, versions, last)


# --- one file, several versions --------------------------------------------------------------------------------------


@EVERY
def test_changed_twice_between_two_runs(aws: str, on_change: OnChange) -> None:
    world = World.make(aws, on_change=on_change)
    world.land(A, rows(0, 3))
    world.run()
    world.land(A, rows(50, 9))
    world.land(A, rows(7, 2))
    report = world.run()
    assert report.files_by_reason == {reason(on_change): 1}
    settled(world, {A: by_policy(on_change, old=[0, 1, 2], new=[7, 8])}, report)


@EVERY
def test_changed_twice_with_a_run_after_each(aws: str, on_change: OnChange) -> None:
    world = World.make(aws, on_change=on_change)
    for first, count in ((0, 3), (10, 2), (20, 1)):
        world.land(A, rows(first, count))
        report = world.run()
    expected = {REPLACE: [20], APPEND: [0, 1, 2, 10, 11, 20], SKIP: [0, 1, 2], FAIL: [0, 1, 2]}[on_change]
    assert report.files_by_reason == {reason(on_change): 1}
    settled(world, {A: expected}, report)


@EVERY
def test_changed_twice_while_a_run_works(aws: str, at_step: Any, on_change: OnChange) -> None:
    """Each version that was listed is gone when it is read; the run takes the last one."""
    world = World.make(aws, on_change=on_change)
    world.land(A, rows(0, 3))
    world.run()
    world.land(A, rows(10, 3))

    def change_again() -> None:
        world.land(A, rows(20, 3))
        at_step(Step.CREATED, lambda: world.land(A, rows(30, 2)))

    at_step(Step.CREATED, change_again)
    report = world.run()
    if on_change in (SKIP, FAIL):  # those read nothing: the version that was listed is decided, the next run's is new
        for _ in range(2):
            assert report.files_by_reason == {reason(on_change): 1}
            report = world.run()
    settled(world, {A: by_policy(on_change, old=[0, 1, 2], new=[30, 31])}, report)


@EVERY
def test_back_to_a_former_version(aws: str, on_change: OnChange) -> None:
    world = World.make(aws, on_change=on_change)
    first, second = rows(0, 3), rows(10, 2)
    for body in (first, second, first):
        world.land(A, body)
        report = world.run()
    reasons = {REPLACE: "changed_replaced", APPEND: "unchanged", SKIP: "restored", FAIL: "restored"}
    assert report.files_by_reason == {reasons[on_change]: 1}, render_text(report)
    assert report.exit_code == 0
    assert world.rows_by_file() == {"a.csv": 5 if on_change is APPEND else 3}
    expected = {REPLACE: [0, 1, 2], APPEND: [0, 1, 2, 10, 11], SKIP: [0, 1, 2], FAIL: [0, 1, 2]}[on_change]
    if on_change is not APPEND:  # there the ledger keeps the version that was appended last
        settled(world, {A: expected}, report)
    world.land(A, second)
    again = world.run()
    assert again.files_by_reason == {"unchanged" if on_change is APPEND else reason(on_change): 1}
    world.land(A, rows(20, 1))
    report = world.run()
    last = {REPLACE: [20], APPEND: [0, 1, 2, 10, 11, 20], SKIP: [0, 1, 2], FAIL: [0, 1, 2]}[on_change]
    settled(world, {A: last}, report)


@EVERY
@pytest.mark.parametrize("empty", ["", HEADER, "\n\n"], ids=["no bytes", "header only", "blank lines"])
def test_to_empty_and_back(aws: str, on_change: OnChange, empty: str) -> None:
    world = World.make(aws, on_change=on_change)
    world.land(A, rows(0, 3))
    world.land(B, rows(10, 1, "US"))
    world.run()
    world.land(A, empty)
    report = world.run()
    assert report.files_by_reason == {reason(on_change): 1, "unchanged": 1}
    assert (report.rows_written, report.rows_dropped) == (0, 3 if on_change is REPLACE else 0)
    settled(world, {A: by_policy(on_change, old=[0, 1, 2], new=[]), B: [10]}, report)
    world.land(A, rows(5, 2))
    report = world.run()
    settled(world, {A: by_policy(on_change, old=[0, 1, 2], new=[5, 6]), B: [10]}, report)


@EVERY
def test_from_empty(aws: str, on_change: OnChange) -> None:
    """A version without rows is a version all the same: the next one is a change."""
    world = World.make(aws, on_change=on_change)
    world.land(A, "")
    report = world.run()
    assert report.files_by_reason == {"new": 1}
    settled(world, {}, report)
    world.land(A, rows(0, 2))
    report = world.run()
    assert report.files_by_reason == {reason(on_change): 1}
    settled(world, {A: by_policy(on_change, old=[], new=[0, 1])}, report)


# --- changed while it is read ----------------------------------------------------------------------------------------


def _at_second_piece(monkeypatch: pytest.MonkeyPatch, action: Callable[[], None]) -> list[int]:
    """Fetch in small pieces, and do something once before the second one is fetched."""
    monkeypatch.setattr(fetch, "_PIECE_BYTES", 500)
    done: list[int] = []
    real = fetch.make_fetch

    def make(clients: Any) -> fetch.Fetch:
        read = real(clients)

        def wrapped(uri: str, etag: str, start: int, length: int) -> bytes:
            if start and not done:
                done.append(start)
                action()
            return read(uri, etag, start, length)

        return wrapped

    monkeypatch.setattr(kernel, "make_fetch", make)
    return done


@pytest.mark.parametrize("settings", [QUICK, STREAMING], ids=["held", "streamed"])
@pytest.mark.parametrize("on_change", [REPLACE, APPEND])
def test_changed_while_it_is_read(
    aws: str, monkeypatch: pytest.MonkeyPatch, on_change: OnChange, settings: Any
) -> None:
    """No mixture of two versions: what was read of the old one is thrown away."""
    world = World.make(aws, on_change=on_change, settings=settings)
    world.land(A, rows(0, 3))
    world.land(B, rows(500, 2))
    world.run()
    world.land(A, rows(1000, 200))
    done = _at_second_piece(monkeypatch, lambda: world.land(A, rows(2000, 200)))
    report = world.run()
    assert done
    expected = by_policy(on_change, old=[0, 1, 2], new=list(range(2000, 2200)))
    settled(world, {A: expected, B: [500, 501]}, report)


@pytest.mark.parametrize("settings", [QUICK, STREAMING], ids=["held", "streamed"])
def test_deleted_while_it_is_read(aws: str, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    world = World.make(aws, settings=settings)
    world.land(B, rows(500, 2))
    world.land(A, rows(1000, 200))
    done = _at_second_piece(monkeypatch, lambda: delete(world, A))
    report = world.run()
    assert done
    assert report.files_by_reason == {"deleted_during_run": 1, "new": 1}
    settled(world, {B: [500, 501]}, report)


# --- deleted, moved, landed again ------------------------------------------------------------------------------------


@EVERY
def test_deleted_from_the_landing_bucket_and_landed_again(aws: str, on_change: OnChange) -> None:
    """Rows stay: a landing bucket is often emptied by age. The same version again is not ingested again."""
    world = World.make(aws, on_change=on_change)
    world.land(A, rows(0, 3))
    world.land(B, rows(10, 1))
    world.run()
    delete(world, A)
    report = world.run()
    assert (report.outcome, report.files_by_reason) == ("nothing_to_do", {"unchanged": 1})
    settled(world, {A: [0, 1, 2], B: [10]}, report)
    world.land(A, rows(0, 3))
    report = world.run()
    assert report.files_by_reason == {"unchanged": 2}
    settled(world, {A: [0, 1, 2], B: [10]}, report)
    delete(world, A)
    world.run()
    world.land(A, rows(3, 1))
    report = world.run()
    assert report.files_by_reason == {reason(on_change): 1, "unchanged": 1}
    settled(world, {A: by_policy(on_change, old=[0, 1, 2], new=[3]), B: [10]}, report)


@EVERY
def test_moved_is_a_new_file(aws: str, on_change: OnChange) -> None:
    """A key is what a file is: under another one it is another file, and the old one's rows stay."""
    world = World.make(aws, on_change=on_change)
    world.land(A, rows(0, 3))
    world.run()
    delete(world, A)
    world.land(C, rows(0, 3))
    report = world.run()
    assert report.files_by_reason == {"new": 1}
    settled(world, {A: [0, 1, 2], C: [0, 1, 2]}, report)


# --- what changes with it ---------------------------------------------------------------------------------------------


def test_rows_that_change_their_partition(aws: str) -> None:
    world = World.make(aws)
    world.land(A, rows(0, 3, "EU") + rows(3, 2, "US").partition("\n")[2])
    world.land(B, rows(10, 1, "EU"))
    world.run()
    world.land(A, rows(0, 1, "US") + rows(1, 2, "ASIA").partition("\n")[2])
    report = world.run()
    assert (report.rows_written, report.rows_dropped) == (3, 5)
    settled(world, {A: [0, 1, 2], B: [10]}, report)
    assert {row["id"]: row["region"] for row in world.table()} == {0: "US", 1: "ASIA", 2: "ASIA", 10: "EU"}


def test_a_large_file_that_turns_small_and_large_again(aws: str) -> None:
    world = World.make(aws, settings=attrs.evolve(QUICK, stream_bytes=5_000, target_object_bytes=2_000))
    world.land(B, rows(9000, 2))
    for first, count in ((0, 2000), (3000, 5), (5000, 1500), (0, 0)):
        world.land(A, rows(first, count))
        report = world.run()
        settled(world, {A: list(range(first, first + count)), B: [9000, 9001]}, report)


def with_budget(world: World, budget: ErrorBudget) -> dict[str, Any]:
    """The changes of a job whose first source has a budget, as a deployment would make them."""
    source = attrs.evolve(world.config.sources[0], budget=budget)
    return {"sources": (source, *world.config.sources[1:]), "code_digest": f"{budget}"}


def test_a_version_over_its_budget_leaves_the_old_rows_and_a_larger_budget_takes_it(aws: str) -> None:
    world = World.make(aws)
    world.land(A, rows(0, 3))
    world.land(B, rows(10, 2))
    world.run()
    world.land(A, rows(4, 2) + "x,EU,,\n")
    report = world.run()
    assert report.files_by_reason == {"too_many_bad_rows": 1, "unchanged": 1}, render_text(report)
    settled(world, {A: [0, 1, 2], B: [10, 11]}, report)
    wider = with_budget(world, ErrorBudget(rows=1))
    report = world.run(**wider)
    assert report.files_by_reason == {"changed_replaced": 1, "unchanged": 1}, render_text(report)
    assert (report.rows_written, report.rows_quarantined, report.rows_dropped) == (2, 1, 3)
    settled(world, {A: [4, 5], B: [10, 11]}, report, **wider)


def test_append_then_replace_drops_every_version(aws: str) -> None:
    """The ledger knows how many rows of a file the table has, of whatever version."""
    world = World.make(aws, on_change=APPEND)
    for first in (0, 10, 20):
        world.land(A, rows(first, 2))
        world.land(B, rows(first + 5, 1))
        world.run()
    world.land(A, rows(30, 1))
    report = world.run(on_change=REPLACE)
    assert (report.rows_written, report.rows_dropped) == (1, 6), render_text(report)
    assert ids_by_file(world) == {A: [30], B: [5, 15, 25]}


def test_replace_with_no_more_metadata_than_it_needs(aws: str) -> None:
    world = World.make(aws, metadata_columns=("_source_file",))
    world.land(A, rows(0, 3))
    world.land(B, rows(10, 1))
    world.run()
    world.land(A, rows(5, 1))
    report = world.run()
    assert (report.rows_written, report.rows_dropped) == (1, 3)
    settled(world, {A: [5], B: [10]}, report)


def twice(table: pa.Table) -> pa.Table:
    """A transform: each row twice, but those with odd ids not at all."""
    even = table.filter(pc.equal(pc.bit_wise_and(table["id"], 1), 0))
    return pa.concat_tables([even, even])


def test_a_change_drops_what_the_transform_made(aws: str) -> None:
    world = World.make(aws, transform="tests.runtime.test_changes_hard:twice")
    world.land(A, rows(0, 5))
    report = world.run()
    assert (report.rows_parsed, report.rows_written, report.rows_filtered, report.rows_added) == (5, 6, 2, 3)
    settled(world, {A: [0, 0, 2, 2, 4, 4]}, report)
    world.land(A, rows(2, 2))
    report = world.run()
    assert (report.rows_written, report.rows_dropped) == (2, 6)
    settled(world, {A: [2, 2]}, report)
