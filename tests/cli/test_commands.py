"""The command against Glue, S3 and DynamoDB of moto, in process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import attrs
import boto3
import pytest
from click.testing import CliRunner, Result
from moto import mock_aws

from alur_pulumi.cli.main import cli
from alur_runtime.config import JobConfig, LedgerConfig, SourceConfig, TableConfig, to_json
from alur_runtime.contracts.spec import Column, ContractSpec
from alur_runtime.ledger.ledger import Ledger
from alur_runtime.model import Action, BatchItem, BatchPlan, BatchStatus, FileItem, FileStatus, Member, RunItem
from alur_runtime.report import RunReport, render_text, report_to_json

if TYPE_CHECKING:
    from collections.abc import Iterator

JOB = "orders-job-1a2b3c4"
CONFIG = JobConfig(
    job="orders",
    table=TableConfig(
        database="sales", name="orders", location="s3://table/sales/orders/", metadata="s3://table/_alur/sales/orders/"
    ),
    contract=ContractSpec("Orders", (Column("order_id", "bigint"),)),
    sources=(SourceConfig(name="shop", uri="s3://landing/orders/"),),
    ledger=LedgerConfig(table="state"),
)


@attrs.frozen
class Account:
    """An account with one job of alur's."""

    s3: Any
    dynamodb: Any
    glue: Any
    ledger: Ledger

    def file(self, uri: str, status: FileStatus = FileStatus.COMPLETED, rows: int = 10, error: str = "") -> None:
        item = FileItem(
            uri=uri,
            status=status,
            etag='"e"',
            size=100,
            last_modified_ms=1,
            source="shop",
            reason="new",
            batch_seq="000000000001-00000",
            run_id="run-1",
            processed_at=1_800_000_000,
            rows_ingested=rows,
            table_rows=rows,
            error=error,
            code="one",
        )
        self.ledger.put_files([item])

    def open_batch(self, uri: str) -> None:
        seq = "000000000002-00000"
        plan = BatchPlan(seq, (Member(uri, '"e"', 100, 1, "shop", Action.INGEST, "new"),), CONFIG.on_change)
        key = "_alur/sales/orders/plan.json"
        self.s3.put_object(Bucket="table", Key=key, Body=to_json(plan))
        lease = self.ledger.try_lease("run-2", 60)
        assert not isinstance(lease, str)
        batch = BatchItem(seq, BatchStatus.PROCESSING, "run-2", 1, f"s3://table/{key}", 1, 100, 1_800_000_000)
        self.ledger.create_batches([batch], lease)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    for name, value in {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("alur_pulumi.cli.commands.time.sleep", lambda _: None)
    with mock_aws():
        s3, dynamodb, glue = (boto3.client(name) for name in ("s3", "dynamodb", "glue"))
        for bucket in ("table", "landing"):
            s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket="table", Key="_alur/config.json", Body=to_json(CONFIG))
        keys = ("ingestion_key", "HASH"), ("file_path", "RANGE")
        dynamodb.create_table(
            TableName="state",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
        )
        arguments = {"--alur_config": "s3://table/_alur/config.json"}
        for name, given in ((JOB, arguments), ("somebody-elses", {})):
            command = {"Name": "glueetl", "ScriptLocation": "s3://table/job.py"}
            glue.create_job(Name=name, Role="role", Command=command, DefaultArguments=given)
        yield Account(s3, dynamodb, glue, Ledger(dynamodb, "state", CONFIG.table.key, CONFIG.ledger.shards))


def alur(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments), prog_name="alur")


def _ending(monkeypatch: pytest.MonkeyPatch, account: Account, state: str, **run: Any) -> None:
    """Let every started run end at once, with this state and, if given, this run item."""
    from alur_pulumi.cli.aws import Aws, GlueRun

    start = Aws.start

    def started(self: Aws, job: str) -> str:
        run_id = start(self, job)
        if run:
            account.ledger.put_run(RunItem("run-1", 0, 1_800_000_000, glue_run_id=run_id, **run), 90)
        return run_id

    monkeypatch.setattr(Aws, "start", started)
    monkeypatch.setattr(Aws, "glue_run", lambda _, __, run_id: GlueRun(run_id, state, "", 1))


def test_a_job_that_is_not_there_is_named_with_those_that_are(account: Account) -> None:
    result = alur("status", "orders-job")
    assert result.exit_code == 2
    assert result.output.startswith("Error: Glue job 'orders-job': not found in us-east-1")
    assert result.output.rstrip().endswith(f"alur's jobs there: {JOB}")


def test_a_job_of_somebody_else_is_refused(account: Account) -> None:
    result = alur("files", "somebody-elses")
    assert result.exit_code == 2
    assert "has no default argument --alur_config" in result.output


