"""Where line ends and quotes of CSV text are, found in bulk: counts and bounds of records without a parser."""

from __future__ import annotations

from typing import Final

import attrs
import pyarrow as pa
import pyarrow.compute as pc

_LF: Final = b"\n"
_CR: Final = b"\r"
_CRLF: Final = b"\r\n"


@attrs.frozen
class Marks:
    """Quotes and line ends, by the parity of the quotes before them.

    Attributes:
        bytes: The text.
        opening: Positions of quotes that open, if the parity is right.
        closing: Positions of quotes that close.
        outer: Positions of line ends that are outside quotes.
        inner: Positions of line ends that are within quotes.
    """

    bytes: pa.Array
    opening: pa.Array
    closing: pa.Array
    outer: pa.Array
    inner: pa.Array

    @property
    def closed(self) -> bool:
        """Whether as many quotes close as open."""
        return len(self.opening) == len(self.closing)

    @property
    def last_line_end(self) -> int:
        """Where the last whole record and its line end end; 0 if there is none."""
        return int(self.outer[-1].as_py()) + 1 if len(self.outer) else 0

    def plain(self, separator: bytes, quote: bytes, end: int) -> bool:
        """Whether up to `end` quotes open only at a field's beginning and close only at its end.

        Then the parity is right: until a quote is out of place, opening ones are those that open.
        """
        # A quote that closes before one that opens is a doubled one.
        allowed = pa.array([*separator, *quote, *_CRLF], pa.uint8())
        opening, closing = (_below(positions, end) for positions in (self.opening, self.closing))
        if len(opening) and opening[0].as_py() == 0:
            opening = opening.slice(1)
        if len(closing) and closing[-1].as_py() == len(self.bytes) - 1:
            closing = closing.slice(0, len(closing) - 1)
        before, after = self.bytes.take(pc.subtract(opening, 1)), self.bytes.take(pc.add(closing, 1))
        return all(pc.all(pc.is_in(found, allowed)).as_py() is not False for found in (before, after))

    def has_inner_lines(self, end: int) -> bool:
        """Whether up to `end` there are line ends within quotes."""
        return len(self.inner) > 0 and self.inner[0].as_py() < end

    def records(self, end: int) -> tuple[pa.Array, pa.Array]:
        """Where the records up to `end` begin, and where they end without their line ends."""
        lines = _below(self.outer, end)
        starts = pa.concat_arrays([pa.array([0], pa.int64()), pc.add(lines, 1)])
        ends = pa.concat_arrays([lines, pa.array([end], pa.int64())])
        filled = pc.greater(ends, starts)  # the others are blank, or between the two characters of a line end
        return starts.filter(filled), ends.filter(filled)


def find_marks(data: bytes, quote: bytes, size: int) -> Marks:
    """Find the quotes and line ends of a text that begins where a record may begin.

    Args:
        data: UTF-8.
        quote: The quote, or nothing if there is none.
        size: How many bytes of it are looked at.
    """
    text = pa.Array.from_buffers(pa.uint8(), size, [None, pa.py_buffer(data)])
    found = _equal(text, _LF)
    for mark in (_CR, quote):
        if mark and mark in data:
            found = pc.or_(found, _equal(text, mark))
    positions = pc.indices_nonzero(found).cast(pa.int64())
    quotes = _equal(text.take(positions), quote) if quote else pa.repeat(pa.scalar(value=False), len(positions))
    # Sums of bytes wrap around, which leaves their parity right.
    before = pc.cumulative_sum(quotes.cast(pa.uint8())) if len(quotes) else pa.array([], pa.uint8())
    within = pc.equal(pc.bit_wise_and(before, pa.scalar(1, pa.uint8())), pa.scalar(1, pa.uint8()))
    return Marks(
        text,
        positions.filter(pc.and_(quotes, within)),
        positions.filter(pc.and_not(quotes, within)),
        positions.filter(pc.invert(pc.or_(quotes, within))),
        positions.filter(pc.and_not(within, quotes)),
    )


@attrs.frozen
class Lines:
    """How many lines a text has.

    Attributes:
        ends: Line ends; LF, CR and CRLF are one each.
        filled: Lines that are not blank, the last one maybe without an end.
    """

    ends: int
    filled: int


def count_lines(data: bytes) -> Lines:
    """Count the lines of a text, whatever its quotes."""
    if not data:
        return Lines(0, 0)
    text = pa.Array.from_buffers(pa.uint8(), len(data), [None, pa.py_buffer(data)])
    ends = feeds = _equal(text, _LF)
    count = feeds.true_count
    if _CR in data:
        returns = _equal(text, _CR)
        ends = pc.or_(feeds, returns)
        pairs = pc.and_(returns.slice(0, len(data) - 1), feeds.slice(1)).true_count
        count += returns.true_count - pairs
    # A line that is not blank begins wherever something else follows an end.
    begun = pc.and_not(ends.slice(0, len(data) - 1), ends.slice(1)).true_count
    return Lines(count, begun + (not ends[0].as_py()))


def count_line_ends(data: bytes, start: int, end: int) -> int:
    """How many line ends there are from `start` to `end`, which are not far from one another."""
    returns = data.count(_CR, start, end)
    pairs = data.count(_CRLF, start, end) if returns else 0
    return data.count(_LF, start, end) + returns - pairs


def _equal(text: pa.Array, mark: bytes) -> pa.Array:
    return pc.equal(text, pa.scalar(mark[0], pa.uint8()))


def _below(positions: pa.Array, end: int) -> pa.Array:
    return positions.filter(pc.less(positions, end))
