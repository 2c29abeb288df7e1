"""The repair: what the check has found is put right by the protocol that runs go by.

Whatever changes the table or the ledger's files is a batch: created under the planning lease, committed by one
conditional write, rolled forward by whoever comes next if the repair is killed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

import attrs
from botocore.exceptions import ClientError

from alur_runtime.aws import Clients
from alur_runtime.config import JobConfig, OnChange
from alur_runtime.engine import Task
from alur_runtime.errors import FencedOffError
from alur_runtime.fsck.acts import Abort, Act, Register, SetAside, TakeBack, Unregister, WriteDown, WriteOff, only
from alur_runtime.fsck.find import check
from alur_runtime.fsck.finding import Finding, How
from alur_runtime.fsck.free import free_batches
from alur_runtime.fsck.gather import gather
from alur_runtime.fsck.lost_found import LostAndFound
from alur_runtime.fsck.members import members_to_record, members_to_take_back
from alur_runtime.fsck.names import partition_values
from alur_runtime.fsck.read_s3 import objects_of
from alur_runtime.fsck.state import State
from alur_runtime.kernel.work import work
from alur_runtime.ledger.base import now_ms
from alur_runtime.ledger.ledger import Ledger
from alur_runtime.model import BatchPlan, CommitManifest, Learnt, Lease, RunItem
from alur_runtime.naming import batch_seq, new_run_id
from alur_runtime.run.behind import check_ledger
from alur_runtime.run.heartbeat import Heartbeat
from alur_runtime.run.plan import pack
from alur_runtime.run.publish import Publisher
from alur_runtime.run.recover import Recovery
from alur_runtime.run.tally import Tally
from alur_runtime.run.turn import Turn

REPAIRED: Final = "repaired"
"""Outcome of a repair's item among the runs."""

_DELETE_PARTITIONS: Final = 25  # BatchDeletePartition's limit


def acts_of(findings: Iterable[Finding], *, accept_loss: bool) -> list[Act]:
    """What a repair would do."""
    allowed = {How.REPAIR, How.ACCEPT} if accept_loss else {How.REPAIR}
    return [f.act for f in findings if f.act is not None and f.how in allowed]


def repair(config: JobConfig, clients: Clients, *, accept_loss: bool = False, rows: bool = False) -> list[str]:
    """Check a table under its planning lease and put right what can be.

    Args:
        config: The job's.
        clients: Of AWS.
        accept_loss: Whether a person has said that what is gone may stay gone.
        rows: Whether the rows of each file are counted in every object.

    Returns:
        A sentence for each thing that was done.

    Raises:
        LedgerBehindError: If the ledger is older than the table: it has to be rebuilt first.
        LeaseBusyError: If a run plans for longer than `settings.planning_wait_seconds`.
        FencedOffError: If a run has taken the lease over meanwhile; what was begun is right, or finished by the next.
        ClientError: If AWS fails; the same holds.
    """
    return _Repair(config, clients, accept_loss, rows).run()


