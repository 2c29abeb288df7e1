"""What is seen of a ledger: its alarms, and the topic that they and those of its jobs tell."""

from typing import TYPE_CHECKING

import attrs
import pulumi
import pulumi_aws as aws

from alur_pulumi.alarms import ledger_alarms
from alur_pulumi.metric_alarms import Telling, metric_alarms
from alur_pulumi.topic import alarm_topic

if TYPE_CHECKING:
    from alur_pulumi.state_table import StateTableArgs

_SOME_JOB = "<job>"  # a ledger serves any number of them


@attrs.frozen(kw_only=True)
class LedgerWatch:
    """What is seen of a ledger.

    Attributes:
        topic_arn: The topic that is told; None if none is there.
        alarms: ARNs of the alarms.
    """

    topic_arn: pulumi.Input[str] | None
    alarms: tuple[pulumi.Output[str], ...] = ()


def watch_ledger(
    name: str, args: "StateTableArgs", table: aws.dynamodb.Table, opts: pulumi.ResourceOptions
) -> LedgerWatch:
    """Register the alarms of a ledger, as far as they are wanted, and their topic if none is given.

    Args:
        name: Logical name of the component.
        args: Its arguments, checked.
        table: The ledger.
        opts: Options of the children.
    """
    given, tags = args.alarm_topic_arn, args.tags
    if not args.alarms or args.existing_table is not None:
        return LedgerWatch(topic_arn=given)
    topic = given or alarm_topic(name, table.arn, args.alarm_kms_key_arn, tags or None, opts)
    telling = Telling(name=name, topic_arn=topic, tags=tags, opts=opts)
    return LedgerWatch(topic_arn=topic, alarms=tuple(metric_alarms(ledger_alarms(), table.name, _SOME_JOB, telling)))
