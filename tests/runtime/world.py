"""A landing zone, a table and a ledger on a moto server, and a reader that shares nothing with the runtime."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import attrs
import pyarrow.dataset as ds
import pyarrow.fs as pafs

import alur_runtime
from alur_runtime import contract, spec_of
from alur_runtime.aws import Clients, make_clients
from alur_runtime.config import JobConfig, LedgerConfig, Settings, SourceConfig, TableConfig, metadata_columns
from alur_runtime.contracts.spec import ContractSpec
from alur_runtime.ledger.ledger import Ledger
from alur_runtime.report import RunReport, report_from_json
from alur_runtime.run.ingest import run_ingest
from alur_runtime.table.store import get_bytes, put_json

QUICK = Settings(run_lease_seconds=1.0, planning_lease_seconds=1.0, threads=2, fetch_threads=4)


@contract(partition_by=("region",))
class Sales:
    """Rows of the tests."""

    id: int
    region: str
    note: str | None
    at: dt.datetime | None


def rows(first: int, count: int, region: str = "EU") -> str:
    """A CSV file of `count` rows numbered from `first`."""
    lines = [f"{n},{region},note {n},2024-05-0{1 + n % 9} 10:00:00" for n in range(first, first + count)]
    return "\n".join(["id,region,note,at", *lines]) + "\n"


@attrs.define
class World:
    """Buckets, ledger and catalog of one test."""

    endpoint: str
    clients: Clients
    config: JobConfig

    @classmethod
    def make(cls, endpoint: str, spec: ContractSpec | None = None, **changes: Any) -> World:
        tag = uuid.uuid4().hex[:8]
        clients = make_clients()
        spec = spec or spec_of(Sales)
        landing, lake = f"landing-{tag}", f"lake-{tag}"
        for bucket in (landing, lake):
            clients.s3.create_bucket(Bucket=bucket)
        clients.dynamodb.create_table(
            TableName=f"state-{tag}",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": "ingestion_key", "KeyType": "HASH"},
                {"AttributeName": "file_path", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "ingestion_key", "AttributeType": "S"},
                {"AttributeName": "file_path", "AttributeType": "S"},
            ],
        )
        config = JobConfig(
            job="sales",
            table=TableConfig(
                database=f"db_{tag}",
                name="sales",
                location=f"s3://{lake}/db/sales/",
                metadata=f"s3://{lake}/_alur/db/sales/",
            ),
            contract=spec,
            sources=(
                SourceConfig(name="orders", uri=f"s3://{landing}/orders/", pattern="*.csv"),
                SourceConfig(name="archive", uri=f"s3://{landing}/archive/"),
            ),
            ledger=LedgerConfig(table=f"state-{tag}"),
            settings=QUICK,
            code_digest="one",
        )
        world = cls(endpoint, clients, attrs.evolve(config, **changes))
        world._make_catalog()
        return world

    def _make_catalog(self) -> None:
        table, spec = self.config.table, self.config.contract
        columns = (*spec.data_columns, *metadata_columns(self.config.on_change, self.config.metadata_columns))
        self.clients.glue.create_database(DatabaseInput={"Name": table.database})
        self.clients.glue.create_table(
            DatabaseName=table.database,
            TableInput={
                "Name": table.name,
                "PartitionKeys": [{"Name": c.name, "Type": c.type} for c in spec.partition_columns],
                "StorageDescriptor": {
                    "Columns": [{"Name": c.name, "Type": c.type} for c in columns],
                    "Location": table.location,
                },
            },
        )

    @property
    def landing(self) -> str:
        return self.config.sources[0].uri.split("/")[2]

    @property
    def lake(self) -> str:
        return self.config.table.location.split("/")[2]

    @property
    def ledger(self) -> Ledger:
        config = self.config
        return Ledger(self.clients.dynamodb, config.ledger.table, config.table.key, config.ledger.shards)

    def uri(self, key: str) -> str:
        return f"s3://{self.landing}/{key}"

    def land(self, key: str, body: str | bytes) -> None:
        self.clients.s3.put_object(Bucket=self.landing, Key=key, Body=body.encode() if isinstance(body, str) else body)

    def run(self, **changes: Any) -> RunReport:
        return run_ingest(attrs.evolve(self.config, **changes), make_clients())

    def run_as_glue_does(self, *code: Path, **changes: Any) -> RunReport:
        """Run in a process of its own, by the command that Glue starts.

        Raises:
            ProcessLookupError: If the process was killed.
        """
        uri, run_id = f"{self.config.table.metadata}config.json", f"jr_{uuid.uuid4().hex}"
        put_json(self.clients.s3, uri, attrs.evolve(self.config, **changes))
        arguments = ["--JOB_NAME", "sales", "--alur_config", uri, "--JOB_RUN_ID", run_id, "--enable-metrics", "true"]
        # The runtime from where this process has it (`make test-glue`: from its wheel), and what came with it.
        path = [*map(str, code), str(Path(alur_runtime.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path)), "SPARK_LOCAL_IP": "127.0.0.1"}
        command = [sys.executable, "-m", "alur_runtime", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode < 0:
            raise ProcessLookupError(-done.returncode)
        found = [run for run in self.ledger.runs(10) if run.glue_run_id == run_id]
        assert found, done.stderr
        report = report_from_json(get_bytes(self.clients.s3, found[0].report_uri))
        assert done.returncode == report.exit_code == found[0].exit_code, done.stderr
        assert report.run_id in done.stdout
        return report

    def objects(self) -> list[str]:
        """Keys below the table's location."""
        answer = self.clients.s3.list_objects_v2(Bucket=self.lake, Prefix="db/sales/")
        return [entry["Key"] for entry in answer.get("Contents", ())]

    def pending(self) -> list[str]:
        """Keys of uploads that are not completed."""
        answer = self.clients.s3.list_multipart_uploads(Bucket=self.lake)
        return [entry["Key"] for entry in answer.get("Uploads", ())]

    def partitions(self) -> list[list[str]]:
        """Values of the catalog's partitions."""
        table = self.config.table
        found = self.clients.glue.get_partitions(DatabaseName=table.database, TableName=table.name)
        return sorted(p["Values"] for p in found["Partitions"])

    def table(self) -> list[dict[str, Any]]:
        """The table's rows, read by pyarrow's dataset over its objects."""
        keys = self.objects()
        if not keys:
            return []
        host = self.endpoint.removeprefix("http://")
        filesystem = pafs.S3FileSystem(
            access_key="test", secret_key="test", endpoint_override=host, scheme="http", region="us-east-1"
        )
        dataset = ds.dataset(
            [f"{self.lake}/{key}" for key in keys], filesystem=filesystem, format="parquet", partitioning="hive"
        )
        return dataset.to_table().to_pylist()

    def ids(self) -> list[int]:
        return sorted(row["id"] for row in self.table())

    def rows_by_file(self) -> dict[str, int]:
        return dict(Counter(row["_source_file"].rsplit("/", 1)[-1] for row in self.table()))


def wait_for_leases() -> None:
    """Let the short leases of these tests run out."""
    import time

    time.sleep(QUICK.run_lease_seconds + 0.2)
