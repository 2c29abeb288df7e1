"""A table on the simulated AWS: its ledger can be set back to any moment, and its runs can be killed."""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import json
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import attrs
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alur_runtime.aws import Clients
from alur_runtime.config import OnChange, Settings, split_uri
from alur_runtime.ledger import base
from alur_runtime.rebuild.apply import rebuild
from alur_runtime.report import RunReport, render_text
from alur_runtime.run.ingest import run_ingest
from tests.runtime import world as worlds
from tests.runtime.cloud_in_memory import CloudInMemory, worlds_in_memory
from tests.runtime.world import World
from tests.simulation.cloud.dynamodb import Key
from tests.simulation.cloud.expressions import Item
from tests.simulation.cloud.s3 import Multipart, Object, Place

LONG: Final = 3600.0  # seconds; longer than any lease
SETTINGS: Final = Settings(run_lease_seconds=600, planning_lease_seconds=600, threads=1, fetch_threads=1)
Ledger = dict[Key, Item]
Call = tuple[str, dict[str, Any]]
Row = tuple[str, str, str]
"""File, id, note."""


class KilledError(BaseException):
    """The process is gone: no handler of the runtime may catch it, and no call of it is made any more."""


@attrs.frozen
class Moment:
    """All that is stored, before a call; `gone` are rows of files that were deleted after they were ingested."""

    number: int
    call: Call
    ledger: Ledger
    objects: dict[Place, Object]
    uploads: dict[str, Multipart]
    partitions: dict[tuple[str, ...], str]
    gone: tuple[Row, ...]


