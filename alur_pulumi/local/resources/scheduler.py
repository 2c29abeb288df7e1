"""Schedules of the EventBridge Scheduler."""

from alur_pulumi.local.resources.base import Aws, Kind, Props, chosen, from_aws, or_none, to_aws

_DEFINITION = (
    "description",
    "flexibleTimeWindow",
    "scheduleExpression",
    "scheduleExpressionTimezone",
    "state",
    "target",
)
_DEFAULT_GROUP = "default"


class Schedule(Kind):
    """``aws.scheduler.Schedule``; its id is ``group/name``."""

    token = "aws:scheduler/schedule:Schedule"  # noqa: S105 - a type token
    arguments = frozenset({*_DEFINITION, "groupName", "name"})
    required = frozenset({"flexibleTimeWindow", "scheduleExpression", "target"})
    replace_on = frozenset({"groupName", "name"})
    computed = frozenset({"arn"})
    name_argument = "name"
    name_limit = 64

    def create(self, aws: Aws, inputs: Props) -> str:
        """Create the schedule."""
        group, name = inputs.get("groupName", _DEFAULT_GROUP), inputs["name"]
        aws.client("scheduler").create_schedule(Name=name, GroupName=group, **self._definition(inputs))
        return f"{group}/{name}"

    def describe(self, aws: Aws, resource_id: str) -> Props | None:
        """Say what can be seen of the schedule."""
        group, name = resource_id.split("/")
        found = or_none(aws.client("scheduler").get_schedule, Name=name, GroupName=group)
        if found is None:
            return None
        return {
            **chosen(from_aws(found), *_DEFINITION),
            "name": name,
            "groupName": group,
            "arn": found["Arn"],
            "region": aws.region,
        }

    def update(self, aws: Aws, resource_id: str, old: Props, new: Props) -> None:
        """Replace the definition."""
        del old
        group, name = resource_id.split("/")
        aws.client("scheduler").update_schedule(Name=name, GroupName=group, **self._definition(new))

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        """Delete the schedule."""
        del state
        group, name = resource_id.split("/")
        or_none(aws.client("scheduler").delete_schedule, Name=name, GroupName=group)

    @staticmethod
    def _definition(inputs: Props) -> Props:
        definition: Props = to_aws(chosen(inputs, *_DEFINITION))
        return definition


KINDS: tuple[Kind, ...] = (Schedule(),)
