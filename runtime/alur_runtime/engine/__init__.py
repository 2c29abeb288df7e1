"""Where batches are worked on: in this process, or over Spark. Both run the one kernel; neither commits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import attrs

from alur_runtime.aws import Clients
from alur_runtime.config import JobConfig
from alur_runtime.model import BatchItem, BatchPlan, CommitManifest


@attrs.frozen
class Task:
    """A batch to work on."""

    batch: BatchItem
    plan: BatchPlan


@attrs.frozen
class Outcome:
    """What came of it: a manifest to commit, or the error."""

    task: Task
    manifest: CommitManifest | None = None
    error: Exception | None = None


class Engine(Protocol):
    """Works on batches, and gives each outcome as it comes."""

    def run(self, tasks: Iterable[Task], config: JobConfig, run_id: str, clients: Clients) -> Iterator[Outcome]:
        """Work on the tasks; an error of one does not stop the others."""
        ...
