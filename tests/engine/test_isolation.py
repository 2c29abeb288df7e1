"""Two stacks, and two tables of one name in two databases, in one account and region: neither touches the other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pulumi
import pytest

import alur_pulumi as alur
from alur_pulumi.local.deployment import Deployment
from alur_pulumi.local.emulator import Emulator
from alur_pulumi.local.stack import open_stack
from alur_pulumi.pulumi_cli import NoPulumiCli
from tests.components.programs import OrderLines
from tests.engine.engines import WITHOUT_ENGINE

# which of the two is destroyed first; the engine takes its time, and one order tells what there is to tell of it
CASES = [
    pytest.param(None, "dev", id="engine", marks=pytest.mark.engine),
    pytest.param(WITHOUT_ENGINE, "dev", id="without-engine"),
    pytest.param(WITHOUT_ENGINE, "prod", id="without-engine, the other way round"),
]
DATABASES = ("sales", "returns")


def program() -> None:
    """Tables of one name in two databases, with one ledger and one bucket."""
    delete = alur.OnDestroy.DELETE
    stack = pulumi.get_stack()
    state = alur.StateTable("state", alur.StateTableArgs(on_destroy=delete, deletion_protection=False))
    bucket: pulumi.Output[str] | None = None
    for name in DATABASES:
        args: dict[str, Any] = {"existing_bucket": bucket} if bucket is not None else {}
        table = alur.BronzeTable(
            name,
            alur.BronzeTableArgs(
                contract=OrderLines, table_name="lines", database_name=f"{name}_{stack}", on_destroy=delete, **args
            ),
        )
        bucket = table.bucket_name
        job = alur.IngestionJob(
            name,
            alur.IngestionJobArgs(
                table=table,
                state=state,
                sources=[alur.Source(name="shop", prefix="in/")],
                landing_on_destroy=delete,
                engine="local",
                schedule="cron(0 6 * * ? *)",
            ),
        )
        pulumi.export(name, {"job": job.job_name, "landing": job.landing_uris, "location": table.location})
    pulumi.export("ledger", state.table_name)


def _everything(emulator: Emulator) -> dict[str, set[str]]:
    """The names of all that there is in the account and region, by kind."""
    glue, iam, logs = emulator.client("glue"), emulator.client("iam"), emulator.client("logs")
    databases = [one["Name"] for one in glue.get_databases()["DatabaseList"]]
    return {
        "buckets": {one["Name"] for one in emulator.client("s3").list_buckets()["Buckets"]},
        "jobs": set(glue.list_jobs()["JobNames"]),
        "triggers": set(glue.list_triggers()["TriggerNames"]),
        "tables": {
            f"{name}.{t['Name']}" for name in databases for t in glue.get_tables(DatabaseName=name)["TableList"]
        },
        "roles": {one["RoleName"] for one in iam.list_roles()["Roles"]},
        "policies": {one["PolicyName"] for one in iam.list_policies(Scope="Local")["Policies"]},
        "log groups": {
            one["logGroupName"]
            for one in logs.describe_log_groups()["logGroups"]
            if one["logGroupName"].startswith("/alur/")
        },
        "ledgers": set(emulator.client("dynamodb").list_tables()["TableNames"]),
        "rules": {one["Name"] for one in emulator.client("events").list_rules()["Rules"]},
        "topics": {one["TopicArn"] for one in emulator.client("sns").list_topics()["Topics"]},
        "alarms": {one["AlarmName"] for one in emulator.client("cloudwatch").describe_alarms()["MetricAlarms"]},
    }


def _rows(emulator: Emulator, location: str) -> int:
    """How many Parquet objects a table has."""
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    found = emulator.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    return len(found)


def _ingest(emulator: Emulator, outputs: Any) -> None:
    bucket, _, prefix = outputs["landing"][0].removeprefix("s3://").partition("/")
    body = b"OrderId,amount,note,Region\n1,2.50,a,north\n"
    emulator.client("s3").put_object(Bucket=bucket, Key=f"{prefix}same-name.csv", Body=body)
    run = emulator.run_job(outputs["job"])
    assert run["JobRunState"] == "SUCCEEDED", emulator.run_log(outputs["job"], run["Id"])


@pytest.mark.parametrize(("cli", "goes_first"), CASES)
def test_stacks_and_tables_of_one_name_do_not_touch_one_another(
    tmp_path: Path, cli: NoPulumiCli | None, goes_first: str
) -> None:
    with Emulator.start(work_dir=tmp_path / "aws") as emulator:
        nothing = _everything(emulator)

        def opened(name: str) -> Deployment:
            folder = tmp_path / name
            return open_stack(program, emulator=emulator, work_dir=folder, stack=name, project="shop", cli=cli)

        dev, prod = opened("dev"), opened("prod")
        dev.up()
        only_dev = _everything(emulator)
        prod.up()
        both = _everything(emulator)
        # each kind is there once more, and nothing of the first has gone
        for kind, names in only_dev.items():
            assert names < both[kind], kind
            assert len(both[kind] - names) == len(names - nothing[kind]), kind
        assert dev.up().changes == ()

        # one after the other: each table gets its own rows, and no other any
        places = [stack.outputs()[name] for stack in (prod, dev) for name in DATABASES]
        counts = [0] * len(places)
        for number, place in enumerate(places):
            _ingest(emulator, place)
            counts[number] = 1
            assert [_rows(emulator, one["location"]) for one in places] == counts

        # what is left works on
        goes, stays = (dev, prod) if goes_first == "dev" else (prod, dev)
        goes.destroy()
        only_stays = {
            kind: names - (only_dev[kind] - nothing[kind]) if stays is prod else only_dev[kind]
            for kind, names in both.items()
        }
        assert _everything(emulator) == only_stays
        assert stays.up().changes == ()
        _ingest(emulator, stays.outputs()["sales"])
        stays.destroy()
        assert _everything(emulator) == nothing
