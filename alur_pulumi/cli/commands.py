"""What each command does: ask AWS through `cli.aws`, hand the answers to pure functions, print what they say."""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING, Any

import click

from alur_pulumi.cli import files as files_view
from alur_pulumi.cli import quarantine as quarantine_view
from alur_pulumi.cli import status as status_view
from alur_pulumi.cli.aws import Aws, Job, connect, translated
from alur_pulumi.cli.follow import Ended, follow, run_of, without_report
from alur_pulumi.cli.follow import as_json as ended_json
from alur_pulumi.cli.show import print_json, width
from alur_runtime.config import structure
from alur_runtime.errors import AlurError as RuntimeAlurError
from alur_runtime.model import BatchPlan
from alur_runtime.report import render_text, report_from_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alur_pulumi.cli.aws import GlueRun
    from alur_runtime.ledger.ledger import Ledger
    from alur_runtime.model import BatchItem

_INTERRUPTED = 130  # the shell's code for a program ended by Ctrl-C
_RUNS_SEARCHED = 50  # a run that has just ended is among the newest


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Let errors of boto3 and of the runtime end as one line."""
    try:
        with translated():
            yield
    except RuntimeAlurError as error:
        raise click.ClickException(str(error)) from error


def run_job(region: str | None, profile: str | None, *, job: str, wait: bool, as_json: bool) -> int:
    """Start a job; with `wait`, follow it and print its report. Returns the exit code."""
    with explained():
        aws = connect(region, profile)
        found = aws.job(job)
        run_id = aws.start(job)
        if not wait:
            if as_json:
                print_json({"job": job, "job_run_id": run_id})
            else:
                click.echo(f"{run_id}: started; alur status {job}")
            return 0
        _progress(f"{run_id}: started")
        began = time.monotonic()
        try:
            glue_run = follow(
                lambda: aws.glue_run(job, run_id),
                time.sleep,
                lambda run: _tell(run, time.monotonic() - began),
            )
        except KeyboardInterrupt:
            _progress(f"{run_id}: goes on without you watching; alur status {job}")
            return _INTERRUPTED
        ended, raw = _ended(aws, found, glue_run)
        if as_json:
            print_json(ended_json(ended, job, raw))
        elif ended.report is None:
            click.echo(without_report(ended, job, found.max_retries))
        else:
            click.echo(render_text(ended.report))
        return ended.exit_code


def show_status(region: str | None, profile: str | None, *, job: str, limit: int, as_json: bool) -> None:
    """Print the state of a job's table."""
    with explained():
        aws = connect(region, profile)
        found = aws.job(job)
        ledger = aws.ledger(found.config)
        now_ms = int(time.time() * 1000)
        lease = status_view.held_lease(ledger.lease(), now_ms)
        runs = tuple(ledger.runs(limit))
        open_plans = _open_plans(aws, ledger)
        counts, rows = status_view.count_files(files_view.file_rows(ledger.files(), open_plans))
        status = status_view.Status(
            job=job,
            table=found.config.table.key,
            ledger=found.config.ledger.table,
            files=counts,
            rows=rows,
            batches=[batch for batch, _ in open_plans],
            runs=runs,
            lease=lease,
            now_ms=now_ms,
        )
        if as_json:
            print_json(status_view.as_json(status))
        else:
            click.echo(status_view.as_text(status, width=width()))


def show_files(
    region: str | None,
    profile: str | None,
    *,
    job: str,
    statuses: tuple[str, ...],
    match: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Print what the ledger says of each file."""
    with explained():
        aws = connect(region, profile)
        found = aws.job(job)
        ledger = aws.ledger(found.config)
        open_plans = _open_plans(aws, ledger)  # before the files: see `file_rows`
        rows = files_view.select(files_view.file_rows(ledger.files(), open_plans), statuses, match)
        if as_json:
            print_json(files_view.as_json(job, found.config.table.key, rows))
        else:
            click.echo(files_view.as_text(found.config.table.key, rows, limit, width=width()))


def show_quarantine(
    region: str | None,
    profile: str | None,
    *,
    job: str,
    run: str | None,
    match: str | None,
    limit: int,
    show_values: bool,
    as_json: bool,
) -> None:
    """Print the bad rows that were kept out of a job's table."""
    with explained():
        aws = connect(region, profile)
        found = aws.job(job)
        table = found.config.table
        items = (item for item in aws.ledger(found.config).files() if files_view.matches(item.uri, match))
        objects = quarantine_view.quarantined(items, run)
        records = (
            record
            for key, versions in sorted(objects.items())
            for record in quarantine_view.bad_records(aws.lines(table.quarantine + key, "quarantine"), versions)
        )
        if as_json:
            print_json(quarantine_view.as_json(job, table.key, records, show_values=show_values))
        else:
            click.echo(quarantine_view.as_text(table.key, records, limit, show_values=show_values, width=width()))


def _open_plans(aws: Aws, ledger: Ledger) -> list[tuple[BatchItem, BatchPlan]]:
    batches = ledger.open_batches()
    return [(b, structure(json.loads(aws.read(b.plan_uri, "plan of a batch")), BatchPlan)) for b in batches]


def _ended(aws: Aws, job: Job, glue_run: GlueRun) -> tuple[Ended, Any]:
    run = run_of(aws.ledger(job.config).runs(_RUNS_SEARCHED), glue_run.id)
    if run is None or not run.report_uri:
        return Ended(glue_run, run, None), None
    body = aws.read(run.report_uri, "run report")
    return Ended(glue_run, run, report_from_json(body)), json.loads(body)


def _tell(run: GlueRun, seconds: float) -> None:
    _progress(f"{run.id}: {run.state} after {seconds:.0f} s")


def _progress(line: str) -> None:
    """To stderr, so that what is piped on is the report alone."""
    click.echo(line, err=True)
