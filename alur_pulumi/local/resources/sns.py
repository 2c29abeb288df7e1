"""SNS topics, their policies and subscriptions."""

from collections.abc import Mapping
from typing import Any

from alur_pulumi.local.resources.base import (
    Aws,
    Kind,
    Props,
    from_aws,
    or_none,
    sync_tags,
    tag_map,
    tag_outputs,
    to_aws,
)

_TOPIC_ATTRIBUTES = frozenset(
    {"contentBasedDeduplication", "deliveryPolicy", "displayName", "fifoTopic", "kmsMasterKeyId", "policy"}
)
_SUBSCRIPTION_ATTRIBUTES = frozenset(
    {
        "deliveryPolicy",
        "filterPolicy",
        "filterPolicyScope",
        "rawMessageDelivery",
        "redrivePolicy",
        "subscriptionRoleArn",
    }
)
_BOOLEANS = frozenset({"contentBasedDeduplication", "fifoTopic", "rawMessageDelivery"})


class Topic(Kind):
    """``aws.sns.Topic``; its id is its ARN."""

    token = "aws:sns/topic:Topic"  # noqa: S105 - a type token
    arguments = _TOPIC_ATTRIBUTES | {"name", "namePrefix", "tags"}
    replace_on = frozenset({"name", "namePrefix", "fifoTopic"})
    documents = frozenset({"deliveryPolicy", "policy"})
    computed = frozenset({"arn", "owner", "tagsAll"})
    name_argument = "name"
    name_limit = 256

    def create(self, aws: Aws, inputs: Props) -> str:
        """Create the topic."""
        attributes = attributes_of(inputs, _TOPIC_ATTRIBUTES)
        return str(aws.client("sns").create_topic(Name=inputs["name"], Attributes=attributes)["TopicArn"])

    def describe(self, aws: Aws, resource_id: str) -> Props | None:
        """Say what can be seen of the topic."""
        sns = aws.client("sns")
        found = or_none(sns.get_topic_attributes, TopicArn=resource_id)
        if found is None:
            return None
        tags = sns.list_tags_for_resource(ResourceArn=resource_id).get("Tags", [])
        # The policy is left to `TopicPolicy`: a topic that shows it as its own seems changed once that has set it.
        return {
            **properties_of(found["Attributes"], _TOPIC_ATTRIBUTES - {"policy"}),
            "name": resource_id.rpartition(":")[2],
            "arn": resource_id,
            "owner": aws.account,
            "region": aws.region,
            **tag_outputs(tag_map(tags)),
        }

    def update(self, aws: Aws, resource_id: str, old: Props, new: Props) -> None:
        """Set the attributes that differ."""
        sns = aws.client("sns")
        for name, value in _differing(old, new, _TOPIC_ATTRIBUTES).items():
            sns.set_topic_attributes(TopicArn=resource_id, AttributeName=name, AttributeValue=value)

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        """Delete the topic."""
        del state
        or_none(aws.client("sns").delete_topic, TopicArn=resource_id)

    def write_tags(self, aws: Aws, resource_id: str, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        """Take off what is gone and set the rest."""
        sns = aws.client("sns")
        sync_tags(sns.untag_resource, sns.tag_resource, old, new, ResourceArn=resource_id)


class TopicPolicy(Kind):
    """``aws.sns.TopicPolicy``; its id is the topic's ARN."""

    token = "aws:sns/topicPolicy:TopicPolicy"  # noqa: S105 - a type token
    arguments = frozenset({"arn", "policy"})
    required = arguments
    replace_on = frozenset({"arn"})
    documents = frozenset({"policy"})
    computed = frozenset({"owner"})

    def create(self, aws: Aws, inputs: Props) -> str:
        """Set the policy."""
        topic = str(inputs["arn"])
        self._set(aws, topic, inputs["policy"])
        return topic

    def describe(self, aws: Aws, resource_id: str) -> Props | None:
        """Say what the policy is."""
        found = or_none(aws.client("sns").get_topic_attributes, TopicArn=resource_id)
        if found is None or not found["Attributes"].get("Policy"):
            return None
        return {"arn": resource_id, "policy": found["Attributes"]["Policy"], "owner": aws.account}

    def update(self, aws: Aws, resource_id: str, old: Props, new: Props) -> None:
        """Set the policy anew."""
        del old
        self._set(aws, resource_id, new["policy"])

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        """Leave the topic with a policy that allows nothing: a topic always has one."""
        del state
        if self.describe(aws, resource_id) is not None:
            self._set(aws, resource_id, '{"Version":"2012-10-17","Statement":[]}')

    @staticmethod
    def _set(aws: Aws, topic: str, policy: str) -> None:
        aws.client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)


