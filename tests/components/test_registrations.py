"""What the components register, as the engine gets it."""

import datetime as dt
import json
import runpy
from pathlib import Path
from typing import Any

import attrs
import pulumi
import pytest

import alur_pulumi as alur
from alur_runtime.config import config_from_json
from tests.components.monitor import Monitor, register
from tests.components.programs import FEED, ROOT, OrderLines, Pipeline

SPEC = OrderLines.__alur_contract__
META = ["_source_file", "_source_row"]


def _deployed(**arguments: Any) -> Monitor:
    return register(lambda: Pipeline(**arguments))


def _config(monitor: Monitor) -> Any:
    return config_from_json(monitor.one("BucketObjectv2", "ingest-config").inputs["content"])


def _code_digest(monitor: Monitor) -> str:
    return str(monitor.one("Job").inputs["defaultArguments"]["--alur_code_digest"])


def test_components_have_stable_tokens_and_every_child_a_parent() -> None:
    monitor = _deployed()
    components = {r.name: r.type for r in monitor.registered if r.type.startswith("alur:")}
    assert components == {
        "state": "alur:index:StateTable",
        "lines": "alur:index:BronzeTable",
        "ingest": "alur:index:IngestionJob",
    }
    for r in monitor.registered:
        if r.custom:
            parent = r.parent.rpartition("::")[2]
            assert parent in components, r
            assert r.name.startswith(f"{parent}-")


def test_outputs_are_registered_last_and_are_there() -> None:
    monitor = _deployed()
    outputs = {urn.rpartition("::")[2]: values for urn, values in monitor.outputs.items()}
    assert outputs["state"] == {
        "tableName": "state-table-1a2b3c4",
        "tableArn": "arn:aws:dynamodb:eu-west-1:123456789012:table/state-table-1a2b3c4",
        "shards": 4,
        "alarmTopicArn": "arn:aws:sns:eu-west-1:123456789012:topic/state-alarm-1a2b3c4",
    }
    assert outputs["lines"] == {
        "bucketName": "lines-bucket-1a2b3c4",
        "databaseName": "proj_dev",
        "tableName": "order_lines",
        "tableArn": "arn:aws:glue:eu-west-1:123456789012:table/proj_dev/order_lines",
        "location": "s3://lines-bucket-1a2b3c4/proj_dev/order_lines/",
        "metadataLocation": "s3://lines-bucket-1a2b3c4/_alur/proj_dev/order_lines/",
    }
    assert outputs["ingest"]["landingUris"] == ["s3://ingest-landing-1a2b3c4/in/"]
    assert outputs["ingest"]["jobName"] == "ingest-job-1a2b3c4"
    assert json.loads(outputs["ingest"]["policy"])["Version"] == "2012-10-17"


def test_no_physical_names_but_those_of_sql_and_logs() -> None:
    named = {(r.type.rpartition(":")[2], r.inputs["name"]) for r in _deployed().registered if "name" in r.inputs}
    assert named == {
        ("CatalogDatabase", "proj_dev"),
        ("CatalogTable", "order_lines"),
        ("LogGroup", "/alur/proj/dev/ingest/error"),
        ("LogGroup", "/alur/proj/dev/ingest/output"),
    }


def test_the_ledger_is_on_demand_recoverable_and_guarded() -> None:
    table = _deployed().one("Table").inputs
    assert (table["hashKey"], table["rangeKey"]) == ("ingestion_key", "file_path")
    assert table["billingMode"] == "PAY_PER_REQUEST"
    assert table["pointInTimeRecovery"] == {"enabled": True}
    assert table["ttl"] == {"attributeName": "expires_at", "enabled": True}
    assert table["deletionProtectionEnabled"] is True
    assert "serverSideEncryption" not in table


