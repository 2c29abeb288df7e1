"""One AWS for all tests of a module: starting it takes longer than what most of them do."""

from collections.abc import Iterator

import pytest

from alur_pulumi.local.emulator import Emulator


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator.start(work_dir=tmp_path_factory.mktemp("aws")) as running:
        yield running
