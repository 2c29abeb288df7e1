"""Encryption of what Glue itself writes, and the log groups, whose names depend on it."""

from typing import Final

import attrs
import pulumi
import pulumi_aws as aws

from alur_pulumi.job_args import IngestionJobArgs

_PLAIN: Final = "log"
_ENCRYPTED: Final = "encrypted-log"


@attrs.frozen(kw_only=True)
class JobLogs:
    """Where a job's logs go.

    Attributes:
        argument: What Glue is given as the prefix of the log groups.
        prefix: What the names of the two log groups begin with.
        errors: The name of that which the runtime logs to.
        groups: The names of all that Glue may write to.
    """

    argument: pulumi.Output[str]
    prefix: pulumi.Output[str]
    errors: pulumi.Output[str]
    groups: tuple[pulumi.Output[str], ...]


def security_configuration(
    name: str, args: IngestionJobArgs, opts: pulumi.ResourceOptions
) -> pulumi.Output[str] | None:
    """The name of the job's security configuration; one is made if a key for it is given.

    It encrypts logs, bookmarks and what Glue writes to S3. alur uses no bookmarks, but audits ask.

    Args:
        name: Logical name of the job.
        args: Its arguments.
        opts: Options of the children.
    """
    key = args.security_kms_key_arn
    if key is None:
        return None if args.security_configuration is None else pulumi.Output.from_input(args.security_configuration)
    made = aws.glue.SecurityConfiguration(
        f"{name}-security",
        encryption_configuration=aws.glue.SecurityConfigurationEncryptionConfigurationArgs(
            cloudwatch_encryption=aws.glue.SecurityConfigurationEncryptionConfigurationCloudwatchEncryptionArgs(
                cloudwatch_encryption_mode="SSE-KMS", kms_key_arn=key
            ),
            job_bookmarks_encryption=aws.glue.SecurityConfigurationEncryptionConfigurationJobBookmarksEncryptionArgs(
                job_bookmarks_encryption_mode="CSE-KMS", kms_key_arn=key
            ),
            s3_encryption=aws.glue.SecurityConfigurationEncryptionConfigurationS3EncryptionArgs(
                s3_encryption_mode="SSE-KMS", kms_key_arn=key
            ),
        ),
        opts=opts,
    )
    return made.name


def log_groups(
    name: str,
    args: IngestionJobArgs,
    security: pulumi.Output[str] | None,
    role_arn: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
) -> JobLogs:
    """Register the log groups, so that they have a retention and a key before Glue first writes.

    Args:
        name: Logical name of the job.
        args: Its arguments.
        security: Name of the security configuration, if there is one.
        role_arn: The role that the job runs as.
        opts: Options of the children.
    """
    # The names below the prefix are Glue's to choose, so they are set by hand; project and stack keep them apart.
    argument = pulumi.Output.from_input(f"/alur/{pulumi.get_project()}/{pulumi.get_stack()}/{name}")
    prefixes = {_PLAIN: argument}
    used = [_PLAIN]
    if security is not None:
        role = role_arn.apply(lambda arn: arn.rpartition("/")[2])
        # Glue puts the two names in between if the configuration encrypts logs. One that was there already may not.
        # The plain ones are kept in any case: a job that gets a key later would lose what it logged until then.
        prefixes[_ENCRYPTED] = pulumi.Output.concat(argument, "/", security, "-role/", role)
        used = [_ENCRYPTED] if args.security_configuration is None else [_PLAIN, _ENCRYPTED]
    made = {
        (kind, part): aws.cloudwatch.LogGroup(
            f"{name}-{kind}-{part}",
            name=pulumi.Output.concat(prefix, "/", part),
            retention_in_days=args.log_retention_days,
            kms_key_id=args.security_kms_key_arn or args.log_kms_key_arn,
            tags=args.tags or None,
            # Another key makes another configuration, and so other names: what was logged until then stays. Names that
            # hold a configuration's and a role's never come again, so that what stays is in nobody's way.
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(retain_on_delete=kind == _ENCRYPTED)),
        )
        for kind, prefix in prefixes.items()
        for part in ("error", "output")
    }
    return JobLogs(
        argument=argument,
        prefix=prefixes[used[-1]],
        errors=made[used[-1], "error"].name,
        groups=tuple(group.name for (kind, _), group in made.items() if kind in used),
    )
