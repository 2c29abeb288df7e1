"""The command against a deployed stack on the AWS of this machine, whose job really runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pulumi
import pytest

import alur_pulumi as alur
from alur_pulumi.local.emulator import Emulator
from alur_pulumi.local.stack import open_stack
from alur_pulumi.pulumi_cli import NoPulumiCli

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]


@attrs.frozen
class Deployed:
    """The quickstart's stack, and the command as a process of its own."""

    emulator: Emulator
    job: str
    landing: str

    def alur(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join([str(ROOT), str(ROOT / "runtime")])
        return subprocess.run(
            [sys.executable, "-c", "from alur_pulumi.cli.main import main; main()", *arguments],
            env={**os.environ, **self.emulator.environment(), "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )

    def json(self, *arguments: str) -> Any:
        return json.loads(self.alur(*arguments, "--json").stdout)

    def land(self, name: str, body: str) -> None:
        bucket, _, prefix = self.landing.removeprefix("s3://").partition("/")
        self.emulator.client("s3").put_object(Bucket=bucket, Key=prefix + name, Body=body.encode())


@contextmanager
def _deployed(program: Path | Callable[[], None], folder: Path) -> Iterator[Deployed]:
    with Emulator.start(work_dir=folder / "aws") as emulator:
        stack = open_stack(
            program,
            emulator=emulator,
            work_dir=folder / "stack",
            cli=NoPulumiCli(("this is about the command",)),
        )
        outputs = stack.up().outputs
        yield Deployed(emulator, outputs["start with"].removeprefix("alur run "), outputs["land files below"][0])


@pytest.fixture
def deployed(tmp_path: Path) -> Iterator[Deployed]:
    with _deployed(ROOT / "examples" / "quickstart", tmp_path) as stack:
        yield stack


@alur.contract(
    expect=(
        alur.expect.in_set("currency", ("EUR", "USD"), severity="quarantine"),
        alur.expect.unique("payment_id", severity="warn"),
    )
)
class Payments:
    """Payments, some of them wrong."""

    payment_id: int
    currency: str


def _lenient() -> None:
    """A pipeline whose source may have bad rows."""
    state = alur.StateTable("state", alur.StateTableArgs(on_destroy=alur.OnDestroy.DELETE))
    table = alur.BronzeTable(
        "payments", alur.BronzeTableArgs(contract=Payments, metadata_columns=("_source_file", "_source_row"))
    )
    source = alur.Source(name="bank", prefix="payments/", budget=alur.ErrorBudget(rows=3))
    job = alur.IngestionJob("payments", alur.IngestionJobArgs(table=table, state=state, sources=[source]))
    pulumi.export("land files below", job.landing_uris)
    pulumi.export("start with", pulumi.Output.concat("alur run ", job.job_name))


def test_files_are_ingested_and_looked_at(deployed: Deployed) -> None:
    header = "payment_id,payer,booked_on,purpose\n"
    deployed.land("good.csv", f"{header}1,Ada,2026-11-23,rent\n2,Grace,2026-11-23,\n")
    first = deployed.alur("run", deployed.job)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "SUCCEEDED after" in first.stderr
    assert "completed (exit 0)" in first.stdout

    deployed.land("bad.csv", f"{header}one,Ada,2026-11-23,rent\n")
    second = deployed.alur("run", deployed.job, "--json")
    assert second.returncode == 1, second.stdout + second.stderr
    ended = json.loads(second.stdout)
    assert (ended["outcome"], ended["exit_code"]) == ("files_failed", 1)
    assert ended["report"]["files_by_reason"] == {"too_many_bad_rows": 1, "unchanged": 1}

    status = deployed.json("status", deployed.job)
    assert status["files"] == {"completed": 1, "failed": 1}
    assert status["rows"] == 2
    assert [run["state"] for run in status["runs"]] == ["files_failed", "completed"]
    assert status["open_batches"] == []

    assert "started; alur status" in deployed.alur("run", deployed.job, "--no-wait").stdout

    failed = deployed.json("files", deployed.job, "--status", "failed")["files"]
    assert [(file["reason"], file["rows"]) for file in failed] == [("too_many_bad_rows", 0)]
    assert "payment_id" in failed[0]["error"]
    table = deployed.alur("files", deployed.job, "--match", "good.csv")
    assert table.stdout.endswith("1 file, 2 rows\n")


def test_bad_rows_within_the_budget_are_kept_and_looked_at(tmp_path: Path) -> None:
    with _deployed(_lenient, tmp_path) as deployed:
        deployed.land("may.csv", "payment_id,currency\n1,EUR\nsecret,EUR\n2,XXX\n2,USD\n")
        deployed.land("june.csv", "payment_id,currency\n" + "x,EUR\n" * 4)
        run = deployed.alur("run", deployed.job)
        assert run.returncode == 1, run.stdout + run.stderr
        assert "too_many_bad_rows" in run.stdout

        files = {file["file"].rpartition("/")[2]: file for file in deployed.json("files", deployed.job)["files"]}
        assert (files["may.csv"]["rows"], files["may.csv"]["quarantined"]) == (2, 2)
        assert files["may.csv"]["expectations"]["unique_payment_id"].startswith("1 of 3 rows: row 4")
        assert (files["june.csv"]["status"], files["june.csv"]["rows"]) == ("failed", 0)

        shown = deployed.alur("quarantine", deployed.job)
        assert "secret" not in shown.stdout
        assert "2 bad rows of 1 file (1 bad_value, 1 expectation_failed)" in shown.stdout
        rows = deployed.json("quarantine", deployed.job, "--show-values")["rows"]
        assert [(row["row"], row["line"], row["column"], row["value"], row["reason"]) for row in rows] == [
            (2, 3, "payment_id", "secret", "bad_value"),
            (3, None, "currency", "XXX", "expectation_failed"),
        ]
