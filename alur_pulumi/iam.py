"""Policies as pure functions of plain names: who may do what, tested without Pulumi."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

VERSION: Final = "2012-10-17"
POLICY_SIZE: Final = 6144
"""Characters in a managed policy, by IAM's quotas, which cannot be raised."""
POLICIES_OF_A_ROLE: Final = 10
"""Managed policies of a role, by IAM's quotas."""
_FIRST_ROOM: Final = 1400  # what the rest leaves of it where names are of usual length
METRIC_NAMESPACES: Final = ("Alur", "Glue")

Statement = dict[str, Any]


@attrs.frozen
class CatalogArn:
    """A Glue table's ARN in parts: what the ARNs of its neighbours are made of, with no call to AWS.

    Attributes:
        partition: ``aws``, ``aws-cn`` or ``aws-us-gov``.
        region: The region.
        account: The account's number.
        database: The database's name.
        table: The table's name.
    """

    partition: str
    region: str
    account: str
    database: str
    table: str

    @classmethod
    def parse(cls, arn: str) -> CatalogArn:
        """Take an ARN such as ``arn:aws:glue:eu-west-1:123456789012:table/sales/orders`` apart."""
        _, partition, _, region, account, resource = arn.split(":", 5)
        _, database, table = resource.split("/", 2)
        return cls(partition, region, account, database, table)

    def glue(self, resource: str) -> str:
        """ARN of another Glue resource beside the table."""
        return f"arn:{self.partition}:glue:{self.region}:{self.account}:{resource}"

    def log_group(self, name: str) -> str:
        """ARN of a log group beside the table."""
        return f"arn:{self.partition}:logs:{self.region}:{self.account}:log-group:{name}"

    def ec2(self, resource: str) -> str:
        """ARN of a network's part beside the table."""
        return f"arn:{self.partition}:ec2:{self.region}:{self.account}:{resource}"

    def bucket(self, name: str) -> str:
        """ARN of a bucket in the same partition."""
        return f"arn:{self.partition}:s3:::{name}"


@attrs.frozen(kw_only=True)
class NetworkAccess:
    """What a job needs that runs inside a network (VPC).

    Attributes:
        connections: Names of the Glue connections.
        subnets: Ids of the subnets; every one of the account if none is known.
        security_groups: Ids of the security groups; every one of the account if none is known.
    """

    connections: tuple[str, ...]
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class JobAccess:
    """What a job reaches, all resolved.

    Attributes:
        table_arn: ARN of the Glue table.
        ledger_arn: ARN of the DynamoDB table.
        landing: Pairs of bucket name and prefix that are read.
        table_bucket: Bucket of the table.
        table_prefix: Prefix of its Parquet files.
        metadata_prefix: Prefix of its plans, manifests and reports, in the same bucket.
        artifacts_bucket: Bucket of script, wheels and configuration.
        artifacts_prefix: Their prefix.
        modules: Bucket and key, joined by a slash, of wheels of the user's that Glue installs.
        log_groups: Names of the log groups that are written.
        kms_key_arns: Keys of the buckets and of the ledger.
        encrypts_logs: Whether Glue sets the log groups' key as this role, which a security configuration makes it do.
        network: What it needs inside a network, if it runs in one.
    """

    table_arn: str
    ledger_arn: str
    landing: tuple[tuple[str, str], ...]
    table_bucket: str
    table_prefix: str
    metadata_prefix: str
    artifacts_bucket: str
    artifacts_prefix: str
    log_groups: tuple[str, ...]
    modules: tuple[str, ...] = ()
    kms_key_arns: tuple[str, ...] = ()
    encrypts_logs: bool = False
    network: NetworkAccess | None = None


def document(statements: Iterable[Statement]) -> str:
    """A policy document; the same statements give the same text, so that previews stay quiet."""
    return json.dumps({"Version": VERSION, "Statement": list(statements)}, sort_keys=True)


def service_trust_policy(service: str, condition: Statement | None = None) -> str:
    """A role's trust policy: only this AWS service may take the role, and under this condition only if there is one."""
    allowed: Statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return document([allowed | ({"Condition": condition} if condition else {})])


