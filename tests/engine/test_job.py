"""A job with all that it can have, on the real engine and on its stand-in: made, left alone, changed in place."""

from pathlib import Path
from typing import Any

import pulumi
import pytest

import alur_pulumi as alur
from alur_pulumi.local.emulator import Emulator
from alur_pulumi.local.stack import open_stack
from alur_pulumi.pulumi_cli import NoPulumiCli
from tests.components.programs import Pipeline
from tests.engine.engines import ENGINES, changed

KEY = "arn:aws:kms:us-east-1:123456789012:key/0d9bb1a2-61c4-4a6c-8d5d-0d9bb1a261c4"


def _network(subnet: str) -> alur.Network:
    return alur.Network(subnet_id=subnet, security_group_ids=["sg-0a"], availability_zone="us-east-1a")


FULL: dict[str, Any] = {
    "schedule": "cron(0 6 * * ? *)",
    "schedule_timezone": "Europe/Berlin",
    "start_on_arrival": alur.StartOnArrival(),
    "job_queuing": True,
    "notify_after_minutes": 30,
    "network": _network("subnet-0a"),
    "security_kms_key_arn": KEY,
    "tags": {"team": "sales"},
}
# Each change, and what of the deployment it touches: nothing is replaced, and nothing else is touched.
CHANGES: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"schedule": "cron(30 6 * * ? *)"}, {"ingest-schedule": "update"}),
    ({"schedule_enabled": False}, {"ingest-schedule": "update"}),
    ({"start_on_arrival": alur.StartOnArrival(window_seconds=60)}, {"ingest-arrival-trigger": "update"}),
    ({"notify_after_minutes": 60}, {"ingest-job": "update"}),
    ({"number_of_workers": 5}, {"ingest-job": "update"}),
    ({"network": _network("subnet-0b")}, {"ingest-network": "update", "ingest-network-policy": "update"}),
]


@pytest.mark.parametrize("cli", ENGINES)
def test_a_job_with_everything(tmp_path: Path, cli: NoPulumiCli | None) -> None:
    job = dict(FULL)

    def program() -> None:
        pipeline = Pipeline(
            state={"on_destroy": alur.OnDestroy.DELETE},
            table={"on_destroy": alur.OnDestroy.DELETE},
            job={"landing_on_destroy": alur.OnDestroy.DELETE, "alarms": False, "dashboard": False, **job},
        )
        pulumi.export("job", pipeline.job.job_name)
        pulumi.export("logs", pipeline.job.log_group_prefix)

    with Emulator.start(work_dir=tmp_path / "aws") as emulator:
        stack = open_stack(program, emulator=emulator, work_dir=tmp_path / "stack", cli=cli)
        made = stack.up()
        assert set(made.counts()) == {"create"}
        assert stack.preview().changes == ()
        assert stack.refresh().changes == ()

        for change, touched in CHANGES:
            job |= change
            assert changed(stack.up()) == touched

        glue = emulator.client("glue")
        there = glue.get_job(JobName=made.outputs["job"])["Job"]
        assert there["NumberOfWorkers"] == 5
        (connection,) = there["Connections"]["Connections"]
        requirements = glue.get_connection(Name=connection)["Connection"]["PhysicalConnectionRequirements"]
        assert requirements["SubnetId"] == "subnet-0b"
        groups = emulator.client("logs").describe_log_groups(logGroupNamePrefix=made.outputs["logs"])["logGroups"]
        assert [group["retentionInDays"] for group in groups] == [400, 400]

        # taken out again, each with all that belongs to it
        for argument in ("schedule", "schedule_timezone", "start_on_arrival", "network", "security_kms_key_arn"):
            job.pop(argument)
        left = changed(stack.up())
        assert left["ingest-job"] == "update"
        # what was logged with the key and what was logged without it are both still there
        assert "create" not in left.values()
        assert {left[f"ingest-log-{part}"] for part in ("error", "output")} == {"update"}
        kept = emulator.client("logs").describe_log_groups(logGroupNamePrefix=made.outputs["logs"])["logGroups"]
        assert len(kept) == 2
        assert glue.list_workflows()["Workflows"] == []
        assert glue.get_connections()["ConnectionList"] == []
        assert emulator.client("sqs").list_queues().get("QueueUrls", []) == []
        assert stack.preview().changes == ()
        stack.destroy()
        assert glue.list_jobs()["JobNames"] == []
