"""Pulumi components for exactly-once ingestion of files into Parquet tables."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from alur_pulumi.errors import AlurError, ArgumentError, WheelError

if TYPE_CHECKING:
    from alur_pulumi.bronze_table import BronzeTable, BronzeTableArgs
    from alur_pulumi.buckets import OnDestroy
    from alur_pulumi.ingestion_job import IngestionJob
    from alur_pulumi.job_args import IngestionJobArgs
    from alur_pulumi.job_config import Source
    from alur_pulumi.state_table import StateTable, StateTableArgs
    from alur_runtime.config import EngineChoice, OnChange, Settings
    from alur_runtime.contract import ContractSpec
    from alur_runtime.declare import Decimal, column, contract
    from alur_runtime.options import CsvOptions, ErrorBudget, JsonLinesOptions, ParquetOptions

__version__ = "0.1.0"

__all__ = [
    "AlurError",
    "ArgumentError",
    "BronzeTable",
    "BronzeTableArgs",
    "ContractSpec",
    "CsvOptions",
    "Decimal",
    "EngineChoice",
    "ErrorBudget",
    "IngestionJob",
    "IngestionJobArgs",
    "JsonLinesOptions",
    "OnChange",
    "OnDestroy",
    "ParquetOptions",
    "Settings",
    "Source",
    "StateTable",
    "StateTableArgs",
    "WheelError",
    "__version__",
    "column",
    "contract",
]

# Imported when they are asked for: the `alur` command and the local AWS start without Pulumi.
_LAZY: Final = {
    "BronzeTable": "alur_pulumi.bronze_table",
    "BronzeTableArgs": "alur_pulumi.bronze_table",
    "ContractSpec": "alur_runtime.contract",
    "CsvOptions": "alur_runtime.options",
    "ErrorBudget": "alur_runtime.options",
    "JsonLinesOptions": "alur_runtime.options",
    "ParquetOptions": "alur_runtime.options",
    "Decimal": "alur_runtime.declare",
    "EngineChoice": "alur_runtime.config",
    "IngestionJob": "alur_pulumi.ingestion_job",
    "IngestionJobArgs": "alur_pulumi.job_args",
    "OnChange": "alur_runtime.config",
    "OnDestroy": "alur_pulumi.buckets",
    "Settings": "alur_runtime.config",
    "Source": "alur_pulumi.job_config",
    "StateTable": "alur_pulumi.state_table",
    "StateTableArgs": "alur_pulumi.state_table",
    "column": "alur_runtime.declare",
    "contract": "alur_runtime.declare",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)
