"""The planning lease: who plans, and under which token."""

from __future__ import annotations

from typing import Any

import attrs
from botocore.exceptions import ClientError

from alur_runtime.aws import error_code
from alur_runtime.ledger.base import LedgerItems, now_ms, old_item
from alur_runtime.ledger.items import LEASE, from_attributes, plain, to_attributes
from alur_runtime.ledger.transactions import patiently
from alur_runtime.model import Learnt, Lease


@attrs.frozen
class PlanningLease(LedgerItems):
    """The lease item of a table."""

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
        found = self._take(owner, seconds, count=1)
        if found.get("owner") != owner:
            return str(found.get("owner", "another run"))
        learnt = {name: found[name] for name in attrs.fields_dict(Learnt) if name in found}
        return Lease(owner, found["token"], **{"ledger_files": 0, **learnt})

    def _take(self, owner: str, seconds: float, *, count: int) -> dict[str, Any]:
        """Take the lease if it is free or has expired, and add to its token; the item as it is then, whoever's."""
        try:
            answer = patiently(
                self.client.update_item,
                TableName=self.table_name,
                Key=self._key(LEASE),
                UpdateExpression="SET #owner = :me, expires_at_ms = :until ADD #token :count",
                ConditionExpression="attribute_not_exists(#owner) OR expires_at_ms < :now",
                ExpressionAttributeNames={"#owner": "owner", "#token": "token"},
                ExpressionAttributeValues=to_attributes(
                    {":me": owner, ":until": now_ms() + int(seconds * 1000), ":now": now_ms(), ":count": count}
                ),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
            return from_attributes(answer["Attributes"])
        except ClientError as error:
            return old_item(error)  # with its own name in it: the answer to an earlier try was lost

    def renew_lease(self, owner: str, seconds: float) -> None:
        """Hold the lease longer; does nothing if it has been taken by another since."""
        self._update_lease(owner, "SET expires_at_ms = :until", {":until": now_ms() + int(seconds * 1000)})

    def release_lease(self, owner: str, learnt: Learnt) -> None:
        """Give the lease back; does nothing if it has been taken by another since.

        Args:
            owner: As it was taken.
            learnt: Is written down for those who take it next.
        """
        values, update = plain(learnt), "REMOVE #owner, expires_at_ms"
        if values:
            update += " SET " + ", ".join(f"{name} = :{name}" for name in values)
        self._update_lease(owner, update, {f":{name}": value for name, value in values.items()})

    def _update_lease(self, owner: str, update: str, values: dict[str, Any]) -> None:
        try:
            patiently(
                self.client.update_item,
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
