"""Who goes next: every task is a thread that waits for its turn, and virtual time passes only between turns.

A discrete-event simulation: each task says when it wants to go on, and the earliest goes. Nothing else runs meanwhile,
so that a schedule is the same each time it is played.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from random import Random
from typing import Any, Final

import attrs

from tests.simulation.cloud.answers import Clock

NEVER: Final = float("inf")


class KilledError(BaseException):
    """The process is gone: no handler of the runtime may catch it, and nothing it does after that has an effect."""


def _held_lock() -> Any:
    lock = threading.Lock()
    lock.acquire()
    return lock


@attrs.define(eq=False)
class Process:
    """What dies and freezes as one: a run with its heartbeat.

    Attributes:
        name: Such as ``run1``.
        skew: How many seconds its clock is ahead.
        dead: Whether it was killed.
        frozen_until: It goes on only then.
        random: Its own, for names it makes up.
    """

    name: str
    skew: float
    random: Random
    dead: bool = False
    frozen_until: float = 0.0


@attrs.define(eq=False)
class Task:
    """A thread of a process; `wake` is when it wants to go on."""

    name: str
    process: Process
    random: Random
    wake: float
    number: int
    calls: int = 0
    ended: bool = False
    waits_for: object = None
    go: Any = attrs.field(factory=_held_lock)


@attrs.define(eq=False)
class Scheduler:
    """Plays tasks and events in the order of virtual time.

    Attributes:
        clock: The cloud's; this moves it on.
        seed: Of every task's randomness.
        current: The task whose turn it is.
    """

    clock: Clock
    seed: str
    current: Task | None = None
    broken: str = ""
    _tasks: list[Task] = attrs.field(factory=list)
    _events: list[tuple[float, int, Callable[[], None]]] = attrs.field(factory=list)
    _numbers: int = 0
    _back: Any = attrs.field(factory=_held_lock)

    # --- from outside ---------------------------------------------------------------------------------------------

    def process(self, name: str, skew: float = 0.0) -> Process:
        """A new process."""
        return Process(name, skew, Random(f"{self.seed}/{name}"))

    def start(self, process: Process, name: str, action: Callable[[], None], at: float) -> Task:
        """A new task of a process."""
        self._numbers += 1
        task = Task(name, process, Random(f"{self.seed}/{process.name}/{name}"), at, self._numbers)
        self._tasks.append(task)

        def body() -> None:
            task.go.acquire()
            try:
                if not process.dead:
                    action()
            except KilledError:
                pass
            except BaseException as error:  # noqa: BLE001  (a bug of the simulation's: told by whoever plays)
                self.broken = self.broken or f"{process.name}/{name}: {type(error).__name__}: {error}"
            task.ended = True
            for other in self._tasks:
                if other.waits_for is task:
                    self._wake(other)
            self._back.release()

        threading.Thread(target=body, name=name, daemon=True).start()
        return task

    def at(self, when: float, event: Callable[[], None]) -> None:
        """Something that happens by itself at a time."""
        self._numbers += 1
        self._events.append((when, self._numbers, event))

    def play(self) -> None:
        """Go on until no task is left. Events that no task is left to see happen too."""
        while True:
            task = min((t for t in self._tasks if not t.ended), key=_due, default=None)
            event = min(self._events, key=lambda e: e[:2], default=None)
            if event is not None and (task is None or event[0] <= _due(task)[0]):
                self._events.remove(event)
                self.clock.now = max(self.clock.now, event[0])
                event[2]()
            elif task is not None:
                self._turn(task)
            else:
                self._tasks.clear()
                return

    def _turn(self, task: Task) -> None:
        due, _ = _due(task)
        if due == NEVER:
            raise AssertionError(f"deadlock: {[t.name for t in self._tasks if not t.ended]}")
        self.clock.now = max(self.clock.now, due)
        self.current = task
        task.go.release()
        self._back.acquire()
        self.current = None

    # --- from within a task ---------------------------------------------------------------------------------------

    def this(self) -> Task:
        """The task whose turn it is."""
        assert self.current is not None
        return self.current

    def sleep(self, seconds: float) -> None:
        """Let others go on for so long."""
        self.wait(seconds, None)

    def wait(self, seconds: float, what: object) -> None:
        """Let others go on until something has happened, or for so long."""
        task = self.this()
        if task.process.dead:
            raise KilledError
        task.wake = self.clock.now + seconds
        task.waits_for = what
        self._back.release()
        task.go.acquire()
        task.waits_for = None
        if task.process.dead:
            raise KilledError

    def happened(self, what: object) -> None:
        """Wake those who wait for it."""
        for task in self._tasks:
            if task.waits_for is what and not task.ended:
                self._wake(task)

    def kill(self, process: Process) -> None:
        """End a process: each of its tasks finds itself dead at its next turn."""
        process.dead = True
        process.frozen_until = 0.0
        for task in self._tasks:
            if task.process is process and not task.ended:
                self._wake(task)

    def freeze(self, process: Process, seconds: float) -> None:
        """Let a process stand still, all of its threads."""
        process.frozen_until = max(process.frozen_until, self.clock.now + seconds)
        self.sleep(0.0)

    def _wake(self, task: Task) -> None:
        task.wake = min(task.wake, self.clock.now)


def _due(task: Task) -> tuple[float, int]:
    return max(task.wake, task.process.frozen_until), task.number
