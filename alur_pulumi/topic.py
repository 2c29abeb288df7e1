"""The topic that alarms tell, encrypted by a key that CloudWatch and EventBridge may use."""

import pulumi
import pulumi_aws as aws

from alur_pulumi.iam import Statement, document

_KEY_DELETION_DAYS = 30


def topic_policy(topic_arn: str) -> str:
    """A topic's policy: alarms and rules of this account may publish, and nobody without TLS.

    Args:
        topic_arn: ARN of the topic.
    """
    _, partition, _, region, account, _ = topic_arn.split(":", 5)
    alarms = _publish("Alarms", "cloudwatch.amazonaws.com", topic_arn)
    alarms["Condition"] = {
        "StringEquals": {"aws:SourceAccount": account},
        "ArnLike": {"aws:SourceArn": f"arn:{partition}:cloudwatch:{region}:{account}:alarm:*"},
    }
    # EventBridge does not say on whose behalf it publishes to a topic: with a condition it would be kept out, and the
    # alarm would be silent without anybody being told.
    rules = _publish("FailedRuns", "events.amazonaws.com", topic_arn)
    tls = {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sns:Publish",
        "Resource": topic_arn,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return document([alarms, rules, tls])


def key_policy(neighbour_arn: str) -> str:
    """The policy of a topic's key: its account's policies say who else may use it; alarms and rules may encrypt.

    Args:
        neighbour_arn: ARN of anything in the same account and region.
    """
    _, partition, _, _, account, _ = neighbour_arn.split(":", 5)
    owner = {
        "Sid": "AccountPolicies",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{partition}:iam::{account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    alarms = _use_key("Alarms", "cloudwatch.amazonaws.com")
    alarms["Condition"] = {"StringEquals": {"aws:SourceAccount": account}}
    # Here too: EventBridge does not say for whom.
    return document([owner, alarms, _use_key("FailedRuns", "events.amazonaws.com")])


def alarm_topic(
    name: str,
    neighbour_arn: pulumi.Input[str],
    key_arn: pulumi.Input[str] | None,
    tags: dict[str, pulumi.Input[str]] | None,
    opts: pulumi.ResourceOptions,
) -> pulumi.Output[str]:
    """Register a topic, and a key if none is given.

    SNS's own key would cost nothing, but its policy lets neither CloudWatch nor EventBridge use it.

    Args:
        name: Logical name of the component.
        neighbour_arn: ARN of anything in the same account and region.
        key_arn: A key that lets both services use it; see `key_policy`.
        tags: Tags.
        opts: Options of the children.

    Returns:
        The topic's ARN, which is known only once its policy is in place.
    """
    if key_arn is None:
        key_arn = aws.kms.Key(
            f"{name}-alarm-key",
            description=f"Encrypts what the alarms of {name} say.",
            policy=pulumi.Output.from_input(neighbour_arn).apply(key_policy),
            enable_key_rotation=True,
            deletion_window_in_days=_KEY_DELETION_DAYS,
            tags=tags,
            opts=opts,
        ).arn
    topic = aws.sns.Topic(f"{name}-alarm", kms_master_key_id=key_arn, tags=tags, opts=opts)
    policy = aws.sns.TopicPolicy(f"{name}-alarm-policy", arn=topic.arn, policy=topic.arn.apply(topic_policy), opts=opts)
    return policy.arn


def _publish(sid: str, service: str, topic_arn: str) -> Statement:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sns:Publish",
        "Resource": topic_arn,
    }


def _use_key(sid: str, service: str) -> Statement:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
    }
