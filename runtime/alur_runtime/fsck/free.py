"""Open batches that no run can go on with: given up, finished, or taken back."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

import attrs

from alur_runtime.engine import Task
from alur_runtime.errors import FencedOffError
from alur_runtime.fsck.acts import Act, Finish, GiveUp, Undo, only
from alur_runtime.fsck.members import stand_in
from alur_runtime.fsck.state import State
from alur_runtime.run.behind import check_batch
from alur_runtime.run.publish import Publisher
from alur_runtime.table.store import TableStore

_log = logging.getLogger(__name__)


@attrs.define
class Freed:
    """What came of it.

    Attributes:
        tasks: Batches that take back what they have done; they are this run's now.
        done: A sentence for each batch.
    """

    tasks: list[Task] = attrs.field(factory=list)
    done: list[str] = attrs.field(factory=list)

    @contextlib.contextmanager
    def unless_moved(self, what: str) -> Iterator[None]:
        """Something that is left undone if another run has moved the batch on."""
        try:
            yield
        except FencedOffError as error:
            _log.info("%s: left as it is", error)
        else:
            self.done.append(what)


def free_batches(state: State, acts: list[Act], s3: Any, publisher: Publisher, run_id: str) -> Freed:
    """Do what is to be done about open batches of dead runs.

    Args:
        state: All that is known, read under the planning lease.
        acts: Of the repair.
        s3: A boto3 client.
        publisher: Of the table.
        run_id: The repair's.

    Raises:
        LedgerBehindError: If a batch that is to be given up was committed after all.
        ClientError: If AWS fails.
    """
    freed, ledger, config = Freed(), publisher.ledger, publisher.config
    for give_up in only(acts, GiveUp):
        batch = state.after.batches[give_up.seq]
        check_batch(s3, config, batch)
        why = "its plan manifest could not be read; its files are planned again"
        with freed.unless_moved(f"gave batch {batch.seq} up"):
            ledger.give_up(batch, why, config.settings.history_days)
    for finish in only(acts, Finish):
        batch, commit = state.after.batches[finish.seq], state.manifests[finish.seq].commit
        if commit is not None:
            with freed.unless_moved(f"rolled batch {batch.seq} forward"):
                publisher.roll_forward(batch, commit)
    for undo in only(acts, Undo):
        batch, manifests = state.after.batches[undo.seq], state.manifests[undo.seq]
        plan, commit = manifests.plan, manifests.commit
        if plan is None:
            continue
        if commit is None:
            # First nothing of it can be completed any more, then what was completed is deleted: see `take_back`.
            commit, written = stand_in(state, batch, plan)
            publisher.put_away(commit)
            TableStore(s3, state.location).delete(written)
        with freed.unless_moved(f"took batch {batch.seq} back"):
            again = publisher.take_back(batch, plan, commit, run_id, accept_loss=True)
            freed.tasks.append(Task(again, plan))
    return freed
