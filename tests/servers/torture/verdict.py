"""Whether the table is what it must be: read by other means than those that wrote it, and compared row by row."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import attrs
import pyarrow as pa
import pyarrow.parquet as pq

from alur_runtime.config import split_uri
from alur_runtime.model import FileItem, FileStatus
from alur_runtime.table.store import get_bytes
from tests.runtime.world import World
from tests.servers.torture.landing import Landing, Row


@attrs.frozen
class Verdict:
    """What the table came to.

    Attributes:
        expected: Rows that must be there.
        rows: Rows that are.
        duplicates: Rows that are there once more than they may.
        wrong: All that is not as it must be, in words; empty if all is well.
    """

    expected: int
    rows: int
    duplicates: int
    wrong: tuple[str, ...]


def judge(world: World, landing: Landing) -> Verdict:
    """Compare the table, its ledger, its catalog and its quarantine with what has landed."""
    expected = landing.expected()
    items = {item.uri: item for item in world.ledger.files()}
    found = Counter(read_table(world))
    regions = {region for _, region, _ in found}
    checks: dict[str, list[Any]] = {
        "rows missing": list((expected - found).elements()),
        "rows too many": list((found - expected).elements()),
        "in the ledger otherwise than landed": _ledger(world, landing, items),
        "objects that no file item names": _stray(world, items),
        "partitions of the catalog": sorted({values[0] for values in world.partitions()} ^ regions),
        "in the quarantine otherwise than landed": _quarantine(world, landing, items),
        "batches still open": [batch.seq for batch in world.ledger.open_batches()],
    }
    wrong = tuple(f"{what}: {len(names)}, such as {names[:3]}" for what, names in checks.items() if names)
    duplicates = sum(count - 1 for count in found.values())
    return Verdict(expected.total(), found.total(), duplicates, wrong)


def look(world: World) -> str:
    """What a reader sees at any moment: no row twice, no two versions of a file; a sentence if it is otherwise."""
    rows = read_table(world)
    twice = [number for number, count in Counter(number for number, _, _ in rows).items() if count > 1]
    versions: dict[str, set[str]] = {}
    for _, _, note in rows:
        versions.setdefault(note.partition(" as of ")[0], set()).add(note)
    mixed = [sorted(notes) for notes in versions.values() if len(notes) > 1]
    return f"a reader saw ids twice: {twice[:3]}, versions mixed: {mixed[:3]}" if twice or mixed else ""


def read_table(world: World) -> list[Row]:
    """The rows of the objects that are listed; those that go before they are read hold old rows only."""
    rows: list[Row] = []
    for key in _objects(world):
        try:
            body = world.clients.s3.get_object(Bucket=world.lake, Key=key)["Body"].read()
        except world.clients.s3.exceptions.NoSuchKey:
            continue
        region = key.split("region=")[1].partition("/")[0]
        table = pq.read_table(pa.BufferReader(body), columns=["id", "note"], partitioning=None)
        rows += [(row["id"], region, row["note"]) for row in table.to_pylist()]
    return rows


def pending_uploads(world: World) -> str:
    """How many uploads nobody will complete: those of killed runs, which a rule of the bucket's lifecycle removes."""
    page = world.clients.s3.list_multipart_uploads(Bucket=world.lake)  # versitygw has no second one
    return f"{len(page.get('Uploads', ())):,}{' or more' if page['IsTruncated'] else ''}"


def _objects(world: World) -> list[str]:
    bucket, prefix = split_uri(world.config.table.location)
    pages = world.clients.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [entry["Key"] for page in pages for entry in page.get("Contents", ())]


def _ledger(world: World, landing: Landing, items: dict[str, FileItem]) -> list[str]:
    wrong = []
    for name, version in landing.versions.items():
        item = items.get(world.uri(name))
        said = item and (item.status, item.rows_ingested, item.table_rows, item.rows_quarantined)
        if said != (FileStatus.COMPLETED, len(version.rows), len(version.rows), version.bad):
            wrong.append(f"{name}: {said} for {len(version.rows)} rows and {version.bad} bad ones")
    return wrong + [f"{uri}: never landed" for uri in items.keys() - {world.uri(name) for name in landing.versions}]


def _stray(world: World, items: dict[str, FileItem]) -> list[str]:
    _, prefix = split_uri(world.config.table.location)
    named = {output for item in items.values() for output in item.outputs}
    return [key for key in _objects(world) if key.removeprefix(prefix) not in named]


def _quarantine(world: World, landing: Landing, items: dict[str, FileItem]) -> list[str]:
    """The bad rows of each current version, in the object that its file item names."""
    wrong = []
    for name, version in landing.versions.items():
        item = items.get(world.uri(name))
        lines: list[dict[str, object]] = []
        if item is not None and item.quarantine:
            lines = list(
                map(
                    json.loads,
                    get_bytes(world.clients.s3, world.config.table.quarantine + item.quarantine).splitlines(),
                )
            )
        found = sum((line["file"], line["etag"]) == (item.uri, item.etag) for line in lines if item is not None)
        if found != version.bad:
            wrong.append(f"{name}: {found} instead of {version.bad}")
    return wrong
