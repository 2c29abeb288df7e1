"""What a deployment declares: the catalog, the bytes that a job names, and names that are each environment's own."""

from __future__ import annotations

import decimal
import shutil
from pathlib import Path
from typing import Annotated, Any

import attrs

import alur_pulumi as alur
from alur_runtime import contract, spec_of
from alur_runtime.config import config_from_json
from tests.components.monitor import Monitor, register
from tests.components.programs import FEED, Pipeline
from tests.regressions.faults import Faults
from tests.regressions.shared import MakeWorld, check
from tests.runtime.world import rows


@contract()
class Part:
    """A part of an order."""

    sku: str
    pieces: int


@contract(partition_by=("day",))
class Typed:
    """A column of each kind that came out wrong."""

    id: int
    small: alur.Int16
    price: Annotated[decimal.Decimal, alur.Decimal(18, 4)]
    parts: list[Part]
    first: Part
    day: str


def deploy(stack: str = "dev", **arguments: Any) -> Monitor:
    return register(lambda: Pipeline(**arguments), stack=stack)


# --- the catalog ------------------------------------------------------------------------------------------------------


def test_bigint_decimal_and_nested_types() -> None:
    source = alur.Source(name="shop", prefix="in/", files=alur.JsonLinesOptions())
    table = deploy(table={"contract": Typed}, job={"sources": [source]}).one("CatalogTable").inputs
    types = {column["name"]: column["type"] for column in table["storageDescriptor"]["columns"]}
    assert {name: types[name] for name in ("id", "small", "price", "parts", "first")} == {
        "id": "bigint",
        "small": "smallint",
        "price": "decimal(18,4)",
        "parts": "array<struct<sku:string,pieces:bigint>>",
        "first": "struct<sku:string,pieces:bigint>",
    }


def test_table_registration(make_world: MakeWorld, faults: Faults) -> None:
    """By the deployment, before any run; a run changes nothing about it."""
    monitor = deploy()
    table = monitor.one("CatalogTable")
    config = config_from_json(monitor.one("BucketObjectv2", "ingest-config").inputs["content"])
    assert (table.inputs["databaseName"], table.inputs["name"]) == (config.table.database, config.table.name)
    assert table.inputs["storageDescriptor"]["location"] == config.table.location
    world = make_world()
    world.land("orders/a.csv", rows(0, 4))
    check(world, [0, 1, 2, 3])
    called = {operation for operation, request in faults.log if "DatabaseName" in request}
    assert called <= {"GetTable", "BatchCreatePartition", "GetPartitions"}  # the last one is the reader's


def test_partition_registration(make_world: MakeWorld, faults: Faults) -> None:
    """Those that a run has written to, and none if there is nothing to do."""
    world = make_world()

    def registered() -> list[list[str]]:
        asked = [request for operation, request in faults.log if operation == "BatchCreatePartition"]
        faults.clear()
        return [partition["Values"] for request in asked for partition in request["PartitionInputList"]]

    world.land("orders/a.csv", rows(0, 2, "EU"))
    world.run()
    assert registered() == [["EU"]]
    world.land("orders/b.csv", rows(2, 2, "US"))
    world.run()
    assert registered() == [["US"]]
    assert world.partitions() == [["EU"], ["US"]]
    world.run()
    assert registered() == []
    world.land("orders/c.csv", rows(4, 1, "EU"))  # there already: no error
    check(world, [0, 1, 2, 3, 4])


# --- the job's bytes --------------------------------------------------------------------------------------------------


def named(monitor: Monitor) -> dict[str, str]:
    """What the job names, by the kind of thing."""
    arguments = monitor.one("Job").inputs["defaultArguments"]
    return {
        "code": arguments["--extra-py-files"],
        "config": arguments["--alur_config"],
        "digest": arguments["--alur_code_digest"],
        "script": monitor.one("Job").inputs["command"]["scriptLocation"],
    }


