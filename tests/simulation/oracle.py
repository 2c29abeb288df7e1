"""What must hold at every moment: checked after every change of the lake and of the ledger."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import attrs

from alur_runtime.config import OnChange, Settings
from alur_runtime.ledger.items import BATCH, batch_item, file_item, from_attributes
from alur_runtime.model import Action, BatchItem, BatchPlan, BatchStatus, CommitManifest, FileStatus, Upload
from alur_runtime.reasons import Reason
from tests.simulation.cloud.dynamodb import Key
from tests.simulation.cloud.expressions import Item
from tests.simulation.cloud.s3 import Object
from tests.simulation.world import LAKE, QUARANTINE_PREFIX, TABLE, TABLE_PREFIX, World, file_name, ids_in

OPEN: Final = (BatchStatus.PROCESSING, BatchStatus.COMMITTED)
_MOVES: Final = frozenset(
    {
        (BatchStatus.PROCESSING, BatchStatus.PROCESSING),  # adopted
        (BatchStatus.PROCESSING, BatchStatus.COMMITTED),
        (BatchStatus.PROCESSING, BatchStatus.FAILED),
        (BatchStatus.COMMITTED, BatchStatus.COMPLETED),
        (BatchStatus.COMMITTED, BatchStatus.PROCESSING),  # takes itself back
    }
)


class ViolationError(BaseException):
    """Something that must never be; `kind` names the invariant."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(kind, text)
        self.kind, self.text = kind, text


