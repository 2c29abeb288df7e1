"""The `alur` command line. Nothing of AWS, Pulumi or rich is imported before a command needs it."""

from __future__ import annotations

from typing import Any

import click

from alur_pulumi.cli.errors import WrongJobError
from alur_pulumi.errors import AlurError

_EPILOG = "Region, profile and endpoint are taken from the standard AWS environment."
_RUNS_SHOWN = 10


class _Group(click.Group):
    """Turns the errors that alur can explain into one line, and exit code 1 or, for a wrong job, 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except AlurError as error:
            kind = click.UsageError if isinstance(error, WrongJobError) else click.ClickException
            raise kind(str(error)) from error


class _TroubleError(click.ClickException):
    """What kept a command from its work whose exit code 1 tells what it has found."""

    exit_code = 2


@click.group(cls=_Group, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="alur-pulumi", prog_name="alur")
@click.option("--region", metavar="REGION", help="AWS region, instead of the environment's.")
@click.option("--profile", metavar="NAME", help="AWS profile, instead of the environment's.")
@click.pass_context
def cli(ctx: click.Context, region: str | None, profile: str | None) -> None:
    """Run alur's ingestion jobs, and ask the ledger what happened to every file.

    JOB is the name of the Glue job that an IngestionJob made (its output `job_name`).
    """
    ctx.obj = (region, profile)


_json = click.option("--json", "json_", is_flag=True, help="Print one JSON document, for programs.")


@cli.command()
@click.argument("job")
@click.option("--wait/--no-wait", default=True, help="Follow the run to its end (default), or only start it.")
@_json
@click.pass_obj
def run(place: tuple[str | None, str | None], job: str, *, wait: bool, json_: bool) -> None:
    """Start JOB, follow it, and print its report.

    Exit code 0: the run did all that it was to do. 1: it did not, or could not be started. 2: there is no such job.
    130: interrupted; the run goes on.
    """
    from alur_pulumi.cli.commands import run_job

    raise SystemExit(run_job(*place, job=job, wait=wait, as_json=json_))


@cli.command()
@click.argument("job")
@click.option("--runs", "limit", default=_RUNS_SHOWN, show_default=True, type=click.IntRange(1), help="Runs to show.")
@_json
@click.pass_obj
def status(place: tuple[str | None, str | None], job: str, *, limit: int, json_: bool) -> None:
    """Show the last runs of JOB's table, its files by status, and what is going on."""
    from alur_pulumi.cli.commands import show_status

    show_status(*place, job=job, limit=limit, as_json=json_)


@cli.command()
@click.argument("job")
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice(["completed", "failed", "processing"]),
    help="Only files of this status; may be given more than once.",
)
@click.option("--match", metavar="GLOB", help="Only files whose URI, or its end after a slash, matches.")
@click.option("--limit", default=200, show_default=True, type=click.IntRange(1), help="Most files to show as a table.")
@_json
@click.pass_obj
def files(
    place: tuple[str | None, str | None],
    job: str,
    *,
    statuses: tuple[str, ...],
    match: str | None,
    limit: int,
    json_: bool,
) -> None:
    """Show what the ledger says of each file of JOB's table.

    A file that an open batch holds is shown as processing. --json prints every file that is asked for.
    """
    from alur_pulumi.cli.commands import show_files

    show_files(*place, job=job, statuses=statuses, match=match, limit=limit, as_json=json_)


