"""What lands while runs are killed, and what must be in the table once they are not killed any more."""

from __future__ import annotations

import random
import threading
from collections import Counter

import attrs

from tests.runtime.world import World

BAD_ROWS = 3
"""The source's error budget: a file with more is failed."""

_REGIONS = ("EU", "US", "AP")
_HEADER = "id,region,note,at"
Row = tuple[int, str, str]
"""Id, region and note; the note names file and version."""


@attrs.frozen
class Version:
    """A file as it lands.

    Attributes:
        body: Its bytes.
        rows: Its good rows.
        bad: How many bad rows it has.
    """

    body: bytes
    rows: tuple[Row, ...]
    bad: int


@attrs.define
class Landing:
    """Lands, changes, breaks, takes away and puts back files, at random from a seed.

    Attributes:
        world: Where.
        random: Decides.
        most_files: From so many on files are only changed.
        versions: Files as they are now, or were when they were taken away.
        away: Files that are taken away.
        done: What was done, by kind.
    """

    world: World
    random: random.Random
    most_files: int
    versions: dict[str, Version] = attrs.field(factory=dict)
    away: set[str] = attrs.field(factory=set)
    done: Counter[str] = attrs.field(factory=Counter)
    _ids: int = 0

    def act(self) -> None:
        """Do one thing."""
        kinds = {"new": 4 if len(self.versions) < self.most_files else 0, "changed": 4, "broken": 1, "away": 1}
        kind = self.random.choices(list(kinds), list(kinds.values()))[0]
        if kind == "new" or not self.versions:
            self._land(f"orders/{len(self.versions):04}.csv", "new")
            return
        name = self.random.choice(sorted(self.versions))
        if kind == "away" and name not in self.away:
            self.world.clients.s3.delete_object(Bucket=self.world.landing, Key=name)
            self.away.add(name)
            self.done["taken away"] += 1
        elif name in self.away and self.random.random() < 0.5:
            self._put(name)
            self.done["put back"] += 1
        else:
            self._land(name, "broken" if kind == "broken" else "changed")

    def act_until(self, stop: threading.Event) -> None:
        """Do things, with pauses of up to half a second."""
        while not stop.wait(self.random.uniform(0.02, 0.5)):
            self.act()

    def settle(self) -> None:
        """Put back what was taken away; land what cannot be ingested once more, rightly."""
        for name in sorted(self.versions):
            if self.versions[name].bad > BAD_ROWS:
                self._land(name, "repaired")
            elif name in self.away:
                self._put(name)
                self.done["put back"] += 1

    def expected(self) -> Counter[Row]:
        """The rows of the current version of every file."""
        return Counter(row for version in self.versions.values() for row in version.rows)

    def _land(self, name: str, kind: str) -> None:
        bad = 0
        if kind == "broken":
            bad = BAD_ROWS + 1
        elif self.random.random() < 0.2:
            bad = self.random.randint(1, BAD_ROWS)
        self.done[kind] += 1
        self.versions[name] = self._version(f"{name} as of {self.done.total()}", bad)
        self._put(name)

    def _put(self, name: str) -> None:
        self.world.land(name, self.versions[name].body)
        self.away.discard(name)

    def _version(self, note: str, bad: int) -> Version:
        count = self.random.randint(0, 30)
        rows = tuple((self._ids + n, self.random.choice(_REGIONS), note) for n in range(count))
        self._ids += count
        lines = [f"{number},{region},{text},2024-05-01 10:00:00" for number, region, text in rows]
        for _ in range(bad):
            lines.insert(self.random.randint(0, len(lines)), f"no number,EU,{note},2024-05-01 10:00:00")
        return Version("\n".join([_HEADER, *lines, ""]).encode(), rows, bad)
