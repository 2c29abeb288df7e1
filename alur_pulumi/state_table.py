"""The ledger: one DynamoDB table that knows of every file what happened to it."""

import attrs
import pulumi
import pulumi_aws as aws

from alur_pulumi.checks import Checker

HASH_KEY = "ingestion_key"
RANGE_KEY = "file_path"
TTL_ATTRIBUTE = "expires_at"


@attrs.frozen(kw_only=True, eq=False)
class StateTableArgs:
    """Arguments of `StateTable`.

    Attributes:
        deletion_protection: AWS refuses to delete the table. On by default: with the ledger gone, every run of its
            tables refuses to start until `alur rebuild` has made it again from the manifests in S3.
        shards: Over how many partition keys the files of a table are spread (1 to 256); fixed once files were
            ingested. 4 serve for millions of files.
        kms_key_arn: A key of your own; DynamoDB's if none is given.
        tags: Tags of the table.
    """

    deletion_protection: pulumi.Input[bool] = True
    shards: int = 4
    kms_key_arn: pulumi.Input[str] | None = None
    tags: dict[str, pulumi.Input[str]] = attrs.field(factory=dict)


class StateTable(pulumi.ComponentResource):
    """Where the state of every ingested file is kept; one serves any number of tables and jobs."""

    table_name: pulumi.Output[str]
    table_arn: pulumi.Output[str]
    shards: pulumi.Output[int]

    def __init__(self, name: str, args: StateTableArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the component.

        Args:
            name: Logical name; the physical name is Pulumi's choice.
            args: Its arguments.
            opts: Options of the component.

        Raises:
            ArgumentError: If an argument cannot be.
        """
        Checker(f"StateTable {name!r}").between("shards", args.shards, 1, 256)
        super().__init__("alur:index:StateTable", name, None, opts)
        self._args = args
        table = aws.dynamodb.Table(
            f"{name}-table",
            billing_mode="PAY_PER_REQUEST",
            hash_key=HASH_KEY,
            range_key=RANGE_KEY,
            attributes=[
                aws.dynamodb.TableAttributeArgs(name=HASH_KEY, type="S"),
                aws.dynamodb.TableAttributeArgs(name=RANGE_KEY, type="S"),
            ],
            ttl=aws.dynamodb.TableTtlArgs(attribute_name=TTL_ATTRIBUTE, enabled=True),
            point_in_time_recovery=aws.dynamodb.TablePointInTimeRecoveryArgs(enabled=True),
            server_side_encryption=_encryption(args.kms_key_arn),
            deletion_protection_enabled=args.deletion_protection,
            tags=args.tags or None,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.table_name = table.name
        self.table_arn = table.arn
        self.shards = pulumi.Output.from_input(args.shards)
        self.register_outputs({"tableName": self.table_name, "tableArn": self.table_arn, "shards": self.shards})

    @property
    def shard_count(self) -> int:
        """The number of shards, known before anything is deployed."""
        return self._args.shards

    @property
    def key_arn(self) -> pulumi.Input[str] | None:
        """The key of your own, if there is one."""
        return self._args.kms_key_arn


def _encryption(key: pulumi.Input[str] | None) -> aws.dynamodb.TableServerSideEncryptionArgs | None:
    # Always encrypted: with no setting by a key that DynamoDB owns, at no cost.
    return None if key is None else aws.dynamodb.TableServerSideEncryptionArgs(enabled=True, kms_key_arn=key)
