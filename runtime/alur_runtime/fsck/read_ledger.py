"""The check's own look at the ledger: every item, those that cannot be read too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import attrs

from alur_runtime.errors import LedgerFormatError
from alur_runtime.fsck.state import Items, Unknown
from alur_runtime.ledger.base import LedgerItems
from alur_runtime.ledger.items import BATCH, HASH, RANGE, RUN, batch_item, file_item, run_item
from alur_runtime.model import BatchItem, FileItem, RunItem
from alur_runtime.naming import shard_key

_T = TypeVar("_T")


@attrs.frozen
class AllItems(LedgerItems):
    """All items of a table, read strongly consistent."""

    def batches_and_runs(self) -> Items:
        """The batches, open or closed, and the runs."""
        batches: dict[str, BatchItem] = {}
        runs: dict[str, RunItem] = {}
        unknown: list[Unknown] = []
        # Batches come before runs: a batch's run has an item before the batch is there.
        for values in self._query(self.table_key, BATCH):
            seq = str(values[RANGE]).removeprefix(BATCH)
            batch = _read(values, batch_item)
            if isinstance(batch, Unknown):
                unknown.append(attrs.evolve(batch, seq=seq))
            else:
                batches[seq] = batch
        for values in self._query(self.table_key, RUN):
            run_id = str(values[RANGE]).removeprefix(RUN)
            run = _read(values, run_item)
            if isinstance(run, Unknown):
                unknown.append(attrs.evolve(run, run=run_id))
            else:
                runs[run_id] = run
        return Items(batches, runs, tuple(unknown))

    def file_items(self) -> Iterator[FileItem | Unknown]:
        """The file items, in no order."""
        for number in range(self.shards):
            for values in self._query(shard_key(self.table_key, number), ""):
                found = _read(values, file_item)
                if isinstance(found, Unknown):
                    outputs = values.get("outputs")
                    names = tuple(map(str, outputs)) if isinstance(outputs, list) else ()
                    found = attrs.evolve(found, uri=str(values.get("uri", values[RANGE])), outputs=names)
                yield found


def _read(values: dict[str, Any], form: Callable[[dict[str, Any]], _T]) -> _T | Unknown:
    try:
        return form(values)
    except LedgerFormatError as error:
        return Unknown(f"{values[HASH]} {values[RANGE]}", error.problem)
