from __future__ import annotations

import datetime as dt
import decimal
import json
import re
from typing import Annotated, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alur_runtime import ContractSpec, Decimal, column, contract, spec_of
from alur_runtime.config import structure, to_json
from alur_runtime.contracts.declare import Float32, Int8, Int16, Int32, Int64
from alur_runtime.contracts.expectations import not_null
from alur_runtime.contracts.options import CsvOptions, JsonLinesOptions, ParquetOptions
from alur_runtime.contracts.spec import ELEMENT, PLAIN_TYPES, Column, Extras, array_type, check_spec, struct_type
from alur_runtime.errors import ContractError
from alur_runtime.table.schema import arrow_schema, arrow_type, rows_schema


@contract()
class Line:
    """One line of an order."""

    SKU: str
    price: Decimal(38, 10)  # type: ignore[valid-type]
    discounts: list[Decimal(4, 2) | None] | None  # type: ignore[valid-type]


@contract()
class Address:
    """Where it goes."""

    street: str | None
    zip: Annotated[str, "postal code"]


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
        (dict[str, int], "type dict.* is not known; allowed are int, Int8"),
        (list, r"a list needs the type of its elements: list\[str\]"),
        (list[complex], "contract Orders.amount.element: type complex is not known"),
        (list[list[int | str]], "contract Orders.amount.element.element: .* is a union"),
        (list[Decimal(39, 2)], "contract Orders.amount.element: .*precision is 1 to 38"),
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
        ((Column("a", "number"),), (), "type 'number' is not known; there are tinyint"),
        ((Column("a", "bigint", fields=(Column("b", "int"),)),), (), "a bigint has no fields"),
        ((Column("a", "decimal(4,2)", fields=(Column("b", "int"),)),), (), r"a decimal\(4,2\) has no fields"),
        ((Column("a", "array<int>"),), (), "not the one that its fields make"),
        ((Column("a", "array<int>", fields=(Column("item", "int"),)),), (), "not the one that its fields make"),
        ((Column("a", "array<int>", fields=(Column(ELEMENT, "string"),)),), (), "not the one that its fields make"),
        ((Column("a", "struct<>"),), (), "not the one that its fields make"),
        ((Column("a", "struct<b:int>", fields=(Column("c", "int"),)),), (), "not the one that its fields make"),
        (
            (Column("a", "struct<b:int,b:int>", fields=(Column("b", "int"), Column("B", "int"))),),
            (),
            "contract T.a.B: differs from 'b' only in case",
        ),
        (
            (Column("a", "struct<b c:int>", fields=(Column("b c", "int"),)),),
            (),
            "contract T.a.b c: a column's name has",
        ),
        (
            (Column("a", "array<int>", fields=(Column(ELEMENT, "int"),)), Column("b", "int")),
            ("a",),
            "a array<int> cannot be a partition column",
        ),
    ],
)
def test_a_contract_that_cannot_be(columns: Any, partition_by: Any, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        check_spec(ContractSpec("T", columns, partition_by))


def test_a_class_that_is_none() -> None:
    with pytest.raises(ContractError, match="decorate the class"):
        spec_of(int)


def test_what_is_nested_and_how_it_is_declared() -> None:
    @contract(extras="rescue")
    class Orders:
        tiny: Int8
        small: Int16 | None
        medium: Int32
        large: Int64
        ratio: Float32
        blob: bytes | None
        lines: list[Line]
        home: Address | None
        tags: list[str | None] | None
        matrix: list[list[int]]
        noted: Annotated[list[int], "only a note"]

    spec = spec_of(Orders)
    assert [(c.name, c.type, c.nullable) for c in spec.columns] == [
        ("tiny", "tinyint", False),
        ("small", "smallint", True),
        ("medium", "int", False),
        ("large", "bigint", False),
        ("ratio", "float", False),
        ("blob", "binary", True),
        ("lines", "array<struct<sku:string,price:decimal(38,10),discounts:array<decimal(4,2)>>>", False),
        ("home", "struct<street:string,zip:string>", True),
        ("tags", "array<string>", True),
        ("matrix", "array<array<bigint>>", False),
        ("noted", "array<bigint>", False),
    ]
    by_name = {c.name: c for c in spec.columns}
    assert by_name["tags"].fields[0].nullable
    assert not by_name["lines"].fields[0].nullable
    assert [(f.name, f.nullable) for f in by_name["home"].fields] == [("street", True), ("zip", False)]
    assert [c.name for c in spec.data_columns][-1] == "_rescued"


def test_nullability_in_arrow_is_the_contracts_wherever_arrow_can_say_it() -> None:
    @contract(extras=Extras.RESCUE)
    class Orders:
        lines: list[Line]
        there: Address
        perhaps: Address | None

    schema = rows_schema(spec_of(Orders))
    assert schema.names == ["lines", "there", "perhaps", "_rescued", "_source_row"]
    element = schema.field("lines").type.value_field
    assert (element.name, element.nullable) == (ELEMENT, False)
    assert not element.type.field("SKU").nullable
    assert not schema.field("there").type.field("zip").nullable
    # A struct that is missing has slots for its fields all the same, and they hold null.
    assert schema.field("perhaps").type.field("zip").nullable
    rows = [{"lines": [], "there": {"street": None, "zip": "1"}, "perhaps": None, "_rescued": None, "_source_row": 1}]
    pa.Table.from_pylist(rows, schema=schema).validate(full=True)


def test_a_nested_contract_has_no_rules_of_its_own() -> None:
    @contract(expect=(not_null("a"),))
    class Checked:
        a: int | None

    cls = type("Orders", (), {"__annotations__": {"inner": Checked}})
    with pytest.raises(ContractError, match=r"contract Orders\.inner: Checked is nested here"):
        contract()(cls)


_NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,8}", fullmatch=True)
_DECIMALS = st.integers(1, 38).flatmap(lambda p: st.integers(0, p).map(lambda s: f"decimal({p},{s})"))


