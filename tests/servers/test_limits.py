"""Commits that are too large for DynamoDB: AWS's own limits, by AWS's own implementation of them."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pytest

from alur_pulumi.local.clients import local_client
from alur_runtime import contract, spec_of
from alur_runtime.ledger.ledger import Ledger
from alur_runtime.model import FileItem, FileStatus
from alur_runtime.naming import folder_room, object_name, partition_folder
from alur_runtime.table.partitions import find_unwritable
from alur_runtime.table.schema import arrow_schema
from tests.servers.cache import NoServerError
from tests.servers.conformance.implementations import new_table
from tests.servers.dynamodb_local import dynamodb_local

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def ledger() -> Iterator[Ledger]:
    try:
        with dynamodb_local() as endpoint:
            table = new_table(local_client("dynamodb", endpoint, "us-east-1"))
            yield Ledger(table.client, table.name, "db.t", 4)
    except NoServerError as error:
        pytest.skip(str(error))


def _item(number: int, outputs: int) -> FileItem:
    """A file whose rows went to so many partitions."""
    folder = f"region={'x' * 40}"
    keys = tuple(f"{folder}{n:05}/000000000001-00001.1.{n:04}-0123abcd.parquet" for n in range(outputs))
    return FileItem(
        uri=f"s3://landing/{number}.csv",
        status=FileStatus.COMPLETED,
        etag="e",
        size=1,
        last_modified_ms=1,
        source="s",
        reason="new",
        batch_seq="000000000001-00001",
        run_id="r",
        processed_at=1,
        outputs=keys,
    )


def test_a_batch_of_files_that_each_went_to_many_partitions(ledger: Ledger) -> None:
    # Within all settings' defaults: a batch of 1,000 files and 1,000 partitions is allowed.
    items = [_item(number, 950) for number in range(70)]
    ledger.put_files(items)
    assert len(ledger.get_files(item.uri for item in items)) == len(items)


def test_a_file_that_went_to_very_many_objects(ledger: Ledger) -> None:
    item = _item(9999, 5000)
    ledger.put_files([item])
    assert ledger.get_files([item.uri])[item.uri] == item


@contract(partition_by=("a", "b", "c", "d", "e"))
class Deep:
    """Partitioned by five texts."""

    id: int
    a: str
    b: str
    c: str
    d: str
    e: str


def test_a_row_whose_partition_makes_the_key_longer_than_s3_takes() -> None:
    spec = spec_of(Deep)
    row = {"id": 1, **{name: name * 240 for name in spec.partition_by}}
    table = pa.Table.from_pylist([row], schema=arrow_schema(spec.columns))
    bad = find_unwritable(table, spec, pa.chunked_array([[1]]), folder_room("s3://lake/db/table/"))
    folder = partition_folder(spec.partition_by, tuple(row[name] for name in spec.partition_by))
    key = f"db/table/{folder}{object_name('000000000001-00001', 1, 0, '0123abcd')}"
    assert bad or len(key.encode()) <= 1024
