"""What moto answers otherwise than S3 does, put right where the runtime or a deployment relies on it."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

from moto.dynamodb.responses import DynamoHandler
from moto.events.models import Rule
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.logs.exceptions import ResourceNotFoundException
from moto.logs.responses import LogsResponse
from moto.s3.exceptions import NoSuchUpload
from moto.s3.models import FakeBucket, S3Backend

_complete = S3Backend.complete_multipart_upload
_send = Rule.send_to_targets
_update_table = DynamoHandler.update_table
_WORKFLOW = ":workflow/"


def complete_known_uploads_only(self: Any, bucket_name: str, multipart_id: str, body: Iterator[tuple[int, str]]) -> Any:
    """Complete an upload; S3 answers NoSuchUpload where moto 5.2.5 fails with a 500 for one that is gone."""
    if multipart_id not in self.get_bucket(bucket_name).multiparts:
        raise NoSuchUpload(upload_id=multipart_id)
    return _complete(self, bucket_name, multipart_id, body)


def update_encryption_too(self: Any) -> Any:
    """Change a DynamoDB table; moto takes a change of its key and leaves the key as it was."""
    encryption = self.body.get("SSESpecification")
    if encryption is not None:
        table = self.dynamodb_backend.get_table(self.body["TableName"])
        table.sse_specification = encryption if encryption.get("Enabled") else None
    return _update_table(self)


def set_log_key(self: Any) -> str:
    """Set the key of a log group, or take it off where the request names none; moto knows neither call."""
    group = self.logs_backend.groups.get(self._get_param("logGroupName"))
    if group is None:
        raise ResourceNotFoundException
    group.kms_key_id = self._get_param("kmsKeyId")
    return ""


def permission_without_conditions(bucket: Any, action: str, resource: str) -> Any:
    """Judge a bucket policy by its statements that have no condition.

    moto takes every condition for fulfilled, so that the usual "deny what is not TLS" would
    shut everybody out. Here loopback stands for TLS, and other conditions cannot be judged.
    """
    if bucket.policy is None:
        return PermissionResult.NEUTRAL
    policy = json.loads(bucket.policy)
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    judged = [statement for statement in statements if "Condition" not in statement]
    return IAMPolicy(json.dumps({**policy, "Statement": judged})).is_action_permitted(action, resource)


def deliver_too(deliver: Callable[[Any, dict[str, Any], dict[str, Any]], None]) -> None:
    """Have rules send events to Glue workflows and SNS topics as well, at which moto gives up.

    Args:
        deliver: Told moto's rule, the target and the event for each of these.
    """

    def is_ours(target: dict[str, Any]) -> bool:
        return _WORKFLOW in target["Arn"] or target["Arn"].split(":")[2] == "sns"

    def send(self: Any, event: Any, transform_input: bool = True) -> None:
        others = copy.copy(self)
        others.targets = [target for target in self.targets if not is_ours(target)]
        if self.state == "ENABLED" and self.event_pattern.matches_event(event):
            for target in self.targets:
                if is_ours(target):
                    deliver(self, target, event)
        _send(others, event, transform_input)

    rule: Any = Rule
    rule.send_to_targets = send


def apply() -> None:
    """Patch moto in this process; once is enough, twice does no harm."""
    backend: Any = S3Backend
    backend.complete_multipart_upload = complete_known_uploads_only
    dynamodb: Any = DynamoHandler
    dynamodb.update_table = update_encryption_too
    logs: Any = LogsResponse
    logs.associate_kms_key = logs.disassociate_kms_key = set_log_key
    bucket: Any = FakeBucket
    bucket.get_permission = permission_without_conditions
