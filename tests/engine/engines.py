"""What tests on the engine and on its stand-in share."""

import time
from typing import Any

import pytest

from alur_pulumi.local.deployment import Summary
from alur_pulumi.local.emulator import Emulator
from alur_pulumi.pulumi_cli import NoPulumiCli

ENDED = frozenset({"SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT"})

WITHOUT_ENGINE = NoPulumiCli(("left out by the test",))

ENGINES = [
    pytest.param(None, id="engine", marks=pytest.mark.engine),
    pytest.param(WITHOUT_ENGINE, id="without-engine"),
]


def changed(summary: Summary) -> dict[str, str]:
    """What was done to each resource that did not stay the same."""
    return {change.name: change.operation for change in summary.changes}


def ended_runs(emulator: Emulator, job: str, count: int) -> list[dict[str, Any]]:
    """A job's runs as soon as so many of them have ended, whatever started them."""
    while True:
        runs: list[dict[str, Any]] = emulator.client("glue").get_job_runs(JobName=job)["JobRuns"]
        if len(runs) >= count and all(run["JobRunState"] in ENDED for run in runs):
            return runs
        time.sleep(0.2)
