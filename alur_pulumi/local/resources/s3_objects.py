"""S3 objects, whose content comes from an asset or from the program itself."""

import base64
from collections.abc import Mapping
from typing import Any

from alur_pulumi.local.errors import InvalidInputError
from alur_pulumi.local.resources.base import (
    Aws,
    Kind,
    Props,
    asset_bytes,
    or_none,
    set_only,
    tag_list,
    tag_map,
    tag_outputs,
)

_PUT_ARGUMENTS = {
    "contentType": "ContentType",
    "contentEncoding": "ContentEncoding",
    "contentDisposition": "ContentDisposition",
    "contentLanguage": "ContentLanguage",
    "cacheControl": "CacheControl",
    "metadata": "Metadata",
    "storageClass": "StorageClass",
    "serverSideEncryption": "ServerSideEncryption",
    "kmsKeyId": "SSEKMSKeyId",
    "bucketKeyEnabled": "BucketKeyEnabled",
}


class BucketObject(Kind):
    """``aws.s3.BucketObjectv2``; its id is ``bucket/key``."""

    token = "aws:s3/bucketObjectv2:BucketObjectv2"  # noqa: S105 - a type token
    contents = frozenset({"source", "content", "contentBase64"})
    arguments = contents | {"bucket", "key", "sourceHash", "forceDestroy", "tags"} | _PUT_ARGUMENTS.keys()
    required = frozenset({"bucket"})
    replace_on = frozenset({"bucket", "key"})
    computed = frozenset({"arn", "etag", "versionId", "tagsAll"})
    name_argument = "key"
    name_limit = 1024
    witness = "etag"

    def create(self, aws: Aws, inputs: Props) -> str:
        """Put the object."""
        bucket, key = str(inputs["bucket"]), str(inputs["key"])
        arguments = {_PUT_ARGUMENTS[name]: inputs[name] for name in _PUT_ARGUMENTS if name in inputs}
        aws.client("s3").put_object(Bucket=bucket, Key=key, Body=self._body(inputs), **arguments)
        return f"{bucket}/{key}"

    def describe(self, aws: Aws, resource_id: str) -> Props | None:
        """Say what can be seen of the object."""
        s3 = aws.client("s3")
        bucket, _, key = resource_id.partition("/")
        found = or_none(s3.head_object, Bucket=bucket, Key=key)
        if found is None:
            return None
        tagging = or_none(s3.get_object_tagging, Bucket=bucket, Key=key) or {"TagSet": []}
        return {
            "bucket": bucket,
            "key": key,
            "arn": f"arn:{aws.partition}:s3:::{bucket}/{key}",
            "etag": found["ETag"].strip('"'),
            "contentType": found["ContentType"],
            "storageClass": found.get("StorageClass", "STANDARD"),
            "metadata": found["Metadata"],
            "region": aws.region,
            "versionId": found.get("VersionId", "").removeprefix("null"),
            **set_only(
                contentEncoding=found.get("ContentEncoding"),
                contentDisposition=found.get("ContentDisposition"),
                contentLanguage=found.get("ContentLanguage"),
                cacheControl=found.get("CacheControl"),
                serverSideEncryption=found.get("ServerSideEncryption"),
                kmsKeyId=found.get("SSEKMSKeyId"),
            ),
            **tag_outputs(tag_map(tagging["TagSet"])),
        }

    def update(self, aws: Aws, resource_id: str, old: Props, new: Props) -> None:
        """Put the object again, unless only its tags or what AWS does not know have changed."""
        apart = {"tags", "forceDestroy"}
        if {key: new[key] for key in new.keys() - apart} != {key: old[key] for key in old.keys() - apart}:
            self.create(aws, new)
            # A put takes the tags off the object.
            if new.get("tags"):
                self.write_tags(aws, resource_id, {}, new["tags"])

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        """Delete the object with all its versions, as the real provider does."""
        s3 = aws.client("s3")
        bucket, _, key = resource_id.partition("/")
        if not state.get("versionId"):
            or_none(s3.delete_object, Bucket=bucket, Key=key)
            return
        for version in _versions(s3, bucket, key):
            or_none(s3.delete_object, Bucket=bucket, Key=key, VersionId=version)

    def write_tags(self, aws: Aws, resource_id: str, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        """Replace all tags: S3 knows no other way."""
        del old
        bucket, _, key = resource_id.partition("/")
        aws.client("s3").put_object_tagging(Bucket=bucket, Key=key, Tagging={"TagSet": tag_list(new)})

    def _body(self, inputs: Props) -> bytes:
        given = [name for name in sorted(self.contents) if inputs.get(name) is not None]
        if len(given) > 1:
            raise InvalidInputError(self.token, given[0], f"conflicts with {', '.join(given[1:])}")
        match given:
            case ["source"]:
                return asset_bytes(inputs["source"])
            case ["content"]:
                return str(inputs["content"]).encode()
            case ["contentBase64"]:
                return base64.b64decode(inputs["contentBase64"], validate=True)
            case _:
                return b""


def _versions(s3: Any, bucket: str, key: str) -> list[str]:
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key)
    return [
        item["VersionId"]
        for page in pages
        for item in page.get("Versions", []) + page.get("DeleteMarkers", [])
        if item["Key"] == key
    ]


KINDS: tuple[Kind, ...] = (BucketObject(),)
