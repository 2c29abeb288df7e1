"""What a rebuild asks of the ledger beyond what a run does. Each write is conditional, as everywhere."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
from botocore.exceptions import ClientError

from alur_runtime.errors import FencedOffError
from alur_runtime.ledger.base import days_from, now_s, old_item
from alur_runtime.ledger.items import BATCH, EXPIRES, HASH, LEASE, batch_item, plain, to_attributes
from alur_runtime.ledger.ledger import Ledger
from alur_runtime.model import BatchItem, BatchStatus

_CLOSED = (BatchStatus.COMPLETED, BatchStatus.FAILED)


@attrs.frozen
class RebuildLedger(Ledger):
    """The ledger of a table, open to a rebuild."""

    def hold(self, owner: str, seconds: float) -> str:
        """Take the planning lease, if it is free or has expired, and leave its token as it is.

        The race: a rebuild dies half-way, and the next run finds the token nearer to what S3 shows, or there. As long
        as the token stays, each run refuses the ledger; `bring_up` is the last thing that a rebuild does.

        Args:
            owner: A name used for this one attempt only.
            seconds: For how long.

        Returns:
            Empty, or the name of the owner that holds it.
        """
        found = self._take(owner, seconds, count=0).get("owner", "another run")
        return "" if found == owner else str(found)

    def bring_up(self, owner: str, token: int) -> None:
        """Raise the planning lease's token, and give the lease back: from now on runs take the ledger.

        Args:
            owner: As it was taken.
            token: Of the last plan that S3 shows, or the lease's own if that is larger.

        Raises:
            FencedOffError: If the lease has been taken by another since.
        """
        try:
            self.client.update_item(
                TableName=self.table_name,
                Key=self._key(LEASE),
                # Batches may be open now below what was the oldest open one.
                UpdateExpression="SET #token = :token REMOVE #owner, expires_at_ms, oldest_open",
                ConditionExpression="#owner = :me AND #token <= :token",
                ExpressionAttributeNames={"#owner": "owner", "#token": "token"},
                ExpressionAttributeValues=to_attributes({":me": owner, ":token": token}),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            found = old_item(error)
            # A lost answer: it is free, and at that token. If a run has it by now, it has found the ledger right.
            if "owner" in found or found.get("token") != token:
                raise FencedOffError(f"rebuild of {self.table_key}") from error

    def batches(self, since: str) -> Iterator[BatchItem]:
        """Every batch item from a sequence on; all if it is empty."""
        return (batch_item(values) for values in self._query(self.table_key, BATCH, since=since))

    def last_batches(self, limit: int) -> Iterator[BatchItem]:
        """The batches that were created last, newest first."""
        for count, values in enumerate(self._query(self.table_key, BATCH, forward=False)):
            if count == limit:
                return
            yield batch_item(values)

    def add(self, batch: BatchItem, history_days: int) -> None:
        """Create the item of a batch that S3 proves; does nothing if there is one already.

        Runs that come between find it, or S3 ahead of the lease's token: neither plans its files.
        """
        values = {**self._plain_key(BATCH + batch.seq), **plain(batch)}
        if batch.status in _CLOSED:
            values[EXPIRES] = days_from(now_s(), history_days)
        try:
            self.client.put_item(
                TableName=self.table_name,
                Item=to_attributes(values),
                ConditionExpression=f"attribute_not_exists({HASH})",
            )
        except ClientError as error:
            old_item(error)

    def settle(self, before: BatchItem, after: BatchItem, history_days: int) -> None:
        """Make a batch's item what S3 proves it to be.

        Raises:
            FencedOffError: If it is not as it was read.
        """
        self._move(before, after, expires=days_from(now_s(), history_days) if after.status in _CLOSED else None)
