"""Glue's catalog in memory: one table and its partitions."""

from __future__ import annotations

from typing import Any, Final

import attrs

from tests.simulation.cloud.answers import LimitBrokenError, client_error

_PARTITIONS: Final = 100
_DELETED_PARTITIONS: Final = 25


@attrs.define
class Glue:
    """The catalog.

    Attributes:
        database: Of the table.
        table: Its name.
        location: Where its objects are.
        keys: Names of its partition columns.
        partitions: Values -> location.
    """

    database: str
    table: str
    location: str
    keys: tuple[str, ...]
    partitions: dict[tuple[str, ...], str] = attrs.field(factory=dict)
    page: int = 2

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """One request.

        Raises:
            ClientError: As Glue answers.
            LimitBrokenError: If Glue would refuse it as malformed.
        """
        name = request.get("TableName", request.get("Name"))
        if (request["DatabaseName"], name) != (self.database, self.table):
            raise client_error(operation, "EntityNotFoundException")
        return getattr(self, f"_{operation}")(request)  # type: ignore[no-any-return]

    def _GetTable(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  (operations by their names)
        storage = {"Location": self.location, "Columns": [{"Name": "id", "Type": "string"}]}
        keys = [{"Name": name, "Type": "string"} for name in self.keys]
        return {"Table": {"Name": self.table, "StorageDescriptor": storage, "PartitionKeys": keys}}

    def _BatchCreatePartition(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        wanted = request["PartitionInputList"]
        if len(wanted) > _PARTITIONS:
            raise LimitBrokenError(f"BatchCreatePartition of {len(wanted)}")
        errors = []
        for partition in wanted:
            values = tuple(partition["Values"])
            if len(values) != len(self.keys):
                raise client_error("BatchCreatePartition", "InvalidInputException")
            if values in self.partitions:
                detail = {"ErrorCode": "AlreadyExistsException", "ErrorMessage": "Partition already exists."}
                errors.append({"PartitionValues": list(values), "ErrorDetail": detail})
            else:
                self.partitions[values] = partition["StorageDescriptor"]["Location"]
        return {"Errors": errors}

    def _BatchDeletePartition(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        wanted = request["PartitionsToDelete"]
        if len(wanted) > _DELETED_PARTITIONS:
            raise LimitBrokenError(f"BatchDeletePartition of {len(wanted)}")
        errors = []
        for partition in wanted:
            if self.partitions.pop(tuple(partition["Values"]), None) is None:
                detail = {"ErrorCode": "EntityNotFoundException", "ErrorMessage": "Partition not found."}
                errors.append({"PartitionValues": partition["Values"], "ErrorDetail": detail})
        return {"Errors": errors}

    def _GetPartitions(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        start = int(request.get("NextToken", "0"))
        found = sorted(self.partitions.items())
        page = [
            {"Values": list(values), "StorageDescriptor": {"Location": location}}
            for values, location in found[start : start + self.page]
        ]
        more = {"NextToken": str(start + self.page)} if start + self.page < len(found) else {}
        return {"Partitions": page, **more}
