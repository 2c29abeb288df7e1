"""A failing schedule made small: whatever can go without the failure going with it, goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import attrs

from tests.simulation.play import Result
from tests.simulation.schedule import Schedule

_MOST_TRIES: Final = 400


def shrink(schedule: Schedule, play: Callable[[Schedule], Result]) -> tuple[Schedule, Result]:
    """The smallest schedule that was found which fails for the same invariant.

    Args:
        schedule: That fails.
        play: Plays one.
    """
    best, result = schedule, play(schedule)
    if result.violation is None:
        return best, result
    kind, tries, smaller = result.violation[0], 0, True
    while smaller and tries < _MOST_TRIES:
        smaller = False
        for candidate in _simpler(best):
            tries += 1
            again = play(candidate)
            if again.violation is not None and again.violation[0] == kind:
                best, result, smaller = candidate, again, True
                break
            if tries >= _MOST_TRIES:
                break
    return best, result


def _simpler(schedule: Schedule) -> Iterator[Schedule]:
    """Schedules with one thing less, the largest things first."""
    for n in range(len(schedule.runs)):
        yield attrs.evolve(schedule, runs=schedule.runs[:n] + schedule.runs[n + 1 :])
    for n in range(len(schedule.changes)):
        yield attrs.evolve(schedule, changes=schedule.changes[:n] + schedule.changes[n + 1 :])
    for n, run in enumerate(schedule.runs):
        plainer = [attrs.evolve(run, faults=run.faults[:k] + run.faults[k + 1 :]) for k in range(len(run.faults))]
        plainer += [attrs.evolve(run, skew=0.0)] if run.skew else []
        plainer += [attrs.evolve(run, heartbeat=True)] if not run.heartbeat else []
        for plain in plainer:
            yield attrs.evolve(schedule, runs=(*schedule.runs[:n], plain, *schedule.runs[n + 1 :]))
    if schedule.files > 1:
        yield attrs.evolve(schedule, files=schedule.files - 1)
    if schedule.settled:
        yield attrs.evolve(schedule, settled=False)
    for plainer_settings in (
        {"threads": 1},
        {"shards": 1},
        {"page": 100},
        {"repeats": False},
        {"stream_bytes": 1_000_000},
    ):
        simple = attrs.evolve(schedule, **plainer_settings)
        if simple != schedule:
            yield simple
