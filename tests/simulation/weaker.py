"""The runtime's requests and its code, each without one guard: what mutants are made of."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from unittest import mock

import attrs

from alur_runtime.kernel import work
from alur_runtime.model import BatchItem, BatchStatus, CommitManifest, FileItem, Upload
from alur_runtime.run import ingest
from alur_runtime.run import publish as commit
from alur_runtime.run import survey as planning
from alur_runtime.run.plan import Busy
from alur_runtime.run.publish import Publisher
from alur_runtime.table import store
from alur_runtime.table.drop import Dropped

Request = dict[str, Any]
Changer = Callable[[str, Request], Request]
"""What becomes of a request: operation and request in, request out."""
Patch = Callable[[], contextlib.AbstractContextManager[Any]]
"""What becomes of the code while it is entered."""


def as_it_is(_: str, request: Request) -> Request:
    return request


# --- requests without a part of their condition -----------------------------------------------------------------------


def _without(request: Request, *parts: str) -> Request:
    """A request whose condition lacks some of its parts, and the names and values that only they use."""
    kept = [p for p in request["ConditionExpression"].split(" AND ") if p not in parts]
    left = {**request, "ConditionExpression": " AND ".join(kept)}
    if not kept:
        del left["ConditionExpression"]
    for field in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
        used = {k: v for k, v in request.get(field, {}).items() if any(k in part.split() for part in kept)}
        left.pop(field, None)
        left |= {field: used} if used else {}
    return left


OWNER, ATTEMPT, STATUS = "#owner = :owner", "attempt = :attempt", "#status = :status"


def move_without(status: BatchStatus, *parts: str) -> Changer:
    """Batch items that move to a status."""

    def change(operation: str, request: Request) -> Request:
        if operation != "PutItem" or request["Item"].get("status") != {"S": status.value}:
            return request
        return _without(request, *parts)

    return change


def transaction_without(*, check: bool = False, absent: bool = False, sequence: bool = False) -> Changer:
    def change(operation: str, request: Request) -> Request:
        if operation != "TransactWriteItems":
            return request
        writes = []
        for write in request["TransactItems"]:
            ((action, body),) = write.items()
            if action == "ConditionCheck" and check:
                continue
            condition = body["ConditionExpression"]
            if action == "Put" and ((absent and " OR " not in condition) or (sequence and " OR " in condition)):
                body = {k: v for k, v in body.items() if k in ("TableName", "Item")}
            writes.append({action: body})
        return {**request, "TransactItems": writes}

    return change


def tokenless(operation: str, request: Request) -> Request:
    return {k: v for k, v in request.items() if k != "ClientRequestToken"}


def both(*changers: Changer) -> Changer:
    def change(operation: str, request: Request) -> Request:
        for changer in changers:
            request = changer(operation, request)
        return request

    return change


def unpinned(operation: str, request: Request) -> Request:
    return {k: v for k, v in request.items() if k != "IfMatch"} if operation == "GetObject" else request


def inconsistent(operation: str, request: Request) -> Request:
    if "RequestItems" in request:
        tables = request["RequestItems"].items()
        return {"RequestItems": {t: {k: v for k, v in w.items() if k != "ConsistentRead"} for t, w in tables}}
    return {k: v for k, v in request.items() if k != "ConsistentRead"}


def tells_nothing(operation: str, request: Request) -> Request:
    """A conditional write that does not ask what was there instead."""
    if operation != "PutItem":
        return request
    return {k: v for k, v in request.items() if k != "ReturnValuesOnConditionCheckFailure"}


def lease_for_all(operation: str, request: Request) -> Request:
    """The planning lease is everyone's at any moment; its token still counts up."""
    if operation != "UpdateItem" or "ADD" not in request["UpdateExpression"]:
        return request
    left = {k: v for k, v in request.items() if k != "ConditionExpression"}
    values = {k: v for k, v in request["ExpressionAttributeValues"].items() if k != ":now"}
    return {**left, "ExpressionAttributeValues": values}


