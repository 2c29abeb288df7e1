"""`alur prune`: code and configurations that no job names any more go, once nobody can still need them.

A lifecycle rule cannot do it: its age counts from the upload, and it knows neither what a job names nor since when
no job does. So an object that no job of the region names is marked, with a tag that holds the time, and goes when it
has been unnamed for long enough: longer than any run that was started with it, and than the time in which one would
go back to an older deployment. What is deleted is exactly the version that was looked at: should a deployment put the
same bytes there in the meantime, these are another version, and stay.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import attrs
import click
from botocore.exceptions import ClientError

from alur_pulumi.cli.aws import connect
from alur_pulumi.cli.commands import explained
from alur_pulumi.cli.show import plural, print_json, table_text, width
from alur_runtime.config import split_uri

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

MARK: Final = "alur-unused-since"
_FOLDER: Final = "artifacts/"


@attrs.frozen
class Artifact:
    """The current version of an object that jobs run.

    Attributes:
        key: ``_alur/artifacts/<name>/<digest>/<file>``.
        version: Its S3 version.
        uploaded: When it was put there last.
        unused_since: When it was first found that no job names it; None if it never was.
    """

    key: str
    version: str
    uploaded: dt.datetime
    unused_since: dt.datetime | None = None

    @property
    def name(self) -> str:
        """What it is a version of, such as ``orders_feed`` or ``config``."""
        return self.key.partition(_FOLDER)[2].partition("/")[0]


@attrs.frozen
class Verdict:
    """What becomes of an artifact, and why: ``keep``, ``mark``, ``unmark`` or ``delete``."""

    artifact: Artifact
    action: str
    reason: str


def judge(
    artifacts: Collection[Artifact], named: Collection[str], now: dt.datetime, keep: dt.timedelta
) -> list[Verdict]:
    """Decide about each artifact.

    Args:
        artifacts: All that are below one artifacts prefix.
        named: Keys that jobs name.
        now: The time.
        keep: For how long an artifact stays that no job names.
    """
    newest: dict[str, dt.datetime] = {}
    for one in artifacts:
        if one.key in named:
            newest[one.name] = max(one.uploaded, newest.get(one.name, one.uploaded))
    return [_verdict(one, named, newest.get(one.name), now, keep) for one in artifacts]


def _verdict(
    one: Artifact, named: Collection[str], newest: dt.datetime | None, now: dt.datetime, keep: dt.timedelta
) -> Verdict:
    if one.key in named:
        return Verdict(one, "keep" if one.unused_since is None else "unmark", "a job names it")
    if newest is None or one.uploaded >= newest:
        # The last deployment may have failed between the upload and the job: its next try uploads nothing again.
        return Verdict(one, "keep", "no job names a newer one: a deployment may be under way or have failed")
    if one.unused_since is None:
        return Verdict(one, "mark", "no job names it")
    left = one.unused_since + keep - now
    if left > dt.timedelta():
        return Verdict(one, "keep", f"no job names it; {plural(left.days + 1, 'day')} to go")
    return Verdict(one, "delete", f"no job has named it since {one.unused_since:%Y-%m-%d}")


def prune(region: str | None, profile: str | None, *, job: str, keep_days: int, apply: bool, as_json: bool) -> None:
    """Show, and with `apply` do, what becomes of the artifacts where the job's are."""
    with explained():
        aws = connect(region, profile)
        bucket, key = split_uri(aws.config_uri(job))
        prefix = key[: key.index(_FOLDER) + len(_FOLDER)]
        if aws.s3.get_bucket_versioning(Bucket=bucket).get("Status") != "Enabled":
            raise click.ClickException(
                f"bucket {bucket} keeps no versions, so that a deployment could lose what it puts while this deletes: "
                "turn versioning on"
            )
        start = f"s3://{bucket}/"
        named = {uri.removeprefix(start) for uri in aws.named_objects() if uri.startswith(start)}
        verdicts = judge(
            list(_artifacts(aws.s3, bucket, prefix)), named, dt.datetime.now(dt.UTC), dt.timedelta(keep_days)
        )
        if apply:
            for verdict in verdicts:
                _do(aws.s3, bucket, verdict)
    if as_json:
        print_json({"bucket": bucket, "applied": apply, "artifacts": [_shown(v) for v in verdicts]})
        return
    rows = [[v.action, v.artifact.key.removeprefix(prefix), v.reason] for v in verdicts if v.action != "keep"]
    if rows:
        click.echo(table_text(("", "artifact", "why"), rows, width=width()))
    counts = Counter(verdict.action for verdict in verdicts)
    done = ", ".join(f"{counts[action]} {action}" for action in ("keep", "mark", "unmark", "delete"))
    click.echo(f"{plural(len(verdicts), 'artifact')} in {start}{prefix}: {done}")
    if rows and not apply:
        click.echo("Nothing was changed: --apply does it.")


def _artifacts(s3: Any, bucket: str, prefix: str) -> Iterator[Artifact]:
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        for found in page.get("Versions", []):
            # Older versions are the bucket's own rule to expire; a deleted object has none that is the latest.
            if found["IsLatest"]:
                since = _marked(s3, bucket, found["Key"], found["VersionId"])
                yield Artifact(found["Key"], found["VersionId"], found["LastModified"], since)


def _marked(s3: Any, bucket: str, key: str, version: str) -> dt.datetime | None:
    tags = s3.get_object_tagging(Bucket=bucket, Key=key, VersionId=version)["TagSet"]
    return next((dt.datetime.fromisoformat(tag["Value"]) for tag in tags if tag["Key"] == MARK), None)


def _do(s3: Any, bucket: str, verdict: Verdict) -> None:
    place = {"Bucket": bucket, "Key": verdict.artifact.key, "VersionId": verdict.artifact.version}
    match verdict.action:
        case "mark":
            since = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
            _with_tags(s3, place, [{"Key": MARK, "Value": since}])
        case "unmark":
            _with_tags(s3, place, [])
        case "delete":
            s3.delete_object(**place)
        case _:
            pass


def _with_tags(s3: Any, place: dict[str, str], own: Iterable[dict[str, str]]) -> None:
    """Set our tag, or take it off; a company's own tags stay."""
    others = [tag for tag in s3.get_object_tagging(**place)["TagSet"] if tag["Key"] != MARK]
    try:
        s3.put_object_tagging(**place, Tagging={"TagSet": [*others, *own]})
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "NoSuchVersion":
            raise


def _shown(verdict: Verdict) -> dict[str, object]:
    one = verdict.artifact
    since = one.unused_since.isoformat() if one.unused_since else None
    return {"key": one.key, "action": verdict.action, "reason": verdict.reason, "unused_since": since}
