"""A thread that says: this run is alive."""

from __future__ import annotations

import logging
import threading
import time
from types import TracebackType
from typing import Self

from botocore.exceptions import BotoCoreError, ClientError

from alur_runtime.ledger.base import now_ms
from alur_runtime.ledger.ledger import Ledger

_log = logging.getLogger(__name__)


class Heartbeat:
    """Renews a run's lease, and the planning lease while it is held, each at a third of its length.

    Nothing hangs on it but who works: a heartbeat that fails is logged, and the run goes on under its fences.
    """

    def __init__(self, ledger: Ledger, run_id: str, run_lease: float, planning_lease: float) -> None:
        self._ledger, self._run_id = ledger, run_id
        self._run_lease, self._planning_lease = run_lease, planning_lease
        self._planning_owner: str | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="alur-heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def planning(self, owner: str | None) -> None:
        """The planning lease is held under this name from now on, or no more."""
        self._planning_owner = owner

    def _beat(self) -> None:
        due_run, due_planning = self._run_lease / 3, self._planning_lease / 3
        began = time.monotonic()
        while not self._stop.wait(max(0.0, min(due_run, due_planning) - (time.monotonic() - began))):
            passed = time.monotonic() - began
            try:
                if passed >= due_run:
                    due_run = passed + self._run_lease / 3
                    self._ledger.heartbeat(self._run_id, now_ms() + int(self._run_lease * 1000))
                if passed >= due_planning:
                    due_planning = passed + self._planning_lease / 3
                    if owner := self._planning_owner:
                        self._ledger.renew_lease(owner, self._planning_lease)
            except (ClientError, BotoCoreError) as error:
                _log.warning("heartbeat of run %s failed, the run goes on: %s", self._run_id, error)
