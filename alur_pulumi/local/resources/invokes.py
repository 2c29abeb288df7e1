"""The provider's functions: who and where am I, and what the catalog says of a table."""

from collections.abc import Callable, Mapping

import attrs

from alur_pulumi.local.errors import AbsentError
from alur_pulumi.local.resources.base import Aws, Props
from alur_pulumi.local.resources.glue_catalog import Table


@attrs.frozen
class Function:
    """A function of the provider.

    Attributes:
        call: Answers it.
        arguments: Those that it takes; any other would have to be ignored.
    """

    call: Callable[[Aws, Props], Props]
    arguments: frozenset[str] = frozenset()


def get_caller_identity(aws: Aws, arguments: Props) -> Props:
    """The account and identity of the caller."""
    del arguments
    answer = aws.client("sts").get_caller_identity()
    return {
        "accountId": answer["Account"],
        "arn": answer["Arn"],
        "userId": answer["UserId"],
        "id": answer["Account"],
    }


def get_region(aws: Aws, arguments: Props) -> Props:
    """The region that the provider deploys to."""
    del arguments
    return {
        "region": aws.region,
        "name": aws.region,
        "id": aws.region,
        "description": f"{aws.region} on this machine",
        "endpoint": f"ec2.{aws.region}.amazonaws.com",
    }


def get_partition(aws: Aws, arguments: Props) -> Props:
    """The partition, which ARNs begin with."""
    del arguments
    return {
        "partition": aws.partition,
        "id": aws.partition,
        "dnsSuffix": "amazonaws.com",
        "reverseDnsPrefix": "com.amazonaws",
    }


def get_catalog_table(aws: Aws, arguments: Props) -> Props:
    """A table of the Glue catalog.

    Raises:
        AbsentError: There is none of that name.
    """
    catalog = arguments.get("catalogId") or aws.account
    database, name = arguments["databaseName"], arguments["name"]
    table_id = f"{catalog}:{database}:{name}"
    found = Table().describe(aws, table_id)
    if found is None:
        # The AWS provider's own words: programs tell by them that there is no such table.
        raise AbsentError(f"No Glue table {name} found for catalog_id: {catalog}, database_name: {database}")
    storage = found.pop("storageDescriptor", None)
    # A look-up gives lists where a resource has one of a thing.
    if storage is not None:
        storage["serDeInfos"] = [info for info in (storage.pop("serDeInfo", None),) if info]
    return {**found, "id": table_id, "storageDescriptors": [] if storage is None else [storage]}


INVOKES: Mapping[str, Function] = {
    "aws:index/getCallerIdentity:getCallerIdentity": Function(get_caller_identity),
    "aws:index/getRegion:getRegion": Function(get_region),
    "aws:index/getPartition:getPartition": Function(get_partition),
    "aws:glue/getCatalogTable:getCatalogTable": Function(
        get_catalog_table, frozenset({"catalogId", "databaseName", "name"})
    ),
}
