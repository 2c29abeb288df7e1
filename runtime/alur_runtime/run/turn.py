"""Waiting for one's turn to plan."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

import attrs

from alur_runtime.config import Settings
from alur_runtime.errors import LeaseBusyError
from alur_runtime.ledger.ledger import Ledger
from alur_runtime.model import Lease

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0  # seconds


@attrs.frozen
class Turn:
    """Takes the planning lease for a run, as often as it plans.

    Attributes:
        ledger: The table's.
        run_id: The run.
        settings: How long the lease is held, and how long is waited for it.
    """

    ledger: Ledger
    run_id: str
    settings: Settings
    _numbers: Iterator[int] = attrs.field(factory=lambda: itertools.count(1))

    def take(self) -> Lease:
        """Take the lease, waiting for others.

        Raises:
            LeaseBusyError: If it was not to be had in `settings.planning_wait_seconds`.
        """
        waited, pause = 0.0, _FIRST_PAUSE
        while True:
            name = f"{self.run_id}/{next(self._numbers)}"  # each try has its own: see `try_lease`
            taken = self.ledger.try_lease(name, self.settings.planning_lease_seconds)
            if isinstance(taken, Lease):
                return taken
            if waited >= self.settings.planning_wait_seconds:
                raise LeaseBusyError(self.ledger.table_key, taken, waited)
            time.sleep(pause)
            waited, pause = waited + pause, min(pause * 1.5, _LONGEST_PAUSE)
