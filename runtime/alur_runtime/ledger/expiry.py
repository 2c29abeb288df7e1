"""The time to live of file items: given to those whose file is gone, taken back when it has come back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from alur_runtime.ledger.items import EXPIRES, HASH, RANGE, to_attributes
from alur_runtime.ledger.ledger import Ledger
from alur_runtime.ledger.transactions import Write, transact
from alur_runtime.model import FileItem
from alur_runtime.naming import file_partition, ledger_key

_WRITES: Final = 100  # of a transaction


def let_expire(ledger: Ledger, items: Iterable[FileItem], expires_at: int) -> int:
    """Let DynamoDB delete items from a time on; their files are gone and they are in the archive.

    Args:
        ledger: The table's.
        items: As they were read.
        expires_at: Epoch seconds.

    Returns:
        How many there were; one that is no longer as it was read is left alone.
    """
    update = f"SET {EXPIRES} = :until"
    return _update(ledger, items, update, {":until": expires_at})


def keep_for_good(ledger: Ledger, items: Iterable[FileItem]) -> int:
    """Take the time to live back from items whose files have come back.

    Args:
        ledger: The table's.
        items: As they were read.

    Returns:
        How many there were. One that DynamoDB has deleted meanwhile is in the archive, where the next run finds it.
    """
    return _update(ledger, items, f"REMOVE {EXPIRES}", {})


def _update(ledger: Ledger, items: Iterable[FileItem], update: str, values: dict[str, Any]) -> int:
    writes = [_write(ledger, item, update, values) for item in items]
    made = 0
    for start in range(0, len(writes), _WRITES):
        part = writes[start : start + _WRITES]
        while part:
            refused = transact(ledger.client, part)
            if not refused:
                made += len(part)
                break
            part = [w for n, w in enumerate(part) if n not in refused]
    return made


def _write(ledger: Ledger, item: FileItem, update: str, values: dict[str, Any]) -> Write:
    # Two races. A batch writes the item after it was read: what is known of the file is newer than the archive, and
    # must not expire. DynamoDB deletes it after it was read: an update without a condition would make an item anew
    # that says nothing, and hides the one in the archive.
    key = {HASH: file_partition(ledger.table_key, item.uri, ledger.shards), RANGE: ledger_key(item.uri)}
    same = {":seq": item.batch_seq, ":attempt": item.batch_attempt}
    return {
        "Update": {
            "TableName": ledger.table_name,
            "Key": to_attributes(key),
            "UpdateExpression": update,
            "ConditionExpression": "batch_seq = :seq AND batch_attempt = :attempt",
            "ExpressionAttributeValues": to_attributes({**same, **values}),
        }
    }
