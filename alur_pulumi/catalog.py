"""What the Glue catalog says of a table, as pure functions of its contract."""

import re
from typing import Final

from alur_runtime.config import OnChange, metadata_columns
from alur_runtime.contracts.spec import Column, ContractSpec

INPUT_FORMAT: Final = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
OUTPUT_FORMAT: Final = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
SERDE: Final = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
PARAMETERS: Final = {"EXTERNAL": "TRUE", "classification": "parquet", "typeOfData": "file"}
"""Properties of the table.

Spark and Athena drop no files of an external table; Glue and Athena know the format by its classification. No partition
projection: partitions are registered as they come. No schema of Spark's own: it would have to be kept in step.
"""
METADATA_ROOT: Final = "_alur/"
"""Prefix of all that is no table: no database may be called so, and readers skip names with an underscore."""

_MAX_COMMENT: Final = 255
_MAX_DESCRIPTION: Final = 2048
_WORD: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def stored_columns(
    spec: ContractSpec, on_change: OnChange, metadata: tuple[str, ...] | None = None
) -> tuple[Column, ...]:
    """The columns in the Parquet files: the contract's without the partition columns, then alur's own.

    Args:
        spec: The contract; with `extras` rescue, `_rescued` follows its columns.
        on_change: Decides which of alur's own columns there must be.
        metadata: Names of those that are wanted; the default ones if None.

    Raises:
        ConfigError: If one is not known, or `on_change` needs one that is not wanted.
    """
    return (*spec.data_columns, *metadata_columns(on_change, metadata))


def column_name(column: Column) -> str:
    """The column's name as the catalog has it: Glue and Hive know no capitals."""
    return column.name.lower()


def comment(column: Column) -> str | None:
    """The column's comment, on one line and at the length that Glue takes."""
    return " ".join(column.doc.split())[:_MAX_COMMENT] or None


def description(spec: ContractSpec) -> str | None:
    """What the table is about, at the length that Glue takes."""
    return spec.doc[:_MAX_DESCRIPTION] or None


def default_table_name(spec: ContractSpec) -> str:
    """``OrderLines`` is kept in ``order_lines``."""
    return _WORD.sub("_", spec.name).lower()


def default_database_name(project: str, stack: str) -> str:
    """A database for each stack of a project, in letters that SQL takes unquoted."""
    name = re.sub(r"[^a-z0-9_]+", "_", f"{project}_{stack}".lower()).strip("_")
    return name if name[:1].isalpha() else f"db_{name}"


def table_prefix(database: str, table: str) -> str:
    """Where the table's Parquet files are, in its bucket."""
    return f"{database}/{table}/"


def metadata_prefix(database: str, table: str) -> str:
    """Where the table's plans, manifests and reports are, in the same bucket."""
    return f"{METADATA_ROOT}{database}/{table}/"
