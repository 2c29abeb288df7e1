"""The named steps of the protocol, each logged when it has been taken: what a run's log shows, and tests hook into."""

from __future__ import annotations

import logging
from enum import StrEnum
from typing import Any

_log = logging.getLogger(__name__)


class Step(StrEnum):
    """A step that has just been taken."""

    LEASED = "leased"  # the planning lease is held
    RECOVERED = "recovered"  # dead runs' batches were taken over
    PLANNED = "planned"  # plan manifests are in S3
    CREATED = "created"  # batches are in the ledger
    READ = "read"  # a batch's files were read
    UPLOADED = "uploaded"  # a batch's pending uploads and commit manifest are in S3
    COMMITTED = "committed"  # the batch is decided
    REWRITTEN = "rewritten"  # old rows are gone
    VISIBLE = "visible"  # new objects are there
    REGISTERED = "registered"  # partitions are in the catalog
    INDEXED = "indexed"  # file items are in the ledger
    CLOSED = "closed"  # the batch is completed
    FINISHED = "finished"  # the run is


def reached(step: Step, **data: Any) -> None:
    """Log a step, with what a person or a machine wants to know of it."""
    _log.info("%s %s", step.value, " ".join(f"{k}={v}" for k, v in data.items()), extra={"step": step, "data": data})
