"""alur's runtime: files that land in S3 become rows of a Parquet table, each version exactly once."""

from alur_runtime.contract import Column, ContractSpec, Decimal, column, contract, spec_of
from alur_runtime.errors import AlurError

__version__ = "0.1.0"

__all__ = ["AlurError", "Column", "ContractSpec", "Decimal", "__version__", "column", "contract", "spec_of"]
