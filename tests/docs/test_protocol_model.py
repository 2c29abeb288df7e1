"""The model of the commit protocol: it holds, and without any one of its fences it does not."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

_PATH = Path(__file__).resolve().parents[2] / "docs" / "protocol_model.py"


def _load() -> Any:
    spec = importlib.util.spec_from_file_location("protocol_model", _PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["protocol_model"] = module  # attrs looks annotations up there
    spec.loader.exec_module(module)
    return module


model = _load()


def test_it_holds_in_every_state_with_all_fences() -> None:
    result = model.explore(model.Protocol())
    assert result.violation is None
    assert result.states > 5_000


def test_it_holds_with_three_versions_and_two_crashes_of_one_run() -> None:
    assert model.explore(model.Protocol(runs=1, crashes=2, history="ABCA")).violation is None


@pytest.mark.parametrize("fence", list(model.Fence), ids=lambda fence: fence.name.lower())
def test_it_fails_without_a_fence(fence: Any) -> None:
    result = model.explore(model.Protocol(frozenset({fence})))
    assert result.violation is not None
    assert result.trace
