"""What a rebuild goes by: the ledger as it is, and what S3 and the catalog show. It reads, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, Final

import attrs
import pyarrow as pa
import pyarrow.parquet as pq

from alur_runtime.aws import Clients
from alur_runtime.config import SOURCE_FILE, JobConfig
from alur_runtime.ledger.base import now_ms
from alur_runtime.model import BatchItem, BatchPlan, CommitManifest, FileItem, Order
from alur_runtime.naming import batch_seq
from alur_runtime.rebuild.ledger import RebuildLedger
from alur_runtime.rebuild.manifests import ManifestName, list_manifests, token_of
from alur_runtime.table.pending import Pending, list_pending
from alur_runtime.table.store import TableStore, get_json, list_objects
from alur_runtime.table.write import count_by_file

_THREADS: Final = 16
# DynamoDB's backups keep no order between items, though these are rarely a second apart: the batches that were closed
# last are looked at again.
_LOOKED_AT_AGAIN: Final = 100
_FEW: Final = 10_000  # items that are asked for by their keys
_RUNS: Final = 200  # newest first: a run that is alive is among them

FilesIn = Callable[[str], frozenset[str]]
"""The files that have rows in an object of the table; none if there is no such object."""

Tick = Callable[[], None]
"""Called now and then while something takes long."""


@attrs.frozen
class Plan:
    """A plan manifest."""

    name: ManifestName
    plan: BatchPlan


@attrs.frozen
class Commit:
    """A commit manifest; whether it was committed is the question."""

    name: ManifestName
    manifest: CommitManifest

    @property
    def order(self) -> Order:
        """What its file items are written under."""
        return self.manifest.seq, self.manifest.attempt


@attrs.frozen
class Evidence:
    """Ledger, S3 and catalog, from one sequence on.

    Attributes:
        token: The planning lease's, 0 if there is none.
        held: Whether somebody has taken the lease and not given it back.
        alive: Runs that show a heartbeat.
        batches: The ledger's, by sequence.
        plans: By sequence.
        commits: By sequence, attempt by attempt.
        objects: Keys below the table's location.
        quarantine: Keys below that of its bad rows.
        pending: Uploads below both.
        partitions: The catalog's, as it has their values.
        items: What wrote the ledger's item of each file that the commit manifests name, where there is one.
    """

    token: int
    held: bool
    alive: tuple[str, ...]
    batches: dict[str, BatchItem]
    plans: dict[str, tuple[Plan, ...]]
    commits: dict[str, tuple[Commit, ...]]
    objects: frozenset[str]
    quarantine: frozenset[str]
    pending: tuple[Pending, ...]
    partitions: frozenset[tuple[str, ...]]
    items: dict[str, Order]


def gather(config: JobConfig, clients: Clients, ledger: RebuildLedger, *, everything: bool, tick: Tick) -> Evidence:
    """Read what a rebuild goes by.

    Args:
        config: The job's.
        clients: Of AWS.
        ledger: The table's.
        everything: Read all manifests that there are, even if the ledger knows batches.
        tick: Called now and then.

    Raises:
        ConfigError: If a manifest is of a form that this version does not know.
        LedgerFormatError: If a ledger item is.
        ClientError: If AWS fails.
    """
    lease = ledger.lease() or {}
    token = lease.get("token", 0)
    since = 0 if everything else min([token, *_last_tokens(ledger)])
    names = list(list_manifests(clients.s3, config.table.metadata, since=since))
    plans, commits = _read_manifests(clients.s3, names, tick)
    uris = {f.uri for found in commits.values() for commit in found for f in commit.manifest.files}
    table, quarantine = config.table.location, config.table.quarantine
    now = now_ms()
    return Evidence(
        token=token,
        held="owner" in lease,
        alive=tuple(r.run_id for r in ledger.runs(_RUNS) if r.is_alive(now)),
        batches={b.seq: b for b in ledger.batches(batch_seq(since, 0))},
        plans=plans,
        commits=commits,
        objects=frozenset(_list_keys(clients.s3, table, tick)),
        quarantine=frozenset(_list_keys(clients.s3, quarantine, tick)),
        pending=(*list_pending(clients.s3, table), *list_pending(clients.s3, quarantine)),
        partitions=frozenset(_list_partitions(config, clients.glue)),
        items=dict(_items(ledger, uris, tick)),
    )


def reader_of_objects(config: JobConfig, s3: Any) -> FilesIn:
    """Says of an object which files have rows in it, and reads it once for that."""
    store = TableStore(s3, config.table.location)

    @cache
    def files_in(key: str) -> frozenset[str]:
        body = store.read(key)
        if body is None:
            return frozenset()
        return frozenset(count_by_file(pq.ParquetFile(pa.BufferReader(body)).read([SOURCE_FILE])))

    return files_in


def _last_tokens(ledger: RebuildLedger) -> list[int]:
    """Of the open batches, and of those that were created last."""
    known = (*ledger.open_batches(), *ledger.last_batches(_LOOKED_AT_AGAIN))
    return [token_of(batch.seq) for batch in known]


def _read_manifests(
    s3: Any, names: list[ManifestName], tick: Tick
) -> tuple[dict[str, tuple[Plan, ...]], dict[str, tuple[Commit, ...]]]:
    def read(name: ManifestName) -> Plan | Commit:
        if name.is_commit:
            return Commit(name, get_json(s3, name.uri, CommitManifest))
        return Plan(name, get_json(s3, name.uri, BatchPlan))

    plans: dict[str, tuple[Plan, ...]] = {}
    commits: dict[str, tuple[Commit, ...]] = {}
    with ThreadPoolExecutor(_THREADS) as pool:
        for found in pool.map(read, names):
            tick()
            seq = found.name.seq
            if isinstance(found, Plan):
                plans[seq] = (*plans.get(seq, ()), found)
            else:
                commits[seq] = (*commits.get(seq, ()), found)
    ordered = {seq: tuple(sorted(many, key=lambda c: c.name.attempt)) for seq, many in commits.items()}
    return plans, ordered


def _items(ledger: RebuildLedger, uris: set[str], tick: Tick) -> Iterator[tuple[str, Order]]:
    """What wrote the ledger's items: read whole, unless few are asked for."""
    found: Iterable[FileItem] = ledger.get_files(uris).values() if len(uris) <= _FEW else ledger.files()
    for item in found:
        tick()
        if item.uri in uris:
            yield item.uri, item.order


def _list_keys(s3: Any, location: str, tick: Tick) -> Iterator[str]:
    for found in list_objects(s3, location):
        tick()
        yield found.key


def _list_partitions(config: JobConfig, glue: Any) -> Iterator[tuple[str, ...]]:
    if not config.contract.partition_by:
        return
    table = config.table
    for page in glue.get_paginator("get_partitions").paginate(DatabaseName=table.database, TableName=table.name):
        yield from (tuple(p["Values"]) for p in page["Partitions"])
