"""A run, from its planning lease to its report. The order of the calls here is the commit protocol."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Final

import attrs
from botocore.exceptions import BotoCoreError, ClientError

import alur_runtime
from alur_runtime.aws import Clients
from alur_runtime.config import EngineChoice, JobConfig
from alur_runtime.engine import Engine, Outcome, Task
from alur_runtime.engine.choose import choose_engine
from alur_runtime.engine.local import LocalEngine
from alur_runtime.engine.spark import SparkEngine
from alur_runtime.errors import (
    FencedOffError,
    LeaseBusyError,
    LedgerBehindError,
    LostUploadError,
    PartitionLimitError,
    ReconcileError,
)
from alur_runtime.landing.sources import PassedOver
from alur_runtime.ledger.base import now_ms
from alur_runtime.ledger.ledger import Ledger
from alur_runtime.model import BatchItem, CommitManifest, Learnt, Lease, RunItem
from alur_runtime.naming import new_run_id
from alur_runtime.reasons import Reason
from alur_runtime.report import RunReport, reconciles
from alur_runtime.run.behind import check_ledger
from alur_runtime.run.deadline import Deadline, working_seconds
from alur_runtime.run.heartbeat import Heartbeat
from alur_runtime.run.metrics import publish_metrics
from alur_runtime.run.plan import pack
from alur_runtime.run.publish import Publisher
from alur_runtime.run.recover import Recovery
from alur_runtime.run.retention import Retention
from alur_runtime.run.survey import Survey, busy_of, survey
from alur_runtime.run.tally import Tally
from alur_runtime.run.turn import Turn
from alur_runtime.steps import Step, reached
from alur_runtime.table.store import put_json

_log = logging.getLogger(__name__)
_PASSES = 8  # a run plans again after it adopted, was fenced off or saw a file change: often enough, not for ever
_AWS_ERRORS: Final = (ClientError, BotoCoreError)
_REASONS: Final = (
    (FencedOffError, Reason.FENCED_OFF),
    (LeaseBusyError, Reason.LEASE_BUSY),
    (LostUploadError, Reason.UPLOAD_LOST),
    (ReconcileError, Reason.COUNTS_DIFFER),
    (PartitionLimitError, Reason.TOO_MANY_PARTITIONS),
    (LedgerBehindError, Reason.LEDGER_BEHIND),
    (_AWS_ERRORS, Reason.AWS_ERROR),
)


def run_ingest(config: JobConfig, clients: Clients, *, glue_run_id: str = "") -> RunReport:
    """Ingest what has landed. Whatever goes wrong is in the report; nothing that was not committed is visible.

    Args:
        config: The job's, checked.
        clients: Of AWS.
        glue_run_id: Glue's name of this run, if it is one of Glue's.

    Returns:
        The report, also written below `table.metadata` and named in the ledger, if they could be reached.
    """
    return _Run(config, clients, glue_run_id).execute()


class _Run:
    def __init__(self, config: JobConfig, clients: Clients, glue_run_id: str) -> None:
        self._config, self._clients = config, clients
        self._settings = config.settings
        self._table = config.table
        self._ledger = Ledger(clients.dynamodb, config.ledger.table, config.table.key, config.ledger.shards)
        self._publisher = Publisher(config, clients, self._ledger)
        self._tally = Tally()
        self._deadline = Deadline(time.monotonic() + working_seconds(config.timeout_seconds), time.monotonic)
        self._notes: dict[str, str] = {}
        self._timings: defaultdict[str, float] = defaultdict(float)
        run_id = new_run_id()
        self._item = RunItem(
            run_id=run_id,
            lease_expires_at_ms=now_ms() + int(self._settings.run_lease_seconds * 1000),
            started_at=int(time.time()),
            glue_run_id=glue_run_id,
            report_uri=f"{self._table.metadata}runs/{run_id}/report.json",
        )
        self._turn = Turn(self._ledger, run_id, self._settings)
        self._recovery = Recovery(config, self._ledger, self._publisher, run_id, self._tally)
        self._retention = Retention(config, clients.s3, self._ledger, run_id, self._notes)
        self._heartbeat = Heartbeat(
            self._ledger, run_id, self._settings.run_lease_seconds, self._settings.planning_lease_seconds
        )

    @property
    def _id(self) -> str:
        return self._item.run_id

    def execute(self) -> RunReport:
        began = time.monotonic()
        trouble = self._guarded(self._ingest_all)
        if trouble is not None:
            self._tally.troubles.insert(0, trouble)
        self._timings["total"] += time.monotonic() - began
        report = self._report()
        trouble = self._guarded(lambda: self._record(report))
        if trouble is not None and not report.exit_code:
            report = attrs.evolve(
                report, outcome=trouble[0].value, exit_code=1, error=trouble[1], remedy=trouble[0].text.remedy
            )
        publish_metrics(self._clients.cloudwatch, report)
        reached(Step.FINISHED, outcome=report.outcome, exit_code=report.exit_code)
        return report

    def _guarded(self, action: Callable[[], None]) -> tuple[Reason, str] | None:
        """Do something; an error becomes a reason and a text."""
        try:
            action()
        except Exception as error:  # noqa: BLE001  (the report is where every end of a run is told)
            if not isinstance(error, LeaseBusyError):
                _log.exception("the run ends")
            reason = reason_of(error)
            return reason, f"{type(error).__name__}: {error}" if reason is Reason.UNEXPECTED_ERROR else str(error)
        return None

    def _ingest_all(self) -> None:
        self._ledger.put_run(self._item, self._settings.history_days)
        with self._heartbeat:
            check_ledger(self._clients.s3, self._config, self._ledger)
            for _ in range(_PASSES):
                if not self._pass():
                    return

    # --- one pass: recover, plan, work ----------------------------------------------------------------------------

    def _pass(self) -> bool:
        """Do what there is to do now; True if there may be more that this run should do."""
        began = time.monotonic()
        lease = self._take_lease()
        learnt = Learnt()
        # Once a day all batches are read: should the lease item be wrong, after a restore, that does not last.
        since = "" if self._retention.is_due(lease) else lease.oldest_open
        try:
            open_batches = self._ledger.open_batches(since)
            recovered = self._recovery.recover(open_batches, lease)
            # Recovery moves batches on: read them again. Always before the file items: see `survey`.
            still_open = self._ledger.open_batches(since) if open_batches else []
            found = self._survey(still_open, lease)
            tasks = recovered.tasks + self._create(found, lease, recovered.created + 1)
            # What fails here makes the run fail, but not before it has done its work.
            trouble = self._guarded(lambda: self._retention.settle(found, still_open, lease, learnt))
            self._tally.troubles += [trouble] if trouble else []
        except FencedOffError as error:
            _log.info("%s: planning again", error)
            return True
        finally:
            self._heartbeat.planning(None)
            self._ledger.release_lease(lease.owner, learnt)
        self._timings["plan"] += time.monotonic() - began
        changed_meanwhile = self._work(tasks, recovered.origins)
        if self._tally.troubles or self._deadline.is_near:
            return False
        return changed_meanwhile or bool(recovered.tasks) or self._others_died(found.held_by)

    def _take_lease(self) -> Lease:
        lease = self._turn.take()
        self._heartbeat.planning(lease.owner)
        reached(Step.LEASED, token=lease.token)
        return lease

    # --- plan -----------------------------------------------------------------------------------------------------

    def _survey(self, still_open: list[BatchItem], lease: Lease) -> Survey:
        busy = busy_of(((b, self._recovery.plan_of(b)) for b in still_open), self._id)
        passed_over = PassedOver()
        found = survey(
            self._clients.s3,
            self._ledger,
            self._config,
            busy,
            estimate=lease.ledger_files,
            sweep=self._retention.is_due(lease),
            passed_over=passed_over,
        )
        self._notes["ledger read"] = found.how
        self._tally.surveyed(found, passed_over)
        return found

    def _create(self, found: Survey, lease: Lease, first: int) -> list[Task]:
        plans = pack(found.taken, self._config, lease.token, first=first)
        if not plans:
            return []
        tasks = [self._recovery.new_task(plan) for plan in plans]
        reached(Step.PLANNED, batches=len(plans), files=len(found.taken))
        self._ledger.create_batches([t.batch for t in tasks], lease)
        reached(Step.CREATED, batches=len(plans))
        return tasks

    # --- work -----------------------------------------------------------------------------------------------------

    def _work(self, tasks: list[Task], origins: dict[str, str]) -> bool:
        """Work on batches and commit each as it is done; True if there may be more to do of them."""
        if not tasks:
            return False
        began = time.monotonic()
        files, size = sum(t.batch.files for t in tasks), sum(t.batch.bytes for t in tasks)
        choice, why = choose_engine(self._config, files, size)
        self._notes["engine"] = why
        engine: Engine = SparkEngine() if choice is EngineChoice.SPARK else LocalEngine()
        again = False
        left = {t.batch.seq: t for t in tasks}
        for group in _by_suspicion(tasks):
            for outcome in engine.run(self._deadline.until(group), self._config, self._id, self._clients):
                del left[outcome.task.batch.seq]
                again |= self._settle(outcome, origins.get(outcome.task.batch.seq, ""))
        self._timings["work"] += time.monotonic() - began
        self._tally.out_of_time([t.plan for t in left.values()])
        return again

    def _settle(self, outcome: Outcome, origin: str) -> bool:
        """Commit what came of a batch, or write down why not; True if there is more to do of it at once."""
        task, manifest = outcome.task, outcome.manifest
        committed: BatchItem | None = None
        try:
            if manifest is None:
                raise outcome.error or RuntimeError("no manifest and no error")  # noqa: TRY301
            uri = self._publisher.put_commit(task.batch, manifest)
            # The race: this run was taken for dead and its batch adopted. Its uploads then must never be completed:
            # only the run whose owner and attempt stand in the ledger may commit, and only what is committed is
            # completed.
            committed = self._ledger.commit(task.batch, uri)
            reached(Step.COMMITTED, batch=task.plan.seq, attempt=task.batch.attempt)
            self._publisher.roll_forward(committed, manifest)
            self._tally.committed(committed, manifest, Reason.ADOPTED if origin else None, origin)
        except Exception as error:  # noqa: BLE001  (one batch's error is its own; the others go on)
            if reason_of(error) in (Reason.AWS_ERROR, Reason.UNEXPECTED_ERROR):
                _log.exception("batch %s", task.plan.seq)
            return self._put_down(task, manifest, error, is_committed=committed is not None)
        return bool(manifest.left)

    def _put_down(self, task: Task, manifest: CommitManifest | None, error: Exception, *, is_committed: bool) -> bool:
        """Leave a batch that met an error so that it can go on; True if this run should do so at once."""
        reason, again = reason_of(error), False
        try:
            if reason is Reason.FENCED_OFF and manifest is not None:
                self._publisher.put_away(manifest)
            elif reason in (Reason.COUNTS_DIFFER, Reason.TOO_MANY_PARTITIONS):
                again = self._cut_or_give_up(task, error)
            elif not is_committed and reason is not Reason.FENCED_OFF:
                self._recovery.put_down(task.batch, str(error))
        except FencedOffError as fenced:
            _log.info("%s", fenced)
            # The race: a zombie that slept before it read the objects to rewrite finds other counts in them than it
            # planned with. The batch is another's: there is nothing wrong, and nothing of it to give up.
            # Any other error stays one: that the batch has moved on may be by a commit whose answer was lost.
            if reason is Reason.COUNTS_DIFFER:
                reason, error = Reason.FENCED_OFF, fenced
        except _AWS_ERRORS as failed:
            _log.exception("batch %s stays as it is", task.plan.seq)
            # Whose the batch is was not to be learnt: that something is wrong with the table is not said of a zombie.
            # If it is, the next run finds it.
            if reason is Reason.COUNTS_DIFFER:
                reason, error = Reason.AWS_ERROR, failed
        if not again:  # else the next pass cuts it, and says so
            uris = [m.uri for m in task.plan.members]
            self._tally.not_committed(task.batch, uris, reason, f"batch {task.plan.seq}: {error}")
        return again

    def _cut_or_give_up(self, task: Task, error: Exception) -> bool:
        """A batch that cannot be is cut into smaller ones by the next pass; a file by itself is given up."""
        if len(task.plan.members) > 1:
            self._recovery.put_down(task.batch, str(error), failures=self._settings.max_batch_deaths)
            return True
        self._ledger.give_up(task.batch, str(error), self._settings.history_days)
        return False

    def _others_died(self, owners: set[str]) -> bool:
        """Wait until each owner of a held file has shown a heartbeat; True if one has died or finished instead.

        A run that Glue starts again right after a crash comes before the dead run's lease has expired. Were it to end
        at once, the dead run's files would wait for the next schedule.
        """
        first: dict[str, int] = {}
        deadline = time.monotonic() + self._settings.run_lease_seconds * 1.5
        while owners and time.monotonic() < deadline and not self._deadline.is_near:
            for owner in sorted(owners):
                run = self._ledger.run(owner)
                if run is None or not run.is_alive(now_ms()):
                    return True
                if run.lease_expires_at_ms > first.setdefault(owner, run.lease_expires_at_ms):
                    owners = owners - {owner}  # it lives: its files are its own
            if owners:
                time.sleep(min(2.0, self._settings.run_lease_seconds / 10))
        return False

    # --- report ---------------------------------------------------------------------------------------------------

    def _report(self) -> RunReport:
        tally = self._tally
        reason, error = tally.outcome()
        pending, oldest = tally.pending()
        ok = reason in (Reason.COMPLETED, Reason.NOTHING_TO_DO, Reason.LEFT_TO_OTHERS, Reason.OUT_OF_TIME)
        report = RunReport(
            run_id=self._id,
            job=self._config.job,
            table=self._table.key,
            outcome=reason.value,
            exit_code=0 if ok else 1,
            started_at=self._item.started_at,
            finished_at=int(time.time()),
            glue_run_id=self._item.glue_run_id,
            runtime=alur_runtime.__version__,
            listed=tally.unchanged + len(tally.listed),
            files_by_reason=tally.files_by_reason(),
            files_pending=pending,
            oldest_pending_at=oldest,
            passed_over=dict(tally.passed_over.counts),
            rows_dropped=tally.rows_dropped,
            files=tally.shown(),
            batches=tuple(tally.batches),
            notes=self._notes,
            timings={name: round(seconds, 3) for name, seconds in self._timings.items()},
            aws_calls=self._clients.calls.counts(),
            error=error,
            remedy=reason.text.remedy if error else "",
            **tally.rows,
        )
        if not reconciles(report):
            return attrs.evolve(report, outcome=Reason.COUNTS_DIFFER.value, exit_code=1)
        return report

    def _record(self, report: RunReport) -> None:
        put_json(self._clients.s3, self._item.report_uri, report)
        finished = attrs.evolve(
            self._item,
            finished_at=report.finished_at,
            outcome=report.outcome,
            exit_code=report.exit_code,
            counts={"listed": report.listed, "rows_written": report.rows_written, **report.files_by_reason},
            aws_calls=sum(report.aws_calls.values()),
        )
        self._ledger.put_run(finished, self._settings.history_days)


def reason_of(error: Exception) -> Reason:
    """The reason that stands for an error."""
    return next((reason for kind, reason in _REASONS if isinstance(error, kind)), Reason.UNEXPECTED_ERROR)


def _by_suspicion(tasks: list[Task]) -> Iterator[list[Task]]:
    """The batches that no run has ended on, together; then the others one by one, so that each ends only itself."""
    yield [t for t in tasks if not t.batch.begun]
    yield from ([t] for t in tasks if t.batch.begun)
