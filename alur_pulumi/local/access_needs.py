"""Which permissions a request needs: the operations of a job, mapped to actions, resources and condition keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import attrs

from alur_pulumi.local.access import Need

Request = Mapping[str, Any]

# S3's operations are not named as its actions are. What is not here has the operation's own name.
_S3_OBJECT_ACTIONS: Final = {
    "CompleteMultipartUpload": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "HeadObject": "s3:GetObject",
    "ListParts": "s3:ListMultipartUploadParts",
    "UploadPart": "s3:PutObject",
}
_S3_BUCKET_ACTIONS: Final = {
    "HeadBucket": "s3:ListBucket",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "ListObjects": "s3:ListBucket",
    "ListObjectsV2": "s3:ListBucket",
    "ListObjectVersions": "s3:ListBucketVersions",
}
_S3_READS: Final = {"GetObject", "HeadObject"}
_TRANSACTION_ACTIONS: Final = {
    "ConditionCheck": "dynamodb:ConditionCheckItem",
    "Delete": "dynamodb:DeleteItem",
    "Get": "dynamodb:GetItem",
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
}
_EQUALS: Final = re.compile(r"(#?\w+)\s*=\s*(:\w+)")
# Objects that a customer's key encrypts: S3 uses the key by the caller's right; parts are read to be joined.
_KEY_ACTIONS: Final = {
    "GetObject": ("kms:Decrypt",),
    "HeadObject": ("kms:Decrypt",),
    "PutObject": ("kms:GenerateDataKey",),
    **dict.fromkeys(
        ("CompleteMultipartUpload", "CreateMultipartUpload", "UploadPart"), ("kms:Decrypt", "kms:GenerateDataKey")
    ),
}


@attrs.frozen
class Place:
    """Where requests go, and what is encrypted there by keys of the customer's.

    Attributes:
        region: The region.
        account: The account's number.
        partition: ``aws`` or another.
        keys: ARNs of keys, by name of bucket or DynamoDB table.
        hash_keys: Names of the hash keys' attributes, by name of DynamoDB table.
    """

    region: str
    account: str
    partition: str = "aws"
    keys: Mapping[str, str] = attrs.field(factory=dict)
    hash_keys: Mapping[str, str] = attrs.field(factory=dict)

    def arn(self, service: str, resource: str) -> str:
        """The ARN of something of this account in this region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def bucket(self, name: str, key: str | None = None) -> str:
        """The ARN of a bucket or of an object."""
        return f"arn:{self.partition}:s3:::{name}" + ("" if key is None else f"/{key}")


def needs(service: str, operation: str, request: Request, place: Place) -> tuple[Need, ...]:
    """What a request needs, all of it.

    Operations that are not known need an action of their name on all resources: only a statement about ``*`` allows
    them.

    Args:
        service: Its name as boto3 has it, such as ``dynamodb``.
        operation: Such as ``GetItem``.
        request: The parameters, by boto3's names.
        place: Where it goes.
    """
    match service:
        case "s3" if "Bucket" in request:
            return _s3(operation, request, place)
        case "dynamodb":
            return _dynamodb(operation, request, place)
        case "glue":
            return _glue(operation, request, place)
        case "cloudwatch" | "monitoring":
            context = {"cloudwatch:namespace": (str(request["Namespace"]),)} if "Namespace" in request else {}
            return (Need(f"cloudwatch:{operation}", "*", context),)
        case "logs" if "logGroupName" in request:
            stream = f":log-stream:{request['logStreamName']}" if "logStreamName" in request else ""
            return (Need(f"logs:{operation}", place.arn("logs", f"log-group:{request['logGroupName']}{stream}")),)
        case _:
            return (Need(f"{service}:{operation}", "*"),)


def needs_if_missing(service: str, operation: str, request: Request, place: Place) -> tuple[Need, ...]:
    """What it needs besides to be told that an object is not there; without it S3 says 403, not 404."""
    if service == "s3" and operation in _S3_READS:
        return (Need("s3:ListBucket", place.bucket(request["Bucket"]), {"s3:prefix": (request["Key"],)}),)
    return ()


