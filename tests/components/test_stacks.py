"""The stack files set nothing that the program does not read, and the local one lets everything go."""

import re
import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi import runtime

from tests.components.monitor import register
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
    read = set(re.findall(r"config\.get(?:_bool|_int)?\(\s*\"(\w+)\"", program))
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


def test_production_starts_by_itself_and_sweeps_up() -> None:
    settings = {path.name: _settings(path) for path in _STACKS}
    assert settings["Pulumi.prod.yaml"]["startOnArrival"] is True
    assert {name for name, s in settings.items() if "schedule" in s} == {"Pulumi.prod.yaml"}


@pytest.mark.parametrize("path", _STACKS, ids=lambda path: path.name)
def test_each_stack_registers_with_its_own_settings(path: Path) -> None:
    config = {f"{_PROJECT['name']}:{key}": str(value) for key, value in _settings(path).items()}
    runtime.set_all_config(config)
    try:
        program = str(Path(ROOT, _PROJECT["main"], "__main__.py"))
        monitor = register(lambda: runpy.run_path(program, run_name="__main__"), project=_PROJECT["name"])
    finally:
        runtime.set_all_config({})
    assert monitor.one("Job").inputs["tags"] == {"project": "alur-orders", "environment": "dev"}
    is_watched = _settings(path)["alarms"]
    assert [bool(monitor.of(kind)) for kind in ("MetricAlarm", "Topic", "Dashboard")] == [is_watched] * 3
    assert len(monitor.of("Workflow")) == ("startOnArrival" in _settings(path))
    assert len(monitor.of("Schedule")) == ("scheduleTimezone" in _settings(path))


def test_who_is_named_hears_the_alarms() -> None:
    runtime.set_all_config({f"{_PROJECT['name']}:alarmEmail": "oncall@example.com"})
    try:
        program = str(Path(ROOT, _PROJECT["main"], "__main__.py"))
        monitor = register(lambda: runpy.run_path(program, run_name="__main__"), project=_PROJECT["name"])
    finally:
        runtime.set_all_config({})
    subscription = monitor.one("TopicSubscription").inputs
    assert (subscription["protocol"], subscription["endpoint"]) == ("email", "oncall@example.com")
    assert subscription["topic"] == monitor.one("TopicPolicy").inputs["arn"]
