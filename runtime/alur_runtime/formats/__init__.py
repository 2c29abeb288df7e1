"""Files into rows: one reader a format, all strict, all handing on chunks of rows and what does not fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from alur_runtime.contracts.options import AnyOptions, CsvOptions, ParquetOptions
from alur_runtime.contracts.spec import ContractSpec
from alur_runtime.formats.csv_reader import read_csv
from alur_runtime.formats.jsonl import read_jsonl
from alur_runtime.formats.parquet import read_parquet
from alur_runtime.rows import Chunk


def read_file(file: BinaryIO, uri: str, contract: ContractSpec, options: AnyOptions) -> Iterator[Chunk]:
    """Read a file, chunk by chunk, in flat memory.

    Args:
        file: The raw object, seekable; it is not closed.
        uri: For errors.
        contract: What the rows are to be.
        options: How the file is written.

    Returns:
        Chunks in order. Whoever takes them compares their rows with the records they count.

    Raises:
        RefusedFileError: If it cannot be taken, maybe after some chunks.
    """
    if isinstance(options, CsvOptions):
        return read_csv(file, uri, contract, options)
    if isinstance(options, ParquetOptions):
        return read_parquet(file, uri, contract, options)
    return read_jsonl(file, uri, contract, options)
