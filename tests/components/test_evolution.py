"""What of a changed contract is told at preview: the rules, and what a component says of them."""

from collections.abc import Mapping
from typing import Any

import attrs
import pulumi
import pytest

import alur_pulumi as alur
from alur_pulumi import catalog
from alur_pulumi.evolution import TableShape, breaking_changes, is_safe, refusal, shape_of
from alur_runtime.config import OnChange
from alur_runtime.contracts.spec import Column, ContractSpec
from tests.components.monitor import Monitor, register
from tests.components.programs import OrderLines

SPEC: ContractSpec = OrderLines.__alur_contract__
PLACE = "s3://lines-bucket-1a2b3c4/proj_dev/order_lines/"


def _shape(spec: ContractSpec = SPEC, on_change: OnChange = OnChange.REPLACE, location: str = PLACE) -> TableShape:
    return shape_of(catalog.stored_columns(spec, on_change), spec.partition_columns, location)


def _with(*changes: Column) -> ContractSpec:
    by_name = {c.name: c for c in changes}
    kept = tuple(by_name.pop(c.name, c) for c in SPEC.columns)
    return attrs.evolve(SPEC, columns=(*kept, *by_name.values()))


def _without(name: str) -> ContractSpec:
    return attrs.evolve(SPEC, columns=tuple(c for c in SPEC.columns if c.name != name))


def _subjects(asked: ContractSpec, on_change: OnChange = OnChange.REPLACE, **deployed: Any) -> list[str]:
    return [c.subject for c in breaking_changes(_shape(**deployed), _shape(asked, on_change), on_change)]


def test_nothing_breaks_where_nothing_changes_but_names_case_and_spaces() -> None:
    shape = _shape()
    spaced = attrs.evolve(shape, columns={n: t.upper().replace(",", ", ") for n, t in shape.columns.items()})
    assert breaking_changes(spaced, shape, OnChange.REPLACE) == ()


def test_columns_may_be_added_reordered_and_documented() -> None:
    assert _subjects(_with(Column("added", "string", True), Column("OrderId", "bigint", False, "another word"))) == []
    assert _subjects(attrs.evolve(SPEC, columns=tuple(reversed(SPEC.columns)))) == []
    assert _subjects(attrs.evolve(SPEC, extras=alur.Extras.RESCUE)) == []


SAFE = {("tinyint", "smallint"), ("tinyint", "int"), ("smallint", "int"), ("decimal(12, 2)", "DECIMAL(12,2)")}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        *sorted(SAFE),
        *((after, before) for before, after in sorted(SAFE) if before != "decimal(12, 2)"),
        ("int", "bigint"),
        ("bigint", "int"),
        ("float", "double"),
        ("decimal(10,2)", "decimal(12,2)"),
        ("decimal(10,2)", "decimal(10,3)"),
        ("bigint", "string"),
        ("date", "timestamp"),
        ("struct<a:int>", "struct<a:int,b:int>"),
        ("array<smallint>", "array<int>"),
    ],
)
def test_a_type_may_change_only_where_each_reader_takes_old_files(before: str, after: str) -> None:
    assert is_safe(before, after) is ((before, after) in SAFE)


@pytest.mark.parametrize(
    ("asked", "subject", "says"),
    [
        (_with(Column("OrderId", "int")), "orderid", "deployed as bigint, asked for as int"),
        (_with(Column("amount", "decimal(14,2)")), "amount", "deployed as decimal(12,2), asked for as decimal(14,2)"),
        (_without("amount"), "amount", "deployed as decimal(12,2), and dropped"),
        (attrs.evolve(_without("note"), columns=(*_without("note").columns, Column("remark", "string", True))),
         "note", "a renamed column is a new one"),
        (attrs.evolve(SPEC, partition_by=()), "partition_by", "a table by region string, asked for is one by nothing"),
        (attrs.evolve(SPEC, partition_by=("Region", "note")), "partition_by", "by region string, note string"),
        (attrs.evolve(SPEC, partition_by=("note",)), "partition_by", "the partitions that are there do not fit"),
        (_with(Column("Region", "int")), "partition_by", "by region int"),
    ],
)  # fmt: skip
def test_each_breaking_change_names_what_is_deployed_what_is_asked_and_what_to_do(
    asked: ContractSpec, subject: str, says: str
) -> None:
    (change,) = breaking_changes(_shape(), _shape(asked), OnChange.REPLACE)
    assert change.subject == subject
    assert says in change.problem
    assert change.remedy


@pytest.mark.parametrize(
    ("before", "after", "subjects"),
    [
        (OnChange.REPLACE, OnChange.SKIP, []),
        (OnChange.REPLACE, OnChange.APPEND, ["_source_etag"]),  # old rows do not say of which version they are
        (OnChange.APPEND, OnChange.REPLACE, ["_source_etag"]),  # dropped: the default columns are without it
        (OnChange.APPEND, OnChange.APPEND, []),
    ],
)
def test_another_on_change_may_need_columns_that_old_rows_lack(
    before: OnChange, after: OnChange, subjects: list[str]
) -> None:
    found = breaking_changes(_shape(on_change=before), _shape(on_change=after), after)
    assert [c.subject for c in found] == subjects


def test_rows_without_their_file_cannot_be_replaced() -> None:
    bare = attrs.evolve(_shape(), columns={n: t for n, t in _shape().columns.items() if n != "_source_file"})
    (change,) = breaking_changes(bare, _shape(), OnChange.REPLACE)
    assert (change.subject, change.problem[:27]) == ("_source_file", "on_change=replace needs it,")


