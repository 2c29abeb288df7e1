"""The roles of an ingestion job: a thin layer of resources over the pure policies of `iam`."""

from collections.abc import Sequence
from typing import Any

import attrs
import pulumi
import pulumi_aws as aws

from alur_pulumi import catalog
from alur_pulumi.checks import Checker
from alur_pulumi.iam import (
    POLICY_SIZE,
    CatalogArn,
    JobAccess,
    NetworkAccess,
    job_policy,
    landing_policy,
    network_policy,
    policy_size,
    work_policy,
)


@attrs.frozen(kw_only=True)
class NetworkNeeds:
    """What the role needs inside a network, as far as it is known; see `alur_pulumi.iam.NetworkAccess`."""

    connections: Sequence[pulumi.Input[str]]
    subnets: Sequence[pulumi.Input[str]] = ()
    security_groups: Sequence[pulumi.Input[str]] = ()


@attrs.frozen(kw_only=True)
class RoleNeeds:
    """What the role must reach, as far as it is known; see `alur_pulumi.iam.JobAccess`.

    `places` says by their numbers which of the landing places go into which policy: `alur_pulumi.iam.places_by_policy`.
    """

    table_arn: pulumi.Output[str]
    ledger_arn: pulumi.Output[str]
    landing: tuple[tuple[pulumi.Output[str], str], ...]
    places: Sequence[Sequence[int]]
    table_bucket: pulumi.Output[str]
    artifacts_bucket: pulumi.Output[str]
    artifacts_prefix: str
    modules: pulumi.Input[str]
    log_groups: tuple[pulumi.Output[str], ...]
    kms_key_arns: tuple[pulumi.Input[str], ...]
    encrypts_logs: bool
    network: NetworkNeeds | None


@attrs.frozen(kw_only=True)
class RoleSettings:
    """What all roles of a job have in common.

    Attributes:
        permissions_boundary: ARN of their boundary, if any.
        tags: Their tags.
    """

    permissions_boundary: pulumi.Input[str] | None
    tags: dict[str, pulumi.Input[str]] | None


@attrs.frozen(kw_only=True)
class NeededPolicies:
    """What lets the job work, and nothing else.

    Attributes:
        whole: One document of it all.
        parts: The same in documents that each fit into a managed policy, by what their names end in.
    """

    whole: pulumi.Output[str]
    parts: dict[str, pulumi.Output[str]]


def needed_policies(needs: RoleNeeds) -> NeededPolicies:
    """The policies that the job needs."""
    access = _known(needs)
    first, *others = needs.places
    parts = {"": access.apply(lambda known: work_policy(known, first))}
    parts |= {f"-landing-{number}": _landing_part(access, places) for number, places in enumerate(others, 2)}
    if needs.network is not None:
        parts["-network"] = access.apply(network_policy)
    return NeededPolicies(whole=access.apply(job_policy), parts=parts)


def _landing_part(access: pulumi.Output[JobAccess], places: Sequence[int]) -> pulumi.Output[str]:
    return access.apply(lambda known: landing_policy(known, places))


def _known(needs: RoleNeeds) -> pulumi.Output[JobAccess]:
    network = needs.network
    known: pulumi.Output[dict[str, Any]] = pulumi.Output.all(
        table_arn=needs.table_arn,
        ledger_arn=needs.ledger_arn,
        landing=pulumi.Output.all(*[bucket for bucket, _ in needs.landing]),
        table_bucket=needs.table_bucket,
        artifacts_bucket=needs.artifacts_bucket,
        modules=needs.modules,
        log_groups=pulumi.Output.all(*needs.log_groups),
        kms_key_arns=pulumi.Output.all(*needs.kms_key_arns),
        connections=pulumi.Output.all(*(network.connections if network else ())),
        subnets=pulumi.Output.all(*(network.subnets if network else ())),
        security_groups=pulumi.Output.all(*(network.security_groups if network else ())),
    )
    return known.apply(lambda names: _access(names, needs))


def service_role(
    name: str, what: str, trust: pulumi.Input[str], settings: RoleSettings, opts: pulumi.ResourceOptions
) -> aws.iam.Role:
    """Register a role.

    Args:
        name: Logical name of that whose role it is.
        what: What the role is for.
        trust: Who may take it.
        settings: What all roles have.
        opts: Options of the child.
    """
    return aws.iam.Role(
        f"{name}-role",
        description=what,
        assume_role_policy=trust,
        permissions_boundary=settings.permissions_boundary,
        tags=settings.tags,
        opts=opts,
    )


def attached_policy(
    name: str,
    what: str,
    role: aws.iam.Role,
    policy: pulumi.Output[str],
    *,
    settings: RoleSettings,
    opts: pulumi.ResourceOptions,
) -> aws.iam.RolePolicyAttachment:
    """Register a policy of a role's own; the role can do nothing until it is attached.

    A managed policy and its attachment, not an inline one: audits of "no inline policies" pass, and the
    document can be read and simulated by itself.

    Args:
        name: Logical name of that whose role it is.
        what: What the policy allows.
        role: The role.
        policy: The document.
        settings: What all roles have.
        opts: Options of the children.
    """
    managed = aws.iam.Policy(f"{name}-policy", description=what, policy=policy, tags=settings.tags, opts=opts)
    return aws.iam.RolePolicyAttachment(f"{name}-policy-attached", role=role.name, policy_arn=managed.arn, opts=opts)


def fitting_policy(job: str, text: str) -> str:
    """A policy as it is.

    Args:
        job: Logical name of the job.
        text: The document.

    Raises:
        ArgumentError: If it is longer than IAM takes, which names of extraordinary length alone can make it.
    """
    if (size := policy_size(text)) > POLICY_SIZE:
        remedy = (
            f"IAM takes {POLICY_SIZE:,}: shorten the names of table and database or the prefixes of sources, name "
            "fewer kms_key_arns, or give role_arn"
        )
        raise Checker(f"IngestionJob {job!r}").refuse("sources", f"a policy of {size:,} characters", remedy)
    return text


def _access(names: dict[str, Any], needs: RoleNeeds) -> JobAccess:
    table_arn = str(names["table_arn"])
    table = CatalogArn.parse(table_arn)
    network = NetworkAccess(
        connections=tuple(names["connections"]),
        subnets=tuple(names["subnets"]),
        security_groups=tuple(names["security_groups"]),
    )
    return JobAccess(
        table_arn=table_arn,
        ledger_arn=str(names["ledger_arn"]),
        landing=tuple(zip(names["landing"], [prefix for _, prefix in needs.landing], strict=True)),
        table_bucket=str(names["table_bucket"]),
        table_prefix=catalog.table_prefix(table.database, table.table),
        metadata_prefix=catalog.metadata_prefix(table.database, table.table),
        artifacts_bucket=str(names["artifacts_bucket"]),
        artifacts_prefix=needs.artifacts_prefix,
        modules=tuple(uri.strip().removeprefix("s3://") for uri in names["modules"].split(",") if uri),
        log_groups=tuple(names["log_groups"]),
        kms_key_arns=tuple(names["kms_key_arns"]),
        encrypts_logs=needs.encrypts_logs,
        network=network if needs.network else None,
    )