@pytest.mark.parametrize("append", [alur.OnChange.APPEND, "append"])
def test_the_catalog_has_the_contract_and_alurs_own_columns(append: str) -> None:
    table = _deployed(table={"on_change": append}).one("CatalogTable").inputs
    columns = {c["name"]: c["type"] for c in table["storageDescriptor"]["columns"]}
    assert columns == {
        "orderid": "bigint",
        "amount": "decimal(12,2)",
        "note": "string",
        "_ingested_at": "timestamp",
        "_source_system": "string",
        "_source_file": "string",
        "_source_row": "bigint",
        "_source_etag": "string",
    }
    assert [(k["name"], k["type"]) for k in table["partitionKeys"]] == [("region", "string")]
    assert table["storageDescriptor"]["columns"][0]["comment"] == "number"
    assert table["tableType"] == "EXTERNAL_TABLE"
    assert table["parameters"]["classification"] == "parquet"
    assert table["description"] == "Lines of orders."


@pytest.mark.parametrize(
    ("on_destroy", "force", "retained"),
    [("retain", False, True), (alur.OnDestroy.RETAIN, False, True), ("fail", False, False), ("delete", True, False)],
)
def test_data_goes_only_when_it_is_asked_to(on_destroy: str, force: bool, retained: bool) -> None:
    monitor = _deployed(table={"on_destroy": on_destroy}, job={"landing_on_destroy": on_destroy})
    for name in ("lines-bucket", "ingest-landing"):
        assert monitor.one("Bucket", name).inputs["forceDestroy"] is force
        assert monitor.one("Bucket", name).retain_on_delete is retained
        # what protects a bucket goes with it or stays with it
        kept = [r for r in monitor.registered if r.name.startswith(f"{name}-")]
        assert len(kept) == 6
        assert {(r.deleted_with, r.retain_on_delete) for r in kept} == {(name, False)}