def test_a_table_that_moves_leaves_its_rows_behind() -> None:
    (change,) = breaking_changes(_shape(location="s3://old/a/b"), _shape(), OnChange.REPLACE)
    assert change.subject == "location"
    assert breaking_changes(_shape(location=PLACE.rstrip("/")), _shape(), OnChange.REPLACE) == ()
    assert breaking_changes(_shape(), _shape(location=""), OnChange.REPLACE) == ()


def test_what_is_allowed_by_name_is_allowed_and_nothing_else() -> None:
    changes = breaking_changes(_shape(), _shape(attrs.evolve(_without("amount"), partition_by=())), OnChange.REPLACE)
    assert [c.subject for c in changes] == ["partition_by", "amount"]
    said = refusal("a.b", changes, ["partition_by"])
    assert said is not None
    assert "name 'amount' in allow_breaking_changes_of" in said
    assert "partition_by: " not in said
    assert refusal("a.b", changes, ["amount", "partition_by"]) is None


# --- what the component makes of it ---------------------------------------------------------------------------------


def _found(shape: TableShape) -> dict[str, Any]:
    """A look-up's answer."""

    def columns(pairs: Mapping[str, str]) -> list[dict[str, Any]]:
        return [{"name": name, "type": kind, "comment": "", "parameters": {}} for name, kind in pairs.items()]

    storage = {"columns": columns(shape.columns), "location": shape.location}
    return {
        "name": "order_lines",
        "partitionKeys": columns(dict(shape.partition_keys)),
        "storageDescriptors": [storage],
    }


def _deploy(shape: TableShape | None, *, preview: bool = False, **arguments: Any) -> Monitor:
    given = alur.BronzeTableArgs(**{"contract": OrderLines, **arguments})
    deployed = None if shape is None else _found(shape)
    return register(lambda: alur.BronzeTable("lines", given), deployed=deployed, preview=preview)


@pytest.mark.parametrize("preview", [False, True])
def test_the_first_deployment_and_one_that_fits_register_the_same(preview: bool) -> None:
    first, second = _deploy(None, preview=preview), _deploy(_shape(), preview=preview)
    one, other = ({r.name: r.inputs for r in monitor.registered if r.custom} for monitor in (first, second))
    assert one == other
    assert first.one("CatalogTable").inputs["storageDescriptor"]["columns"]


@pytest.mark.parametrize("preview", [False, True])
@pytest.mark.parametrize("database", [None, "theirs"], ids=["made", "theirs"])
def test_a_breaking_change_is_an_error_that_names_all_of_it(preview: bool, database: str | None) -> None:
    with pytest.raises(alur.ArgumentError) as caught:
        _deploy(_shape(location=""), preview=preview, contract=_without("amount"), existing_database=database)
    error = caught.value
    assert (error.component, error.argument, error.value) == ("BronzeTable 'lines'", "contract", "OrderLines")
    table = f"{database or 'proj_dev'}.order_lines"
    assert f"the deployed table {table} has files that this breaks. amount: deployed as" in error.remedy
    assert "keep it in the contract, nullable" in error.remedy


def test_a_database_whose_name_is_an_output_is_looked_up_once_it_is_known() -> None:
    database = pulumi.Output.from_input("theirs")
    assert _deploy(_shape(location=""), existing_database=database).one("CatalogTable")
    # the SDK puts its own error around what is raised while a resource's inputs are awaited
    with pytest.raises(ValueError, match=r"BronzeTable 'lines': contract .* theirs\.order_lines has files"):
        _deploy(_shape(location=""), contract=_without("amount"), existing_database=database)


def test_a_breaking_change_registers_no_table() -> None:
    given = alur.BronzeTableArgs(contract=_without("amount"))
    seen: list[Monitor] = []
    with pytest.raises(alur.ArgumentError):
        register(lambda: alur.BronzeTable("lines", given), deployed=_found(_shape()), watch=seen.append)
    assert [r.name for r in seen[0].of("CatalogTable")] == []


def test_a_bucket_that_is_exchanged_is_an_error_too() -> None:
    with pytest.raises(
        alur.ArgumentError, match="location: deployed at s3://lines-bucket-1a2b3c4/proj_dev/order_lines/"
    ):
        _deploy(_shape(), existing_bucket="another")


def test_a_change_that_was_allowed_goes_through() -> None:
    monitor = _deploy(_shape(), contract=_without("amount"), allow_breaking_changes_of=["amount"])
    names = [c["name"] for c in monitor.one("CatalogTable").inputs["storageDescriptor"]["columns"]]
    assert "amount" not in names


def test_what_answers_with_nothing_in_a_users_own_tests_is_no_table() -> None:
    given = alur.BronzeTableArgs(contract=OrderLines)
    assert register(lambda: alur.BronzeTable("lines", given), deployed={}).one("CatalogTable")


@pytest.mark.parametrize(
    ("said", "warned"),
    [
        ("reading Glue Catalog Table: AccessDeniedException: not authorized to perform: glue:GetTable", True),
        ("No Glue table order_lines found for catalog_id: 123456789012, database_name: proj_dev", False),
    ],
)
def test_who_may_not_look_is_told_and_deploys(said: str, warned: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda message, *_: told.append(message))
    given = alur.BronzeTableArgs(contract=OrderLines)
    assert register(lambda: alur.BronzeTable("lines", given), deployed=said).one("CatalogTable")
    assert [("proj_dev.order_lines" in message, said in message) for message in told] == [(True, True)] * warned
