"""Files into rows: one reader a format, all strict, all handing on chunks of rows and what does not fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa

from alur_runtime.contract import RESCUED, ContractSpec, Extras
from alur_runtime.options import AnyOptions, CsvOptions
from alur_runtime.parse import parse_csv
from alur_runtime.reasons import Reason
from alur_runtime.rows import Chunk, RefusedFileError
from alur_runtime.schema import rows_schema


def read_file(file: BinaryIO, uri: str, contract: ContractSpec, options: AnyOptions) -> Iterator[Chunk]:
    """Read a file, chunk by chunk.

    Raises:
        RefusedFileError: If it cannot be taken, maybe after some chunks.
    """
    if not isinstance(options, CsvOptions):
        raise RefusedFileError(uri, Reason.UNREADABLE, f"{type(options).__name__} has no reader yet")
    table = parse_csv(file.read(), uri, contract, options)
    if contract.extras is Extras.RESCUE:
        table = table.append_column(RESCUED, pa.nulls(table.num_rows, pa.string()))
    columns = [*table.columns, pa.array(range(1, table.num_rows + 1), pa.int64())]
    yield Chunk(pa.table(columns, schema=rows_schema(contract)), (), table.num_rows)
