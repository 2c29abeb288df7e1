"""The table that files are ingested into: bucket, database and catalog entry."""

from collections.abc import Sequence
from typing import Any

import attrs
import pulumi
import pulumi_aws as aws

from alur_pulumi import catalog
from alur_pulumi.buckets import BucketSettings, OnDestroy, private_bucket
from alur_pulumi.checks import Checker
from alur_runtime.checks.operands import check_operands
from alur_runtime.config import OnChange, check_own_names, metadata_columns
from alur_runtime.contracts.declare import spec_of
from alur_runtime.contracts.spec import ContractSpec, check_spec
from alur_runtime.errors import ConfigError, ContractError


@attrs.frozen(kw_only=True, eq=False)
class BronzeTableArgs:
    """Arguments of `BronzeTable`.

    Attributes:
        contract: The table's columns: a class made with `alur_runtime.contracts.spec`, or its `ContractSpec`.
        on_change: What happens to a file that was ingested and is overwritten later.
        metadata_columns: Which of alur's own columns the table has, of ``_ingested_at``, ``_source_system``,
            ``_source_file``, ``_source_row`` and ``_source_etag``; if not given the first four, and all of them
            with `on_change` append. Replacing needs ``_source_file``, appending ``_source_etag`` too.
        table_name: Name in SQL; the contract's name in lower case if none is given.
        database_name: Name of the database that is made; ``<project>_<stack>`` if none is given.
        existing_database: A database that is there already, in place of one that is made.
        existing_bucket: A bucket that is there already (its name), in place of one that is made. It must not
            abort multipart uploads sooner than the longest run takes.
        on_destroy: What becomes of the made bucket and the data in it on destroy.
        abort_uploads_after_days: After how many days the made bucket removes uploads that were never
            completed. Rows that are committed and not yet visible are such uploads: they must outlive the
            longest run.
        noncurrent_days: For how many days the made bucket keeps overwritten and deleted versions.
        kms_key_arn: The key that the made bucket encrypts with; S3's own if none is given.
        tags: Tags of the bucket and the database.
    """

    contract: type[Any] | ContractSpec
    on_change: OnChange = OnChange.REPLACE
    metadata_columns: Sequence[str] | None = None
    table_name: str | None = None
    database_name: str | None = None
    existing_database: pulumi.Input[str] | None = None
    existing_bucket: pulumi.Input[str] | None = None
    on_destroy: OnDestroy = OnDestroy.RETAIN
    abort_uploads_after_days: int = 7
    noncurrent_days: int = 30
    kms_key_arn: pulumi.Input[str] | None = None
    tags: dict[str, pulumi.Input[str]] = attrs.field(factory=dict)


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
        self._spec = _check(name, args)
        self._args = args
        super().__init__("alur:index:BronzeTable", name, None, opts)
        table_name = self._table_name()
        self.bucket_name = self._bucket(name)
        self.database_name = self._database(name)
        prefix = self.database_name.apply(lambda database: catalog.table_prefix(database, table_name))
        metadata = self.database_name.apply(lambda database: catalog.metadata_prefix(database, table_name))
        self.location = pulumi.Output.concat("s3://", self.bucket_name, "/", prefix)
        self.metadata_location = pulumi.Output.concat("s3://", self.bucket_name, "/", metadata)
        table = self._catalog_table(name, table_name)
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
        return _names(self._args)

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

    def _table_name(self) -> str:
        return self._args.table_name or catalog.default_table_name(self._spec)

    def _made_database_name(self) -> str:
        default = catalog.default_database_name(pulumi.get_project(), pulumi.get_stack())
        return self._args.database_name or default

    def _bucket(self, name: str) -> pulumi.Output[str]:
        args = self._args
        if args.existing_bucket is not None:
            return pulumi.Output.from_input(args.existing_bucket)
        settings = BucketSettings(
            on_destroy=OnDestroy(args.on_destroy),
            abort_uploads_after_days=args.abort_uploads_after_days,
            noncurrent_days=args.noncurrent_days,
            kms_key_arn=args.kms_key_arn,
            tags=args.tags,
        )
        return private_bucket(f"{name}-bucket", settings, self).bucket

    def _database(self, name: str) -> pulumi.Output[str]:
        if self._args.existing_database is not None:
            return pulumi.Output.from_input(self._args.existing_database)
        database = aws.glue.CatalogDatabase(
            f"{name}-database",
            name=self._made_database_name(),
            tags=self._args.tags or None,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return database.name

    def _catalog_table(self, name: str, table_name: str) -> aws.glue.CatalogTable:
        columns = [
            aws.glue.CatalogTableStorageDescriptorColumnArgs(
                name=catalog.column_name(c), type=c.type, comment=catalog.comment(c)
            )
            for c in catalog.stored_columns(self._spec, self.on_change, self.metadata_columns)
        ]
        partition_keys = [
            aws.glue.CatalogTablePartitionKeyArgs(name=catalog.column_name(c), type=c.type, comment=catalog.comment(c))
            for c in self._spec.partition_columns
        ]
        return aws.glue.CatalogTable(
            f"{name}-table",
            name=table_name,
            database_name=self.database_name,
            description=self._spec.doc or None,
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


def _check(name: str, args: BronzeTableArgs) -> ContractSpec:
    checker = Checker(f"BronzeTable {name!r}")
    try:
        spec = check_spec(args.contract if isinstance(args.contract, ContractSpec) else spec_of(args.contract))
        check_operands(spec)
        check_own_names(spec)
    except (ConfigError, ContractError, AttributeError) as error:
        raise checker.refuse("contract", args.contract, str(error)) from error
    checker.one_of("on_change", args.on_change, tuple(OnChange))
    try:
        metadata_columns(OnChange(args.on_change), _names(args))
    except ConfigError as error:
        raise checker.refuse("metadata_columns", args.metadata_columns, error.problem) from error
    checker.one_of("on_destroy", args.on_destroy, tuple(OnDestroy))
    checker.sql_name("table_name", args.table_name)
    checker.sql_name("database_name", args.database_name)
    checker.sql_name("existing_database", args.existing_database)
    checker.bucket_name("existing_bucket", args.existing_bucket)
    if args.database_name is not None and args.existing_database is not None:
        raise checker.refuse("database_name", args.database_name, "leave it out: existing_database is given too")
    remedy = "allowed are 1 to 365, and it must be longer than the longest run"
    checker.between("abort_uploads_after_days", args.abort_uploads_after_days, 1, 365, remedy)
    checker.between("noncurrent_days", args.noncurrent_days, 1, 3650)
    return spec


def _names(args: BronzeTableArgs) -> tuple[str, ...] | None:
    return None if args.metadata_columns is None else tuple(args.metadata_columns)
