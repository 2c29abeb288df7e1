"""A World on the simulated AWS, with faults; and, for what hangs on HTTP, the embedded one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.regressions.faults import Faults
from tests.runtime import world
from tests.runtime.cloud_in_memory import CloudInMemory, worlds_in_memory
from tests.runtime.conftest import aws, emulator
from tests.runtime.world import World

__all__ = ["aws", "emulator"]


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Faults:
    """What befalls the calls of all runs of a test."""
    found, send = Faults(), CloudInMemory._send

    def watched(cloud: CloudInMemory, service: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        return found.around(operation, request, lambda: send(cloud, service, operation, request))

    monkeypatch.setattr(CloudInMemory, "_send", watched)
    return found


@pytest.fixture
def make_world(monkeypatch: pytest.MonkeyPatch, faults: Faults) -> Callable[..., World]:
    """Makes a World on a simulated AWS of its own; its arguments are a contract's spec and changes of its job."""
    place = worlds_in_memory(monkeypatch, world)

    def make(*spec: Any, **changes: Any) -> World:
        made = World.make(place(), *spec, **changes)
        faults.clear()
        return made

    return make