@attrs.define(eq=False)
class Oracle:
    """Follows what takes effect and knows what is committed.

    Attributes:
        world: That is looked at.
        commits: By batch, the manifest that its item names; kept once it is completed.
        plans: By batch.
        named: Upload id -> the batch and attempt whose commit names it.
        begun: URI -> how often it was written down that an attempt that reads the file begins.
        removed: Uploads that the lifecycle rule removed.
    """

    world: World
    commits: dict[str, CommitManifest] = attrs.field(factory=dict)
    plans: dict[str, BatchPlan] = attrs.field(factory=dict)
    named: dict[str, tuple[str, Upload]] = attrs.field(factory=dict)
    begun: Counter[str] = attrs.field(factory=Counter)
    removed: set[str] = attrs.field(factory=set)
    _status: dict[str, BatchItem] = attrs.field(factory=dict)
    _visible: dict[str, tuple[str, ...]] = attrs.field(factory=dict)
    _seen_writes: int = 0
    _seen_effects: int = 0

    def look(self) -> None:
        """Take in what has happened since.

        Raises:
            ViolationError: If something is wrong.
        """
        writes, effects = self.world.dynamodb.writes, self.world.s3.effects
        while self._seen_writes < len(writes):
            self._seen_writes += 1
            self._written(*writes[self._seen_writes - 1])
        changed = False
        while self._seen_effects < len(effects):
            self._seen_effects += 1
            what, (bucket, key), detail = effects[self._seen_effects - 1]
            if bucket == LAKE:
                changed |= self._changed(what, key, detail)
        if changed:
            self._check_rows()

    # --- the ledger -----------------------------------------------------------------------------------------------

    def _written(self, key: Key, before: Item | None, after: Item | None) -> None:
        if after is None:
            return
        if key[0] != TABLE.key:
            self._file_written(before, after)
        elif key[1].startswith(BATCH):
            batch = batch_item(from_attributes(after))
            self._batch_written(None if before is None else batch_item(from_attributes(before)), batch)

    def _batch_written(self, before: BatchItem | None, after: BatchItem) -> None:
        if before is None:
            self._created(after)
        else:
            if after.condemned and not before.condemned:
                self._condemned(after)
            if before == after:
                return
            if (before.status, after.status) not in _MOVES:
                raise ViolationError("batch moved back", f"batch {after.seq}: {before.status} -> {after.status}")
            if after.begun > before.begun:
                self.begun.update(m.uri for m in self.plans[after.seq].members)
            if attrs.evolve(before, begun=after.begun, failures=after.failures, error=after.error) == after:
                self._status[after.seq] = after
                return  # a note of how its attempts end
            again = after.status is BatchStatus.PROCESSING
            if after.attempt != before.attempt + again or (not again and after.owner != before.owner):
                raise ViolationError("batch moved by another", f"{before} -> {after}")
            if again and before.attempt == 1 and after.owner == before.owner and not after.undo:
                raise ViolationError("adopted from itself", f"{before}: its creator did not know its own batch")
        self._status[after.seq] = after
        if after.status is BatchStatus.COMMITTED:
            self._committed(after)
        elif before is not None and before.status is BatchStatus.COMMITTED and after.status is BatchStatus.PROCESSING:
            gone = self.commits.pop(after.seq)
            for upload in (*gone.uploads, *gone.quarantine):
                self.named.pop(upload.upload_id, None)

    def _condemned(self, batch: BatchItem) -> None:
        most = Settings().max_batch_deaths
        for member in self.plans[batch.seq].members:
            if self.begun[member.uri] < most:
                raise ViolationError("condemned too early", f"{member.uri} of {batch}: begun {self.begun[member.uri]}")

    def _created(self, batch: BatchItem) -> None:
        plan = self.world.json(batch.plan_uri, BatchPlan)
        if plan is None:
            raise ViolationError("no plan", f"batch {batch.seq} is created before its plan is there")
        for other in self._status.values():
            if other.status not in OPEN:
                continue
            shared = {m.uri for m in plan.members} & {m.uri for m in self.plans[other.seq].members}
            shared |= set(plan.drops) & set(self.plans[other.seq].drops)
            if shared:
                raise ViolationError("planned twice", f"batches {other.seq} and {batch.seq} both have {sorted(shared)}")
        self.plans[batch.seq] = plan

    def _committed(self, batch: BatchItem) -> None:
        manifest = self.world.json(batch.commit_uri, CommitManifest)
        if manifest is None or (manifest.seq, manifest.attempt) != (batch.seq, batch.attempt):
            raise ViolationError("no manifest", f"batch {batch.seq} is committed to {batch.commit_uri}: {manifest}")
        members = self.plans[batch.seq].members
        planned = {(m.uri, "" if batch.undo and m.action is Action.INGEST else m.etag) for m in members}
        decided = {(f.uri, f.etag) for f in manifest.files} | {(f.uri, f.etag) for f in manifest.left}
        if planned != decided:
            raise ViolationError("files unaccounted for", f"batch {batch.seq}: {planned ^ decided}")
        self.commits[batch.seq] = manifest
        for upload in (*manifest.uploads, *manifest.quarantine):
            if upload.upload_id not in self.world.s3.uploads and upload.upload_id not in self.removed:
                raise ViolationError("commit of nothing", f"batch {batch.seq}: {upload.key} is not pending")
            self.named[upload.upload_id] = batch.seq, upload

    def _file_written(self, before: Item | None, after: Item) -> None:
        new = file_item(from_attributes(after))
        old = None if before is None else file_item(from_attributes(before))
        if old is not None and old.status is FileStatus.FAILED and attrs.evolve(old, code="") == new:
            return  # a person has it tried again
        if old is not None and old != new and old.order >= new.order:
            raise ViolationError("ledger turned back", f"{new.uri}: {old.order} -> {new.order}")
        manifest = self.commits.get(new.batch_seq)
        if manifest is None or new not in manifest.files:
            raise ViolationError("file item out of nowhere", f"{new} is in no commit manifest")

    # --- the lake -------------------------------------------------------------------------------------------------

    def _changed(self, what: str, key: str, detail: Any) -> bool:
        """Check one change; True if the table's rows may be others now."""
        if what == "abort":
            self._aborted(key, detail)
        if what not in ("put", "delete"):
            return False
        if key.startswith(QUARANTINE_PREFIX) and what == "put":
            self._named(key, detail)
        if not key.startswith(TABLE_PREFIX):
            return False
        name = key.removeprefix(TABLE_PREFIX)
        if what == "put":
            self._appeared(name, detail)
        else:
            self._vanished(name)
        return True

    def _named(self, key: str, found: Object) -> tuple[str, Upload]:
        if found.upload_id not in self.named:
            raise ViolationError("visible and not committed", f"{key} of upload {found.upload_id or 'none'}")
        return self.named[found.upload_id]

    def _appeared(self, key: str, found: Object) -> None:
        seq, upload = self._named(key, found)
        rows, manifest = ids_in(found.body), self.commits[seq]
        if len(rows) != upload.rows or key != upload.key:
            raise ViolationError(
                "counts", f"{key} has {len(rows)} rows, its manifest says {upload.rows} in {upload.key}"
            )
        completed = {file_name(f.uri): f for f in manifest.files if f.status is FileStatus.COMPLETED}
        if upload.rewrite:
            replaced = {file_name(f.uri) for f in manifest.files if not f.etag} | completed.keys()
            gone = Counter(self._visible.get(key, ()))
            gone.subtract(rows)
            if strange := [r for r, n in gone.items() if n < 0 or (n and r.split(".")[0] not in replaced)]:
                raise ViolationError("rewritten wrong", f"{key}: {strange}")
        else:
            for row in rows:
                file, number, _ = row.split(".")
                item = completed.get(file)
                read = None if item is None else self.world.versions[item.etag]
                if read is None or read.number != int(number):
                    raise ViolationError("other content", f"{key} has row {row}, the manifest says {item}")
        self._visible[key] = rows

    def _vanished(self, key: str) -> None:
        allowed = any(key in c.deletes for c in self.commits.values()) or any(
            # Taken back before the files are planned anew.
            u.key == key and self._status[seq].status is BatchStatus.COMMITTED and self._was_robbed(seq)
            for seq, u in self.named.values()
        )
        if key in self._visible and not allowed:
            raise ViolationError("deleted and not committed", key)
        self._visible.pop(key, None)

    def _aborted(self, key: str, name: str) -> None:
        if name in self.named and name not in self.removed:
            seq, _ = self.named[name]
            if not self._was_robbed(seq):
                raise ViolationError("committed upload aborted", f"{key} of batch {seq}")

    def _was_robbed(self, seq: str) -> bool:
        """Whether the lifecycle rule has taken an upload of a commit."""
        manifest = self.commits[seq]
        return any(u.upload_id in self.removed for u in (*manifest.uploads, *manifest.quarantine))

    def _check_rows(self) -> None:
        rows = [row for ids in self._visible.values() for row in ids]
        counts = Counter(rows)
        if len(counts) < len(rows):
            raise ViolationError("row twice", str(sorted(r for r, n in counts.items() if n > 1)))
        if self.world.schedule.policy is not OnChange.APPEND:
            versions = Counter(row.split(".")[0] for row in {row.rsplit(".", 1)[0] for row in rows})
            if mixed := sorted(file for file, n in versions.items() if n > 1):
                raise ViolationError("two versions at once", str(mixed))

    # --- what was ingested ----------------------------------------------------------------------------------------

    def ingested(self) -> dict[str, list[str]]:
        """By file, the ETags of the versions that commits brought in, in the order of their batches.

        A batch that takes itself back with `replace` takes the older rows of its files out too (docs/recovery.md):
        should the newest version then be refused, the table has no rows of the file.
        """
        found: dict[str, list[str]] = {}
        for seq, manifest in sorted(self.commits.items()):
            plan = self.plans[seq]
            read = {m.uri for m in plan.members if m.action is Action.INGEST}
            for item in manifest.files:
                if item.uri not in read:
                    continue
                if item.status is FileStatus.COMPLETED:
                    found.setdefault(file_name(item.uri), []).append(item.etag)
                elif item.reason == Reason.TAKEN_BACK.value and plan.on_change is OnChange.REPLACE:
                    found.pop(file_name(item.uri), None)
        return found
