"""The test of the test: the protocol without one of its guards at a time. Each must make the simulation fail."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final
from unittest import mock

import attrs

from alur_runtime import commit, ingest, ledger, plan, planning, store
from alur_runtime.commit import Publisher
from alur_runtime.model import BatchItem, BatchStatus, CommitManifest, FileItem, Upload
from alur_runtime.plan import Busy
from tests.simulation.many import on_all_cores
from tests.simulation.play import Play, play
from tests.simulation.schedule import schedule_of
from tests.simulation.seams import seams

Request = dict[str, Any]
Changer = Callable[[str, Request], Request]
Patch = Callable[[], contextlib.AbstractContextManager[Any]]


def _as_it_is(_: str, request: Request) -> Request:
    return request


@attrs.frozen
class Mutant:
    """The runtime without a guard.

    Attributes:
        name: Short.
        guard: What is taken away, as a sentence.
        within: Seeds within which it must be found.
        change: What becomes of its requests.
        patch: What becomes of its code.
    """

    name: str
    guard: str
    within: int = 2000
    change: Changer = _as_it_is
    patch: Patch = contextlib.nullcontext

    def prepare(self, play: Play) -> None:
        """Let the requests of a play be changed."""
        play.network.change_request = self.change


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


_OWNER, _ATTEMPT, _STATUS = "#owner = :owner", "attempt = :attempt", "#status = :status"


def _move_without(status: BatchStatus, *parts: str) -> Changer:
    """Batch items that move to a status."""

    def change(operation: str, request: Request) -> Request:
        if operation != "PutItem" or request["Item"].get("status") != {"S": status.value}:
            return request
        return _without(request, *parts)

    return change


def _transaction_without(*, check: bool = False, absent: bool = False, sequence: bool = False) -> Changer:
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


def _tokenless(operation: str, request: Request) -> Request:
    return {k: v for k, v in request.items() if k != "ClientRequestToken"}


def _both(*changers: Changer) -> Changer:
    def change(operation: str, request: Request) -> Request:
        for changer in changers:
            request = changer(operation, request)
        return request

    return change


def _unpinned(operation: str, request: Request) -> Request:
    return {k: v for k, v in request.items() if k != "IfMatch"} if operation == "GetObject" else request


def _inconsistent(operation: str, request: Request) -> Request:
    if "RequestItems" in request:
        tables = request["RequestItems"].items()
        return {"RequestItems": {t: {k: v for k, v in w.items() if k != "ConsistentRead"} for t, w in tables}}
    return {k: v for k, v in request.items() if k != "ConsistentRead"}


# --- code without a guard ---------------------------------------------------------------------------------------------


def _finish_at_once(self: Any, rows: int, *, rewrite: bool) -> Upload:
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


def _survey_files_first(self: Any, _: list[BatchItem], lease: Any) -> Any:
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


def _busy_with_files_only(*arguments: Any) -> Busy:
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


def _forward_in(*order: str) -> Patch:
    return lambda: mock.patch.object(Publisher, "roll_forward", _roll_forward(*order))


def _tells_nothing(operation: str, request: Request) -> Request:
    """A conditional write that does not ask what was there instead."""
    if operation != "PutItem":
        return request
    return {k: v for k, v in request.items() if k != "ReturnValuesOnConditionCheckFailure"}


def _is_done(self: store.TableStore, upload: Upload, mark: str) -> bool:
    _complete(self, upload, mark)
    return True


_complete = store.TableStore.complete


def _open_at_once(self: Publisher, batch: BatchItem, plan: Any, manifest: CommitManifest, owner: str) -> BatchItem:
    """A batch done anew whose old attempt's uploads and objects stay."""
    return self.ledger.reopen(batch, owner)


@attrs.frozen
class _NeverMoves:
    """A ledger in which a batch is for ever as it was read."""

    found: BatchItem

    def batch(self, _: str) -> BatchItem:
        return self.found


def _finished_by_none(self: Publisher, store: Any, batch: BatchItem, manifest: CommitManifest, uploads: Any) -> bool:
    blind: Any = _NeverMoves(batch)
    return _complete_all(attrs.evolve(self, ledger=blind), store, batch, manifest, uploads)


_complete_all = commit.Publisher._complete


def _refused(*_: Any) -> bool:
    return False


def _patched(owner: Any, name: str, value: Any) -> Patch:
    return lambda: mock.patch.object(owner, name, value)


_COMMITTED, _PROCESSING = BatchStatus.COMMITTED, BatchStatus.PROCESSING
_ORDER: Final = ("quarantine", "rewrites", "deletes", "objects", "partitions", "index", "close")