class _Repair:
    def __init__(self, config: JobConfig, clients: Clients, accept_loss: bool, rows: bool) -> None:
        self._config, self._clients = config, clients
        self._accept_loss, self._rows = accept_loss, rows
        self._settings, table = config.settings, config.table
        self._ledger = Ledger(clients.dynamodb, config.ledger.table, table.key, config.ledger.shards)
        self._publisher = Publisher(config, clients, self._ledger)
        self._item = RunItem(
            run_id=new_run_id(),
            lease_expires_at_ms=now_ms() + int(self._settings.run_lease_seconds * 1000),
            started_at=int(time.time()),
        )
        self._recovery = Recovery(config, self._ledger, self._publisher, self._id, Tally())
        self._heartbeat = Heartbeat(
            self._ledger, self._id, self._settings.run_lease_seconds, self._settings.planning_lease_seconds
        )
        self._number = 1  # of the next batch below the planning token
        self._done: list[str] = []

    @property
    def _id(self) -> str:
        return self._item.run_id

    def run(self) -> list[str]:
        check_ledger(self._clients.s3, self._config, self._ledger)
        # Batches that are open need a run that is alive: else the next run takes them over at once.
        self._ledger.put_run(self._item, self._settings.history_days)
        with self._heartbeat:
            for task in self._under_lease():
                self._settle(task)
        finished = attrs.evolve(self._item, finished_at=int(time.time()), outcome=REPAIRED, exit_code=0)
        self._ledger.put_run(finished, self._settings.history_days)
        return self._done

    def _under_lease(self) -> list[Task]:
        """What nobody may plan beside; the batches that are then worked on as any run's are."""
        lease = self._take_lease()
        try:
            # Looked at again: what was found before the lease was held may be another's by now.
            state = gather(self._config, self._clients, rows=self._rows, me=self._id)
            acts = acts_of(check(state).findings, accept_loss=self._accept_loss)
            self._abort(only(acts, Abort))
            freed = free_batches(state, acts, self._clients.s3, self._publisher, self._id)
            self._done += freed.done
            tasks = list(freed.tasks)
            self._mend(state, acts, lease)
            tasks += self._create(state, acts, lease)
            self._unregister(only(acts, Unregister), lease)
            return tasks
        finally:
            self._heartbeat.planning(None)
            self._ledger.release_lease(lease.owner, Learnt())

    def _take_lease(self) -> Lease:
        lease = Turn(self._ledger, self._id, self._settings).take()
        self._heartbeat.planning(lease.owner)
        return lease

    # --- what needs no batch --------------------------------------------------------------------------------------

    def _abort(self, acts: list[Abort]) -> None:
        # No lease is needed to be right: no batch that is open names these uploads or may come to, and a closed one
        # never opens again.
        for act in acts:
            act.upload.abort(self._clients.s3)
            self._done.append(f"aborted upload {act.upload.upload_id} of {act.upload.location}{act.upload.key}")

    def _unregister(self, acts: list[Unregister], lease: Lease) -> None:
        table, names = self._config.table, self._config.contract.partition_by
        for start in range(0, len(acts), _DELETE_PARTITIONS):
            part = acts[start : start + _DELETE_PARTITIONS]
            answer = self._clients.glue.batch_delete_partition(
                DatabaseName=table.database,
                TableName=table.name,
                PartitionsToDelete=[{"Values": list(act.values)} for act in part],
            )
            for failed in answer.get("Errors", ()):
                detail = failed["ErrorDetail"]
                if detail["ErrorCode"] != "EntityNotFoundException":  # deleted by another, or by a try of this one
                    problem = {"Code": detail["ErrorCode"], "Message": f"{failed['PartitionValues']}: {detail}"}
                    raise ClientError({"Error": problem}, "BatchDeletePartition")
            self._done += [f"deleted the partition {table.location}{act.folder} from the catalog" for act in part]
        # The race: this process slept over its lease, and a batch has made an object there since and found the
        # partition registered. Objects come before partitions: it shows now if there is one.
        used = [act for act in acts if next(objects_of(self._clients.s3, table.location + act.folder), None)]
        again = [values for act in used if (values := partition_values(names, act.folder)) is not None]
        if again:
            self._commit(self._plan((), lease), partitions=tuple(again), lease=lease)

    # --- batches of its own ---------------------------------------------------------------------------------------

    def _mend(self, state: State, acts: list[Act], lease: Lease) -> None:
        """Take objects out of the table and register partitions, in one commit."""
        broken = [key for act in acts if isinstance(act, TakeBack | WriteDown) for key in act.broken]
        copies = [key for act in only(acts, TakeBack) for key in act.copy]
        aside = dict.fromkeys([*(act.key for act in only(acts, SetAside)), *broken])
        lost_found = LostAndFound(self._clients.s3, self._config.table, lease.token)
        kept = lost_found.keep([state.objects[key] for key in (*aside, *copies) if key in state.objects])
        gone = dict.fromkeys(key for act in only(acts, WriteOff) for key in act.keys)
        for act in only(acts, WriteDown):  # a batch that takes files back says so by itself
            gone |= dict.fromkeys(key for key in state.files[act.uri].outputs if key not in state.objects)
        partitions = tuple(act.values for act in only(acts, Register))
        deletes = (*(key for key in aside if key in kept), *gone)
        if deletes or partitions:
            self._commit(self._plan(deletes, lease), deletes=deletes, partitions=partitions, lease=lease)
        self._done += [f"copied {state.location}{key} to {uri}" for key, uri in kept.items()]
        self._done += [f"took {state.location}{key} out of the table" for key in aside if key in kept]
        self._done += [f"wrote {state.location}{key} off" for key in gone]
        self._done += [f"registered the partition {'/'.join(map(str, values))}" for values in partitions]

    def _plan(self, drops: tuple[str, ...], lease: Lease) -> BatchPlan:
        """A plan without files: while its batch is open no other rewrites these objects."""
        seq, self._number = batch_seq(lease.token, self._number), self._number + 1
        return BatchPlan(seq, (), OnChange.REPLACE, drops=drops)

    def _commit(
        self,
        plan: BatchPlan,
        *,
        lease: Lease,
        deletes: tuple[str, ...] = (),
        partitions: tuple[tuple[str | None, ...], ...] = (),
    ) -> None:
        task = self._undo(self._recovery.new_task(plan))
        self._ledger.create_batches([task.batch], lease)
        self._finish(task, CommitManifest(plan.seq, task.batch.attempt, self._id, (), deletes, partitions, ()))

    def _undo(self, task: Task) -> Task:
        """The task of a batch that, should another run have to adopt it, only takes back."""
        return attrs.evolve(task, batch=attrs.evolve(task.batch, undo=True))

    def _create(self, state: State, acts: list[Act], lease: Lease) -> list[Task]:
        """Create the batches that take files back, and those that write down what is left of them."""
        down = members_to_record(state, only(acts, WriteDown))
        back = members_to_take_back(state, only(acts, TakeBack))
        # Rows are dropped as `replace` drops them, and files that share an object stay together, whatever the policy.
        replacing = attrs.evolve(self._config, on_change=OnChange.REPLACE)
        plans = pack(down, self._config, lease.token, first=self._number)
        tasks = [self._recovery.new_task(plan) for plan in plans]
        self._number += len(plans)
        plans = pack(back, replacing, lease.token, first=self._number)
        tasks += [self._undo(self._recovery.new_task(plan)) for plan in plans]
        self._number += len(plans)
        if tasks:
            self._ledger.create_batches([t.batch for t in tasks], lease)
        return tasks

    def _settle(self, task: Task) -> None:
        # The user's code is not to be had here, and nothing that is worked on here needs it.
        config = attrs.evolve(self._config, transform=None)
        manifest = work(config, task.plan, task.batch, self._id, self._clients)
        try:
            self._finish(task, manifest)
        except FencedOffError:
            self._publisher.put_away(manifest)
            raise
        for item in manifest.files:
            said = f"{item.table_rows:,} rows of it are left" if item.table_rows else "the next run takes it as new"
            self._done.append(f"wrote down of {item.uri}: {said}")

    def _finish(self, task: Task, manifest: CommitManifest) -> None:
        committed = self._ledger.commit(task.batch, self._publisher.put_commit(task.batch, manifest))
        self._publisher.roll_forward(committed, manifest)
