"""What `alur files` shows: the ledger's file items, with the files of open batches over them. Pure functions."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Any, Final

import attrs

from alur_pulumi.cli.show import plural, size_text, table_text, utc
from alur_runtime.model import MET

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from alur_runtime.model import BatchItem, BatchPlan, FileItem, Member

PROCESSING: Final = "processing"
"""Status of a file that an open batch holds, whatever its item says of an earlier version."""


@attrs.frozen(kw_only=True)
class FileRow:
    """A file as it is shown.

    Attributes:
        rows: Its rows that are in the table.
        quarantined: Records of its current version that were kept out of it.
        expectations: What the contract's expectations found in it: `met` or what was found, by name.
        run_id: The run that decided it or works on it.
    """

    file: str
    status: str
    reason: str
    rows: int
    size: int
    etag: str
    source: str
    batch: str
    run_id: str
    attempts: int
    quarantined: int = 0
    expectations: dict[str, str] = attrs.field(factory=dict)
    error: str = ""
    processed_at: int | None = None


def file_rows(files: Iterable[FileItem], open_plans: Iterable[tuple[BatchItem, BatchPlan]]) -> Iterator[FileRow]:
    """Rows of all files: those of the ledger, then those that are on their way in for the first time.

    Read the open batches before the files: a file whose batch completes in between then shows as processing, and not
    as if it were not there.
    """
    open_members = {member.uri: (batch, member) for batch, plan in open_plans for member in plan.members}
    for item in files:
        held = open_members.pop(item.uri, None)
        # A roll forward writes file items before it closes the batch: that item is the newer word.
        if held is not None and held[0].seq > item.batch_seq:
            yield _held_row(*held, rows=item.table_rows)
            continue
        yield FileRow(
            file=item.uri,
            status=str(item.status),
            reason=item.reason,
            rows=item.table_rows,
            size=item.size,
            etag=item.etag,
            source=item.source,
            batch=item.batch_seq,
            run_id=item.run_id,
            attempts=item.attempts,
            quarantined=item.rows_quarantined,
            expectations=item.expectations,
            error=item.error,
            processed_at=item.processed_at,
        )
    for uri in sorted(open_members):
        yield _held_row(*open_members[uri], rows=0)


def _held_row(batch: BatchItem, member: Member, *, rows: int) -> FileRow:
    return FileRow(
        file=member.uri,
        status=PROCESSING,
        reason=member.reason,
        rows=rows,
        size=member.size,
        etag=member.etag,
        source=member.source,
        batch=batch.seq,
        run_id=batch.owner,
        attempts=member.attempts,
    )


def select(rows: Iterable[FileRow], statuses: Sequence[str], glob: str | None) -> Iterator[FileRow]:
    """The rows of these statuses (all, if there are none) whose URI, or its end after a slash, matches the glob."""
    for row in rows:
        if statuses and row.status not in statuses:
            continue
        if matches(row.file, glob):
            yield row


def matches(uri: str, glob: str | None) -> bool:
    """Whether a URI, or its end after a slash, matches the glob; any does if there is none."""
    return glob is None or fnmatch.fnmatchcase(uri, glob) or fnmatch.fnmatchcase(uri, f"*/{glob}")


def as_json(job: str, table: str, rows: Iterable[FileRow]) -> dict[str, Any]:
    """The rows as plain data."""
    return {"job": job, "table": table, "files": [attrs.asdict(row) for row in rows]}


def as_text(table: str, rows: Iterable[FileRow], limit: int, *, width: int | None) -> str:
    """The first `limit` rows for people, and how many there are."""
    shown: list[FileRow] = []
    total = table_rows = quarantined = 0
    for row in rows:
        total += 1
        table_rows += row.rows
        quarantined += row.quarantined
        if len(shown) < limit:
            shown.append(row)
    line = f"{table}: {plural(total, 'file')}, {plural(table_rows, 'row')}"
    line += f", {quarantined:,} quarantined" if quarantined else ""
    if not shown:
        return line
    if total > limit:
        line += f"; the first {limit:,} are shown (--limit, --match, --status)"
    cells = [
        (
            row.file,
            row.status,
            row.reason,
            f"{row.rows:,}",
            f"{row.quarantined:,}",
            size_text(row.size),
            utc(row.processed_at),
            row.run_id,
        )
        for row in shown
    ]
    headers = ("file", "status", "reason", "rows", "quarantined", "size", "processed", "run")
    parts = [table_text(headers, cells, frozenset({"rows", "quarantined", "size"}), width=width)]
    parts += [row.error if row.error.startswith(row.file) else f"{row.file}: {row.error}" for row in shown if row.error]
    parts += [
        f"{row.file}: expectation {name!r} is not met: {found}"
        for row in shown
        for name, found in row.expectations.items()
        if found != MET and not row.error
    ]
    return "\n".join([*parts, "", line])
