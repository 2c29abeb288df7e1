"""One attempt at a batch, on whichever engine."""

from __future__ import annotations

from alur_runtime.aws import Clients
from alur_runtime.config import JobConfig
from alur_runtime.engine import Task
from alur_runtime.kernel.work import work
from alur_runtime.ledger.ledger import Ledger
from alur_runtime.model import CommitManifest


def attempt(task: Task, config: JobConfig, run_id: str, clients: Clients) -> CommitManifest:
    """Work on a batch; of one that has been worked on before, it is first written down that work begins.

    What ends this process then leaves a trace at the batch that it worked on. The first attempt leaves none: hardly a
    run dies, and the write would cost every batch of every run.

    Raises:
        FencedOffError: If another run has taken the batch over.
        AlurError: As `work` does.
        ClientError: If AWS fails.
    """
    batch = task.batch
    if (batch.attempt > 1 or batch.begun) and not (batch.undo or batch.condemned):
        ledger = Ledger(clients.dynamodb, config.ledger.table, config.table.key, config.ledger.shards)
        ledger.begin(batch)
    return work(config, task.plan, batch, run_id, clients)