def _named(columns: st.SearchStrategy[Column]) -> st.SearchStrategy[tuple[Column, ...]]:
    return st.lists(columns, min_size=1, max_size=4, unique_by=lambda c: c.name.lower()).map(tuple)


def _columns() -> st.SearchStrategy[Column]:
    plain = st.builds(Column, _NAMES, st.sampled_from(PLAIN_TYPES) | _DECIMALS, st.booleans(), st.text(max_size=5))

    def nest(inner: st.SearchStrategy[Column]) -> st.SearchStrategy[Column]:
        elements = inner.map(lambda c: Column(ELEMENT, c.type, c.nullable, fields=c.fields))
        lists = st.builds(lambda n, e, x: Column(n, array_type(e), x, fields=(e,)), _NAMES, elements, st.booleans())
        structs = st.builds(
            lambda n, f, x: Column(n, struct_type(f), x, fields=f), _NAMES, _named(inner), st.booleans()
        )
        return lists | structs

    return st.recursive(plain, nest, max_leaves=8)


_GLUE_NAME = re.compile(r"[a-z][a-z0-9_]*")


def _split(inner: str) -> list[str]:
    """The parts between the commas that are in no brackets."""
    parts, depth = [""], 0
    for character in inner:
        depth += {"<": 1, "(": 1, ">": -1, ")": -1}.get(character, 0)
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _assert_legal(glue_type: str) -> None:
    """A reader of Hive's grammar of types that knows nothing of contracts."""
    if glue_type.startswith("array<"):
        assert glue_type.endswith(">")
        _assert_legal(glue_type[6:-1])
    elif glue_type.startswith("struct<"):
        assert glue_type.endswith(">")
        names = []
        for part in _split(glue_type[7:-1]):
            name, _, kind = part.partition(":")
            assert _GLUE_NAME.fullmatch(name)
            names.append(name)
            _assert_legal(kind)
        assert len(set(names)) == len(names)
    else:
        assert glue_type in PLAIN_TYPES or re.fullmatch(r"decimal\(\d+,\d+\)", glue_type)


@settings(deadline=None, max_examples=100)
@given(
    _named(_columns()), st.sampled_from(Extras), st.sampled_from([CsvOptions(), JsonLinesOptions(), ParquetOptions()])
)
def test_any_contract_travels_as_json_and_has_a_legal_type_in_the_catalog(
    columns: tuple[Column, ...], extras: Extras, files: Any
) -> None:
    spec = check_spec(ContractSpec("Any", columns, extras=extras, files=files))
    assert structure(json.loads(to_json(spec)), ContractSpec) == spec
    for col in spec.columns:
        _assert_legal(col.type)
        assert arrow_type(col) == arrow_schema([col]).field(0).type
