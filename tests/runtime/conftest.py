"""One embedded AWS for the runtime's tests; each test has buckets and tables of its own on it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from alur_pulumi.local.emulator import Emulator


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
