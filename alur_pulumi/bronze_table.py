"""The table that files are ingested into: bucket, database and catalog entry."""

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import attrs
import pulumi
import pulumi_aws as aws

from alur_pulumi import catalog
from alur_pulumi.bronze_args import BronzeTableArgs, check_table, metadata_names
from alur_pulumi.buckets import BucketSettings, ColdStorage, OnDestroy, private_bucket
from alur_pulumi.checks import Checker
from alur_pulumi.deployed_table import deployed_shape
from alur_pulumi.evolution import LOCATION, TableShape, breaking_changes, refusal, shape_of
from alur_pulumi.taken_names import taken_by_another
from alur_runtime.config import OnChange
from alur_runtime.contracts.spec import Column, ContractSpec

_REMEDIES: Final = {
    "table_name": "give another one, or another database",
    "database_name": "give existing_database=<that table>.database_name, or a database_name of its own",
}
_Columns: TypeAlias = list[aws.glue.CatalogTableStorageDescriptorColumnArgs]


@attrs.frozen
class StandIns:
    """A table's names as far as they are known before deployment, for checks at preview.

    Attributes:
        bucket: Name of its bucket, or a stand-in.
        database: Name of its database, or a stand-in.
        table: Its name.
    """

    bucket: str
    database: str
    table: str


