"""The components on the real engine and on its stand-in, against the AWS of this machine."""

import shutil
from pathlib import Path
from typing import Any

import pulumi
import pytest

import alur_pulumi as alur
from alur_pulumi.local.emulator import Emulator
from alur_pulumi.local.errors import DeploymentError
from alur_pulumi.local.stack import open_stack
from alur_pulumi.pulumi_cli import NoPulumiCli
from alur_runtime.config import config_from_json, split_uri
from tests.components.programs import FEED, OrderLines, Pipeline
from tests.engine.engines import ENGINES, changed


def _objects(emulator: Emulator, uris: str) -> list[int]:
    s3 = emulator.client("s3")
    found = []
    for uri in uris.split(","):
        bucket, key = split_uri(uri)
        found.append(s3.head_object(Bucket=bucket, Key=key)["ContentLength"])
    return found


def _arguments(emulator: Emulator, job: str) -> dict[str, str]:
    return emulator.client("glue").get_job(JobName=job)["Job"]["DefaultArguments"]


@pytest.mark.parametrize("cli", ENGINES)
def test_a_pipeline_is_made_left_alone_changed_and_destroyed(
    emulator: Emulator, tmp_path: Path, cli: NoPulumiCli | None
) -> None:
    code = tmp_path / "orders_feed"
    shutil.copytree(FEED, code, ignore=shutil.ignore_patterns("__pycache__"))

    def program() -> None:
        pipeline = Pipeline(
            state={"on_destroy": alur.OnDestroy.DELETE},
            table={"on_destroy": alur.OnDestroy.DELETE},
            job={
                "code": code,
                "transform": "orders_feed.transform:clean",
                "landing_on_destroy": alur.OnDestroy.DELETE,
                "schedule": "cron(0 6 * * ? *)",
                "alarms": True,
            },
        )
        pulumi.export("job", pipeline.job.job_name)
        pulumi.export("bucket", pipeline.table.bucket_name)
        pulumi.export("landing", pipeline.job.landing_uris)
        pulumi.export("ledger", pipeline.state.table_name)

    stack = open_stack(program, emulator=emulator, work_dir=tmp_path / "stack", cli=cli)

    made = stack.up()
    assert set(made.counts()) == {"create"}
    job, bucket = made.outputs["job"], made.outputs["bucket"]
    first = _arguments(emulator, job)
    sizes = _objects(emulator, first["--extra-py-files"])
    assert len(sizes) == 5
    config_bucket, config_key = split_uri(first["--alur_config"])
    body = emulator.client("s3").get_object(Bucket=config_bucket, Key=config_key)["Body"].read()
    config = config_from_json(body)
    assert config.contract == OrderLines.__alur_contract__
    assert config.ledger.table == made.outputs["ledger"]
    assert [s.uri for s in config.sources] == made.outputs["landing"]

    assert stack.preview().changes == ()
    assert stack.up().changes == ()

    transform = code / "transform.py"
    transform.write_text(transform.read_text() + "\n# one more line of the user's own\n")
    updated = stack.up()
    assert changed(updated) == {
        "ingest-wheel-orders-feed": "replace",
        "ingest-job": "update",
    }
    assert updated.outputs["job"] == job
    second = _arguments(emulator, job)
    assert second["--extra-py-files"] != first["--extra-py-files"]
    assert second["--alur_config"] == first["--alur_config"]
    assert second["--alur_code_digest"] != first["--alur_code_digest"]
    _objects(emulator, second["--extra-py-files"])
    # a run that had started keeps the bytes it started with
    assert _objects(emulator, first["--extra-py-files"]) == sizes
    _objects(emulator, first["--alur_config"])
    assert stack.up().changes == ()

    stack.destroy()
    s3 = emulator.client("s3")
    landing = split_uri(made.outputs["landing"][0])[0]
    assert not {bucket, landing}.intersection(b["Name"] for b in s3.list_buckets()["Buckets"])
    assert made.outputs["ledger"] not in emulator.client("dynamodb").list_tables()["TableNames"]
    assert job not in emulator.client("glue").list_jobs()["JobNames"]


@pytest.mark.engine
def test_retained_data_keeps_its_protections(emulator: Emulator, tmp_path: Path) -> None:
    def program() -> None:
        table = alur.BronzeTable("kept", alur.BronzeTableArgs(contract=OrderLines, database_name="kept"))
        pulumi.export("bucket", table.bucket_name)

    stack = open_stack(program, emulator=emulator, work_dir=tmp_path / "stack", project="keeps")
    bucket = stack.up().outputs["bucket"]
    s3 = emulator.client("s3")
    s3.put_object(Bucket=bucket, Key="kept/order_lines/x.parquet", Body=b"rows")
    stack.destroy()
    assert s3.get_object(Bucket=bucket, Key="kept/order_lines/x.parquet")["Body"].read() == b"rows"
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert "TlsOnly" in s3.get_bucket_policy(Bucket=bucket)["Policy"]
    block: dict[str, Any] = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert all(block.values())
    databases = emulator.client("glue").get_databases()["DatabaseList"]
    assert "kept" not in [database["Name"] for database in databases]


@pytest.mark.parametrize("cli", ENGINES)
def test_a_bucket_that_data_keeps_from_being_destroyed_stays_guarded(
    emulator: Emulator, tmp_path: Path, cli: NoPulumiCli | None
) -> None:
    database = f"guarded_{'engine' if cli is None else 'stand_in'}"

    def program() -> None:
        given = alur.BronzeTableArgs(contract=OrderLines, database_name=database, on_destroy=alur.OnDestroy.FAIL)
        pulumi.export("bucket", alur.BronzeTable("kept", given).bucket_name)

    stack = open_stack(program, emulator=emulator, work_dir=tmp_path / "stack", cli=cli)
    bucket = stack.up().outputs["bucket"]
    s3 = emulator.client("s3")
    s3.put_object(Bucket=bucket, Key="x.parquet", Body=b"rows")
    with pytest.raises(DeploymentError):
        stack.destroy()
    assert "TlsOnly" in s3.get_bucket_policy(Bucket=bucket)["Policy"]
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
