"""JSON Lines into rows: one object a line, its keys bound to columns; blocks in bulk, what is odd line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

import pyarrow as pa

from alur_runtime.contracts.options import JsonLinesOptions
from alur_runtime.contracts.spec import ContractSpec
from alur_runtime.formats.jsonl_bulk import BulkReader
from alur_runtime.formats.jsonl_rows import RowReader
from alur_runtime.formats.text import TextStream, open_text
from alur_runtime.reasons import Reason
from alur_runtime.rows import BadRow, Chunk, RefusedFileError

BLOCK_BYTES: int = 4 * 1024 * 1024  # tests make it small
MOST_LINE_BYTES: int = 16 * 1024 * 1024
PIECE_LINES: int = 400
"""About so many lines are read one by one if one of them does not fit; in bulk a call takes as long as 30 of them."""

_NOT_BLANK: Final = re.compile(rb"[^ \t\r\n][^\n]*")


def read_jsonl(file: BinaryIO, uri: str, contract: ContractSpec, options: JsonLinesOptions) -> Iterator[Chunk]:
    r"""Read a file; memory stays flat. Lines end with \\n or \\r\\n, and blank ones do not count.

    Args:
        file: The raw object, seekable.
        uri: For errors.
        contract: Its columns; a key that is missing is a value that is missing.
        options: How the file is written.

    Yields:
        Chunks, in order. They count lines that are not blank.

    Raises:
        RefusedFileError: If its compression or encoding is not what the options say, or a line has no end in sight.
    """
    stream = open_text(file, uri, options)
    reader = _Reader(BulkReader(contract, options), RowReader(contract, options, stream.show))
    row = line = 1
    for block in _blocks(stream, uri):
        records = count_records(block)
        if records:
            tables, bad = reader.read(block, records, row, line)
            yield Chunk(pa.concat_tables(tables), tuple(bad), records)
        row += records
        line += block.count(b"\n")


def count_records(data: bytes) -> int:
    """How many lines are not blank."""
    ends = data.count(b"\n")
    if data[:1] == b"{" and ends == data.count(b"}\n{") + 1 and data[-1:] == b"\n":
        return ends
    return sum(1 for _ in _NOT_BLANK.finditer(data))


def _blocks(stream: TextStream, uri: str) -> Iterator[bytes]:
    """Whole lines, many at a time."""
    pending, line = b"", 1
    ended = False
    while not ended:
        parts, size = [pending], len(pending)
        while size < max(BLOCK_BYTES, 2 * len(pending)) and not ended:
            parts.append(stream.read(BLOCK_BYTES))
            size += len(parts[-1])
            ended = not parts[-1]
        data = b"".join(parts)
        cut = len(data) if ended else data.rfind(b"\n") + 1
        if cut:
            yield data[:cut]
            line += data.count(b"\n", 0, cut)
        pending = data[cut:]
        if len(pending) > MOST_LINE_BYTES:
            problem = f"line {line:,} has no end within {MOST_LINE_BYTES:,} bytes: is it JSON Lines, one object a line?"
            raise RefusedFileError(uri, Reason.UNREADABLE, problem)


class _Reader:
    """Reads blocks in bulk; of one that does not fit as a whole, those pieces that do not are read line by line."""

    def __init__(self, bulk: BulkReader, rows: RowReader) -> None:
        self._bulk, self._rows = bulk, rows

    def read(self, data: bytes, records: int, row: int, line: int) -> tuple[list[pa.Table], list[BadRow]]:
        whole = self._bulk.read(data, records, row)
        if whole is not None:
            return [whole], []
        tables: list[pa.Table] = []
        refused: list[BadRow] = []
        for piece in _cut(data, -(-len(data) * PIECE_LINES // records)):
            count = count_records(piece)
            table = self._bulk.read(piece, count, row) if records > count > 0 else None
            if table is None:
                table, bad = self._rows.read(piece, row, line)
                refused += bad
            tables.append(table)
            row += count
            line += piece.count(b"\n")
        return tables, refused


def _cut(data: bytes, size: int) -> Iterator[bytes]:
    """Pieces of whole lines, each of at least so many bytes but for the last."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", start + size - 1) + 1 or len(data)
        yield data[start:end]
        start = end
