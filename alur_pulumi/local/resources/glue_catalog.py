"""Databases and tables of the Glue catalog."""

from collections.abc import Mapping

from alur_pulumi.local.resources.base import Aws, Kind, Props, from_aws, or_none, tag_outputs, to_aws

_VERBATIM = frozenset({"parameters"})
_TABLE_NAMES = {"serDeInfo": "SerdeInfo"}
_TABLE_INPUT = frozenset(
    {
        "name",
        "description",
        "owner",
        "parameters",
        "partitionKeys",
        "retention",
        "storageDescriptor",
        "tableType",
        "viewExpandedText",
        "viewOriginalText",
    }
)
_DATABASE_INPUT = frozenset({"name", "description", "locationUri", "parameters", "createTableDefaultPermissions"})


class Database(Kind):
    """``aws.glue.CatalogDatabase``; its id is ``catalog:name``."""

    token = "aws:glue/catalogDatabase:CatalogDatabase"  # noqa: S105 - a type token
    arguments = _DATABASE_INPUT | {"catalogId", "tags"}
    replace_on = frozenset({"name", "catalogId"})
    computed = frozenset({"arn", "catalogId", "tagsAll"})
    name_argument = "name"
    lower_case = True

    def create(self, aws: Aws, inputs: Props) -> str:
        """Create the database."""
        catalog = inputs.get("catalogId", aws.account)
        aws.client("glue").create_database(CatalogId=catalog, DatabaseInput=self._input(inputs))
        return f"{catalog}:{inputs['name']}"

    def describe(self, aws: Aws, resource_id: str) -> Props | None:
        """Say what can be seen of the database."""
        glue = aws.client("glue")
        catalog, _, name = resource_id.partition(":")
        found = or_none(glue.get_database, CatalogId=catalog, Name=name)
        if found is None:
            return None
        actual = from_aws(found["Database"], verbatim=_VERBATIM)
        arn = aws.arn("glue", f"database/{name}")
        tags = glue.get_tags(ResourceArn=arn).get("Tags", {})
        return {
            **{key: actual[key] for key in _DATABASE_INPUT & actual.keys()},
            "catalogId": catalog,
            "arn": arn,
            "region": aws.region,
            **tag_outputs(tags),
        }

    def update(self, aws: Aws, resource_id: str, old: Props, new: Props) -> None:
        """Replace the definition."""
        del old
        catalog, _, name = resource_id.partition(":")
        aws.client("glue").update_database(CatalogId=catalog, Name=name, DatabaseInput=self._input(new))

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        """Delete the database."""
        del state
        catalog, _, name = resource_id.partition(":")
        or_none(aws.client("glue").delete_database, CatalogId=catalog, Name=name)

    def write_tags(self, aws: Aws, resource_id: str, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        """Take off what is gone and set the rest."""
        write_glue_tags(aws, aws.arn("glue", f"database/{resource_id.partition(':')[2]}"), old, new)

    @staticmethod
    def _input(inputs: Props) -> Props:
        chosen = {key: inputs[key] for key in _DATABASE_INPUT & inputs.keys()}
        converted: Props = to_aws(chosen, verbatim=_VERBATIM)
        return converted


class Table(Kind):
    """``aws.glue.CatalogTable``; its id is ``catalog:database:name``."""

    token = "aws:glue/catalogTable:CatalogTable"  # noqa: S105 - a type token
    arguments = _TABLE_INPUT | {"catalogId", "databaseName"}
    required = frozenset({"databaseName"})
    replace_on = frozenset({"name", "catalogId", "databaseName"})
    computed = frozenset({"arn", "catalogId"})
    name_argument = "name"
    lower_case = True

    def create(self, aws: Aws, inputs: Props) -> str:
        """Create the table."""
        catalog = inputs.get("catalogId", aws.account)
        database = inputs["databaseName"]
        aws.client("glue").create_table(CatalogId=catalog, DatabaseName=database, TableInput=self._input(inputs))
        return f"{catalog}:{database}:{inputs['name']}"

    def describe(self, aws: Aws, resource_id: str) -> Props | None:
        """Say what can be seen of the table."""
        catalog, database, name = resource_id.split(":", 2)
        found = or_none(aws.client("glue").get_table, CatalogId=catalog, DatabaseName=database, Name=name)
        if found is None:
            return None
        actual = from_aws(found["Table"], _TABLE_NAMES, _VERBATIM)
        return {
            **{key: actual[key] for key in _TABLE_INPUT & actual.keys()},
            "catalogId": catalog,
            "databaseName": database,
            "arn": aws.arn("glue", f"table/{database}/{name}"),
            "region": aws.region,
        }

    def update(self, aws: Aws, resource_id: str, old: Props, new: Props) -> None:
        """Replace the definition."""
        del old
        catalog, database, _ = resource_id.split(":", 2)
        aws.client("glue").update_table(CatalogId=catalog, DatabaseName=database, TableInput=self._input(new))

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        """Delete the table; its data stays where it is."""
        del state
        catalog, database, name = resource_id.split(":", 2)
        or_none(aws.client("glue").delete_table, CatalogId=catalog, DatabaseName=database, Name=name)

    @staticmethod
    def _input(inputs: Props) -> Props:
        chosen = {key: inputs[key] for key in _TABLE_INPUT & inputs.keys()}
        converted: Props = to_aws(chosen, _TABLE_NAMES, _VERBATIM)
        return converted


def write_glue_tags(aws: Aws, arn: str, old: Mapping[str, str], new: Mapping[str, str]) -> None:
    """Take off the tags that are gone and set the rest."""
    glue = aws.client("glue")
    if gone := sorted(old.keys() - new.keys()):
        glue.untag_resource(ResourceArn=arn, TagsToRemove=gone)
    if new:
        glue.tag_resource(ResourceArn=arn, TagsToAdd=dict(new))


KINDS: tuple[Kind, ...] = (Database(), Table())
