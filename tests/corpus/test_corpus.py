"""Every case of the corpus through the real run: files held in memory, and files that stream in small blocks."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator

import attrs
import pytest

from alur_pulumi.local.emulator import Emulator
from alur_runtime.config import Settings
from alur_runtime.formats import csv_blocks, jsonl
from tests.corpus.cases import CASES
from tests.corpus.driver import run_corpus
from tests.runtime import world
from tests.runtime.cloud_in_memory import worlds_in_memory
from tests.runtime.world import QUICK


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with Emulator.start() as emulator, pytest.MonkeyPatch.context() as patch:
        for name in [n for n in os.environ if n.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in emulator.environment().items():
            patch.setenv(name, value)
        yield emulator.endpoint


def check(place: Callable[[], str], settings: Settings) -> None:
    results = run_corpus(place, CASES, settings)
    wrong = {r.case.name: r.problems for r in results if r.problems}
    assert not wrong, "\n".join(f"{name}: {problem}" for name, problems in wrong.items() for problem in problems)


@pytest.mark.timeout(0)
def test_every_case_has_its_outcome(endpoint: str) -> None:
    check(lambda: endpoint, QUICK)


@pytest.mark.timeout(0)
@pytest.mark.parametrize("block_bytes", [11, 1 << 20], ids=["small blocks", "large blocks"])
def test_every_case_has_its_outcome_when_files_stream(monkeypatch: pytest.MonkeyPatch, block_bytes: int) -> None:
    """Each file into objects of its own, as large files are; on the simulated AWS, since these are many."""
    for module in (csv_blocks, jsonl):
        monkeypatch.setattr(module, "BLOCK_BYTES", block_bytes)
    check(worlds_in_memory(monkeypatch, world), attrs.evolve(QUICK, stream_bytes=1))


def test_the_cases_are_enough_and_differ() -> None:
    assert len(CASES) >= 80
    assert [name for name, count in Counter(case.name for case in CASES).items() if count > 1] == []
    assert {"completed", "failed", "skipped"} == {
        "failed" if case.failed else "skipped" if case.skipped else "completed" for case in CASES
    }
