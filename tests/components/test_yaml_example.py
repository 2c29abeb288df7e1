"""examples/payments_yaml held against the provider's schema, and its values against the arguments' own checks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import alur_pulumi as alur
from alur_pulumi.provider.host import OFFERED, AlurProvider
from tests.components.monitor import register

PROGRAM = Path(__file__).resolve().parents[2] / "examples" / "payments_yaml" / "Pulumi.yaml"


def _resource() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(PROGRAM.read_text())["resources"]["payments"]
    return found


def _register(properties: dict[str, Any]) -> Any:
    provider = AlurProvider()
    return register(lambda: provider.construct("payments", "alur:index:Pipeline", properties))


def test_the_program_is_one_that_the_provider_takes() -> None:
    resource = _resource()
    assert resource["type"] == "alur:index:Pipeline"
    _only_known(resource["properties"])
    monitor = _register(resource["properties"])
    columns = monitor.one("CatalogTable").inputs["storageDescriptor"]["columns"]
    assert [column["name"] for column in columns][:4] == ["payment_id", "payer", "booked_on", "purpose"]
    assert monitor.one("Trigger").inputs["schedule"] == "cron(0 6 * * ? *)"


def test_what_cannot_be_is_refused_by_name() -> None:
    properties = _resource()["properties"]
    properties["contract"]["columns"][0]["type"] = "number"
    with pytest.raises(alur.ArgumentError, match="payment_id"):
        _register(properties)


def test_its_outputs_are_the_component_s() -> None:
    outputs = set(re.findall(r"\$\{payments\.(\w+)\}", PROGRAM.read_text()))
    assert outputs <= set(AlurProvider()._component_defs["Pipeline"].outputs)
    assert set(OFFERED) == {"Pipeline", "StateTable"}


def _only_known(given: dict[str, Any]) -> None:
    provider = AlurProvider()

    def look(value: Any, properties: Any, where: str) -> None:
        for name, inner in value.items():
            assert name in properties, f"{where}{name} is no property; there are {sorted(properties)}"
            found = properties[name].items or properties[name]
            for one in inner if isinstance(inner, list) else [inner]:
                if found.ref and isinstance(one, dict):
                    look(one, provider._type_defs[found.ref.rpartition(":")[2]].properties, f"{where}{name}.")

    look(given, provider._component_defs["Pipeline"].inputs, "")
