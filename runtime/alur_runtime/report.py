"""The run report: what a run saw, did and left, with the counts that must add up. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

import attrs

from alur_runtime.config import structure, to_json
from alur_runtime.model import MET
from alur_runtime.reasons import Reason

FORMAT: Final = 1


@attrs.frozen(kw_only=True)
class FileReport:
    """What happened to one file, and why."""

    uri: str
    etag: str
    reason: str
    status: str
    rows_parsed: int = 0
    rows_written: int = 0
    rows_quarantined: int = 0
    rows_filtered: int = 0
    rows_added: int = 0
    quarantine: str = ""
    expectations: dict[str, str] = attrs.field(factory=dict)
    batch: str = ""
    held_by: str = ""
    error: str = ""


@attrs.frozen(kw_only=True)
class BatchReport:
    """What happened to one batch.

    Attributes:
        recovered: Empty for a batch of this run; else `adopted` or `rolled_forward`.
        outcome: completed, failed, fenced_off, or an error's reason.
    """

    seq: str
    attempt: int
    outcome: str
    files: int
    rows_written: int = 0
    rows_dropped: int = 0
    objects_written: int = 0
    objects_rewritten: int = 0
    objects_deleted: int = 0
    recovered: str = ""
    recovered_from: str = ""
    error: str = ""


@attrs.frozen(kw_only=True)
class RunReport:
    """A run's report.

    Attributes:
        outcome: Reason code of the run.
        exit_code: 0 only when the run did all that it was to do.
        files_by_reason: Every listed file is in exactly one of these counts.
        files_pending: Listed files that are neither in the table nor refused, at the end of the run; None if the
            sources could not be listed.
        oldest_pending_at: When the oldest of them landed, in seconds since the epoch; None if there is none.
        passed_over: Keys that are no files of the sources, by reason.
        rows_parsed: Records of the completed files: parsed + added = written + quarantined + filtered.
        rows_filtered: Those that the transform left out.
        rows_added: Rows that the transform made of records beyond one each.
        rows_dropped: Old rows that replaced files had in the table.
        files: Those that were taken, and of the others as many as are worth showing.
        notes: How choices were made: engine, ledger read.
        timings: Seconds by phase.
    """

    run_id: str
    job: str
    table: str
    outcome: str
    exit_code: int
    started_at: int
    finished_at: int
    glue_run_id: str = ""
    runtime: str = ""
    listed: int = 0
    files_by_reason: dict[str, int] = attrs.field(factory=dict)
    files_pending: int | None = None
    oldest_pending_at: int | None = None
    passed_over: dict[str, int] = attrs.field(factory=dict)
    rows_parsed: int = 0
    rows_written: int = 0
    rows_quarantined: int = 0
    rows_filtered: int = 0
    rows_added: int = 0
    rows_dropped: int = 0
    files: tuple[FileReport, ...] = ()
    batches: tuple[BatchReport, ...] = ()
    notes: dict[str, str] = attrs.field(factory=dict)
    timings: dict[str, float] = attrs.field(factory=dict)
    aws_calls: dict[str, int] = attrs.field(factory=dict)
    error: str = ""
    remedy: str = ""
    format: int = FORMAT


def report_to_json(report: RunReport) -> bytes:
    """The report as JSON."""
    return to_json(report)


def report_from_json(body: bytes | str) -> RunReport:
    """Read a report.

    Raises:
        ConfigError: If it is of another form.
    """
    return structure(json.loads(body), RunReport)


def equations(report: RunReport) -> tuple[str, str]:
    """The reconciliation: listed = the sum of its reasons; parsed (+ added) = written + quarantined (+ filtered)."""
    reasons = " + ".join(f"{count:,} {reason}" for reason, count in sorted(report.files_by_reason.items()))
    files = f"{report.listed:,} listed = {reasons or '0'}"
    added = f" + {report.rows_added:,} added by the transform" if report.rows_added else ""
    filtered = f" + {report.rows_filtered:,} filtered by the transform" if report.rows_filtered else ""
    rows = (
        f"{report.rows_parsed:,} parsed{added} = "
        f"{report.rows_written:,} written + {report.rows_quarantined:,} quarantined{filtered}"
    )
    return files, rows


def reconciles(report: RunReport) -> bool:
    """Whether both equations hold."""
    return (
        report.listed == sum(report.files_by_reason.values())
        and report.rows_parsed + report.rows_added
        == report.rows_written + report.rows_quarantined + report.rows_filtered
    )


def render_text(report: RunReport, *, most_files: int = 50) -> str:
    """The report as text for a log or a terminal without colours.

    Args:
        report: What to show.
        most_files: Of how many files lines are shown; failed ones come first.
    """
    reason = Reason(report.outcome)
    files, rows = equations(report)
    lines = [
        f"alur run {report.run_id} of {report.job} into {report.table}: {report.outcome} (exit {report.exit_code})",
        f"  {reason.text.sentence}",
        f"  files  {files}",
        f"  rows   {rows}" + (f"; {report.rows_dropped:,} old rows dropped" if report.rows_dropped else ""),
    ]
    if report.passed_over:
        passed = ", ".join(f"{count:,} {reason}" for reason, count in sorted(report.passed_over.items()))
        lines.append(f"  keys that are no files of the sources: {passed}")
    if report.batches:
        lines += [
            "",
            *_table(("batch", "attempt", "outcome", "files", "rows", "objects", "recovered"), _batch_rows(report)),
        ]
    if report.files:
        ordered = sorted(report.files, key=lambda f: (f.status != "failed", f.status == "unchanged"))
        shown = ordered[:most_files]
        lines += ["", *_table(("file", "status", "reason", "parsed", "written", "quarantined"), _file_rows(shown))]
        if len(ordered) > most_files:
            lines.append(f"  ... and {len(ordered) - most_files:,} more in the JSON report")
        for file in shown:
            not_met = [(name, text) for name, text in file.expectations.items() if text != MET]
            lines += [f"  {file.uri}: expectation {name!r} is not met: {text}" for name, text in not_met]
            if file.error:
                lines += ["", f"  FAILED {file.error}", f"    what to do: {Reason(file.reason).text.remedy}"]
    lines.append("")
    lines += [f"  {name}: {note}" for name, note in report.notes.items()]
    lines.append("  seconds: " + ", ".join(f"{name} {seconds:.2f}" for name, seconds in report.timings.items()))
    lines.append(f"  AWS calls: {sum(report.aws_calls.values()):,}")
    if report.error:
        lines += ["", f"  ERROR {report.error}", f"    what to do: {report.remedy}"]
    return "\n".join(lines)


def _batch_rows(report: RunReport) -> Iterable[tuple[Any, ...]]:
    for batch in report.batches:
        objects = f"+{batch.objects_written} ~{batch.objects_rewritten} -{batch.objects_deleted}"
        origin = f"{batch.recovered} from {batch.recovered_from}" if batch.recovered else ""
        yield batch.seq, batch.attempt, batch.outcome, batch.files, batch.rows_written, objects, origin


def _file_rows(files: Iterable[FileReport]) -> Iterable[tuple[Any, ...]]:
    for file in files:
        held = f" (run {file.held_by})" if file.held_by else ""
        yield file.uri, file.status, file.reason + held, file.rows_parsed, file.rows_written, file.rows_quarantined


def _table(header: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> list[str]:
    """Aligned columns; numbers to the right."""
    cells = [header, *(tuple(f"{c:,}" if isinstance(c, int) else str(c) for c in row) for row in rows)]
    widths = [max(len(row[n]) for row in cells) for n in range(len(header))]
    return ["  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells]