class BronzeTable(pulumi.ComponentResource):
    """A Parquet table in the Glue catalog that Athena, Spark and DuckDB read."""

    bucket_name: pulumi.Output[str]
    database_name: pulumi.Output[str]
    table_name: pulumi.Output[str]
    table_arn: pulumi.Output[str]
    location: pulumi.Output[str]
    metadata_location: pulumi.Output[str]

    def __init__(self, name: str, args: BronzeTableArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the component.

        Args:
            name: Logical name.
            args: Its arguments.
            opts: Options of the component.

        Raises:
            ArgumentError: If an argument cannot be.
        """
        self._spec = check_table(name, args)
        self._args = args
        super().__init__("alur:index:BronzeTable", name, None, opts)
        self._ledger: pulumi.Resource | None = None
        table_name = self._table_name()
        self.database_name = self._database(name)
        existing = args.existing_database
        self._take_name(name, "table_name", table_name, self.database_name if existing is None else existing)
        prefix = self.database_name.apply(lambda database: catalog.table_prefix(database, table_name))
        self.bucket_name = self._bucket(name, prefix)
        metadata = self.database_name.apply(lambda database: catalog.metadata_prefix(database, table_name))
        asked = pulumi.Output.concat("s3://", self.bucket_name, "/", prefix)
        self.metadata_location = pulumi.Output.concat("s3://", self.bucket_name, "/", metadata)
        columns, self.location = self._compared(name, table_name, asked)
        table = self._catalog_table(name, table_name, columns)
        self.table_name = table.name
        self.table_arn = table.arn
        self.register_outputs(
            {
                "bucketName": self.bucket_name,
                "databaseName": self.database_name,
                "tableName": self.table_name,
                "tableArn": self.table_arn,
                "location": self.location,
                "metadataLocation": self.metadata_location,
            }
        )

    @property
    def spec(self) -> ContractSpec:
        """The table's contract as data."""
        return self._spec

    @property
    def on_change(self) -> OnChange:
        """What happens to a file that is overwritten."""
        return OnChange(self._args.on_change)

    @property
    def metadata_columns(self) -> tuple[str, ...] | None:
        """Which of alur's own columns the table has; None for those that `on_change` has by default."""
        return metadata_names(self._args)

    @property
    def key_arn(self) -> pulumi.Input[str] | None:
        """The bucket's key, if it is not S3's own."""
        return self._args.kms_key_arn

    @property
    def stand_ins(self) -> StandIns:
        """The names that are known already."""
        args = self._args
        bucket, database = args.existing_bucket, args.existing_database or self._made_database_name()
        return StandIns(
            bucket if isinstance(bucket, str) else "bucket-to-be-made",
            database if isinstance(database, str) else "database_to_be_made",
            self._table_name(),
        )

    @property
    def uploads_kept_days(self) -> int | None:
        """For how many days the made bucket keeps uploads that are not completed; None if none was made."""
        return self._args.abort_uploads_after_days if self._args.existing_bucket is None else None

    def kept_by(self, ledger: pulumi.Resource) -> bool:
        """Whether this ledger keeps the table: the first one that asks does, from then on."""
        self._ledger = self._ledger or ledger
        return self._ledger is ledger

    def _take_name(self, name: str, argument: str, value: str, within: pulumi.Input[str] = "") -> None:
        # the database that another table makes is an output: that is the same one wherever it is given
        other = taken_by_another(self, name, (argument, value, within))
        if other is not None:
            remedy = f"BronzeTable {other!r} has it already: {_REMEDIES[argument]}"
            raise Checker(f"BronzeTable {name!r}").refuse(argument, value, remedy)

    def _table_name(self) -> str:
        return self._args.table_name or catalog.default_table_name(self._spec)

    def _made_database_name(self) -> str:
        default = catalog.default_database_name(pulumi.get_project(), pulumi.get_stack())
        return self._args.database_name or default

    def _bucket(self, name: str, prefix: pulumi.Output[str]) -> pulumi.Output[str]:
        args = self._args
        if args.existing_bucket is not None:
            return pulumi.Output.from_input(args.existing_bucket)
        days = args.cold_storage_after_days
        settings = BucketSettings(
            on_destroy=OnDestroy(args.on_destroy),
            abort_uploads_after_days=args.abort_uploads_after_days,
            noncurrent_days=args.noncurrent_days,
            kms_key_arn=args.kms_key_arn,
            access_log_bucket=args.access_log_bucket,
            cold=None if days is None else ColdStorage(prefix, days, args.cold_storage_class),
            tags=args.tags,
        )
        return private_bucket(f"{name}-bucket", settings, self).bucket

    def _database(self, name: str) -> pulumi.Output[str]:
        if self._args.existing_database is not None:
            return pulumi.Output.from_input(self._args.existing_database)
        self._take_name(name, "database_name", self._made_database_name())
        database = aws.glue.CatalogDatabase(
            f"{name}-database",
            name=self._made_database_name(),
            tags=self._args.tags or None,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return database.name

    def _compared(
        self, name: str, table_name: str, location: pulumi.Output[str]
    ) -> tuple[pulumi.Input[_Columns], pulumi.Output[str]]:
        """The columns and the location, once what is deployed was found to go together with them.

        Where names are known the error comes from here, with nothing registered yet. The location is known only with
        the bucket's name, which a preview does not have as long as the bucket is still to be made.
        """
        columns = catalog.stored_columns(self._spec, self.on_change, self.metadata_columns)

        def compare(database: str, shape: TableShape | None, place: str = "") -> None:
            if shape is None:
                return
            changes = breaking_changes(shape, shape_of(columns, self._spec.partition_columns, place), self.on_change)
            told = [change for change in changes if bool(place) is (change.subject == LOCATION)]
            said = refusal(f"{database}.{table_name}", told, self._args.allow_breaking_changes_of)
            if said is not None:
                raise Checker(f"BronzeTable {name!r}").refuse("contract", self._spec.name, said)

        def compared_location(known: Sequence[Any]) -> str:
            database, shape, place = known
            compare(database, shape, place)
            return str(place)

        def compared_columns(known: Sequence[Any]) -> _Columns:
            database, shape = known
            compare(database, shape)
            return _column_args(columns)

        database = self._args.existing_database or self._made_database_name()
        if isinstance(database, str):
            shape = deployed_shape(database, table_name, self)
            compare(database, shape)
            if isinstance(bucket := self._args.existing_bucket, str):
                compare(database, shape, f"s3://{bucket}/{catalog.table_prefix(database, table_name)}")
            return _column_args(columns), location.apply(lambda place: compared_location((database, shape, place)))
        looked_up = self.database_name.apply(lambda found: (found, deployed_shape(found, table_name, self)))
        located = pulumi.Output.all(looked_up, location).apply(lambda both: compared_location((*both[0], both[1])))
        return looked_up.apply(compared_columns), located

    def _catalog_table(self, name: str, table_name: str, columns: pulumi.Input[_Columns]) -> aws.glue.CatalogTable:
        partition_keys = [
            aws.glue.CatalogTablePartitionKeyArgs(name=catalog.column_name(c), type=c.type, comment=catalog.comment(c))
            for c in self._spec.partition_columns
        ]
        return aws.glue.CatalogTable(
            f"{name}-table",
            name=table_name,
            database_name=self.database_name,
            description=catalog.description(self._spec),
            table_type="EXTERNAL_TABLE",
            parameters=catalog.PARAMETERS,
            partition_keys=partition_keys,
            storage_descriptor=aws.glue.CatalogTableStorageDescriptorArgs(
                location=self.location,
                input_format=catalog.INPUT_FORMAT,
                output_format=catalog.OUTPUT_FORMAT,
                columns=columns,
                ser_de_info=aws.glue.CatalogTableStorageDescriptorSerDeInfoArgs(
                    serialization_library=catalog.SERDE, parameters={"serialization.format": "1"}
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )


def _column_args(columns: Sequence[Column]) -> _Columns:
    return [
        aws.glue.CatalogTableStorageDescriptorColumnArgs(
            name=catalog.column_name(c), type=c.type, comment=catalog.comment(c)
        )
        for c in columns
    ]
