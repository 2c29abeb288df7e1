"""alur's runtime: files that land in S3 become rows of a Parquet table, each version exactly once."""

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
    spec_of,
)
from alur_runtime.contracts.options import (
    AmbiguousTimes,
    Compression,
    CsvOptions,
    ErrorBudget,
    JsonLinesOptions,
    ParquetOptions,
)
from alur_runtime.contracts.spec import Column, ContractSpec, Extras
from alur_runtime.errors import AlurError

__version__ = "0.1.0"

__all__ = [
    "AlurError",
    "AmbiguousTimes",
    "Column",
    "Compression",
    "ContractSpec",
    "CsvOptions",
    "Decimal",
    "ErrorBudget",
    "Extras",
    "Float32",
    "Int8",
    "Int16",
    "Int32",
    "Int64",
    "JsonLinesOptions",
    "ParquetOptions",
    "__version__",
    "bucket",
    "column",
    "contract",
    "day",
    "expect",
    "hour",
    "month",
    "spec_of",
]
