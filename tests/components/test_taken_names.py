"""Two of a program that AWS takes only one of are refused at preview."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_aws as aws
import pytest

import alur_pulumi as alur
from tests.components.monitor import register
from tests.components.programs import OrderLines

if TYPE_CHECKING:
    from collections.abc import Callable


def _table(name: str, opts: pulumi.ResourceOptions | None = None, **arguments: Any) -> alur.BronzeTable:
    return alur.BronzeTable(name, alur.BronzeTableArgs(**{"contract": OrderLines, **arguments}), opts)


def _refused(program: Callable[[], Any]) -> str:
    with pytest.raises(alur.ArgumentError) as caught:
        register(program)
    return str(caught.value)


def test_a_second_database_of_one_name() -> None:
    def program() -> None:
        _table("one")
        _table("two", table_name="other")

    said = _refused(program)
    assert said.startswith("BronzeTable 'two': database_name is 'proj_dev': BronzeTable 'one' has it already: give")
    assert "existing_database=<that table>.database_name" in said


@pytest.mark.parametrize("in_made", [True, False])
def test_a_second_table_of_one_name(in_made: bool) -> None:
    def program() -> None:
        first = _table("one", **({} if in_made else {"existing_database": "theirs"}))
        _table("two", existing_database=first.database_name if in_made else "theirs")

    said = _refused(program)
    assert said.startswith(
        "BronzeTable 'two': table_name is 'order_lines': BronzeTable 'one' has it already: give another"
    )


def test_what_is_not_the_same() -> None:
    def program() -> None:
        first = _table("one")
        _table("two", existing_database=first.database_name, table_name="other")
        _table("three", database_name="another")
        elsewhere = aws.Provider("elsewhere", region="eu-central-1")
        _table("four", pulumi.ResourceOptions(provider=elsewhere))

    assert len(register(program).of("CatalogTable")) == 4
    # another program of the same process, as the automation API and tests run them
    assert len(register(program).of("CatalogTable")) == 4


def test_a_table_has_one_ledger() -> None:
    def program(*, same: bool) -> None:
        table = _table("lines")
        state = alur.StateTable("state", alur.StateTableArgs())
        for name in ("first", "second"):
            ledger = state if same or name == "first" else alur.StateTable("other", alur.StateTableArgs())
            sources = [alur.Source(name=name, prefix=f"{name}/")]
            alur.IngestionJob(name, alur.IngestionJobArgs(table=table, state=ledger, sources=sources))

    assert len(register(lambda: program(same=True)).of("Job")) == 2
    said = _refused(lambda: program(same=False))
    assert said.startswith("IngestionJob 'second': state is ")
    assert said.endswith("another job of this table has another ledger: give it that one")
