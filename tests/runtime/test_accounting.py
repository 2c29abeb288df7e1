"""Every record is accounted for, and what is not does not commit. Through real runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest
from test_protocol import crash, die
from world import QUICK, Sales, World, rows, wait_for_leases

from alur_runtime import bucket, contract, spec_of
from alur_runtime.contracts import expectations
from alur_runtime.contracts.options import ErrorBudget
from alur_runtime.kernel import work as kernel
from alur_runtime.landing import fetch
from alur_runtime.model import FileStatus
from alur_runtime.report import RunReport, equations, render_text
from alur_runtime.rows import Chunk
from alur_runtime.steps import Step
from alur_runtime.table.store import get_bytes
from alur_runtime.table.write import TableWriter

STREAMS = attrs.evolve(QUICK, stream_bytes=2_000)
"""Settings under which a file of a hundred rows is a large one."""


def quarantine(world: World) -> list[dict[str, Any]]:
    """The bad rows that can be seen, in order."""
    prefix = world.config.table.quarantine
    bucket_name, key = prefix.removeprefix("s3://").split("/", 1)
    answer = world.clients.s3.list_objects_v2(Bucket=bucket_name, Prefix=key)
    found = []
    for entry in answer.get("Contents", ()):
        body = get_bytes(world.clients.s3, f"s3://{bucket_name}/{entry['Key']}")
        found += [json.loads(line) for line in body.splitlines()]
    return found


def with_budget(world: World, **limits: Any) -> World:
    sources = tuple(attrs.evolve(s, budget=ErrorBudget(**limits)) for s in world.config.sources)
    return attrs.evolve(world, config=attrs.evolve(world.config, sources=sources))


def holds(world: World, report: RunReport, expected: list[int]) -> None:
    assert world.ids() == sorted(expected), render_text(report)
    assert world.pending() == []
    again = world.run()
    assert again.rows_written == 0
    assert world.ids() == sorted(expected)


BAD = "id,region,note,at\n1,EU,a,\nx,EU,b,\n3,EU,c,\n4,EU\n5,EU,e,never\n"


def test_bad_rows_go_to_quarantine_and_the_others_into_the_table(aws: str) -> None:
    world = with_budget(World.make(aws), rows=3)
    world.land("orders/a.csv", BAD)
    world.land("orders/b.csv", rows(10, 5))
    report = world.run()
    assert (report.rows_parsed, report.rows_written, report.rows_quarantined) == (10, 7, 3)
    assert equations(report)[1] == "10 parsed = 7 written + 3 quarantined"
    item = world.ledger.get_files([world.uri("orders/a.csv")])[world.uri("orders/a.csv")]
    assert (item.status, item.rows_parsed, item.rows_ingested, item.rows_quarantined) == (FileStatus.COMPLETED, 5, 2, 3)
    lines = quarantine(world)
    assert [(q["row"], q["line"], q["column"], q["value"], q["reason"]) for q in lines] == [
        (2, 3, "id", "x", "bad_value"),
        (4, 5, None, None, "field_count"),
        (5, 6, "at", "never", "bad_value"),
    ]
    assert {(q["file"], q["etag"], q["run_id"], q["batch"]) for q in lines} == {
        (item.uri, item.etag, report.run_id, item.batch_seq)
    }
    assert lines[1]["record"] == "4,EU"
    assert get_bytes(world.clients.s3, world.config.table.quarantine + item.quarantine).count(b"\n") == 3
    holds(world, report, [1, 3, *range(10, 15)])


def test_one_bad_row_over_the_budget_fails_the_file_and_nothing_of_it_is_written(aws: str) -> None:
    world = with_budget(World.make(aws), rows=2)
    world.land("orders/a.csv", BAD)
    world.land("orders/b.csv", rows(10, 5))
    report = world.run()
    assert report.files_by_reason == {"new": 1, "too_many_bad_rows": 1}
    assert report.exit_code == 1
    error = next(f.error for f in report.files if f.status == "failed")
    assert "orders/a.csv, row 2, column 'id': 'x' is no bigint: write digits only (bad_value, line 3)" in error
    assert "The file has 3 bad rows; its source's error budget allows 2" in error
    assert quarantine(world) == []
    assert report.rows_parsed == 5
    holds(world, report, list(range(10, 15)))


@pytest.mark.parametrize(("percent", "written"), [(60, 2), (59.9, 0)])
def test_the_budget_in_percent_is_exact(aws: str, percent: float, written: int) -> None:
    world = with_budget(World.make(aws), percent=percent)
    world.land("orders/a.csv", BAD)
    assert world.run().rows_written == written


def test_a_large_file_that_is_refused_at_its_last_row_leaves_nothing(aws: str) -> None:
    world = with_budget(World.make(aws, settings=STREAMS), percent=0)
    world.land("orders/a.csv", rows(1, 50_000) + "x,EU,,\n")
    world.land("orders/b.csv", rows(100_001, 5))
    report = world.run()
    assert report.files_by_reason == {"new": 1, "too_many_bad_rows": 1}
    holds(world, report, list(range(100_001, 100_006)))


def test_large_files_have_objects_of_their_own_and_are_replaced_like_others(aws: str) -> None:
    world = World.make(aws, settings=attrs.evolve(STREAMS, target_object_bytes=1_000_000))
    world.land("orders/a.csv", rows(1, 60_000))
    world.land("orders/b.csv", rows(100_000, 3))
    world.land("orders/c.csv", rows(200_000, 60_000, "US"))
    report = world.run()
    items = world.ledger.get_files([world.uri(f"orders/{n}.csv") for n in "abc"])
    outputs = [set(items[world.uri(f"orders/{n}.csv")].outputs) for n in "abc"]
    assert sum(map(len, outputs)) == len(set().union(*outputs)) == len(world.objects())
    assert len(outputs[0]) > 1
    holds(world, report, [*range(1, 60_001), *range(100_000, 100_003), *range(200_000, 260_000)])
    world.land("orders/a.csv", rows(300_000, 2))
    report = world.run()
    assert report.rows_dropped == 60_000
    holds(world, report, [*range(300_000, 300_002), *range(100_000, 100_003), *range(200_000, 260_000)])


def test_a_large_file_that_changes_while_it_is_read_is_taken_as_it_is_now(
    aws: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "_PIECE_BYTES", 300_000)
    world = World.make(aws, settings=STREAMS)
    world.land("orders/a.csv", rows(1, 60_000))
    make_fetch, changes = kernel.make_fetch, iter([lambda: world.land("orders/a.csv", rows(7, 1))])

    def changing(clients: Any) -> fetch.Fetch:
        inner = make_fetch(clients)

        def read(uri: str, etag: str, start: int, length: int) -> bytes:
            if start > 600_000:
                next(changes, lambda: None)()
            return inner(uri, etag, start, length)

        return read

    monkeypatch.setattr(kernel, "make_fetch", changing)
    report = world.run()
    assert report.exit_code == 0
    holds(world, report, [7])


def test_bad_rows_are_seen_only_once_the_batch_is_committed(
    aws: str, at_step: Callable[[Step, Callable[[], None]], None]
) -> None:
    world = with_budget(World.make(aws), rows=3)
    world.land("orders/a.csv", BAD)
    at_step(Step.UPLOADED, crash)
    die(world)
    assert quarantine(world) == []
    assert len(world.pending()) == 2
    wait_for_leases()
    at_step(Step.COMMITTED, crash)
    die(world)
    assert quarantine(world) == []
    wait_for_leases()
    report = world.run()
    assert report.rows_quarantined == 3
    assert [q["row"] for q in quarantine(world)] == [2, 4, 5]
    assert world.ids() == [1, 3]


def lossy(chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    for chunk in chunks:
        yield attrs.evolve(chunk, table=chunk.table.slice(1))


def test_a_record_that_the_parse_loses_is_not_committed(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World.make(aws)
    world.land("orders/a.csv", rows(1, 5))
    read_file = kernel.read_file
    monkeypatch.setattr(kernel, "read_file", lambda *args: lossy(read_file(*args)))
    report = world.run()
    assert report.outcome == "counts_differ"
    assert "5 records counted from row 1 on, 4 read and 0 bad" in report.error
    assert (world.objects(), world.pending()) == ([], [])


def test_a_row_that_the_writer_loses_is_not_committed(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World.make(aws)
    world.land("orders/a.csv", rows(1, 5))
    append = TableWriter.append
    monkeypatch.setattr(TableWriter, "append", lambda self, uri, table, stamp: append(self, uri, table.slice(1), stamp))
    report = world.run()
    assert report.outcome == "counts_differ"
    assert "4 rows written of" in report.error
    assert (world.objects(), world.pending()) == ([], [])


@pytest.mark.parametrize(
    ("function", "counts", "ids"),
    [
        ("only_even", (10, 5, 0, 5, 0), [2, 4, 6, 8, 10]),
        ("twice_and_reversed", (10, 20, 0, 0, 10), sorted([*range(1, 11)] * 2)),
        ("even_ones_twice", (10, 10, 0, 5, 5), sorted([2, 4, 6, 8, 10] * 2)),
    ],
)
def test_counts_stay_exact_when_a_transform_filters_and_explodes(
    aws: str, function: str, counts: tuple[int, ...], ids: list[int]
) -> None:
    world = World.make(aws, transform=f"user_functions:{function}")
    world.land("orders/a.csv", rows(1, 10))
    report = world.run()
    names = ("rows_parsed", "rows_written", "rows_quarantined", "rows_filtered", "rows_added")
    assert tuple(getattr(report, n) for n in names) == counts
    item = world.ledger.get_files([world.uri("orders/a.csv")])[world.uri("orders/a.csv")]
    assert (item.rows_parsed, item.rows_ingested, item.rows_filtered, item.rows_added) == (*counts[:2], *counts[3:])
    assert {row["_source_row"] for row in world.table()} == set(ids)
    holds(world, report, ids)


def test_a_transform_that_fails_fails_its_file_with_its_traceback(aws: str) -> None:
    world = World.make(aws, transform="user_functions:broken")
    world.land("orders/a.csv", rows(1, 10))
    report = world.run()
    assert report.files_by_reason == {"transform_failed": 1}
    assert "no such customer" in render_text(report)
    assert "user_functions.py" in render_text(report)


def test_a_record_that_an_expectation_keeps_out_is_kept_out_whole(aws: str) -> None:
    checks = (
        expectations.between("id", 1, 8, severity="quarantine"),
        expectations.row_count(1, 5, severity="warn"),
        expectations.function("user_functions:short_note", severity="quarantine", name="short"),
    )
    spec = attrs.evolve(spec_of(Sales), expectations=checks)
    world = with_budget(World.make(aws, spec=spec, transform="user_functions:twice_and_reversed"), rows=2)
    world.land("orders/a.csv", rows(1, 10))
    report = world.run()
    assert (report.rows_parsed, report.rows_written, report.rows_quarantined, report.rows_added) == (10, 16, 2, 8)
    assert [(q["row"], q["reason"], q["column"]) for q in quarantine(world)] == [
        (9, "expectation_failed", "id"),
        (10, "expectation_failed", "id"),
    ]
    item = world.ledger.get_files([world.uri("orders/a.csv")])[world.uri("orders/a.csv")]
    assert set(item.expectations) == {"between_id", "row_count", "short"}
    assert item.expectations["short"] != "met"
    assert "expectation 'row_count' is not met: " in render_text(report)
    holds(world, report, sorted([*range(1, 9)] * 2))


def test_an_expectation_that_fails_the_file_is_named(aws: str) -> None:
    spec = attrs.evolve(spec_of(Sales), expectations=(expectations.unique("region"),))
    world = World.make(aws, spec=spec)
    world.land("orders/a.csv", rows(1, 2))
    world.land("orders/b.csv", rows(3, 1))
    report = world.run()
    assert report.files_by_reason == {"expectation_failed": 1, "new": 1}
    assert "unique_region" in report.error
    holds(world, report, [3])


@contract(partition_by=(bucket(5000, "id"),))
class Spread:
    id: int


def test_a_file_of_too_many_partitions_fails_and_the_others_do_not(aws: str) -> None:
    world = World.make(aws, spec=spec_of(Spread), settings=attrs.evolve(QUICK, max_partitions=20))
    world.land("orders/a.csv", "id\n" + "".join(f"{n}\n" for n in range(100)))
    world.land("orders/b.csv", "id\n1\n")
    report = world.run()
    assert report.files_by_reason == {"new": 1, "too_many_partitions": 1}
    assert "settings.max_partitions is 20" in report.error
    holds(world, report, [1])


def test_a_batch_of_too_many_partitions_is_cut_and_says_so(aws: str) -> None:
    world = World.make(aws, spec=spec_of(Spread), settings=attrs.evolve(QUICK, max_partitions=20))
    for first in range(0, 30, 10):
        world.land(f"orders/{first}.csv", "id\n" + "".join(f"{n}\n" for n in range(first, first + 10)))
    report = world.run()
    assert (report.outcome, report.rows_written) == ("completed", 30), render_text(report)
    assert [b.outcome for b in report.batches] == ["split", "completed", "completed", "completed"]
    assert "lower settings.batch_max_files" in report.batches[0].error
    assert world.pending() == []


def test_alurs_own_columns_can_be_left_out(aws: str) -> None:
    world = World.make(aws, metadata_columns=("_source_file",))
    world.land("orders/a.csv", rows(1, 3))
    report = world.run()
    assert set(world.table()[0]) == {"id", "region", "note", "at", "_source_file"}
    world.land("orders/a.csv", rows(5, 1))
    assert world.run().rows_dropped == 3
    holds(world, report, [5])


def test_files_that_are_left_out_are_said_to_be(aws: str) -> None:
    world = World.make(aws)
    for key in ("orders/_SUCCESS.csv", "archive/.hidden/a.csv", "archive/_tmp/x.csv", "archive/folder/"):
        world.land(key, "" if key.endswith("/") else rows(1, 1))
    world.land("orders/note.txt", "x")
    report = world.run()
    assert report.passed_over == {"directory_marker": 1, "hidden_name": 3, "not_matched": 1}
    skipped = {f.uri: (f.status, f.reason) for f in report.files}
    assert skipped == {
        world.uri("orders/_SUCCESS.csv"): ("skipped", "hidden_name"),
        world.uri("archive/.hidden/a.csv"): ("skipped", "hidden_name"),
        world.uri("archive/_tmp/x.csv"): ("skipped", "hidden_name"),
        world.uri("archive/folder/"): ("skipped", "directory_marker"),
    }
    assert world.objects() == []
    sources = tuple(attrs.evolve(s, hidden=True) for s in world.config.sources)
    assert world.run(sources=sources).rows_written == 3
