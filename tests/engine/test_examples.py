"""Every example is deployed as it stands, its job run over a file, and its table read as anyone would read it."""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from alur_pulumi.local.emulator import Emulator
from alur_pulumi.local.stack import open_stack
from alur_pulumi.pulumi_cli import NoPulumiCli
from alur_runtime.config import split_uri
from examples.orders.read_back import read_table
from tests.engine.engines import ENGINES, ended_runs

ONE = "the only one"
"""The key of the feed where an example has one job; its outputs are no mappings then."""


@attrs.frozen(kw_only=True)
class Feed:
    """What lands for one job, and what its table has then.

    Attributes:
        file: Name of the file below the landing prefix.
        body: Its content.
        column: A column of the table.
        values: What it holds.
        partitions: How many partitions the catalog has.
        starts: Whether the file's arrival starts the job, and nobody else does.
    """

    file: str
    body: str
    column: str
    values: tuple[Any, ...]
    partitions: int = 0
    starts: bool = False


EXAMPLES: Mapping[str, Mapping[str, Feed]] = {
    "quickstart": {
        ONE: Feed(
            file="may.csv",
            body="payment_id,payer,booked_on,purpose\n1,Ada,2026-05-01,rent\n2,Bo,2026-05-02,\n",
            column="payer",
            values=("Ada", "Bo"),
        )
    },
    "event_driven": {
        ONE: Feed(
            file="2026/clicks.jsonl",
            body='{"click_id": "a", "clicked_at": "2026-05-01T10:00:00Z", "page": "/", "visitor": null}\n'
            '{"click_id": "b", "clicked_at": "2026-05-02T10:00:00+02:00", "page": "/cart"}\n',
            column="clicked_at",
            values=(dt.datetime(2026, 5, 1, 10, tzinfo=dt.UTC), dt.datetime(2026, 5, 2, 8, tzinfo=dt.UTC)),
            partitions=2,
            starts=True,
        )
    },
    "shared_ledger": {
        "orders": Feed(
            file="a.csv",
            body="order_id,placed_at,total\n1,2026-05-01T10:00:00,12.50\n",
            column="total",
            values=(decimal.Decimal("12.50"),),
        ),
        "returns": Feed(
            file="a.csv",
            body="order_id;received_on;reason\n1;13.05.2026;too small\n",
            column="received_on",
            values=(dt.date(2026, 5, 13),),
        ),
    },
    "own_bucket_and_key": {
        ONE: Feed(
            file="may.csv",
            body="booking_id,account,booked_on,amount\n7,4400,2026-05-31,-1000000.01\n",
            column="amount",
            values=(decimal.Decimal("-1000000.01"),),
        )
    },
    "larger_program": {
        ONE: Feed(
            file="meters/may.csv",
            body="meter,measured_at,kwh\nm1,2026-05-31T23:59:59,1.5\nm1,2026-06-01T00:00:00,\n",
            column="kwh",
            values=(1.5, None),
            partitions=2,
        )
    },
}


@pytest.mark.parametrize("cli", ENGINES)
@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repository: Path, example: str, cli: NoPulumiCli | None
) -> None:
    with Emulator.start(work_dir=tmp_path / "aws", region="eu-west-1") as emulator:
        for name, value in emulator.environment().items():
            monkeypatch.setenv(name, value)
        stack = open_stack(
            repository / "examples" / example,
            emulator=emulator,
            work_dir=tmp_path / "stack",
            stack="dev",
            config={"clicks:windowSeconds": "1"},
            cli=cli,
        )
        outputs = stack.up().outputs
        assert stack.up().changes == ()
        for key, feed in EXAMPLES[example].items():
            _land(emulator, _of(outputs["land files below"], key)[0] + feed.file, feed.body)
        for key, feed in EXAMPLES[example].items():
            job = _job(outputs, key)
            run = ended_runs(emulator, job, 1)[0] if feed.starts else emulator.run_job(job)
            assert run["JobRunState"] == "SUCCEEDED", emulator.run_log(job, run["Id"])
            database, table = _table(outputs, key)
            assert sorted(read_table(database, table)[feed.column].to_pylist(), key=str) == sorted(feed.values, key=str)
            found = emulator.client("glue").get_partitions(DatabaseName=database, TableName=table)["Partitions"]
            assert len(found) == feed.partitions


def test_every_example_with_a_program_is_run(repository: Path) -> None:
    programs = {path.parent.name for path in (repository / "examples").glob("*/__main__.py")}
    assert programs == EXAMPLES.keys()


def _of(output: Any, key: str) -> Any:
    return output if key == ONE else output[key]


def _job(outputs: Mapping[str, Any], key: str) -> str:
    if "start with" in outputs:
        return str(outputs["start with"]).removeprefix("alur run ")
    return str(_of(outputs["job" if key == ONE else "jobs"], key))


def _table(outputs: Mapping[str, Any], key: str) -> tuple[str, str]:
    if "query" in outputs:
        database, _, table = str(outputs["query"]).removeprefix("SELECT * FROM ").partition(".")
        return database, table
    return str(outputs["database"]), str(_of(outputs["table" if key == ONE else "tables"], key))


def _land(emulator: Emulator, uri: str, body: str) -> None:
    bucket, key = split_uri(uri)
    emulator.client("s3").put_object(Bucket=bucket, Key=key, Body=body.encode())
