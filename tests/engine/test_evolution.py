"""A contract that changes against what is deployed, on the real engine and on its stand-in."""

from pathlib import Path
from typing import Any

import attrs
import pulumi
import pytest

import alur_pulumi as alur
from alur_pulumi.local.emulator import Emulator
from alur_pulumi.local.errors import DeploymentError
from alur_pulumi.local.stack import open_stack
from alur_pulumi.pulumi_cli import NoPulumiCli
from alur_runtime.contracts.spec import Column, ContractSpec
from tests.components.programs import OrderLines
from tests.engine.engines import ENGINES, changed

SPEC: ContractSpec = OrderLines.__alur_contract__


@pytest.mark.parametrize("cli", ENGINES)
def test_a_contract_is_changed_in_place_and_never_broken_unawares(
    emulator: Emulator, tmp_path: Path, cli: NoPulumiCli | None
) -> None:
    database = f"evolving_{'engine' if cli is None else 'stand_in'}"
    given: dict[str, Any] = {"contract": SPEC, "existing_bucket": "somewhere", "database_name": database}

    def program() -> None:
        table = alur.BronzeTable("lines", alur.BronzeTableArgs(**given))
        pulumi.export("location", table.location)

    def deployed() -> dict[str, Any]:
        return emulator.client("glue").get_table(DatabaseName=database, Name="order_lines")["Table"]

    stack = open_stack(program, emulator=emulator, work_dir=tmp_path / "stack", cli=cli)
    assert changed(stack.preview()) == {"lines-database": "create", "lines-table": "create"}
    stack.up()
    assert stack.up().changes == ()

    # a column and another comment come in place
    columns = (attrs.evolve(SPEC.columns[0], doc="in another word"), *SPEC.columns[1:], Column("added", "date", True))
    given["contract"] = grown = attrs.evolve(SPEC, columns=columns)
    assert changed(stack.preview()) == {"lines-table": "update"}
    assert changed(stack.up()) == {"lines-table": "update"}
    storage = deployed()["StorageDescriptor"]
    assert (storage["Columns"][0]["Name"], storage["Columns"][0]["Comment"]) == ("orderid", "in another word")
    assert "added" in [c["Name"] for c in storage["Columns"]]

    # what breaks it is refused by preview and by up, and nothing has changed
    before = deployed()
    for deploy, arguments, says in (
        (stack.up, {"contract": SPEC}, "added: deployed as date, and dropped"),
        (
            stack.preview,
            {"contract": attrs.evolve(grown, partition_by=())},
            "partition_by: deployed is a table by region string",
        ),
        (stack.preview, {"on_change": alur.OnChange.APPEND}, "_source_etag: on_change=append needs it"),
        (
            stack.preview,
            {"existing_bucket": "elsewhere"},
            f"location: deployed at s3://somewhere/{database}/order_lines/",
        ),
    ):
        kept = dict(given)
        given |= arguments
        with pytest.raises(DeploymentError) as caught:
            deploy()
        assert f"BronzeTable 'lines': contract is 'OrderLines': the deployed table {database}." in str(caught.value)
        assert says in str(caught.value)
        given.clear()
        given |= kept
    assert deployed() == before
    assert stack.preview().changes == ()

    # what was allowed by name goes through, in place
    given |= {"contract": SPEC, "allow_breaking_changes_of": ["added"]}
    assert changed(stack.up()) == {"lines-table": "update"}
    assert "added" not in [c["Name"] for c in deployed()["StorageDescriptor"]["Columns"]]

    # another name is another table: the catalog forgets the first, whose files stay
    given |= {"contract": attrs.evolve(SPEC, partition_by=()), "table_name": "order_lines_2"}
    assert changed(stack.preview()) == {"lines-table": "replace"}
