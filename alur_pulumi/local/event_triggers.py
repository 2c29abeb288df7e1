"""Files that land start Glue jobs: what rules send to a workflow is gathered as Glue's event triggers gather it."""

import threading
from collections.abc import Callable
from typing import Any, Protocol

import attrs
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.glue.models import glue_backends

_LONGEST_WINDOW = 900
_Key = tuple[str, str]


class Timer(Protocol):
    """What `threading.Timer` is to us."""

    def start(self) -> None:
        """Begin to wait."""

    def cancel(self) -> None:
        """Wait no more."""


def _timer(seconds: float, function: Callable[[], None]) -> Timer:
    timer = threading.Timer(seconds, function)
    timer.daemon = True
    return timer


@attrs.define
class _Batch:
    events: int
    window: Timer


class EventTriggers:
    """The triggers of type EVENT: each fires when it has enough events, or when its window is over.

    The window begins with the first event. No trigger fires without one.
    """

    def __init__(
        self, fire: Callable[[str, Any], None], timer: Callable[[float, Callable[[], None]], Timer] = _timer
    ) -> None:
        """Make it.

        Args:
            fire: Told the region and moto's trigger; called by a thread of its own.
            timer: Makes a timer of seconds and a function.
        """
        self._fire = fire
        self._timer = timer
        self._lock = threading.Lock()
        self._batches: dict[_Key, _Batch] = {}

    def notify(self, region: str, workflow: str) -> None:
        """Take an event that a rule sent to a workflow."""
        for trigger in list(glue_backends[DEFAULT_ACCOUNT_ID][region].triggers.values()):
            if trigger.trigger_type == "EVENT" and trigger.workflow_name == workflow:
                self._take(region, trigger)

    def close(self) -> None:
        """Forget what was gathered."""
        with self._lock:
            for batch in self._batches.values():
                batch.window.cancel()
            self._batches.clear()

    def _take(self, region: str, trigger: Any) -> None:
        condition = trigger.event_batching_condition or {}
        key = (region, trigger.name)
        with self._lock:
            batch = self._batches.get(key)
            if batch is None:
                batch = _Batch(0, self._timer(condition.get("BatchWindow", _LONGEST_WINDOW), lambda: self._end(key)))
                self._batches[key] = batch
                batch.window.start()
            batch.events += 1
            full = batch.events >= condition.get("BatchSize", 1)
            if full:
                del self._batches[key]
                batch.window.cancel()
        if full:
            # by a thread of its own: who brings the event may hold what a job's start waits for
            self._timer(0, lambda: self._start(key)).start()

    def _end(self, key: _Key) -> None:
        with self._lock:
            gathered = self._batches.pop(key, None)
        if gathered is not None:
            self._start(key)

    def _start(self, key: _Key) -> None:
        region, name = key
        trigger = glue_backends[DEFAULT_ACCOUNT_ID][region].triggers.get(name)
        if trigger is not None:
            self._fire(region, trigger)
