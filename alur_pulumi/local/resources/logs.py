"""CloudWatch log groups."""

from collections.abc import Mapping

from alur_pulumi.local.resources.base import Aws, Kind, Props, or_none, set_only, tag_outputs


class LogGroup(Kind):
    """``aws.cloudwatch.LogGroup``; its id is its name."""

    token = "aws:cloudwatch/logGroup:LogGroup"  # noqa: S105 - a type token
    arguments = frozenset({"name", "namePrefix", "kmsKeyId", "retentionInDays", "skipDestroy", "tags"})
    replace_on = frozenset({"name", "namePrefix"})
    computed = frozenset({"arn", "tagsAll"})
    name_argument = "name"
    name_limit = 512

    def create(self, aws: Aws, inputs: Props) -> str:
        """Create the group."""
        name = str(inputs["name"])
        aws.client("logs").create_log_group(logGroupName=name, **set_only(kmsKeyId=inputs.get("kmsKeyId")))
        self._retain(aws, name, inputs)
        return name

    def describe(self, aws: Aws, resource_id: str) -> Props | None:
        """Say what can be seen of the group."""
        logs = aws.client("logs")
        pages = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=resource_id)
        groups = [group for page in pages for group in page["logGroups"]]
        found = next((group for group in groups if group["logGroupName"] == resource_id), None)
        if found is None:
            return None
        arn = aws.arn("logs", f"log-group:{resource_id}")
        return {
            "name": resource_id,
            "arn": arn,
            "region": aws.region,
            **set_only(retentionInDays=found.get("retentionInDays"), kmsKeyId=found.get("kmsKeyId") or None),
            **tag_outputs(logs.list_tags_for_resource(resourceArn=arn).get("tags", {})),
        }

    def update(self, aws: Aws, resource_id: str, old: Props, new: Props) -> None:
        """Change retention and key."""
        logs = aws.client("logs")
        self._retain(aws, resource_id, new)
        if old.get("kmsKeyId") != new.get("kmsKeyId"):
            if new.get("kmsKeyId"):
                logs.associate_kms_key(logGroupName=resource_id, kmsKeyId=new["kmsKeyId"])
            else:
                logs.disassociate_kms_key(logGroupName=resource_id)

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        """Delete the group, unless it was told to leave it."""
        if not state.get("skipDestroy"):
            or_none(aws.client("logs").delete_log_group, logGroupName=resource_id)

    def write_tags(self, aws: Aws, resource_id: str, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        """Take off what is gone and set the rest."""
        logs = aws.client("logs")
        arn = aws.arn("logs", f"log-group:{resource_id}")
        if gone := sorted(old.keys() - new.keys()):
            logs.untag_resource(resourceArn=arn, tagKeys=gone)
        if new:
            logs.tag_resource(resourceArn=arn, tags=dict(new))

    @staticmethod
    def _retain(aws: Aws, name: str, inputs: Props) -> None:
        # Nought days mean for ever, as in the real provider.
        if days := inputs.get("retentionInDays"):
            aws.client("logs").put_retention_policy(logGroupName=name, retentionInDays=days)
        else:
            or_none(aws.client("logs").delete_retention_policy, logGroupName=name)


KINDS: tuple[Kind, ...] = (LogGroup(),)
