"""Programs in YAML, of examples and docs, held against the provider's schema, and their values against the checks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi.errors import InputPropertyError

from alur_pulumi.provider.host import OFFERED, AlurProvider
from alur_pulumi.state_table import HASH_KEY, RANGE_KEY
from tests.components.monitor import register

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = (ROOT / "examples" / "payments_yaml" / "Pulumi.yaml").read_text()
_, _, _BLOCK = (ROOT / "docs" / "components.md").read_text().partition("```yaml\n")
SNIPPET, _, _ = _BLOCK.partition("```")
_REFERENCE = re.compile(r"\$\{(\w+)\.(\w+)\}")


def _resource() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(EXAMPLE)["resources"]["payments"]
    return found


LEDGER = "ledger-1a2b3c4"


def _register(properties: dict[str, Any], kind: str = "Pipeline") -> Any:
    provider = AlurProvider()
    keys = [{"name": name, "type": "S"} for name in (HASH_KEY, RANGE_KEY)]
    ledger = {"name": LEDGER, "hashKey": HASH_KEY, "rangeKey": RANGE_KEY, "attributes": keys}
    existing = {LEDGER: ledger}
    return register(lambda: provider.construct("payments", f"alur:index:{kind}", properties), existing=existing)


@pytest.mark.parametrize("program", [EXAMPLE, SNIPPET], ids=["example", "docs"])
def test_a_program_is_one_that_the_provider_takes(program: str) -> None:
    resources = yaml.safe_load(program)["resources"]
    kinds = {name: one["type"].removeprefix("alur:index:") for name, one in resources.items()}
    assert "Pipeline" in kinds.values()
    for name, output in _REFERENCE.findall(program):
        assert output in AlurProvider()._component_defs[kinds[name]].outputs
    # what another resource gives is not known before it is there
    for name, one in yaml.safe_load(_REFERENCE.sub(_stand_in, program))["resources"].items():
        if kinds[name] in OFFERED:
            assert _register(one.get("properties", {}), kinds[name]).registered


def _stand_in(reference: re.Match[str]) -> str:
    return "arn:aws:sns:eu-west-1:123456789012:t" if reference[2].endswith("Arn") else LEDGER


def test_the_example_has_what_it_says() -> None:
    monitor = _register(_resource()["properties"])
    columns = monitor.one("CatalogTable").inputs["storageDescriptor"]["columns"]
    assert [column["name"] for column in columns][:4] == ["payment_id", "payer", "booked_on", "purpose"]
    assert monitor.one("Trigger").inputs["schedule"] == "cron(0 6 * * ? *)"


def test_what_cannot_be_is_refused_by_name() -> None:
    properties = _resource()["properties"]
    properties["contract"]["columns"][0]["type"] = "number"
    with pytest.raises(InputPropertyError) as caught:
        _register(properties)
    assert caught.value.property_path == "contract"
    assert "payment_id" in caught.value.reason
