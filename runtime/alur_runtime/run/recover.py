"""Recovery: what dead runs have left open is finished, taken over, or cut into smaller batches."""

from __future__ import annotations

import logging
import time
from typing import Final

import attrs

from alur_runtime.config import JobConfig, decisive_digest
from alur_runtime.engine import Task
from alur_runtime.errors import FencedOffError, LedgerBehindError, LostUploadError
from alur_runtime.ledger.base import now_ms
from alur_runtime.ledger.ledger import Ledger
from alur_runtime.model import BatchItem, BatchPlan, BatchStatus, Lease
from alur_runtime.reasons import Reason
from alur_runtime.run.attempts import Fate, fate_of, split
from alur_runtime.run.behind import check_batch
from alur_runtime.run.publish import Publisher
from alur_runtime.run.tally import Tally
from alur_runtime.steps import Step, reached

_MOST_ERROR_CHARACTERS: Final = 2000
_log = logging.getLogger(__name__)


@attrs.frozen
class Recovered:
    """What was found open when a pass began.

    Attributes:
        tasks: Batches that this run has taken over.
        origins: Batch -> the dead run it was adopted from.
        created: How many smaller batches were made: the next is numbered after them.
    """

    tasks: list[Task]
    origins: dict[str, str]
    created: int = 0


@attrs.define
class Recovery:
    """Takes care of the open batches of dead runs; those of live runs are left alone.

    Attributes:
        config: The job's.
        ledger: The table's.
        publisher: Rolls batches forward.
        run_id: This run.
        tally: The run's account.
    """

    config: JobConfig
    ledger: Ledger
    publisher: Publisher
    run_id: str
    tally: Tally
    _plans: dict[str, BatchPlan] = attrs.field(factory=dict)

    def recover(self, batches: list[BatchItem], lease: Lease) -> Recovered:
        """Take over what is open and whose run is dead.

        Args:
            batches: The open ones, read under the lease.
            lease: The planning lease.

        Raises:
            LedgerBehindError: If one of them was committed, which the ledger has forgotten.
        """
        tasks: list[Task] = []
        origins: dict[str, str] = {}
        created = 0
        dead = {owner for owner in dict.fromkeys(b.owner for b in batches) if self.is_dead(owner)}
        batches_of_dead = [b for b in batches if b.owner in dead]
        for batch in batches_of_dead:  # all of them, before anything becomes visible
            self._check(batch)
        for batch in batches_of_dead:
            try:
                if batch.status is BatchStatus.COMMITTED:
                    tasks += self._finish(batch)
                elif (fate := self._fate(batch)) is Fate.REPLAN:
                    why = "planned under another configuration; its files are planned anew"
                    self.ledger.give_up(batch, why, self.config.settings.history_days)
                    self.tally.replanned(batch, Reason.PLANNED_ANEW, why)
                elif fate is Fate.SPLIT:
                    parts = self._split(batch, lease, created + 1)
                    created += len(parts)
                    tasks += parts
                else:
                    tasks.append(self._adopt(batch, condemned=fate is Fate.CONDEMN))
                    origins[batch.seq] = batch.owner
            except FencedOffError as error:
                _log.info("%s", error)
            except LostUploadError as error:
                self.tally.not_committed(batch, (), Reason.UPLOAD_LOST, str(error))
        if dead:
            reached(Step.RECOVERED, adopted=len(tasks), open=len(batches))
        return Recovered(tasks, origins, created)

    def is_dead(self, owner: str) -> bool:
        """Whether nobody works on a run's batches any more. It decides who works, never who wins."""
        if owner == self.run_id:
            return True  # an earlier pass of this run left it, after an error
        run = self.ledger.run(owner)
        return run is None or not run.is_alive(now_ms())

    def plan_of(self, batch: BatchItem) -> BatchPlan:
        """A batch's plan, read once."""
        if batch.seq not in self._plans:
            self._plans[batch.seq] = self.publisher.read_plan(batch)
        return self._plans[batch.seq]

    def new_task(self, plan: BatchPlan, begun: int = 0, failures: int = 0) -> Task:
        """A batch of this run by a plan, whose manifest is put; it is not in the ledger yet."""
        self._plans[plan.seq] = plan
        batch = BatchItem(
            seq=plan.seq,
            status=BatchStatus.PROCESSING,
            owner=self.run_id,
            attempt=1,
            plan_uri=self.publisher.put_plan(plan, self.run_id),
            files=len(plan.members),
            bytes=plan.bytes,
            created_at=int(time.time()),
            begun=begun,
            failures=failures,
        )
        return Task(batch, plan)

    def put_down(self, batch: BatchItem, error: str, *, failures: int = 1) -> None:
        """Leave a processing batch of this run to the next pass or run, with the error that it met.

        Raises:
            FencedOffError: If another run has taken it over since.
        """
        self.ledger.note_failures(batch, error[:_MOST_ERROR_CHARACTERS], failures)

    def _finish(self, batch: BatchItem) -> list[Task]:
        """Roll a dead run's committed batch forward, or take it back if its uploads are gone."""
        manifest = self.publisher.read_commit(batch)
        try:
            if self.publisher.roll_forward(batch, manifest):
                self.tally.committed(batch, manifest, Reason.ROLLED_FORWARD, batch.owner)
        except LostUploadError as error:
            _log.warning("%s: taking the batch back", error)
            plan = self.plan_of(batch)
            return [Task(self.publisher.take_back(batch, plan, manifest, self.run_id), plan)]
        return []

    def _check(self, batch: BatchItem) -> None:
        """Refuse a ledger that has forgotten what became of a batch."""
        try:
            check_batch(self.publisher.clients.s3, self.config, batch)
        except LedgerBehindError:
            # The race: since the batch was read, another run has committed it. Then the ledger says so now: a commit
            # comes before what it makes visible.
            if self.ledger.batch(batch.seq) == batch:
                raise

    def _fate(self, batch: BatchItem) -> Fate:
        most = self.config.settings.max_batch_deaths
        return fate_of(batch, self.plan_of(batch), decisive_digest(self.config), most)

    def _adopt(self, batch: BatchItem, *, condemned: bool) -> Task:
        taken = self.ledger.adopt(attrs.evolve(batch, condemned=batch.condemned or condemned), self.run_id)
        return Task(taken, self.plan_of(batch))

    def _split(self, batch: BatchItem, lease: Lease, first: int) -> list[Task]:
        # The parts are under suspicion: the next time one ends its run, or fails, it is cut or condemned at once.
        before = self.config.settings.max_batch_deaths - 1
        begun, failures = (before, 0) if batch.begun else (0, before)
        parts = [self.new_task(plan, begun, failures) for plan in split(self.plan_of(batch), lease.token, first)]
        error = f"{batch.error} Cut into {len(parts)} smaller batches".strip()
        self.ledger.split(batch, [t.batch for t in parts], error, lease, self.config.settings.history_days)
        self.tally.replanned(batch, Reason.SPLIT, batch.error)
        return parts
