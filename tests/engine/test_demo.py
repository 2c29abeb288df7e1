"""The demo is the yardstick as a story: what it says in its last line is checked here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.engine
def test_the_demo_tells_the_story(repository: Path) -> None:
    command = [sys.executable, "-m", "examples.orders.demo"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    demo = json.loads(done.stdout.splitlines()[-1])["demo"]
    assert demo["engine"] != "none"
    assert demo["runs"] == [100, 0, 15, 0]
    assert demo["rows_in_table"] == 115
    assert demo["rows_by_file"] == {
        "orders_batch1.csv": 50,
        "orders_batch2.csv": 30,
        "archive_orders.csv": 20,
        "orders_batch3.csv": 15,
    }
    first, rerun, third, after_redeploy = demo["objects_after_runs"]
    assert first == rerun < third == after_redeploy
    redeploy = demo["redeploy"]
    assert sorted(redeploy["changed"]) == [
        "replace orders-wheel-orders-feed",
        "update orders-job",
    ]
    assert redeploy["old_artifact_still_there"]
    assert redeploy["job_names_new_artifact"]
    assert redeploy["second_up_changes"] == 0
