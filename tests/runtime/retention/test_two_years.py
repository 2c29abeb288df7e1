"""Two years of daily files: some come back, changed or not, before or after the ledger has forgotten them."""

from __future__ import annotations

import os
import random
from collections import Counter
from typing import Final

import attrs

from alur_runtime.ledger.forgotten import FEW
from alur_runtime.report import RunReport
from tests.runtime.retention.days import FORGET, HISTORY, LAZY, Days

YEARS: Final = 2
KEPT: Final = 10
"""Days after which a file is deleted where it landed."""
AGAIN: Final = 5
"""Days for which a file that has come back stays."""
SEED: Final = os.environ.get("ALUR_SEED", "0")

# Of the ledger's items: files that are there, and those that are gone for less than DynamoDB takes to delete them; one
# of each a day, and one that has come back. Runs and closed batches: one of each a day.
MOST_FILES: Final = KEPT + AGAIN + 2 * (FORGET + LAZY + 2)
MOST_ITEMS: Final = MOST_FILES + 2 * (HISTORY + LAZY + 1) + 1


@attrs.define
class _Life:
    """What becomes of the files of a table.

    Attributes:
        gone: Name -> content and day of deletion, of files that are not there.
        leaves: Name -> day on which a file will be deleted.
        met: What happened, by kind.
    """

    days: Days
    chance: random.Random
    gone: dict[str, tuple[bytes, int]] = attrs.field(factory=dict)
    there: dict[str, bytes] = attrs.field(factory=dict)
    leaves: dict[str, int] = attrs.field(factory=dict)
    met: Counter[str] = attrs.field(factory=Counter)

    def day(self, number: int) -> None:
        """One day: a file lands, old ones are deleted, one may come back; a run; all is as it should be."""
        wanted = Counter[str]()
        for name in [name for name, day in self.leaves.items() if day <= number]:
            del self.leaves[name]
            self.days.remove(name)
            self.gone[name] = self.there.pop(name), number
        name = f"{number:04}-{self.chance.randbytes(2).hex()}"
        self.there[name] = self.days.land(name, 1)
        self.leaves[name] = number + KEPT
        wanted["new"] += 1
        if self.gone and self.chance.random() < 0.3:
            wanted[self._come_back(number)] += 1
        wanted["unchanged"] = len(self.there) - wanted["new"] - wanted["changed_replaced"]
        self._check(self.days.run(), +wanted)

    def _come_back(self, number: int) -> str:
        """A file that was gone is there again; the reason by which it will be in the report."""
        names = list(self.gone)
        name = self.chance.choice(names if self.chance.random() < 0.5 else names[-FORGET:])
        body, _ = self.gone.pop(name)
        kind = "after" if self.days.item(name) is None else "before"
        self.leaves[name] = number + AGAIN
        changed = self.chance.random() < 0.4
        if changed:
            self.there[name] = self.days.land(name, self.chance.choice((1, 2)))
        else:
            self.there[name] = body
            self.days.land_again(name, body)
        self.met[f"{kind} expiry, {'changed' if changed else 'the same'}"] += 1
        return "changed_replaced" if changed else "unchanged"

    def _check(self, report: RunReport, wanted: Counter[str]) -> None:
        assert Counter(report.files_by_reason) == wanted
        self.met["most items"] = max(self.met["most items"], len(self.days.dynamodb.items))
        self.met["most files"] = max(self.met["most files"], sum("#" in key for key, _ in self.days.dynamodb.items))
        self.met["most objects"] = max(self.met["most objects"], len(self.days.archived()))


def test_two_years_of_daily_files(days: Days) -> None:
    life = _Life(days, random.Random(f"two years {SEED}"))
    for number in range(365 * YEARS):
        life.day(number)
        if number % 73 == 0:
            days.check()
        days.pass_days(1)
    days.check()
    assert days.world.ledger.open_batches() == []
    assert days.cloud.s3.uploads == {}
    for kind in (
        "before expiry, changed",
        "before expiry, the same",
        "after expiry, changed",
        "after expiry, the same",
    ):
        assert life.met[kind] >= 5, (kind, life.met)
    assert life.met["most files"] <= MOST_FILES, life.met
    assert life.met["most items"] <= MOST_ITEMS, life.met
    assert len(life.gone) > 2 * MOST_FILES, "the bound says something: far more files have gone"
    assert life.met["most objects"] < 3 * FEW, life.met
    assert set(days.archive.all()) >= {days.uri(name) for name, (_, day) in life.gone.items() if day < 365 * YEARS - 2}
