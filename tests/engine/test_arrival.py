"""Files land, nobody starts anything, and the table has their rows."""

from pathlib import Path

import pulumi
import pytest

import alur_pulumi as alur
from alur_pulumi.local.emulator import Emulator
from alur_pulumi.local.stack import open_stack
from alur_runtime.config import split_uri
from examples.orders.read_back import read_table
from tests.components.programs import Pipeline
from tests.engine.engines import WITHOUT_ENGINE, ended_runs

BURST = 3


@alur.contract()
class Orders:
    """What lands."""

    order_id: int


def _pipeline(window_seconds: int) -> None:
    pipeline = Pipeline(
        state={"on_destroy": alur.OnDestroy.DELETE},
        table={"contract": Orders, "on_destroy": alur.OnDestroy.DELETE},
        job={
            "landing_on_destroy": alur.OnDestroy.DELETE,
            "start_on_arrival": alur.StartOnArrival(window_seconds=window_seconds, batch_size=BURST),
            "schedule": "cron(0 6 * * ? *)",
            "schedule_timezone": "Europe/Berlin",
        },
    )
    pulumi.export("job", pipeline.job.job_name)
    pulumi.export("landing", pipeline.job.landing_uris)
    pulumi.export("database", pipeline.table.database_name)
    pulumi.export("table", pipeline.table.table_name)
    pulumi.export("undelivered", pipeline.job.undelivered_queue_url)


def _land(emulator: Emulator, uri: str, numbers: range) -> None:
    bucket, prefix = split_uri(uri)
    s3 = emulator.client("s3")
    for number in numbers:
        # beside the landing prefix: no event for the rule
        s3.put_object(Bucket=bucket, Key=f"elsewhere/{number}.csv", Body=b"")
        s3.put_object(Bucket=bucket, Key=f"{prefix}{number}.csv", Body=f"order_id\n{number}\n".encode())


def test_files_that_land_start_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Emulator.start(work_dir=tmp_path / "aws") as emulator:
        for name, value in emulator.environment().items():
            monkeypatch.setenv(name, value)
        windows = [900]  # longer than the test: it is the number of files that starts a run
        stack = open_stack(
            lambda: _pipeline(windows[-1]), emulator=emulator, work_dir=tmp_path / "stack", cli=WITHOUT_ENGINE
        )
        outputs = stack.up().outputs
        job, landing = outputs["job"], outputs["landing"][0]
        assert stack.up().changes == ()

        for burst in (1, 2):
            _land(emulator, landing, range(burst * 10, burst * 10 + BURST))
            runs = ended_runs(emulator, job, burst)
            # as many runs as times that enough files came, and not one for each file
            assert [run["JobRunState"] for run in runs] == ["SUCCEEDED"] * burst
            assert {run["TriggerName"].partition("-trigger")[0] for run in runs} == {"ingest-arrival"}

        windows.append(1)  # and now it is the window's end
        stack.up()
        _land(emulator, landing, range(30, 31))
        assert len(ended_runs(emulator, job, 3)) == 3
        rows = read_table(outputs["database"], outputs["table"])
        assert sorted(rows["order_id"].to_pylist()) == [10, 11, 12, 20, 21, 22, 30]
        assert outputs["undelivered"]
        stack.destroy()
        assert emulator.client("scheduler").list_schedules()["Schedules"] == []
        assert emulator.client("glue").list_workflows()["Workflows"] == []
