"""The simulated services answer as AWS does, where the runtime relies on it."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from alur_runtime.aws import Clients, error_code
from tests.simulation.cloud.answers import Clock, LimitBrokenError
from tests.simulation.cloud.clients import simulated_clients
from tests.simulation.cloud.dynamodb import DynamoDb
from tests.simulation.cloud.expressions import ExpressionError, Scope, parse_condition
from tests.simulation.cloud.glue import Glue
from tests.simulation.cloud.s3 import S3

BUCKET, TABLE = "a-bucket", "state"


class Cloud:
    def __init__(self) -> None:
        self.clock = Clock()
        self.s3 = S3(self.clock, buckets={BUCKET})
        self.dynamodb = DynamoDb(self.clock, TABLE)
        self.glue = Glue("db", "rows", "s3://a-bucket/rows/", ("day",))
        tokens = iter(range(1_000_000))
        services: dict[str, Any] = {"s3": self.s3, "dynamodb": self.dynamodb, "glue": self.glue}
        self.clients: Clients = simulated_clients(
            lambda service, operation, request: services[service].call(operation, request),
            lambda: f"token-{next(tokens)}",
        )


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


def item(name: str, **values: Any) -> dict[str, Any]:
    kinds = {k: {"N": str(v)} if isinstance(v, int) else {"S": v} for k, v in values.items()}
    return {"ingestion_key": {"S": "t"}, "file_path": {"S": name}, **kinds}


def put(cloud: Cloud, values: dict[str, Any], **more: Any) -> Any:
    return cloud.clients.dynamodb.put_item(TableName=TABLE, Item=values, **more)


def code(call: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    return error_code(caught.value)


# --- DynamoDB ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("attribute_not_exists(seq)", False),
        ("attribute_exists(seq) AND seq = :two", True),
        ("seq < :two", False),
        ("seq < :ten", True),  # as numbers, not as texts
        ("attribute_not_exists(lacking) OR seq = :ten", True),
        ("lacking < :ten", False),
        ("NOT (seq = :ten AND attribute_exists(seq))", True),
        ("#o = :me", True),
        ("begins_with(#o, :prefix)", True),
        ("seq IN (:ten, :two)", True),
        ("seq BETWEEN :two AND :ten", True),
        ("#o = :two", False),  # values of two types are never equal
    ],
)
def test_conditions(condition: str, holds: bool) -> None:
    values = {":two": {"N": "2"}, ":ten": {"N": "10"}, ":me": {"S": "me"}, ":prefix": {"S": "m"}}
    scope = Scope({"#o": "owner"}, values)
    assert parse_condition(condition)(item("x", seq=2, owner="me"), scope) is holds


@pytest.mark.parametrize("condition", ["owner = :me", "#x = :me", "a = :other", "a = :me b", "a ~ :me", "(a = :me"])
def test_conditions_that_are_refused(condition: str) -> None:
    with pytest.raises(ExpressionError):
        parse_condition(condition)(item("x"), Scope({"#o": "owner"}, {":me": {"S": "me"}}))


def test_a_failed_condition_shows_the_item_if_asked(cloud: Cloud) -> None:
    put(cloud, item("x", seq=1))
    with pytest.raises(ClientError) as caught:
        put(
            cloud,
            item("x", seq=2),
            ConditionExpression="attribute_not_exists(seq)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert caught.value.response["Item"] == item("x", seq=1)
    assert cloud.dynamodb.items["t", "x"] == item("x", seq=1)


def test_update_counts_up_and_forgets(cloud: Cloud) -> None:
    put(cloud, item("x", owner="me"))
    answer = cloud.clients.dynamodb.update_item(
        TableName=TABLE,
        Key=item("x"),
        UpdateExpression="REMOVE #owner SET note = :note ADD #token :one",
        ExpressionAttributeNames={"#owner": "owner", "#token": "token"},
        ExpressionAttributeValues={":one": {"N": "1"}, ":note": {"S": "n"}},
        ReturnValues="ALL_NEW",
    )
    assert answer["Attributes"] == item("x", note="n", token=1)


def test_a_transaction_is_all_or_nothing_and_tells_why_in_order(cloud: Cloud) -> None:
    put(cloud, item("there"))
    absent = {"ConditionExpression": "attribute_not_exists(ingestion_key)"}
    writes = [{"Put": {"TableName": TABLE, "Item": item(name), **absent}} for name in ("new", "there")]
    with pytest.raises(ClientError) as caught:
        cloud.clients.dynamodb.transact_write_items(TransactItems=writes)
    assert [r["Code"] for r in caught.value.response["CancellationReasons"]] == ["None", "ConditionalCheckFailed"]
    assert ("t", "new") not in cloud.dynamodb.items


def test_a_client_token_makes_the_second_try_a_success_for_ten_minutes(cloud: Cloud) -> None:
    absent = {"ConditionExpression": "attribute_not_exists(ingestion_key)"}
    request: Any = {
        "TransactItems": [{"Put": {"TableName": TABLE, "Item": item("new"), **absent}}],
        "ClientRequestToken": "one",
    }
    for _ in range(2):
        cloud.clients.dynamodb.transact_write_items(**request)
    cloud.clock.now += 601
    assert code(lambda: cloud.clients.dynamodb.transact_write_items(**request)) == "TransactionCanceledException"


def test_query_gives_pages_in_byte_order_before_it_filters(cloud: Cloud) -> None:
    for name in ("b", "é", "a", "B"):
        put(cloud, item(name, status="open" if name == "é" else "closed"))
    request: dict[str, Any] = {
        "TableName": TABLE,
        "ConsistentRead": True,
        "KeyConditionExpression": "ingestion_key = :hash",
        "FilterExpression": "#status = :open",
        "ExpressionAttributeNames": {"#status": "status"},
        "ExpressionAttributeValues": {":hash": {"S": "t"}, ":open": {"S": "open"}},
    }
    first = cloud.clients.dynamodb.query(**request)
    assert (first["Items"], first["LastEvaluatedKey"]["file_path"]) == ([], {"S": "a"})
    second = cloud.clients.dynamodb.query(**request, ExclusiveStartKey=first["LastEvaluatedKey"])
    assert [i["file_path"]["S"] for i in second["Items"]] == ["é"]
    third = cloud.clients.dynamodb.query(**request, ExclusiveStartKey=second["LastEvaluatedKey"])
    assert third["Items"] == []
    assert "LastEvaluatedKey" not in third


def test_a_read_that_is_not_consistent_sees_the_past(cloud: Cloud) -> None:
    put(cloud, item("x"))
    assert "Item" not in cloud.clients.dynamodb.get_item(TableName=TABLE, Key=item("x"))
    assert "Item" in cloud.clients.dynamodb.get_item(TableName=TABLE, Key=item("x"), ConsistentRead=True)
    cloud.clock.now += 60
    assert "Item" in cloud.clients.dynamodb.get_item(TableName=TABLE, Key=item("x"))


def test_what_has_expired_goes_within_two_days_and_is_read_until_then(cloud: Cloud) -> None:
    day, now = 86_400, int(cloud.clock.now)
    cloud.dynamodb.expires = "expires_at"
    for n in range(40):
        put(cloud, item(f"{n}", expires_at=now + day))
    put(cloud, item("later", expires_at=now + 9 * day))
    put(cloud, item("text", expires_at=str(now)))
    put(cloud, item("never"))
    left = []
    for days in (0.5, 2, 3.1, 30):
        cloud.clock.now = now + days * day
        cloud.clients.dynamodb.get_item(TableName=TABLE, Key=item("never"))
        left.append(len(cloud.dynamodb.items))
    assert left[0] == 43
    assert 3 < left[1] < 43, "some go late"
    assert left[2:] == [3, 2]


def test_limits_of_dynamodb(cloud: Cloud) -> None:
    client = cloud.clients.dynamodb

    def get(keys: list[dict[str, Any]]) -> None:
        client.batch_get_item(RequestItems={TABLE: {"Keys": keys}})

    with pytest.raises(LimitBrokenError, match="twice"):
        get([item("x"), item("x")])
    with pytest.raises((LimitBrokenError, ParamValidationError)):
        get([item(str(n)) for n in range(101)])
    with pytest.raises(LimitBrokenError, match="key of 1025 bytes"):
        put(cloud, item("x" * 1025))
    with pytest.raises(LimitBrokenError, match="an item of"):
        put(cloud, item("x", note="n" * 400 * 1024))
    with pytest.raises(LimitBrokenError, match="unused"):
        put(cloud, item("x"), ExpressionAttributeNames={"#a": "a"}, ConditionExpression="attribute_exists(b)")
    writes = [{"Put": {"TableName": TABLE, "Item": item("x")}}] * 2
    with pytest.raises(LimitBrokenError, match="two actions on one item"):
        client.transact_write_items(TransactItems=writes)
    with pytest.raises(ParamValidationError):
        client.put_item(TableName=TABLE, Item=item("x"), NoSuchParameter=1)


# --- S3 ---------------------------------------------------------------------------------------------------------------


def test_an_upload_is_invisible_until_it_is_completed_once(cloud: Cloud) -> None:
    s3, place = cloud.clients.s3, {"Bucket": BUCKET, "Key": "x"}
    name = s3.create_multipart_upload(**place, Metadata={"mark": "m"})["UploadId"]
    etag = s3.upload_part(**place, UploadId=name, PartNumber=1, Body=b"body")["ETag"]
    assert code(lambda: s3.head_object(**place)) == "404"
    parts = {"Parts": [{"ETag": etag, "PartNumber": 1}]}
    s3.complete_multipart_upload(**place, UploadId=name, MultipartUpload=parts)
    assert s3.head_object(**place)["Metadata"] == {"mark": "m"}
    for again in (
        lambda: s3.complete_multipart_upload(**place, UploadId=name, MultipartUpload=parts),
        lambda: s3.abort_multipart_upload(**place, UploadId=name),
        lambda: s3.upload_part(**place, UploadId=name, PartNumber=2, Body=b""),
    ):
        assert code(again) == "NoSuchUpload"


def test_a_part_of_another_content_and_a_short_one_are_refused(cloud: Cloud) -> None:
    s3, place = cloud.clients.s3, {"Bucket": BUCKET, "Key": "x"}
    name = s3.create_multipart_upload(**place)["UploadId"]
    etags = [s3.upload_part(**place, UploadId=name, PartNumber=n, Body=b"short")["ETag"] for n in (1, 2)]

    def complete(parts: list[dict[str, Any]]) -> None:
        s3.complete_multipart_upload(**place, UploadId=name, MultipartUpload={"Parts": parts})

    assert code(lambda: complete([{"ETag": '"other"', "PartNumber": 1}])) == "InvalidPart"
    both = [{"ETag": etag, "PartNumber": n} for n, etag in enumerate(etags, 1)]
    assert code(lambda: complete(both)) == "EntityTooSmall"
    assert code(lambda: complete(both[::-1])) == "InvalidPartOrder"


def test_conditional_requests(cloud: Cloud) -> None:
    s3, place = cloud.clients.s3, {"Bucket": BUCKET, "Key": "x"}
    assert code(lambda: s3.get_object(**place)) == "NoSuchKey"
    first = s3.put_object(**place, Body=b"0123456789", IfNoneMatch="*")["ETag"]
    assert code(lambda: s3.put_object(**place, Body=b"two", IfNoneMatch="*")) == "PreconditionFailed"
    assert s3.get_object(**place, IfMatch=first, Range="bytes=2-4")["Body"].read() == b"234"
    s3.put_object(**place, Body=b"two", IfMatch=first)
    assert code(lambda: s3.get_object(**place, IfMatch=first)) == "PreconditionFailed"
    assert code(lambda: s3.get_object(**place, Range="bytes=3-5")) == "InvalidRange"


def test_listings_are_ordered_by_bytes_and_come_in_pages(cloud: Cloud) -> None:
    for name in ("in/b", "in/é", "in/B", "in/a", "out/a"):
        cloud.clients.s3.put_object(Bucket=BUCKET, Key=name, Body=b"")
    pages = list(cloud.clients.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="in/"))
    assert [[e["Key"] for e in page["Contents"]] for page in pages] == [["in/B", "in/a"], ["in/b", "in/é"]]
    cloud.clients.s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "in/a"}, {"Key": "gone"}]})
    assert code(lambda: cloud.clients.s3.get_object(Bucket=BUCKET, Key="in/a")) == "NoSuchKey"


# --- Glue -------------------------------------------------------------------------------------------------------------


def test_partitions_that_are_there_are_said_to_be(cloud: Cloud) -> None:
    glue = cloud.clients.glue

    def create(*days: str) -> Any:
        inputs = [{"Values": [d], "StorageDescriptor": {"Location": f"s3://x/day={d}"}} for d in days]
        return glue.batch_create_partition(DatabaseName="db", TableName="rows", PartitionInputList=inputs)["Errors"]

    assert create("1", "2", "3") == []
    (error,) = create("3", "4")
    assert (error["PartitionValues"], error["ErrorDetail"]["ErrorCode"]) == (["3"], "AlreadyExistsException")
    pages = glue.get_paginator("get_partitions").paginate(DatabaseName="db", TableName="rows")
    assert [p["Values"] for page in pages for p in page["Partitions"]] == [["1"], ["2"], ["3"], ["4"]]
    assert code(lambda: glue.get_table(DatabaseName="db", Name="other")) == "EntityNotFoundException"