MUTANTS: Final = (
    Mutant(
        "commit: owner and attempt",
        "a commit asks for its owner and attempt",
        change=_move_without(_COMMITTED, _OWNER, _ATTEMPT),
    ),
    Mutant("commit: status", "a commit asks for the status", change=_move_without(_COMMITTED, _STATUS)),
    Mutant(
        "adopt: owner and attempt",
        "an adoption asks for the owner and attempt that were read",
        change=_move_without(_PROCESSING, _OWNER, _ATTEMPT),
    ),
    Mutant("adopt: status", "an adoption asks for the status", change=_move_without(_PROCESSING, _STATUS)),
    Mutant("own commit", "a commit whose answer was lost is known again", change=_tells_nothing),
    Mutant(
        "file items",
        "a file item is written only over one of a smaller sequence",
        change=_transaction_without(sequence=True),
    ),
    Mutant(
        "create: lease",
        "batches are created only under the current planning token",
        change=_transaction_without(check=True),
    ),
    Mutant(
        "create: once",
        "a batch is created once: it must not exist, and the client token",
        change=_both(_transaction_without(absent=True), _tokenless),
    ),
    Mutant(
        "own creation",
        "a creation whose answer was lost is known again: by client token, or by the batch",
        change=_tokenless,
        patch=_patched(ledger.Ledger, "_were_created", _refused),
    ),
    Mutant(
        "pending",
        "uploads are completed after the commit only",
        patch=_patched(store.PendingUpload, "finish", _finish_at_once),
    ),
    Mutant("If-Match", "a file is read at the version that was listed", change=_unpinned),
    Mutant(
        "shared objects",
        "files wait whose object an open batch rewrites",
        patch=_patched(ingest, "busy_of", _busy_with_files_only),
    ),
    Mutant(
        "groups",
        "files that share an object are in one batch",
        patch=_patched(plan, "_groups", lambda members, _: [[m] for m in members]),
    ),
    Mutant(
        "read order",
        "open batches are read before file items",
        patch=_patched(ingest._Run, "_survey", _survey_files_first),
    ),
    Mutant("consistent reads", "the ledger is read consistently", change=_inconsistent),
    Mutant(
        "forward: old first",
        "old rows go before new ones come",
        patch=_forward_in("quarantine", "objects", "rewrites", "deletes", "partitions", "index", "close"),
    ),
    Mutant(
        "forward: indexed, then closed",
        "a batch is closed only once its file items are written",
        patch=_forward_in("quarantine", "rewrites", "deletes", "objects", "partitions", "close", "index"),
    ),
    Mutant(
        "forward: registered, then closed",
        "a batch is closed only once its partitions are registered",
        patch=_forward_in("quarantine", "rewrites", "deletes", "objects", "index", "close", "partitions"),
    ),
    Mutant(
        "forward: quarantine, then closed",
        "a batch is closed only once its bad rows are visible",
        patch=_forward_in("rewrites", "deletes", "objects", "partitions", "index", "close", "quarantine"),
    ),
    Mutant(
        "mark",
        "an upload that is gone is told from one that is completed",
        patch=_patched(store.TableStore, "complete", _is_done),
    ),
    Mutant(
        "finished by another",
        "a roll forward sees that another has finished the batch",
        patch=_patched(Publisher, "_complete", _finished_by_none),
    ),
    Mutant(
        "done anew",
        "the old attempt is put away before a batch is done anew",
        patch=_patched(Publisher, "start_anew", _open_at_once),
        within=5000,
    ),
)


def _lease_for_all(operation: str, request: Request) -> Request:
    """The planning lease is everyone's at any moment; its token still counts up."""
    if operation != "UpdateItem" or "ADD" not in request["UpdateExpression"]:
        return request
    left = {k: v for k, v in request.items() if k != "ConditionExpression"}
    values = {k: v for k, v in request["ExpressionAttributeValues"].items() if k != ":now"}
    return {**left, "ExpressionAttributeValues": values}


NO_LEASES: Final = Mutant(
    "no leases",
    "leases: any run may plan, and adopt any batch, at any moment. Nobody may notice: leases are no guard",
    change=_lease_for_all,
    patch=_patched(ingest._Run, "_is_dead", lambda *_: True),
)


def find_all(mutants: Iterable[Mutant], base: str) -> Iterator[tuple[Mutant, int | None, str]]:
    """Each mutant with the number of seeds until it was found (None if it was not), and the invariant that it broke."""
    for name, seeds, kind in on_all_cores(_find, [(m.name, base) for m in mutants]):
        yield next(m for m in MUTANTS if m.name == name), seeds, kind


def _find(task: tuple[str, str]) -> tuple[str, int | None, str]:
    name, base = task
    return name, *find(next(m for m in MUTANTS if m.name == name), base)


def find(mutant: Mutant, base: str) -> tuple[int | None, str]:
    """Play schedules without a guard until one fails that does not fail with it.

    Returns:
        How many it took, None if none failed; and the invariant that was broken.
    """
    with seams():
        for number in range(mutant.within):
            schedule = schedule_of(f"{base}-{number}")
            with mutant.patch():
                violation = play(schedule, prepare=mutant.prepare).violation
            if violation is not None and play(schedule).violation is None:
                return number + 1, violation[0]
    return None, ""
