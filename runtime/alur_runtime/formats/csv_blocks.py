"""CSV text in blocks of whole records, each with an independent count of its records.

A block is *plain* if its quoting can be told from its bytes alone: every quote that opens a field (by the parity of
quotes) follows a separator or a line end, and every one that closes it precedes one. Then any CSV parser reads what
is meant, and the line ends outside quotes are the ends of records. Other blocks are split by `csv_records`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NoReturn

import attrs

from alur_runtime.formats.csv_marks import count_lines, find_marks
from alur_runtime.formats.csv_records import RecordReader, Records
from alur_runtime.formats.text import TextStream
from alur_runtime.reasons import Reason
from alur_runtime.rows import RefusedFileError

BLOCK_BYTES: int = 1024 * 1024
"""How much is parsed at a time: so much is looked into for one bad row."""

LONGEST_RECORD: int = 16 * 1024 * 1024
"""A record of more bytes fails the file: a quote was never closed, or the file is no CSV."""

_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
_LF: Final = b"\n"
_CR: Final = b"\r"


@attrs.frozen(kw_only=True)
class Block:
    """Some whole records, with their line ends.

    Attributes:
        data: UTF-8, possibly with bytes that are none; the text of comments is taken out.
        line: Number of the line that it begins on, from 1.
        line_ends: How many lines end in it.
        count: How many records it holds.
        inner_lines: Whether its fields hold line ends.
        records: How it is split if it is not plain, else None.
    """

    data: bytes
    line: int
    line_ends: int
    count: int
    inner_lines: bool = False
    records: Records | None = None


class Blocks:
    """The blocks of a file, from wherever its head ends."""

    def __init__(self, stream: TextStream, reader: RecordReader, uri: str) -> None:
        self._stream = stream
        self._reader = reader
        self._uri = uri
        self._data = b""
        self._final = False
        self._line = 1
        self._row = 1

    def skip_lines(self, count: int) -> None:
        """Read past so many lines."""
        for _ in range(count):
            while not (end := _LINE_END.search(self._data, 0, self._safe_end())) and not self._final:
                self._grow()
            at = end.end() if end else len(self._data)
            self._advance(at, count_lines(self._data[:at]).ends)

    def header(self) -> list[bytes]:
        """The texts of the next record, none at the end of the file.

        Raises:
            RefusedFileError: If it cannot be read.
        """
        while True:
            head = self._reader.read(self._data, final=self._final, most=1)
            if head.fields or head.stuck or self._final:
                break
            self._grow()
        if problem := head.stuck or head.problems.get(0):
            above = self._data[: head.starts[0] if head.starts else head.consumed]
            line = self._line + count_lines(above).ends
            raise RefusedFileError(self._uri, Reason.UNREADABLE, f"the header, line {line:,}, {problem}")
        self._advance(head.consumed, count_lines(self._data[: head.consumed]).ends)
        return [self._reader.value(field) for field in head.fields[0]] if head.fields else []

    def __iter__(self) -> Iterator[Block]:
        """The rest of the file.

        Raises:
            RefusedFileError: If it cannot be told where a record ends.
        """
        while not self._final or self._data:
            if not self._final and len(self._data) < BLOCK_BYTES:
                self._fill(BLOCK_BYTES)
            block, end = self._cut()
            stuck = block.records.stuck if block.records else ""
            if not end and not stuck and not self._final:
                self._grow()
                continue
            self._advance(end, block.line_ends)
            if block.count:
                self._row += block.count
                yield block
            if stuck:
                self._refuse(stuck)

    def _cut(self) -> tuple[Block, int]:
        """The next block, and how many bytes of the data it is."""
        data = self._data
        plain = self._plain(data)
        if plain is not None:
            return plain
        records = self._reader.read(data, final=self._final)
        whole = data[: records.consumed]
        block = Block(
            data=whole,
            line=self._line,
            line_ends=count_lines(whole).ends,
            count=self._reader.count(whole),
            records=records,
        )
        return block, records.consumed

    def _plain(self, data: bytes) -> tuple[Block, int] | None:
        """The next block if it is plain, else None."""
        reader = self._reader
        if reader.escape and reader.escape in data:
            return None
        quoted = bool(reader.quote) and reader.quote in data
        comments = bool(reader.comment) and reader.comment_lines.search(data) is not None
        if quoted:
            return None if comments else self._plain_quoted(data)
        size = self._safe_end()
        end = size if self._final else max(data.rfind(_LF, 0, size), data.rfind(_CR, 0, size)) + 1
        whole = data[:end]
        if comments:
            whole = reader.comment_lines.sub(b"", whole)
        lines = count_lines(whole)
        return Block(data=whole, line=self._line, line_ends=lines.ends, count=lines.filled), end

    def _plain_quoted(self, data: bytes) -> tuple[Block, int] | None:
        reader = self._reader
        marks = find_marks(data, reader.quote, self._safe_end())
        end = len(data) if self._final else marks.last_line_end
        # Where no record ends the parity may be wrong: the records must be looked at.
        if not end or (self._final and not marks.closed) or not marks.plain(reader.separator, reader.quote, end):
            return None
        inner_lines = marks.has_inner_lines(end)
        if inner_lines and not reader.multiline:
            return None
        whole = data[:end]
        block = Block(
            data=whole,
            line=self._line,
            line_ends=count_lines(whole).ends,
            count=len(marks.records(end)[0]),
            inner_lines=inner_lines,
        )
        return block, end

    def _safe_end(self) -> int:
        """Up to where the data can be cut: not between the two characters of a line end."""
        return len(self._data) - 1 if not self._final and self._data.endswith(_CR) else len(self._data)

    def _grow(self) -> None:
        """Read on, because the data holds no whole record."""
        if len(self._data) > LONGEST_RECORD:
            self._refuse(f"is longer than {LONGEST_RECORD:,} bytes")
        # Doubled, so that a long record is not looked at too often.
        self._fill(max(BLOCK_BYTES, 2 * len(self._data)))

    def _fill(self, size: int) -> None:
        parts = [self._data] if self._data else []
        missing = size - len(self._data)
        while missing > 0 and not self._final:
            more = self._stream.read(missing)
            parts += [more] if more else []
            missing -= len(more)
            self._final = not more
        self._data = parts[0] if len(parts) == 1 else b"".join(parts)

    def _advance(self, end: int, line_ends: int) -> None:
        self._line += line_ends
        self._data = self._data[end:]

    def _refuse(self, problem: str) -> NoReturn:
        advice = "; set multiline=False if no field holds a line end: then only its row is bad"
        raise RefusedFileError(
            self._uri,
            Reason.UNREADABLE,
            f"line {self._line:,} {problem}: where the record ends cannot be told"
            f"{advice if self._reader.multiline else ''}",
            row=self._row,
        )
