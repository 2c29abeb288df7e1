"""What a deployment changes when nothing has changed, when one byte has, and when it fails: ``make drift``.

Two jobs share a ledger, a bucket and the runtime's wheels; one of them has code of the user's. They are deployed again
and again, from machines that differ. Each case says what is expected and what was found.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import attrs
import pulumi

import alur_pulumi as alur
from alur_pulumi import artifacts
from alur_pulumi.cli.prune import MARK, prune
from alur_pulumi.cli.show import plural
from alur_pulumi.local.deployment import Deployment, Summary
from alur_pulumi.local.emulator import Emulator
from alur_pulumi.local.errors import DeploymentError
from alur_pulumi.local.stack import LocalStack, open_stack
from alur_pulumi.pulumi_cli import NoPulumiCli, find_pulumi_cli
from benchmarks import drift_content as content
from benchmarks.scene import table_text

OBJECT = "BucketObjectv2"


@alur.contract()
class Lines:
    """Rows of no meaning."""

    id: int
    text: str | None


@attrs.frozen
class Case:
    """What was tried, what had to come of it and what did."""

    name: str
    expected: str
    found: str

    @property
    def wrong(self) -> bool:
        """Whether it came out otherwise."""
        return self.expected != self.found


@attrs.define
class Program:
    """The program, as it is edited between deployments."""

    code: Path
    jobs: tuple[str, ...] = ("orders", "returns")
    with_code: tuple[str, ...] = ("orders",)
    settings: alur.Settings = attrs.field(factory=alur.Settings)
    artifacts_bucket: str | None = None

    def __call__(self) -> None:
        """Declare the resources."""
        state = alur.StateTable("state", alur.StateTableArgs(deletion_protection=False))
        first: alur.BronzeTable | None = None
        for name in ("orders", "returns"):
            args: dict[str, Any] = {"contract": Lines, "table_name": name, "on_destroy": alur.OnDestroy.DELETE}
            if first is not None:
                args |= {"existing_bucket": first.bucket_name, "existing_database": first.database_name}
            table = alur.BronzeTable(name, alur.BronzeTableArgs(**args))
            first = first or table
            if name in self.jobs:
                self._job(name, table, state)
        assert first is not None
        pulumi.export("bucket", first.bucket_name)

    def _job(self, name: str, table: alur.BronzeTable, state: alur.StateTable) -> None:
        args: dict[str, Any] = {"code": self.code} if name in self.with_code else {}
        job = alur.IngestionJob(
            name,
            alur.IngestionJobArgs(
                table=table,
                state=state,
                sources=[alur.Source(name=name, prefix=f"{name}/")],
                landing_on_destroy=alur.OnDestroy.DELETE,
                settings=self.settings if name == "orders" else alur.Settings(),
                artifacts_bucket=self.artifacts_bucket,
                **args,
            ),
        )
        pulumi.export(name, job.job_name)


@attrs.define
class Place:
    """The stack, the code of the user in a git repository, and what is in S3."""

    emulator: Emulator
    program: Program
    stack: Deployment
    folder: Path
    cases: list[Case] = attrs.field(factory=list)

    def add(self, name: str, expected: str, found: str) -> None:
        """Keep a case, and say it as it comes."""
        self.cases.append(Case(name, expected, found))
        print(f"{'WRONG' if self.cases[-1].wrong else 'ok':5}  {name}: {found}", flush=True)

    def keys(self) -> set[str]:
        """The keys of all artifacts."""
        bucket = self.stack.outputs()["bucket"]
        pages = self.emulator.client("s3").get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=bucket, Prefix=artifacts.PREFIX)
        return {item["Key"] for page in found for item in page.get("Contents", [])}

    def named(self, job: str = "orders") -> set[str]:
        """The keys that a job names."""
        found = self.emulator.client("glue").get_job(JobName=self.stack.outputs()[job])["Job"]
        arguments = found["DefaultArguments"]
        uris = [
            *arguments["--extra-py-files"].split(","),
            arguments["--alur_config"],
            found["Command"]["ScriptLocation"],
        ]
        return {uri.split("/", 3)[3] for uri in uris}

    def readable(self, job: str = "orders") -> str:
        """Whether a job's role may read what the job names: a run reads all of that before it does anything else."""
        run = self.emulator.run_job(self.stack.outputs()[job])
        return "reads what the job names" if run["JobRunState"] == "SUCCEEDED" else f"does not: {run['ErrorMessage']}"

    def deployed(self) -> str:
        """Deploy, and say what that was."""
        before = self.keys()
        summary = self.stack.up()
        return told(summary, len(self.keys() - before))

    def git(self, *arguments: str) -> None:
        """Do something in the repository of the user's code."""
        who = ["-c", "user.name=a", "-c", "user.email=a@b.invalid", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *arguments], cwd=self.folder / "repository", check=True, capture_output=True)


