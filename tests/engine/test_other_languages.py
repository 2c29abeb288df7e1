"""The components as programs in other languages have them: a schema, and a provider that constructs them.

The engine starts the provider as an executable: the language host that PulumiPlugin.yaml asks for is not part of the
CLI that can be built here.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import sysconfig
import typing
from collections import Counter
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest
import yaml
from pulumi.errors import InputPropertyError

from alur_pulumi.bronze_table import BronzeTable
from alur_pulumi.checks import Checker
from alur_pulumi.described import attribute_texts
from alur_pulumi.ingestion_job import IngestionJob
from alur_pulumi.local.deployment import ResourceOperation
from alur_pulumi.local.emulator import Emulator
from alur_pulumi.local.errors import DeploymentError
from alur_pulumi.local.stack import open_stack
from alur_pulumi.pipeline import PipelineArgs
from alur_pulumi.provider.bridge import described_classes, fields_of
from alur_pulumi.provider.given import Given
from alur_pulumi.provider.host import OFFERED, AlurProvider
from alur_pulumi.pulumi_cli import PulumiCli, find_pulumi_cli
from alur_pulumi.state_table import StateTable, StateTableArgs
from alur_runtime.config import config_from_json, split_uri
from alur_runtime.contracts.expectations import Severity
from alur_runtime.contracts.options import CsvOptions
from tests.components.monitor import register

CONTRACT: dict[str, Any] = {
    "name": "Orders",
    "doc": "Orders of the shop.",
    "columns": [
        {"name": "id", "type": "bigint", "doc": "the shop's own number"},
        {"name": "amount", "type": "decimal(12,2)", "nullable": True},
        {"name": "country", "type": "string"},
    ],
    "partitionBy": ["country"],
}
SOURCES = [{"name": "shop", "prefix": "in/", "files": {"csv": {"separator": ";"}}, "budget": {"rows": 3}}]


def _write_plugin(folder: Path, repository: Path, python: str = sys.executable) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    plugin = folder / "pulumi-resource-alur"
    plugin.write_text(f'#!/bin/sh\nexec {shlex.quote(python)} {shlex.quote(str(repository))} "$@"\n')
    plugin.chmod(0o755)
    return plugin


def _schema_of(plugin: Path, home: Path) -> dict[str, Any]:
    """The schema as the real CLI reads it."""
    cli = typing.cast("PulumiCli", find_pulumi_cli())
    environment = {"PULUMI_HOME": str(home / "home"), "PATH": "/usr/bin:/bin", "HOME": str(home)}
    asked = [str(cli.path), "package", "get-schema", str(plugin)]
    done = subprocess.run(asked, env=environment, cwd=home, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    schema: dict[str, Any] = json.loads(done.stdout)
    return schema


def _undescribed(schema: dict[str, Any]) -> list[str]:
    """Properties without a description, by where they are."""
    return [
        f"{name}.{key}"
        for name, kind in {**schema["resources"], **schema["types"]}.items()
        for part in ("inputProperties", "properties")
        for key, found in kind.get(part, {}).items()
        if not found.get("description")
    ]


def test_every_argument_is_in_the_schema_with_its_description() -> None:
    schema = json.loads(AlurProvider().schema or "")
    assert set(schema["resources"]) == {"alur:index:Pipeline", "alur:index:StateTable"}
    assert _undescribed(schema) == []
    for root in (PipelineArgs, StateTableArgs):
        for name, cls in described_classes(root).items():
            given = {attribute for attribute, _, _ in fields_of(cls)}
            assert given <= attribute_texts(cls).keys(), name
            place = schema["types"].get(f"alur:index:{name}")
            if place is not None:
                assert len(place["properties"]) == len(given), name
    required = {name: found["required"] for name, found in schema["types"].items() if "required" in found}
    assert required["alur:index:Column"] == ["name", "type"]


def test_every_output_of_the_parts_is_one_of_the_pipeline() -> None:
    renamed = {"StateTable.table_name": "ledger_name", "StateTable.table_arn": "ledger_arn"}
    not_passed_on = {"StateTable.shards", "StateTable.alarm_topic_arn"}  # an argument; and the job's own tells both
    parts = {
        f"{part.__name__}.{name}" for part in (StateTable, BronzeTable, IngestionJob) for name in part.__annotations__
    }
    wanted = {renamed.get(one, one.partition(".")[2]) for one in parts - not_passed_on}
    assert wanted == set(OFFERED["Pipeline"].outputs)
    assert set(OFFERED["StateTable"].outputs) == set(StateTable.__annotations__)
    schema = json.loads(AlurProvider().schema or "")
    assert "alarmTopicArn" not in schema["resources"]["alur:index:Pipeline"]["required"]


def test_plain_data_becomes_the_arguments() -> None:
    given = {
        "contract": {
            "name": "Orders",
            "columns": [{"name": "id", "type": "bigint"}],
            "expectations": [{"name": "e", "check": "unique", "severity": "warn", "columns": ["id"]}],
        },
        "sources": [{"name": "shop", "files": {"csv": {"separator": ";"}}}],
        "job": {"timeoutMinutes": 30.0, "tags": {"a": "b"}},
    }
    args = Given(Checker("It")).arguments(PipelineArgs, given)
    assert args.contract.columns[0].name == "id"
    assert args.contract.expectations[0].severity is Severity.WARN
    assert args.sources[0].files == CsvOptions(separator=";")
    assert args.job == {"timeout_minutes": 30, "tags": {"a": "b"}}
    assert type(args.job["timeout_minutes"]) is int


_BOTH: dict[str, Any] = {"csv": {}, "parquet": {}}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"sources": [{"name": "shop", "files": _BOTH}]},
            "sources[0].files is {'csv': {}, 'parquet': {}}: give exactly",
        ),
        ({"sources": [{"name": "shop", "files": {}}]}, "give exactly one of csv, jsonLines and parquet"),
        (
            {"sources": [{"name": "shop", "budget": {"lines": 3}}]},
            "sources[0].budget.lines is 3: there are percent, rows",
        ),
        ({"sources": [{"prefix": "in/"}]}, "sources[0].name is None: it must be given"),
        ({"sources": {"name": "shop"}}, "sources is {'name': 'shop'}: give a list"),
        ({"sources": ["shop"]}, "sources[0] is 'shop': give a map"),
        ({"job": {"shedule": "cron(0 6 * * ? *)"}}, "job.shedule is 'cron(0 6 * * ? *)': there are alarmTopicArn, "),
        ({"job": {"timeoutMinutes": "60"}}, "timeout_minutes is '60': give a whole number"),
        ({"job": {"timeoutMinutes": 60.5}}, "timeout_minutes is 60.5: give a whole number"),
        ({"job": {"glueVersion": 5.0}}, "glue_version is 5.0: give a text"),
        ({"job": {"executionClass": "SPOT"}}, "job.executionClass is 'SPOT': allowed are STANDARD, FLEX"),
        ({"onDestroy": "keep"}, "onDestroy is 'keep': allowed are retain, fail, delete"),
        ({"colour": "red"}, "colour is 'red': there are contract, "),
    ],
)
def test_what_is_wrong_is_told_by_its_name(change: dict[str, Any], says: str) -> None:
    inputs = {"contract": CONTRACT, "sources": SOURCES, **change}
    with pytest.raises(InputPropertyError) as caught:
        register(lambda: AlurProvider().construct("orders", "alur:index:Pipeline", inputs))
    assert says in caught.value.reason
    assert "'orders" in caught.value.reason
    assert caught.value.property_path


@pytest.mark.engine
def test_the_cli_reads_the_schema(tmp_path: Path, repository: Path) -> None:
    schema = _schema_of(_write_plugin(tmp_path, repository), tmp_path)
    assert schema["name"] == "alur"
    assert _undescribed(schema) == []
    assert set(schema["resources"]["alur:index:Pipeline"]["requiredInputs"]) == {"contract", "sources"}


@pytest.mark.engine
def test_what_pulumi_installs_for_it_is_enough(tmp_path: Path, repository: Path) -> None:
    """As its Python host does: a virtual environment in the checkout, and requirements.txt into it."""
    checkout = tmp_path / "checkout"
    shutil.copytree(repository, checkout, ignore=shutil.ignore_patterns(".*", "venv", "build", "dist", "*.egg-info"))
    runtime = yaml.safe_load((checkout / "PulumiPlugin.yaml").read_text())["runtime"]
    assert (runtime["name"], runtime["options"]["toolchain"]) == ("python", "pip")
    environment = checkout / runtime["options"]["virtualenv"]
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    python = environment / "bin" / "python"
    # the libraries come from here and not from an index; alur itself is found in the environment first
    here, there = ({"base": str(base), "platbase": str(base)} for base in (sys.prefix, environment))
    libraries = Path(sysconfig.get_path("purelib", vars=there)) / "libraries.pth"
    libraries.write_text(sysconfig.get_path("purelib", vars=here) + "\n")
    install = [str(python), "-m", "pip", "install", "--quiet", "--no-index", "--no-build-isolation"]
    subprocess.run([*install, "-r", "requirements.txt"], cwd=checkout, check=True)
    asked = [str(python), "-c", "import alur_runtime; print(alur_runtime.__file__)"]
    found = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert Path(found.strip()).is_relative_to(environment)
    schema = _schema_of(_write_plugin(tmp_path, checkout, str(python)), tmp_path)
    assert set(schema["resources"]) == {"alur:index:Pipeline", "alur:index:StateTable"}


class Remote(pulumi.ComponentResource):
    """A component as a program without alur's Python asks for it."""

    def __init__(self, kind: str, name: str, **inputs: Any) -> None:
        outputs = dict.fromkeys(
            ("alarmTopicArn", "jobName", "landingUris", "undeliveredQueueUrl")
            if kind == "Pipeline"
            else ("tableName", "alarmTopicArn")
        )
        super().__init__(f"alur:index:{kind}", name, {**outputs, **inputs}, None, remote=True)


