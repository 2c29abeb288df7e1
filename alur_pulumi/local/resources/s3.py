"""S3 buckets."""

import re
from collections.abc import Mapping
from typing import Any

from alur_pulumi.local.errors import InvalidInputError
from alur_pulumi.local.resources.base import Aws, Kind, Props, or_none, tag_list, tag_map, tag_outputs

_DELETE_BATCH = 1000
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")  # moto takes more than S3 does


class Bucket(Kind):
    """``aws.s3.Bucket``, whose settings are resources of their own."""

    token = "aws:s3/bucket:Bucket"  # noqa: S105 - a type token
    arguments = frozenset({"bucket", "bucketPrefix", "forceDestroy", "tags"})
    replace_on = frozenset({"bucket", "bucketPrefix"})
    computed = frozenset({"arn", "bucketDomainName", "bucketRegionalDomainName", "tagsAll"})
    name_argument = "bucket"
    name_limit = 63
    lower_case = True

    def create(self, aws: Aws, inputs: Props) -> str:
        """Create the bucket."""
        name = str(inputs["bucket"])
        if not _NAME.fullmatch(name):
            raise InvalidInputError(self.token, "bucket", f"is {name!r}: The specified bucket is not valid")
        arguments: Props = {"Bucket": name}
        if aws.region != "us-east-1":
            arguments["CreateBucketConfiguration"] = {"LocationConstraint": aws.region}
        aws.client("s3").create_bucket(**arguments)
        return name

    def describe(self, aws: Aws, resource_id: str) -> Props | None:
        """Say what can be seen of the bucket."""
        s3 = aws.client("s3")
        if or_none(s3.head_bucket, Bucket=resource_id) is None:
            return None
        tagging = or_none(s3.get_bucket_tagging, Bucket=resource_id) or {"TagSet": []}
        return {
            "bucket": resource_id,
            "arn": f"arn:{aws.partition}:s3:::{resource_id}",
            "bucketDomainName": f"{resource_id}.s3.amazonaws.com",
            "bucketRegionalDomainName": f"{resource_id}.s3.{aws.region}.amazonaws.com",
            "bucketRegion": aws.region,
            "region": aws.region,
            **tag_outputs(tag_map(tagging["TagSet"])),
        }

    def update(self, aws: Aws, resource_id: str, old: Props, new: Props) -> None:
        """Do nothing: all that can change is `forceDestroy`, which AWS does not know, and tags."""

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        """Delete the bucket, with everything in it if it was told so."""
        s3 = aws.client("s3")
        if state.get("forceDestroy") and or_none(s3.head_bucket, Bucket=resource_id) is not None:
            empty(s3, resource_id)
        or_none(s3.delete_bucket, Bucket=resource_id)

    def write_tags(self, aws: Aws, resource_id: str, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        """Replace all tags: S3 knows no other way."""
        del old
        s3 = aws.client("s3")
        if new:
            s3.put_bucket_tagging(Bucket=resource_id, Tagging={"TagSet": tag_list(new)})
        else:
            s3.delete_bucket_tagging(Bucket=resource_id)


def empty(s3: Any, bucket: str) -> None:
    """Delete every version of every object, and every upload that was not completed."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found = page.get("Versions", []) + page.get("DeleteMarkers", [])
        objects = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in found]
        for start in range(0, len(objects), _DELETE_BATCH):
            batch = objects[start : start + _DELETE_BATCH]
            s3.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
        for upload in page.get("Uploads", []):
            s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])


KINDS: tuple[Kind, ...] = (Bucket(),)
