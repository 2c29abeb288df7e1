"""Which files are taken, how they are read, and what becomes of their rows."""

from __future__ import annotations

import bz2
import gzip
from typing import Any

import attrs
import pytest

from alur_runtime import ContractSpec, CsvOptions, ErrorBudget, Extras, contract, expect, spec_of
from alur_runtime.config import EngineChoice
from alur_runtime.engine.spark import SparkEngine
from alur_runtime.report import render_text
from tests.corpus.read_back import read_quarantine, read_table
from tests.regressions.faults import Faults
from tests.regressions.shared import MakeWorld, check, ids
from tests.runtime.world import QUICK, Sales, World, rows

IDS = [0, 1, 2, 3]


@contract()
class Prices:
    """Two columns that look alike."""

    id: int
    bought: int
    sold: int
    note: str | None


PRICES = spec_of(Prices)


def prices(world: World) -> list[tuple[Any, ...]]:
    """The rows of the table in the order of their ids."""
    return sorted(tuple(row[name] for name in ("id", "bought", "sold", "note")) for row in read_table(world))


# --- which files ------------------------------------------------------------------------------------------------------


def test_any_transform(make_world: MakeWorld) -> None:
    """One that leaves rows out, and so marks nothing that could be compared with what was read."""
    world = make_world(transform="user_functions:only_even")
    world.land("orders/a.csv", rows(0, 8))
    for number in range(3):
        report = world.run()
        assert (report.exit_code, report.rows_written) == (0, 0 if number else 4), render_text(report)
        assert ids(world) == [0, 2, 4, 6]


@pytest.mark.parametrize("inner_first", [False, True])
def test_overlapping_sources(make_world: MakeWorld, inner_first: bool) -> None:
    world = make_world()
    outer = world.config.sources[0]
    inner = attrs.evolve(outer, name="inner", uri=f"{outer.uri}eu/", pattern="**")
    outer = attrs.evolve(outer, pattern="**")
    world.config = attrs.evolve(world.config, sources=(inner, outer) if inner_first else (outer, inner))
    world.land("orders/eu/a.csv", rows(0, 4))
    check(world, IDS)
    assert {row["_source_system"] for row in read_table(world)} == {"inner" if inner_first else "orders"}


@pytest.mark.parametrize(("landed", "empty"), [("orders", "archive"), ("archive", "orders")])
def test_one_of_two_sources_empty(make_world: MakeWorld, landed: str, empty: str) -> None:
    world = make_world()
    report = world.run()
    assert (report.outcome, report.exit_code) == ("nothing_to_do", 0)
    world.land(f"{landed}/a.csv", rows(0, 4))
    check(world, IDS)
    world.land(f"{empty}/b.csv", rows(4, 1))
    check(world, [*IDS, 4])


@pytest.mark.parametrize("engine", list(EngineChoice))
def test_rerun_with_nothing_new(
    make_world: MakeWorld, faults: Faults, monkeypatch: pytest.MonkeyPatch, engine: EngineChoice
) -> None:
    world = make_world()
    world.land("orders/a.csv", rows(0, 4))
    world.run()
    before = world.objects()
    faults.clear()

    def no_spark(*_: object) -> Any:
        raise AssertionError("Spark was asked for")

    monkeypatch.setattr(SparkEngine, "run", no_spark)
    report = world.run(engine=engine)
    assert (report.outcome, report.exit_code, report.rows_written) == ("nothing_to_do", 0, 0)
    assert "engine" not in report.notes
    assert world.objects() == before
    written = [request["Key"] for operation, request in faults.log if operation == "PutObject"]
    assert [key.rpartition("/")[2] for key in written] == ["report.json"]
    assert faults.count("CreateMultipartUpload") == faults.count("BatchCreatePartition") == 0


def test_key_with_brackets_or_stars(aws: str) -> None:
    """On the embedded AWS: it is over HTTP that a key is escaped, and by which library it is read."""
    world = World.make(aws)
    sources = tuple(attrs.evolve(s, pattern="**") for s in world.config.sources)
    world.config = attrs.evolve(world.config, sources=sources)
    names = ["a[1].csv", "[2024]/a*.csv", "*.csv", "a?{b,c}.csv", "a b+c%20d.csv", "é/日本.csv"]
    for number, name in enumerate(names):
        world.land(f"orders/{name}", rows(number, 1))
    check(world, list(range(len(names))))
    for number, name in enumerate(names):
        world.land(f"orders/{name}", rows(number + 100, 1))
    check(world, list(range(100, 100 + len(names))))


# --- how they are read ------------------------------------------------------------------------------------------------


def test_row_counts(make_world: MakeWorld) -> None:
    """Of three files that share a batch, an object and a run."""
    world = make_world()
    counts = {"a.csv": 50, "b.csv": 30, "c.csv": 20}
    for name, count in counts.items():
        world.land(f"orders/{name}", rows(0, count))
    report = world.run()
    assert len(report.batches) == 1
    assert {item.uri.rpartition("/")[2]: item.rows_ingested for item in world.ledger.files()} == counts
    assert {file.uri.rpartition("/")[2]: file.rows_written for file in report.files} == counts
    found = [row["_source_file"].rpartition("/")[2] for row in read_table(world)]
    assert {name: found.count(name) for name in found} == counts


