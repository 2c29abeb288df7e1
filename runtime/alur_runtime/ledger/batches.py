"""Batches: created under a lease, moved on by whoever holds them, committed once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs
from botocore.exceptions import ClientError

from alur_runtime.errors import FencedOffError
from alur_runtime.ledger.base import LedgerItems, days_from, now_s, old_item
from alur_runtime.ledger.items import BATCH, EXPIRES, HASH, LEASE, batch_item, plain, to_attributes
from alur_runtime.ledger.transactions import Write, patiently, transact
from alur_runtime.model import BatchItem, BatchStatus, Lease

_CREATE_WRITES: Final = 99  # of a transaction's 100 one checks the lease


@attrs.frozen
class Batches(LedgerItems):
    """The batch items of a table."""

    def open_batches(self, since: str = "") -> list[BatchItem]:
        """The batches that are processing or committed, oldest first.

        Args:
            since: Sequence below which all are known to be closed (`Lease.oldest_open`): DynamoDB reads, and bills,
                every closed batch that this leaves in.
        """
        is_open = {"FilterExpression": "#status IN (:processing, :committed)"}
        values = {":processing": BatchStatus.PROCESSING, ":committed": BatchStatus.COMMITTED}
        names = {"#status": "status"}
        found = self._query(self.table_key, BATCH, since=since, extra=is_open, values=values, names=names)
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
        check = self._check_token(lease)
        for start in range(0, len(batches), _CREATE_WRITES):
            part = batches[start : start + _CREATE_WRITES]
            refused = transact(self.client, [check, *(self._create(b) for b in part)])
            if refused and not self._were_created(part):
                raise FencedOffError(f"plan under token {lease.token} of {self.table_key}")

    def split(self, batch: BatchItem, parts: Sequence[BatchItem], error: str, lease: Lease, history_days: int) -> None:
        """End a processing batch of a dead run and create smaller ones of its files, all at once.

        Raises:
            FencedOffError: If the batch is not as it was read, or another run has taken the planning lease since.
        """
        ended = attrs.evolve(batch, status=BatchStatus.FAILED, error=error)
        end = {"Put": self._moved(batch, ended, expires=days_from(now_s(), history_days))}
        refused = transact(self.client, [self._check_token(lease), end, *(self._create(b) for b in parts)])
        if refused and not self._were_created(parts):
            raise FencedOffError(f"split of batch {batch.seq}")

    def _check_token(self, lease: Lease) -> Write:
        # The race: this run's lease expires while it plans, another plans the same files and creates its batches.
        # The check of the token is in the same transaction as the creation, so that only one of the plans can be.
        return {
            "ConditionCheck": {
                "TableName": self.table_name,
                "Key": self._key(LEASE),
                "ConditionExpression": "#token = :token",
                "ExpressionAttributeNames": {"#token": "token"},
                "ExpressionAttributeValues": to_attributes({":token": lease.token}),
            }
        }

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

    def begin(self, batch: BatchItem) -> None:
        """Write down that work on a processing batch begins; what the run writes of it next takes that back.

        A run that ends without writing anything leaves the mark: what it worked on may have been what ended it.

        Raises:
            FencedOffError: If another run has taken it over since.
        """
        self._move(batch, attrs.evolve(batch, begun=batch.begun + 1))

    def note_failures(self, batch: BatchItem, error: str, count: int = 1) -> None:
        """Write down that work on a processing batch met an error: it stays for the next run.

        Args:
            batch: As it was read.
            error: What was met last.
            count: As how many failures it counts.

        Raises:
            FencedOffError: If another run has taken it over since.
        """
        self._move(batch, attrs.evolve(batch, failures=batch.failures + count, error=error))

    def commit(self, batch: BatchItem, commit_uri: str) -> BatchItem:
        """Make a batch's commit manifest true: the one write that decides.

        Raises:
            FencedOffError: If the batch was adopted by another run: its commit counts, not this one.
        """
        committed = attrs.evolve(batch, status=BatchStatus.COMMITTED, commit_uri=commit_uri)
        self._move(batch, committed)
        return committed

    def reopen(self, batch: BatchItem, owner: str) -> BatchItem:
        """Make a committed batch, whose uploads were lost and put away, one that takes itself back.

        Raises:
            FencedOffError: If another run has moved it on since.
        """
        again = attrs.evolve(
            batch, status=BatchStatus.PROCESSING, owner=owner, attempt=batch.attempt + 1, commit_uri="", undo=True
        )
        self._move(batch, again)
        return again

    def give_up(self, batch: BatchItem, error: str, history_days: int) -> None:
        """End a processing batch that cannot be done; its files are planned again.

        Raises:
            FencedOffError: If another run has taken it over since.
        """
        failed = attrs.evolve(batch, status=BatchStatus.FAILED, error=error)
        self._move(batch, failed, expires=days_from(now_s(), history_days))

    def complete(self, batch: BatchItem, history_days: int) -> None:
        """Close a batch that was rolled forward; does nothing if another run has closed it already."""
        try:
            self._move(
                batch,
                attrs.evolve(batch, status=BatchStatus.COMPLETED),
                expires=days_from(now_s(), history_days),
            )
        except FencedOffError:
            found = self.batch(batch.seq)
            if found is not None and found.status is not BatchStatus.COMPLETED:
                raise

    def _move(self, before: BatchItem, after: BatchItem, expires: int | None = None) -> None:
        """Change a batch's item if owner, attempt and status are still those that were read."""
        try:
            patiently(
                self.client.put_item,
                **self._moved(before, after, expires),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            found = old_item(error)
            # A lost answer: the item is already just what this call was to make of it.
            if not found or batch_item(found) != after:
                raise FencedOffError(f"{before.status} -> {after.status} of batch {before.seq}") from error

    def _moved(self, before: BatchItem, after: BatchItem, expires: int | None) -> dict[str, Any]:
        """The write that changes a batch's item, and its condition."""
        values = {**self._plain_key(BATCH + after.seq), **plain(after)}
        if expires is not None:
            values[EXPIRES] = expires
        return {
            "TableName": self.table_name,
            "Item": to_attributes(values),
            "ConditionExpression": "#owner = :owner AND attempt = :attempt AND #status = :status",
            "ExpressionAttributeNames": {"#owner": "owner", "#status": "status"},
            "ExpressionAttributeValues": to_attributes(
                {":owner": before.owner, ":attempt": before.attempt, ":status": before.status}
            ),
        }
