"""What a schedule is played on: the cloud, a deployed table on it, and the versions of files that ever landed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final, TypeVar

import attrs
import pyarrow as pa
import pyarrow.parquet as pq

from alur_runtime.config import JobConfig, LedgerConfig, Settings, SourceConfig, TableConfig, split_uri, structure
from alur_runtime.contracts.options import ErrorBudget
from alur_runtime.ledger.items import BATCH, batch_item, file_item, from_attributes
from alur_runtime.model import BatchItem, FileItem
from tests.simulation.cloud.answers import Clock
from tests.simulation.cloud.cloudwatch import CloudWatch
from tests.simulation.cloud.dynamodb import DynamoDb
from tests.simulation.cloud.glue import Glue
from tests.simulation.cloud.s3 import S3, Object
from tests.simulation.files import BUDGET, CONTRACT, Version, version_of
from tests.simulation.schedule import Schedule

_T = TypeVar("_T")
LANDING: Final = "landing"
LAKE: Final = "lake-bucket"
STATE: Final = "state"
TABLE: Final = TableConfig(
    database="db", name="rows", location=f"s3://{LAKE}/db/rows/", metadata=f"s3://{LAKE}/_alur/db/rows/"
)
TABLE_PREFIX: Final = split_uri(TABLE.location)[1]
QUARANTINE_PREFIX: Final = split_uri(TABLE.quarantine)[1]
_SOURCE: Final = f"s3://{LANDING}/in/"


@attrs.define(eq=False)
class World:
    """One deployed table.

    Attributes:
        schedule: That is played on it.
        all_good: Whether no file has bad rows.
        versions: By ETag, every version of a file that ever landed.
    """

    schedule: Schedule
    all_good: bool = False
    clock: Clock = attrs.field(factory=Clock)
    s3: S3 = attrs.field(init=False)
    dynamodb: DynamoDb = attrs.field(init=False)
    glue: Glue = attrs.field(init=False)
    cloudwatch: CloudWatch = attrs.field(factory=CloudWatch)
    versions: dict[str, Version] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        page = self.schedule.page
        self.s3 = S3(self.clock, page, self.schedule.repeats, {LANDING, LAKE})
        self.dynamodb = DynamoDb(self.clock, STATE, page)
        self.glue = Glue(TABLE.database, TABLE.name, TABLE.location, CONTRACT.partition_by)

    def config(self, batch_max_files: int) -> JobConfig:
        """The job's."""
        schedule = self.schedule
        return JobConfig(
            job="rows",
            table=TABLE,
            contract=CONTRACT,
            sources=(SourceConfig(name="in", uri=_SOURCE, budget=ErrorBudget(rows=BUDGET)),),
            ledger=LedgerConfig(table=STATE, shards=schedule.shards),
            on_change=schedule.policy,
            code_digest="one",
            settings=Settings(
                run_lease_seconds=schedule.run_lease,
                planning_lease_seconds=schedule.planning_lease,
                planning_wait_seconds=30.0,
                batch_max_files=batch_max_files,
                threads=schedule.threads,
                stream_bytes=schedule.stream_bytes,
            ),
        )

    # --- sources --------------------------------------------------------------------------------------------------

    def land(self, file: str, number: int) -> None:
        """A version of a file lands."""
        version = version_of(self.schedule.seed, file, number, all_good=self.all_good)
        self.versions[self.s3.put(_place(file), version.body)] = version

    def take_away(self, file: str) -> None:
        """A file is deleted."""
        self.s3.remove(_place(file))

    def current(self) -> dict[str, Version]:
        """The versions that lie there now, by file."""
        found = [self.versions[o.etag] for (bucket, _), o in self.s3.objects.items() if bucket == LANDING]
        return {version.file: version for version in found}

    # --- what the runtime has made --------------------------------------------------------------------------------

    def table_objects(self) -> dict[str, Object]:
        """The table's objects by key below its location."""
        return self._below(TABLE_PREFIX)

    def quarantine_objects(self) -> dict[str, Object]:
        """The objects with bad rows, by key below their prefix."""
        return self._below(QUARANTINE_PREFIX)

    def _below(self, prefix: str) -> dict[str, Object]:
        found = self.s3.objects.items()
        return {key[len(prefix) :]: o for (bucket, key), o in found if bucket == LAKE and key.startswith(prefix)}

    def batches(self) -> Iterator[BatchItem]:
        """Every batch item."""
        for (hash_key, range_key), item in sorted(self.dynamodb.items.items()):
            if hash_key == TABLE.key and range_key.startswith(BATCH):
                yield batch_item(from_attributes(item))

    def file_items(self) -> dict[str, FileItem]:
        """Every file item by the file's name."""
        found = (i for (hash_key, _), i in self.dynamodb.items.items() if hash_key != TABLE.key)
        items = (file_item(from_attributes(i)) for i in found)
        return {item.uri.removeprefix(_SOURCE): item for item in items}

    def json(self, uri: str, cls: type[_T]) -> _T | None:
        """An object of the runtime's own, or None if it is not there."""
        found = self.s3.objects.get(split_uri(uri))
        return None if found is None else structure(json.loads(found.body), cls)


def file_name(uri: str) -> str:
    """A file's name from its URI."""
    return uri.removeprefix(_SOURCE)


def _place(file: str) -> tuple[str, str]:
    bucket, prefix = split_uri(_SOURCE)
    return bucket, prefix + file


@lru_cache(maxsize=4096)
def ids_in(body: bytes) -> tuple[str, ...]:
    """The rows of a Parquet object, by their ids."""
    found: list[Any] = (
        pq.ParquetFile(pa.BufferReader(body), pre_buffer=False).read(["id"], use_threads=False)["id"].to_pylist()
    )
    return tuple(found)
