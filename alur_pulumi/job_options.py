"""Values that say how a job runs and what starts it."""

from collections.abc import Sequence
from enum import StrEnum

import attrs
import pulumi


class ExecutionClass(StrEnum):
    """What a job runs on."""

    STANDARD = "STANDARD"  # workers of its own, at once
    FLEX = "FLEX"  # spare workers, a third cheaper: a run may wait for them, and may lose them half-way


@attrs.frozen(kw_only=True, eq=False)
class Network:
    """The network (VPC) that a job runs in; a Glue connection is made of it.

    Its workers have private addresses only. They must reach S3 and DynamoDB (gateway endpoints cost nothing) and Glue,
    CloudWatch and CloudWatch Logs, and KMS where a key is used (interface endpoints, or a NAT gateway).

    Attributes:
        subnet_id: The subnet; it needs a free address for each worker.
        security_group_ids: At least one security group that lets its own members reach one another on all TCP ports:
            that is how the workers speak.
        availability_zone: The subnet's, such as ``eu-west-1a``; Glue wants to be told.
    """

    subnet_id: pulumi.Input[str]
    security_group_ids: Sequence[pulumi.Input[str]]
    availability_zone: pulumi.Input[str]


@attrs.frozen(kw_only=True)
class StartOnArrival:
    """How files that land start runs: S3 tells EventBridge, that tells a Glue workflow, and that starts the job.

    A run takes all files that are there, so that one for many files is what is wanted: events are gathered first.
    S3 and Glue deliver events as best they can and promise nothing; a `schedule` beside it sweeps up what was missed.

    Attributes:
        window_seconds: A run starts so long after the first event, for all that came until then.
        batch_size: A run starts at once when so many events have come.
    """

    window_seconds: int = 300
    batch_size: int = 100
