"""Arguments of a table, and what is checked of them at preview."""

from collections.abc import Sequence
from typing import Any

import attrs
import pulumi

from alur_pulumi.argument_types import check_types
from alur_pulumi.buckets import COLD_CLASSES, OnDestroy
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
        contract: The table's columns: a class made with `alur_pulumi.contract`, or its `ContractSpec`.
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
        cold_storage_after_days: At this age the table's files in the made bucket go to a colder storage class; never
            if not given. What the runtime itself keeps (plans, manifests, reports, code) stays where it is.
        cold_storage_class: The class: INTELLIGENT_TIERING, STANDARD_IA (30 days at the earliest) or GLACIER_IR. An
            object that is rewritten because a file changed starts anew.
        access_log_bucket: Name of a bucket that S3 logs each access to the made bucket to, below a folder of its
            name; its policy must let ``logging.s3.amazonaws.com`` write. Not logged if none is given.
        allow_breaking_changes_of: Columns (or ``partition_by``, ``location``) that may change although readers of
            the files that are there cannot take it. Nothing rewrites those files: queries that reach them fail, or
            miss what was dropped, until they are gone.
        kms_key_arn: The key of the bucket, which the jobs that write the table may use: the made one encrypts with it
            (with S3's own if none is given). Name the key of an existing bucket here too.
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
    cold_storage_after_days: int | None = None
    cold_storage_class: str = "INTELLIGENT_TIERING"
    access_log_bucket: pulumi.Input[str] | None = None
    allow_breaking_changes_of: Sequence[str] = ()
    kms_key_arn: pulumi.Input[str] | None = None
    tags: dict[str, pulumi.Input[str]] = attrs.field(factory=dict)


def check_table(name: str, args: BronzeTableArgs) -> ContractSpec:
    """Check the arguments of a table.

    Args:
        name: Logical name of the component.
        args: Its arguments.

    Returns:
        The contract as data.

    Raises:
        ArgumentError: If an argument cannot be.
    """
    checker = Checker(f"BronzeTable {name!r}")
    checker.component_name(name)
    check_types(checker, args, BronzeTableArgs)
    try:
        spec = check_spec(args.contract if isinstance(args.contract, ContractSpec) else spec_of(args.contract))
        check_operands(spec)
        check_own_names(spec)
    except (ConfigError, ContractError, AttributeError) as error:
        raise checker.refuse("contract", args.contract, str(error)) from error
    checker.one_of("on_change", args.on_change, tuple(OnChange))
    try:
        metadata_columns(OnChange(args.on_change), metadata_names(args))
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
    checker.key_arn("kms_key_arn", args.kms_key_arn)
    _check_bucket_settings(checker, args)
    return spec


def _check_bucket_settings(checker: Checker, args: BronzeTableArgs) -> None:
    checker.bucket_name("access_log_bucket", args.access_log_bucket)
    checker.one_of("cold_storage_class", args.cold_storage_class, COLD_CLASSES)
    least = COLD_CLASSES[args.cold_storage_class]
    remedy = f"allowed are {least} to 3650: S3 takes nothing younger into {args.cold_storage_class}"
    checker.between("cold_storage_after_days", args.cold_storage_after_days, least, 3650, remedy)
    if args.existing_bucket is None:
        return
    for argument in ("cold_storage_after_days", "access_log_bucket"):
        if (value := getattr(args, argument)) is not None:
            raise checker.refuse(argument, value, "leave it out: the settings of existing_bucket are its owner's")


def metadata_names(args: BronzeTableArgs) -> tuple[str, ...] | None:
    """Which of alur's own columns are asked for; None for the default ones."""
    return None if args.metadata_columns is None else tuple(args.metadata_columns)
