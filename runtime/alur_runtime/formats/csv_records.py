"""CSV records by the letter: the slow reader that decides where quoting, escapes or comments are not plain.

It works on UTF-8 bytes (possibly with some that are none) and says of each record where it begins and ends, what its
raw fields are, and what is wrong with its quoting.
"""

from __future__ import annotations

import re
from typing import Final

import attrs

from alur_runtime.contracts.options import CsvOptions

_LINE: Final = re.compile(rb"[^\r\n]*+")
_NO_FIELDS: Final[list[bytes]] = []


@attrs.define
class Records:
    """The records of some bytes.

    Attributes:
        starts: Where each begins.
        ends: Where each ends, without its line end.
        fields: The raw fields of each, quotes and escapes included; none of one that cannot be read.
        problems: Of those that cannot be read what is wrong, by index.
        consumed: So many bytes they and their line ends are, blank lines and comments included.
        stuck: What is wrong where it cannot be told at which byte a record ends: it begins at `consumed`.
    """

    starts: list[int] = attrs.field(factory=list)
    ends: list[int] = attrs.field(factory=list)
    fields: list[list[bytes]] = attrs.field(factory=list)
    problems: dict[int, str] = attrs.field(factory=dict)
    consumed: int = 0
    stuck: str = ""


class RecordReader:
    """Reads the records of one dialect."""

    def __init__(self, options: CsvOptions) -> None:
        self.separator: Final = options.separator.encode()
        self.quote: Final = options.quote.encode()
        self.escape: Final = options.escape.encode()
        self.comment: Final = options.comment.encode()
        self.multiline: Final = options.multiline
        self._nulls = frozenset(value.encode() for value in options.null_values)
        self._quoted_nulls = self._nulls if options.quoted_nulls else frozenset[bytes]()
        sep, quote, escape = (re.escape(part) for part in (self.separator, self.quote, self.escape))
        escaped = rb"%b(?:\r\n|[\s\S])" % escape
        loose = rb"[^\r\n%b%b]++|%b" % (sep, escape, escaped) if escape else rb"[^\r\n%b]++" % sep
        bare = rb"(?:%b)*+" % loose
        if quote:
            within = rb"[^%b%b]++|%b%b" % (quote, escape, quote, quote) + (rb"|" + escaped if escape else b"")
            opened = rb"%b(?:%b)*+" % (quote, within)
            field = rb"(?:%b%b(?=[\r\n%b]|\Z)|(?!%b)%b)" % (opened, quote, sep, quote, bare)
        else:
            opened, field = b"(?!)", bare
        record = rb"%b(?:%b%b)*+" % (field, sep, field)
        self._opened = re.compile(opened)
        self._record = re.compile(record)
        self._fields = re.compile(rb"(?:\A|%b)(%b)" % (sep, field))
        comment = rb"%b[^\r\n]*+" % re.escape(self.comment) if self.comment else b"(?!)"
        self.comment_lines: Final = re.compile(rb"(?<![^\r\n])%b" % comment)
        self._counted = re.compile(rb"%b|(%b)" % (comment, record if self.multiline else rb"[^\r\n]*+"))
        self._unescaped = re.compile(rb"%b(\r\n|[\s\S])" % escape) if escape else None
        self._unquoted = re.compile(rb"%b(%b)|%b" % (quote, quote, escaped)) if quote and escape else None

    def read(self, data: bytes, *, final: bool, most: int | None = None) -> Records:
        """Split bytes that begin where a record may begin.

        Args:
            data: UTF-8.
            final: Whether the file ends with them; else a record that touches their end is left.
            most: Stop after so many records.
        """
        found = Records()
        at, size = 0, len(data)
        while at < size and (most is None or len(found.starts) < most):
            line = _LINE.match(data, at).group()  # type: ignore[union-attr]
            end = at + len(line)
            if not line:  # a blank line, or what follows a record
                if not final and at == size - 1 and data.endswith(b"\r"):  # maybe half of a line end
                    break
                at += 1
                found.consumed = at
                continue
            comment = bool(self.comment) and line.startswith(self.comment)
            plain = comment or not self._quoted(line)
            if end == size and not final and (plain or not self.multiline):
                break
            if comment:
                at = found.consumed = end
                continue
            problem = ""
            if plain:
                fields = line.split(self.separator)
            elif self.multiline:
                match = self._record.match(data, at)
                end = match.end() if match else at
                if end == size and match:
                    if not final:
                        break
                elif match is None or data[end] not in b"\r\n":
                    problem = self._problem(data, at, match)
                    if final or not self._open_to_end(data, at, match):
                        found.stuck = problem
                    break
                fields = self._fields.findall(data[at:end])
            elif self._record.fullmatch(line):
                fields = self._fields.findall(line)
            else:
                problem = self._problem(line, 0, self._record.match(line))
                fields = _NO_FIELDS
            if problem:
                found.problems[len(found.starts)] = problem
            found.starts.append(at)
            found.ends.append(end)
            found.fields.append(fields)
            at = found.consumed = end
        return found

    def count(self, data: bytes) -> int:
        """How many records whole lines hold, counted by other means than `read`."""
        return sum(1 for match in self._counted.finditer(data) if match[1])

    def text(self, field: bytes) -> bytes | None:
        """What a raw field says; None if it stands for a missing value."""
        if self.quote and field[:1] == self.quote:
            value = self.value(field)
            return None if value in self._quoted_nulls else value
        return None if field in self._nulls else self.value(field)

    def value(self, field: bytes) -> bytes:
        """What a raw field says, whatever stands for a missing value."""
        if self.quote and field[:1] == self.quote:
            field = field[1:-1]
            if self._unquoted:
                return self._unquoted.sub(lambda m: m[1] or m[0][1:], field)
            return field.replace(self.quote * 2, self.quote)
        return self._unescaped.sub(rb"\1", field) if self._unescaped else field

    def _quoted(self, line: bytes) -> bool:
        """Whether a line holds anything that is more than separated fields."""
        return bool((self.quote and self.quote in line) or (self.escape and self.escape in line))

    def _bad_field(self, data: bytes, at: int, match: re.Match[bytes] | None) -> int:
        """Where the first field begins that cannot be read, or the lone escape stands."""
        if match is None:
            return at
        end = match.end()
        return end + len(self.separator) if data[end : end + 1] == self.separator else end

    def _open_to_end(self, data: bytes, at: int, match: re.Match[bytes] | None) -> bool:
        """Whether more bytes could still close the field at fault."""
        start = self._bad_field(data, at, match)
        opened = self._opened.match(data, start)
        end = opened.end() if opened else start
        return end >= len(data) - len(self.escape) if self._lone_escape(data, end) else end == len(data)

    def _lone_escape(self, data: bytes, end: int) -> bool:
        return bool(self.escape) and data[end:] == self.escape

    def _problem(self, data: bytes, at: int, match: re.Match[bytes] | None) -> str:
        start = self._bad_field(data, at, match)
        opened = self._opened.match(data, start)
        number = len(self._fields.findall(data[at : match.end()])) + 1 if match else 1
        if opened is None:
            return f"ends in {self.escape.decode()!r}, which takes the meaning from nothing"
        if opened.end() >= len(data) or self._lone_escape(data, opened.end()):
            return f"opens a quote in field {number} that is never closed"
        return f"has text after the closing quote of field {number}"
