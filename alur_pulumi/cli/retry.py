"""`alur retry`: files that failed are tried again by the next run, though neither they nor the job have changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from alur_pulumi.cli.aws import connect
from alur_pulumi.cli.commands import explained
from alur_pulumi.cli.files import matches
from alur_pulumi.cli.show import plural, print_json
from alur_runtime.model import FileItem, FileStatus
from alur_runtime.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable


def chosen(
    items: Iterable[FileItem], uris: tuple[str, ...], match: str | None, reasons: tuple[str, ...]
) -> list[FileItem]:
    """The failed files that are asked for. What on_change=fail refused is none: another policy has to take it."""
    return [
        item
        for item in items
        if item.status is FileStatus.FAILED
        and item.reason != Reason.CHANGED_REFUSED.value
        and (not uris or item.uri in uris)
        and matches(item.uri, match)
        and (not reasons or item.reason in reasons)
    ]


def retry_files(
    region: str | None,
    profile: str | None,
    *,
    job: str,
    uris: tuple[str, ...],
    match: str | None,
    reasons: tuple[str, ...],
    as_json: bool,
) -> int:
    """Mark failed files so that the next run takes them; the exit code is 1 if one that was named has not failed."""
    with explained():
        aws = connect(region, profile)
        ledger = aws.ledger(aws.job(job).config)
        marked = [item.uri for item in chosen(ledger.files(), uris, match, reasons) if ledger.try_again(item)]
    missing = [uri for uri in uris if uri not in marked]
    if as_json:
        print_json({"job": job, "retried": marked, "not_failed": missing})
        return 1 if missing else 0
    for uri in marked:
        click.echo(uri)
    click.echo(f"{plural(len(marked), 'file')} will be tried again by the next run: alur run {job}")
    for uri in missing:
        click.echo(f"{uri}: has not failed, or is being worked on; see: alur files {job}", err=True)
    return 1 if missing else 0
