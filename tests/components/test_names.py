"""What components may be called: whatever AWS takes for everything that is called after them."""

from __future__ import annotations

from typing import Any, Final

import pytest

import alur_pulumi as alur
from tests.components.monitor import register
from tests.components.programs import OrderLines

RANDOM: Final = 8
"""Pulumi adds a hyphen and seven characters."""
LONGEST: Final = {
    "Bucket": 63,
    "EventRule": 64,
    "EventTarget": 64,
    "Policy": 128,
    "Queue": 80,
    "Role": 64,
    "Schedule": 64,
    "Table": 255,
    "Topic": 256,
}
"""Characters in the name of a resource, by AWS's documentation of each service; 255 where it is not here."""
SOURCES: Final = [alur.Source(name="shop", prefix="in/")]


def _everything(name: str) -> Any:
    job = {
        "start_on_arrival": alur.StartOnArrival(),
        "schedule": "cron(0 6 * * ? *)",
        "schedule_timezone": "Asia/Tokyo",
    }
    return lambda: alur.Pipeline(name, alur.PipelineArgs(contract=OrderLines, sources=SOURCES, job=job))


@pytest.mark.parametrize("name", ["x", "Orders", "order_lines-2", "9" * 32])
def test_whatever_is_called_after_a_component_is_a_name_to_aws(name: str) -> None:
    made = [one for one in register(_everything(name)).registered if one.custom]
    assert {one.type.rpartition(":")[2] for one in made} >= LONGEST.keys()
    for one in made:
        kind = one.type.rpartition(":")[2]
        assert len(one.name) + RANDOM <= LONGEST.get(kind, 255), one
        if kind == "Bucket":
            assert "_" not in one.name


@pytest.mark.parametrize("name", ["", "orders of shop", "_orders", "-orders", "orders.eu", "größe", "x" * 39])
def test_a_name_that_aws_takes_not_is_refused_before_anything_is_registered(name: str) -> None:
    state = alur.StateTableArgs()
    components = {
        "StateTable": lambda: alur.StateTable(name, state),
        "BronzeTable": lambda: alur.BronzeTable(name, alur.BronzeTableArgs(contract=OrderLines)),
        "Pipeline": _everything(name),
        "IngestionJob": lambda: alur.IngestionJob(
            name,
            alur.IngestionJobArgs(
                table=alur.BronzeTable("table", alur.BronzeTableArgs(contract=OrderLines)),
                state=alur.StateTable("state", state),
                sources=SOURCES,
            ),
        ),
    }
    for kind, make in components.items():
        with pytest.raises(alur.ArgumentError, match="use letters, digits, - and _") as caught:
            register(make)
        assert str(caught.value).startswith(f"{kind} {name!r}: name is {name!r}")


def test_a_pipeline_leaves_room_for_the_names_of_its_parts() -> None:
    with pytest.raises(alur.ArgumentError, match="32 at most"):
        register(_everything("x" * 33))
