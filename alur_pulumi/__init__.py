"""Pulumi components for exactly-once ingestion of files into Parquet tables.

Everything that a program needs is here: components and their arguments, contracts and their types, options of files,
and, as `expect`, the checks that a contract can make of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from alur_pulumi.errors import AlurError, ArgumentError, WheelError

if TYPE_CHECKING:
    from alur_pulumi.bronze_args import BronzeTableArgs
    from alur_pulumi.bronze_table import BronzeTable
    from alur_pulumi.buckets import OnDestroy
    from alur_pulumi.ingestion_job import IngestionJob
    from alur_pulumi.job_args import IngestionJobArgs
    from alur_pulumi.job_config import Source
    from alur_pulumi.job_options import ExecutionClass, Network, StartOnArrival
    from alur_pulumi.pipeline import Pipeline, PipelineArgs
    from alur_pulumi.state_table import StateTable, StateTableArgs
    from alur_runtime.config import EngineChoice, OnChange, Settings
    from alur_runtime.contracts import expectations as expect
    from alur_runtime.contracts.declare import (
        Decimal,
        Float32,
        Int8,
        Int16,
        Int32,
        Int64,
        bucket,
        column,
        contract,
        day,
        hour,
        month,
    )
    from alur_runtime.contracts.expectations import Severity
    from alur_runtime.contracts.options import (
        AmbiguousTimes,
        Compression,
        CsvOptions,
        ErrorBudget,
        JsonLinesOptions,
        ParquetOptions,
    )
    from alur_runtime.contracts.spec import Column, ContractSpec, Extras

__version__ = "0.1.0"

__all__ = [
    "AlurError",
    "AmbiguousTimes",
    "ArgumentError",
    "BronzeTable",
    "BronzeTableArgs",
    "Column",
    "Compression",
    "ContractSpec",
    "CsvOptions",
    "Decimal",
    "EngineChoice",
    "ErrorBudget",
    "ExecutionClass",
    "Extras",
    "Float32",
    "IngestionJob",
    "IngestionJobArgs",
    "Int8",
    "Int16",
    "Int32",
    "Int64",
    "JsonLinesOptions",
    "Network",
    "OnChange",
    "OnDestroy",
    "ParquetOptions",
    "Pipeline",
    "PipelineArgs",
    "Settings",
    "Severity",
    "Source",
    "StartOnArrival",
    "StateTable",
    "StateTableArgs",
    "WheelError",
    "__version__",
    "bucket",
    "column",
    "contract",
    "day",
    "expect",
    "hour",
    "month",
]

# Imported when they are asked for: the `alur` command and the local AWS start without Pulumi.
_BY_MODULE: Final = {
    "alur_pulumi.bronze_args": ("BronzeTableArgs",),
    "alur_pulumi.bronze_table": ("BronzeTable",),
    "alur_pulumi.buckets": ("OnDestroy",),
    "alur_pulumi.ingestion_job": ("IngestionJob",),
    "alur_pulumi.job_args": ("IngestionJobArgs",),
    "alur_pulumi.job_config": ("Source",),
    "alur_pulumi.pipeline": ("Pipeline", "PipelineArgs"),
    "alur_pulumi.job_options": ("ExecutionClass", "Network", "StartOnArrival"),
    "alur_pulumi.state_table": ("StateTable", "StateTableArgs"),
    "alur_runtime.config": ("EngineChoice", "OnChange", "Settings"),
    "alur_runtime.contracts.spec": ("Column", "ContractSpec", "Extras"),
    "alur_runtime.contracts.declare": (
        *("Decimal", "Float32", "Int8", "Int16", "Int32", "Int64"),
        *("bucket", "column", "contract", "day", "hour", "month"),
    ),
    "alur_runtime.contracts.expectations": ("Severity",),
    "alur_runtime.contracts.options": (
        *("AmbiguousTimes", "Compression", "CsvOptions", "ErrorBudget", "JsonLinesOptions", "ParquetOptions"),
    ),
}
_LAZY: Final = {name: module for module, names in _BY_MODULE.items() for name in names}


def __getattr__(name: str) -> Any:
    if name == "expect":
        return import_module("alur_runtime.contracts.expectations")
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)
