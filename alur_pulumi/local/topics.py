"""SNS topics that services of AWS publish to, as far as the policies of topic and key let them."""

import logging
from collections.abc import Mapping, MutableSequence
from typing import Final

import attrs
from moto.kms.models import kms_backends
from moto.sns.models import sns_backends

from alur_pulumi.local.access import Need, UnjudgedPolicyError, lets_service
from alur_pulumi.local.run_access import Refusal

_KEY_ACTIONS: Final = ("kms:Decrypt", "kms:GenerateDataKey")
_log = logging.getLogger(__name__)


@attrs.frozen
class Topics:
    """Publishes what services have to say.

    Attributes:
        account: The account's number.
        refusals: Gets what was not published, and why.
    """

    account: str
    refusals: MutableSequence[Refusal]

    def publish(
        self, service: str, topic_arn: str, message: str, context: Mapping[str, str], subject: str | None = None
    ) -> None:
        """Publish to a topic, if both its policy and its key's let this service do so.

        Args:
            service: Such as ``cloudwatch.amazonaws.com``.
            topic_arn: The topic.
            message: What is said.
            context: The condition keys that the service brings.
            subject: What stands over it.
        """
        backend = sns_backends[self.account][topic_arn.split(":")[3]]
        topic = backend.topics.get(topic_arn)
        if topic is None:
            return
        brought = {key: (value,) for key, value in context.items()}
        needed = [(topic.policy, Need("sns:Publish", topic_arn, brought))]
        key = kms_backends[self.account][backend.region_name].keys.get(topic.kms_master_key_id.rpartition("/")[2])
        if key is not None:
            needed += [(key.policy, Need(action, key.arn, brought)) for action in _KEY_ACTIONS]
        if (refusal := _first_refusal(service, needed)) is None:
            backend.publish(message=message, arn=topic_arn, subject=subject)
            return
        # nobody is there to be answered: that is how alarms become silent
        _log.warning("%s was told nothing: %s", topic_arn, refusal.reason)
        self.refusals.append(refusal)


def _first_refusal(service: str, needed: list[tuple[str, Need]]) -> Refusal | None:
    for policy, need in needed:
        try:
            if not lets_service(policy, service, need):
                return Refusal(service, f"{service} is not authorized to perform: {need}")
        except UnjudgedPolicyError as error:
            return Refusal(service, str(error))
    return None
