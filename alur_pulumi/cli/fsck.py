"""What `alur fsck` shows: what was found, what was done about it, and what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import click

from alur_pulumi.cli.aws import connect
from alur_pulumi.cli.commands import explained
from alur_pulumi.cli.show import plural, print_json, table_text, width
from alur_runtime.fsck.find import Checked, check
from alur_runtime.fsck.finding import How
from alur_runtime.fsck.gather import gather
from alur_runtime.fsck.repair import acts_of, repair

if TYPE_CHECKING:
    from alur_runtime.aws import Clients
    from alur_runtime.config import JobConfig


@attrs.frozen(kw_only=True)
class FsckOptions:
    """How to check.

    Attributes:
        repair: Whether to put right what can be.
        accept_loss: Whether what cannot be had again is written off.
        rows: Whether the rows of each file are counted in every object.
    """

    repair: bool = False
    accept_loss: bool = False
    rows: bool = False


@attrs.frozen
class Result:
    """What came of it.

    Attributes:
        checked: The last look: after the repair, if there was one.
        found: How many findings there were before it.
        done: What the repair did, a sentence each.
    """

    checked: Checked
    found: int
    done: tuple[str, ...] = ()


def check_table(region: str | None, profile: str | None, *, job: str, options: FsckOptions, as_json: bool) -> int:
    """Check a job's table and, if that is asked for, repair it; print what came of it. Returns the exit code."""
    with explained():
        aws = connect(region, profile)
        config = aws.job(job).config
        result = check_and_repair(config, aws.clients(), options)
        if as_json:
            print_json(result_json(job, config.table.key, result))
        else:
            click.echo(result_text(config.table.key, result, options, job, width=width()))
    return 1 if result.checked.findings else 0


def check_and_repair(config: JobConfig, clients: Clients, options: FsckOptions) -> Result:
    """Check a table; repair it, if that is asked for and there is something to do, and check it again."""
    checked = check(gather(config, clients, rows=options.rows))
    found = len(checked.findings)
    if not options.repair or not acts_of(checked.findings, accept_loss=options.accept_loss):
        return Result(checked, found)
    done = repair(config, clients, accept_loss=options.accept_loss, rows=options.rows)
    return Result(check(gather(config, clients, rows=options.rows)), found, tuple(done))


def result_json(job: str, table: str, result: Result) -> dict[str, Any]:
    """The result as plain data."""
    checked = result.checked
    return {
        "job": job,
        "table": table,
        "clean": not checked.findings,
        "findings": [finding.as_data() for finding in checked.findings],
        "found": result.found,
        "done": list(result.done),
        "checked": {"files": checked.files, "objects": checked.objects},
        "left_out": {"files": checked.files_left_out, "objects": checked.objects_left_out},
    }


def result_text(table: str, result: Result, options: FsckOptions, job: str, *, width: int | None) -> str:
    """The result for people."""
    checked = result.checked
    parts = list(result.done)
    if checked.findings:
        rows = [(f.kind.value, f.what, f.repair) for f in checked.findings]
        parts.append(table_text(("kind", "what", "what can be done"), rows, width=width))
    line = f"{table}: {plural(len(checked.findings), 'finding')}"
    if result.done:
        line += f" left of {result.found:,}"
    line += f" in {plural(checked.files, 'file')} and {plural(checked.objects, 'object')}"
    if checked.files_left_out or checked.objects_left_out:
        line += (
            f"; {plural(checked.files_left_out, 'file')} and {plural(checked.objects_left_out, 'object')} of open "
            "batches were left out"
        )
    parts.append(line)
    parts += [hint] if (hint := _hint(result, options, job)) else []
    return "\n".join(parts)


def _hint(result: Result, options: FsckOptions, job: str) -> str:
    """The next step, if there is one."""
    hows = {finding.how for finding in result.checked.findings}
    if How.REPAIR in hows and not options.repair:
        return f"Nothing was changed: alur fsck {job} --repair"
    if How.ACCEPT in hows and not options.accept_loss:
        return f"What is lost for good has to be accepted by a person: alur fsck {job} --repair --accept-loss"
    if How.RUN in hows or result.done:
        return f"The next run does the rest: alur run {job}"
    return ""
