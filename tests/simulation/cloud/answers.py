"""Errors as AWS answers them, and the clock of the simulated cloud."""

from __future__ import annotations

from typing import Any

import attrs
from botocore.exceptions import ClientError

EPOCH = 1_750_000_000.0  # a summer day: where virtual time begins


class LimitBrokenError(BaseException):
    """A request that AWS would never take: a bug of the caller's, which no handler of the runtime may swallow."""


@attrs.define
class Clock:
    """Virtual time, in seconds since the epoch; the scheduler moves it on."""

    now: float = EPOCH


def client_error(operation: str, code: str, message: str = "", *, status: int = 400, **more: Any) -> ClientError:
    """An error answer.

    Args:
        operation: Such as ``PutItem``.
        code: AWS's.
        message: AWS's.
        status: Of HTTP.
        more: What stands beside the error in the answer, such as `CancellationReasons`.
    """
    return ClientError(
        {
            "Error": {"Code": code, "Message": message or code},
            "ResponseMetadata": {"HTTPStatusCode": status},
            **more,
        },
        operation,
    )
