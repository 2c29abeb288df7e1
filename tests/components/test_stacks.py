"""The stack files set nothing that the program does not read, and the local one lets everything go."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.components.programs import ROOT

_PROJECT = yaml.safe_load(Path(ROOT, "Pulumi.yaml").read_text())
_STACKS = sorted(Path(ROOT, _PROJECT["stackConfigDir"]).glob("Pulumi.*.yaml"))


def _settings(path: Path) -> dict[str, Any]:
    settings: dict[str, Any] = yaml.safe_load(path.read_text())["config"]
    own = f"{_PROJECT['name']}:"
    return {key.removeprefix(own): value for key, value in settings.items() if key.startswith(own)}


@pytest.mark.parametrize("path", _STACKS, ids=lambda path: path.name)
def test_every_setting_is_read(path: Path) -> None:
    program = Path(ROOT, _PROJECT["main"], "__main__.py").read_text()
    read = set(re.findall(r"config\.get(?:_bool)?\(\s*\"(\w+)\"", program))
    assert set(_settings(path)) <= read


def test_there_is_a_stack_for_each_environment() -> None:
    assert [path.name for path in _STACKS] == ["Pulumi.dev.yaml", "Pulumi.local.yaml", "Pulumi.prod.yaml"]


def test_only_production_keeps_what_it_has() -> None:
    found = {path.name: _settings(path) for path in _STACKS}
    assert {name: s["onDestroy"] for name, s in found.items()} == {
        "Pulumi.dev.yaml": "delete",
        "Pulumi.local.yaml": "delete",
        "Pulumi.prod.yaml": "retain",
    }
