"""The ledger: one DynamoDB table that knows of every file what happened to it."""

import re
from collections.abc import Sequence
from typing import Any, Final

import attrs
import pulumi
import pulumi_aws as aws

from alur_pulumi.alarm_checks import check_topic
from alur_pulumi.argument_types import check_types
from alur_pulumi.buckets import OnDestroy
from alur_pulumi.checks import Checker
from alur_pulumi.ledger_watch import watch_ledger

HASH_KEY = "ingestion_key"
RANGE_KEY = "file_path"
TTL_ATTRIBUTE = "expires_at"

_TABLE_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{3,255}")


@attrs.frozen(kw_only=True, eq=False)
class StateTableArgs:
    """Arguments of `StateTable`.

    Attributes:
        on_destroy: What becomes of the table on destroy. Kept by default, as the data is: with the ledger gone, every
            run of its tables refuses to start until `alur rebuild` has made it again from the manifests in S3.
        deletion_protection: Whether AWS refuses to delete the table; if not given it does unless `on_destroy` is
            delete.
        existing_table: Name of a ledger that is there already, of another stack most often, in place of one that is
            made; it stays as it is. Its `shards` and `kms_key_arn` must be given as they are there.
        shards: Over how many partition keys the files of a table are spread (1 to 256); fixed once files were
            ingested. 4 serve for millions of files.
        kms_key_arn: A key of your own; DynamoDB's if none is given.
        alarms: Whether a topic is told when DynamoDB throttles the table or fails. On by default. The alarms of an
            existing table are for its own stack to make.
        alarm_topic_arn: A topic that is there already and lets CloudWatch and EventBridge publish; one is made if none
            is given. The alarms of jobs tell it too, unless they have one of their own.
        alarm_kms_key_arn: The key that the made topic encrypts with; it must let CloudWatch and EventBridge use it.
            One is made if none is given: that of SNS lets neither.
        tags: Tags of the table.
    """

    on_destroy: OnDestroy = OnDestroy.RETAIN
    deletion_protection: pulumi.Input[bool] | None = None
    existing_table: pulumi.Input[str] | None = None
    shards: int = 4
    kms_key_arn: pulumi.Input[str] | None = None
    alarms: bool = True
    alarm_topic_arn: pulumi.Input[str] | None = None
    alarm_kms_key_arn: pulumi.Input[str] | None = None
    tags: dict[str, pulumi.Input[str]] = attrs.field(factory=dict)


class StateTable(pulumi.ComponentResource):
    """Where the state of every ingested file is kept; one serves any number of tables and jobs."""

    table_name: pulumi.Output[str]
    table_arn: pulumi.Output[str]
    shards: pulumi.Output[int]
    alarm_topic_arn: pulumi.Output[str | None]

    def __init__(self, name: str, args: StateTableArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the component.

        Args:
            name: Logical name (letters, digits, - and _); the physical name is Pulumi's choice.
            args: Its arguments.
            opts: Options of the component.

        Raises:
            ArgumentError: If an argument cannot be.
        """
        checker = Checker(f"StateTable {name!r}")
        checker.component_name(name)
        check_types(checker, args, StateTableArgs)
        _check(checker, args)
        super().__init__("alur:index:StateTable", name, None, opts)
        self._args = args
        if args.existing_table is None:
            table = self._made_table(name)
            self.table_name = table.name
        else:
            opts = pulumi.ResourceOptions(parent=self)
            table = aws.dynamodb.Table.get(f"{name}-table", args.existing_table, opts=opts)
            # by its attributes too, and not its range key: what a table has not, a preview takes for not known yet
            keys = pulumi.Output.all(table.name, table.hash_key, table.attributes)
            self.table_name = keys.apply(lambda found: _ledger_name(checker, *found))
        self.table_arn = table.arn
        self.shards = pulumi.Output.from_input(args.shards)
        self._watch = watch_ledger(name, args, table, pulumi.ResourceOptions(parent=self))
        self.alarm_topic_arn = pulumi.Output.from_input(self._watch.topic_arn)
        self.register_outputs(
            {
                "tableName": self.table_name,
                "tableArn": self.table_arn,
                "shards": self.shards,
                "alarmTopicArn": self.alarm_topic_arn,
            }
        )

    @property
    def shard_count(self) -> int:
        """The number of shards, known before anything is deployed."""
        return self._args.shards

    @property
    def key_arn(self) -> pulumi.Input[str] | None:
        """The key of your own, if there is one."""
        return self._args.kms_key_arn

    @property
    def alarm_topic_input(self) -> pulumi.Input[str] | None:
        """The topic that alarms tell; whether there is one is known before anything is deployed."""
        return self._watch.topic_arn

    @property
    def alarm_arns(self) -> tuple[pulumi.Output[str], ...]:
        """The ledger's own alarms."""
        return self._watch.alarms

    def _made_table(self, name: str) -> aws.dynamodb.Table:
        args = self._args
        on_destroy = OnDestroy(args.on_destroy)
        protected = args.deletion_protection
        return aws.dynamodb.Table(
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
            deletion_protection_enabled=on_destroy is not OnDestroy.DELETE if protected is None else protected,
            tags=args.tags or None,
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=on_destroy is OnDestroy.RETAIN),
        )


def _check(checker: Checker, args: StateTableArgs) -> None:
    checker.between("shards", args.shards, 1, 256)
    checker.one_of("on_destroy", args.on_destroy, tuple(OnDestroy))
    check_topic(checker, args.alarms, args.alarm_topic_arn)
    checker.key_arn("kms_key_arn", args.kms_key_arn)
    checker.key_arn("alarm_kms_key_arn", args.alarm_kms_key_arn)
    why = "the topic that is there has a key already, leave one out"
    checker.exclusive("alarm_kms_key_arn", args.alarm_kms_key_arn, "alarm_topic_arn", args.alarm_topic_arn, why)
    if args.deletion_protection is True and args.on_destroy == OnDestroy.DELETE:
        raise checker.refuse("deletion_protection", True, "leave it out: AWS would refuse what on_destroy=delete asks")
    if isinstance(args.existing_table, str) and not _TABLE_NAME.fullmatch(args.existing_table):
        raise checker.refuse("existing_table", args.existing_table, "give the table's name, not its ARN")
    if args.existing_table is not None and args.tags:
        raise checker.refuse("tags", args.tags, "leave them out: existing_table stays as it is")


def _ledger_name(checker: Checker, name: str, hash_key: str, attributes: Sequence[Any]) -> str:
    """The table's name, if it has a ledger's keys."""
    if hash_key != HASH_KEY or RANGE_KEY not in {attribute["name"] for attribute in attributes}:
        raise checker.refuse(
            "existing_table", name, f"its keys must be {HASH_KEY} and {RANGE_KEY}, as StateTable makes"
        )
    return name


def _encryption(key: pulumi.Input[str] | None) -> aws.dynamodb.TableServerSideEncryptionArgs | None:
    # Always encrypted: with no setting by a key that DynamoDB owns, at no cost.
    return None if key is None else aws.dynamodb.TableServerSideEncryptionArgs(enabled=True, kms_key_arn=key)
