"""Many schedules, spread over the cores."""

from __future__ import annotations

import math
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeVar

import attrs
import pyarrow as pa

from tests.simulation.play import play
from tests.simulation.schedule import schedule_of
from tests.simulation.seams import seams

_T = TypeVar("_T")
_CHUNK: Final = 50


@attrs.define
class Totals:
    """What some schedules came to.

    Attributes:
        schedules: That were played.
        calls: Requests made.
        faults: That befell them, by kind.
        violations: Seed, kind and text of each that is new.
    """

    schedules: int = 0
    calls: int = 0
    faults: Counter[str] = attrs.field(factory=Counter)
    violations: list[tuple[str, str, str]] = attrs.field(factory=list)

    def add(self, other: Totals) -> None:
        """Add those of others."""
        self.schedules += other.schedules
        self.calls += other.calls
        self.faults += other.faults
        self.violations += other.violations


def play_seeds(seeds: Iterable[str]) -> Totals:
    """Play the schedules of some seeds."""
    totals = Totals()
    with seams():
        for seed in seeds:
            result = play(schedule_of(seed))
            totals.schedules += 1
            totals.calls += result.calls
            totals.faults += result.injected
            if result.violation is not None:
                totals.violations.append((seed, *result.violation))
    return totals


def play_many(base: str, count: int, progress: Callable[[Totals, float], None], seconds: float = math.inf) -> Totals:
    """Play `count` schedules of a base seed on all cores, or fewer if the time is up.

    Args:
        base: Seeds are ``<base>-<number>``.
        count: How many.
        progress: Called with the totals so far and the seconds since the beginning.
        seconds: When to stop; those that are being played then do not count.
    """
    totals, began = Totals(), time.monotonic()
    chunks = [[f"{base}-{n}" for n in range(k, min(k + _CHUNK, count))] for k in range(0, count, _CHUNK)]
    for part in on_all_cores(play_seeds, chunks):
        totals.add(part)
        passed = time.monotonic() - began
        progress(totals, passed)
        if passed > seconds:
            break
    return totals


def on_all_cores(function: Callable[[Any], _T], parts: Iterable[Any]) -> Iterator[_T]:
    """Results as they come."""
    context = multiprocessing.get_context("spawn")
    cores = context.Queue()
    usable = _usable_cores()
    for core in usable:
        cores.put(core)
    with context.Pool(len(usable), initializer=_alone_on_its_core, initargs=(cores,)) as pool:
        yield from pool.imap_unordered(function, parts)


def _usable_cores() -> list[int]:
    if sys.platform == "linux":
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _alone_on_its_core(cores: Any) -> None:
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    if sys.platform == "linux":
        # Of a schedule's threads one works at a time. On one core they hand over in half the time that they take
        # among several, where each wakes on another one.
        os.sched_setaffinity(0, {cores.get()})
