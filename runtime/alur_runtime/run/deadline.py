"""The job's timeout, seen from within: when a run takes no new work any more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

import attrs

_T = TypeVar("_T")
_SHARE: Final = 0.1  # of the timeout is kept for what is under way
_LEAST_SECONDS: Final = 60.0
_MOST_SHARE: Final = 0.5  # a short timeout is not all kept


def working_seconds(timeout: float) -> float:
    """For how long a run takes new work, of so many seconds that it has in all; for ever if it has no timeout."""
    if not timeout:
        return float("inf")
    return timeout - min(max(timeout * _SHARE, _LEAST_SECONDS), timeout * _MOST_SHARE)


@attrs.define
class Deadline:
    """Hands work out until it is time to end.

    Attributes:
        at: When, by the clock.
        clock: Seconds that only go forward.
    """

    at: float
    clock: Callable[[], float]

    @property
    def is_near(self) -> bool:
        """Whether no new work should be begun."""
        return self.clock() >= self.at

    def until(self, work: Iterable[_T]) -> Iterator[_T]:
        """The work, one after the other, as long as there is time."""
        for piece in work:
            if self.is_near:
                return
            yield piece