def told(summary: Summary, new: int) -> str:
    """What a deployment changed, such as ``1 new object, 1 job update``."""
    jobs = [item for item in summary.changes if item.type.endswith(":Job")]
    others = [item for item in summary.changes if not item.type.endswith((":Job", f":{OBJECT}"))]
    parts = [plural(new, "new object")] if new else []
    parts += [plural(len(jobs), f"job {'/'.join(sorted({item.operation for item in jobs}))}")] if jobs else []
    parts += [f"{len(others)} of other kinds"] if others else []
    return ", ".join(parts) or "nothing"


def contents(place: Place) -> None:
    """The same content on other machines."""
    for name, make in content.MACHINES.items():
        for source in (content.FEED, content.RUNTIME):
            with tempfile.TemporaryDirectory() as folder:
                place.add(f"{source.name}: {name}", "same key", content.same_folder(source, make, Path(folder)))
    for version, python in content.pythons():
        with tempfile.TemporaryDirectory() as folder:
            place.add(f"all wheels: Python {version}", "same keys", content.by_another_python(python, Path(folder)))


def no_change(place: Place) -> None:
    """Deployments after the first."""
    place.stack.up()
    place.add("deployed again", "nothing", place.deployed())
    here = place.program.code
    for name, make in content.MACHINES.items():
        with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, XDG_CACHE_HOME=f"{folder}/cache"):
            place.program.code = make(here, Path(folder))
            place.add(f"deployed from another machine: {name}", "nothing", place.deployed())
    place.program.code = here


def one_byte(place: Place) -> None:
    """One byte of each thing that a job runs."""
    transform = place.program.code / "transform.py"
    first = place.named()
    place.git("add", "-A")
    place.git("commit", "-q", "-m", "first")
    with transform.open("ab") as file:
        file.write(b"#")
    if isinstance(place.stack, LocalStack):
        place.add("preview says which version goes to which", "old and new key", _previewed(place.stack, first))
    place.add("one byte of the user's code", "1 new object, 1 job update", place.deployed())
    place.git("commit", "-q", "-a", "-m", "second")
    second = place.named()
    place.add("the older object", "there", "there" if first <= place.keys() else "gone")

    place.program.settings = alur.Settings(threads=3)
    place.add("one byte of a job's configuration", "1 new object, 1 job update", place.deployed())
    place.program.settings = alur.Settings()
    place.add("the configuration put back", "1 job update", place.deployed())
    with mock.patch.object(artifacts, "SCRIPT", artifacts.SCRIPT + "#"):
        place.add("one byte of the script", "1 new object, 2 job updates", place.deployed())
    with tempfile.TemporaryDirectory() as folder, _changed_runtime(Path(folder)):
        place.add("one byte of the runtime", "1 new object, 2 job updates", place.deployed())
    place.add("runtime and script put back", "2 job updates", place.deployed())

    place.git("checkout", "-q", "HEAD~1")
    place.add("git checkout of the first revision", "1 job update", place.deployed())
    place.add("the keys it names", "those of the first", "those of the first" if place.named() == first else "others")
    place.git("checkout", "-q", "-")
    place.add("git checkout of the second", "1 job update", place.deployed())
    place.add(
        "the keys it names then", "those of the second", "those of the second" if place.named() == second else "others"
    )


@contextlib.contextmanager
def _changed_runtime(folder: Path) -> Iterator[None]:
    copy = content.plain(content.RUNTIME, folder)
    with (copy / "steps.py").open("ab") as file:
        file.write(b"#")
    # What is packed is where the package was found.
    spec = importlib.import_module("alur_runtime").__spec__
    with mock.patch.object(spec, "origin", str(copy / "__init__.py")):
        yield


def _previewed(stack: LocalStack, first: set[str]) -> str:
    said = stack.preview_text()
    old = next(key for key in first if "/orders_feed/" in key)
    shown = {part for line in said.splitlines() for part in line.replace('"', " ").replace(",", " ").split()}
    keys = {part.partition(artifacts.PREFIX)[2] for part in shown if f"{artifacts.PREFIX}orders_feed/" in part}
    found = ["old"] if old.removeprefix(artifacts.PREFIX) in keys else []
    found += ["new"] if keys - {old.removeprefix(artifacts.PREFIX)} else []
    return f"{' and '.join(found) or 'no'} key"