@cli.command()
@click.argument("job")
@click.option("--run", "run_", metavar="RUN", help="Only files that this run decided (its id in `alur status`).")
@click.option("--match", metavar="GLOB", help="Only files whose URI, or its end after a slash, matches.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="Most rows to show as a table.")
@click.option("--show-values", is_flag=True, help="Show the values too: they are the files' own data.")
@_json
@click.pass_obj
def quarantine(
    place: tuple[str | None, str | None],
    job: str,
    *,
    run_: str | None,
    match: str | None,
    limit: int,
    show_values: bool,
    json_: bool,
) -> None:
    """Show the bad rows of JOB's completed files: where each is, and what is wrong with it.

    Of a file that came in several versions, those of the current one. Values are masked unless --show-values is given.
    --json prints every row that is asked for, and with --show-values its whole record.
    """
    from alur_pulumi.cli.commands import show_quarantine

    show_quarantine(*place, job=job, run=run_, match=match, limit=limit, show_values=show_values, as_json=json_)


@cli.command()
@click.argument("job")
@click.argument("uris", metavar="[URI]...", nargs=-1)
@click.option("--match", metavar="GLOB", help="Only files whose URI, or its end after a slash, matches.")
@click.option("--reason", "reasons", metavar="CODE", multiple=True, help="Only files that failed for this reason.")
@click.option("--all", "all_", is_flag=True, help="Every failed file.")
@_json
@click.pass_obj
def retry(
    place: tuple[str | None, str | None],
    job: str,
    *,
    uris: tuple[str, ...],
    match: str | None,
    reasons: tuple[str, ...],
    all_: bool,
    json_: bool,
) -> None:
    """Have the next run try failed files again: when what failed them lay outside of them and of the job.

    A file that is landed anew, or a job that is deployed with other code, needs no such word.

    Exit code 0: all that were named will be tried. 1: one that was named has not failed.
    """
    from alur_pulumi.cli.retry import retry_files

    if not (uris or match or reasons or all_):
        raise click.UsageError("name files, or say --match, --reason or --all")
    raise SystemExit(retry_files(*place, job=job, uris=uris, match=match, reasons=reasons, as_json=json_))


@cli.command()
@click.argument("job")
@click.option("--repair", is_flag=True, help="Put right what can be, by the protocol that runs go by.")
@click.option("--accept-loss", is_flag=True, help="With --repair: write off what cannot be had again.")
@click.option("--rows", is_flag=True, help="Count the rows of each file in every object.")
@_json
@click.pass_obj
def fsck(
    place: tuple[str | None, str | None], job: str, *, repair: bool, accept_loss: bool, rows: bool, json_: bool
) -> None:
    """Hold ledger, manifests, objects and catalog of JOB's table against one another.

    Without --repair nothing is changed. What open batches hold is left out, so that runs need not be stopped.

    Exit code 0: all is right. 1: something is not, or was left after the repair. 2: the check could not be made.
    """
    from alur_pulumi.cli.fsck import FsckOptions, check_table

    if accept_loss and not repair:
        raise click.UsageError("--accept-loss does nothing without --repair")
    options = FsckOptions(repair=repair, accept_loss=accept_loss, rows=rows)
    try:
        code = check_table(*place, job=job, options=options, as_json=json_)
    except (click.UsageError, WrongJobError):
        raise
    except (click.ClickException, AlurError) as error:
        raise _TroubleError(str(error)) from error
    raise SystemExit(code)


@cli.command()
@click.argument("job")
@click.option(
    "--keep-days",
    default=30,
    show_default=True,
    type=click.IntRange(8),
    help="How long an artifact stays that no job names; longer than the longest run (7 days).",
)
@click.option("--apply", "apply_", is_flag=True, help="Do it; without this nothing is changed.")
@_json
@click.pass_obj
def prune(place: tuple[str | None, str | None], job: str, *, keep_days: int, apply_: bool, json_: bool) -> None:
    """Remove code and configurations of old deployments, where JOB's are, that no job has named for long enough.

    The first call marks what no job of the region names; a later one, after --keep-days, deletes it.
    """
    from alur_pulumi.cli.prune import prune as prune_artifacts

    prune_artifacts(*place, job=job, keep_days=keep_days, apply=apply_, as_json=json_)


@cli.command()
@click.argument("job")
@click.option("--apply", "apply_", is_flag=True, help="Write it; without this nothing is changed.")
@click.option("--all", "all_", is_flag=True, help="Go by all manifests, not only by those since the last batches.")
@_json
@click.pass_obj
def rebuild(place: tuple[str | None, str | None], job: str, *, apply_: bool, all_: bool, json_: bool) -> None:
    """Make the ledger of JOB's table what S3 proves: after it was restored from a backup, or lost.

    Stop the job's trigger first. Runs refuse such a ledger until this has been done.

    Exit code 0: the ledger lacks nothing, or what it lacked was written. 1: it lacks something, and nothing was
    changed. 2: it could not be done.
    """
    from alur_pulumi.cli.rebuild import rebuild_ledger

    try:
        code = rebuild_ledger(*place, job=job, apply=apply_, everything=all_, as_json=json_)
    except (click.UsageError, WrongJobError):
        raise
    except (click.ClickException, AlurError) as error:
        raise _TroubleError(str(error)) from error
    raise SystemExit(code)


def main() -> None:
    """Run the command line; the console script's entry."""
    cli.main(prog_name="alur")
