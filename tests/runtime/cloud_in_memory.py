"""The simulated AWS for a `World`: no server and no HTTP, for proofs that need thousands of files."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import attrs
import pytest

from alur_runtime.aws import Clients
from alur_runtime.kernel import work as kernel
from alur_runtime.landing import fetch
from tests.simulation.cloud.answers import Clock
from tests.simulation.cloud.clients import simulated_clients
from tests.simulation.cloud.cloudwatch import CloudWatch
from tests.simulation.cloud.dynamodb import DynamoDb
from tests.simulation.cloud.glue import Glue
from tests.simulation.cloud.s3 import S3

_PAGE = 1000
Answer = Callable[[dict[str, Any]], dict[str, Any]]
Guard = Callable[[str, str, dict[str, Any], Answer], dict[str, Any]]
"""Service, operation, request, and what answers it: the answer, or the refusal."""


@attrs.define(eq=False)
class CloudInMemory:
    """Buckets, one state table and one catalog table, made by the calls that make them in AWS.

    Attributes:
        guard: Judges each request before it is answered; none, and everybody may do everything.
    """

    s3: S3 = attrs.field(factory=lambda: S3(Clock(), _PAGE))
    dynamodb: DynamoDb | None = None
    glue: Glue | None = None
    cloudwatch: CloudWatch = attrs.field(factory=CloudWatch)
    definition: dict[str, Any] = attrs.field(factory=dict)
    guard: Guard | None = None
    _lock: threading.RLock = attrs.field(factory=threading.RLock)
    _tokens: itertools.count[int] = attrs.field(factory=itertools.count)

    def clients(self) -> Clients:
        """Clients of this cloud; those of the one before it lead here from now on."""
        return simulated_clients(self._send, lambda: f"token-{next(self._tokens)}")

    def _send(self, service: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            if self.guard is None:
                return self._answer(service, operation, request)
            return self.guard(service, operation, request, lambda judged: self._answer(service, operation, judged))

    def _answer(self, service: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        if operation in ("CreateBucket", "CreateDatabase", "CreateTable"):
            self._make(service, request)
            return {}
        if operation == "GetTable":
            return {"Table": self.definition}
        services = {"s3": self.s3, "dynamodb": self.dynamodb, "glue": self.glue, "cloudwatch": self.cloudwatch}
        called = services[service]
        assert called is not None
        return called.call(operation, request)

    def _make(self, service: str, request: dict[str, Any]) -> None:
        if service == "s3":
            self.s3.buckets.add(request["Bucket"])
        elif service == "dynamodb":
            self.dynamodb = DynamoDb(self.s3.clock, request["TableName"], _PAGE)
        elif "TableInput" in request:
            self.definition = table = request["TableInput"]
            keys = tuple(key["Name"] for key in table["PartitionKeys"])
            self.glue = Glue(
                request["DatabaseName"], table["Name"], table["StorageDescriptor"]["Location"], keys, page=_PAGE
            )


def worlds_in_memory(patch: pytest.MonkeyPatch, world_module: ModuleType) -> Callable[[], str]:
    """A function to be called before each `World` is made: that one is then on a cloud of its own.

    Args:
        patch: Undoes it.
        world_module: Where `World` is, by the name that its user imported it.
    """

    def make() -> str:
        patch.setattr(world_module, "make_clients", CloudInMemory().clients)
        return ""

    patch.setattr(kernel, "make_fetch", fetch._Boto3Fetch)  # the other one talks HTTP by itself
    return make
