"""EventBridge rules and their targets."""

from collections.abc import Mapping

from alur_pulumi.local.resources.base import (
    Aws,
    Kind,
    Props,
    chosen,
    from_aws,
    or_none,
    set_only,
    sync_tags,
    tag_map,
    tag_outputs,
    to_aws,
)

_DEFAULT_BUS = "default"
_TARGET_NAMES = {"inputPaths": "InputPathsMap"}
_TARGET_VERBATIM = frozenset({"inputPaths"})
_TARGET = (
    "arn",
    "deadLetterConfig",
    "input",
    "inputPath",
    "inputTransformer",
    "retryPolicy",
    "roleArn",
)


class EventRule(Kind):
    """``aws.cloudwatch.EventRule``; its id is ``bus/name``."""

    token = "aws:cloudwatch/eventRule:EventRule"  # noqa: S105 - a type token
    arguments = frozenset(
        {
            "name",
            "namePrefix",
            "description",
            "eventBusName",
            "eventPattern",
            "forceDestroy",
            "roleArn",
            "scheduleExpression",
            "state",
            "tags",
        }
    )
    replace_on = frozenset({"name", "namePrefix", "eventBusName"})
    documents = frozenset({"eventPattern"})
    computed = frozenset({"arn", "tagsAll"})
    name_argument = "name"
    name_limit = 64

    def create(self, aws: Aws, inputs: Props) -> str:
        """Put the rule."""
        bus, name = inputs.get("eventBusName", _DEFAULT_BUS), inputs["name"]
        options = to_aws(chosen(inputs, "description", "eventPattern", "roleArn", "scheduleExpression", "state"))
        aws.client("events").put_rule(Name=name, EventBusName=bus, **options)
        return f"{bus}/{name}"

    def describe(self, aws: Aws, resource_id: str) -> Props | None:
        """Say what can be seen of the rule."""
        events = aws.client("events")
        bus, name = resource_id.rsplit("/", 1)
        found = or_none(events.describe_rule, Name=name, EventBusName=bus)
        if found is None:
            return None
        tags = events.list_tags_for_resource(ResourceARN=found["Arn"]).get("Tags", [])
        return {
            "name": name,
            "eventBusName": bus,
            "arn": found["Arn"],
            "state": found.get("State", "ENABLED"),
            "region": aws.region,
            **set_only(
                description=found.get("Description") or None,
                eventPattern=found.get("EventPattern"),
                scheduleExpression=found.get("ScheduleExpression") or None,
                roleArn=found.get("RoleArn"),
            ),
            **tag_outputs(tag_map(tags)),
        }

    def update(self, aws: Aws, resource_id: str, old: Props, new: Props) -> None:
        """Put the rule again."""
        del resource_id, old
        self.create(aws, new)

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        """Delete the rule, its targets first if it was told so."""
        events = aws.client("events")
        bus, name = resource_id.rsplit("/", 1)
        if state.get("forceDestroy"):
            found = or_none(events.list_targets_by_rule, Rule=name, EventBusName=bus)
            if targets := [target["Id"] for target in (found or {}).get("Targets", [])]:
                events.remove_targets(Rule=name, EventBusName=bus, Ids=targets)
        or_none(events.delete_rule, Name=name, EventBusName=bus)

    def write_tags(self, aws: Aws, resource_id: str, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        """Take off what is gone and set the rest."""
        events = aws.client("events")
        bus, name = resource_id.rsplit("/", 1)
        arn = events.describe_rule(Name=name, EventBusName=bus)["Arn"]
        sync_tags(events.untag_resource, events.tag_resource, old, new, ResourceARN=arn)


class EventTarget(Kind):
    """``aws.cloudwatch.EventTarget``; its id is ``bus/rule/target``."""

    token = "aws:cloudwatch/eventTarget:EventTarget"  # noqa: S105 - a type token
    arguments = frozenset({*_TARGET, "eventBusName", "rule", "targetId"})
    required = frozenset({"arn", "rule"})
    replace_on = frozenset({"eventBusName", "rule", "targetId"})
    name_argument = "targetId"
    name_limit = 64

    def create(self, aws: Aws, inputs: Props) -> str:
        """Put the target."""
        bus, rule = inputs.get("eventBusName", _DEFAULT_BUS), inputs["rule"]
        target = to_aws(chosen(inputs, *_TARGET), _TARGET_NAMES, _TARGET_VERBATIM)
        target["Id"] = inputs["targetId"]
        aws.client("events").put_targets(Rule=rule, EventBusName=bus, Targets=[target])
        return f"{bus}/{rule}/{inputs['targetId']}"

    def describe(self, aws: Aws, resource_id: str) -> Props | None:
        """Say what can be seen of the target."""
        bus, rule, target = resource_id.rsplit("/", 2)
        found = or_none(aws.client("events").list_targets_by_rule, Rule=rule, EventBusName=bus)
        for item in (found or {}).get("Targets", []):
            if item["Id"] == target:
                actual = from_aws(item, _TARGET_NAMES, _TARGET_VERBATIM)
                actual.pop("id")
                return {**actual, "rule": rule, "eventBusName": bus, "targetId": target}
        return None

    def update(self, aws: Aws, resource_id: str, old: Props, new: Props) -> None:
        """Put the target again."""
        del resource_id, old
        self.create(aws, new)

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        """Remove the target."""
        del state
        bus, rule, target = resource_id.rsplit("/", 2)
        or_none(aws.client("events").remove_targets, Rule=rule, EventBusName=bus, Ids=[target])


KINDS: tuple[Kind, ...] = (EventRule(), EventTarget())
