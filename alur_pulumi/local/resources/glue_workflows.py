"""Glue workflows, which events start, and the connections by which jobs reach a network."""

from collections.abc import Mapping

from alur_pulumi.local.resources.base import Aws, Kind, Props, chosen, from_aws, or_none, tag_outputs, to_aws
from alur_pulumi.local.resources.glue_catalog import write_glue_tags


class Workflow(Kind):
    """``aws.glue.Workflow``; its id is its name."""

    token = "aws:glue/workflow:Workflow"  # noqa: S105 - a type token
    arguments = frozenset({"name", "defaultRunProperties", "description", "maxConcurrentRuns", "tags"})
    replace_on = frozenset({"name"})
    computed = frozenset({"arn", "tagsAll"})
    name_argument = "name"

    def create(self, aws: Aws, inputs: Props) -> str:
        """Create the workflow."""
        name = str(inputs["name"])
        aws.client("glue").create_workflow(Name=name, **self._definition(inputs))
        return name

    def describe(self, aws: Aws, resource_id: str) -> Props | None:
        """Say what can be seen of the workflow."""
        glue = aws.client("glue")
        found = or_none(glue.get_workflow, Name=resource_id)
        if found is None:
            return None
        workflow = from_aws(found["Workflow"], verbatim=frozenset({"defaultRunProperties"}))
        arn = aws.arn("glue", f"workflow/{resource_id}")
        return {
            **chosen(workflow, "defaultRunProperties", "description", "maxConcurrentRuns"),
            "name": resource_id,
            "arn": arn,
            "region": aws.region,
            **tag_outputs(glue.get_tags(ResourceArn=arn).get("Tags", {})),
        }

    def update(self, aws: Aws, resource_id: str, old: Props, new: Props) -> None:
        """Change the definition."""
        del old
        aws.client("glue").update_workflow(Name=resource_id, **self._definition(new))

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        """Delete the workflow."""
        del state
        or_none(aws.client("glue").delete_workflow, Name=resource_id)

    def write_tags(self, aws: Aws, resource_id: str, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        """Take off what is gone and set the rest."""
        write_glue_tags(aws, aws.arn("glue", f"workflow/{resource_id}"), old, new)

    @staticmethod
    def _definition(inputs: Props) -> Props:
        definition: Props = to_aws(
            chosen(inputs, "defaultRunProperties", "description", "maxConcurrentRuns"),
            verbatim=frozenset({"defaultRunProperties"}),
        )
        return definition


class Connection(Kind):
    """``aws.glue.Connection`` to a network; its id is ``catalog:name``."""

    token = "aws:glue/connection:Connection"  # noqa: S105 - a type token
    arguments = frozenset({"name", "connectionType", "description", "physicalConnectionRequirements", "tags"})
    replace_on = frozenset({"name"})
    computed = frozenset({"arn", "catalogId", "tagsAll"})
    name_argument = "name"

    def create(self, aws: Aws, inputs: Props) -> str:
        """Create the connection."""
        aws.client("glue").create_connection(ConnectionInput=self._input(inputs))
        return f"{aws.account}:{inputs['name']}"

    def describe(self, aws: Aws, resource_id: str) -> Props | None:
        """Say what can be seen of the connection."""
        glue = aws.client("glue")
        name = resource_id.partition(":")[2]
        found = or_none(glue.get_connection, Name=name)
        if found is None:
            return None
        connection = from_aws(found["Connection"], _CONNECTION_NAMES)
        arn = aws.arn("glue", f"connection/{name}")
        return {
            **chosen(connection, "connectionType", "description", "physicalConnectionRequirements"),
            "name": name,
            "catalogId": aws.account,
            "arn": arn,
            "region": aws.region,
            **tag_outputs(glue.get_tags(ResourceArn=arn).get("Tags", {})),
        }

    def update(self, aws: Aws, resource_id: str, old: Props, new: Props) -> None:
        """Replace the definition."""
        del old
        name = resource_id.partition(":")[2]
        aws.client("glue").update_connection(Name=name, ConnectionInput=self._input(new))

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        """Delete the connection."""
        del state
        or_none(aws.client("glue").delete_connection, ConnectionName=resource_id.partition(":")[2])

    def write_tags(self, aws: Aws, resource_id: str, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        """Take off what is gone and set the rest."""
        write_glue_tags(aws, aws.arn("glue", f"connection/{resource_id.partition(':')[2]}"), old, new)

    @staticmethod
    def _input(inputs: Props) -> Props:
        definition = chosen(inputs, "name", "connectionType", "description", "physicalConnectionRequirements")
        converted: Props = to_aws(definition, _CONNECTION_NAMES)
        # AWS wants them even where a connection has none
        return {"ConnectionProperties": {}, **converted}


_CONNECTION_NAMES = {"securityGroupIdLists": "SecurityGroupIdList"}

KINDS: tuple[Kind, ...] = (Workflow(), Connection())
