"""The settings of a bucket that are resources of their own: one of each for a bucket."""

from abc import abstractmethod
from typing import Any

from botocore.exceptions import ClientError

from alur_pulumi.local.resources.base import (
    Aws,
    Kind,
    Props,
    from_aws,
    missing,
    or_none,
    set_only,
    tag_list,
    tag_map,
    to_aws,
)

_ENCRYPTION_NAMES = {"sseAlgorithm": "SSEAlgorithm", "kmsMasterKeyId": "KMSMasterKeyID"}
_LIFECYCLE_NAMES = {"id": "ID"}


class BucketSetting(Kind):
    """A setting: creating and updating it are the same call, and its id is the bucket."""

    required = frozenset({"bucket"})
    replace_on = frozenset({"bucket"})

    @abstractmethod
    def put(self, s3: Any, bucket: str, inputs: Props) -> None:
        """Set it."""

    @abstractmethod
    def get(self, s3: Any, bucket: str) -> Props | None:
        """The setting as it is, or None where there is none."""

    @abstractmethod
    def remove(self, s3: Any, bucket: str) -> None:
        """Take it off."""

    def create(self, aws: Aws, inputs: Props) -> str:
        """Set it."""
        bucket = str(inputs["bucket"])
        self.put(aws.client("s3"), bucket, inputs)
        return bucket

    def describe(self, aws: Aws, resource_id: str) -> Props | None:
        """The setting as it is."""
        try:
            found = self.get(aws.client("s3"), resource_id)
        except ClientError as error:
            if missing(error):
                return None
            raise
        return None if found is None else {"bucket": resource_id, "region": aws.region, **found}

    def update(self, aws: Aws, resource_id: str, old: Props, new: Props) -> None:
        """Set it anew."""
        del old
        self.put(aws.client("s3"), resource_id, new)

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        """Take it off; a bucket that is gone has none."""
        del state
        try:
            self.remove(aws.client("s3"), resource_id)
        except ClientError as error:
            if not missing(error):
                raise


class Versioning(BucketSetting):
    """``aws.s3.BucketVersioning``."""

    token = "aws:s3/bucketVersioning:BucketVersioning"  # noqa: S105 - a type token
    arguments = frozenset({"bucket", "versioningConfiguration"})
    required = arguments

    def put(self, s3: Any, bucket: str, inputs: Props) -> None:
        """Set it; `Disabled` means: never switched on, which is how a bucket begins."""
        wanted = inputs["versioningConfiguration"]
        if wanted.get("status") != "Disabled":
            configuration = to_aws(wanted, {"mfaDelete": "MFADelete"})
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=configuration)

    def get(self, s3: Any, bucket: str) -> Props | None:
        """The status as it is."""
        found = s3.get_bucket_versioning(Bucket=bucket)
        return {
            "versioningConfiguration": set_only(
                status=found.get("Status", "Disabled"), mfaDelete=found.get("MFADelete")
            )
        }

    def remove(self, s3: Any, bucket: str) -> None:
        """Suspend it: versioning cannot be taken off a bucket again."""
        if s3.get_bucket_versioning(Bucket=bucket).get("Status") == "Enabled":
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})


class Encryption(BucketSetting):
    """``aws.s3.BucketServerSideEncryptionConfiguration``."""

    token = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"  # noqa: S105
    arguments = frozenset({"bucket", "rules"})
    required = arguments

    def put(self, s3: Any, bucket: str, inputs: Props) -> None:
        """Set the rules."""
        rules = to_aws(inputs["rules"], _ENCRYPTION_NAMES)
        s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})

    def get(self, s3: Any, bucket: str) -> Props | None:
        """The rules as they are."""
        found = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
        return {"rules": from_aws(found["Rules"], _ENCRYPTION_NAMES)}

    def remove(self, s3: Any, bucket: str) -> None:
        """Go back to the default."""
        s3.delete_bucket_encryption(Bucket=bucket)


class PublicAccessBlock(BucketSetting):
    """``aws.s3.BucketPublicAccessBlock``."""

    token = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"  # noqa: S105 - a type token
    arguments = frozenset(
        {"bucket", "blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"}
    )

    def put(self, s3: Any, bucket: str, inputs: Props) -> None:
        """Set the four flags; one that is not given is off."""
        flags = {name: bool(inputs.get(name)) for name in self.arguments - {"bucket"}}
        s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=to_aws(flags))

    def get(self, s3: Any, bucket: str) -> Props | None:
        """The flags as they are."""
        found: Props = from_aws(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"])
        return found

    def remove(self, s3: Any, bucket: str) -> None:
        """Take the block off."""
        s3.delete_public_access_block(Bucket=bucket)


class OwnershipControls(BucketSetting):
    """``aws.s3.BucketOwnershipControls``."""

    token = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"  # noqa: S105 - a type token
    arguments = frozenset({"bucket", "rule"})
    required = arguments

    def put(self, s3: Any, bucket: str, inputs: Props) -> None:
        """Set the one rule."""
        controls = {"Rules": [to_aws(inputs["rule"])]}
        s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=controls)

    def get(self, s3: Any, bucket: str) -> Props | None:
        """The rule as it is."""
        found = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]
        return {"rule": from_aws(found["Rules"][0])}

    def remove(self, s3: Any, bucket: str) -> None:
        """Take the rule off."""
        s3.delete_bucket_ownership_controls(Bucket=bucket)


