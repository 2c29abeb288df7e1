"""What a case of a resource type says, and the names that cases share."""

from __future__ import annotations

import json
import uuid
from typing import Any

import attrs

from alur_pulumi.local.resources.base import Props

RUN = uuid.uuid4().hex[:6]
BUCKET, OTHER_BUCKET = f"settings-{RUN}", f"other-{RUN}"
ROLE_ARN = "arn:aws:iam::123456789012:role/some"
QUEUE_ARN = f"arn:aws:sqs:us-east-1:123456789012:told-{RUN}"
TOPIC_ARN = f"arn:aws:sns:us-east-1:123456789012:policies-{RUN}"


def policy(action: str, resource: str = "*", **more: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement(action, resource, **more)]})


def statement(action: str, resource: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def trust(service: str) -> str:
    allowed = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [allowed]})


@attrs.frozen
class Case:
    """One type: inputs, what an update changes (None takes out), what forces a replacement."""

    token: str
    inputs: Props
    change: Props
    replace: Props

    @property
    def short(self) -> str:
        return self.token.rpartition(":")[2]
