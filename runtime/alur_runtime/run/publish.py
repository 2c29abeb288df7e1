"""From a committed batch to a visible one: every step can be done again, by anyone, at any time."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import attrs
from botocore.exceptions import ClientError

from alur_runtime.aws import Clients
from alur_runtime.config import JobConfig
from alur_runtime.errors import LostUploadError
from alur_runtime.ledger.ledger import Ledger
from alur_runtime.model import BatchItem, BatchPlan, BatchStatus, CommitManifest, Upload
from alur_runtime.naming import NULL_PARTITION, partition_folder
from alur_runtime.steps import Step, reached
from alur_runtime.table.store import TableStore, etag_of, get_json, put_json, upload_mark

_PARTITIONS: Final = 100  # BatchCreatePartition's limit
_THREADS: Final = 8
_log = logging.getLogger(__name__)


@attrs.define
class Publisher:
    """Rolls batches forward.

    Attributes:
        config: The job's.
        clients: Of AWS.
        ledger: The table's.
    """

    config: JobConfig
    clients: Clients
    ledger: Ledger
    _found_storage: dict[str, Any] = attrs.field(factory=dict)

    def roll_forward(self, batch: BatchItem, manifest: CommitManifest) -> bool:
        """Make a committed batch visible, register its partitions, write its file items, and close it.

        Args:
            batch: Committed.
            manifest: Its commit manifest.

        Returns:
            False if another run had finished it before.

        Raises:
            LostUploadError: If a committed upload has vanished; see `take_back`.
            ClientError: If AWS fails; whoever comes next goes on from there.
        """
        store, quarantine = self._stores()
        if not self._complete(quarantine, batch, manifest, list(manifest.quarantine)):
            return False
        # Old rows go before new ones come. The other way round a reader between the two would count a changed file
        # twice; this way it counts it not at all for a moment.
        rewrites = [u for u in manifest.uploads if u.rewrite]
        if not self._complete(store, batch, manifest, rewrites):
            return False
        store.delete(manifest.deletes)
        reached(Step.REWRITTEN, batch=batch.seq, objects=len(rewrites) + len(manifest.deletes))
        if not self._complete(store, batch, manifest, [u for u in manifest.uploads if not u.rewrite]):
            return False
        reached(Step.VISIBLE, batch=batch.seq, objects=len(manifest.uploads) - len(rewrites))
        self._register(manifest)
        reached(Step.REGISTERED, batch=batch.seq, partitions=len(manifest.partitions))
        self.ledger.put_files(manifest.files, lambda done: reached(Step.INDEXED, batch=batch.seq, files=done))
        self.ledger.complete(batch, self.config.settings.history_days)
        reached(Step.CLOSED, batch=batch.seq)
        return True

    def read_commit(self, batch: BatchItem) -> CommitManifest:
        """A committed batch's manifest."""
        return get_json(self.clients.s3, batch.commit_uri, CommitManifest)

    def put_plan(self, plan: BatchPlan, run_id: str) -> str:
        """Write a plan manifest; its URI. A run writes it below its own name: of two plans neither hides the other."""
        uri = f"{self.config.table.metadata}batches/{plan.seq}/plan-{run_id}.json"
        put_json(self.clients.s3, uri, plan)
        return uri

    def put_commit(self, batch: BatchItem, manifest: CommitManifest) -> str:
        """Write a commit manifest; its URI. It is true once the ledger's batch names it."""
        uri = f"{self.config.table.metadata}batches/{manifest.seq}/commit-{batch.attempt}-{manifest.run_id}.json"
        put_json(self.clients.s3, uri, manifest)
        return uri

    def read_plan(self, batch: BatchItem) -> BatchPlan:
        """A batch's plan manifest."""
        return get_json(self.clients.s3, batch.plan_uri, BatchPlan)

    def take_back(
        self, batch: BatchItem, plan: BatchPlan, manifest: CommitManifest, owner: str, *, accept_loss: bool = False
    ) -> BatchItem:
        """Turn a committed batch of which an upload has vanished into one that takes itself back.

        Its files are then planned anew. For that they must still be there: at any version, if the table holds current
        versions only; at the committed one, if it keeps every version.

        Args:
            batch: Committed.
            plan: Its plan.
            manifest: Its commit manifest.
            owner: This run.
            accept_loss: Whether a person has said that what is gone may stay gone.

        Raises:
            LostUploadError: If a file is gone: its rows cannot be had again. The batch stays committed, and every run
                says so until a person decides.
            FencedOffError: If another run has moved the batch on.
        """
        if not accept_loss and (lost := ", ".join(plan.beyond_reach(lambda uri: etag_of(self.clients.s3, uri)))):
            raise LostUploadError(batch.seq, lost)
        # The race: a zombie still rolls the old attempt forward. First no upload of it can be completed any more,
        # then what it has completed is deleted, then the batch opens. Rewrites that were completed have only
        # dropped rows that go anyway.
        self.put_away(manifest)
        table, quarantine = self._stores()
        table.delete(tuple(u.key for u in manifest.uploads if not u.rewrite))
        quarantine.delete(tuple(u.key for u in manifest.quarantine))
        return self.ledger.reopen(batch, owner)

    def put_away(self, manifest: CommitManifest) -> None:
        """Abort what a manifest has uploaded; what is gone or completed already is left as it is."""
        for store, uploads in zip(self._stores(), (manifest.uploads, manifest.quarantine), strict=True):
            for upload in uploads:
                store.abort(upload)

    def _stores(self) -> tuple[TableStore, TableStore]:
        """Of the table and of its quarantine."""
        table = self.config.table
        return TableStore(self.clients.s3, table.location), TableStore(self.clients.s3, table.quarantine)

    def _complete(self, store: TableStore, batch: BatchItem, manifest: CommitManifest, uploads: list[Upload]) -> bool:
        def complete(upload: Upload) -> bool:
            return store.complete(upload, upload_mark(manifest.seq, manifest.attempt, upload.key))

        for upload, done in zip(uploads, _in_threads(complete, uploads), strict=True):
            if done:
                continue
            # Not there to complete, and the object is another: either this run is the zombie, the batch was
            # finished by another run and its object rewritten since; or the upload has vanished.
            found = self.ledger.batch(batch.seq)
            if found is None or found.status is BatchStatus.COMPLETED or found.attempt != batch.attempt:
                _log.info("batch %s was finished by another run", batch.seq)
                return False
            raise LostUploadError(batch.seq, store.location + upload.key)
        return True

    # --- the catalog ----------------------------------------------------------------------------------------------

    def _register(self, manifest: CommitManifest) -> None:
        """Create the catalog's partitions; those that are there already are fine."""
        names = self.config.contract.partition_by
        if not names:
            return
        table = self.config.table
        for start in range(0, len(manifest.partitions), _PARTITIONS):
            inputs = [self._partition(names, values) for values in manifest.partitions[start : start + _PARTITIONS]]
            answer = self.clients.glue.batch_create_partition(
                DatabaseName=table.database, TableName=table.name, PartitionInputList=inputs
            )
            for failed in answer.get("Errors", ()):
                detail = failed["ErrorDetail"]
                if detail["ErrorCode"] != "AlreadyExistsException":
                    problem = {"Code": detail["ErrorCode"], "Message": f"{failed['PartitionValues']}: {detail}"}
                    raise ClientError({"Error": problem}, "BatchCreatePartition")

    def _partition(self, names: tuple[str, ...], values: tuple[str | None, ...]) -> dict[str, Any]:
        table = self.config.table
        storage, location = self._storage(), table.location + partition_folder(names, values)
        return {
            "Values": [NULL_PARTITION if v is None else v for v in values],
            "StorageDescriptor": {**storage, "Location": location},
        }

    def _storage(self) -> dict[str, Any]:
        """The table's storage descriptor: its partitions' are the same but for the place."""
        if not self._found_storage:
            found = self.clients.glue.get_table(DatabaseName=self.config.table.database, Name=self.config.table.name)
            self._found_storage.update(found["Table"]["StorageDescriptor"])
        return self._found_storage


def _in_threads(function: Callable[[Upload], bool], uploads: list[Upload]) -> list[bool]:
    if len(uploads) < 2:
        return [function(u) for u in uploads]
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(function, uploads))
