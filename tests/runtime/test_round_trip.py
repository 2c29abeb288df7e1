"""Random contracts, rows and files through real runs, read back by DuckDB; damaged files, every row accounted for.

CI runs some hundred files. ``ALUR_EXAMPLES=80 pytest tests/runtime/test_round_trip.py`` runs eighty times as many, and
another ``ALUR_SEED`` other ones.
"""

from __future__ import annotations

import os
from collections import defaultdict
from typing import Any

import attrs
import pytest
from hypothesis import strategies as st
from world import QUICK, World

from alur_runtime.config import SourceConfig
from alur_runtime.contract import ContractSpec
from alur_runtime.formats import csv_blocks
from alur_runtime.options import ErrorBudget
from tests.corpus.read_back import plain, read_quarantine, read_table, same
from tests.runtime import landed_files as files
from tests.runtime.formats.csv_files import examples

ROUNDS = examples(4)
FILES = 30  # of a round: they share a contract, a run and output objects
SEED = int(os.environ.get("ALUR_SEED", "0"))
Strategies = list[Any]


def run_files(aws: str, contract: ContractSpec, landed: list[files.Landed], number: int) -> None:
    """Land the files, each with a source of its own, run once, and compare all that is left."""
    streaming = number % 2 == 1
    world = World.make(aws, contract, settings=attrs.evolve(QUICK, stream_bytes=1 if streaming else QUICK.stream_bytes))
    sources = tuple(
        SourceConfig(
            name=f"s{n}",
            uri=f"s3://{world.landing}/{n:03}/",
            files=file.options,
            budget=ErrorBudget(percent=100),
        )
        for n, file in enumerate(landed)
    )
    world.config = attrs.evolve(world.config, sources=sources)
    for n, file in enumerate(landed):
        world.land(f"{n:03}/file{file.suffix}", file.body)
    report = world.run()
    assert report.outcome in ("completed", "files_failed"), report.error
    assert report.rows_parsed == report.rows_written + report.rows_quarantined
    items = {item.uri: item for item in world.ledger.files()}
    rows: dict[str, files.Rows] = defaultdict(dict)
    for row in read_table(world):
        uri, number = row["_source_file"], row["_source_row"]
        assert number not in rows[uri], f"row {number} is there twice"
        rows[uri][number] = {name: row[name] for name in row if not name.startswith("_") or name == "_rescued"}
    bad: dict[str, files.Faults] = defaultdict(dict)
    for record in read_quarantine(world):
        assert record["row"] not in bad[record["file"]]
        bad[record["file"]][record["row"]] = (record["reason"], record["column"])
    for n, file in enumerate(landed):
        uri = world.uri(f"{n:03}/file{file.suffix}")
        problem = compare(file, items[uri], rows[uri], bad[uri])
        assert not problem, f"{problem}\n{contract}\n{file}\n{items[uri].error}"
    assert set(rows) | set(bad) <= set(items)


def compare(file: files.Landed, item: Any, rows: files.Rows, bad: files.Faults) -> str:
    """What is wrong with what a run left of a file, or nothing."""
    if item.status.value == "failed":
        if file.rows is not None and not file.may_fail:
            return f"failed: {item.reason}"
        left = (rows, bad, item.rows_parsed, item.rows_ingested, item.rows_quarantined)
        return "" if left == ({}, {}, 0, 0, 0) else f"failed, and left {left}"
    if file.rows is None:
        return "completed, and must fail"
    counts = (item.rows_parsed, item.rows_ingested, item.rows_quarantined)
    if counts != (len(file.rows) + len(file.bad), len(file.rows), len(file.bad)):
        return f"counts {counts}"
    if {n: alike(fault) for n, fault in bad.items()} != {n: alike(fault) for n, fault in file.bad.items()}:
        return f"quarantine {bad}, not {file.bad}"
    if rows.keys() != file.rows.keys():
        return f"rows {sorted(rows)}, not {sorted(file.rows)}"
    for number, expected in file.rows.items():
        found = files.comparable({name: rows[number][name] for name in expected})
        if not same(plain(expected), found):
            return f"row {number} is {found}, not {expected}"
    return ""


def alike(fault: tuple[str, str | None]) -> tuple[str, str | None]:
    """A fault; a record that cannot be cut into fields and holds bytes that are no text has two that are as true."""
    return ("bad_record", None) if fault == ("bad_encoding", None) else fault


def batches(contract: st.SearchStrategy[ContractSpec], *kinds: Any) -> list[tuple[int, ContractSpec, Any]]:
    """Contracts by number, each with a strategy of its files."""
    found = files.collect(contract, ROUNDS, SEED)
    return [(n, spec, st.one_of([kind(spec) for kind in kinds])) for n, spec in enumerate(found, SEED * 100_000)]


@pytest.mark.timeout(0)
@pytest.mark.parametrize("block_bytes", [7, 1 << 20], ids=["small blocks", "large blocks"])
def test_what_lands_is_read_back(aws: str, monkeypatch: pytest.MonkeyPatch, block_bytes: int) -> None:
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", block_bytes)
    kinds = (files.right_csv, files.right_csv, files.right_jsonl, files.right_parquet)
    for number, contract, strategy in batches(files.flat_contracts(), *kinds):
        run_files(aws, contract, files.collect(strategy, FILES, number + block_bytes), number)


@pytest.mark.timeout(0)
def test_nested_values_are_read_back(aws: str) -> None:
    for number, contract, strategy in batches(files.nested_contracts(), files.right_jsonl, files.right_parquet):
        run_files(aws, contract, files.collect(strategy, FILES, number), number)


@pytest.mark.timeout(0)
@pytest.mark.parametrize("block_bytes", [7, 1 << 20], ids=["small blocks", "large blocks"])
def test_every_row_of_damaged_files_is_accounted_for(
    aws: str, monkeypatch: pytest.MonkeyPatch, block_bytes: int
) -> None:
    """As a strict reader that shares no code with the runtime reads them, or not at all."""
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", block_bytes)
    kinds = (files.damaged_csv, files.damaged_csv, files.damaged_csv, files.damaged_pack, files.damaged_parquet)
    for number, contract, strategy in batches(files.flat_contracts(), *kinds):
        run_files(aws, contract, files.collect(strategy, FILES, number + block_bytes), number)
