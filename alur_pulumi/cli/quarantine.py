"""What `alur quarantine` shows: bad rows of completed files, their values masked unless asked for. Pure functions."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import attrs

from alur_pulumi.cli.show import plural, table_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from alur_runtime.model import FileItem

MASK: Final = "***"
_QUOTED: Final = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_QUOTED_OR_NOT: Final = re.compile(f"({_QUOTED.pattern})")
_CUT: Final = "..."
_VALUES: Final = ("value", "record")
"""What of a bad row is data of the file."""


@attrs.frozen(kw_only=True)
class BadRecord:
    """A bad row as it is shown.

    Attributes:
        row: Number of the record in the file, from 1.
        line: Number of the line it begins on, where it is known.
        column: That the trouble is about, or None if it is about the whole record.
        reason: Code.
        problem: What is wrong, as a sentence's end.
        value: The raw value, or None.
        record: The raw record, or None.
    """

    file: str
    etag: str
    source: str
    row: int
    line: int | None
    column: str | None
    reason: str
    problem: str
    value: str | None
    record: str | None
    run_id: str
    batch: str


def quarantined(files: Iterable[FileItem], run: str | None) -> dict[str, set[tuple[str, str]]]:
    """The objects that hold bad rows, and the file versions (URI, ETag) in each, of one run or of all."""
    found: dict[str, set[tuple[str, str]]] = {}
    for item in files:
        if item.quarantine and run in (None, item.run_id):
            found.setdefault(item.quarantine, set()).add((item.uri, item.etag))
    return found


def bad_records(lines: Iterable[bytes], versions: set[tuple[str, str]]) -> Iterator[BadRecord]:
    """The bad rows of these file versions among the lines of an object."""
    names = [field.name for field in attrs.fields(BadRecord)]
    for line in lines:
        found = json.loads(line)
        if (found["file"], found["etag"]) in versions:
            yield BadRecord(**{name: found[name] for name in names})


def masked(record: BadRecord) -> BadRecord:
    """The bad row without the file's data, also where its problem quotes it."""
    data = [text for text in (record.value, record.record) if text]
    bare = re.compile(rf"(?<![\w.]){re.escape(record.value)}(?![\w.])") if record.value else None
    pieces = [
        _masked_quote(piece, data) if _QUOTED.fullmatch(piece) else bare.sub(MASK, piece) if bare else piece
        for piece in _QUOTED_OR_NOT.split(record.problem)
    ]
    return attrs.evolve(record, problem="".join(pieces), value=None, record=None)


def _masked_quote(quote: str, data: list[str]) -> str:
    try:
        quoted = str(ast.literal_eval(quote)).removesuffix(_CUT)
    except (SyntaxError, ValueError):
        return MASK
    return MASK if any(quoted in text for text in data) else quote


def as_json(job: str, table: str, records: Iterable[BadRecord], *, show_values: bool) -> dict[str, Any]:
    """The bad rows as plain data; without the file's data unless it is asked for."""
    rows = [attrs.asdict(record if show_values else masked(record)) for record in records]
    if not show_values:
        rows = [{name: value for name, value in row.items() if name not in _VALUES} for row in rows]
    return {"job": job, "table": table, "rows": rows}


def as_text(table: str, records: Iterable[BadRecord], limit: int, *, show_values: bool, width: int | None) -> str:
    """The first `limit` bad rows for people, and how many there are for which reasons."""
    shown: list[BadRecord] = []
    files: set[str] = set()
    reasons: Counter[str] = Counter()
    for record in records:
        files.add(record.file)
        reasons[record.reason] += 1
        if len(shown) < limit:
            shown.append(record if show_values else masked(record))
    total = reasons.total()
    if not total:
        return f"{table}: no bad row in quarantine"
    counts = ", ".join(f"{count:,} {reason}" for reason, count in reasons.most_common())
    line = f"{table}: {plural(total, 'bad row')} of {plural(len(files), 'file')} ({counts})"
    if total > limit:
        line += f"; the first {limit:,} are shown (--limit, --match, --run)"
    headers = ["file", "row", "line", "column", "reason", "problem"]
    cells = [
        [r.file, f"{r.row:,}", "-" if r.line is None else f"{r.line:,}", r.column or "-", r.reason, r.problem]
        for r in shown
    ]
    if show_values:
        headers.append("value")
        for row, record in zip(cells, shown, strict=True):
            row.append("-" if record.value is None else repr(record.value)[1:-1])
    else:
        line += "; values are masked (--show-values)"
    return "\n".join([table_text(headers, cells, frozenset({"row", "line"}), width=width), "", line])
