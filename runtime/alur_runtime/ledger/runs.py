"""Runs: each has an item, which its heartbeat keeps alive."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from alur_runtime.ledger.base import LedgerItems, days_from
from alur_runtime.ledger.items import EXPIRES, HASH, RUN, plain, run_item, to_attributes
from alur_runtime.model import RunItem


@attrs.frozen
class Runs(LedgerItems):
    """The run items of a table."""

    def put_run(self, run: RunItem, history_days: int) -> None:
        """Write a run's item; only the run itself writes it."""
        expires = days_from(run.started_at, history_days)
        values = {**self._plain_key(RUN + run.run_id), **plain(run), EXPIRES: expires}
        self.client.put_item(TableName=self.table_name, Item=to_attributes(values))

    def heartbeat(self, run_id: str, lease_expires_at_ms: int) -> None:
        """Say that a run is alive until then."""
        self.client.update_item(
            TableName=self.table_name,
            Key=self._key(RUN + run_id),
            UpdateExpression="SET lease_expires_at_ms = :until",
            # A run that lives through a restore of the ledger must not leave half an item, which nobody could read.
            ConditionExpression=f"attribute_exists({HASH})",
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
