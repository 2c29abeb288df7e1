"""What starts jobs by itself, deployed to the embedded AWS: each of its roles without each piece of its policy."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import attrs
import pulumi

import alur_pulumi as alur
from alur_pulumi.local.emulator import Emulator
from alur_pulumi.local.stack import open_stack
from alur_pulumi.pulumi_cli import NoPulumiCli
from alur_runtime.config import split_uri
from tests.components.programs import OrderLines
from tests.trust.deployed import policy_of, set_policy
from tests.trust.pieces import Piece, pieces_of
from tests.trust.verdicts import Verdict

ARRIVAL, SCHEDULE = STARTS = ("arrival", "schedule")
_WHAT: Final = {ARRIVAL: "a file lands", SCHEDULE: "the schedule's time comes"}
_LATE: Final = "a start is refused"
_PATIENCE_SECONDS: Final = 60


@attrs.define
class Starting:
    """A job that a schedule in Berlin's time and the arrival of files start.

    Attributes:
        emulator: Where it is deployed.
        job: Its name.
        landing: ``s3://bucket/prefix/`` of its source.
        queue: URL of the queue of what was not delivered.
    """

    emulator: Emulator
    job: str
    landing: str
    queue: str
    _landed: int = 0

    def role(self, part: str) -> str:
        """Name of the role by which files or the schedule start the job."""
        roles = self.emulator.client("iam").list_roles()["Roles"]
        (name,) = (role["RoleName"] for role in roles if role["RoleName"].startswith(f"ingest-{part}"))
        return str(name)

    def play(self, part: str) -> str:
        """A file lands, or the schedule's time comes: what was refused; empty if a run began and went well."""
        before, refused = len(self._runs()), len(self.emulator.refusals())
        if part == ARRIVAL:
            self.land()
        else:
            self.fire()
        return self._told_since(refused) or self._ended(before + 1)

    def play_refused_start(self) -> str:
        """The schedule's time comes, and Glue refuses: what was refused too, so that nobody learns of it."""
        refused = len(self.emulator.refusals())
        with self.without_job():
            self.undelivered()
            self.fire()
        return "" if self.undelivered() else self._told_since(refused)

    def _told_since(self, count: int) -> str:
        told = self.emulator.refusals()[count:]
        return told[0].rpartition("perform: ")[2] if told else ""

    def land(self) -> str:
        """A file lands; its key."""
        self._landed += 1
        bucket, prefix = split_uri(self.landing)
        key = f"{prefix}{self._landed}.csv"
        body = f"OrderId,amount,note,Region\n{self._landed},2.50,,north\n"
        self.emulator.client("s3").put_object(Bucket=bucket, Key=key, Body=body.encode())
        return key

    def fire(self) -> bool:
        """The schedule's time comes."""
        (schedule,) = self.emulator.client("scheduler").list_schedules()["Schedules"]
        return self.emulator.fire_schedule(schedule["Name"])

    def undelivered(self) -> list[dict[str, Any]]:
        """What lies in the queue; it is gone from there."""
        sqs = self.emulator.client("sqs")
        asked: dict[str, Any] = {"QueueUrl": self.queue, "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"]}
        found: list[dict[str, Any]] = sqs.receive_message(**asked).get("Messages", [])
        for message in found:
            sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return found

    @contextmanager
    def without(self, part: str, piece: Piece) -> Iterator[None]:
        """A role lacks a piece of its policy for a while."""
        role = self.role(part)
        whole = policy_of(self.emulator, role)
        set_policy(self.emulator, role, piece.without(whole))
        try:
            yield
        finally:
            set_policy(self.emulator, role, whole)

    @contextmanager
    def without_job(self) -> Iterator[None]:
        """The job is not there for a while: Glue refuses its start."""
        glue = self.emulator.client("glue")
        kept = glue.get_job(JobName=self.job)["Job"]
        names = ("Name", "Role", "Command", "DefaultArguments", "GlueVersion", "WorkerType", "NumberOfWorkers")
        glue.delete_job(JobName=self.job)
        try:
            yield
        finally:
            glue.create_job(**{name: kept[name] for name in names})

    def _runs(self) -> list[dict[str, Any]]:
        runs: list[dict[str, Any]] = self.emulator.client("glue").get_job_runs(JobName=self.job)["JobRuns"]
        return runs

    def _ended(self, count: int) -> str:
        end = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < end:
            runs = self._runs()
            if len(runs) >= count and runs[0]["JobRunState"] not in {"STARTING", "RUNNING"}:
                return "" if runs[0]["JobRunState"] == "SUCCEEDED" else f"a run ended as {runs[0]['JobRunState']}"
            time.sleep(0.2)
        return "no run began"


@contextmanager
def starting(work_dir: Path) -> Iterator[Starting]:
    """Deploy it."""

    def program() -> None:
        state = alur.StateTable("state", alur.StateTableArgs(deletion_protection=False, alarms=False))
        table = alur.BronzeTable("lines", alur.BronzeTableArgs(contract=OrderLines))
        arguments = alur.IngestionJobArgs(
            table=table,
            state=state,
            sources=[alur.Source(name="shop", prefix="in/")],
            start_on_arrival=alur.StartOnArrival(batch_size=1),
            schedule="cron(0 6 * * ? *)",
            schedule_timezone="Europe/Berlin",
            alarms=False,
        )
        job = alur.IngestionJob("ingest", arguments)
        pulumi.export("job", job.job_name)
        pulumi.export("landing", job.landing_uris)
        pulumi.export("queue", job.undelivered_queue_url)

    with Emulator.start(work_dir=work_dir / "aws") as emulator:
        cli = NoPulumiCli(("left out: the roles are the same",))
        outputs = open_stack(program, emulator=emulator, work_dir=work_dir / "stack", cli=cli).up().outputs
        yield Starting(emulator, outputs["job"], outputs["landing"][0], outputs["queue"])


def take_away_from_starts(there: Starting) -> Iterator[Verdict]:
    """Take each piece of the policies of what starts the job away, and play what asks for it."""
    for part in STARTS:
        for piece in pieces_of(policy_of(there.emulator, there.role(part))):
            with there.without(part, piece):
                breaks, refused = _WHAT[part], there.play(part)
                if not refused:
                    breaks, refused = _LATE, there.play_refused_start()
            yield Verdict(piece, breaks if refused else "", refused)
