"""The runner by itself, without the emulator around it."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from alur_pulumi.local.glue_runner import ACTIVE, JobDefinition, JobRun, JobRunner


@pytest.fixture
def run(tmp_path: Path) -> Callable[[str], JobRun]:
    def run_script(script: str, minutes: int = 1) -> JobRun:
        definition = JobDefinition("job", "eu-west-1", "s3://b/s.py", {}, minutes, 0, 1, {})
        runner = JobRunner(tmp_path, lambda _: script.encode(), seconds_per_minute=1.0)
        started = runner.start(definition, {})
        while started.state in ACTIVE:
            time.sleep(0.02)
        return started

    return run_script


def test_a_run_that_takes_too_long_is_ended(run: Callable[[str], JobRun]) -> None:
    ended = run("import time; time.sleep(600)")
    assert ended.state == "TIMEOUT"
    assert "1 minute" in ended.error


def test_the_region_is_that_of_the_job(run: Callable[[str], JobRun]) -> None:
    ended = run("import os; print(os.environ['AWS_REGION'], os.environ['AWS_DEFAULT_REGION'])")
    assert ended.log().split() == ["eu-west-1", "eu-west-1"]


def test_children_do_not_outlive_their_run(run: Callable[[str], JobRun]) -> None:
    ended = run("import subprocess; print(subprocess.Popen(['sleep', '600']).pid)")
    assert ended.state == "SUCCEEDED"
    child = Path("/proc") / ended.log().strip() / "stat"
    deadline = time.monotonic() + 10
    while child.exists() and child.read_text().split()[2] != "Z" and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not child.exists() or child.read_text().split()[2] == "Z"


def test_the_environment_of_the_caller_stays_outside(
    run: Callable[[str], JobRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.setenv("AWS_PROFILE", "mine")
    ended = run("import os, sys; print(os.environ['PYTHONPATH'], os.environ.get('AWS_PROFILE'), sys.path)")
    assert "/somewhere" not in ended.log()
    assert "mine" not in ended.log()