def uploaded(monitor: Monitor) -> dict[str, str]:
    """What is uploaded: by URI, the text or the path of the file, which is one of its content."""
    objects = {f"s3://{r.inputs['bucket']}/{r.inputs['key']}": r.inputs for r in monitor.of("BucketObjectv2")}
    return {uri: inputs.get("content") or inputs["source"].path for uri, inputs in objects.items()}


def test_redeploy_with_a_new_version(tmp_path: Path) -> None:
    code = tmp_path / "orders_feed"
    shutil.copytree(FEED, code, ignore=shutil.ignore_patterns("__pycache__"))
    source = (code / "transform.py").read_text()
    job = {"code": code, "transform": "orders_feed.transform:clean"}
    first = deploy(job=job)
    (code / "transform.py").write_text(f"{source}\n# changed\n")
    second = deploy(job=job)
    (code / "transform.py").write_text(source)
    rollback = deploy(job=job)

    assert named(second)["code"] != named(first)["code"]
    assert named(second)["config"] == named(first)["config"]
    assert named(second)["digest"] != named(first)["digest"]  # failed files are tried again
    for monitor in (first, second):
        every = {uri for text in named(monitor).values() for uri in text.split(",") if uri.startswith("s3://")}
        assert every <= uploaded(monitor).keys(), "names bytes that were never uploaded"
        # What a run that has started needs stays: never overwritten, never deleted by a later deployment.
        assert all(r.retain_on_delete for r in monitor.of("BucketObjectv2"))
    for uri in uploaded(first).keys() & uploaded(second).keys():
        assert uploaded(first)[uri] == uploaded(second)[uri], "other bytes under a name that a started run reads"
    assert named(rollback) == named(first)


# --- environments -----------------------------------------------------------------------------------------------------


def test_two_environments_in_one_account() -> None:
    """Where a physical name is set by hand, the stack is in it; all others are Pulumi's, with a suffix of their own."""

    def names(monitor: Monitor) -> set[tuple[str, str]]:
        by_hand = ("name", "bucket", "namePrefix", "bucketPrefix")
        kinds = (
            "Bucket",
            "CatalogDatabase",
            "LogGroup",
            "Role",
            "Policy",
            "Job",
            "Topic",
            "Table",
            "Trigger",
            "EventRule",
        )
        found = {
            (kind, r.inputs[key]) for kind in kinds for r in monitor.of(kind) for key in by_hand if key in r.inputs
        }
        assert {kind for kind, _ in found} == {"CatalogDatabase", "LogGroup"}
        return found

    arguments: dict[str, Any] = {"job": {"schedule": "cron(0 6 * * ? *)", "alarms": True}}
    dev, prod = (deploy(stack, **arguments) for stack in ("dev", "prod"))
    assert names(dev).isdisjoint(names(prod))
    configs = [config_from_json(m.one("BucketObjectv2", "ingest-config").inputs["content"]) for m in (dev, prod)]
    assert len({config.table.key for config in configs}) == 2, "the ledger keeps the two apart even if it is one"


def test_two_tables_in_one_ledger(make_world: MakeWorld) -> None:
    """The same files into the same table of another environment, by way of the same DynamoDB table."""
    spec = spec_of(Part)  # without partitions: the simulated catalog has one table
    dev = make_world(spec)
    other = "lake-of-prod"
    dev.clients.s3.create_bucket(Bucket=other)
    place = attrs.evolve(
        dev.config.table,
        database="db_prod",
        location=f"s3://{other}/db/sales/",
        metadata=f"s3://{other}/_alur/db/sales/",
    )
    prod = attrs.evolve(dev, config=attrs.evolve(dev.config, table=place))
    dev.land("orders/a.csv", "sku,pieces\na,1\nb,2\n")
    for world in (dev, prod):
        report = world.run()
        assert (report.outcome, report.rows_written) == ("completed", 2)
    for world in (dev, prod):
        assert world.run().outcome == "nothing_to_do"
        assert len(world.objects()) == 1
        assert [item.rows_ingested for item in world.ledger.files()] == [2]