def bucket_policy(bucket_arn: str) -> str:
    """A bucket's policy: nothing without TLS."""
    deny = {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [bucket_arn, f"{bucket_arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return document([deny])


def job_policy(access: JobAccess) -> str:
    """What an ingestion job may do, and nothing else.

    It has no action for transactions, since IAM knows none: they are allowed by the actions on single items.
    It may not write what it runs: artifacts are read only. Each action is proven to be needed by `make iam`.
    """
    network = [] if access.network is None else _network(CatalogArn.parse(access.table_arn), access.network)
    return document([*_work(access, access.landing), *network])


def work_policy(access: JobAccess, places: Iterable[int]) -> str:
    """The same without its network, and with these of the landing places only: what one policy has room for."""
    return document(_work(access, [access.landing[place] for place in places]))


def landing_policy(access: JobAccess, places: Iterable[int]) -> str:
    """A policy for further landing places."""
    return document(_landing(CatalogArn.parse(access.table_arn), [access.landing[place] for place in places]))


def network_policy(access: JobAccess) -> str:
    """A policy for the network alone.

    Raises:
        ValueError: If there is none.
    """
    if access.network is None:
        raise ValueError(access)
    return document(_network(CatalogArn.parse(access.table_arn), access.network))


def policy_size(text: str) -> int:
    """How long a policy is to IAM, which does not count spaces."""
    return len("".join(text.split()))


def places_by_policy(landing: Iterable[tuple[str, str]]) -> list[list[int]]:
    """Which landing places go into which policy, the first of which has all the rest too.

    How many policies there are must be known before the names of buckets are.

    Args:
        landing: Pairs of bucket name and prefix; a name that is not known yet is as long as it can be.

    Returns:
        Their numbers by policy.
    """
    arn = CatalogArn("aws-us-gov", "", "", "", "")
    known = tuple(landing)
    found: list[list[int]] = [[]]
    for place in range(len(known)):
        tried = [*found[-1], place]
        size = policy_size(document(_landing(arn, [known[one] for one in tried])))
        if size > (_FIRST_ROOM if len(found) == 1 else POLICY_SIZE):
            found.append([place])
        else:
            found[-1] = tried
    return found


def _work(access: JobAccess, landing: Sequence[tuple[str, str]]) -> list[Statement]:
    arn = CatalogArn.parse(access.table_arn)
    statements = [
        *_landing(arn, landing),
        *_table(arn, access),
        allow(
            "Artifacts",
            ["s3:GetObject"],
            [
                f"{arn.bucket(access.artifacts_bucket)}/{access.artifacts_prefix}*",
                *(arn.bucket(module) for module in access.modules),
            ],
        ),
        _ledger(arn, access.ledger_arn),
        allow(
            "Catalog",
            ["glue:BatchCreatePartition", "glue:GetTable"],
            [
                arn.glue("catalog"),
                arn.glue(f"database/{arn.database}"),
                arn.glue(f"table/{arn.database}/{arn.table}"),
            ],
        ),
        *_logs(arn, access),
        {
            **allow("Metrics", ["cloudwatch:PutMetricData"], ["*"]),
            # PutMetricData knows no resources: the namespace is the only fence there is
            "Condition": {"StringEquals": {"cloudwatch:namespace": list(METRIC_NAMESPACES)}},
        },
    ]
    if access.kms_key_arns:
        keys = sorted(set(access.kms_key_arns))
        statements.append(allow("Keys", ["kms:Decrypt", "kms:GenerateDataKey"], keys))
    return statements


def _logs(arn: CatalogArn, access: JobAccess) -> list[Statement]:
    groups = [arn.log_group(name) for name in access.log_groups]
    written = allow("Logs", ["logs:CreateLogStream", "logs:PutLogEvents"], [f"{group}:*" for group in groups])
    if not access.encrypts_logs:
        return [written]
    return [
        written,
        allow("LogKeys", ["logs:AssociateKmsKey"], [f"{group}:*" for group in groups]),
        # knows no resources
        allow("SecurityConfiguration", ["glue:GetSecurityConfiguration"], ["*"]),
    ]


def _network(arn: CatalogArn, network: NetworkAccess) -> list[Statement]:
    interfaces = arn.ec2("network-interface/*")
    subnets = [arn.ec2(f"subnet/{subnet}") for subnet in network.subnets or ("*",)]
    groups = [arn.ec2(f"security-group/{group}") for group in network.security_groups or ("*",)]
    removed = allow("NetworkRemove", ["ec2:DeleteNetworkInterface"], [interfaces])
    if network.subnets:
        removed["Condition"] = {"ArnEquals": {"ec2:Subnet": subnets}}
    return [
        allow(
            "Connections",
            ["glue:GetConnection"],
            [arn.glue("catalog"), *(arn.glue(f"connection/{name}") for name in network.connections)],
        ),
        allow(
            "NetworkRead",
            [
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeRouteTables",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcEndpoints",
            ],
            # they know no resources
            ["*"],
        ),
        # which network it is would be one more thing to be told
        allow("NetworkAttributes", ["ec2:DescribeVpcAttribute"], [arn.ec2("vpc/*")]),
        allow("NetworkUse", ["ec2:CreateNetworkInterface"], [interfaces, *subnets, *groups]),
        removed,
        {
            **allow("NetworkTags", ["ec2:CreateTags", "ec2:DeleteTags"], [interfaces]),
            # the one tag by which Glue knows its own interfaces
            "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": ["aws-glue-service-resource"]}},
        },
    ]