def test_made_buckets_are_private_encrypted_versioned_and_tidy() -> None:
    key = "arn:aws:kms:eu-west-1:123456789012:key/k"
    monitor = _deployed(table={"kms_key_arn": key, "abort_uploads_after_days": 9})
    block = monitor.one("BucketPublicAccessBlock", "lines-bucket-private").inputs
    assert [v for k, v in block.items() if k != "bucket"] == [True] * 4
    statement = json.loads(monitor.one("BucketPolicy", "lines-bucket-tls").inputs["policy"])["Statement"][0]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    rule = monitor.one("BucketServerSideEncryptionConfiguration", "lines-bucket-encryption").inputs["rules"][0]
    assert rule["bucketKeyEnabled"] is True
    assert rule["applyServerSideEncryptionByDefault"] == {"kmsMasterKeyId": key, "sseAlgorithm": "aws:kms"}
    other = monitor.one("BucketServerSideEncryptionConfiguration", "ingest-landing-encryption").inputs["rules"][0]
    assert other["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "AES256"}
    rules = {r["id"]: r for r in monitor.one("BucketLifecycleConfiguration", "lines-bucket-lifecycle").inputs["rules"]}
    assert rules["abort-incomplete-uploads"]["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 9}
    assert all("expiration" not in r for r in rules.values())
    assert monitor.one("BucketOwnershipControls", "lines-bucket-owner").inputs["rule"] == {
        "objectOwnership": "BucketOwnerEnforced"
    }
    assert key in monitor.one("Policy").inputs["policy"]


def test_the_job_names_uploaded_bytes_by_their_content_and_waits_for_them() -> None:
    monitor = _deployed(job={"code": FEED, "transform": "orders_feed.transform:clean"})
    job, objects = monitor.one("Job"), monitor.of("BucketObjectv2")
    assert all(r.retain_on_delete for r in objects)
    uris = {f"s3://{r.inputs['bucket']}/{r.inputs['key']}": r for r in objects}
    arguments = job.inputs["defaultArguments"]
    named = [*arguments["--extra-py-files"].split(","), arguments["--alur_config"]]
    named.append(job.inputs["command"]["scriptLocation"])
    assert sorted(named) == sorted(uris)
    assert all("/_alur/artifacts/" in uri for uri in named)
    waits = " ".join(job.dependencies)
    for r in objects:
        assert f"::{r.name}" in waits
    assert "::ingest-policy-attached" in waits
    assert job.inputs["glueVersion"] == "5.1"
    assert job.inputs["command"]["name"] == "glueetl"
    assert job.inputs["executionProperty"] == {"maxConcurrentRuns": 3}
    assert [u.rpartition("/")[2] for u in arguments["--extra-py-files"].split(",")][
        -1
    ] == "orders_feed-0-py3-none-any.zip"


def test_what_the_role_may_changes_after_all_uploads() -> None:
    monitor = _deployed(job={"code": FEED})
    waits = " ".join(monitor.one("Policy").dependencies)
    for r in monitor.of("BucketObjectv2"):
        assert f"::{r.name}" in waits


def test_the_configuration_is_one_that_the_runtime_reads() -> None:
    monitor = _deployed(state={"shards": 8}, job={"settings": alur.Settings(threads=3), "engine": "local"})
    config = _config(monitor)
    assert config.ledger.table == "state-table-1a2b3c4"
    assert config.ledger.shards == 8
    assert config.table.key == "proj_dev.order_lines"
    assert config.sources[0].uri == "s3://ingest-landing-1a2b3c4/in/"
    assert config.contract == OrderLines.__alur_contract__
    assert config.settings.threads == 3
    assert config.timeout_seconds == 120 * 60  # the job's own, by default
    assert config.engine == "local"
    assert config.code_digest == ""
    assert len(_code_digest(monitor)) == 64


def test_another_setting_is_another_object_and_the_same_code() -> None:
    one, other = _deployed(), _deployed(job={"settings": alur.Settings(threads=3)})
    keys = [m.one("BucketObjectv2", "ingest-config").inputs["key"] for m in (one, other)]
    assert keys[0] != keys[1]
    assert _code_digest(one) == _code_digest(other)
    assert (
        one.one("Job").inputs["defaultArguments"]["--extra-py-files"]
        == (other.one("Job").inputs["defaultArguments"]["--extra-py-files"])
    )


@pytest.mark.parametrize(
    "change",
    [
        {"table": {"on_change": alur.OnChange.SKIP}},
        {"job": {"code": FEED}},
        {"job": {"sources": [alur.Source(name="shop", prefix="in/", files=alur.CsvOptions(separator=";"))]}},
        {"job": {"sources": [alur.Source(name="shop", prefix="in/", budget=alur.ErrorBudget(rows=3))]}},
        {"job": {"settings": alur.Settings(max_partitions=3)}},
        {"table": {"metadata_columns": ["_source_file"]}},
        {"table": {"contract": attrs.evolve(SPEC, expectations=(alur.expect.unique("OrderId"),))}},
        {"table": {"contract": attrs.evolve(SPEC, files=alur.CsvOptions(separator=";"))}},
        {"table": {"contract": attrs.evolve(SPEC, extras=alur.Extras.REJECT)}},
    ],
)
def test_what_decides_about_a_file_changes_the_code_digest(change: dict[str, Any]) -> None:
    assert _code_digest(_deployed()) != _code_digest(_deployed(**change))


def test_what_decides_about_rows_reaches_the_configuration() -> None:
    expectations = (alur.expect.unique("OrderId"), alur.expect.in_set("note", ("a", "b"), severity="warn"))
    spec = attrs.evolve(SPEC, extras=alur.Extras.RESCUE, expectations=expectations)
    source = alur.Source(
        name="shop",
        prefix="in/",
        files=alur.JsonLinesOptions(timezone="Europe/Berlin"),
        budget=alur.ErrorBudget(rows=10, percent=0.5),
        hidden=True,
    )
    config = _config(_deployed(table={"contract": spec, "metadata_columns": META}, job={"sources": [source]}))
    assert config.contract == spec
    assert config.metadata_columns == tuple(META)
    (found,) = config.sources
    assert (found.files, found.budget, found.hidden) == (source.files, source.budget, True)


def test_without_more_words_no_bad_row_is_taken_and_no_hidden_file() -> None:
    (source,) = _config(_deployed()).sources
    assert (source.files, source.budget, source.hidden) == (alur.CsvOptions(), alur.ErrorBudget(rows=0), False)
    assert _config(_deployed()).metadata_columns is None


@alur.contract()
class Part:
    """A part of an order."""

    Sku: str
    pieces: alur.Int16 | None


@alur.contract(partition_by=("region", alur.day("at"), alur.bucket(16, "order_id")), extras="rescue")
class Nested:
    """Orders with their parts."""

    order_id: int
    at: dt.datetime
    parts: list[Part]
    image: bytes | None
    weight: alur.Float32
    region: str


def test_the_catalog_has_nested_types_what_is_rescued_and_derived_partitions() -> None:
    source = alur.Source(name="shop", prefix="in/", files=alur.JsonLinesOptions())
    monitor = _deployed(table={"contract": Nested, "metadata_columns": META}, job={"sources": [source]})
    table = monitor.one("CatalogTable").inputs
    assert {c["name"]: c["type"] for c in table["storageDescriptor"]["columns"]} == {
        "order_id": "bigint",
        "at": "timestamp",
        "parts": "array<struct<sku:string,pieces:smallint>>",
        "image": "binary",
        "weight": "float",
        "_rescued": "string",
        "_source_file": "string",
        "_source_row": "bigint",
    }
    assert [(k["name"], k["type"], k.get("comment")) for k in table["partitionKeys"]] == [
        ("region", "string", None),
        ("at_day", "date", "day(at)"),
        ("order_id_bucket", "int", "bucket(16, order_id)"),
    ]


def test_bring_your_own_bucket_database_role_and_topic() -> None:
    topic = "arn:aws:sns:eu-west-1:123456789012:mine"
    monitor = _deployed(
        state={"alarm_topic_arn": topic},
        table={"existing_bucket": "my-bucket", "existing_database": "mine"},
        job={
            "landing_bucket": "my-landing",
            "role_arn": "arn:aws:iam::123456789012:role/mine",
            "artifacts_bucket": "my-code",
            "alarm_topic_arn": topic,
        },
    )
    for kind in ("Bucket", "CatalogDatabase", "Role", "Policy", "Topic", "BucketPolicy"):
        assert monitor.of(kind) == []
    config = _config(monitor)
    assert config.table.location == "s3://my-bucket/mine/order_lines/"
    assert config.sources[0].uri == "s3://my-landing/in/"
    assert monitor.one("Job").inputs["roleArn"] == "arn:aws:iam::123456789012:role/mine"
    assert {r.inputs["bucket"] for r in monitor.of("BucketObjectv2")} == {"my-code"}
    assert monitor.one("EventTarget").inputs["arn"] == topic
    policy = monitor.outputs[next(u for u in monitor.outputs if u.endswith("::ingest"))]["policy"]
    assert "arn:aws:s3:::my-code/_alur/artifacts/*" in policy
    assert "arn:aws:s3:::my-landing/in/*" in policy


def test_sources_with_buckets_of_their_own_need_no_landing_bucket() -> None:
    monitor = _deployed(
        job={"sources": [alur.Source(name="a", bucket="theirs"), alur.Source(name="b", prefix="x/", bucket="ours")]}
    )
    assert [r.name for r in monitor.of("Bucket")] == ["lines-bucket"]
    assert [s.uri for s in _config(monitor).sources] == ["s3://theirs/", "s3://ours/x/"]


def test_a_schedule_is_made_when_asked_for() -> None:
    assert _deployed().of("Trigger") == []
    monitor = _deployed(job={"schedule": "cron(0 6 * * ? *)"})
    assert monitor.one("Trigger").inputs["actions"] == [{"jobName": "ingest-job-1a2b3c4"}]


def test_options_of_a_component_reach_its_children() -> None:
    monitor = register(lambda: Pipeline(opts=pulumi.ResourceOptions(protect=True)))
    assert all(r.protect for r in monitor.registered if r.custom)


def test_a_preview_of_nothing_deployed_registers_the_same() -> None:
    assert {(r.type, r.name) for r in register(Pipeline, preview=True).registered} == {
        (r.type, r.name) for r in _deployed().registered
    }


@pytest.mark.parametrize("program", ["stacks/__main__.py", "examples/quickstart/__main__.py"])
def test_programs_that_are_shipped_register(program: str) -> None:
    monitor = register(lambda: runpy.run_path(str(Path(ROOT, program)), run_name="__main__"), project="alur-orders")
    assert len(monitor.of("Job")) == 1
    assert monitor.one("CatalogTable").inputs["databaseName"] == "alur_orders_dev"
