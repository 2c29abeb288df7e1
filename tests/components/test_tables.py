"""Arguments of `StateTable` and `BronzeTable`, in what is registered and in what is refused."""

from typing import Any

import pulumi
import pytest

import alur_pulumi as alur
from alur_runtime.contracts.spec import Column, ContractSpec
from tests.components.monitor import Monitor, Registered, register
from tests.components.programs import OrderLines


def _ledger(**arguments: Any) -> Registered:
    return register(lambda: alur.StateTable("state", alur.StateTableArgs(**arguments))).one("Table")


def _table(**arguments: Any) -> Monitor:
    return register(lambda: alur.BronzeTable("lines", alur.BronzeTableArgs(**{"contract": OrderLines, **arguments})))


@pytest.mark.parametrize(
    ("arguments", "protected", "retained"),
    [
        ({}, True, True),
        ({"on_destroy": "fail"}, True, False),
        ({"on_destroy": alur.OnDestroy.DELETE}, False, False),
        ({"deletion_protection": False}, False, True),
    ],
)
def test_the_ledger_goes_only_when_it_is_asked_to(arguments: dict[str, Any], protected: bool, retained: bool) -> None:
    table = _ledger(**arguments)
    assert (table.inputs["deletionProtectionEnabled"], table.retain_on_delete) == (protected, retained)


def test_the_ledger_is_encrypted_by_a_key_of_ones_own() -> None:
    key = "arn:aws:kms:eu-west-1:123456789012:key/k"
    assert _ledger(kms_key_arn=key).inputs["serverSideEncryption"] == {"enabled": True, "kmsKeyArn": key}
    assert _ledger(tags={"team": "sales"}).inputs["tags"] == {"team": "sales"}


@pytest.mark.parametrize("name", ["theirs", pulumi.Output.from_input("theirs")], ids=["name", "output"])
def test_a_ledger_of_another_stack_is_looked_up_and_never_made(name: Any) -> None:
    attributes = [{"name": "ingestion_key", "type": "S"}, {"name": "file_path", "type": "S"}]
    found = {"name": "theirs", "hashKey": "ingestion_key", "rangeKey": "file_path", "attributes": attributes}
    monitor = register(
        lambda: alur.StateTable("state", alur.StateTableArgs(existing_table=name, shards=8)), existing={"theirs": found}
    )
    assert monitor.of("Table") == []
    (outputs,) = monitor.outputs.values()
    assert (outputs["tableName"], outputs["shards"]) == ("theirs", 8)


def test_a_table_that_is_no_ledger_is_refused() -> None:
    found = {"name": "theirs", "hashKey": "ingestion_key", "attributes": [{"name": "ingestion_key", "type": "S"}]}
    with pytest.raises(alur.ArgumentError, match="its keys must be ingestion_key and file_path"):
        register(
            lambda: alur.StateTable("state", alur.StateTableArgs(existing_table="theirs")), existing={"theirs": found}
        )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"on_destroy": "keep"}, "on_destroy is 'keep': allowed are retain, fail, delete"),
        ({"on_destroy": "delete", "deletion_protection": True}, "AWS would refuse what on_destroy=delete asks"),
        ({"existing_table": "arn:aws:dynamodb:eu-west-1:1:table/x"}, "give the table's name, not its ARN"),
        ({"kms_key_arn": "alias/mine"}, "kms_key_arn is 'alias/mine'"),
        ({"existing_table": "theirs", "tags": {"a": "b"}}, "existing_table stays as it is"),
    ],
)
def test_a_ledger_that_cannot_be_is_refused(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(alur.ArgumentError) as caught:
        _ledger(**arguments)
    assert str(caught.value).startswith("StateTable 'state': ")
    assert says in str(caught.value)


def test_only_the_tables_own_files_go_to_cold_storage() -> None:
    def rules(**arguments: Any) -> dict[str, dict[str, Any]]:
        lifecycle = _table(**arguments).one("BucketLifecycleConfiguration").inputs
        return {rule["id"]: rule for rule in lifecycle["rules"]}

    assert "cold-storage" not in rules()
    rule = rules(cold_storage_after_days=90, cold_storage_class="GLACIER_IR")["cold-storage"]
    assert rule["transitions"] == [{"days": 90, "storageClass": "GLACIER_IR"}]
    assert rule["filter"] == {"prefix": "proj_dev/order_lines/"}
    assert "expiration" not in rule


def test_access_to_the_bucket_is_logged_where_one_says() -> None:
    assert _table().of("BucketLogging") == []
    logging = _table(access_log_bucket="logs").one("BucketLogging", "lines-bucket-access-log")
    assert logging.inputs["targetBucket"] == "logs"
    assert logging.inputs["targetPrefix"] == "lines-bucket-1a2b3c4/"
    assert (logging.deleted_with, logging.retain_on_delete) == ("lines-bucket", False)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"cold_storage_class": "GLACIER"}, "allowed are INTELLIGENT_TIERING, STANDARD_IA, GLACIER_IR"),
        ({"cold_storage_after_days": 0}, "cold_storage_after_days is 0: allowed are 1 to 3650"),
        ({"cold_storage_after_days": 29, "cold_storage_class": "STANDARD_IA"}, "S3 takes nothing younger"),
        ({"cold_storage_after_days": 90, "existing_bucket": "mine"}, "the settings of existing_bucket are its owner's"),
        ({"access_log_bucket": "logs", "existing_bucket": "mine"}, "the settings of existing_bucket are its owner's"),
        ({"kms_key_arn": "alias/mine"}, "kms_key_arn is 'alias/mine'"),
        ({"access_log_bucket": "s3://logs"}, "give the bucket's name, not its ARN or URI"),
        ({"allow_breaking_changes_of": "amount"}, "give a list, each a text"),
    ],
)
def test_a_table_that_cannot_be_is_refused(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(alur.ArgumentError) as caught:
        _table(**arguments)
    assert str(caught.value).startswith("BronzeTable 'lines': ")
    assert says in str(caught.value)


def test_documentation_is_brought_to_the_form_that_glue_takes() -> None:
    columns = (Column("a", "string", False, "first line\n  second line"), Column("b", "string", False, "x" * 300))
    table = _table(contract=ContractSpec("T", columns, doc="y" * 3000)).one("CatalogTable").inputs
    comments = [column["comment"] for column in table["storageDescriptor"]["columns"][:2]]
    assert comments == ["first line second line", "x" * 255]
    assert table["description"] == "y" * 2048
