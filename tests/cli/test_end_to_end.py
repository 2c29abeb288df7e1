"""The command against a deployed stack on the AWS of this machine, whose job really runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from alur_pulumi.local.emulator import Emulator
from alur_pulumi.local.stack import open_stack
from alur_pulumi.pulumi_cli import NoPulumiCli

if TYPE_CHECKING:
    from collections.abc import Iterator

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


@pytest.fixture
def deployed(tmp_path: Path) -> Iterator[Deployed]:
    with Emulator.start(work_dir=tmp_path / "aws") as emulator:
        stack = open_stack(
            ROOT / "examples" / "quickstart",
            emulator=emulator,
            work_dir=tmp_path / "stack",
            cli=NoPulumiCli(("this is about the command",)),
        )
        outputs = stack.up().outputs
        yield Deployed(emulator, outputs["start with"].removeprefix("alur run "), outputs["land files below"][0])


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
    assert ended["report"]["files_by_reason"] == {"bad_value": 1, "unchanged": 1}

    status = deployed.json("status", deployed.job)
    assert status["files"] == {"completed": 1, "failed": 1}
    assert status["rows"] == 2
    assert [run["state"] for run in status["runs"]] == ["files_failed", "completed"]
    assert status["open_batches"] == []

    assert "started; alur status" in deployed.alur("run", deployed.job, "--no-wait").stdout

    failed = deployed.json("files", deployed.job, "--status", "failed")["files"]
    assert [(file["reason"], file["rows"]) for file in failed] == [("bad_value", 0)]
    assert "payment_id" in failed[0]["error"]
    table = deployed.alur("files", deployed.job, "--match", "good.csv")
    assert table.stdout.endswith("1 file, 2 rows\n")