def _s3(operation: str, request: Request, place: Place) -> tuple[Need, ...]:
    bucket = request["Bucket"]
    if operation == "DeleteObjects":
        keys = [entry["Key"] for entry in request["Delete"]["Objects"]]
        return tuple(Need("s3:DeleteObject", place.bucket(bucket, key)) for key in keys)
    if operation == "CopyObject":
        source = request["CopySource"]
        if not isinstance(source, str):
            source = f"{source['Bucket']}/{source['Key']}"
        from_bucket, _, from_key = source.lstrip("/").partition("/")
        return (
            *_s3("GetObject", {"Bucket": from_bucket, "Key": from_key}, place),
            *_s3("PutObject", {"Bucket": bucket, "Key": request["Key"]}, place),
        )
    if "Key" not in request:
        action = _S3_BUCKET_ACTIONS.get(operation, f"s3:{operation}")
        listing = operation in ("ListObjects", "ListObjectsV2")
        context = {"s3:prefix": (request.get("Prefix", ""),)} if listing else {}
        return (Need(action, place.bucket(bucket), context),)
    action = _S3_OBJECT_ACTIONS.get(operation, f"s3:{operation}")
    found = [Need(action, place.bucket(bucket, request["Key"]))]
    if request.get("IfMatch") and action == "s3:PutObject":
        # to compare the object with the version that is wanted, S3 has to be allowed to read it
        found += _s3("GetObject", {"Bucket": bucket, "Key": request["Key"]}, place)
    if bucket in place.keys:
        found += [Need(use, place.keys[bucket]) for use in _KEY_ACTIONS.get(operation, ())]
    return tuple(found)


def _dynamodb(operation: str, request: Request, place: Place) -> tuple[Need, ...]:
    if operation in ("TransactWriteItems", "TransactGetItems"):
        # transactions have no action of their own
        parts = [part for entry in request["TransactItems"] for part in entry.items()]
        asked = [(_TRANSACTION_ACTIONS[kind], item["TableName"], item) for kind, item in parts]
    elif operation == "BatchWriteItem":
        asked = [
            (f"dynamodb:{operation}", table, item)
            for table, wanted in request["RequestItems"].items()
            for entry in wanted
            for item in entry.values()
        ]
    elif "RequestItems" in request:
        asked = [
            (f"dynamodb:{operation}", table, {"Key": key})
            for table, wanted in request["RequestItems"].items()
            for key in wanted["Keys"]
        ]
    elif "TableName" in request:
        asked = [(f"dynamodb:{operation}", request["TableName"], request)]
    else:
        return (Need(f"dynamodb:{operation}", "*"),)
    leading: dict[tuple[str, str], set[str]] = {}
    for action, table, item in asked:
        leading.setdefault((action, table), set()).add(_leading_key(item, place.hash_keys.get(table, "")))
    found = [
        Need(action, place.arn("dynamodb", f"table/{table}"), {"dynamodb:LeadingKeys": tuple(sorted(keys))})
        for (action, table), keys in leading.items()
    ]
    keys = {place.keys[table] for _, table in leading if table in place.keys}
    return (*found, *(Need("kms:Decrypt", key) for key in sorted(keys)))


def _leading_key(item: Request, attribute: str) -> str:
    """The hash key that a request is about; empty, which no fence lets pass, where it cannot be told."""
    values = item.get("Key") or item.get("Item")
    if values is not None:
        return str(values.get(attribute, {}).get("S", ""))
    names, found = item.get("ExpressionAttributeNames", {}), item.get("ExpressionAttributeValues", {})
    for name, value in _EQUALS.findall(item.get("KeyConditionExpression", "")):
        if names.get(name, name) == attribute:
            return str(found.get(value, {}).get("S", ""))
    return ""


def _glue(operation: str, request: Request, place: Place) -> tuple[Need, ...]:
    # Glue's catalog asks for each of the things that lead to the one that is meant.
    database = request.get("DatabaseName") or (request.get("Name") if operation == "GetDatabase" else None)
    if database is None:
        return (Need(f"glue:{operation}", "*"),)
    resources = ["catalog", f"database/{database}"]
    table = request.get("TableName") or (request.get("Name") if operation == "GetTable" else None)
    if table is not None:
        resources.append(f"table/{database}/{table}")
    return tuple(Need(f"glue:{operation}", place.arn("glue", resource)) for resource in resources)
