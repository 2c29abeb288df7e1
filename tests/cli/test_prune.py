"""`alur prune`: what becomes of artifacts that no job names."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from click.testing import CliRunner
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from alur_pulumi.artifacts import artifact_key
from alur_pulumi.cli.main import cli
from alur_pulumi.cli.prune import MARK, Artifact, judge

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
KEEP = dt.timedelta(30)


def artifact(name: str, digest: str, day: int, unused_day: int | None = None) -> Artifact:
    since = None if unused_day is None else NOW - dt.timedelta(unused_day)
    return Artifact(artifact_key(name, digest, "f.zip"), f"v{day}", NOW - dt.timedelta(day), since)


@pytest.mark.parametrize(
    ("old", "action"),
    [
        (artifact("feed", "a", day=200), "mark"),
        (artifact("feed", "a", day=200, unused_day=29), "keep"),
        (artifact("feed", "a", day=200, unused_day=30), "delete"),
        # uploaded after what is named: its deployment has not come to the job yet, or failed
        (artifact("feed", "a", day=1), "keep"),
        (artifact("feed", "a", day=1, unused_day=60), "keep"),
        # nothing of that name is in use: nobody can say whether it was superseded
        (artifact("other", "a", day=200, unused_day=60), "keep"),
    ],
)
def test_what_no_job_names(old: Artifact, action: str) -> None:
    used = artifact("feed", "b", day=100)
    found = {verdict.artifact: verdict.action for verdict in judge([old, used], {used.key}, NOW, KEEP)}
    assert found == {old: action, used: "keep"}


def test_what_is_named_again_loses_its_mark() -> None:
    back = artifact("feed", "a", day=200, unused_day=60)
    assert [verdict.action for verdict in judge([back], {back.key}, NOW, KEEP)] == ["unmark"]


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="table")
        client.put_bucket_versioning(Bucket="table", VersioningConfiguration={"Status": "Enabled"})
        yield client


def put(s3: Any, digest: str) -> str:
    key = artifact_key("feed", digest, "f.zip")
    s3.put_object(Bucket="table", Key=key, Body=digest.encode())
    return key


def name_in_job(key: str, job: str = "orders") -> None:
    arguments = {
        "--alur_config": "s3://table/_alur/artifacts/config/1/config.json",
        "--extra-py-files": f"s3://table/{key}",
    }
    glue = boto3.client("glue")
    glue.create_job(
        Name=job, Role="r", Command={"Name": "glueetl", "ScriptLocation": "s3://table/x.py"}, DefaultArguments=arguments
    )


def prune(*options: str) -> list[str]:
    done = CliRunner().invoke(cli, ["prune", "orders", "--json", *options])
    assert done.exit_code == 0, done.output
    return [one["action"] for one in json.loads(done.output)["artifacts"]]


def test_an_old_artifact_is_marked_and_later_goes(s3: Any) -> None:
    old, used = put(s3, "a"), put(s3, "b")
    name_in_job(used)
    # times are whole seconds: what is in use must be seen to be newer
    s3_backends[DEFAULT_ACCOUNT_ID]["aws"].get_object("table", old).last_modified -= dt.timedelta(hours=1)
    before = dt.datetime.now(dt.UTC) - dt.timedelta(31)
    assert prune("--apply") == ["mark", "keep"]
    assert prune("--apply") == ["keep", "keep"]
    tags = [{"Key": MARK, "Value": before.isoformat()}, {"Key": "cost", "Value": "sales"}]
    s3.put_object_tagging(Bucket="table", Key=old, Tagging={"TagSet": tags})
    assert prune() == ["delete", "keep"]
    assert s3.head_object(Bucket="table", Key=old)
    assert prune("--apply") == ["delete", "keep"]
    assert prune("--apply") == ["keep"]
    assert s3.get_object(Bucket="table", Key=used)["Body"].read() == b"b"


def test_what_another_job_names_stays(s3: Any) -> None:
    old, used = put(s3, "a"), put(s3, "b")
    name_in_job(used)
    name_in_job(old, "returns")
    assert prune("--apply") == ["keep", "keep"]


def test_a_bucket_without_versions_is_refused(s3: Any) -> None:
    name_in_job(put(s3, "a"))
    s3.put_bucket_versioning(Bucket="table", VersioningConfiguration={"Status": "Suspended"})
    done = CliRunner().invoke(cli, ["prune", "orders"])
    assert done.exit_code == 1
    assert "turn versioning on" in done.output