def patched(owner: Any, name: str, value: Any) -> Patch:
    return lambda: mock.patch.object(owner, name, value)


# --- code without a guard ---------------------------------------------------------------------------------------------


def finish_at_once(self: Any, rows: int, *, rewrite: bool) -> Upload:
    upload = _finish(self, rows, rewrite=rewrite)
    parts = [{"ETag": f'"{etag}"', "PartNumber": n} for n, etag in enumerate(upload.parts, 1)]
    self._s3.complete_multipart_upload(
        Bucket=self._bucket, Key=self._full_key, UploadId=upload.upload_id, MultipartUpload={"Parts": parts}
    )
    return upload


_finish = store.PendingUpload.finish


@attrs.frozen
class _FilesReadBefore:
    """A ledger whose file items were read before."""

    shards: int
    items: dict[str, FileItem]

    def files(self) -> Iterator[FileItem]:
        return iter(sorted(self.items.values(), key=lambda item: item.uri.encode()))

    def get_files(self, uris: Iterable[str]) -> dict[str, FileItem]:
        return {uri: self.items[uri] for uri in uris if uri in self.items}


def survey_files_first(self: Any, _: list[BatchItem], lease: Any) -> Any:
    """File items, then open batches."""
    real = self._ledger
    items = {item.uri: item for item in real.files()}
    batches = real.open_batches()
    self._ledger = _FilesReadBefore(real.shards, items)
    try:
        return _survey(self, batches, lease)
    finally:
        self._ledger = real


_survey = ingest._Run._survey


def busy_with_files_only(*arguments: Any) -> Busy:
    found = _busy_of(*arguments)
    return attrs.evolve(found, objects={})


_busy_of = planning.busy_of


def _roll_forward(*order: str) -> Callable[..., bool]:
    """A roll forward in another order."""

    def forward(self: Publisher, batch: BatchItem, manifest: CommitManifest) -> bool:
        table, quarantine = self._stores()
        steps: dict[str, Callable[[], object]] = {
            "quarantine": lambda: self._complete(quarantine, batch, manifest, list(manifest.quarantine)),
            "rewrites": lambda: self._complete(table, batch, manifest, [u for u in manifest.uploads if u.rewrite]),
            "deletes": lambda: table.delete(manifest.deletes),
            "objects": lambda: self._complete(table, batch, manifest, [u for u in manifest.uploads if not u.rewrite]),
            "partitions": lambda: self._register(manifest),
            "index": lambda: self.ledger.put_files(manifest.files),
            "close": lambda: self.ledger.complete(batch, self.config.settings.history_days),
        }
        return all(steps[name]() is not False for name in order)

    return forward


def forward_in(*order: str) -> Patch:
    return lambda: mock.patch.object(Publisher, "roll_forward", _roll_forward(*order))


def is_done(self: store.TableStore, upload: Upload, mark: str) -> bool:
    _complete(self, upload, mark)
    return True


_complete = store.TableStore.complete


def open_at_once(self: Publisher, batch: BatchItem, plan: Any, manifest: CommitManifest, owner: str) -> BatchItem:
    """A batch taken back whose old attempt's uploads and objects stay."""
    return self.ledger.reopen(batch, owner)


def nothing_dropped_when_taken_back(replaced: Any, batch: BatchItem, *rest: Any) -> Dropped:
    return Dropped() if batch.undo else _drop_old_rows(replaced, batch, *rest)


_drop_old_rows = work.drop_old_rows


@attrs.frozen
class _NeverMoves:
    """A ledger in which a batch is for ever as it was read."""

    found: BatchItem

    def batch(self, _: str) -> BatchItem:
        return self.found


def finished_by_none(self: Publisher, store: Any, batch: BatchItem, manifest: CommitManifest, uploads: Any) -> bool:
    blind: Any = _NeverMoves(batch)
    return _complete_all(attrs.evolve(self, ledger=blind), store, batch, manifest, uploads)


_complete_all = commit.Publisher._complete


def refused(*_: Any) -> bool:
    return False
