"""Retention: the ledger forgets files that are gone, and nothing that it forgets is ever ingested twice."""

from __future__ import annotations

from typing import Any, Final

import attrs

from alur_runtime.config import JobConfig
from alur_runtime.ledger.base import days_from, now_s
from alur_runtime.ledger.expiry import keep_for_good, let_expire
from alur_runtime.ledger.forgotten import Forgotten
from alur_runtime.ledger.ledger import Ledger
from alur_runtime.model import BatchItem, Learnt, Lease
from alur_runtime.naming import archive_name, batch_seq
from alur_runtime.run.survey import Survey

SWEEP_SECONDS: Final = 86_400
"""How often the ledger is read whole to see which files are gone. A million items are some 400 calls and two cents:
nothing a day, but not every five minutes, and no file needs to be forgotten sooner."""


@attrs.define
class Retention:
    """What a run does for the ledger's size while it holds the planning lease.

    Attributes:
        config: The job's.
        s3: A boto3 client.
        ledger: The table's.
        run_id: This run.
        notes: What it did, for the report.
    """

    config: JobConfig
    s3: Any
    ledger: Ledger
    run_id: str
    notes: dict[str, str]

    def is_due(self, lease: Lease) -> bool:
        """Whether this run is to sweep: to read the ledger whole, and all of its batches."""
        wanted = bool(self.config.settings.forget_gone_days)
        return wanted and bool(lease.swept_at) and now_s() - lease.swept_at >= SWEEP_SECONDS

    def settle(self, found: Survey, still_open: list[BatchItem], lease: Lease, learnt: Learnt) -> None:
        """Write down what a survey has seen of files that have gone or come back.

        Args:
            found: What planning saw.
            still_open: The open batches, read under the lease and before `found`.
            lease: The planning lease.
            learnt: Takes what those who come next should know; as much of it as was done.

        Raises:
            ClientError: If AWS fails. Nothing is wrong then, the next sweep does it again.
        """
        learnt.ledger_files = found.ledger_files
        # Batches are created only by the holder of the token that they are numbered by. What was not open under this
        # token and is numbered below it can therefore neither come into being nor open again.
        learnt.oldest_open = min((b.seq for b in still_open), default=batch_seq(lease.token, 0))
        if found.gone:
            kept = f", {found.not_asked_for:,} of them below no source any more" if found.not_asked_for else ""
            self.notes["gone from the sources"] = f"{found.gone:,} files{kept}; their rows stay"
        self._welcome_back(found)
        if found.newly_gone:
            self._forget(found, lease)
        if found.is_swept or not lease.swept_at:  # a table's first sweep is a day after its first run
            learnt.swept_at = now_s()

    def _welcome_back(self, found: Survey) -> None:
        """Files that were gone are there again: their items are not to expire."""
        if found.back:
            keep_for_good(self.ledger, found.back)
        if found.found_again:
            self.ledger.put_files(found.found_again)
        if back := len(found.back) + len(found.found_again):
            archived = f", {len(found.found_again):,} of them forgotten by the ledger" if found.found_again else ""
            self.notes["came back"] = f"{back:,} files that were gone{archived}; known all the same"

    def _forget(self, found: Survey, lease: Lease) -> None:
        """Let the items of files that are gone expire, once they are in the archive."""
        archive = Forgotten(self.s3, self.config.table.forgotten)
        # The race: a run that dies between the two lines. The other way round it would leave items that expire and
        # are nowhere else; a file of theirs that comes back would be taken for new.
        archive.keep(found.newly_gone, archive_name(lease.token, 1, self.run_id))
        days = self.config.settings.forget_gone_days
        marked = let_expire(self.ledger, found.newly_gone, days_from(now_s(), days))
        archive.merge(archive_name(lease.token, 2, self.run_id))
        self.notes["gone from the sources"] += f"; {marked:,} of them newly: the ledger forgets them in {days} days"
