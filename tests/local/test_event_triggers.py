"""Events are gathered by triggers as Glue gathers them: by number, or until the window is over."""

from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.glue.models import glue_backends

from alur_pulumi.local.event_triggers import EventTriggers

REGION = "us-east-1"


@attrs.define
class Clock:
    """Timers that go off when they are told to."""

    timers: "list[Timer]" = attrs.field(factory=list)

    def __call__(self, seconds: float, function: Callable[[], None]) -> "Timer":
        timer = Timer(seconds, function)
        self.timers.append(timer)
        return timer

    def pass_(self, seconds: float) -> None:
        """Let go off what waits for so long at most."""
        for timer in self.timers:
            if timer.waiting and timer.seconds <= seconds:
                timer.waiting = False
                timer.function()


@attrs.define
class Timer:
    """One of them."""

    seconds: float
    function: Callable[[], None]
    waiting: bool = False

    def start(self) -> None:
        self.waiting = True

    def cancel(self) -> None:
        self.waiting = False


@pytest.fixture
def workflow() -> Iterator[str]:
    backend = glue_backends[DEFAULT_ACCOUNT_ID][REGION]
    options: dict[str, Any] = {"schedule": "", "predicate": None, "actions": [], "description": "", "tags": {}}
    condition = {"BatchSize": 3, "BatchWindow": 300}
    backend.create_trigger(
        name="files",
        workflow_name="flow",
        trigger_type="EVENT",
        start_on_creation=False,
        event_batching_condition=condition,
        **options,
    )
    yield "flow"
    del backend.triggers["files"]


@pytest.fixture
def fired() -> list[str]:
    return []


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def triggers(fired: list[str], clock: Clock) -> EventTriggers:
    return EventTriggers(lambda _, trigger: fired.append(trigger.name), clock)


def test_events_of_one_window_fire_once(triggers: EventTriggers, clock: Clock, fired: list[str], workflow: str) -> None:
    for _ in range(2):
        triggers.notify(REGION, workflow)
    clock.pass_(299)
    assert fired == []
    clock.pass_(300)
    assert fired == ["files"]
    clock.pass_(900)
    assert fired == ["files"]


def test_enough_events_fire_at_once_and_the_window_is_over(
    triggers: EventTriggers, clock: Clock, fired: list[str], workflow: str
) -> None:
    for _ in range(3):
        triggers.notify(REGION, workflow)
    clock.pass_(0)
    assert fired == ["files"]
    clock.pass_(300)
    assert fired == ["files"]


def test_a_burst_of_more_begins_a_window_of_its_own(
    triggers: EventTriggers, clock: Clock, fired: list[str], workflow: str
) -> None:
    for _ in range(5):
        triggers.notify(REGION, workflow)
    clock.pass_(0)
    assert fired == ["files"]
    clock.pass_(300)
    assert fired == ["files", "files"]


def test_other_workflows_and_a_closed_one_fire_nothing(
    triggers: EventTriggers, clock: Clock, fired: list[str], workflow: str
) -> None:
    triggers.notify(REGION, "another")
    triggers.notify(REGION, workflow)
    triggers.close()
    clock.pass_(300)
    assert fired == []
