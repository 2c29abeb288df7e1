"""A ledger of one stack, used by another."""

from pathlib import Path

import pulumi
import pytest

import alur_pulumi as alur
from alur_pulumi.local.emulator import Emulator
from alur_pulumi.local.errors import DeploymentError
from alur_pulumi.local.stack import open_stack
from alur_pulumi.pulumi_cli import NoPulumiCli
from tests.engine.engines import ENGINES


@pytest.mark.parametrize("cli", ENGINES)
def test_a_stack_uses_the_ledger_of_another_and_leaves_it_alone(
    emulator: Emulator, tmp_path: Path, cli: NoPulumiCli | None
) -> None:
    names = {"ledger": "", "other": f"no-ledger-{'engine' if cli is None else 'stand-in'}"}

    def owner() -> None:
        given = alur.StateTableArgs(on_destroy=alur.OnDestroy.DELETE, alarms=False, tags={"owner": "platform"})
        pulumi.export("ledger", alur.StateTable("state", given).table_name)

    def user() -> None:
        state = alur.StateTable("state", alur.StateTableArgs(existing_table=names["ledger"]))
        pulumi.export("ledger", state.table_name)
        pulumi.export("arn", state.table_arn)

    def opened(program, project):
        return open_stack(program, emulator=emulator, work_dir=tmp_path / project, project=project, cli=cli)

    platform, team = opened(owner, "platform"), opened(user, "team")
    names["ledger"] = str(platform.up().outputs["ledger"])
    dynamodb = emulator.client("dynamodb")
    before = dynamodb.describe_table(TableName=names["ledger"])["Table"]

    assert team.preview().changes == ()
    used = team.up()
    assert used.changes == ()
    assert used.outputs == {"ledger": names["ledger"], "arn": before["TableArn"]}
    team.destroy()
    assert dynamodb.describe_table(TableName=names["ledger"])["Table"] == before

    # a table that is none of ours is refused by its keys, at preview
    dynamodb.create_table(
        TableName=names["other"],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    names["ledger"] = names["other"]
    with pytest.raises(DeploymentError, match="its keys must be ingestion_key and file_path"):
        team.preview()
