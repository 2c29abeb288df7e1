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
    from alur_runtime.config import CsvOptions, EngineChoice, OnChange, Settings
    from alur_runtime.contract import ContractSpec, Decimal, column, contract

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
    "IngestionJob",
    "IngestionJobArgs",
    "OnChange",
    "OnDestroy",
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
    "CsvOptions": "alur_runtime.config",
    "Decimal": "alur_runtime.contract",
    "EngineChoice": "alur_runtime.config",
    "IngestionJob": "alur_pulumi.ingestion_job",
    "IngestionJobArgs": "alur_pulumi.job_args",
    "OnChange": "alur_runtime.config",
    "OnDestroy": "alur_pulumi.buckets",
    "Settings": "alur_runtime.config",
    "Source": "alur_pulumi.job_config",
    "StateTable": "alur_pulumi.state_table",
    "StateTableArgs": "alur_pulumi.state_table",
    "column": "alur_runtime.contract",
    "contract": "alur_runtime.contract",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)
