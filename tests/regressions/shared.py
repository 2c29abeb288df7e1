"""What the tests here have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from alur_runtime.report import render_text
from tests.corpus.read_back import read_table
from tests.runtime.world import QUICK, World

MakeWorld = Callable[..., World]

SHORT: Final = attrs.evolve(QUICK, run_lease_seconds=0.2, planning_lease_seconds=0.2)
"""Settings of runs that die: the next one need not wait long."""


def ids(world: World) -> list[int]:
    """Of the table's rows."""
    return sorted(row["id"] for row in read_table(world))


def check(world: World, expected: list[int]) -> None:
    """A clean run, after which table and ledger are right, and one more that finds nothing to do."""
    report = world.run()
    assert report.exit_code == 0, render_text(report)
    assert ids(world) == expected, render_text(report)
    again = world.run()
    assert (again.outcome, again.exit_code) == ("nothing_to_do", 0), render_text(again)
    assert ids(world) == expected
    assert world.ledger.open_batches() == []
