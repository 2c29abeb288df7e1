"""What befalls the calls of a run on the simulated AWS: something happens, an error, or the end of the process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

import attrs

from tests.simulation.cloud.answers import client_error

HEARTBEAT: Final = "alur-heartbeat"
"""Name of the thread that shows that a run is alive."""

Calls = Callable[[str, dict[str, Any]], bool]
"""Operation and request: whether it is one of those that are meant."""


class Killed(BaseException):
    """The process is gone: no handler of the runtime may catch it, and nothing that comes after it happens."""


@attrs.define
class _Rule:
    calls: Calls
    action: Callable[[], None]
    after: bool
    left: int

    def is_due(self, operation: str, request: dict[str, Any]) -> bool:
        """Whether it is now; each call that is meant counts."""
        meant = self.calls(operation, request)
        self.left -= meant
        return meant and self.left == 0


@attrs.define
class Faults:
    """Rules for calls, and the log of those that were made.

    Attributes:
        log: Operations whose requests were sent, in order.
    """

    log: list[tuple[str, dict[str, Any]]] = attrs.field(factory=list)
    _rules: list[_Rule] = attrs.field(factory=list)
    _dead: bool = False
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    def when(self, calls: Calls | str, action: Callable[[], None], *, nth: int = 1, after: bool = False) -> None:
        """Let something happen once.

        Args:
            calls: At which calls; an operation's name means all of its calls.
            action: What happens; what it raises, the caller gets.
            nth: At which of them.
            after: Whether the call takes effect before.
        """
        self._rules.append(_Rule(_meant(calls), action, after, nth))

    def fail(self, calls: Calls | str, *, nth: int = 1) -> None:
        """Let one call fail without effect, as where a permission is missing."""

        def refuse() -> None:
            raise client_error("Call", "AccessDeniedException", "not allowed", status=403)

        self.when(calls, refuse, nth=nth)

    def kill(self, number: int, *, after: bool) -> None:
        """Let the process die at its call of this number, from 1; nothing that it sends later has any effect."""

        def die() -> None:
            self._dead = True
            raise Killed

        self.when(lambda *_: True, die, nth=number, after=after)

    def clear(self) -> None:
        """Another process: no rules, nothing logged."""
        self.log.clear()
        self._rules.clear()
        self._dead = False

    def count(self, calls: Calls | str) -> int:
        """How many such calls were made."""
        return sum(_meant(calls)(*call) for call in self.log)

    def around(self, operation: str, request: dict[str, Any], send: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """A call with what befalls it."""
        if threading.current_thread().name == HEARTBEAT:
            # It calls when it will, which no test can count on; of a dead process it says nothing any more.
            return {} if self._dead else send()
        with self._lock:
            if self._dead:
                raise Killed
            self.log.append((operation, request))
            due = [rule for rule in self._rules if rule.is_due(operation, request)]
            self._rules = [rule for rule in self._rules if rule not in due]
        for rule in due:
            if not rule.after:
                rule.action()
        answer = send()
        for rule in due:
            if rule.after:
                rule.action()
        return answer


def _meant(calls: Calls | str) -> Calls:
    return (lambda operation, _: operation == calls) if isinstance(calls, str) else calls
