"""Following a job run to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from alur_pulumi.cli.aws import GlueRun
    from alur_runtime.model import RunItem
    from alur_runtime.report import RunReport

SUCCEEDED: Final = "SUCCEEDED"
_ENDED: Final = frozenset({SUCCEEDED, "FAILED", "STOPPED", "TIMEOUT", "ERROR", "EXPIRED"})
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0


@attrs.frozen
class Ended:
    """A run that has ended: what Glue says of it, and what the run itself wrote, where it came that far."""

    glue: GlueRun
    run: RunItem | None
    report: RunReport | None

    @property
    def exit_code(self) -> int:
        """0 only where Glue and the run agree that all was done."""
        done = self.glue.state == SUCCEEDED and self.run is not None and self.run.exit_code == 0
        return 0 if done else 1


def pauses() -> Iterator[float]:
    """Seconds to wait between two looks: short for local runs, and no load on AWS for long ones."""
    pause = _FIRST_PAUSE
    while True:
        yield pause
        pause = min(pause * 1.5, _LONGEST_PAUSE)


def follow(look: Callable[[], GlueRun], sleep: Callable[[float], None], tell: Callable[[GlueRun], None]) -> GlueRun:
    """Look at a run until it has ended; each change of its state is told.

    Args:
        look: Fetches how it stands.
        sleep: Waits.
        tell: Called with each state that differs from the one before.
    """
    last = ""
    waits = pauses()
    while True:
        run = look()
        if run.state != last:
            tell(run)
            last = run.state
        if run.state in _ENDED:
            return run
        sleep(next(waits))


def run_of(runs: Iterable[RunItem], glue_run_id: str) -> RunItem | None:
    """The newest of the runs (newest first) that this Glue run started."""
    return next((run for run in runs if run.glue_run_id == glue_run_id), None)


def without_report(ended: Ended, job: str, max_retries: int) -> str:
    """What is to be said of a run that left no report."""
    lines = [f"{ended.glue.id}: {ended.glue.state}" + (f": {ended.glue.error}" if ended.glue.error else "")]
    if ended.run is None:
        lines.append("The run left no item in the ledger: it did not come so far as to start. See the job's log.")
    elif ended.run.finished_at is None:
        lines.append(
            f"Run {ended.run.run_id} ended without a word. Nothing uncommitted is visible; "
            f"the next run takes its batches over: alur run {job}"
        )
    else:
        lines.append(f"Run {ended.run.run_id}: {ended.run.outcome}, and wrote no report.")
    if max_retries and ended.glue.state != SUCCEEDED:
        lines.append(f"Glue may start it again (max_retries is {max_retries}): alur status {job}")
    return "\n".join(lines)


def as_json(ended: Ended, job: str, report: Any) -> dict[str, Any]:
    """An ended run as plain data."""
    return {
        "job": job,
        "job_run_id": ended.glue.id,
        "state": ended.glue.state,
        "error": ended.glue.error or None,
        "run_id": None if ended.run is None else ended.run.run_id,
        "outcome": None if ended.run is None else ended.run.outcome or None,
        "exit_code": ended.exit_code,
        "report": report,
    }
