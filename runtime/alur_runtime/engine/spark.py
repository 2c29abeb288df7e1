"""The engine over Spark: executors run the kernel and upload, the driver commits. No Spark committer is relied on."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

from alur_runtime.aws import Clients, make_clients
from alur_runtime.config import JobConfig, config_from_json, structure, to_json, unstructure
from alur_runtime.engine import Outcome, Task
from alur_runtime.engine.attempt import attempt
from alur_runtime.errors import AlurError
from alur_runtime.model import BatchItem, BatchPlan, CommitManifest

_WAVE: Final = 4  # tasks of a wave for each of the executors' slots: its end leaves few of them idle
_log = logging.getLogger(__name__)


class ExecutorError(AlurError):
    """A batch failed on an executor.

    Attributes:
        batch: Its sequence.
        trace: The executor's traceback.
    """

    def __init__(self, batch: str, trace: str) -> None:
        super().__init__(batch, trace)
        self.batch = batch
        self.trace = trace

    def __str__(self) -> str:
        return f"batch {self.batch} failed on an executor: {self.trace}"


class SparkEngine:
    """Works on batches as a Spark job with one task a batch."""

    def run(self, tasks: Iterable[Task], config: JobConfig, run_id: str, clients: Clients) -> Iterator[Outcome]:
        """Work on the tasks, in waves; outcomes come in the tasks' order, partition by partition.

        Tasks are taken as a wave begins: a caller whose time runs out gives no more of them.
        """
        from pyspark.sql import SparkSession  # noqa: PLC0415  (no Spark where there is no work for it)

        waiting = iter(tasks)
        if not (todo := list(islice(waiting, 1))):
            return
        builder: Any = SparkSession.builder
        spark = builder.appName(f"alur {config.job}").getOrCreate()
        text = to_json(config).decode()
        width = _WAVE * spark.sparkContext.defaultParallelism
        todo += islice(waiting, width - 1)
        while todo:
            payloads = [
                json.dumps(
                    {"config": text, "run_id": run_id, "batch": unstructure(t.batch), "plan": unstructure(t.plan)}
                )
                for t in todo
            ]
            answers = spark.sparkContext.parallelize(payloads, len(payloads)).map(work_on_executor)
            # A batch is committed as soon as its answer is here: a driver that dies late loses little.
            for task, answer in zip(todo, answers.toLocalIterator(prefetchPartitions=True), strict=True):
                yield _outcome(task, json.loads(answer), clients)
            todo = list(islice(waiting, width))


def work_on_executor(payload: str) -> str:
    """One batch on an executor, JSON in and out; an error is an answer, so that other batches go on."""
    data = json.loads(payload)
    clients = make_clients()
    try:
        task = Task(structure(data["batch"], BatchItem), structure(data["plan"], BatchPlan))
        manifest = attempt(task, config_from_json(data["config"]), data["run_id"], clients)
    except Exception:  # noqa: BLE001  (it crosses a process: its traceback is all that can be sent)
        return json.dumps({"error": traceback.format_exc(), "calls": clients.calls.counts()})
    return json.dumps({"manifest": unstructure(manifest), "calls": clients.calls.counts()})


def _outcome(task: Task, answer: dict[str, Any], clients: Clients) -> Outcome:
    for name, calls in answer["calls"].items():
        service, _, operation = name.partition(".")
        clients.calls.add(service, operation, calls)
    if "error" in answer:
        return Outcome(task, error=ExecutorError(task.batch.seq, answer["error"]))
    return Outcome(task, structure(answer["manifest"], CommitManifest))
