"""What `alur rebuild` shows: what the ledger lacks by what S3 proves, and whether it was written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from alur_pulumi.cli.aws import connect
from alur_pulumi.cli.commands import explained
from alur_pulumi.cli.show import plural, print_json, table_text, width
from alur_runtime.model import BatchStatus
from alur_runtime.rebuild.apply import Rebuild, rebuild

if TYPE_CHECKING:
    from alur_runtime.rebuild.replay import Move

_SHOWN: Final = 20  # batches, and files, of a table
_NEXT: Final = {
    BatchStatus.COMPLETED: "all of it is visible: closed",
    BatchStatus.COMMITTED: "was committed: the next run finishes it",
    BatchStatus.PROCESSING: "takes itself back: the next run goes on with it",
    BatchStatus.FAILED: "nothing shows that it was committed: the next run plans its files again",
}


def rebuild_ledger(
    region: str | None, profile: str | None, *, job: str, apply: bool, everything: bool, as_json: bool
) -> int:
    """Say what a job's ledger lacks, write it if that is asked for, and print it. Returns the exit code."""
    with explained():
        aws = connect(region, profile)
        found = rebuild(aws.job(job).config, aws.clients(), apply=apply, everything=everything)
        if as_json:
            print_json(rebuild_json(job, found))
        else:
            click.echo(rebuild_text(job, found, width=width()))
    return 1 if found.replay.needed and not found.applied else 0


def rebuild_json(job: str, found: Rebuild) -> dict[str, Any]:
    """What was found as plain data."""
    lacks = found.replay
    return {
        "job": job,
        "table": found.table,
        "needed": lacks.needed,
        "applied": found.applied,
        "token": {"ledger": found.evidence.token, "wanted": lacks.token},
        "alive": list(found.evidence.alive),
        "commits": {"finished": lacks.finished, "not_committed": list(lacks.not_committed)},
        "files": [{"uri": f.uri, "status": f.status, "etag": f.etag, "batch": f.batch_seq} for f in lacks.files],
        "batches": [
            {"seq": m.after.seq, "before": m.before and m.before.status, "after": m.after.status, "why": _why(m)}
            for m in lacks.moves
        ],
        "uploads": len(lacks.aborts) if lacks.needed else 0,
    }


def rebuild_text(job: str, found: Rebuild, *, width: int | None) -> str:
    """What was found, for people."""
    lacks, evidence = found.replay, found.evidence
    read = (
        f"{plural(sum(map(len, evidence.commits.values())), 'commit manifest')}, {lacks.finished:,} proven and finished"
    )
    if not lacks.needed:
        return f"{found.table}: the ledger lacks nothing that S3 shows ({read})"
    parts = []
    if lacks.moves:
        rows = [(m.after.seq, m.before.status if m.before else "unknown", m.after.status, _why(m)) for m in lacks.moves]
        headers = ("batch", "in the ledger", "becomes", "because")
        parts.append(_cut(table_text(headers, rows[:_SHOWN], width=width), len(rows)))
    if lacks.files:
        files = [(f.uri, f.status, f.batch_seq) for f in lacks.files]
        parts.append(_cut(table_text(("file", "status", "batch"), files[:_SHOWN], width=width), len(files)))
    done = [
        plural(len(lacks.files), "file item"),
        plural(len(lacks.moves), "batch"),
        f"{plural(len(lacks.aborts), 'upload')} to abort",
        f"token {evidence.token:,} to {lacks.token:,}",
    ]
    parts.append(f"{found.table}: {', '.join(done)} ({read})")
    if found.applied:
        parts.append(f"Written. The next run goes on from there: alur run {job}")
    elif evidence.alive:
        parts.append(f"Run {evidence.alive[0]} is alive: stop the job's trigger, and wait until it has ended")
    else:
        parts.append(f"Nothing was changed: alur rebuild {job} --apply")
    return "\n".join(parts)


def _why(move: Move) -> str:
    return _NEXT[move.after.status]


def _cut(text: str, count: int) -> str:
    return text if count <= _SHOWN else f"{text}\n... and {count - _SHOWN:,} more: --json names all"
