"""A run, from its planning lease to its report. The order of the calls here is the commit protocol."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable

import attrs
from botocore.exceptions import BotoCoreError, ClientError

import alur_runtime
from alur_runtime.aws import Clients
from alur_runtime.config import EngineChoice, JobConfig
from alur_runtime.engine import Engine, Outcome, Task
from alur_runtime.engine.choose import choose_engine
from alur_runtime.engine.local import LocalEngine
from alur_runtime.engine.spark import SparkEngine
from alur_runtime.errors import FencedOffError, LeaseBusyError, LostUploadError, PartitionLimitError, ReconcileError
from alur_runtime.landing.sources import PassedOver
from alur_runtime.ledger.base import now_ms
from alur_runtime.ledger.ledger import Ledger
from alur_runtime.model import BatchItem, BatchPlan, BatchStatus, CommitManifest, Learnt, Lease, RunItem
from alur_runtime.naming import new_run_id
from alur_runtime.reasons import Reason
from alur_runtime.report import RunReport, reconciles
from alur_runtime.run.heartbeat import Heartbeat
from alur_runtime.run.plan import pack
from alur_runtime.run.publish import Publisher
from alur_runtime.run.survey import Survey, busy_of, survey
from alur_runtime.run.tally import Tally
from alur_runtime.steps import Step, reached
from alur_runtime.table.store import put_json

_log = logging.getLogger(__name__)
_PASSES = 8  # a run plans again after it adopted, was fenced off or saw a file change: often enough, not for ever
_AWS_ERRORS = (ClientError, BotoCoreError)


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


@attrs.frozen
class _Recovered:
    """What was found open when a pass began."""

    tasks: list[Task]
    origins: dict[str, str]
    """Batch -> the dead run it was adopted from."""


class _Run:
    def __init__(self, config: JobConfig, clients: Clients, glue_run_id: str) -> None:
        self._config, self._clients = config, clients
        self._settings = config.settings
        self._table = config.table
        self._ledger = Ledger(clients.dynamodb, config.ledger.table, config.table.key, config.ledger.shards)
        self._publisher = Publisher(config, clients, self._ledger)
        self._tally = Tally()
        self._notes: dict[str, str] = {}
        self._timings: defaultdict[str, float] = defaultdict(float)
        self._plans: dict[str, BatchPlan] = {}
        self._leases = 0
        run_id = new_run_id()
        self._item = RunItem(
            run_id=run_id,
            lease_expires_at_ms=now_ms() + int(self._settings.run_lease_seconds * 1000),
            started_at=int(time.time()),
            glue_run_id=glue_run_id,
            report_uri=f"{self._table.metadata}runs/{run_id}/report.json",
        )
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
        reached(Step.FINISHED, outcome=report.outcome, exit_code=report.exit_code)
        return report

    def _guarded(self, action: Callable[[], None]) -> tuple[Reason, str] | None:
        """Do something; an error becomes a reason and a text."""
        try:
            action()
        except LeaseBusyError as error:
            return Reason.LEASE_BUSY, str(error)
        except LostUploadError as error:
            return Reason.UPLOAD_LOST, str(error)
        except _AWS_ERRORS as error:
            _log.exception("AWS failed")
            return Reason.AWS_ERROR, str(error)
        except Exception as error:  # noqa: BLE001  (the report is where every end of a run is told)
            _log.exception("unexpected error")
            return Reason.UNEXPECTED_ERROR, f"{type(error).__name__}: {error}"
        return None

    def _ingest_all(self) -> None:
        self._ledger.put_run(self._item, self._settings.history_days)
        with self._heartbeat:
            for _ in range(_PASSES):
                if not self._pass():
                    return

    # --- one pass: recover, plan, work ----------------------------------------------------------------------------

    def _pass(self) -> bool:
        """Do what there is to do now; True if there may be more that this run should do."""
        began = time.monotonic()
        lease = self._take_lease()
        ledger_files: int | None = None
        try:
            open_batches = self._ledger.open_batches()
            recovered = self._recover(open_batches)
            # Recovery moves batches on: read them again. Always before the file items: see `survey`.
            still_open = self._ledger.open_batches() if open_batches else []
            found = self._survey(still_open, lease)
            ledger_files = found.ledger_files
            tasks = recovered.tasks + self._create(found, lease)
        except FencedOffError as error:
            _log.info("%s: planning again", error)
            return True
        finally:
            self._heartbeat.planning(None)
            self._ledger.release_lease(lease.owner, Learnt(ledger_files=ledger_files))
        self._timings["plan"] += time.monotonic() - began
        changed_meanwhile = self._work(tasks, recovered.origins)
        if self._tally.troubles:
            return False
        return changed_meanwhile or bool(recovered.tasks) or self._others_died(found.held_by)

    def _take_lease(self) -> Lease:
        waited, pause = 0.0, 0.05
        while True:
            self._leases += 1
            taken = self._ledger.try_lease(f"{self._id}/{self._leases}", self._settings.planning_lease_seconds)
            if isinstance(taken, Lease):
                self._heartbeat.planning(taken.owner)
                reached(Step.LEASED, token=taken.token)
                return taken
            if waited >= self._settings.planning_wait_seconds:
                raise LeaseBusyError(self._table.key, taken, waited)
            time.sleep(pause)
            waited, pause = waited + pause, min(pause * 1.5, 2.0)

    # --- recover --------------------------------------------------------------------------------------------------

    def _recover(self, batches: list[BatchItem]) -> _Recovered:
        """Take over the open batches of dead runs; those of live runs are left alone, and kept in mind."""
        tasks: list[Task] = []
        origins: dict[str, str] = {}
        dead: dict[str, bool] = {}
        for batch in batches:
            if batch.owner not in dead:
                dead[batch.owner] = self._is_dead(batch.owner)
            if not dead[batch.owner]:
                continue
            plan = self._plan_of(batch)
            try:
                if batch.status is BatchStatus.COMMITTED:
                    again = self._finish(batch, plan)
                    tasks += [Task(again, plan)] if again else []
                else:
                    tasks.append(Task(self._ledger.adopt(batch, self._id), plan))
                    origins[batch.seq] = batch.owner
            except FencedOffError as error:
                _log.info("%s", error)
            except LostUploadError as error:
                self._tally.not_committed(batch, (), Reason.UPLOAD_LOST, str(error))
        if dead:
            reached(Step.RECOVERED, adopted=len(tasks), open=len(batches))
        return _Recovered(tasks, origins)

    def _finish(self, batch: BatchItem, plan: BatchPlan) -> BatchItem | None:
        """Roll a dead run's committed batch forward, or open it again if its uploads are gone."""
        manifest = self._publisher.read_commit(batch)
        try:
            if self._publisher.roll_forward(batch, manifest):
                self._tally.committed(batch, manifest, Reason.ROLLED_FORWARD, batch.owner)
        except LostUploadError as error:
            _log.warning("%s: opening the batch again", error)
            return self._publisher.start_anew(batch, plan, manifest, self._id)
        return None

    def _is_dead(self, owner: str) -> bool:
        if owner == self._id:
            return True  # an earlier pass of this run left it, after an error
        run = self._ledger.run(owner)
        return run is None or run.finished_at is not None or run.lease_expires_at_ms < now_ms()

    def _plan_of(self, batch: BatchItem) -> BatchPlan:
        if batch.seq not in self._plans:
            self._plans[batch.seq] = self._publisher.read_plan(batch)
        return self._plans[batch.seq]

    # --- plan -----------------------------------------------------------------------------------------------------

    def _survey(self, still_open: list[BatchItem], lease: Lease) -> Survey:
        busy = busy_of(((b, self._plan_of(b)) for b in still_open), self._id)
        passed_over = PassedOver()
        found = survey(
            self._clients.s3,
            self._ledger,
            self._config,
            busy,
            estimate=lease.ledger_files,
            passed_over=passed_over,
        )
        self._notes["ledger read"] = found.how
        if found.gone:
            self._notes["gone from the sources"] = f"{found.gone:,} files; their rows stay"
        self._tally.surveyed(found, passed_over)
        return found

    def _create(self, found: Survey, lease: Lease) -> list[Task]:
        plans = pack(found.taken, self._config.sources, lease.token, self._settings, self._config.on_change)
        if not plans:
            return []
        tasks = []
        for plan in plans:
            uri = f"{self._table.metadata}batches/{plan.seq}/plan-{self._id}.json"
            put_json(self._clients.s3, uri, plan)
            self._plans[plan.seq] = plan
            batch = BatchItem(
                seq=plan.seq,
                status=BatchStatus.PROCESSING,
                owner=self._id,
                attempt=1,
                plan_uri=uri,
                files=len(plan.members),
                bytes=plan.bytes,
                created_at=int(time.time()),
            )
            tasks.append(Task(batch, plan))
        reached(Step.PLANNED, batches=len(plans), files=len(found.taken))
        self._ledger.create_batches([t.batch for t in tasks], lease)
        reached(Step.CREATED, batches=len(plans))
        return tasks

    # --- work -----------------------------------------------------------------------------------------------------

    def _work(self, tasks: list[Task], origins: dict[str, str]) -> bool:
        """Work on batches and commit each as it is done; True if a file changed meanwhile and was left out."""
        if not tasks:
            return False
        began = time.monotonic()
        files, size = sum(t.batch.files for t in tasks), sum(t.batch.bytes for t in tasks)
        choice, why = choose_engine(self._config, files, size)
        self._notes["engine"] = why
        engine: Engine = SparkEngine() if choice is EngineChoice.SPARK else LocalEngine()
        left = False
        for outcome in engine.run(tasks, self._config, self._id, self._clients):
            manifest = self._settle(outcome, origins.get(outcome.task.batch.seq, ""))
            left |= manifest is not None and bool(manifest.left)
        self._timings["work"] += time.monotonic() - began
        return left

    def _settle(self, outcome: Outcome, origin: str) -> CommitManifest | None:
        """Commit what came of a batch, or write down why not; the manifest if it was committed."""
        task, manifest = outcome.task, outcome.manifest
        uris = [m.uri for m in task.plan.members]
        try:
            if manifest is None:
                raise outcome.error or RuntimeError("no manifest and no error")  # noqa: TRY301
            uri = f"{self._table.metadata}batches/{task.plan.seq}/commit-{task.batch.attempt}-{self._id}.json"
            put_json(self._clients.s3, uri, manifest)
            # The race: this run was taken for dead and its batch adopted. Its uploads then must never be completed:
            # only the run whose owner and attempt stand in the ledger may commit, and only what is committed is
            # completed.
            committed = self._ledger.commit(task.batch, uri)
            reached(Step.COMMITTED, batch=task.plan.seq, attempt=task.batch.attempt)
            self._publisher.roll_forward(committed, manifest)
            self._tally.committed(committed, manifest, Reason.ADOPTED if origin else None, origin)
        except FencedOffError as error:
            self._put_away(manifest)
            self._tally.not_committed(task.batch, uris, Reason.FENCED_OFF, str(error))
        except (ReconcileError, PartitionLimitError) as error:
            reason = Reason.COUNTS_DIFFER if isinstance(error, ReconcileError) else Reason.TOO_MANY_PARTITIONS
            self._ledger.give_up(task.batch, str(error), self._settings.history_days)
            self._tally.not_committed(task.batch, uris, reason, str(error))
        except LostUploadError as error:
            self._tally.not_committed(task.batch, uris, Reason.UPLOAD_LOST, str(error))
        except _AWS_ERRORS as error:
            _log.exception("batch %s", task.plan.seq)
            self._tally.not_committed(task.batch, uris, Reason.AWS_ERROR, f"batch {task.plan.seq}: {error}")
        except Exception as error:  # noqa: BLE001  (one batch's error is its own; the others go on)
            _log.exception("batch %s", task.plan.seq)
            self._tally.not_committed(task.batch, uris, Reason.UNEXPECTED_ERROR, f"batch {task.plan.seq}: {error}")
        else:
            return manifest
        return None

    def _put_away(self, manifest: CommitManifest | None) -> None:
        if manifest is not None:
            self._publisher.put_away(manifest)

    def _others_died(self, owners: set[str]) -> bool:
        """Wait until each owner of a held file has shown a heartbeat; True if one has died or finished instead.

        A run that Glue starts again right after a crash comes before the dead run's lease has expired. Were it to end
        at once, the dead run's files would wait for the next schedule.
        """
        first: dict[str, int] = {}
        deadline = time.monotonic() + self._settings.run_lease_seconds * 1.5
        while owners and time.monotonic() < deadline:
            for owner in sorted(owners):
                run = self._ledger.run(owner)
                if run is None or run.finished_at is not None or run.lease_expires_at_ms < now_ms():
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
        ok = reason in (Reason.COMPLETED, Reason.NOTHING_TO_DO, Reason.LEFT_TO_OTHERS)
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
