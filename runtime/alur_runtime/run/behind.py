"""Whether the ledger is older than what S3 shows: restored from a backup, lost, or made anew.

A run on such a ledger would ingest once more what the ledger has forgotten. Two things prove it: a batch that was
planned under a token which the ledger has not given out yet, and a batch that is processing in the ledger although an
object shows that it was committed.
"""

from __future__ import annotations

from typing import Any

from alur_runtime.config import JobConfig
from alur_runtime.errors import LedgerBehindError
from alur_runtime.ledger.ledger import Ledger
from alur_runtime.model import BatchItem, BatchStatus, CommitManifest
from alur_runtime.rebuild.manifests import ManifestName, list_batch, list_manifests
from alur_runtime.table.store import TableStore, get_json, upload_mark


def check_ledger(s3: Any, config: JobConfig, ledger: Ledger) -> None:
    """Refuse a ledger that lacks what was planned under it; made before the planning lease is taken.

    Taking the lease counts its token up: were it taken first, each refused run would bring the token nearer to those
    that S3 shows, until one of them passes.

    Args:
        s3: A boto3 client.
        config: The job's.
        ledger: The table's.

    Raises:
        LedgerBehindError: If it is older than what S3 shows.
        ClientError: If AWS fails.
    """
    lease = ledger.lease() or {}
    while True:
        token, held = lease.get("token", 0), "owner" in lease
        committed, later = _planned_since(s3, config, token, with_it=held)
        if later is None:
            break
        # The race: another run has taken the lease since it was read, and has planned. Then the ledger says so now.
        lease = ledger.lease() or {}
        if lease.get("token", 0) < later.token:
            raise LedgerBehindError(config.table.key, f"{later.uri} was planned under a token it has not given out yet")
    # The race: the backup was made while the lease was held, before its batches were created. Their token is known
    # then, and they are not. A live holder's are: a batch is in the ledger before its commit manifest is in S3, and
    # here the ledger is asked after S3 was.
    if committed is not None and ledger.batch(committed.seq) is None:
        raise LedgerBehindError(config.table.key, f"{committed.uri} is of a batch that it does not know")


def check_batch(s3: Any, config: JobConfig, batch: BatchItem) -> None:
    """Refuse to go on with a processing batch that was committed; made before one is adopted, given up or split.

    The race: a backup was made while the batch was worked on. Nothing need have been planned since.

    Args:
        s3: A boto3 client.
        config: The job's.
        batch: Open; one that is committed, or that takes itself back, knows of its commit.

    Raises:
        LedgerBehindError: If an object shows that it was committed.
        ClientError: If AWS fails.
    """
    if batch.status is not BatchStatus.PROCESSING or batch.undo:
        return
    for name in list_batch(s3, config.table.metadata, batch.seq):
        if not name.is_commit:
            continue
        proof = find_proof(s3, config, get_json(s3, name.uri, CommitManifest))
        if proof:
            said = f"batch {batch.seq} is {batch.status} in it, and {proof} shows that it was committed"
            raise LedgerBehindError(config.table.key, said)


def find_proof(s3: Any, config: JobConfig, manifest: CommitManifest) -> str:
    """What only the commit of this manifest can have brought about in S3.

    Uploads are completed and objects deleted after the commit alone, and names of new objects are never used twice.

    Returns:
        The URI of an object that is there, or gone, because of it; empty if there is none.
    """
    table, quarantine = TableStore(s3, config.table.location), TableStore(s3, config.table.quarantine)
    new = [(quarantine, u.key) for u in manifest.quarantine]
    new += [(table, u.key) for u in manifest.uploads if not u.rewrite]
    for store, key in new:
        if store.mark(key) is not None:
            return store.location + key
    for upload in manifest.uploads:
        if upload.rewrite and table.mark(upload.key) == upload_mark(manifest.seq, manifest.attempt, upload.key):
            return table.location + upload.key
    gone = (key for key in manifest.deletes if table.mark(key) is None)
    return next((table.location + key for key in gone), "")


def _planned_since(
    s3: Any, config: JobConfig, token: int, *, with_it: bool
) -> tuple[ManifestName | None, ManifestName | None]:
    """The last commit manifest under a token, if that is asked for, and the first manifest under a later one."""
    committed = None
    for name in list_manifests(s3, config.table.metadata, since=token if with_it else token + 1):
        if name.token > token:
            return committed, name
        committed = name if name.is_commit else committed
    return committed, None
