"""The limits of DynamoDB that a request must keep to; one that does not is a bug of the runtime's."""

from __future__ import annotations

from typing import Any, Final

from tests.simulation.cloud.answers import LimitBrokenError
from tests.simulation.cloud.expressions import Item

HASH, RANGE = "ingestion_key", "file_path"
ITEM_BYTES: Final = 400 * 1024
BATCH_GET_KEYS: Final = 100
BATCH_GET_BYTES: Final = 16 * 1024 * 1024
TRANSACTION_ACTIONS: Final = 100
TRANSACTION_BYTES: Final = 4 * 1024 * 1024
_HASH_BYTES: Final = 2048
_RANGE_BYTES: Final = 1024
_NUMBER_DIGITS: Final = 38
_TOKEN_CHARACTERS: Final = 36


def check_key(key: Item) -> tuple[str, str]:
    """The two texts of a key."""
    if set(key) != {HASH, RANGE}:
        raise LimitBrokenError(f"the key has {sorted(key)}: {HASH} and {RANGE} are wanted")
    hash_key, range_key = key[HASH].get("S"), key[RANGE].get("S")
    for value, most in ((hash_key, _HASH_BYTES), (range_key, _RANGE_BYTES)):
        if not isinstance(value, str) or not 1 <= len(value.encode()) <= most:
            raise LimitBrokenError(f"a key of {len(str(value).encode())} bytes; allowed are 1 to {most}: {value!r}")
    assert isinstance(hash_key, str)
    assert isinstance(range_key, str)
    return hash_key, range_key


def check_item(item: Item) -> None:
    """Its key, its size and its values."""
    check_key({HASH: item.get(HASH, {}), RANGE: item.get(RANGE, {})})
    if (size := size_of(item)) > ITEM_BYTES:
        raise LimitBrokenError(f"an item of {size:,} bytes, {ITEM_BYTES:,} are allowed: {item[RANGE]}")


def check_transaction(keys: list[tuple[str, str]], size: int, token: str) -> None:
    """How many actions, on different items, of how many bytes."""
    if not 1 <= len(keys) <= TRANSACTION_ACTIONS:
        raise LimitBrokenError(f"a transaction of {len(keys)} actions; allowed are 1 to {TRANSACTION_ACTIONS}")
    if len(set(keys)) < len(keys):
        raise LimitBrokenError(f"a transaction with two actions on one item: {keys}")
    if size > TRANSACTION_BYTES:
        raise LimitBrokenError(f"a transaction of {size:,} bytes; allowed are {TRANSACTION_BYTES:,}")
    if len(token) > _TOKEN_CHARACTERS:
        raise LimitBrokenError(f"a client token of {len(token)} characters; allowed are {_TOKEN_CHARACTERS}")


def check_batch_get(keys: list[tuple[str, str]]) -> None:
    """How many keys, none of them twice."""
    if not 1 <= len(keys) <= BATCH_GET_KEYS:
        raise LimitBrokenError(f"BatchGetItem of {len(keys)} keys; allowed are 1 to {BATCH_GET_KEYS}")
    if len(set(keys)) < len(keys):
        raise LimitBrokenError("BatchGetItem with a key in it twice")


def size_of(item: Item) -> int:
    """Bytes of an item as DynamoDB counts them, by and large."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: dict[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "S":
        return len(content.encode())
    if kind == "N":
        digits = len(content.lstrip("-").replace(".", "").strip("0"))
        if digits > _NUMBER_DIGITS:
            raise LimitBrokenError(f"a number of {digits} digits; allowed are {_NUMBER_DIGITS}: {content}")
        return 21
    if kind in ("BOOL", "NULL"):
        return 1
    if kind == "L":
        return 3 + sum(1 + _value_size(v) for v in content)
    if kind == "M":
        return 3 + sum(1 + len(k.encode()) + _value_size(v) for k, v in content.items())
    if not content:
        raise LimitBrokenError(f"an empty {kind}")
    return len(content) if kind == "B" else sum(len(v) for v in content)
