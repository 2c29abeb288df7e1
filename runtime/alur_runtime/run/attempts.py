"""What becomes of a dead run's batch: done again, planned anew, cut into smaller ones, or ended. Pure functions."""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from alur_runtime.model import BatchItem, BatchPlan
from alur_runtime.run.plan import batch_plan, groups_of

_PARTS: Final = 16  # 1,000 files are 1 after three cuts: one file that ends its run costs few runs more


class Fate(Enum):
    """What is done with a processing batch of a dead run."""

    ADOPT = auto()  # work on it as it was planned
    REPLAN = auto()  # it was planned under another configuration: its files are planned under this one
    SPLIT = auto()  # it has failed too often: whatever is wrong with one file holds fewer others
    CONDEMN = auto()  # its one file has ended too many runs: it fails


def fate_of(batch: BatchItem, plan: BatchPlan, config: str, most: int) -> Fate:
    """Decide on a batch.

    Args:
        batch: Processing; its run is dead.
        plan: Its plan manifest.
        config: Digest of what is planned under now.
        most: How often runs may end or fail on it.
    """
    if batch.undo or batch.condemned:
        return Fate.ADOPT  # neither reads a file, and what was begun to be taken back has to be
    # Policy, contract or code are others now. Under them the plan may be wrong (two batches, each made to append to
    # an object, would both rewrite it), and its files would fail for reasons that the deploy has mended.
    if plan.config != config:
        return Fate.REPLAN
    if batch.begun + batch.failures < most:
        return Fate.ADOPT
    if len(plan.members) > 1:
        return Fate.SPLIT
    # An error that was told, such as a refused read, is told again at each run; a file that ends the run itself must
    # not be read again.
    return Fate.CONDEMN if batch.begun >= most else Fate.ADOPT


def split(plan: BatchPlan, token: int, first: int) -> list[BatchPlan]:
    """Smaller batches of a batch's files, numbered below the planning token from `first` on.

    Files that share an object to rewrite must not be in two open batches: of a batch that cannot be cut otherwise a
    half of the files is taken, and the others are left to be planned once it is closed.
    """
    groups = groups_of(plan.members, plan.on_change)
    if len(groups) == 1:
        groups = [groups[0][: len(groups[0]) // 2]]
    size = -(-len(groups) // _PARTS)
    parts = [[m for group in groups[i : i + size] for m in group] for i in range(0, len(groups), size)]
    return [batch_plan(part, plan.on_change, plan.config, token, n) for n, part in enumerate(parts, start=first)]
