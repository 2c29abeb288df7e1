"""What must hold at rest: no run is left, one clean run has ended, and everything agrees."""

from __future__ import annotations

import json
from collections import Counter

from alur_runtime.config import OnChange
from alur_runtime.ledger.items import LEASE, RUN, from_attributes, run_item
from alur_runtime.model import BatchStatus, FileItem
from alur_runtime.naming import partition_folder
from tests.simulation.files import CONTRACT, Version
from tests.simulation.oracle import Oracle, ViolationError
from tests.simulation.world import TABLE, World, ids_in


def check_at_rest(world: World, oracle: Oracle, untidy: set[str]) -> None:
    """Check that nothing is under way and that ledger, manifests, objects, catalog and quarantine agree.

    Args:
        world: To look at.
        oracle: That has followed it.
        untidy: Pending uploads that may be left: those of runs that were killed or lost AWS.

    Raises:
        ViolationError: If something is wrong.
    """
    _check_nothing_open(world, oracle, untidy)
    _check_table(world, oracle)
    items = world.file_items()
    _check_items(world, oracle, items)
    _check_catalog(world, oracle)
    _check_quarantine(world, oracle, items)


def expected_versions(world: World, oracle: Oracle) -> list[Version]:
    """The versions whose rows the table must hold, by its policy.

    Raises:
        ViolationError: If a current version was not ingested that should have been.
    """
    ingested = oracle.ingested()
    expected: list[Version] = []
    for file in sorted({*ingested, *world.current()}):
        etags = ingested.get(file, [])
        versions, now = [world.versions[e] for e in etags], world.current().get(file)
        policy = world.schedule.policy
        if policy is OnChange.APPEND:
            wrong = len(set(etags)) < len(etags) or (now is not None and now.is_taken and now not in versions)
        elif policy is OnChange.REPLACE:
            wrong = now is not None and now.is_taken and versions[-1:] != [now]
            versions = versions[-1:]
        else:
            wrong = len(etags) > 1 or (now is not None and now.is_taken and not etags)
        if wrong:
            raise ViolationError("wrong version", f"{file} is {now}, and what was ingested of it is {versions}")
        expected += versions
    return expected


def _check_nothing_open(world: World, oracle: Oracle, untidy: set[str]) -> None:
    for batch in world.batches():
        if batch.status not in (BatchStatus.COMPLETED, BatchStatus.FAILED):
            raise ViolationError("batch left open", str(batch))
    for (hash_key, range_key), item in world.dynamodb.items.items():
        values = from_attributes(item)
        if hash_key == TABLE.key and range_key == LEASE and "owner" in values:
            raise ViolationError("lease left", str(values))
        if hash_key == TABLE.key and range_key.startswith(RUN):
            run = run_item(values)
            if run.finished_at is None and run.lease_expires_at_ms > world.clock.now * 1000:
                raise ViolationError("run left", str(run))
    for name, upload in world.s3.uploads.items():
        if name in oracle.named:
            raise ViolationError("committed upload left pending", f"{name} {upload.place}")
        if name not in untidy:
            raise ViolationError("upload left pending", f"{name} {upload.place}")


def _check_table(world: World, oracle: Oracle) -> None:
    expected = Counter(
        partition_folder(CONTRACT.partition_by, (region,)) + row
        for version in expected_versions(world, oracle)
        for row, region in version.rows
    )
    found = Counter(
        f"{key.rpartition('/')[0]}/{row}" for key, o in world.table_objects().items() for row in ids_in(o.body)
    )
    if expected != found:
        missing, strange = sorted((expected - found).elements()), sorted((found - expected).elements())
        raise ViolationError("wrong rows", f"missing {missing}, too many {strange}")


def _check_items(world: World, oracle: Oracle, items: dict[str, FileItem]) -> None:
    objects = {key: Counter(r.split(".")[0] for r in ids_in(o.body)) for key, o in world.table_objects().items()}
    for file, version in world.current().items():
        item = items.get(file)
        # With `append` a file that came back to a version that the table holds changes nothing.
        if item is None or (
            world.versions[item.etag] != version and version not in [world.versions[e] for e in item.versions]
        ):
            raise ViolationError("ledger behind", f"{file} is {version}, the ledger says {item}")
        if not version.is_taken and world.versions.get(item.table_etag) == version:
            raise ViolationError("bad file taken", str(item))
    for file, item in items.items():
        rows = {key: counts[file] for key, counts in objects.items() if counts[file]}
        if set(rows) != set(item.outputs) or sum(rows.values()) != item.table_rows:
            raise ViolationError("ledger and objects differ", f"{item} and {rows}")
        if item.rows_parsed + item.rows_added != item.rows_ingested + item.rows_quarantined + item.rows_filtered:
            raise ViolationError("counts", str(item))
        if item not in oracle.commits[item.batch_seq].files:
            raise ViolationError("ledger and manifests differ", str(item))
    if strange := {key for key, counts in objects.items() if not all(file in items for file in counts)}:
        raise ViolationError("rows without a file", str(strange))


def _check_catalog(world: World, oracle: Oracle) -> None:
    used = {key.rpartition("/")[0] for key in world.table_objects()}
    known = {partition_folder(CONTRACT.partition_by, values).rstrip("/") for values in world.glue.partitions}
    named = {
        partition_folder(CONTRACT.partition_by, values).rstrip("/")
        for commit in oracle.commits.values()
        for values in commit.partitions
    }
    if not used <= known or known != named:
        raise ViolationError("catalog", f"used {used}, known {known}, committed {named}")


def _check_quarantine(world: World, oracle: Oracle, items: dict[str, FileItem]) -> None:
    objects = world.quarantine_objects()
    named = {u.key: u for commit in oracle.commits.values() for u in commit.quarantine}
    if set(objects) != set(named):
        raise ViolationError("quarantine", f"there are {sorted(objects)}, commits name {sorted(named)}")
    lines = {key: [json.loads(line) for line in o.body.splitlines()] for key, o in objects.items()}
    for item in items.values():
        of_it = [
            line for line in lines.get(item.quarantine, ()) if (line["file"], line["etag"]) == (item.uri, item.etag)
        ]
        if len(of_it) != item.rows_quarantined:
            raise ViolationError("quarantine", f"{item}: {len(of_it)} lines")
    for commit in oracle.commits.values():
        for upload in commit.quarantine:
            if len(lines[upload.key]) != upload.rows:
                raise ViolationError("quarantine", f"{upload}: {len(lines[upload.key])} lines")
