"""What `alur status` shows: pure functions of what the ledger holds."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import attrs

from alur_pulumi.cli.show import plural, table_text, utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from alur_pulumi.cli.files import FileRow
    from alur_runtime.model import BatchItem, RunItem

RUNNING, DIED = "running", "died"


@attrs.frozen(kw_only=True)
class Status:
    """A table's state at one moment.

    Attributes:
        files: Number of files by status.
        rows: In the table, as the ledger counts them.
        lease: The planning lease's item while a run holds it.
        now_ms: The moment, by this machine's clock.
    """

    job: str
    table: str
    ledger: str
    files: Mapping[str, int]
    rows: int
    batches: Sequence[BatchItem]
    runs: Sequence[RunItem]
    lease: Mapping[str, Any] | None
    now_ms: int


def count_files(rows: Iterable[FileRow]) -> tuple[dict[str, int], int]:
    """Number of files by status, and the rows that are theirs."""
    statuses: Counter[str] = Counter()
    ingested = 0
    for row in rows:
        statuses[row.status] += 1
        ingested += row.rows
    return dict(sorted(statuses.items())), ingested


def run_state(run: RunItem, now_ms: int) -> str:
    """How a run stands: its outcome, or whether it is still alive."""
    if run.finished_at is not None:
        return run.outcome
    return RUNNING if run.lease_expires_at_ms > now_ms else DIED


def held_lease(lease: Mapping[str, Any] | None, now_ms: int) -> Mapping[str, Any] | None:
    """The lease if a run holds it now."""
    held = lease is not None and "owner" in lease and lease["expires_at_ms"] > now_ms
    return lease if held else None


def as_json(status: Status) -> dict[str, Any]:
    """The status as plain data."""
    return {
        "job": status.job,
        "table": status.table,
        "ledger": status.ledger,
        "files": dict(status.files),
        "rows": status.rows,
        "open_batches": [attrs.asdict(batch) for batch in status.batches],
        "lease": None if status.lease is None else {k: status.lease[k] for k in ("owner", "token", "expires_at_ms")},
        "runs": [{**attrs.asdict(run), "state": run_state(run, status.now_ms)} for run in status.runs],
    }


def as_text(status: Status, *, width: int | None) -> str:
    """The status for people."""
    parts = [f"{status.table}: {_files_line(status)}, {plural(status.rows, 'row')} (ledger {status.ledger})"]
    if status.lease is not None:
        parts.append(
            f"planning lease: held by {status.lease['owner']} until {utc(status.lease['expires_at_ms'] / 1000)}"
        )
    if status.batches:
        states = {run.run_id: run_state(run, status.now_ms) for run in status.runs}
        parts.append("Open batches\n" + _batches_table(status.batches, states, width))
    if status.runs:
        parts.append("Last runs\n" + _runs_table(status, width))
    else:
        parts.append(f"No run yet: alur run {status.job}")
    return "\n\n".join(parts)


def _files_line(status: Status) -> str:
    total = plural(sum(status.files.values()), "file")
    if not status.files:
        return total
    return f"{total} ({', '.join(f'{count:,} {name}' for name, count in status.files.items())})"


def _batches_table(batches: Sequence[BatchItem], states: Mapping[str, str], width: int | None) -> str:
    rows = [
        (b.seq, str(b.status), f"{b.files:,}", b.owner, states.get(b.owner, "not among the last"), str(b.attempt))
        for b in batches
    ]
    headers = ("batch", "status", "files", "owner", "its run", "attempt")
    return table_text(headers, rows, frozenset({"files", "attempt"}), width=width)


def _runs_table(status: Status, width: int | None) -> str:
    rows = [
        (
            utc(run.started_at),
            run.run_id,
            run_state(run, status.now_ms),
            "-" if run.exit_code is None else str(run.exit_code),
            "-" if run.finished_at is None else f"{run.finished_at - run.started_at:,} s",
            run.glue_run_id or "-",
        )
        for run in status.runs
    ]
    headers = ("started", "run", "outcome", "exit", "took", "glue run")
    return table_text(headers, rows, frozenset({"exit", "took"}), width=width)
