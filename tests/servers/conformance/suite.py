"""What the suite is made of: behaviours of AWS, places to try them in, and what was seen there."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import attrs
from botocore.exceptions import ClientError

from alur_runtime.aws import error_code
from alur_runtime.ledger.items import HASH, RANGE, from_attributes, to_attributes

OK: Final = "ok"
LIMIT_BROKEN: Final = "LimitBroken"
"""What stands for the simulation's refusal of a request that AWS would never take: there it ends the test at once."""

_MALFORMED: Final = re.compile(
    "ValidationException|InvalidInputException|IdempotentParameterMismatchException|KeyTooLongError|MalformedXML"
)


@attrs.frozen
class Behaviour:
    """Something of AWS that the runtime relies on.

    Attributes:
        service: ``dynamodb``, ``s3`` or ``glue``.
        name: What it shows, in a few words.
        aws: What AWS does; more than one where its documentation leaves it open and the runtime takes each.
        why: What of the runtime hangs on it.
        see: Makes the calls in an empty place and says what came of them.
    """

    service: str
    name: str
    aws: tuple[str, ...]
    why: str
    see: Callable[[Any], str]

    def is_as_aws(self, seen: str) -> bool:
        """Whether that is what AWS does; a request that AWS refuses as malformed may end the test instead."""
        return seen in self.aws or seen in [_MALFORMED.sub(LIMIT_BROKEN, expected) for expected in self.aws]


BEHAVIOURS: Final[list[Behaviour]] = []


def behaviour(service: str, *aws: str) -> Callable[[Callable[[Any], str]], Callable[[Any], str]]:
    """Take a function into the suite: its name is what is shown, its docstring says why it matters."""

    def take(see: Callable[[Any], str]) -> Callable[[Any], str]:
        assert see.__doc__, see
        name = see.__name__.replace("_", " ")
        assert all(name != known.name for known in BEHAVIOURS), f"two behaviours have the name {name!r}"
        BEHAVIOURS.append(Behaviour(service, name, aws, " ".join(see.__doc__.split()), see))
        return see

    return take


def answer(call: Callable[..., Any], *args: Any, **request: Any) -> str:
    """`ok`, or the code of the error."""
    try:
        call(*args, **request)
    except ClientError as error:
        return error_code(error)
    return OK


@attrs.frozen
class Table:
    """An empty state table."""

    client: Any
    name: str

    def key(self, sort: str, partition: str = "t") -> dict[str, Any]:
        return to_attributes({HASH: partition, RANGE: sort})

    def put(self, sort: str, partition: str = "t", **values: Any) -> None:
        item = to_attributes({HASH: partition, RANGE: sort, **values})
        self.client.put_item(TableName=self.name, Item=item)

    def get(self, sort: str, partition: str = "t") -> dict[str, Any] | None:
        found = self.client.get_item(TableName=self.name, Key=self.key(sort, partition), ConsistentRead=True)
        if "Item" not in found:
            return None
        return {k: v for k, v in from_attributes(found["Item"]).items() if k not in (HASH, RANGE)}

    def write(
        self, sort: str, condition: str = "", values: dict[str, Any] | None = None, **item: Any
    ) -> dict[str, Any]:
        """A Put of a transaction."""
        put: dict[str, Any] = {"TableName": self.name, "Item": to_attributes({HASH: "t", RANGE: sort, **item})}
        if condition:
            put["ConditionExpression"] = condition
        if values:
            put["ExpressionAttributeValues"] = to_attributes(values)
        return {"Put": put}


@attrs.frozen
class Bucket:
    """An empty bucket."""

    client: Any
    name: str

    def put(self, key: str, body: bytes = b"body", **more: Any) -> str:
        """Put an object; its ETag."""
        answered = self.client.put_object(Bucket=self.name, Key=key, Body=body, **more)
        return str(answered["ETag"]).strip('"')

    def read(self, key: str) -> bytes | None:
        try:
            body: bytes = self.client.get_object(Bucket=self.name, Key=key)["Body"].read()
        except ClientError as error:
            if error_code(error) == "NoSuchKey":
                return None
            raise
        return body

    def listed(self, prefix: str = "", page: int | None = None) -> list[str]:
        """As listed, in the order of the listing."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=prefix, PaginationConfig={"PageSize": page} if page else {}
        )
        return [entry["Key"] for found in pages for entry in found.get("Contents", ())]

    def begin(self, key: str, body: bytes = b"uploaded", mark: str = "mark") -> Pending:
        """A pending upload of one part."""
        upload = self.client.create_multipart_upload(Bucket=self.name, Key=key, Metadata={"alur-upload": mark})[
            "UploadId"
        ]
        part = self.client.upload_part(Bucket=self.name, Key=key, UploadId=upload, PartNumber=1, Body=body)
        return Pending(self, key, upload, (part["ETag"].strip('"'),))

    def pending(self) -> list[str]:
        """Keys of pending uploads."""
        return [u["Key"] for u in self.client.list_multipart_uploads(Bucket=self.name).get("Uploads", ())]


@attrs.frozen
class Pending:
    """A pending upload."""

    bucket: Bucket
    key: str
    upload: str
    parts: tuple[str, ...]

    def complete(self) -> str:
        parts = [{"ETag": f'"{etag}"', "PartNumber": n} for n, etag in enumerate(self.parts, start=1)]
        names = {"Bucket": self.bucket.name, "Key": self.key, "UploadId": self.upload}
        return answer(self.bucket.client.complete_multipart_upload, **names, MultipartUpload={"Parts": parts})

    def abort(self) -> str:
        names = {"Bucket": self.bucket.name, "Key": self.key, "UploadId": self.upload}
        return answer(self.bucket.client.abort_multipart_upload, **names)


@attrs.frozen
class Catalog:
    """A table of the catalog, partitioned by day, without partitions."""

    client: Any
    database: str
    table: str

    def create(self, *days: str, table: str = "") -> dict[str, Any]:
        """BatchCreatePartition."""
        storage = {"Columns": [{"Name": "id", "Type": "bigint"}], "Location": "s3://lake/t/"}
        inputs = [{"Values": [d], "StorageDescriptor": {**storage, "Location": f"s3://lake/t/day={d}/"}} for d in days]
        found: dict[str, Any] = self.client.batch_create_partition(
            DatabaseName=self.database, TableName=table or self.table, PartitionInputList=inputs
        )
        return found

    def delete(self, *days: str) -> dict[str, Any]:
        """BatchDeletePartition."""
        found: dict[str, Any] = self.client.batch_delete_partition(
            DatabaseName=self.database, TableName=self.table, PartitionsToDelete=[{"Values": [d]} for d in days]
        )
        return found

    def days(self) -> list[str]:
        """Of the partitions."""
        pages = self.client.get_paginator("get_partitions").paginate(DatabaseName=self.database, TableName=self.table)
        return sorted(p["Values"][0] for page in pages for p in page["Partitions"])
