"""The engine in this process: batches side by side in threads (pyarrow and obstore leave the GIL while they work)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice

from alur_runtime.aws import Clients
from alur_runtime.config import JobConfig
from alur_runtime.engine import Outcome, Task
from alur_runtime.engine.attempt import attempt


class LocalEngine:
    """Works on as many batches at once as `settings.threads` says."""

    def run(self, tasks: Iterable[Task], config: JobConfig, run_id: str, clients: Clients) -> Iterator[Outcome]:
        """Work on the tasks; never holds more than the threads' number of them in memory."""
        threads = config.settings.threads or max(2, os.cpu_count() or 2)
        waiting = iter(tasks)
        with ThreadPoolExecutor(threads, thread_name_prefix="alur-batch") as pool:

            def start(count: int) -> set[Future[Outcome]]:
                return {pool.submit(_work, t, config, run_id, clients) for t in islice(waiting, count)}

            running = start(threads)
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                running |= start(len(done))
                yield from (future.result() for future in done)


def _work(task: Task, config: JobConfig, run_id: str, clients: Clients) -> Outcome:
    try:
        return Outcome(task, attempt(task, config, run_id, clients))
    except Exception as error:  # noqa: BLE001  (one batch's error is its own; the run decides what it means)
        return Outcome(task, error=error)
