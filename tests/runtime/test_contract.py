from __future__ import annotations

import datetime as dt
import decimal
from typing import Annotated, Any

import pytest

from alur_runtime import ContractSpec, Decimal, column, contract, spec_of
from alur_runtime.contract import Column, check_spec
from alur_runtime.errors import ContractError


def test_every_type_and_what_it_is_in_the_catalog() -> None:
    @contract(partition_by=("day", "region"))
    class Everything:
        """All there is."""

        number: int
        ratio: float | None
        flag: bool
        name: str = column(doc="who")
        price: Decimal(12, 2)  # type: ignore[valid-type]
        rest: Decimal(5) | None
        typed: Annotated[decimal.Decimal, Decimal(38, 38)]
        typed_or_none: Annotated[decimal.Decimal, Decimal(1, 0)] | None
        day: dt.date
        at: dt.datetime | None
        region: str

    spec = spec_of(Everything)
    assert spec.doc == "All there is."
    assert [(c.name, c.type, c.nullable) for c in spec.columns] == [
        ("number", "bigint", False),
        ("ratio", "double", True),
        ("flag", "boolean", False),
        ("name", "string", False),
        ("price", "decimal(12,2)", False),
        ("rest", "decimal(5,0)", True),
        ("typed", "decimal(38,38)", False),
        ("typed_or_none", "decimal(1,0)", True),
        ("day", "date", False),
        ("at", "timestamp", True),
        ("region", "string", False),
    ]
    assert spec.columns[3].doc == "who"
    assert [c.name for c in spec.partition_columns] == ["day", "region"]
    assert "day" not in [c.name for c in spec.data_columns]


@pytest.mark.parametrize(
    ("hint", "message"),
    [
        (complex, "type complex is not known; allowed are int, Int8"),
        (int | str, "is a union"),
        (int | str | None, "is a union"),
        (decimal.Decimal, "a decimal needs its digits"),
        (Decimal(39, 2), "precision is 1 to 38"),
        (Decimal(4, 5), "scale 0 to precision"),
        ("Unknown", "annotations cannot be read"),
    ],
)
def test_a_type_that_cannot_be_is_named(hint: Any, message: str) -> None:
    cls = type("Orders", (), {"__annotations__": {"amount": hint}})
    with pytest.raises(ContractError, match=message) as caught:
        contract()(cls)
    assert str(caught.value).startswith("contract Orders")


@pytest.mark.parametrize(
    ("columns", "partition_by", "message"),
    [
        ((), (), "has no columns"),
        ((Column("a b", "string"),), (), "a column's name has letters"),
        ((Column("a", "string"), Column("A", "string")), (), "differs from 'a' only in case"),
        ((Column("a", "string"),), ("b",), "partition_by names no column; columns are a"),
        ((Column("a", "string"),), ("a",), "names every column"),
        ((Column("a", "double"), Column("b", "string")), ("a",), "a double cannot be a partition column"),
        ((Column("a", "string"), Column("b", "string")), ("a", "a"), "names a column twice"),
        ((Column("a", "number"),), (), "type 'number' is not known"),
    ],
)
def test_a_contract_that_cannot_be(columns: Any, partition_by: Any, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        check_spec(ContractSpec("T", columns, partition_by))


def test_a_class_that_is_none() -> None:
    with pytest.raises(ContractError, match="decorate the class"):
        spec_of(int)
