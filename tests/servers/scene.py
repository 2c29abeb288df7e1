"""An AWS of real servers: the ledger on DynamoDB Local, the objects on versitygw, the catalog on the embedded AWS."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from unittest import mock

from alur_pulumi.local.emulator import Emulator
from tests.servers.dynamodb_local import dynamodb_local
from tests.servers.versitygw import versitygw


@contextlib.contextmanager
def real_servers() -> Iterator[str]:
    """Start all three and point this process's environment at them, and so that of the processes it starts.

    Yields:
        The endpoint of S3.

    Raises:
        NoServerError: If one of them cannot be had here.
    """
    with dynamodb_local() as dynamodb, versitygw() as s3, Emulator.start() as emulator:
        endpoints = {"AWS_ENDPOINT_URL_DYNAMODB": dynamodb, "AWS_ENDPOINT_URL_S3": s3}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        with mock.patch.dict(os.environ, {**kept, **emulator.environment(), **endpoints}, clear=True):
            yield s3