class Lifecycle(BucketSetting):
    """``aws.s3.BucketLifecycleConfiguration``."""

    token = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"  # noqa: S105 - a type token
    arguments = frozenset({"bucket", "rules"})
    required = arguments

    def put(self, s3: Any, bucket: str, inputs: Props) -> None:
        """Set the rules."""
        rules = [self._rule(rule) for rule in inputs["rules"]]
        s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})

    def get(self, s3: Any, bucket: str) -> Props | None:
        """The rules as they are."""
        rules = from_aws(s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"], _LIFECYCLE_NAMES)
        for rule in rules:
            both = rule.get("filter", {}).get("and", {})
            if "tags" in both:
                both["tags"] = tag_map(both["tags"], "key", "value")
        return {"rules": rules}

    def remove(self, s3: Any, bucket: str) -> None:
        """Take all rules off."""
        s3.delete_bucket_lifecycle(Bucket=bucket)

    @staticmethod
    def _rule(rule: Props) -> Props:
        result: Props = to_aws(rule, _LIFECYCLE_NAMES, frozenset({"tags"}))
        if "Prefix" not in result:
            result["Filter"] = result.get("Filter") or {"Prefix": ""}
        both = result.get("Filter", {}).get("And", {})
        if "Tags" in both:
            both["Tags"] = tag_list(both["Tags"])
        return result


class Policy(BucketSetting):
    """``aws.s3.BucketPolicy``."""

    token = "aws:s3/bucketPolicy:BucketPolicy"  # noqa: S105 - a type token
    arguments = frozenset({"bucket", "policy"})
    required = arguments
    documents = frozenset({"policy"})

    def put(self, s3: Any, bucket: str, inputs: Props) -> None:
        """Set the policy."""
        s3.put_bucket_policy(Bucket=bucket, Policy=inputs["policy"])

    def get(self, s3: Any, bucket: str) -> Props | None:
        """The policy as it is."""
        return {"policy": s3.get_bucket_policy(Bucket=bucket)["Policy"]}

    def remove(self, s3: Any, bucket: str) -> None:
        """Take the policy off."""
        s3.delete_bucket_policy(Bucket=bucket)


class Logging(BucketSetting):
    """``aws.s3.BucketLogging``."""

    token = "aws:s3/bucketLogging:BucketLogging"  # noqa: S105 - a type token
    arguments = frozenset({"bucket", "targetBucket", "targetPrefix"})
    required = arguments

    def put(self, s3: Any, bucket: str, inputs: Props) -> None:
        """Set where access is logged."""
        enabled = {"TargetBucket": inputs["targetBucket"], "TargetPrefix": inputs["targetPrefix"]}
        s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": enabled})

    def get(self, s3: Any, bucket: str) -> Props | None:
        """Where access is logged."""
        found = s3.get_bucket_logging(Bucket=bucket).get("LoggingEnabled")
        if not found:
            return None
        return {"targetBucket": found["TargetBucket"], "targetPrefix": found["TargetPrefix"]}

    def remove(self, s3: Any, bucket: str) -> None:
        """Log no more."""
        s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})


class Notification(BucketSetting):
    """``aws.s3.BucketNotification``."""

    token = "aws:s3/bucketNotification:BucketNotification"  # noqa: S105 - a type token
    arguments = frozenset({"bucket", "eventbridge", "queues", "topics"})

    def put(self, s3: Any, bucket: str, inputs: Props) -> None:
        """Set who is told."""
        configuration: Props = {}
        if inputs.get("eventbridge"):
            configuration["EventBridgeConfiguration"] = {}
        for argument, name in (("queues", "Queue"), ("topics", "Topic")):
            targets = [_notified(target, name) for target in inputs.get(argument, [])]
            if targets:
                configuration[f"{name}Configurations"] = targets
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)

    def get(self, s3: Any, bucket: str) -> Props | None:
        """Who is told."""
        found = or_none(s3.get_bucket_notification_configuration, Bucket=bucket)
        if found is None:
            return None
        # moto takes it and delivers by it, and leaves it out when asked.
        actual: Props = {"eventbridge": True} if "EventBridgeConfiguration" in found else {}
        for argument, name in (("queues", "Queue"), ("topics", "Topic")):
            targets = found.get(f"{name}Configurations")
            if targets:
                actual[argument] = [_notified_again(target, name) for target in targets]
        return actual

    def remove(self, s3: Any, bucket: str) -> None:
        """Tell nobody."""
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})


def _notified(target: Props, name: str) -> Props:
    arn = f"{name.lower()}Arn"
    rules = [
        {"Name": rule, "Value": target[key]}
        for rule, key in (("prefix", "filterPrefix"), ("suffix", "filterSuffix"))
        if target.get(key)
    ]
    result = {f"{name}Arn": target[arn], **set_only(Events=target["events"], Id=target.get("id"))}
    if rules:
        result["Filter"] = {"Key": {"FilterRules": rules}}
    return result


def _notified_again(target: Props, name: str) -> Props:
    rules = target.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    filters = {f"filter{rule['Name'].capitalize()}": rule["Value"] for rule in rules}
    arn = f"{name.lower()}Arn"
    return {arn: target[f"{name}Arn"], "events": target["Events"], "id": target.get("Id"), **filters}


KINDS: tuple[Kind, ...] = (
    Versioning(),
    Encryption(),
    PublicAccessBlock(),
    OwnershipControls(),
    Lifecycle(),
    Policy(),
    Logging(),
    Notification(),
)