def test_a_lost_configuration_is_named(account: Account) -> None:
    account.s3.delete_object(Bucket="table", Key="_alur/config.json")
    result = alur("status", JOB)
    assert result.output == (
        "Error: configuration s3://table/_alur/config.json: not found; deploy again, or look for who deleted it\n"
    )


def test_a_broken_configuration_is_one_line(account: Account) -> None:
    account.s3.put_object(Bucket="table", Key="_alur/config.json", Body=b"{")
    result = alur("status", JOB)
    assert result.exit_code == 1
    assert result.output.startswith("Error: configuration (whole): is no JSON")


def test_an_aws_error_is_one_line_with_a_remedy(account: Account) -> None:
    account.dynamodb.delete_table(TableName="state")
    result = alur("status", JOB)
    assert result.exit_code == 1
    assert result.output.startswith("Error: GetItem: ResourceNotFoundException: ")
    assert result.output.count("\n") == 1


def test_no_region_is_one_line(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", "none")
    result = alur("status", JOB)
    assert result.output == "Error: AWS: no region: You must specify a region; give --region, or set AWS_REGION\n"


def test_usage_errors_have_exit_code_2(account: Account) -> None:
    assert alur("files", JOB, "--status", "lost").exit_code == 2
    assert alur("run").exit_code == 2


def test_files_as_json(account: Account) -> None:
    account.file("s3://landing/orders/a.csv")
    account.file("s3://landing/orders/b.csv", FileStatus.FAILED, 0, "row 3: bad")
    account.open_batch("s3://landing/orders/c.csv")
    result = alur("files", JOB, "--json")
    assert result.exit_code == 0
    document = json.loads(result.output)
    assert document["table"] == "sales.orders"
    assert [(f["file"][-5:], f["status"], f["rows"]) for f in document["files"]] == [
        ("a.csv", "completed", 10),
        ("b.csv", "failed", 0),
        ("c.csv", "processing", 0),
    ]


def test_files_selected_by_status_and_glob(account: Account) -> None:
    account.file("s3://landing/orders/a.csv")
    account.file("s3://landing/orders/b.csv", FileStatus.FAILED, 0, "row 3: bad")
    result = alur("files", JOB, "--status", "failed", "--match", "*.csv")
    assert result.exit_code == 0
    assert "a.csv" not in result.output
    assert "s3://landing/orders/b.csv: row 3: bad" in result.output
    assert result.output.endswith("sales.orders: 1 file, 0 rows\n")


def _quarantined(account: Account) -> None:
    """A file with two bad rows, one of them with half a surrogate pair."""
    account.file("s3://landing/orders/a.csv")
    (item,) = account.ledger.files()
    account.ledger.put_files(
        [attrs.evolve(item, batch_seq="000000000001-00001", rows_quarantined=2, quarantine="q.jsonl")]
    )
    lines = [
        {"file": item.uri, "etag": item.etag, "source": "shop", "row": row, "line": None, "column": "order_id",
         "value": value, "reason": "bad_value", "problem": f"{value!r} is no bigint", "record": value,
         "run_id": "run-1", "batch": "b"}
        for row, value in ((3, "secret"), (5, "\ud800"))
    ]  # fmt: skip
    body = "".join(json.dumps(line) + "\n" for line in lines)
    account.s3.put_object(Bucket="table", Key="_alur/sales/orders/quarantine/q.jsonl", Body=body.encode())


def test_bad_rows_are_shown_without_their_values(account: Account) -> None:
    _quarantined(account)
    account.file("s3://landing/orders/b.csv")
    result = alur("quarantine", JOB)
    assert result.exit_code == 0, result.output
    assert "secret" not in result.output
    assert "*** is no bigint" in result.output
    assert result.output.endswith(
        "sales.orders: 2 bad rows of 1 file (2 bad_value); values are masked (--show-values)\n"
    )
    assert "secret" in alur("quarantine", JOB, "--show-values").output


def test_bad_rows_as_json(account: Account) -> None:
    _quarantined(account)
    rows = json.loads(alur("quarantine", JOB, "--json", "--show-values").output)["rows"]
    assert [(r["row"], r["value"]) for r in rows] == [(3, "secret"), (5, "\ud800")]
    assert "secret" not in alur("quarantine", JOB, "--json").output


def test_bad_rows_of_a_run_and_of_files(account: Account) -> None:
    _quarantined(account)
    for arguments in (("--run", "run-9"), ("--match", "b.csv")):
        assert alur("quarantine", JOB, *arguments).output == "sales.orders: no bad row in quarantine\n"
    for arguments in (("--run", "run-1"), ("--match", "a.csv")):
        assert len(json.loads(alur("quarantine", JOB, "--json", *arguments).output)["rows"]) == 2


def test_a_lost_quarantine_object_is_named(account: Account) -> None:
    _quarantined(account)
    account.s3.delete_object(Bucket="table", Key="_alur/sales/orders/quarantine/q.jsonl")
    result = alur("quarantine", JOB)
    assert result.exit_code == 1
    assert "quarantine s3://table/_alur/sales/orders/quarantine/q.jsonl: not found" in result.output


def test_status_as_json(account: Account) -> None:
    account.file("s3://landing/orders/a.csv")
    account.open_batch("s3://landing/orders/c.csv")
    account.ledger.put_run(RunItem("run-1", 0, 1_800_000_000, finished_at=1_800_000_009, outcome="completed"), 90)
    document = json.loads(alur("status", JOB, "--json").output)
    assert document["files"] == {"completed": 1, "processing": 1}
    assert document["rows"] == 10
    assert document["lease"]["owner"] == "run-2"
    assert [b["owner"] for b in document["open_batches"]] == ["run-2"]
    assert [r["state"] for r in document["runs"]] == ["completed"]


def test_run_without_waiting(account: Account) -> None:
    result = alur("run", JOB, "--no-wait", "--json")
    assert result.exit_code == 0
    assert json.loads(result.output)["job_run_id"]


def test_a_run_that_did_all_ends_with_its_report_and_0(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    report = RunReport(
        run_id="run-1",
        job="orders",
        table="sales.orders",
        outcome="completed",
        exit_code=0,
        started_at=1_800_000_000,
        finished_at=1_800_000_009,
    )
    account.s3.put_object(Bucket="table", Key="_alur/report.json", Body=report_to_json(report))
    uri = "s3://table/_alur/report.json"
    ended = {"finished_at": 1_800_000_009, "outcome": "completed", "exit_code": 0, "report_uri": uri}
    _ending(monkeypatch, account, "SUCCEEDED", **ended)
    result = alur("run", JOB)
    assert result.exit_code == 0
    assert result.stdout == f"{render_text(report)}\n"
    assert "SUCCEEDED after" in result.stderr
    document = json.loads(alur("run", JOB, "--json").stdout)
    assert (document["state"], document["exit_code"], document["report"]["run_id"]) == ("SUCCEEDED", 0, "run-1")


def test_a_run_that_fails_has_exit_code_1(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    _ending(monkeypatch, account, "FAILED")
    result = alur("run", JOB)
    assert result.exit_code == 1
    assert "did not come so far as to start" in result.stdout


def test_a_run_with_failed_files_has_exit_code_1(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    _ending(monkeypatch, account, "FAILED", finished_at=1_800_000_009, outcome="files_failed", exit_code=1)
    result = alur("run", JOB, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["outcome"] == "files_failed"


def test_interrupting_leaves_the_run_going(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    _ending(monkeypatch, account, "RUNNING")
    monkeypatch.setattr("alur_pulumi.cli.commands.time.sleep", interrupted)
    result = alur("run", JOB)
    assert result.exit_code == 130
    assert "goes on" in result.stderr
    assert result.stdout == ""


def test_failed_files_are_marked_to_be_tried_again(account: Account) -> None:
    good, bad, other = (f"s3://landing/orders/{name}.csv" for name in ("good", "bad", "other"))
    account.file(good)
    for uri in (bad, other):
        account.file(uri, FileStatus.FAILED, rows=0, error="row 3")
    assert {f.uri: f.code for f in account.ledger.files()} == {good: "one", bad: "one", other: "one"}
    done = alur("retry", JOB, bad, good, "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (1, {"job": JOB, "retried": [bad], "not_failed": [good]})
    assert {f.uri: f.code for f in account.ledger.files()} == {good: "one", bad: "", other: "one"}
    done = alur("retry", JOB, "--match", "other.csv")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [other, f"1 file will be tried again by the next run: alur run {JOB}"]
    assert alur("retry", JOB).exit_code == 2
    assert json.loads(alur("retry", JOB, "--reason", "damaged", "--json").stdout)["retried"] == []


def test_a_file_that_was_decided_anew_meanwhile_is_not_marked(account: Account) -> None:
    account.file("s3://landing/orders/bad.csv", FileStatus.FAILED, rows=0, error="row 3")
    (item,) = account.ledger.files()
    account.ledger.put_files([attrs.evolve(item, batch_seq="000000000002-00000", code="two")])
    assert not account.ledger.try_again(item)
    assert [f.code for f in account.ledger.files()] == ["two"]
