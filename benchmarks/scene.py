"""A deployed table with its job on an embedded AWS of its own: what each measurement starts from."""

import contextlib
import csv
import io
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import attrs
import boto3
import pulumi

from alur_pulumi import (
    BronzeTable,
    BronzeTableArgs,
    IngestionJob,
    IngestionJobArgs,
    OnDestroy,
    Source,
    StateTable,
    StateTableArgs,
)
from alur_pulumi.cli.follow import run_of
from alur_pulumi.local.emulator import Emulator
from alur_pulumi.local.stack import open_stack
from alur_runtime import contract
from alur_runtime.config import EngineChoice, Settings
from alur_runtime.ledger.ledger import Ledger
from alur_runtime.report import RunReport, report_from_json
from alur_runtime.table.store import get_bytes
from examples.orders.read_back import list_objects, read_table

ENDED = frozenset({"SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT"})


@contract(partition_by=("day",))
class Events:
    """Rows of the measurements."""

    id: int
    day: str
    text: str | None


def events(first: int, count: int, days: Sequence[str] = ("2026-01-01",)) -> bytes:
    """A CSV file of events, numbered from `first`, spread over the days."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(("id", "day", "text"))
    writer.writerows((n, days[n % len(days)], f"event {n}") for n in range(first, first + count))
    return out.getvalue().encode()


@attrs.frozen
class Scene:
    """What was deployed."""

    emulator: Emulator
    outputs: Mapping[str, Any]

    @property
    def landing(self) -> str:
        """The landing bucket."""
        return str(self.outputs["landing"][0].split("/")[2])

    @property
    def ledger(self) -> Ledger:
        """The table's ledger."""
        key = f"{self.outputs['database']}.{self.outputs['table']}"
        return Ledger(boto3.client("dynamodb"), self.outputs["ledger"], key, 4)

    def land(self, key: str, body: bytes) -> None:
        """Put a file into the landing bucket."""
        boto3.client("s3").put_object(Bucket=self.landing, Key=f"events/{key}", Body=body)

    def clear_landing(self) -> None:
        """Delete what has landed; rows stay."""
        s3 = boto3.client("s3")
        for bucket, key in list_objects(f"s3://{self.landing}/events/"):
            s3.delete_object(Bucket=bucket, Key=key)

    def start(self, arguments: Mapping[str, str] | None = None) -> str:
        """Start the job; the id of its run."""
        glue = boto3.client("glue")
        return str(glue.start_job_run(JobName=self.outputs["job"], Arguments=dict(arguments or {}))["JobRunId"])

    def wait(self, run_id: str) -> dict[str, Any]:
        """Wait for a run's end; what Glue says of it."""
        glue = boto3.client("glue")
        while True:
            found: dict[str, Any] = glue.get_job_run(JobName=self.outputs["job"], RunId=run_id)["JobRun"]
            if found["JobRunState"] in ENDED:
                return found
            time.sleep(0.2)

    def report(self, glue_run_id: str) -> RunReport:
        """The report of a run."""
        run = run_of(self.ledger.runs(100), glue_run_id)
        if run is None:
            raise SystemExit(
                f"run {glue_run_id} left no item:\n{self.emulator.run_log(self.outputs['job'], glue_run_id)}"
            )
        return report_from_json(get_bytes(boto3.client("s3"), run.report_uri))

    def run(self) -> RunReport:
        """Run the job to its end, which must be a good one."""
        run_id = self.start()
        ended = self.wait(run_id)
        if ended["JobRunState"] != "SUCCEEDED":
            raise SystemExit(f"{ended}\n{self.emulator.run_log(self.outputs['job'], run_id)}")
        return self.report(run_id)

    def ids(self) -> Counter[int]:
        """How often each id is in the table, read through the catalog."""
        return Counter(read_table(self.outputs["database"], self.outputs["table"])["id"].to_pylist())

    def stray_objects(self) -> list[str]:
        """Objects below the table's location that no file item names."""
        named = {output for item in self.ledger.files() for output in item.outputs}
        prefix = self.outputs["location"].split("/", 3)[3]
        found = [key.removeprefix(prefix) for _, key in list_objects(self.outputs["location"])]
        return [key for key in found if key not in named]


@contextlib.contextmanager
def deployed(
    settings: Settings, *, max_concurrent_runs: int = 5, engine: EngineChoice = EngineChoice.AUTO
) -> Iterator[Scene]:
    """Deploy a table and its job to a new embedded AWS.

    Args:
        settings: The runtime's.
        max_concurrent_runs: Of the job.
        engine: Where the job works on its batches.
    """

    def program() -> None:
        state = StateTable("state", StateTableArgs(on_destroy=OnDestroy.DELETE))
        table = BronzeTable("events", BronzeTableArgs(contract=Events, on_destroy=OnDestroy.DELETE))
        args = IngestionJobArgs(
            table=table,
            state=state,
            sources=[Source(name="events", prefix="events/")],
            landing_on_destroy=OnDestroy.DELETE,
            settings=settings,
            engine=engine,
            max_concurrent_runs=max_concurrent_runs,
        )
        job = IngestionJob("events", args)
        outputs = {"job": job.job_name, "landing": job.landing_uris, "location": table.location}
        outputs |= {"database": table.database_name, "table": table.table_name, "ledger": state.table_name}
        for name, value in outputs.items():
            pulumi.export(name, value)

    with (
        tempfile.TemporaryDirectory(prefix="alur-scene-") as folder,
        Emulator.start() as emulator,
        mock.patch.dict(os.environ, emulator.environment()),
    ):
        stack = open_stack(program, emulator=emulator, work_dir=Path(folder), project="bench")
        print(f"deployed with engine {stack.engine}", flush=True)
        yield Scene(emulator, stack.up().outputs)


def table_text(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns, numbers to the right."""
    cells = [list(header), *([f"{c:,}" if type(c) is int else str(c) for c in row] for row in rows)]
    widths = [max(len(row[n]) for row in cells) for n in range(len(header))]
    right = [all(type(row[n]) is int for row in rows) for n in range(len(header))]
    lines = (
        "  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True)).rstrip()
        for row in cells
    )
    return "\n".join(lines)
