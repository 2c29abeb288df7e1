"""The role of an ingestion job: a thin layer of resources over the pure policies of `iam`."""

import attrs
import pulumi
import pulumi_aws as aws

from alur_pulumi import catalog
from alur_pulumi.iam import CatalogArn, JobAccess, job_policy, service_trust_policy


@attrs.frozen(kw_only=True)
class RoleNeeds:
    """What the role must reach, as far as it is known; see `alur_pulumi.iam.JobAccess`."""

    table_arn: pulumi.Output[str]
    ledger_arn: pulumi.Output[str]
    landing: tuple[tuple[pulumi.Output[str], str], ...]
    table_bucket: pulumi.Output[str]
    artifacts_bucket: pulumi.Output[str]
    artifacts_prefix: str
    log_group_prefix: pulumi.Output[str]
    kms_key_arns: tuple[pulumi.Input[str], ...]


@attrs.frozen
class JobRole:
    """A role that was made.

    Attributes:
        arn: Its ARN.
        ready: What must be there before the role can do anything.
    """

    arn: pulumi.Output[str]
    ready: list[pulumi.Resource]


def needed_policy(needs: RoleNeeds) -> pulumi.Output[str]:
    """The policy document that lets the job work, and nothing else."""
    prefixes = tuple(prefix for _, prefix in needs.landing)
    known: pulumi.Output[dict[str, object]] = pulumi.Output.all(
        table_arn=needs.table_arn,
        ledger_arn=needs.ledger_arn,
        landing=pulumi.Output.all(*[bucket for bucket, _ in needs.landing]),
        table_bucket=needs.table_bucket,
        artifacts_bucket=needs.artifacts_bucket,
        log_group_prefix=needs.log_group_prefix,
        kms_key_arns=pulumi.Output.all(*needs.kms_key_arns),
    )
    return known.apply(lambda names: job_policy(_access(names, prefixes, needs.artifacts_prefix)))


def job_role(
    name: str,
    policy: pulumi.Output[str],
    permissions_boundary: pulumi.Input[str] | None,
    tags: dict[str, pulumi.Input[str]] | None,
    opts: pulumi.ResourceOptions,
) -> JobRole:
    """Register a role with a policy of its own.

    A managed policy and its attachment, not an inline one: audits of "no inline policies" pass, and the
    document can be read and simulated by itself.

    Args:
        name: Logical name of the job.
        policy: What the role may do.
        permissions_boundary: ARN of its boundary, if any.
        tags: Tags.
        opts: Options of the children.
    """
    role = aws.iam.Role(
        f"{name}-role",
        description=f"Glue runs the ingestion job {name} as this role.",
        assume_role_policy=service_trust_policy("glue.amazonaws.com"),
        permissions_boundary=permissions_boundary,
        tags=tags,
        opts=opts,
    )
    managed = aws.iam.Policy(
        f"{name}-policy",
        description=f"What the ingestion job {name} needs, and nothing else.",
        policy=policy,
        tags=tags,
        opts=opts,
    )
    attached = aws.iam.RolePolicyAttachment(
        f"{name}-policy-attached", role=role.name, policy_arn=managed.arn, opts=opts
    )
    return JobRole(role.arn, [attached])


def _access(names: dict[str, object], prefixes: tuple[str, ...], artifacts_prefix: str) -> JobAccess:
    table_arn = str(names["table_arn"])
    table = CatalogArn.parse(table_arn)
    logs = str(names["log_group_prefix"])
    landing, keys = names["landing"], names["kms_key_arns"]
    assert isinstance(landing, list)
    assert isinstance(keys, list)
    return JobAccess(
        table_arn=table_arn,
        ledger_arn=str(names["ledger_arn"]),
        landing=tuple(zip(landing, prefixes, strict=True)),
        table_bucket=str(names["table_bucket"]),
        table_prefix=catalog.table_prefix(table.database, table.table),
        metadata_prefix=catalog.metadata_prefix(table.database, table.table),
        artifacts_bucket=str(names["artifacts_bucket"]),
        artifacts_prefix=artifacts_prefix,
        log_groups=(f"{logs}/error", f"{logs}/output"),
        kms_key_arns=tuple(keys),
    )
