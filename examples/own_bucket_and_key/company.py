"""What a company has before alur comes: a key, buckets under its own rules, a database.

Here, so that the example runs by itself. In yours these are another stack's outputs, or names in the configuration.
"""

import json

import pulumi
import pulumi_aws as aws


def company_key() -> aws.kms.Key:
    """A key that the account's roles may use where their policies say so, and CloudWatch Logs for log groups."""
    account = aws.get_caller_identity_output().account_id
    region = aws.get_region_output().region
    key = aws.kms.Key(
        "lake",
        description="Encrypts what the lake holds.",
        enable_key_rotation=True,
        policy=pulumi.Output.all(account, region).apply(lambda known: _key_policy(*known)),
    )
    aws.kms.Alias("lake", target_key_id=key.key_id)
    return key


def company_bucket(name: str, key: aws.kms.Key) -> aws.s3.Bucket:
    """A bucket that is private, versioned, encrypted with the key and reached by TLS only.

    Args:
        name: Logical name.
        key: The key.
    """
    bucket = aws.s3.Bucket(name)
    aws.s3.BucketPublicAccessBlock(
        name,
        bucket=bucket.bucket,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
    )
    aws.s3.BucketOwnershipControls(
        name,
        bucket=bucket.bucket,
        rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
    )
    versioning = aws.s3.BucketVersioning(
        name,
        bucket=bucket.bucket,
        versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
    )
    aws.s3.BucketServerSideEncryptionConfiguration(
        name,
        bucket=bucket.bucket,
        rules=[
            aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                apply_server_side_encryption_by_default=aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                    sse_algorithm="aws:kms", kms_master_key_id=key.arn
                ),
                # one call to the key for many objects, in place of one for each
                bucket_key_enabled=True,
            )
        ],
    )
    aws.s3.BucketLifecycleConfiguration(
        name,
        bucket=bucket.bucket,
        rules=[
            aws.s3.BucketLifecycleConfigurationRuleArgs(
                id="tidy",
                status="Enabled",
                filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
                # Rows that are committed and not yet visible are uploads that are not completed: a rule that takes
                # them away sooner than the longest run takes rows away.
                abort_incomplete_multipart_upload=aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                    days_after_initiation=7
                ),
                noncurrent_version_expiration=aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                    noncurrent_days=90
                ),
            )
        ],
        opts=pulumi.ResourceOptions(depends_on=[versioning]),
    )
    aws.s3.BucketPolicy(name, bucket=bucket.bucket, policy=bucket.arn.apply(_tls_only))
    return bucket


def _tls_only(bucket: str) -> str:
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "TlsOnly",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:*",
                    "Resource": [bucket, f"{bucket}/*"],
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }
            ],
        }
    )


def _key_policy(account: str, region: str) -> str:
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "TheAccountsPoliciesDecide",
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                    "Action": "kms:*",
                    "Resource": "*",
                },
                {
                    "Sid": "LogGroups",
                    "Effect": "Allow",
                    "Principal": {"Service": f"logs.{region}.amazonaws.com"},
                    "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
                    "Resource": "*",
                    "Condition": {
                        "ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:{region}:{account}:*"}
                    },
                },
            ],
        }
    )
