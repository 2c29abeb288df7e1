from collections.abc import Iterator

import pytest

from alur_pulumi.local.core import ProviderCore
from alur_pulumi.local.emulator import Emulator
from alur_pulumi.local.resources.base import Aws


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """One for all tests of this folder: they keep apart by the names they use."""
    with Emulator.start(work_dir=tmp_path_factory.mktemp("aws")) as running:
        yield running


@pytest.fixture(scope="session")
def core(emulator: Emulator) -> ProviderCore:
    return ProviderCore(Aws(emulator.endpoint, emulator.region))
