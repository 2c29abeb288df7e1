"""A table on the simulated AWS whose days pass as the test likes."""

from __future__ import annotations

import time as real_time
from collections import Counter
from typing import Any, Final

import attrs
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alur_runtime import naming
from alur_runtime.config import Settings, SourceConfig, split_uri
from alur_runtime.kernel import work as kernel
from alur_runtime.ledger import base
from alur_runtime.ledger.forgotten import Forgotten
from alur_runtime.ledger.items import EXPIRES
from alur_runtime.model import FileItem
from alur_runtime.report import RunReport, render_text
from alur_runtime.run import ingest, recover
from tests.runtime import world as worlds
from tests.runtime.cloud_in_memory import CloudInMemory, worlds_in_memory
from tests.runtime.world import World, rows
from tests.simulation.cloud.answers import Clock
from tests.simulation.cloud.dynamodb import DynamoDb

DAY: Final = 86_400
FORGET: Final = 30
HISTORY: Final = 20
LAZY: Final = 2
"""How many days late the simulated DynamoDB may be with what has expired."""
SETTINGS: Final = Settings(threads=1, fetch_threads=1, forget_gone_days=FORGET, history_days=HISTORY)
Row = tuple[str, int]
"""File and id."""


@attrs.define
class _Time:
    """What the runtime uses of the module `time`, by the cloud's clock."""

    clock: Clock
    strftime = staticmethod(real_time.strftime)
    monotonic = staticmethod(real_time.monotonic)

    def time(self) -> float:
        return self.clock.now

    def gmtime(self) -> real_time.struct_time:
        return real_time.gmtime(self.clock.now)

    def sleep(self, seconds: float) -> None:
        self.clock.now += seconds


@attrs.define(eq=False)
class Days:
    """A deployed table.

    Attributes:
        world: The table.
        cloud: It is on this one.
        expected: Rows of the table as they should be, by file.
    """

    world: World
    cloud: CloudInMemory
    expected: dict[str, list[int]] = attrs.field(factory=dict)
    _ids: int = 0

    @classmethod
    def make(cls, patch: pytest.MonkeyPatch, **changes: Any) -> Days:
        """A new table; `changes` are its job's."""
        cloud = CloudInMemory()
        worlds_in_memory(patch, worlds)
        patch.setattr(worlds, "make_clients", cloud.clients)
        for module in (base, ingest, kernel, naming, recover):
            patch.setattr(module, "time", _Time(cloud.s3.clock))
        world = World.make("", **{"settings": SETTINGS, **changes})
        days = cls(world, cloud)
        days.dynamodb.expires = EXPIRES
        days.source("")
        return days

    @property
    def dynamodb(self) -> DynamoDb:
        assert self.cloud.dynamodb is not None
        return self.cloud.dynamodb

    @property
    def archive(self) -> Forgotten:
        return Forgotten(self.world.clients.s3, self.world.config.table.forgotten)

    def source(self, below: str, pattern: str = "**") -> None:
        """From now on this is the job's only source."""
        source = SourceConfig(name="orders", uri=f"s3://{self.world.landing}/orders/{below}", pattern=pattern)
        self.world.config = attrs.evolve(self.world.config, sources=(source,))

    def pass_days(self, days: float) -> None:
        """Time goes by."""
        self.cloud.s3.clock.now += days * DAY

    def land(self, name: str, count: int = 2) -> bytes:
        """A file lands with rows that no other has, or a new version of it; its content."""
        ids = range(self._ids, self._ids + count)
        self._ids += count
        body = rows(ids.start, count).encode()
        self.land_again(name, body)
        self.expected[name] = list(ids)
        return body

    def land_again(self, name: str, body: bytes) -> None:
        """A version that was there before comes back."""
        self.cloud.s3.put((self.world.landing, f"orders/{name}"), body)

    def remove(self, name: str) -> None:
        """A file is deleted where it landed."""
        self.cloud.s3.remove((self.world.landing, f"orders/{name}"))

    def uri(self, name: str) -> str:
        return self.world.uri(f"orders/{name}")

    def run(self, **changes: Any) -> RunReport:
        """A run that must end well."""
        report = self.world.run(**changes)
        assert report.exit_code == 0, render_text(report)
        return report

    def sweep(self) -> RunReport:
        """A run on the next day, which sees what is gone."""
        self.pass_days(1)
        return self.run()

    def rows(self) -> Counter[Row]:
        """The table's rows, read without the ledger or the catalog."""
        bucket, prefix = split_uri(self.world.config.table.location)
        found: Counter[Row] = Counter()
        for (where, key), stored in self.cloud.s3.objects.items():
            if where == bucket and key.startswith(prefix):
                table = pq.ParquetFile(pa.BufferReader(stored.body)).read(["_source_file", "id"])
                names = (uri.rsplit("/", 1)[-1] for uri in table["_source_file"].to_pylist())
                found.update(zip(names, table["id"].to_pylist(), strict=True))
        return found

    def check(self) -> None:
        """The table holds what it should, each row once."""
        assert self.rows() == Counter((name, id_) for name, ids in self.expected.items() for id_ in ids)

    def item(self, name: str) -> FileItem | None:
        """A file's item, if the ledger has one."""
        return self.world.ledger.get_files([self.uri(name)]).get(self.uri(name))

    def moment(self) -> tuple[Any, ...]:
        """All that is stored now, for `set_back`."""
        return dict(self.dynamodb.items), dict(self.cloud.s3.objects), self.cloud.s3.clock.now

    def set_back(self, moment: tuple[Any, ...]) -> None:
        """All as it was."""
        self.dynamodb.items, self.cloud.s3.objects, self.cloud.s3.clock.now = (
            moment[0].copy(),
            moment[1].copy(),
            moment[2],
        )
        self.dynamodb._looked = 0.0  # for what has expired

    def archived(self) -> list[str]:
        """Keys of the archive's objects."""
        bucket, prefix = split_uri(self.world.config.table.forgotten)
        return [key for where, key in self.cloud.s3.objects if where == bucket and key.startswith(prefix)]
