"""Every case of the corpus through the real run: files held in memory, and files that stream in small blocks."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

import attrs
import pytest

from alur_pulumi.local.emulator import Emulator
from tests.corpus.cases import CASES
from tests.corpus.driver import run_corpus
from tests.runtime.world import QUICK


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with Emulator.start() as emulator, pytest.MonkeyPatch.context() as patch:
        for name in [n for n in os.environ if n.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in emulator.environment().items():
            patch.setenv(name, value)
        yield emulator.endpoint


@pytest.mark.timeout(900)
@pytest.mark.parametrize("stream_bytes", [QUICK.stream_bytes, 1], ids=["held", "streamed"])
def test_every_case_has_its_outcome(endpoint: str, stream_bytes: int) -> None:
    results = run_corpus(endpoint, CASES, attrs.evolve(QUICK, stream_bytes=stream_bytes))
    wrong = {r.case.name: r.problems for r in results if r.problems}
    assert not wrong, "\n".join(f"{name}: {problem}" for name, problems in wrong.items() for problem in problems)


def test_the_cases_are_enough_and_differ() -> None:
    assert len(CASES) >= 80
    assert [name for name, count in Counter(case.name for case in CASES).items() if count > 1] == []
    assert {"completed", "failed", "skipped"} == {
        "failed" if case.failed else "skipped" if case.skipped else "completed" for case in CASES
    }
