"""SQS queues."""

from collections.abc import Mapping

from alur_pulumi.local.resources.base import Aws, Kind, Props, or_none, tag_outputs
from alur_pulumi.local.resources.sns import attributes_of, properties_of

_NUMBERS = frozenset(
    {
        "delaySeconds",
        "kmsDataKeyReusePeriodSeconds",
        "messageRetentionSeconds",
        "receiveWaitTimeSeconds",
        "visibilityTimeoutSeconds",
    }
)
# The provider and AWS have different names for these three.
_NAMES = {
    "messageRetentionSeconds": "messageRetentionPeriod",
    "receiveWaitTimeSeconds": "receiveMessageWaitTimeSeconds",
    "visibilityTimeoutSeconds": "visibilityTimeout",
}
_ATTRIBUTES = _NUMBERS | {"fifoQueue", "kmsMasterKeyId", "policy", "redrivePolicy", "sqsManagedSseEnabled"}


class Queue(Kind):
    """``aws.sqs.Queue``; its id is its URL."""

    token = "aws:sqs/queue:Queue"  # noqa: S105 - a type token
    arguments = _ATTRIBUTES | {"name", "namePrefix", "tags"}
    replace_on = frozenset({"name", "namePrefix", "fifoQueue"})
    documents = frozenset({"policy", "redrivePolicy"})
    computed = frozenset({"arn", "url", "tagsAll"})
    name_argument = "name"
    name_limit = 80

    def create(self, aws: Aws, inputs: Props) -> str:
        """Create the queue."""
        answer = aws.client("sqs").create_queue(QueueName=inputs["name"], Attributes=_attributes(inputs))
        return str(answer["QueueUrl"])

    def describe(self, aws: Aws, resource_id: str) -> Props | None:
        """Say what can be seen of the queue."""
        sqs = aws.client("sqs")
        found = or_none(sqs.get_queue_attributes, QueueUrl=resource_id, AttributeNames=["All"])
        if found is None:
            return None
        attributes = dict(found["Attributes"])
        for ours, theirs in _NAMES.items():
            name = theirs[:1].upper() + theirs[1:]
            if name in attributes:
                attributes[ours[:1].upper() + ours[1:]] = attributes[name]
        # The policy is left to `QueuePolicy`: a queue that shows it as its own seems changed once that has set it.
        return {
            **properties_of(attributes, _ATTRIBUTES - {"policy"}, _NUMBERS),
            "name": resource_id.rpartition("/")[2],
            "url": resource_id,
            "arn": attributes["QueueArn"],
            "region": aws.region,
            **tag_outputs(sqs.list_queue_tags(QueueUrl=resource_id).get("Tags", {})),
        }

    def update(self, aws: Aws, resource_id: str, old: Props, new: Props) -> None:
        """Set the attributes; one that was taken out goes back to nothing."""
        before, after = _attributes(old), _attributes(new)
        emptied = dict.fromkeys(before.keys() - after.keys(), "")
        if emptied or before != after:
            aws.client("sqs").set_queue_attributes(QueueUrl=resource_id, Attributes=emptied | after)

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        """Delete the queue."""
        del state
        or_none(aws.client("sqs").delete_queue, QueueUrl=resource_id)

    def write_tags(self, aws: Aws, resource_id: str, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        """Take off what is gone and set the rest."""
        sqs = aws.client("sqs")
        if gone := sorted(old.keys() - new.keys()):
            sqs.untag_queue(QueueUrl=resource_id, TagKeys=gone)
        if new:
            sqs.tag_queue(QueueUrl=resource_id, Tags=dict(new))


class QueuePolicy(Kind):
    """``aws.sqs.QueuePolicy``; its id is the queue's URL."""

    token = "aws:sqs/queuePolicy:QueuePolicy"  # noqa: S105 - a type token
    arguments = frozenset({"policy", "queueUrl"})
    required = arguments
    replace_on = frozenset({"queueUrl"})
    documents = frozenset({"policy"})

    def create(self, aws: Aws, inputs: Props) -> str:
        """Set the policy."""
        queue = str(inputs["queueUrl"])
        self._set(aws, queue, inputs["policy"])
        return queue

    def describe(self, aws: Aws, resource_id: str) -> Props | None:
        """Say what the policy is."""
        found = or_none(aws.client("sqs").get_queue_attributes, QueueUrl=resource_id, AttributeNames=["Policy"])
        policy = (found or {}).get("Attributes", {}).get("Policy")
        return {"queueUrl": resource_id, "policy": policy, "region": aws.region} if policy else None

    def update(self, aws: Aws, resource_id: str, old: Props, new: Props) -> None:
        """Set the policy anew."""
        del old
        self._set(aws, resource_id, new["policy"])

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        """Take the policy off; a queue that is gone has none."""
        del state
        or_none(aws.client("sqs").set_queue_attributes, QueueUrl=resource_id, Attributes={"Policy": ""})

    @staticmethod
    def _set(aws: Aws, queue: str, policy: str) -> None:
        aws.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})


def _attributes(inputs: Props) -> dict[str, str]:
    renamed = {_NAMES.get(key, key): value for key, value in inputs.items() if key in _ATTRIBUTES}
    return attributes_of(renamed, frozenset(renamed))


KINDS: tuple[Kind, ...] = (Queue(), QueuePolicy())
