"""Random contracts, rows and files through real runs, read back by DuckDB; damaged files, every row accounted for.

CI runs 400 files. ``ALUR_EXAMPLES=8 pytest tests/runtime/test_round_trip.py`` runs 20,000 (eight times as many rounds,
of more files each) on the simulated AWS, which needs no server, and with another ``ALUR_SEED`` other ones.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import attrs
import pytest
import world
from hypothesis import strategies as st
from world import QUICK, World

from alur_runtime.config import SourceConfig
from alur_runtime.contracts.options import ErrorBudget
from alur_runtime.contracts.spec import ContractSpec
from alur_runtime.formats import csv_blocks, jsonl
from tests.corpus.read_back import plain, read_quarantine, read_table, same
from tests.runtime import landed_files as files
from tests.runtime.cloud_in_memory import worlds_in_memory
from tests.runtime.formats.csv_files import dialects as csv_dialects
from tests.runtime.formats.csv_files import examples

ROUNDS = examples(2)
MANY = examples(1) > 1
FILES = 250 if MANY else 40  # of a round: they share a contract, a run and output objects
DIALECTS = 6  # of a round's CSV files: each has a source of its own, which costs a listing
SEED = int(os.environ.get("ALUR_SEED", "0"))
Strategies = list[Any]


@pytest.fixture
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Where the next world is: on the embedded AWS, or, for many files, on a simulated one of its own."""
    if MANY:
        return worlds_in_memory(monkeypatch, world)
    endpoint: str = request.getfixturevalue("aws")
    return lambda: endpoint


def run_files(place: Callable[[], str], contract: ContractSpec, landed: list[files.Landed], number: int) -> None:
    """Land the files, with a source for each way in which they are written, run once, and compare all that is left."""
    streaming = attrs.evolve(QUICK, stream_bytes=1)
    there = World.make(place(), contract, settings=streaming if number % 2 else QUICK)
    sources: dict[Any, SourceConfig] = {}
    uris = []
    for n, file in enumerate(landed):
        name = f"s{len(sources)}"
        source = SourceConfig(
            name=name, uri=f"s3://{there.landing}/{name}/", files=file.options, budget=ErrorBudget(percent=100)
        )
        key = f"{sources.setdefault(file.options, source).name}/{n:03}{file.suffix}"
        there.land(key, file.body)
        uris.append(there.uri(key))
    there.config = attrs.evolve(there.config, sources=tuple(sources.values()))
    report = there.run()
    assert report.outcome in ("completed", "files_failed"), report.error
    assert report.rows_parsed == report.rows_written + report.rows_quarantined
    items = {item.uri: item for item in there.ledger.files()}
    rows: dict[str, files.Rows] = defaultdict(dict)
    for row in read_table(there):
        uri, number = row["_source_file"], row["_source_row"]
        assert number not in rows[uri], f"row {number} is there twice"
        rows[uri][number] = {name: row[name] for name in row if not name.startswith("_") or name == "_rescued"}
    bad: dict[str, files.Faults] = defaultdict(dict)
    for record in read_quarantine(there):
        assert record["row"] not in bad[record["file"]]
        bad[record["file"]][record["row"]] = (record["reason"], record["column"])
    for uri, file in zip(uris, landed, strict=True):
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
    """A fault; of a record with bytes that are no text several are as true.

    An escape within a character of several bytes breaks it for who reads bytes, and its column with it; for who cuts
    the record first it is the whole record that is no text, or that cannot be cut.
    """
    return ("bad_encoding", None) if fault[0] == "bad_encoding" or fault == ("bad_record", None) else fault


def run_rounds(
    place: Callable[[], str], contracts: st.SearchStrategy[ContractSpec], first: int, kinds: Strategies
) -> None:
    """A run for each of some random contracts, over random files of these kinds."""
    for n, contract in enumerate(files.collect(contracts, ROUNDS, SEED + first)):
        number = (SEED + first) * 1000 + n
        dialects = st.sampled_from(files.collect(csv_dialects(), DIALECTS, number))
        strategy = st.one_of([kind(contract, dialects) for kind in kinds])
        run_files(place, contract, files.collect(strategy, FILES, number), number)


@pytest.mark.timeout(0)
@pytest.mark.parametrize("block_bytes", [7, 1 << 20], ids=["small blocks", "large blocks"])
def test_what_lands_is_read_back(place: Callable[[], str], monkeypatch: pytest.MonkeyPatch, block_bytes: int) -> None:
    for module in (csv_blocks, jsonl):
        monkeypatch.setattr(module, "BLOCK_BYTES", block_bytes)
    kinds = [files.right_csv, files.right_csv, files.right_jsonl, files.right_parquet]
    run_rounds(place, files.flat_contracts(), block_bytes, kinds)


@pytest.mark.timeout(0)
def test_nested_values_are_read_back(place: Callable[[], str]) -> None:
    run_rounds(place, files.nested_contracts(), 1, [files.right_jsonl, files.right_parquet])


@pytest.mark.timeout(0)
@pytest.mark.parametrize("block_bytes", [7, 1 << 20], ids=["small blocks", "large blocks"])
def test_every_row_of_damaged_files_is_accounted_for(
    place: Callable[[], str], monkeypatch: pytest.MonkeyPatch, block_bytes: int
) -> None:
    """As a strict reader that shares no code with the runtime reads them, or not at all."""
    for module in (csv_blocks, jsonl):
        monkeypatch.setattr(module, "BLOCK_BYTES", block_bytes)
    kinds = [files.damaged_csv, files.damaged_csv, files.damaged_csv, files.damaged_pack, files.damaged_parquet]
    run_rounds(place, files.flat_contracts(), block_bytes + 1, kinds)
