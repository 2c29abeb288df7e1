"""Who may read a table: a policy for the roles of analysts, made of a table's outputs."""

import json

import pulumi
import pulumi_aws as aws

import alur_pulumi as alur


def reader_policy(name: str, table: alur.BronzeTable, opts: pulumi.ResourceOptions | None = None) -> aws.iam.Policy:
    """A policy by which a table can be queried, and nothing beside it.

    Args:
        name: Logical name.
        table: The table.
        opts: Options of the policy.
    """
    known = pulumi.Output.all(table.table_arn, table.bucket_name, table.location)
    return aws.iam.Policy(
        name,
        description=pulumi.Output.concat("Reads ", table.database_name, ".", table.table_name, "."),
        policy=known.apply(lambda found: _document(*found)),
        opts=opts,
    )


def _document(table_arn: str, bucket: str, location: str) -> str:
    catalog, _, path = table_arn.partition(":table/")
    database = path.partition("/")[0]
    prefix = location.removeprefix(f"s3://{bucket}/")
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "Catalog",
                    "Effect": "Allow",
                    "Action": ["glue:GetDatabase", "glue:GetTable", "glue:GetPartitions", "glue:BatchGetPartition"],
                    "Resource": [f"{catalog}:catalog", f"{catalog}:database/{database}", table_arn],
                },
                # only below the table's own prefix: plans, manifests and quarantined rows lie elsewhere in the bucket
                {
                    "Sid": "Rows",
                    "Effect": "Allow",
                    "Action": "s3:GetObject",
                    "Resource": f"arn:aws:s3:::{bucket}/{prefix}*",
                },
                {
                    "Sid": "Names",
                    "Effect": "Allow",
                    "Action": "s3:ListBucket",
                    "Resource": f"arn:aws:s3:::{bucket}",
                    "Condition": {"StringLike": {"s3:prefix": [f"{prefix}*"]}},
                },
            ],
        }
    )
