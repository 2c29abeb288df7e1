"""Where the suite runs: the embedded AWS, AWS's own DynamoDB Local, a real S3 server, and the simulation."""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any, Final

import attrs
from botocore.exceptions import ClientError

from alur_pulumi.local.clients import local_client
from alur_pulumi.local.emulator import Emulator
from alur_runtime.ledger.items import HASH, RANGE
from tests.servers.conformance.suite import LIMIT_BROKEN, Behaviour, Bucket, Catalog, Table
from tests.servers.dynamodb_local import dynamodb_local
from tests.servers.versitygw import versitygw
from tests.simulation.cloud.answers import Clock, LimitBrokenError
from tests.simulation.cloud.clients import simulated_clients
from tests.simulation.cloud.dynamodb import DynamoDb
from tests.simulation.cloud.glue import Glue
from tests.simulation.cloud.s3 import S3

_REGION: Final = "us-east-1"
_STORAGE: Final = {"Columns": [{"Name": "id", "Type": "bigint"}], "Location": "s3://lake/t/"}


@attrs.frozen
class Implementation:
    """Something that answers as AWS does, more or less.

    Attributes:
        name: For people.
        places: By service: makes an empty place to try a behaviour in.
    """

    name: str
    places: dict[str, Callable[[], Any]]

    def see(self, behaviour: Behaviour) -> str:
        """What a behaviour comes to here."""
        try:
            return behaviour.see(self.places[behaviour.service]())
        except ClientError as error:
            return f"{error.operation_name}: {error.response['Error']['Code']}"


@contextlib.contextmanager
def _embedded() -> Iterator[Implementation]:
    with Emulator.start() as emulator:
        clients = {service: emulator.client(service) for service in ("dynamodb", "s3", "glue")}
        makers: dict[str, Callable[[Any], Any]] = {"dynamodb": new_table, "s3": new_bucket, "glue": new_catalog}
        places = {service: _place(makers[service], client) for service, client in clients.items()}
        yield Implementation("embedded AWS", places)


@contextlib.contextmanager
def _dynamodb_local() -> Iterator[Implementation]:
    with dynamodb_local() as endpoint:
        client = local_client("dynamodb", endpoint, _REGION)
        yield Implementation("DynamoDB Local", {"dynamodb": _place(new_table, client)})


@contextlib.contextmanager
def _versitygw() -> Iterator[Implementation]:
    with versitygw() as endpoint:
        yield Implementation("versitygw", {"s3": _place(new_bucket, local_client("s3", endpoint, _REGION))})


@contextlib.contextmanager
def _simulation() -> Iterator[Implementation]:
    places = {
        "dynamodb": lambda: Table(_simulated().dynamodb, "table"),
        "s3": lambda: Bucket(_simulated().s3, "bucket"),
        "glue": lambda: Catalog(_simulated().glue, "db", "t"),
    }
    yield Implementation("simulation", places)


IMPLEMENTATIONS: Final[dict[str, Callable[[], contextlib.AbstractContextManager[Implementation]]]] = {
    "embedded AWS": _embedded,
    "DynamoDB Local": _dynamodb_local,
    "versitygw": _versitygw,
    "simulation": _simulation,
}
"""By name. Starting one raises `NoServerError` where it cannot be had."""

SERVICES: Final = {
    "embedded AWS": ("dynamodb", "s3", "glue"),
    "DynamoDB Local": ("dynamodb",),
    "versitygw": ("s3",),
    "simulation": ("dynamodb", "s3", "glue"),
}
"""What each has, known before it is started."""


def _place(make: Callable[[Any], Any], client: Any) -> Callable[[], Any]:
    return lambda: make(client)


def new_table(client: Any) -> Table:
    """An empty state table, as the component `StateTable` declares it."""
    name = f"state-{uuid.uuid4().hex[:12]}"
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": HASH, "KeyType": "HASH"}, {"AttributeName": RANGE, "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in (HASH, RANGE)],
    )
    return Table(client, name)


def new_bucket(client: Any) -> Bucket:
    """An empty bucket."""
    name = f"bucket-{uuid.uuid4().hex[:12]}"
    client.create_bucket(Bucket=name)
    return Bucket(client, name)


def new_catalog(client: Any) -> Catalog:
    """A table without partitions."""
    database = f"db_{uuid.uuid4().hex[:12]}"
    client.create_database(DatabaseInput={"Name": database})
    keys = [{"Name": "day", "Type": "string"}]
    table = {"Name": "t", "PartitionKeys": keys, "StorageDescriptor": _STORAGE}
    client.create_table(DatabaseName=database, TableInput=table)
    return Catalog(client, database, "t")


def _simulated() -> Any:
    """Clients of a new simulated cloud, with pages as large as AWS's listings have them."""
    clock = Clock()
    services: dict[str, Any] = {
        "dynamodb": DynamoDb(clock, "table"),
        "s3": S3(clock, page=1000, buckets={"bucket"}),
        "glue": Glue("db", "t", "s3://lake/t/", ("day",)),
    }
    lock = threading.Lock()  # the simulation's own scheduler lets one call in at a time

    def send(service: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        if not hasattr(services[service], f"_{operation}"):
            raise ClientError({"Error": {"Code": "NotSimulated", "Message": "the runtime does not call it"}}, operation)
        try:
            with lock:
                found: dict[str, Any] = services[service].call(operation, request)
        except LimitBrokenError as error:
            problem = {"Error": {"Code": LIMIT_BROKEN, "Message": str(error)}}
            raise ClientError(problem, operation) from error
        return found

    return simulated_clients(send, lambda: str(uuid.uuid4()))
