"""One embedded AWS for the runtime's tests; each test has buckets and tables of its own on it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alur_pulumi.local.emulator import Emulator
from alur_runtime import steps
from alur_runtime.kernel import work as kernel
from alur_runtime.run import ingest
from alur_runtime.run import publish as commit
from alur_runtime.steps import Step


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    work_dir: Path = tmp_path_factory.mktemp("emulator")
    with Emulator.start(work_dir=work_dir) as started:
        yield started


@pytest.fixture
def aws(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> str:
    for name in [n for n in os.environ if n.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in emulator.environment().items():
        monkeypatch.setenv(name, value)
    return emulator.endpoint


@pytest.fixture
def at_step(monkeypatch: pytest.MonkeyPatch) -> Callable[[Step, Callable[[], None]], None]:
    """Do something once, right after a step was taken."""
    hooks: dict[Step, list[Callable[[], None]]] = {}

    def reached(step: Step, **data: Any) -> None:
        for hook in hooks.pop(step, []):
            hook()

    for module in (steps, ingest, commit, kernel):
        monkeypatch.setattr(module, "reached", reached)
    return lambda step, action: hooks.setdefault(step, []).append(action)