def failed_upload(place: Place) -> None:
    """An upload that S3 refuses, and the next deployment."""
    before = place.named()
    place.program.artifacts_bucket = "alur-no-such-bucket"
    with (place.program.code / "transform.py").open("ab") as file:
        file.write(b"#")
    try:
        place.stack.up()
        found = "the deployment succeeded"
    except DeploymentError:
        found = "the job is as it was" if place.named() == before else "the job names other bytes"
    place.add("an upload fails", "the job is as it was", found)
    place.add("its role then", "reads what the job names", place.readable())
    place.program.artifacts_bucket = None
    place.add("the next deployment", "1 new object, 1 job update", place.deployed())


def shared(place: Place) -> None:
    """Two jobs that have the same wheels."""
    place.program.with_code = ("orders", "returns")
    place.add("the second job takes the first one's code", "1 job update", place.deployed())
    for gone, left in (("returns", "orders"), ("orders", "returns")):
        named = place.named(left)
        place.program.jobs = (left,)
        place.stack.up()
        found = "as before" if place.named(left) == named <= place.keys() else "broken"
        place.add(f"{gone} removed: what {left} names", "as before", found)
        place.program.jobs = ("orders", "returns")
        place.stack.up()


def old_ones_go(place: Place) -> None:
    """What no job names, today and after the window."""
    s3, bucket, job = place.emulator.client("s3"), place.stack.outputs()["bucket"], place.stack.outputs()["orders"]
    named = {*place.named("orders"), *place.named("returns")}
    unnamed = place.keys() - named
    with mock.patch.dict(os.environ, place.emulator.environment()), contextlib.redirect_stdout(sys.stderr):
        call = partial(prune, None, None, job=job, keep_days=30, apply=True, as_json=False)
        call()
        call()
        kept = place.keys() == named | unnamed
        long_ago = (dt.datetime.now(dt.UTC) - dt.timedelta(31)).isoformat()
        for key in unnamed:
            if any(tag["Key"] == MARK for tag in s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]):
                s3.put_object_tagging(Bucket=bucket, Key=key, Tagging={"TagSet": [{"Key": MARK, "Value": long_ago}]})
        call()
    place.add("old objects before the window is over", "all there", "all there" if kept else "some gone")
    left = place.keys()
    gone = "gone, those in use there" if named <= left and len(left) < len(named | unnamed) else f"{len(left)} left"
    place.add("old objects after the window", "gone, those in use there", gone)
    place.add("deployed after that", "nothing", place.deployed())


STORY: tuple[Callable[[Place], None], ...] = (no_change, one_byte, failed_upload, shared, old_ones_go)
"""What is done to one stack, in this order."""


@contextlib.contextmanager
def opened(*, engine: bool) -> Iterator[Place]:
    """A stack of the two jobs, not yet deployed, on an AWS of its own."""
    with tempfile.TemporaryDirectory(prefix="alur-drift-") as name, Emulator.start() as emulator:
        folder = Path(name).resolve()
        (folder / "repository").mkdir()
        program = Program(content.plain(content.FEED, folder / "repository"))
        # Looked for before the cache is another one: it is there.
        cli = find_pulumi_cli() if engine else NoPulumiCli(("left out",))
        with mock.patch.dict(os.environ, {**emulator.environment(), "XDG_CACHE_HOME": str(folder / "cache")}):
            stack = open_stack(program, emulator=emulator, work_dir=folder / "stack", project="drift", cli=cli)
            place = Place(emulator, program, stack, folder)
            place.git("init", "-q")
            yield place


def main() -> int:
    """Play the cases, print the table."""
    parser = argparse.ArgumentParser(prog="make drift", description="Does a deployment change what has not changed?")
    parser.add_argument("--without-engine", action="store_true", help="use the engine's stand-in, which is faster")
    options = parser.parse_args()
    with opened(engine=not options.without_engine) as place:
        print(f"engine: {place.stack.engine}", flush=True)
        for part in (contents, *STORY):
            part(place)
        place.stack.destroy()
    print()
    print(table_text(("case", "expected", "found"), [(c.name, c.expected, c.found) for c in place.cases]))
    wrong = sum(case.wrong for case in place.cases)
    print(json.dumps({"drift": {"cases": len(place.cases), "wrong": wrong}}))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
