"""The crash matrix: a standard run, killed before and after each of its calls; and every pair of such crashes.

The standard run meets 3 new files, 1 changed and 1 unchanged one, in 2 partitions, on a table that holds rows already.
After the crash, or after two runs that crashed one after the other, a run that nothing befalls must make all right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import attrs

from tests.simulation.many import on_all_cores
from tests.simulation.play import play
from tests.simulation.schedule import Change, ChangeKind, Fault, Kind, RunPlan, Schedule
from tests.simulation.seams import seams

_KILLS: Final = (Kind.DIES_BEFORE, Kind.DIES_AFTER)
_CHUNK: Final = 40
_BETWEEN: Final = 3600.0  # seconds: the second run finds the first one dead

Point = tuple[int, Kind]
"""The number of a call, and on which side of its effect the process dies."""

Crashes = tuple[Point, ...]
"""Of runs, one after the other."""


@attrs.define
class Matrix:
    """What came of it; `wrong` are the crashes after which something was, and what."""

    points: int = 0
    pairs: int = 0
    wrong: list[tuple[Crashes, str]] = attrs.field(factory=list)


def scene(crashes: Iterable[Point]) -> Schedule:
    """The standard run under each of these crashes, one run after the other."""
    runs = tuple(
        RunPlan(start=number * _BETWEEN, faults=(Fault(call, kind),)) for number, (call, kind) in enumerate(crashes)
    )
    changes = (Change(0.0, ChangeKind.LANDS, "f0", 2), *(Change(0.0, ChangeKind.LANDS, f"f{n}", 1) for n in (2, 3, 4)))
    return Schedule(seed="matrix", files=2, batch_max_files=2, threads=1, page=3, runs=runs, changes=changes)


def play_scene(crashes: Crashes) -> tuple[str, dict[str, int]]:
    """What is wrong after these crashes, empty if nothing is; and how many calls each run made."""
    result = play(scene(crashes), all_good=True)
    wrong = "" if result.violation is None else f"{result.violation[0]}: {result.violation[1]}"
    return wrong, result.main_calls


def calls_of_standard_run() -> int:
    """How many calls the standard run makes if nothing befalls it."""
    far: Point = (1_000_000, Kind.DIES_BEFORE)
    with seams():
        wrong, calls = play_scene((far,))
    assert not wrong, wrong
    return calls["run1"]


def run_matrix(every: int, tell: Callable[[str], None]) -> Matrix:
    """Play the matrix on all cores.

    Args:
        every: Of the pairs only every so-manieth is played; 1 for all.
        tell: Takes lines for people.
    """
    points: list[Point] = [(n, kind) for n in range(1, calls_of_standard_run() + 1) for kind in _KILLS]
    tell(f"the standard run makes {len(points) // 2} calls: {len(points)} points")
    found = Matrix(points=len(points))
    # How long a second run is depends on where the first one died.
    lengths: dict[Point, int] = {}
    for played in on_all_cores(_play_chunk, _chunks([(p, (1_000_000, Kind.DIES_BEFORE)) for p in points])):
        for crashes, wrong, calls in played:
            lengths[crashes[0]] = calls["run2"]
            _take(found, crashes[:1], wrong, tell)
    pairs: list[Crashes] = [(p, (n, kind)) for p in points for n in range(1, lengths[p] + 1) for kind in _KILLS]
    tell(f"{len(pairs):,} pairs, {len(pairs[::every]):,} of them to be played")
    for played in on_all_cores(_play_chunk, _chunks(pairs[::every])):
        before = found.pairs
        found.pairs += len(played)
        for crashes, wrong, _ in played:
            _take(found, crashes, wrong, tell)
        if before // 1000 != found.pairs // 1000:
            tell(f"{found.pairs:,} pairs played, {len(found.wrong)} wrong")
    return found


def _chunks(crashes: list[Crashes]) -> list[list[Crashes]]:
    return [crashes[k : k + _CHUNK] for k in range(0, len(crashes), _CHUNK)]


def _play_chunk(many: list[Crashes]) -> list[tuple[Crashes, str, dict[str, int]]]:
    with seams():
        return [(crashes, *play_scene(crashes)) for crashes in many]


def _take(found: Matrix, crashes: Crashes, wrong: str, tell: Callable[[str], None]) -> None:
    if wrong:
        found.wrong.append((crashes, wrong))
        tell(f"WRONG after {crashes}: {wrong}")
