"""A private bucket: what every bucket made here has, and what becomes of it on destroy."""

from enum import StrEnum
from typing import Final

import attrs
import pulumi
import pulumi_aws as aws

from alur_pulumi.iam import bucket_policy


class OnDestroy(StrEnum):
    """What `pulumi destroy` does with a bucket and the data in it."""

    RETAIN = "retain"  # bucket, data and protections stay, and leave Pulumi's care
    FAIL = "fail"  # destroy fails as long as anything is in the bucket, artifacts too, as AWS itself does
    DELETE = "delete"  # the data is deleted with the bucket


COLD_CLASSES: Final = {"INTELLIGENT_TIERING": 1, "STANDARD_IA": 30, "GLACIER_IR": 1}
"""Classes from which an object is read as it is, and after how many days S3 takes one at the earliest.

Archives are not among them: an object must be restored from there by hand, so that queries would fail, and every run
that has to replace rows in it.
"""


@attrs.frozen
class ColdStorage:
    """What goes to a colder storage class.

    Attributes:
        prefix: Of the objects.
        after_days: Their age then.
        storage_class: One of `COLD_CLASSES`.
    """

    prefix: pulumi.Input[str]
    after_days: int
    storage_class: str


@attrs.frozen(kw_only=True)
class BucketSettings:
    """How a bucket is kept.

    Attributes:
        on_destroy: What becomes of it on destroy.
        abort_uploads_after_days: Uploads that were begun and never completed are removed after so many days.
        noncurrent_days: Overwritten and deleted versions are kept for so many days.
        kms_key_arn: The key that objects are encrypted with; S3's own if none is given.
        access_log_bucket: Name of the bucket that S3 logs each access to, below a folder of this bucket's name.
        cold: What goes to a colder storage class, if anything.
        tags: Tags of the bucket.
    """

    on_destroy: OnDestroy
    abort_uploads_after_days: int
    noncurrent_days: int
    kms_key_arn: pulumi.Input[str] | None = None
    access_log_bucket: pulumi.Input[str] | None = None
    cold: ColdStorage | None = None
    tags: dict[str, pulumi.Input[str]] = attrs.field(factory=dict)


def private_bucket(name: str, settings: BucketSettings, parent: pulumi.Resource) -> aws.s3.Bucket:
    """Register a bucket that is private, encrypted, versioned and reached by TLS only.

    Args:
        name: Logical name; the physical name is Pulumi's choice.
        settings: How it is kept.
        parent: The component it belongs to.
    """
    kept = pulumi.ResourceOptions(parent=parent, retain_on_delete=settings.on_destroy is OnDestroy.RETAIN)
    # S3 takes no underscores, and Pulumi changes nothing but capitals
    called = name.replace("_", "-")
    bucket = aws.s3.Bucket(
        called, force_destroy=settings.on_destroy is OnDestroy.DELETE, tags=settings.tags or None, opts=kept
    )
    # Settings go with the bucket, and never before it: retained, or kept by its data, it would be left open otherwise.
    # One that a program gives up later is taken off.
    opts = pulumi.ResourceOptions(parent=parent, deleted_with=bucket)
    block = aws.s3.BucketPublicAccessBlock(
        f"{name}-private",
        bucket=bucket.bucket,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=opts,
    )
    aws.s3.BucketPolicy(
        f"{name}-tls",
        bucket=bucket.bucket,
        policy=bucket.arn.apply(bucket_policy),
        # S3 refuses two changes of a bucket's access settings at the same time
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[block])),
    )
    aws.s3.BucketOwnershipControls(
        f"{name}-owner",
        bucket=bucket.bucket,
        rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
        opts=opts,
    )
    versioning = aws.s3.BucketVersioning(
        f"{name}-versions",
        bucket=bucket.bucket,
        versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
        opts=opts,
    )
    aws.s3.BucketServerSideEncryptionConfiguration(
        f"{name}-encryption",
        bucket=bucket.bucket,
        rules=[_encryption(settings.kms_key_arn)],
        opts=opts,
    )
    aws.s3.BucketLifecycleConfiguration(
        f"{name}-lifecycle",
        bucket=bucket.bucket,
        rules=_lifecycle(settings),
        # the rule for old versions is refused until there can be any
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[versioning])),
    )
    if settings.access_log_bucket is not None:
        aws.s3.BucketLogging(
            f"{name}-access-log",
            bucket=bucket.bucket,
            target_bucket=settings.access_log_bucket,
            target_prefix=pulumi.Output.concat(bucket.bucket, "/"),
            opts=opts,
        )
    return bucket


def _encryption(key: pulumi.Input[str] | None) -> aws.s3.BucketServerSideEncryptionConfigurationRuleArgs:
    default = aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
        sse_algorithm="AES256" if key is None else "aws:kms", kms_master_key_id=key
    )
    # a bucket key spares a call to KMS for each object
    return aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
        apply_server_side_encryption_by_default=default, bucket_key_enabled=key is not None
    )


def _lifecycle(settings: BucketSettings) -> list[aws.s3.BucketLifecycleConfigurationRuleArgs]:
    everything = aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix="")
    rules = [
        aws.s3.BucketLifecycleConfigurationRuleArgs(
            id="abort-incomplete-uploads",
            status="Enabled",
            filter=everything,
            abort_incomplete_multipart_upload=aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                days_after_initiation=settings.abort_uploads_after_days
            ),
        ),
        aws.s3.BucketLifecycleConfigurationRuleArgs(
            id="expire-old-versions",
            status="Enabled",
            filter=everything,
            noncurrent_version_expiration=aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                noncurrent_days=settings.noncurrent_days
            ),
        ),
    ]
    if settings.cold is not None:
        rules.append(
            aws.s3.BucketLifecycleConfigurationRuleArgs(
                id="cold-storage",
                status="Enabled",
                filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=settings.cold.prefix),
                transitions=[
                    aws.s3.BucketLifecycleConfigurationRuleTransitionArgs(
                        days=settings.cold.after_days, storage_class=settings.cold.storage_class
                    )
                ],
            )
        )
    return rules
