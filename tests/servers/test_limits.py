"""Commits that are too large for DynamoDB: AWS's own limits, by AWS's own implementation of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from alur_pulumi.local.clients import local_client
from alur_runtime.ledger import Ledger
from alur_runtime.model import FileItem, FileStatus
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


@pytest.mark.xfail(strict=True, reason="put_files counts a transaction's writes and not its bytes: the table is stuck")
def test_a_batch_of_files_that_each_went_to_many_partitions(ledger: Ledger) -> None:
    # Within all settings' defaults: a batch of 1,000 files and 1,000 partitions is allowed.
    items = [_item(number, 950) for number in range(70)]
    ledger.put_files(items)
    assert len(ledger.get_files(item.uri for item in items)) == len(items)


@pytest.mark.xfail(strict=True, reason="a file item has to fit 400 KB with all its outputs: the table is stuck")
def test_a_file_that_went_to_very_many_objects(ledger: Ledger) -> None:
    item = _item(9999, 5000)
    ledger.put_files([item])
    assert ledger.get_files([item.uri])[item.uri] == item