class TopicSubscription(Kind):
    """``aws.sns.TopicSubscription``; its id is its ARN."""

    token = "aws:sns/topicSubscription:TopicSubscription"  # noqa: S105 - a type token
    arguments = _SUBSCRIPTION_ATTRIBUTES | {"topic", "protocol", "endpoint"}
    required = frozenset({"topic", "protocol", "endpoint"})
    replace_on = required
    documents = frozenset({"deliveryPolicy", "filterPolicy", "redrivePolicy"})
    computed = frozenset({"arn", "ownerId"})

    def create(self, aws: Aws, inputs: Props) -> str:
        """Subscribe."""
        answer = aws.client("sns").subscribe(
            TopicArn=inputs["topic"],
            Protocol=inputs["protocol"],
            Endpoint=inputs["endpoint"],
            Attributes=attributes_of(inputs, _SUBSCRIPTION_ATTRIBUTES),
            ReturnSubscriptionArn=True,
        )
        return str(answer["SubscriptionArn"])

    def describe(self, aws: Aws, resource_id: str) -> Props | None:
        """Say what can be seen of the subscription."""
        found = or_none(aws.client("sns").get_subscription_attributes, SubscriptionArn=resource_id)
        if found is None:
            return None
        attributes = found["Attributes"]
        return {
            **properties_of(attributes, _SUBSCRIPTION_ATTRIBUTES),
            "topic": attributes["TopicArn"],
            "protocol": attributes["Protocol"],
            "endpoint": attributes["Endpoint"],
            "arn": resource_id,
            "ownerId": aws.account,
            "pendingConfirmation": attributes.get("PendingConfirmation") == "true",
            "region": aws.region,
        }

    def update(self, aws: Aws, resource_id: str, old: Props, new: Props) -> None:
        """Set the attributes that differ."""
        sns = aws.client("sns")
        for name, value in _differing(old, new, _SUBSCRIPTION_ATTRIBUTES).items():
            sns.set_subscription_attributes(SubscriptionArn=resource_id, AttributeName=name, AttributeValue=value)

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        """Unsubscribe."""
        del state
        or_none(aws.client("sns").unsubscribe, SubscriptionArn=resource_id)


def attributes_of(inputs: Props, names: frozenset[str]) -> dict[str, str]:
    """Properties as the string attributes of SNS and SQS."""
    chosen = {name: inputs[name] for name in names & inputs.keys()}
    return {name: _text(value) for name, value in to_aws(chosen).items()}


def properties_of(attributes: Mapping[str, str], names: frozenset[str], numbers: frozenset[str] = frozenset()) -> Props:
    """The way back from `attributes_of`."""
    actual: dict[str, str] = from_aws(attributes)
    result: Props = {}
    for name in names & actual.keys():
        value = actual[name]
        if name in numbers:
            result[name] = int(value)
        elif name in _BOOLEANS or value in ("true", "false"):
            result[name] = value == "true"
        elif value != "":
            result[name] = value
    return result


def _differing(old: Props, new: Props, names: frozenset[str]) -> dict[str, str]:
    before, after = attributes_of(old, names), attributes_of(new, names)
    emptied = dict.fromkeys(before.keys() - after.keys(), "")
    return emptied | {name: value for name, value in after.items() if before.get(name) != value}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


KINDS: tuple[Kind, ...] = (Topic(), TopicPolicy(), TopicSubscription())
