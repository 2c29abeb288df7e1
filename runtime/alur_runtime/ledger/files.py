"""Files: what became of each, written only over what is older."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import attrs
from botocore.exceptions import ClientError

from alur_runtime.ledger.base import LedgerItems, old_item
from alur_runtime.ledger.items import (
    HASH,
    RANGE,
    file_attributes,
    file_item,
    from_attributes,
    item_bytes,
    to_attributes,
)
from alur_runtime.ledger.transactions import Write, pause, transact
from alur_runtime.model import FileItem, FileStatus
from alur_runtime.naming import file_partition, ledger_key, shard_key

_BATCH_GET_KEYS: Final = 100
_MOST_PATIENT: Final = 8  # pauses grow no longer than some seconds
_TRANSACTION_WRITES: Final = 100
_TRANSACTION_BYTES: Final = 3_500_000  # DynamoDB takes 4 MB, and counts a little more than the items
# Of a batch that was taken back and so done in two attempts the later one's item stands.
_OLDER: Final = "attribute_not_exists(batch_seq) OR batch_seq < :seq OR (batch_seq = :seq AND batch_attempt < :attempt)"


@attrs.frozen
class Files(LedgerItems):
    """The file items of a table."""

    def files(self) -> Iterator[FileItem]:
        """Every file item, merged over the shards in the byte order of their keys."""
        streams = [self._query(shard_key(self.table_key, n), "") for n in range(self.shards)]
        merged = heapq.merge(*streams, key=lambda values: values[RANGE].encode())
        return (file_item(values) for values in merged)

    def get_files(self, uris: Iterable[str]) -> dict[str, FileItem]:
        """The items of some files, by URI; a file without an item is not in it."""
        wanted = [(file_partition(self.table_key, uri, self.shards), ledger_key(uri)) for uri in dict.fromkeys(uris)]
        found: dict[str, FileItem] = {}
        attempt = 0
        while wanted:
            part, wanted = wanted[:_BATCH_GET_KEYS], wanted[_BATCH_GET_KEYS:]
            keys = [to_attributes({HASH: h, RANGE: r}) for h, r in part]
            answer = self.client.batch_get_item(RequestItems={self.table_name: {"Keys": keys, "ConsistentRead": True}})
            for values in answer["Responses"].get(self.table_name, ()):
                item = file_item(from_attributes(values))
                found[item.uri] = item
            left = answer.get("UnprocessedKeys", {}).get(self.table_name, {}).get("Keys", ())
            attempt = min(attempt + 1, _MOST_PATIENT) if left else 0
            if left:
                pause(attempt)  # DynamoDB has more to do than it can
            wanted.extend((k[HASH]["S"], k[RANGE]["S"]) for k in left)
        return found

    def put_files(self, items: Sequence[FileItem], progress: Callable[[int], None] = lambda _: None) -> None:
        """Write file items, each only over one of a smaller batch sequence.

        Args:
            items: At most one of a URI.
            progress: Called with the number written after each transaction.
        """
        done = 0
        for part in _in_transactions([self._put_file(item) for item in items]):
            writes = part
            while writes:
                refused = transact(self.client, writes)
                # A refused item is newer in the ledger (or this very one, written by another run that rolls the
                # same batch forward): it stays, and the rest of the transaction goes again without it.
                writes = [w for n, w in enumerate(writes) if n not in refused] if refused else []
            done += len(part)
            progress(done)

    def try_again(self, item: FileItem) -> bool:
        """Have a failed file taken by the next run, as if it had failed under other code.

        Returns:
            False if it is not as it was read: something else has become of it since.
        """
        key = {HASH: file_partition(self.table_key, item.uri, self.shards), RANGE: ledger_key(item.uri)}
        values = {
            ":code": "",
            ":seq": item.batch_seq,
            ":attempt": item.batch_attempt,
            ":failed": FileStatus.FAILED,
        }
        try:
            self.client.update_item(
                TableName=self.table_name,
                Key=to_attributes(key),
                UpdateExpression="SET code = :code",
                ConditionExpression="batch_seq = :seq AND batch_attempt = :attempt AND #status = :failed",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues=to_attributes(values),
            )
        except ClientError as error:
            old_item(error)
            return False
        return True

    def _put_file(self, item: FileItem) -> Write:
        # The race: a zombie that rolls an old batch forward writes its file items after a newer batch has written
        # its own. Unconditional, that makes the ledger say "old version", and the next run takes the new one twice.
        hash_key = file_partition(self.table_key, item.uri, self.shards)
        return {
            "Put": {
                "TableName": self.table_name,
                "Item": to_attributes({HASH: hash_key, **file_attributes(item)}),
                "ConditionExpression": _OLDER,
                "ExpressionAttributeValues": to_attributes({":seq": item.batch_seq, ":attempt": item.batch_attempt}),
            }
        }


def _in_transactions(writes: list[Write]) -> Iterator[list[Write]]:
    """The writes by as many as a transaction takes, in count and in bytes."""
    part: list[Write] = []
    size = 0
    for write in writes:
        bytes_ = item_bytes(write["Put"]["Item"])
        if part and (len(part) == _TRANSACTION_WRITES or size + bytes_ > _TRANSACTION_BYTES):
            yield part
            part, size = [], 0
        part.append(write)
        size += bytes_
    if part:
        yield part
