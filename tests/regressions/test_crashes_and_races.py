"""Crashes, errors of AWS, several runs at once, files that change."""

from __future__ import annotations

import threading
from typing import Any

import attrs
import pytest

from alur_runtime.config import OnChange
from alur_runtime.report import RunReport
from tests.regressions.faults import Faults, Killed
from tests.regressions.shared import SHORT, MakeWorld, check, ids
from tests.runtime.world import QUICK, World, rows

IDS = [0, 1, 2, 3]
ALIVE, DEAD = 1.5, 0.001
"""Seconds of a run's lease: it is renewed in time, or never."""


def one_file(make_world: MakeWorld, faults: Faults) -> World:
    """Four rows have landed; runs that die are soon taken for dead."""
    world = make_world(settings=SHORT)
    world.land("orders/a.csv", rows(0, 4))
    faults.clear()
    return world


# --- crashes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_crash_between_data_write_and_mark(make_world: MakeWorld, faults: Faults, after: bool) -> None:
    """Killed at every call from the first one that writes data on to the run's end."""
    one_file(make_world, faults).run()
    calls = [operation for operation, _ in faults.log]
    first = calls.index("CreateMultipartUpload") + 1
    # Part, commit manifest, commit, completion, partition, file item, end of the batch, report.
    assert len(calls) - first >= 8, calls
    for number in range(first, len(calls) + 1):
        world = one_file(make_world, faults)
        faults.kill(number, after=after)
        with pytest.raises(Killed):
            world.run()
        faults.clear()
        check(world, IDS)


# --- errors -----------------------------------------------------------------------------------------------------------


def commits(operation: str, request: dict[str, Any]) -> bool:
    """The write that makes a batch committed."""
    return operation == "PutItem" and request["Item"].get("status") == {"S": "committed"}


def indexes(operation: str, request: dict[str, Any]) -> bool:
    """The transaction that writes the file items."""
    return operation == "TransactWriteItems" and any(
        "file_etag" in write["Put"]["Item"] for write in request["TransactItems"] if "Put" in write
    )


def reads_the_ledger(operation: str, _: dict[str, Any]) -> bool:
    """What a plan is made of."""
    return operation in ("Query", "BatchGetItem")


def reads_a_source(operation: str, request: dict[str, Any]) -> bool:
    """A read of a listed version."""
    return operation == "GetObject" and "/orders/" in f"/{request['Key']}"


@pytest.mark.parametrize(("mark", "visible"), [(commits, []), (indexes, IDS)])
def test_ledger_error_on_mark(make_world: MakeWorld, faults: Faults, mark: Any, visible: list[int]) -> None:
    """Before the commit nothing is visible; what is committed stays, and is not ingested again."""
    world = one_file(make_world, faults)
    faults.fail(mark)
    report = world.run()
    assert (report.outcome, report.exit_code) == ("aws_error", 1)
    assert ids(world) == visible
    check(world, IDS)


@pytest.mark.parametrize("ingested", [0, 4])
def test_ledger_error_on_check(make_world: MakeWorld, faults: Faults, ingested: int) -> None:
    """Each read that a plan is made of: of the open batches and of the file items."""
    number, reads = 1, 1
    while number <= reads:
        world = make_world(settings=SHORT)
        world.land("archive/a.csv", rows(0, ingested))
        world.run()
        world.land("orders/b.csv", rows(10, 4))
        faults.clear()
        faults.fail(reads_the_ledger, nth=number)
        report = world.run()
        assert (report.outcome, report.exit_code) == ("aws_error", 1), number
        assert ids(world) == IDS[:ingested]
        faults.clear()
        check(world, [*IDS[:ingested], 10, 11, 12, 13])
        number, reads = number + 1, faults.count(reads_the_ledger) // 2  # of the two runs of the check
    assert number > 2, "a plan reads open batches, and file items"


@pytest.mark.parametrize("source", [1, 2])
def test_listing_error(make_world: MakeWorld, faults: Faults, source: int) -> None:
    world = make_world(settings=SHORT)
    world.land("orders/a.csv", rows(0, 2))
    world.land("archive/b.csv", rows(2, 2))
    faults.fail("ListObjectsV2", nth=source)
    report = world.run()
    assert (report.outcome, report.exit_code) == ("aws_error", 1)
    assert ids(world) == []
    check(world, IDS)


# --- several runs -----------------------------------------------------------------------------------------------------


def test_two_runs_at_once(make_world: MakeWorld) -> None:
    world = make_world(settings=attrs.evolve(QUICK, batch_max_files=1, run_lease_seconds=10.0))
    for number in range(4):
        world.land(f"orders/{number}.csv", rows(number, 1))
    ready, reports = threading.Barrier(2), list[RunReport]()

    def run() -> None:
        ready.wait()
        reports.append(world.run())

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [report.exit_code for report in reports] == [0, 0]
    assert sum(report.rows_written for report in reports) == 4
    check(world, IDS)


@pytest.mark.parametrize("call", ["UploadPart", commits, "CompleteMultipartUpload", indexes])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_run_inside_a_run(make_world: MakeWorld, faults: Faults, call: Any, after: bool) -> None:
    """The second one starts and ends while the first is in the middle, alive or taken for dead."""
    for lease in (ALIVE, DEAD):
        world = make_world(settings=attrs.evolve(QUICK, run_lease_seconds=lease))
        world.land("orders/a.csv", rows(0, 4))
        inner: list[RunReport] = []
        faults.clear()
        faults.when(call, lambda world=world, inner=inner: inner.append(world.run()), after=after)  # type: ignore[misc]
        outer = world.run()
        assert len(inner) == 1
        assert {outer.exit_code, inner[0].exit_code} <= {0, 1}
        check(world, IDS)


# --- files that change ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on_change", "expected", "reason"),
    [
        (OnChange.REPLACE, [2, 3, 4], "changed_replaced"),
        (OnChange.APPEND, [0, 1, 2, 2, 3, 3, 4], "changed_appended"),
        (OnChange.SKIP, IDS, "changed_skipped"),
        (OnChange.FAIL, IDS, "changed_refused"),
    ],
)
def test_file_overwritten(make_world: MakeWorld, on_change: OnChange, expected: list[int], reason: str) -> None:
    world = make_world(on_change=on_change)
    world.land("orders/a.csv", rows(0, 4))
    world.run()
    world.land("orders/a.csv", rows(2, 3))
    report = world.run()
    assert report.files_by_reason == {reason: 1}
    assert report.exit_code == (on_change is OnChange.FAIL)
    assert ids(world) == expected
    world.run()
    assert ids(world) == expected


def test_overwritten_between_listing_and_read(make_world: MakeWorld, faults: Faults) -> None:
    """Were the new content taken under the ETag that was listed, it would be in the table once more later."""
    world = make_world(on_change=OnChange.APPEND)
    world.land("orders/a.csv", rows(9, 2))
    faults.when(reads_a_source, lambda: world.land("orders/a.csv", rows(0, 4)))
    check(world, IDS)
    etag = world.clients.s3.head_object(Bucket=world.landing, Key="orders/a.csv")["ETag"].strip('"')
    assert [(item.etag, item.rows_ingested) for item in world.ledger.files()] == [(etag, 4)]
