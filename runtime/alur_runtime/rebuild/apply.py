"""A rebuild, from its look at S3 to a ledger that runs take again. It can die at any call and be done again."""

from __future__ import annotations

import time

import attrs

from alur_runtime.aws import Clients
from alur_runtime.config import JobConfig
from alur_runtime.errors import LeaseBusyError, RebuildError
from alur_runtime.ledger.base import now_s
from alur_runtime.naming import new_run_id
from alur_runtime.rebuild.evidence import Evidence, gather, reader_of_objects
from alur_runtime.rebuild.ledger import RebuildLedger
from alur_runtime.rebuild.replay import Replay, replay


@attrs.frozen
class Rebuild:
    """What a rebuild found, and did if it was told to.

    Attributes:
        table: The table's key.
        evidence: What it went by.
        replay: What the ledger lacks.
        applied: Whether it was done.
    """

    table: str
    evidence: Evidence
    replay: Replay
    applied: bool


def rebuild(config: JobConfig, clients: Clients, *, apply: bool, everything: bool = False) -> Rebuild:
    """Make the ledger what the manifests and objects in S3 prove it was.

    Args:
        config: The job's.
        clients: Of AWS.
        apply: Write it; else only say what would be written.
        everything: Go by all manifests that there are, and not only by those since the ledger's last batches.

    Raises:
        LeaseBusyError: If somebody holds the planning lease.
        RebuildError: If a run is alive, or a batch was committed whose plan is not there.
        FencedOffError: If another has taken the planning lease meanwhile: to be done again.
        ConfigError: If a manifest is of a form that this version does not know.
        LedgerFormatError: If a ledger item is.
        ClientError: If AWS fails: to be done again.
    """
    return _Rebuild(config, clients, everything).apply() if apply else _Rebuild(config, clients, everything).look()


class _Rebuild:
    def __init__(self, config: JobConfig, clients: Clients, everything: bool) -> None:
        self._config, self._clients, self._everything = config, clients, everything
        table = config.table.key
        self._ledger = RebuildLedger(clients.dynamodb, config.ledger.table, table, config.ledger.shards)
        self._owner, self._seconds = f"rebuild-{new_run_id()}", config.settings.planning_lease_seconds
        self._holds, self._renewed = False, time.monotonic()

    def look(self) -> Rebuild:
        evidence = gather(
            self._config, self._clients, self._ledger, everything=self._everything, tick=self._renew_in_time
        )
        found = replay(evidence, reader_of_objects(self._config, self._clients.s3), now_s())
        return Rebuild(self._config.table.key, evidence, found, applied=False)

    def apply(self) -> Rebuild:
        if holder := self._ledger.hold(self._owner, self._seconds):
            raise LeaseBusyError(self._config.table.key, holder, 0.0)
        self._holds = True
        try:
            seen = self.look()
            self._check_alone(seen.evidence)
            self._write(seen)
        except Exception:
            # Not given back, but left to expire, now: that somebody held it while the backup was made may be all that
            # makes runs refuse the ledger.
            self._ledger.renew_lease(self._owner, -1)
            raise
        return attrs.evolve(seen, applied=True)

    def _check_alone(self, evidence: Evidence) -> None:
        if evidence.alive:
            run = evidence.alive[0]
            raise RebuildError(
                f"run {run} is alive: stop the job's trigger, wait until it has ended, and do this again"
            )

    def _write(self, seen: Rebuild) -> None:
        """Each of these can be done again, and until the last one runs refuse the ledger."""
        found = seen.replay
        if found.needed:
            for upload in found.aborts:
                upload.abort(self._clients.s3)
                self._renew_in_time()
            # Files before batches: a batch that is open is what makes runs refuse a ledger whose token is right.
            self._ledger.put_files(found.files, lambda _: self._renew_in_time())
            for move in found.moves:
                if move.before is None:
                    self._ledger.add(move.after, self._config.settings.history_days)
                else:
                    self._ledger.settle(move.before, move.after, self._config.settings.history_days)
                self._renew_in_time()
        self._ledger.bring_up(self._owner, found.token)

    def _renew_in_time(self) -> None:
        """Renew the planning lease at a third of its length."""
        if self._holds and time.monotonic() - self._renewed > self._seconds / 3:
            self._renewed = time.monotonic()
            self._ledger.renew_lease(self._owner, self._seconds)
