"""Small histories of a table, with every moment of them: what a backup may have been made of."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Final

import attrs
import pytest

from alur_runtime.config import OnChange, SourceConfig
from alur_runtime.contracts.options import ErrorBudget
from alur_runtime.rebuild.apply import rebuild
from tests.runtime.recovery.bad_days import Call, Day, Moment, puts


def is_commit(call: Call) -> bool:
    """The write that decides a batch."""
    return call[0] == "PutItem" and call[1]["Item"].get("status") == {"S": "committed"}


def is_complete(call: Call) -> bool:
    """The completion of an upload of the table."""
    return puts("/sales/region=")(call) and call[0] == "CompleteMultipartUpload"


def is_items(call: Call) -> bool:
    """The writing of file items."""
    return call[0] == "TransactWriteItems" and "ConditionCheck" not in call[1]["TransactItems"][0]


def second(kind: Callable[[Call], bool]) -> Callable[[Call], bool]:
    """The second call of a kind."""
    count = itertools.count(1)
    return lambda call: kind(call) and next(count) == 2


def replaced(day: Day) -> None:
    """New files, then changed ones: one that shares an object, one that empties its own, one that has no row left."""
    day.land("a", range(3))
    day.land("b", range(10, 13))
    day.land("c", range(20, 22), region="US")
    day.run()
    day.land("a", range(3, 6), note="second")
    day.land("c", range(22, 25), region="US", note="second")
    day.land("d", range(30, 33), region="US")
    day.run()
    day.land("b", range(0))
    day.run()
    day.land("b", range(13, 15), note="third")
    day.land("d", range(0))
    day.remove("c")
    day.run()


def killed(day: Day) -> None:
    """Runs that are killed at telling moments, each followed by one that is not, or is killed as well."""
    day.land("a", range(3))
    day.land("b", range(10, 13), region="US")
    day.run_killed(is_commit)
    day.run_killed(is_complete)
    day.run()
    day.land("a", range(3, 6), note="second")
    day.land("c", range(20, 22))
    day.run_killed(lambda call: call[0] == "DeleteObjects")
    day.land("b", range(13, 15), region="US", note="second")
    day.run_killed(is_items)
    day.run()
    day.land("a", range(6, 8), note="third")
    day.run_killed(is_commit)
    day.land("a", range(8, 9), note="fourth")
    day.run()


def lost(day: Day) -> None:
    """Committed uploads that vanish before they are completed: the batch takes itself back."""
    day.land("a", range(3))
    day.land("b", range(10, 13), region="US")
    day.run()
    day.land("a", range(3, 6), note="second")
    day.land("b", range(13, 15), region="US", note="second")
    day.land("c", range(20, 22))
    day.run_killed(second(is_complete))
    day.cloud.s3.uploads.clear()
    day.run_killed(is_items)
    day.run()
    day.land("c", range(22, 23))
    day.run()


def lost_rewrite(day: Day) -> None:
    """The same before anything of the batch was done: it drops old rows from an object that others share."""
    day.land("a", range(3))
    day.land("b", range(10, 13))
    day.run()
    day.land("a", range(3, 6), note="second")
    day.run_killed(is_complete)
    day.cloud.s3.uploads.clear()
    day.run_killed(second(is_complete))  # the first is of the upload that is gone, the second takes back
    day.run()
    day.land("b", range(13, 15), note="second")
    day.run()


def emptied(day: Day) -> None:
    """A file in two partitions, whose objects others share, is left without a row; its drops are half done."""
    day.land("b", range(10, 13))
    day.land("c", range(20, 23), region="US")
    day.land_lines("a", ["1,EU,,", "2,US,,"])
    day.run()
    day.land("a", range(0))
    day.run_killed(second(is_complete))
    day.run()
    day.land("a", range(4, 6), note="third")
    day.run()


def configured_anew(day: Day) -> None:
    """A batch that is given up, because it was planned under another configuration, and its files planned again."""
    day.land("a", range(3))
    day.run()
    day.land("a", range(3, 6), note="second")
    day.land("b", range(10, 12))
    day.run_killed(is_commit)
    day.world.config = attrs.evolve(day.world.config, code_digest="two")
    day.run()
    day.land("b", range(12, 13), note="second")
    day.run()


def bad_rows(day: Day) -> None:
    """Bad rows beside good ones, files of bad rows alone, files that fail."""
    source = SourceConfig(name="orders", uri=day.world.config.sources[0].uri, budget=ErrorBudget(rows=2))
    day.world.config = attrs.evolve(day.world.config, sources=(source,))
    day.land("a", range(3))
    day.land_lines("bad", ["x,EU,,"])
    day.run()
    day.land_lines("a", ["x,EU,,", "7,EU,,"])
    day.run()
    day.land_lines("bad", ["x,EU,,", "y,US,,"])
    day.run()


HISTORIES: Final[dict[str, Callable[[Day], None]]] = {
    h.__name__: h for h in (replaced, killed, lost, lost_rewrite, emptied, configured_anew, bad_rows)
}


@attrs.frozen
class Played:
    """A history that was played: its day, and every moment of it."""

    day: Day
    moments: list[Moment]


def play(patch: pytest.MonkeyPatch, name: str, on_change: OnChange = OnChange.REPLACE) -> Played:
    """Play a history on a new table."""
    day = Day.make(patch, on_change=on_change)
    day.cloud.moments = []
    HISTORIES[name](day)
    moments = [*day.cloud.moments, day.cloud.now()]
    day.cloud.moments = None
    return Played(day, moments)


def rebuild_and_run(day: Day) -> str:
    """What is wrong after a rebuild and one run; empty if nothing is."""
    day.wait()
    rebuild(day.world.config, day.cloud.clients(), apply=True)
    wrong = day.trouble(day.run())
    return wrong or ("a second rebuild would do something" if _needed(day) else "")


def _needed(day: Day) -> bool:
    return rebuild(day.world.config, day.cloud.clients(), apply=False).replay.needed
