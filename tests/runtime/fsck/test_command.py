"""`alur fsck` as people and programs see it; and a repair on the embedded AWS."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner, Result

from alur_pulumi.cli import fsck as command
from alur_pulumi.cli.aws import Aws, Job
from alur_pulumi.cli.errors import UnknownJobError
from alur_pulumi.cli.main import cli
from alur_runtime.aws import make_clients
from alur_runtime.fsck.find import check
from alur_runtime.fsck.finding import How, Kind
from alur_runtime.fsck.gather import gather
from alur_runtime.fsck.repair import repair
from tests.runtime.fsck.checked import day_of, object_of, put, remove
from tests.runtime.recovery.bad_days import Day
from tests.runtime.world import World, rows

JOB = "sales-1a2b3c"


@pytest.fixture
def day(monkeypatch: pytest.MonkeyPatch) -> Day:
    day = day_of(monkeypatch)
    clients = day.cloud.clients()

    def job(aws: Aws, name: str) -> Job:
        if name != JOB:
            raise UnknownJobError(name, [JOB], "here")
        return Job(name, day.world.config, 0)

    monkeypatch.setattr(Aws, "job", job)
    monkeypatch.setattr(command, "connect", lambda *_: Aws(clients.glue, clients.s3, clients.dynamodb))
    return day


def fsck(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["fsck", JOB, *arguments], prog_name="alur")


def test_a_clean_table(day: Day) -> None:
    result = fsck()
    assert result.exit_code == 0
    assert result.output == f"{day.world.config.table.key}: 0 findings in 4 files and 3 objects\n"


def test_findings_are_shown_then_repaired_then_gone(day: Day) -> None:
    place = object_of(day, "d")
    remove(day, place)
    shown = fsck()
    assert shown.exit_code == 1
    assert re.search(
        rf"file_without_rows +{day.world.uri('orders/d.csv')}: of its 1 objects {place} is not", shown.output
    )
    assert shown.output.splitlines()[-2:] == [
        f"{day.world.config.table.key}: 1 finding in 4 files and 2 objects",
        f"Nothing was changed: alur fsck {JOB} --repair",
    ]
    mended = fsck("--repair")
    assert mended.exit_code == 0
    assert mended.output.splitlines() == [
        f"wrote down of {day.world.uri('orders/d.csv')}: the next run takes it as new",
        f"{day.world.config.table.key}: 0 findings left of 1 in 4 files and 2 objects",
        f"The next run does the rest: alur run {JOB}",
    ]


def test_what_a_person_has_to_accept(day: Day) -> None:
    remove(day, object_of(day, "d"))
    remove(day, day.world.uri("orders/d.csv"))
    result = fsck("--repair")
    assert result.exit_code == 1
    assert result.output.splitlines()[-1].endswith(f"alur fsck {JOB} --repair --accept-loss")
    assert fsck("--repair", "--accept-loss").exit_code == 0


def test_json_is_for_programs(day: Day) -> None:
    place = day.world.config.table.location + "region=EU/other.csv"
    put(day, place, b"1,2")
    result = fsck("--json")
    assert result.exit_code == 1
    assert json.loads(result.output) == {
        "job": JOB,
        "table": day.world.config.table.key,
        "clean": False,
        "findings": [
            {
                "kind": "orphan_object",
                "subject": place,
                "what": f"{place}: no ledger item and no commit manifest names it, and readers of the table see it",
                "how": "repair",
                "repair": "it is copied below lost+found and taken out of the table",
            }
        ],
        "found": 1,
        "done": [],
        "checked": {"files": 4, "objects": 4},
        "left_out": {"files": 0, "objects": 0},
    }
    mended = json.loads(fsck("--repair", "--json").output)
    assert (mended["clean"], mended["found"], len(mended["done"])) == (True, 1, 2)


def test_what_open_batches_hold_is_said(day: Day) -> None:
    day.land("e", range(40, 42))
    assert day.run_killed(lambda call: call[0] == "CompleteMultipartUpload")
    result = fsck()
    assert "1 file and 0 objects of open batches were left out" in result.output
    assert "batch_stuck" not in result.output  # its run may be alive
    day.wait()
    assert "batch_stuck" in fsck().output
    assert fsck().output.splitlines()[-1] == f"The next run does the rest: alur run {JOB}"


def test_trouble_is_told_from_findings(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fsck("--accept-loss").exit_code == 2
    result = CliRunner().invoke(cli, ["fsck", "sales"], prog_name="alur")
    assert (result.exit_code, JOB in result.output) == (2, True)

    def refused(*_: Any, **__: Any) -> Any:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "ListObjectsV2")

    monkeypatch.setattr(command, "gather", refused)
    result = fsck()
    assert result.exit_code == 2
    assert result.output.startswith("Error: ListObjectsV2: AccessDenied: no")


def test_every_kind_is_in_the_docs_as_it_is_in_the_code(repository: Path) -> None:
    page = (repository / "docs" / "fsck.md").read_text()
    cells = [f"| `{kind.value}` | {kind.text.meaning} | {kind.text.cause} | {kind.text.repair} |" for kind in Kind]
    table = "\n".join(["| kind | what it is | what makes it | what `--repair` does |", "|---|---|---|---|", *cells])
    assert f"\n{table}\n" in page
    for how in How:
        assert f"| `{how.value}` |" in page


def test_a_repair_on_the_embedded_aws(aws: str) -> None:
    world = World.make(aws)
    world.land("orders/a.csv", rows(0, 4))
    world.land("orders/b.csv", rows(10, 4, "US"))
    assert world.run().exit_code == 0
    lake, clients = world.lake, make_clients()
    lost = world.objects()[0]
    clients.s3.delete_object(Bucket=lake, Key=lost)
    clients.s3.put_object(Bucket=lake, Key="db/sales/region=EU/50% of + that.parquet", Body=b"whatever")
    clients.s3.create_multipart_upload(Bucket=lake, Key="db/sales/region=US/x.parquet")
    table = {"DatabaseName": world.config.table.database, "TableName": world.config.table.name}
    made = {"Values": ["MARS"], "StorageDescriptor": {"Location": f"{world.config.table.location}region=MARS"}}
    clients.glue.batch_create_partition(**table, PartitionInputList=[made])
    clients.glue.batch_delete_partition(**table, PartitionsToDelete=[{"Values": ["US"]}])
    kinds = [f.kind for f in check(gather(world.config, clients)).findings]
    assert kinds == [
        Kind.FILE_WITHOUT_ROWS,
        Kind.ORPHAN_OBJECT,
        Kind.UPLOAD_PENDING,
        Kind.PARTITION_MISSING,
        Kind.PARTITION_LEFT_OVER,
    ]
    assert repair(world.config, clients)
    assert not check(gather(world.config, clients, rows=True)).findings
    (kept,) = [key for key in _keys(clients, lake, "_alur/") if "lost+found" in key]
    assert kept.endswith("region=EU/50% of + that.parquet")
    assert world.run().exit_code == 0
    assert world.ids() == [0, 1, 2, 3, 10, 11, 12, 13]
    assert not check(gather(world.config, clients, rows=True)).findings


def _keys(clients: Any, bucket: str, prefix: str) -> list[str]:
    pages = clients.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [entry["Key"] for page in pages for entry in page.get("Contents", ())]
