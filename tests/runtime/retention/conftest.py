"""A table whose days pass as the test likes, and what befalls its calls."""

from __future__ import annotations

import pytest

from tests.regressions.conftest import faults
from tests.regressions.faults import Faults
from tests.runtime.retention.days import Days

__all__ = ["faults"]


@pytest.fixture
def days(monkeypatch: pytest.MonkeyPatch, faults: Faults) -> Days:
    """A new table."""
    made = Days.make(monkeypatch)
    faults.clear()
    return made
