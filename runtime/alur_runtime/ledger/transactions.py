"""DynamoDB transactions: which of the writes were refused by their condition, and patience with what passes."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable
from typing import Any, Final

from botocore.exceptions import ClientError

from alur_runtime.aws import error_code

Write = dict[str, Any]

_TRIES: Final = 10
# Reasons that pass by themselves; boto3 does not try a cancelled transaction again.
_PASSING: Final = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


def transact(client: Any, writes: list[Write]) -> list[int]:
    """Make some writes all together or not at all.

    Args:
        client: A boto3 DynamoDB client.
        writes: At most 100, of different items.

    Returns:
        Empty when they were made; else the positions of those whose condition failed, and nothing was made.

    Raises:
        ClientError: For any other cause, after waiting for conflicts to pass.
    """
    # The client token makes a repeat of a call whose answer was lost a success instead of a failed condition.
    token = str(uuid.uuid4())
    for attempt in range(1, _TRIES + 1):
        try:
            client.transact_write_items(TransactItems=writes, ClientRequestToken=token)
        except ClientError as error:
            codes = [r.get("Code") for r in error.response.get("CancellationReasons", ())]
            refused = [n for n, code in enumerate(codes) if code == "ConditionalCheckFailed"]
            if refused:
                return refused
            passing = error_code(error) == "TransactionInProgressException" or _PASSING.intersection(codes)
            if not passing or attempt == _TRIES:
                raise
            pause(attempt)
        else:
            return []
    raise AssertionError  # the last attempt returns or raises


def patiently(call: Callable[..., Any], **request: Any) -> Any:
    """Make a single write; while a transaction works on its item, wait: boto3 does not.

    Raises:
        ClientError: For any other cause, and if conflicts do not pass.
    """
    for attempt in range(1, _TRIES):
        try:
            return call(**request)
        except ClientError as error:
            if error_code(error) != "TransactionConflictException":
                raise
            pause(attempt)
    return call(**request)


def pause(attempt: int) -> None:
    """Wait before a call is made once more; longer each time, and not all callers at once."""
    time.sleep(random.uniform(0.01, 0.05) * 2**attempt)  # noqa: S311  (jitter, no secret)
