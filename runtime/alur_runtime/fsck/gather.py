"""Reads all that the check looks at, in the order that makes a look beside live runs safe."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

import attrs

from alur_runtime.aws import Clients
from alur_runtime.config import JobConfig
from alur_runtime.errors import LedgerBehindError
from alur_runtime.fsck.batches import rewrites_to_look_at
from alur_runtime.fsck.find import check
from alur_runtime.fsck.held import held
from alur_runtime.fsck.names import origin_of
from alur_runtime.fsck.objects import nobodys_objects
from alur_runtime.fsck.read_ledger import AllItems
from alur_runtime.fsck.read_s3 import (
    objects_of,
    read_manifest,
    with_footer,
    with_rows,
)
from alur_runtime.fsck.rows import objects_to_count
from alur_runtime.fsck.state import OPEN, Items, Manifests, Named, Object, Partition, State, Unknown
from alur_runtime.ledger.base import now_ms
from alur_runtime.ledger.forgotten import Forgotten
from alur_runtime.ledger.ledger import Ledger
from alur_runtime.model import BatchItem, BatchPlan, CommitManifest, FileItem
from alur_runtime.rebuild.manifests import list_batch
from alur_runtime.run.behind import check_ledger
from alur_runtime.table.pending import list_pending
from alur_runtime.table.store import TableStore, etag_of

_THREADS: Final = 16
_In = TypeVar("_In")
_Out = TypeVar("_Out")


def gather(config: JobConfig, clients: Clients, *, rows: bool = False, me: str = "") -> State:
    """Read ledger, manifests, objects, uploads and catalog of a table.

    Args:
        config: The job's.
        clients: Of AWS.
        rows: Whether the rows of each file are counted in every object, and not only where counts differ.
        me: A run that looks itself, and is nobody else's business.

    Raises:
        ClientError: If AWS fails.
    """
    return _Gathering(config, clients, rows, me).state()


class _Gathering:
    def __init__(self, config: JobConfig, clients: Clients, rows: bool, me: str) -> None:
        self._config, self._clients, self._rows, self._me = config, clients, rows, me
        self._s3 = clients.s3
        self._items = AllItems(clients.dynamodb, config.ledger.table, config.table.key, config.ledger.shards)
        self._unknown: dict[str, Unknown] = {}
        self._manifests: dict[str, Manifests] = {}
        self._read_for: dict[str, BatchItem] = {}

    def state(self) -> State:
        table, now = self._config.table, now_ms()
        nothing = State(self._config, now, Items({}, {}), {}, (), {}, frozenset(), (), ())
        ledger = Ledger(self._clients.dynamodb, self._config.ledger.table, table.key, self._config.ledger.shards)
        try:
            check_ledger(self._s3, self._config, ledger)
        except LedgerBehindError as error:
            return attrs.evolve(nothing, behind=str(error))
        # The race: a live run changes things while they are read. Batches are read first and last (see
        # `moving_batches`), and items before objects: a roll forward writes them the other way round, so that an
        # object that is already deleted is never missed on behalf of an item that was read before it.
        before = self._look()
        self._read_manifests(before, whole=False)
        state = attrs.evolve(
            nothing,
            before=before,
            after=before,
            files=self._files(),
            objects={o.key: o for o in objects_of(self._s3, table.location)},
            quarantine=frozenset(o.key for o in objects_of(self._s3, table.quarantine)),
            pending=(*list_pending(self._s3, table.location), *list_pending(self._s3, table.quarantine)),
            partitions=tuple(self._partitions()),
            manifests=self._manifests,
        )
        state = self._with_counts(attrs.evolve(state, unknown=tuple(self._unknown.values())))
        state = self._with_answers(state)
        after = self._look()
        self._read_manifests(after, whole=True)
        return attrs.evolve(state, after=after, unknown=tuple(self._unknown.values()))

    # --- the ledger -----------------------------------------------------------------------------------------------

    def _look(self) -> Items:
        found = self._items.batches_and_runs()
        return attrs.evolve(found, runs={k: run for k, run in found.runs.items() if k != self._me})

    def _files(self) -> dict[str, FileItem]:
        # What the ledger has forgotten, since its source is gone, is in the table all the same.
        files = Forgotten(self._s3, self._config.table.forgotten).all()
        for item in self._items.file_items():
            if isinstance(item, Unknown):
                self._unknown[item.subject] = item
                files.pop(item.uri, None)
            elif item.uri not in files or files[item.uri].order <= item.order:
                files[item.uri] = item
        return files

    def _read_manifests(self, items: Items, *, whole: bool) -> None:
        """Read the manifests of batches that are not as they were when theirs were read.

        Args:
            items: As the ledger has them now.
            whole: Whether a closed batch's are wanted with its files: it was open, or was not there, a moment ago.
        """
        wanted = [
            batch
            for seq, batch in items.batches.items()
            if (batch.status in OPEN or batch.commit_uri) and self._read_for.get(seq) != batch
        ]
        found = self._each(lambda batch: self._read(batch, whole=whole or batch.status in OPEN), wanted)
        self._manifests |= {batch.seq: manifests for batch, manifests in zip(wanted, found, strict=True)}
        self._read_for |= {batch.seq: batch for batch in wanted}

    def _read(self, batch: BatchItem, *, whole: bool) -> Manifests:
        problems: dict[str, str] = {}

        def one(uri: str, cls: type[_Out]) -> _Out | None:
            found = read_manifest(self._s3, uri, cls, batch.seq)
            if isinstance(found, Unknown):
                self._unknown[uri] = found
            elif isinstance(found, str):
                problems[uri] = found
            else:
                return found
            return None

        plan = one(batch.plan_uri, BatchPlan) if whole else None
        commit = one(batch.commit_uri, CommitManifest) if batch.commit_uri else None
        if commit is not None and not whole:
            commit = attrs.evolve(commit, files=())  # of all batches of three months they would take much memory
        return Manifests(plan, commit, problems)

    # --- S3 and the catalog ---------------------------------------------------------------------------------------

    def _partitions(self) -> Iterator[Partition]:
        table = self._config.table
        if not self._config.contract.partition_by:
            return
        pages = self._clients.glue.get_paginator("get_partitions").paginate(
            DatabaseName=table.database, TableName=table.name, ExcludeColumnSchema=True
        )
        for page in pages:
            for entry in page["Partitions"]:
                location = entry["StorageDescriptor"]["Location"]
                yield Partition(tuple(entry["Values"]), location if location.endswith("/") else f"{location}/")

    def _with_counts(self, state: State) -> State:
        """The rows of objects: as their footers say, and by file where that is asked for or has to be known."""
        named = dict.fromkeys(key for item in state.files.values() for key in item.outputs if key in state.objects)
        count = with_rows if self._rows and state.tells_files else with_footer
        state = self._counted(state, named, count)
        if self._rows or not state.tells_files:
            return state
        return self._counted(state, objects_to_count(state, held(state)), with_rows)

    def _counted(self, state: State, keys: Iterable[str], count: Callable[[Any, str, Object], Object]) -> State:
        location = self._config.table.location
        found = self._each(lambda key: count(self._s3, location, state.objects[key]), list(keys))
        return attrs.evolve(state, objects={**state.objects, **{o.key: o for o in found}})

    def _with_answers(self, state: State) -> State:
        """What only has to be known of that which is wrong."""
        store = TableStore(self._s3, self._config.table.location)
        keys = rewrites_to_look_at(state)
        state = attrs.evolve(state, marks=dict(zip(keys, self._each(store.mark, keys), strict=True)))
        keys = nobodys_objects(state, held(state))
        named = {key: found for key, found in zip(keys, self._each(self._named, keys), strict=True) if found}
        state = attrs.evolve(state, named=named)
        uris = list(dict.fromkeys(uri for finding in check(state).findings for uri in finding.asks))
        etags = self._each(lambda uri: etag_of(self._s3, uri), uris)
        return attrs.evolve(state, sources=dict(zip(uris, etags, strict=True)))

    def _named(self, key: str) -> Named | None:
        """The commit manifest that names an object: its batch may have gone from the ledger long ago."""
        origin = origin_of(key)
        if origin is None:
            return None
        for name in list_batch(self._s3, self._config.table.metadata, origin.seq):
            if name.is_commit:
                found = read_manifest(self._s3, name.uri, CommitManifest, origin.seq)
                if isinstance(found, CommitManifest) and any(u.key == key for u in found.uploads):
                    return Named(name.uri, tuple(f.uri for f in found.files if key in f.outputs))
        return None

    def _each(self, function: Callable[[_In], _Out], values: list[_In]) -> list[_Out]:
        if len(values) < 2:
            return [function(value) for value in values]
        with ThreadPoolExecutor(_THREADS) as pool:
            return list(pool.map(function, values))
