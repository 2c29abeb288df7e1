"""The ledger's own limits and patience, where no run comes near them by itself."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
import world
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from alur_runtime.ledger import files as ledger_files
from alur_runtime.ledger import transactions
from alur_runtime.ledger.items import (
    HASH,
    RANGE,
    file_attributes,
    file_item,
    fits,
    from_attributes,
    item_bytes,
    to_attributes,
)
from alur_runtime.ledger.ledger import Ledger
from alur_runtime.model import FileItem, FileStatus
from tests.runtime.cloud_in_memory import worlds_in_memory

ITEM = FileItem(
    uri="s3://landing/a.csv",
    status=FileStatus.COMPLETED,
    etag="e",
    size=1,
    last_modified_ms=1,
    source="s",
    reason="new",
    batch_seq="000000000001-00001",
    run_id="r",
    processed_at=1,
)


def conflict(operation: str) -> ClientError:
    return ClientError({"Error": {"Code": "TransactionConflictException", "Message": "ongoing"}}, operation)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr(transactions.time, "sleep", slept.append)
    return slept


def test_a_single_write_waits_for_a_transaction_on_its_item(pauses: list[float]) -> None:
    answers: list[Any] = [conflict("PutItem"), conflict("PutItem"), {"done": True}]

    def call(**request: Any) -> Any:
        assert request == {"TableName": "t"}
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert transactions.patiently(call, TableName="t") == {"done": True}
    assert len(pauses) == 2


def test_patience_ends(pauses: list[float]) -> None:
    def call(**_: Any) -> Any:
        raise conflict("UpdateItem")

    with pytest.raises(ClientError):
        transactions.patiently(call)
    assert len(pauses) == 9


def test_keys_that_were_not_processed_are_asked_for_again_after_a_pause(pauses: list[float]) -> None:
    class Client:
        asked = 0

        def batch_get_item(self, RequestItems: dict[str, Any]) -> Any:  # noqa: N803  (boto3's name)
            self.asked += 1
            keys = RequestItems["state"]["Keys"]
            items = [{**to_attributes(file_attributes(ITEM)), **keys[0]}]
            left = {"state": {"Keys": keys[1:]}} if keys[1:] else {}
            return {"Responses": {"state": items}, "UnprocessedKeys": left}

    client = Client()
    found = Ledger(client, "state", "db.t", 4).get_files([f"s3://landing/{n}.csv" for n in range(4)])
    assert (len(found), client.asked, len(pauses)) == (4, 4, 3)


@given(st.integers(0, 3000), st.integers(0, 300))
def test_an_item_of_many_objects_reads_back_and_is_small(outputs: int, versions: int) -> None:
    folder = "region=" + "x" * 40
    item = attrs.evolve(
        ITEM,
        outputs=tuple(f"{folder}{n}/000000000001-00001.1.{n:04}-0123abcd.parquet" for n in range(outputs)),
        versions=tuple(f"{n:032x}" for n in range(versions)),
    )
    attributes = to_attributes(file_attributes(item))
    assert fits(item)
    assert item_bytes(attributes) < 400_000
    assert file_item(from_attributes(attributes)) == item


@settings(deadline=None)
@given(st.text(min_size=1, max_size=40), st.sampled_from([1, 100, 3_000, 9_000]), st.booleans())
def test_what_fits_is_what_the_ledger_takes(text: str, times: int, many: bool) -> None:
    told = {f"{n}{text}": text for n in range(times)} if many else {}
    item = attrs.evolve(ITEM, error=text * times, expectations=told)
    size = item_bytes(to_attributes(file_attributes(item)))
    assert fits(item) == (size <= 390_000)


@given(st.lists(st.integers(1, 400_000), max_size=300))
def test_transactions_take_what_they_may(sizes: list[int]) -> None:
    writes = [
        {"Put": {"Item": {HASH: {"S": "h"}, RANGE: {"S": f"{n}"}, "x": {"S": "x" * size}}}}
        for n, size in enumerate(sizes)
    ]
    parts = list(ledger_files._in_transactions(writes))
    assert [w for part in parts for w in part] == writes
    assert all(0 < len(part) <= 100 for part in parts)
    assert all(sum(item_bytes(w["Put"]["Item"]) for w in part) <= 4_000_000 for part in parts)


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    return world.World.make(worlds_in_memory(monkeypatch, world)()).ledger


@pytest.mark.parametrize(
    ("seq", "attempt", "is_written"),
    [("2", 1, True), ("1", 3, True), ("1", 2, False), ("1", 1, False), ("0", 9, False)],
)
def test_a_file_item_is_written_only_over_one_of_an_older_batch_or_attempt(
    ledger: Ledger, seq: str, attempt: int, is_written: bool
) -> None:
    """A batch that was taken back writes its items once more; a zombie of its first attempt must not undo that."""
    there = attrs.evolve(ITEM, batch_seq="1", batch_attempt=2)
    ledger.put_files([there])
    later = attrs.evolve(ITEM, batch_seq=seq, batch_attempt=attempt, etag="other")
    ledger.put_files([later])
    assert list(ledger.files()) == [later if is_written else there]