def _kind(change: ResourceOperation) -> str:
    return change.type.rpartition(":")[2]


@pytest.mark.engine
def test_a_program_deploys_through_the_provider(tmp_path: Path, repository: Path) -> None:
    inputs: dict[str, Any] = {
        "contract": CONTRACT,
        "sources": SOURCES,
        "onDestroy": "delete",
        "job": {"engine": "local", "timeoutMinutes": 30},
    }

    def program() -> None:
        ledger: Any = Remote("StateTable", "ledger", onDestroy="delete")
        topic = aws.sns.Topic("mine")
        shared = {"state": {"existingTable": ledger.tableName}, "job": {**inputs["job"], "alarmTopicArn": topic.arn}}
        made: Any = Remote("Pipeline", "orders", **{**inputs, **shared})
        # in another language, too, somebody must be told
        aws.sns.TopicSubscription("mail", topic=made.alarmTopicArn, protocol="email", endpoint="data@example.com")
        pulumi.export("ledger", ledger.tableName)
        pulumi.export("topic", ledger.alarmTopicArn)
        pulumi.export("mine", topic.arn)
        pulumi.export("job", made.jobName)
        pulumi.export("undelivered", made.undeliveredQueueUrl)
        pulumi.export("landing", made.landingUris)

    _write_plugin(tmp_path / "stack" / "plugins", repository)
    with Emulator.start(work_dir=tmp_path / "aws") as emulator:
        stack = open_stack(program, emulator=emulator, work_dir=tmp_path / "stack", project="remote")
        assert {"Table": 1, "Job": 1}.items() <= Counter(_kind(change) for change in stack.preview().changes).items()
        outputs = stack.up().outputs
        job = emulator.client("glue").get_job(JobName=outputs["job"])["Job"]
        assert job["Timeout"] == 30
        bucket, key = split_uri(job["DefaultArguments"]["--alur_config"])
        config = config_from_json(emulator.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
        assert [column.type for column in config.contract.columns] == ["bigint", "decimal(12,2)", "string"]
        assert config.contract.partition_by == ("country",)
        assert config.sources[0].files == CsvOptions(separator=";")
        assert [source.uri for source in config.sources] == outputs["landing"]
        assert config.ledger.table == outputs["ledger"]
        alarms = emulator.client("cloudwatch").describe_alarms()["MetricAlarms"]
        assert {action for alarm in alarms for action in alarm["AlarmActions"]} == {outputs["topic"], outputs["mine"]}
        subscribed = emulator.client("sns").list_subscriptions()["Subscriptions"]
        assert [one["Endpoint"] for one in subscribed] == ["data@example.com"]
        assert outputs.get("undelivered") is None
        assert stack.up().changes == ()

        inputs["sources"] = [{"name": "shop", "prefix": "/in"}]
        with pytest.raises(DeploymentError, match=r"sources\[0\]\.prefix.*write folder/") as refused:
            stack.preview()
        assert "pipeline.py" not in str(refused.value)  # nor any other frame of the provider
        inputs["sources"] = SOURCES
        stack.destroy()
        assert outputs["job"] not in emulator.client("glue").list_jobs()["JobNames"]