def _landing(arn: CatalogArn, landing: Sequence[tuple[str, str]]) -> list[Statement]:
    if not landing:
        return []
    prefixes: dict[str, set[str]] = {}
    for bucket, prefix in landing:
        prefixes.setdefault(bucket, set()).add(prefix)
    listed = [
        _list(f"LandingList{i}", arn.bucket(bucket), prefixes[bucket]) for i, bucket in enumerate(sorted(prefixes))
    ]
    objects = sorted(f"{arn.bucket(bucket)}/{prefix}*" for bucket, prefix in set(landing))
    return [*listed, allow("LandingRead", ["s3:GetObject"], objects)]


def _table(arn: CatalogArn, access: JobAccess) -> list[Statement]:
    bucket = arn.bucket(access.table_bucket)
    table, metadata = f"{bucket}/{access.table_prefix}*", f"{bucket}/{access.metadata_prefix}*"
    return [
        _list("TableList", bucket, {access.table_prefix, access.metadata_prefix}),
        allow(
            "TableWrite",
            ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
            [table, metadata],
        ),
        # objects that a replacement has emptied, of the ledger's archive those that were merged into others, and the
        # bad rows of a batch that takes itself back; plans, manifests and reports are kept
        allow(
            "TableDelete",
            ["s3:DeleteObject"],
            [table, *(f"{bucket}/{access.metadata_prefix}{folder}/*" for folder in ("forgotten", "quarantine"))],
        ),
    ]


def _ledger(arn: CatalogArn, ledger_arn: str) -> Statement:
    allowed = allow(
        "Ledger",
        [
            "dynamodb:BatchGetItem",
            "dynamodb:ConditionCheckItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:Query",
            "dynamodb:UpdateItem",
        ],
        [ledger_arn],
    )
    # A ledger serves many tables. The keys of this one begin with its name: files' go on with a shard's number.
    key = f"{arn.database}.{arn.table}"
    return {**allowed, "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [key, f"{key}#*"]}}}


def _list(sid: str, bucket_arn: str, prefixes: Iterable[str]) -> Statement:
    # S3 asks this permission with the key as prefix before it says 404 of a missing object, and else says 403:
    # the runtime must be able to tell a deleted file from a forbidden one.
    condition = {"StringLike": {"s3:prefix": sorted(f"{prefix}*" for prefix in prefixes)}}
    return {**allow(sid, ["s3:ListBucket"], [bucket_arn]), "Condition": condition}


def allow(sid: str, actions: list[str], resources: list[str]) -> Statement:
    """A statement that allows these actions on these resources."""
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}
