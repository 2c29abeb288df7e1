"""What all of the ledger's items have in common: their keys, and how they are read. No condition stands here."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final

import attrs
from botocore.exceptions import ClientError

from alur_runtime.aws import error_code
from alur_runtime.ledger.items import HASH, RANGE, from_attributes, to_attributes

_DAY_SECONDS: Final = 86_400
_LAST: Final = "~"  # sorts after every sequence


def now_s() -> int:
    """The wall clock in whole seconds."""
    return int(time.time())


def now_ms() -> int:
    """The wall clock; it decides who works, never who wins."""
    return int(time.time() * 1000)


def days_from(start: int, days: int) -> int:
    """So many days after a time, in epoch seconds: when DynamoDB may forget an item."""
    return start + days * _DAY_SECONDS


@attrs.frozen
class LedgerItems:
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
        since: str = "",
        forward: bool = True,
        extra: dict[str, Any] | None = None,
        values: dict[str, Any] | None = None,
        names: dict[str, str] | None = None,
    ) -> Iterator[dict[str, Any]]:
        condition, keys = f"{HASH} = :hash", {":hash": hash_key}
        if since:
            condition = f"{condition} AND {RANGE} BETWEEN :first AND :last"
            keys |= {":first": prefix + since, ":last": prefix + _LAST}
        elif prefix:
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


def old_item(error: ClientError) -> dict[str, Any]:
    """The item that failed a condition; any other error is raised again."""
    if error_code(error) != "ConditionalCheckFailedException":
        raise error
    return from_attributes(error.response.get("Item", {}))
