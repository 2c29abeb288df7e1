"""Glue: the partitions of the catalog."""

from __future__ import annotations

from botocore.exceptions import ClientError

from alur_runtime.aws import error_code
from tests.servers.conformance.suite import Catalog, answer, behaviour


def _errors(catalog: Catalog, *days: str) -> str:
    found = catalog.create(*days).get("Errors", ())
    return str([(failed["PartitionValues"][0], failed["ErrorDetail"]["ErrorCode"]) for failed in found])


@behaviour("glue", "[], partitions ['1', '2']")
def partitions_are_created(catalog: Catalog) -> str:
    """After the objects are visible the catalog learns of their partitions."""
    return f"{_errors(catalog, '1', '2')}, partitions {catalog.days()}"


@behaviour("glue", "[('1', 'AlreadyExistsException'), ('3', 'AlreadyExistsException')], partitions ['1', '2', '3']")
def partitions_that_are_there_are_errors_of_their_own(catalog: Catalog) -> str:
    """A batch that is rolled forward again, or by two: the rest of the call counts all the same."""
    catalog.create("1", "3")
    return f"{_errors(catalog, '1', '2', '3')}, partitions {catalog.days()}"


@behaviour("glue", "100: [], 101: ValidationException", "100: [], 101: InvalidInputException")
def a_call_creates_at_most_100(catalog: Catalog) -> str:
    """The runtime sends a hundred a call."""
    hundred = _errors(catalog, *(f"{n:03}" for n in range(100)))
    return f"100: {hundred}, 101: {answer(catalog.create, *(f'x{n:03}' for n in range(101)))}"


@behaviour("glue", "[('9', 'EntityNotFoundException')], partitions ['2']")
def partitions_are_deleted(catalog: Catalog) -> str:
    """A repair takes partitions without objects out; one that is gone already does not stop the others."""
    catalog.create("1", "2", "3")
    found = catalog.delete("1", "9", "3").get("Errors", ())
    errors = [(failed["PartitionValues"][0], failed["ErrorDetail"]["ErrorCode"]) for failed in found]
    return f"{errors}, partitions {catalog.days()}"


@behaviour("glue", "25: ok, 26: ValidationException", "25: ok, 26: InvalidInputException")
def a_call_deletes_at_most_25(catalog: Catalog) -> str:
    """Fewer than it creates."""
    return ", ".join(f"{n}: {answer(catalog.delete, *(f'{day:02}' for day in range(n)))}" for n in (25, 26))


@behaviour("glue", "EntityNotFoundException")
def a_table_that_is_not_in_the_catalog(catalog: Catalog) -> str:
    """The run fails; the batch stays committed and is rolled forward once the table is there again."""
    try:
        catalog.create("1", table="gone")
    except ClientError as error:
        return error_code(error)
    return "ok"


@behaviour("glue", "['__HIVE_DEFAULT_PARTITION__', 'a b%2F\"é']")
def values_of_partitions_come_back_as_they_were(catalog: Catalog) -> str:
    """Values are texts; what is escaped in folders is not escaped here."""
    catalog.create('a b%2F"é', "__HIVE_DEFAULT_PARTITION__")
    return str(catalog.days())


@behaviour("glue", "s3://lake/t/ ['id']")
def a_table_gives_its_storage_descriptor(catalog: Catalog) -> str:
    """Partitions take it over but for the place."""
    found = catalog.client.get_table(DatabaseName=catalog.database, Name=catalog.table)["Table"]["StorageDescriptor"]
    return f"{found['Location']} {[c['Name'] for c in found['Columns']]}"