@attrs.define(eq=False)
class WatchedCloud(CloudInMemory):
    """A cloud that remembers the moments before its calls, and kills the caller at one of them."""

    moments: list[Moment] | None = None
    kill_when: Callable[[Call], bool] = lambda _: False
    killed: bool = False
    gone: tuple[Row, ...] = ()
    calls: list[Call] = attrs.field(factory=list)

    def _send(self, service: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            call = operation, request
            if self.killed or self.kill_when(call):
                self.killed = True
                raise KilledError
            self.calls.append(call)
            if self.moments is not None:
                self.moments.append(self.now(call))
            return super()._send(service, operation, request)

    def now(self, call: Call = ("", {})) -> Moment:
        """All that is stored now."""
        assert self.dynamodb is not None
        assert self.glue is not None
        number = 0 if self.moments is None else len(self.moments)
        uploads = {name: attrs.evolve(u, parts=dict(u.parts)) for name, u in self.s3.uploads.items()}
        return Moment(
            number,
            call,
            dict(self.dynamodb.items),
            dict(self.s3.objects),
            uploads,
            dict(self.glue.partitions),
            self.gone,
        )

    def set_ledger(self, ledger: Ledger) -> None:
        """The ledger as it was."""
        assert self.dynamodb is not None
        self.dynamodb.items = dict(ledger)

    def set_back(self, moment: Moment) -> None:
        """Everything but the ledger as it was."""
        assert self.glue is not None
        self.s3.objects = dict(moment.objects)
        self.s3.uploads = {name: attrs.evolve(u, parts=dict(u.parts)) for name, u in moment.uploads.items()}
        self.glue.partitions = dict(moment.partitions)
        self.gone = moment.gone


class _Time:
    """The clock that leases go by: the real one and what was waited."""

    def __init__(self) -> None:
        self.waited = 0.0

    def time(self) -> float:
        return time.time() + self.waited


@attrs.define(eq=False)
class Day:
    """A deployed table and what befalls it."""

    world: World
    cloud: WatchedCloud
    _time: _Time
    _ever: set[Row] = attrs.field(factory=set)

    @classmethod
    def make(cls, patch: pytest.MonkeyPatch, **changes: Any) -> Day:
        """A new table on a cloud of its own; `changes` are its job's."""
        worlds_in_memory(patch, worlds)
        cloud, clock = WatchedCloud(), _Time()
        patch.setattr(worlds, "make_clients", cloud.clients)
        patch.setattr(base, "time", clock)
        return cls(World.make("", **{"settings": SETTINGS, **changes}), cloud, clock)

    def land(self, name: str, ids: range, *, region: str = "EU", note: str = "") -> None:
        """A file lands, or a new version of it."""
        self.land_lines(name, [f"{n},{region},{note},2024-05-01 10:00:00" for n in ids])

    def land_lines(self, name: str, lines: list[str]) -> None:
        """The same with any rows."""
        self.world.land(f"orders/{name}.csv", "\n".join(["id,region,note,at", *lines]) + "\n")
        self._ever |= set(self.landed())

    def remove(self, name: str) -> None:
        """A file that was ingested is deleted from where it landed: its rows stay."""
        self.cloud.gone += tuple(row for row in self.landed() if row[0] == self.world.uri(f"orders/{name}.csv"))
        self.cloud.s3.remove((self.world.landing, f"orders/{name}.csv"))

    def wait(self) -> None:
        """Long enough for every lease to expire."""
        self._time.waited += LONG

    def run(self) -> RunReport:
        """A run, long after all before it."""
        self.wait()
        return self.world.run()

    def run_killed(self, when: Callable[[Call], bool]) -> bool:
        """A run that is killed at the first call of this kind; whether there was one."""
        self.wait()
        return self._killed(when, lambda clients: run_ingest(self.world.config, clients))

    def rebuild_killed(self, at: int) -> bool:
        """A rebuild that is killed at so manieth a call; whether there were so many."""
        calls = itertools.count(1)
        return self._killed(
            lambda _: next(calls) == at, lambda clients: rebuild(self.world.config, clients, apply=True)
        )

    def _killed(self, when: Callable[[Call], bool], action: Callable[[Clients], object]) -> bool:
        self.cloud.kill_when = when
        with contextlib.suppress(KilledError):
            action(self.cloud.clients())
        killed, self.cloud.killed = self.cloud.killed, False
        self.cloud.kill_when = lambda _: False
        return killed

    def visible(self) -> list[Row]:
        """The table's rows, read without the ledger or the catalog."""
        bucket, prefix = split_uri(self.world.config.table.location)
        found: list[Row] = []
        for (where, key), stored in self.cloud.s3.objects.items():
            if where == bucket and key.startswith(prefix):
                table = pq.ParquetFile(pa.BufferReader(stored.body)).read(["_source_file", "id", "note"])
                found += [(r["_source_file"], str(r["id"]), r["note"] or "") for r in table.to_pylist()]
        return sorted(found)

    def landed(self) -> list[Row]:
        """The good rows of the files that lie there now, and of those that are gone."""
        found = list(self.cloud.gone)
        for (bucket, key), stored in self.cloud.s3.objects.items():
            if bucket == self.world.landing:
                lines = csv.DictReader(io.StringIO(stored.body.decode()))
                found += [(f"s3://{bucket}/{key}", r["id"], r["note"]) for r in lines if r["id"].isdigit()]
        return sorted(found)

    def _bad_rows(self) -> list[Row]:
        """File, version and row of each bad row that is kept."""
        bodies = [o.body for (_, key), o in self.cloud.s3.objects.items() if "/quarantine/" in key]
        rows = [json.loads(line) for body in bodies for line in body.splitlines()]
        return [(row["file"], row["etag"], str(row["row"])) for row in rows]

    def trouble(self, report: RunReport) -> str:
        """What is wrong after a run that should have made all right; empty if nothing is."""
        if report.exit_code:
            return render_text(report)
        found, wanted = Counter(self.visible()), Counter(self.landed())
        if self.world.config.on_change is OnChange.APPEND:  # all versions that were ingested stay, each once
            wanted |= Counter(self._ever & found.keys())
        if found != wanted:
            return f"too much: {dict(found - wanted)}, missing: {dict(wanted - found)}"
        if open_ := self.world.ledger.open_batches():
            return f"open: {open_}"
        folders = {key.split("/region=")[1].split("/")[0] for _, key in self.cloud.s3.objects if "/region=" in key}
        if missing := folders - {values[0] for values in self.world.partitions()}:
            return f"partitions: {missing} are not registered"
        if twice := [line for line, count in Counter(self._bad_rows()).items() if count > 1]:
            return f"bad rows twice: {twice}"
        items = {item.uri: item.table_rows for item in self.world.ledger.files()}
        counts = dict.fromkeys(items, 0) | dict(Counter(uri for uri, _, _ in self.visible()))
        return "" if items == counts else f"ledger: {items}, table: {counts}"


def puts(part: str) -> Callable[[Call], bool]:
    """Calls that put an object of such a key, or complete its upload."""
    return lambda call: call[0] in ("PutObject", "CompleteMultipartUpload") and part in call[1]["Key"]
