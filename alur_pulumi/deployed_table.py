"""What the catalog says of a table before it is deployed again."""

import pulumi
import pulumi_aws as aws

from alur_pulumi.evolution import TableShape, shape_in_catalog

# As the AWS provider says it, and as AWS does.
_ABSENT = ("No Glue table", "EntityNotFoundException")


def deployed_shape(database: str, table: str, component: pulumi.Resource) -> TableShape | None:
    """Look a table up in the catalog, by the component's own provider.

    Args:
        database: Its database.
        table: Its name.
        component: Whose provider is asked, and who the warning is about.

    Returns:
        The table as it is there; None where there is none. None too, with a warning, where the look-up fails: whoever
        may not look must not be kept from deploying, since nothing may be there at all.
    """
    try:
        opts = pulumi.InvokeOptions(parent=component)
        found = aws.glue.get_catalog_table(database_name=database, name=table, opts=opts)
    except Exception as error:  # noqa: BLE001 - the SDK raises no narrower one for a look-up that failed
        if not any(said in str(error) for said in _ABSENT):
            pulumi.log.warn(
                f"the table {database}.{table} could not be looked up, so breaking changes of its contract are not "
                f"noticed; glue:GetTable and glue:GetPartitionIndexes are needed for that: {error}",
                component,
            )
        return None
    if not found.storage_descriptors:
        # Whatever stands for AWS in a program's own tests.
        return None
    storage = found.storage_descriptors[0]
    return shape_in_catalog(storage.columns or (), found.partition_keys or (), storage.location)
