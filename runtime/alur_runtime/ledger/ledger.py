"""The ledger in DynamoDB: leases, runs, batches and files, and the conditions that fence them.

Every condition is written so that an answer lost on the way (boto3 then tries again, and the second try fails its own
condition) is recognised as the success that it was.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import attrs
from botocore.exceptions import ClientError

from alur_runtime.aws import error_code
from alur_runtime.errors import FencedOffError
from alur_runtime.ledger.items import (
    BATCH,
    EXPIRES,
    HASH,
    LEASE,
    RANGE,
    RUN,
    batch_item,
    file_attributes,
    file_item,
    from_attributes,
    plain,
    run_item,
    to_attributes,
)
from alur_runtime.ledger.transactions import Write, transact
from alur_runtime.model import BatchItem, BatchStatus, FileItem, Lease, RunItem
from alur_runtime.naming import file_partition, ledger_key, shard_key

_BATCH_GET_KEYS: Final = 100
_CREATE_WRITES: Final = 99  # of a transaction's 100 one checks the lease
_DAY_SECONDS: Final = 86_400


def now_ms() -> int:
    """The wall clock; it decides who works, never who wins."""
    return int(time.time() * 1000)


@attrs.frozen
class Ledger:
    """The items of one table in the state table.

    Attributes:
        client: A boto3 DynamoDB client.
        table_name: The state table.
        table_key: The ingested table's key, such as ``sales.orders``.
        shards: Over how many hash keys file items are spread.
    """

    client: Any
    table_name: str
    table_key: str
    shards: int

    # --- the planning lease ---------------------------------------------------------------------------------------

    def try_lease(self, owner: str, seconds: float) -> Lease | str:
        """Take the planning lease if it is free or has expired; its token counts up.

        Args:
            owner: A name used for this one attempt only, so that one's own lost success can be told.
            seconds: For how long.

        Returns:
            The lease, or the name of the owner that holds it.
        """
        # The race: two runs plan at once and put the same new file into two batches. The lease makes that rare;
        # the token, which `create_batches` checks, makes it impossible.
        try:
            answer = self.client.update_item(
                TableName=self.table_name,
                Key=self._key(LEASE),
                UpdateExpression="SET #owner = :me, expires_at_ms = :until ADD #token :one",
                ConditionExpression="attribute_not_exists(#owner) OR expires_at_ms < :now",
                ExpressionAttributeNames={"#owner": "owner", "#token": "token"},
                ExpressionAttributeValues=to_attributes(
                    {":me": owner, ":until": now_ms() + int(seconds * 1000), ":now": now_ms(), ":one": 1}
                ),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
            found = from_attributes(answer["Attributes"])
        except ClientError as error:
            found = _old_item(error)
            if found.get("owner") != owner:
                return str(found.get("owner", "another run"))
        return Lease(owner, found["token"], found.get("ledger_files", 0))

    def renew_lease(self, owner: str, seconds: float) -> None:
        """Hold the lease longer; does nothing if it has been taken by another since."""
        self._update_lease(owner, "SET expires_at_ms = :until", {":until": now_ms() + int(seconds * 1000)})

    def release_lease(self, owner: str, ledger_files: int | None) -> None:
        """Give the lease back; does nothing if it has been taken by another since.

        Args:
            owner: As it was taken.
            ledger_files: How many file items planning saw, if it saw them all.
        """
        update, values = "REMOVE #owner, expires_at_ms", dict[str, Any]()
        if ledger_files is not None:
            update, values = f"{update} SET ledger_files = :files", {":files": ledger_files}
        self._update_lease(owner, update, values)

    def _update_lease(self, owner: str, update: str, values: dict[str, Any]) -> None:
        try:
            self.client.update_item(
                TableName=self.table_name,
                Key=self._key(LEASE),
                UpdateExpression=update,
                ConditionExpression="#owner = :me",
                ExpressionAttributeNames={"#owner": "owner"},
                ExpressionAttributeValues=to_attributes({":me": owner, **values}),
            )
        except ClientError as error:
            if error_code(error) != "ConditionalCheckFailedException":
                raise

    def lease(self) -> dict[str, Any] | None:
        """The lease item as plain values, or None before the first run."""
        return self._get(LEASE)

    # --- runs -----------------------------------------------------------------------------------------------------

    def put_run(self, run: RunItem, history_days: int) -> None:
        """Write a run's item; only the run itself writes it."""
        expires = run.started_at + history_days * _DAY_SECONDS
        values = {**self._plain_key(RUN + run.run_id), **plain(run), EXPIRES: expires}
        self.client.put_item(TableName=self.table_name, Item=to_attributes(values))

    def heartbeat(self, run_id: str, lease_expires_at_ms: int) -> None:
        """Say that a run is alive until then."""
        self.client.update_item(
            TableName=self.table_name,
            Key=self._key(RUN + run_id),
            UpdateExpression="SET lease_expires_at_ms = :until",
            ExpressionAttributeValues=to_attributes({":until": lease_expires_at_ms}),
        )

    def run(self, run_id: str) -> RunItem | None:
        """A run's item."""
        found = self._get(RUN + run_id)
        return None if found is None else run_item(found)

    def runs(self, limit: int) -> Iterator[RunItem]:
        """The latest runs, newest first."""
        for count, values in enumerate(self._query(self.table_key, RUN, forward=False)):
            if count == limit:
                return
            yield run_item(values)

    # --- batches --------------------------------------------------------------------------------------------------

    def open_batches(self) -> list[BatchItem]:
        """The batches that are processing or committed, oldest first."""
        is_open = {"FilterExpression": "#status IN (:processing, :committed)"}
        values = {":processing": BatchStatus.PROCESSING, ":committed": BatchStatus.COMMITTED}
        found = self._query(self.table_key, BATCH, extra=is_open, values=values, names={"#status": "status"})
        return [batch_item(v) for v in found]

    def batch(self, seq: str) -> BatchItem | None:
        """A batch's item."""
        found = self._get(BATCH + seq)
        return None if found is None else batch_item(found)

    def create_batches(self, batches: Sequence[BatchItem], lease: Lease) -> None:
        """Create batches, if the planning lease's token is still the one they were planned under.

        Raises:
            FencedOffError: If another run has taken the lease since: its plan counts, not this one.
        """
        # The race: this run's lease expires while it plans, another plans the same files and creates its batches.
        # The check of the token is in the same transaction as the creation, so that only one of the plans can be.
        check: Write = {
            "ConditionCheck": {
                "TableName": self.table_name,
                "Key": self._key(LEASE),
                "ConditionExpression": "#token = :token",
                "ExpressionAttributeNames": {"#token": "token"},
                "ExpressionAttributeValues": to_attributes({":token": lease.token}),
            }
        }
        for start in range(0, len(batches), _CREATE_WRITES):
            part = batches[start : start + _CREATE_WRITES]
            refused = transact(self.client, [check, *(self._create(b) for b in part)])
            if refused and not self._were_created(part):
                raise FencedOffError(f"plan under token {lease.token} of {self.table_key}")

    def _create(self, batch: BatchItem) -> Write:
        return {
            "Put": {
                "TableName": self.table_name,
                "Item": to_attributes({**self._plain_key(BATCH + batch.seq), **plain(batch)}),
                "ConditionExpression": f"attribute_not_exists({HASH})",
            }
        }

    def _were_created(self, batches: Sequence[BatchItem]) -> bool:
        """Whether a refused creation had in truth been made by an earlier try whose answer was lost."""
        last = self.batch(batches[-1].seq)  # a transaction is all or nothing: one stands for all
        return last is not None and last.plan_uri == batches[-1].plan_uri and last.owner == batches[-1].owner

    def adopt(self, batch: BatchItem, owner: str) -> BatchItem:
        """Take over a processing batch of a dead run.

        Raises:
            FencedOffError: If it is not as it was read: another run has it, or it was committed after all.
        """
        # The race: two runs adopt the same batch, or its owner was only slow and commits now. Each adoption counts
        # the attempt up, and a commit names its attempt: only one of them can be the one that commits.
        taken = attrs.evolve(batch, owner=owner, attempt=batch.attempt + 1)
        self._move(batch, taken)
        return taken

    def commit(self, batch: BatchItem, commit_uri: str) -> BatchItem:
        """Make a batch's commit manifest true: the one write that decides.

        Raises:
            FencedOffError: If the batch was adopted by another run: its commit counts, not this one.
        """
        committed = attrs.evolve(batch, status=BatchStatus.COMMITTED, commit_uri=commit_uri)
        self._move(batch, committed)
        return committed

    def reopen(self, batch: BatchItem, owner: str) -> BatchItem:
        """Start a committed batch anew whose uploads were lost and put away.

        Raises:
            FencedOffError: If another run has moved it on since.
        """
        again = attrs.evolve(
            batch, status=BatchStatus.PROCESSING, owner=owner, attempt=batch.attempt + 1, commit_uri="", reopened=True
        )
        self._move(batch, again)
        return again

    def give_up(self, batch: BatchItem, error: str, history_days: int) -> None:
        """End a processing batch that cannot be done; its files are planned again.

        Raises:
            FencedOffError: If another run has taken it over since.
        """
        failed = attrs.evolve(batch, status=BatchStatus.FAILED, error=error)
        self._move(batch, failed, expires=_expiry(history_days))

    def complete(self, batch: BatchItem, history_days: int) -> None:
        """Close a batch that was rolled forward; does nothing if another run has closed it already."""
        try:
            self._move(batch, attrs.evolve(batch, status=BatchStatus.COMPLETED), expires=_expiry(history_days))
        except FencedOffError:
            found = self.batch(batch.seq)
            if found is not None and found.status is not BatchStatus.COMPLETED:
                raise

    def _move(self, before: BatchItem, after: BatchItem, expires: int | None = None) -> None:
        """Change a batch's item if owner, attempt and status are still those that were read."""
        values = {**self._plain_key(BATCH + after.seq), **plain(after)}
        if expires is not None:
            values[EXPIRES] = expires
        try:
            self.client.put_item(
                TableName=self.table_name,
                Item=to_attributes(values),
                ConditionExpression="#owner = :owner AND attempt = :attempt AND #status = :status",
                ExpressionAttributeNames={"#owner": "owner", "#status": "status"},
                ExpressionAttributeValues=to_attributes(
                    {":owner": before.owner, ":attempt": before.attempt, ":status": before.status}
                ),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            found = _old_item(error)
            # A lost answer: the item is already just what this call was to make of it.
            if not found or batch_item(found) != after:
                raise FencedOffError(f"{before.status} -> {after.status} of batch {before.seq}") from error

    # --- files ----------------------------------------------------------------------------------------------------

    def files(self) -> Iterator[FileItem]:
        """Every file item, merged over the shards in the byte order of their keys."""
        streams = [self._query(shard_key(self.table_key, n), "") for n in range(self.shards)]
        merged = heapq.merge(*streams, key=lambda values: values[RANGE].encode())
        return (file_item(values) for values in merged)

    def get_files(self, uris: Iterable[str]) -> dict[str, FileItem]:
        """The items of some files, by URI; a file without an item is not in it."""
        wanted = [(file_partition(self.table_key, uri, self.shards), ledger_key(uri)) for uri in dict.fromkeys(uris)]
        found: dict[str, FileItem] = {}
        while wanted:
            part, wanted = wanted[:_BATCH_GET_KEYS], wanted[_BATCH_GET_KEYS:]
            keys = [to_attributes({HASH: h, RANGE: r}) for h, r in part]
            answer = self.client.batch_get_item(RequestItems={self.table_name: {"Keys": keys, "ConsistentRead": True}})
            for values in answer["Responses"].get(self.table_name, ()):
                item = file_item(from_attributes(values))
                found[item.uri] = item
            left = answer.get("UnprocessedKeys", {}).get(self.table_name, {}).get("Keys", ())
            wanted.extend((k[HASH]["S"], k[RANGE]["S"]) for k in left)
        return found

    def put_files(self, items: Sequence[FileItem], progress: Callable[[int], None] = lambda _: None) -> None:
        """Write file items, each only over one of a smaller batch sequence.

        Args:
            items: At most one of a URI.
            progress: Called with the number written after each transaction.
        """
        for start in range(0, len(items), _BATCH_GET_KEYS):
            writes = [self._put_file(item) for item in items[start : start + _BATCH_GET_KEYS]]
            while writes:
                refused = transact(self.client, writes)
                # A refused item is newer in the ledger (or this very one, written by another run that rolls the
                # same batch forward): it stays, and the rest of the transaction goes again without it.
                writes = [w for n, w in enumerate(writes) if n not in refused] if refused else []
            progress(min(start + _BATCH_GET_KEYS, len(items)))

    def _put_file(self, item: FileItem) -> Write:
        # The race: a zombie that rolls an old batch forward writes its file items after a newer batch has written
        # its own. Unconditional, that makes the ledger say "old version", and the next run takes the new one twice.
        hash_key = file_partition(self.table_key, item.uri, self.shards)
        return {
            "Put": {
                "TableName": self.table_name,
                "Item": to_attributes({HASH: hash_key, **file_attributes(item)}),
                "ConditionExpression": "attribute_not_exists(batch_seq) OR batch_seq < :seq",
                "ExpressionAttributeValues": to_attributes({":seq": item.batch_seq}),
            }
        }

    # --- shared ---------------------------------------------------------------------------------------------------

    def _plain_key(self, range_key: str) -> dict[str, str]:
        return {HASH: self.table_key, RANGE: range_key}

    def _key(self, range_key: str) -> dict[str, Any]:
        return to_attributes(self._plain_key(range_key))

    def _get(self, range_key: str) -> dict[str, Any] | None:
        answer = self.client.get_item(TableName=self.table_name, Key=self._key(range_key), ConsistentRead=True)
        return from_attributes(answer["Item"]) if "Item" in answer else None

    def _query(
        self,
        hash_key: str,
        prefix: str,
        *,
        forward: bool = True,
        extra: dict[str, Any] | None = None,
        values: dict[str, Any] | None = None,
        names: dict[str, str] | None = None,
    ) -> Iterator[dict[str, Any]]:
        condition, keys = f"{HASH} = :hash", {":hash": hash_key}
        if prefix:
            condition, keys = f"{condition} AND begins_with({RANGE}, :prefix)", {**keys, ":prefix": prefix}
        request: dict[str, Any] = {
            "TableName": self.table_name,
            "ConsistentRead": True,
            "ScanIndexForward": forward,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": to_attributes({**keys, **(values or {})}),
            **({"ExpressionAttributeNames": names} if names else {}),
            **(extra or {}),
        }
        while True:
            answer = self.client.query(**request)
            yield from map(from_attributes, answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def _expiry(history_days: int) -> int:
    """When DynamoDB may forget a closed batch, in epoch seconds."""
    return int(time.time()) + history_days * _DAY_SECONDS


def _old_item(error: ClientError) -> dict[str, Any]:
    """The item that failed a condition; any other error is raised again."""
    if error_code(error) != "ConditionalCheckFailedException":
        raise error
    return from_attributes(error.response.get("Item", {}))