def test_columns_in_another_order(make_world: MakeWorld) -> None:
    world = make_world(PRICES)
    world.land("orders/a.csv", "id,bought,sold,note\n1,10,20,a\n")
    world.land("orders/b.csv", "sold,note,id,bought\n21,b,2,11\n")
    assert world.run().exit_code == 0
    assert prices(world) == [(1, 10, 20, "a"), (2, 11, 21, "b")]


def test_an_extra_column_in_the_middle(make_world: MakeWorld) -> None:
    world = make_world(PRICES)
    world.land("orders/a.csv", "id,bought,fee,sold,note\n1,10,5,20,a\n")
    assert world.run().exit_code == 0
    assert prices(world) == [(1, 10, 20, "a")]


def test_strict_mode_rejects_extras(make_world: MakeWorld) -> None:
    world = make_world(attrs.evolve(PRICES, extras=Extras.REJECT))
    world.land("orders/a.csv", "id,bought,fee,sold,note\n1,10,5,20,a\n")
    report = world.run()
    assert (report.exit_code, report.files_by_reason) == (1, {"header_mismatch": 1})
    assert "fee" in report.error
    assert world.objects() == []


# --- what becomes of their rows ---------------------------------------------------------------------------------------


def quarantined(make_world: MakeWorld, line: str) -> tuple[World, dict[str, Any]]:
    """A file of a good row and a bad one, from a source that allows one bad row; the row in quarantine."""
    world = make_world(PRICES)
    tolerant = tuple(attrs.evolve(s, budget=ErrorBudget(rows=1)) for s in world.config.sources)
    world.config = attrs.evolve(world.config, sources=tolerant)
    world.land("orders/a.csv", f"id,bought,sold,note\n1,10,20,a\n{line}\n")
    report = world.run()
    assert (report.exit_code, report.rows_parsed, report.rows_written, report.rows_quarantined) == (0, 2, 1, 1)
    assert prices(world) == [(1, 10, 20, "a")]
    (found,) = read_quarantine(world)
    return world, found


def test_bad_value_in_a_typed_column(make_world: MakeWorld) -> None:
    world, found = quarantined(make_world, "2,many,20,b")
    assert (found["row"], found["column"], found["value"], found["reason"]) == (2, "bought", "many", "bad_value")
    assert found["file"] == world.uri("orders/a.csv")


def test_null_in_a_non_null_column(make_world: MakeWorld) -> None:
    _, found = quarantined(make_world, "2,,20,b")
    assert (found["row"], found["column"], found["reason"]) == (2, "bought", "null_value")


TEXT = "id,region,note,at\n1,EU,Zoë,2024-05-01 10:00:00\n"
WIDE = f"id,region,note,at,{','.join(f'column_{n:03}' for n in range(200))}\n1,EU,Zoë,2024-05-01 10:00:00{',' * 200}\n"


@pytest.mark.parametrize(
    ("options", "body"),
    [
        pytest.param(CsvOptions(separator=";"), TEXT.replace(",", ";").encode(), id="semicolon"),
        pytest.param(CsvOptions(), TEXT.encode("utf-8-sig"), id="BOM"),
        pytest.param(CsvOptions(), WIDE.encode(), id="header longer than 1 KB"),
        pytest.param(CsvOptions(encoding="latin-1"), TEXT.encode("latin-1"), id="latin-1"),
        pytest.param(CsvOptions(), gzip.compress(TEXT.encode()), id="gzip"),
        pytest.param(CsvOptions(), bz2.compress(TEXT.encode()), id="bz2"),
    ],
)
def test_dialects(make_world: MakeWorld, options: CsvOptions, body: bytes) -> None:
    world = make_world()
    sources = tuple(attrs.evolve(s, pattern="**", files=options) for s in world.config.sources)
    world.config = attrs.evolve(world.config, sources=sources)
    world.land("orders/a", body)
    assert world.run().exit_code == 0
    assert [(row["id"], row["region"], row["note"]) for row in read_table(world)] == [(1, "EU", "Zoë")]


def test_expectation_fails(make_world: MakeWorld) -> None:
    spec: ContractSpec = attrs.evolve(spec_of(Sales), expectations=(expect.between("id", 0, 99),))
    world = make_world(spec)
    world.land("orders/a.csv", rows(98, 4))
    report = world.run()
    assert (report.outcome, report.exit_code) == ("files_failed", 1)
    assert report.files_by_reason == {"expectation_failed": 1}
    assert world.objects() == []
    again = world.run()
    assert again.files_by_reason == {"failed_before": 1}
    assert world.objects() == []
    world.land("orders/a.csv", rows(0, 4))
    check(world, IDS)


# --- what it costs ----------------------------------------------------------------------------------------------------


def test_first_run_of_1000_files(make_world: MakeWorld, faults: Faults) -> None:
    """Calls beside the reads of the files themselves; `make calls` shows them by operation, on a server."""
    world = make_world(settings=attrs.evolve(QUICK, run_lease_seconds=600, planning_lease_seconds=600))
    for number in range(1000):
        world.land(f"orders/{number:04}.csv", rows(number * 2, 2))
    faults.clear()
    assert world.run().rows_written == 2000
    reads = sum(operation == "GetObject" and request["Bucket"] == world.landing for operation, request in faults.log)
    assert reads == 1000
    assert len(faults.log) - reads <= 40
    faults.clear()
    assert world.run().outcome == "nothing_to_do"
    assert len(faults.log) <= 15
    assert ids(world) == list(range(2000))
