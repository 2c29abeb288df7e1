"""Which commits S3 proves, and what the ledger must say by them. Pure.

That a commit manifest lies in S3 proves nothing: it is written before the commit. What proves the commit is what only
comes after it. Names of new objects are never used twice, so these are proofs, each by itself:

- an object that is one of the manifest's new ones, or a later plan that names one (then the ledger knew it);
- old rows that the manifest drops, and that are gone from the objects that the plan says they are in;
- a later attempt of the same batch that takes it back: only what was committed can be.

A manifest that has nothing left to be done counts as committed too (no row was written, and what it empties is gone:
its files failed, were skipped or are empty). It tells the truth about their versions, and what came later has a later
item.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto

import attrs

from alur_runtime.config import OnChange
from alur_runtime.errors import RebuildError
from alur_runtime.model import Action, BatchItem, BatchStatus, CommitManifest, FileItem, FileStatus, Order
from alur_runtime.naming import NULL_PARTITION
from alur_runtime.rebuild.evidence import Commit, Evidence, FilesIn, Plan
from alur_runtime.rebuild.manifests import token_of
from alur_runtime.table.pending import Pending

_GIVEN_UP = "the ledger was rebuilt: S3 does not show that it was committed, and its files are planned anew"


class Outcome(Enum):
    """What S3 says of a commit that it proves."""

    FINISHED = auto()  # all of it is visible: its file items belong into the ledger
    UNFINISHED = auto()  # the next run rolls it forward
    TAKEN_BACK = auto()  # the next run goes on taking it back


@attrs.frozen
class Move:
    """A batch's item as it is, None if there is none, and as it has to be."""

    before: BatchItem | None
    after: BatchItem


@attrs.frozen
class Replay:
    """What a rebuild does.

    Attributes:
        files: Items that the ledger lacks, or of which it has an older one.
        moves: Of batches.
        aborts: Uploads that no commit will complete.
        token: What the planning lease's token has to be.
        behind: Whether runs refuse the ledger as it is, by its token.
        finished: How many commits S3 proves that are finished.
        not_committed: Commit manifests that S3 does not prove.
    """

    files: tuple[FileItem, ...]
    moves: tuple[Move, ...]
    aborts: tuple[Pending, ...]
    token: int
    behind: bool
    finished: int
    not_committed: tuple[str, ...]

    @property
    def needed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.behind or self.files or self.moves)


def replay(evidence: Evidence, files_in: FilesIn, now: int) -> Replay:
    """Say what the ledger must be.

    Args:
        evidence: What was read.
        files_in: Asked only of objects whose rows decide.
        now: Epoch seconds.

    Raises:
        RebuildError: If a batch was committed whose plan is not there.
    """
    return _Replay(evidence, files_in, now).made()


def takes_back(manifest: CommitManifest) -> bool:
    """Whether a manifest is of a batch that takes itself back: no version of a file has no ETag."""
    return any(not f.etag for f in manifest.files)


class _Replay:
    def __init__(self, evidence: Evidence, files_in: FilesIn, now: int) -> None:
        self._evidence, self._files_in, self._now = evidence, files_in, now
        plans = [found.plan for many in evidence.plans.values() for found in many]
        self._named = {key for plan in plans for key in plan.drops}
        self._named |= {key for plan in plans for m in plan.members for key in m.old_outputs}
        self._dropped: set[tuple[str, str]] = set()  # files and objects: what the commits seen so far have dropped

    def made(self) -> Replay:
        evidence = self._evidence
        # The latest first: what a later batch has dropped proves nothing of an earlier one that was to drop it too.
        outcomes: dict[str, tuple[Commit, Outcome]] = {}
        for seq in sorted(evidence.commits, reverse=True):
            if (found := self._proven(seq)) is not None:
                outcomes[seq] = found, self._outcome(found)
                self._dropped.update(self._drops(found))
        chosen = {found.name.uri for found, _ in outcomes.values()}
        completing = {
            u.upload_id
            for found, outcome in outcomes.values()
            if outcome is Outcome.UNFINISHED
            for u in (*found.manifest.uploads, *found.manifest.quarantine)
        }
        last = max((token_of(seq) for seq in (*evidence.plans, *evidence.commits)), default=0)
        return Replay(
            files=tuple(self._files(outcomes)),
            moves=tuple(self._moves(outcomes)),
            # The race: a run that the ledger has forgotten still sleeps before the first upload that it is to
            # complete. What is not taken for committed here must never become visible.
            aborts=tuple(p for p in evidence.pending if p.upload_id not in completing),
            token=max(last, evidence.token),
            behind=last > evidence.token or self._lacks_batches(),
            finished=sum(outcome is Outcome.FINISHED for _, outcome in outcomes.values()),
            not_committed=tuple(
                c.name.uri for many in evidence.commits.values() for c in many if c.name.uri not in chosen
            ),
        )

    def _lacks_batches(self) -> bool:
        """Whether the backup was made between the taking of the lease and the creation of its batches."""
        token, known = self._evidence.token, self._evidence.batches
        return self._evidence.held and any(
            many[0].name.token == token and seq not in known for seq, many in self._evidence.commits.items()
        )

    # --- which was committed --------------------------------------------------------------------------------------

    def _proven(self, seq: str) -> Commit | None:
        """The manifest of a batch that was committed, the one that counts if it was taken back."""
        batch, commits = self._evidence.batches.get(seq), self._evidence.commits[seq]
        if batch is not None and batch.status is BatchStatus.FAILED:
            return None
        taken_back = [c for c in commits if takes_back(c.manifest)]
        proven = [c for c in commits if self._is_proven(c, batch)]
        if taken_back or proven:
            return (taken_back or proven)[-1]
        last = commits[-1]
        drops = set(self._drops(last))
        if not drops and self._has_nothing_to_do(last.manifest):
            return last
        return last if any(uri not in self._files_in(key) for uri, key in drops - self._dropped) else None

    def _is_proven(self, commit: Commit, batch: BatchItem | None) -> bool:
        manifest, evidence = commit.manifest, self._evidence
        if batch is not None and batch.commit_uri == commit.name.uri:
            return True
        return any(key in evidence.objects or key in self._named for key in _new_keys(manifest)) or any(
            u.key in evidence.quarantine for u in manifest.quarantine
        )

    def _has_nothing_to_do(self, manifest: CommitManifest) -> bool:
        undone = any(key in self._evidence.objects for key in manifest.deletes)
        return not (manifest.uploads or manifest.quarantine or undone)

    def _drops(self, commit: Commit) -> Iterator[tuple[str, str]]:
        """Files and objects: the rows that a commit drops, and where the plan says they are."""
        plan = self._plan_of(commit)
        if plan is None or plan.plan.on_change is not OnChange.REPLACE:
            return
        dropped = {f.uri for f in commit.manifest.files if f.status is FileStatus.COMPLETED or not f.etag}
        for member in plan.plan.members:
            if member.action is Action.INGEST and member.uri in dropped:
                yield from ((member.uri, key) for key in member.old_outputs)

    def _plan_of(self, commit: Commit) -> Plan | None:
        """The plan of a commit; of several under one sequence that which has its files."""
        files = {f.uri for f in commit.manifest.files}
        plans = self._evidence.plans.get(commit.name.seq, ())
        return next((p for p in plans if files <= {m.uri for m in p.plan.members}), None)

    # --- how far it is ----------------------------------------------------------------------------------------------

    def _outcome(self, commit: Commit) -> Outcome:
        manifest, evidence = commit.manifest, self._evidence
        batch = evidence.batches.get(manifest.seq)
        closed = batch is not None and batch.status is BatchStatus.COMPLETED
        # File items are written once all is visible and registered: where one is known, so was all of it.
        known = any(evidence.items.get(f.uri) == commit.order for f in manifest.files)
        named = any(key in self._named for key in _new_keys(manifest))
        if closed or known or named:
            return Outcome.FINISHED
        if takes_back(manifest):
            return Outcome.FINISHED if self._are_dropped(commit) else Outcome.TAKEN_BACK
        return Outcome.FINISHED if self._is_visible(commit) and self._is_registered(manifest) else Outcome.UNFINISHED

    def _is_visible(self, commit: Commit) -> bool:
        """Whether all of it was done; new objects come last."""
        manifest, evidence = commit.manifest, self._evidence
        if new := _new_keys(manifest):
            return all(key in evidence.objects for key in new)
        done = all(u.key in evidence.quarantine for u in manifest.quarantine)
        return done and not any(key in evidence.objects for key in manifest.deletes) and self._are_dropped(commit)

    def _are_dropped(self, commit: Commit) -> bool:
        return all(uri not in self._files_in(key) for uri, key in self._drops(commit))

    def _is_registered(self, manifest: CommitManifest) -> bool:
        wanted = (tuple(NULL_PARTITION if v is None else v for v in values) for values in manifest.partitions)
        return all(not values or values in self._evidence.partitions for values in wanted)

    # --- what the ledger must say -----------------------------------------------------------------------------------

    def _files(self, outcomes: dict[str, tuple[Commit, Outcome]]) -> Iterator[FileItem]:
        """Of each file the item of the last finished batch, where the ledger's is older."""
        latest: dict[str, tuple[Order, FileItem]] = {}
        for found, outcome in outcomes.values():
            if outcome is Outcome.FINISHED:
                for item in found.manifest.files:
                    if item.uri not in latest or latest[item.uri][0] < found.order:
                        latest[item.uri] = found.order, item
        for uri, (order, item) in sorted(latest.items()):
            if self._evidence.items.get(uri, ("", 0)) < order:
                yield item

    def _moves(self, outcomes: dict[str, tuple[Commit, Outcome]]) -> Iterator[Move]:
        oldest = min(self._evidence.batches, default="")
        for seq, (found, outcome) in sorted(outcomes.items()):
            before = self._evidence.batches.get(seq)
            if before is None:
                # Closed batches expire: those before the oldest one that is known have.
                if outcome is not Outcome.FINISHED or seq > oldest:
                    yield Move(None, self._after(self._made_anew(found), found, outcome))
            elif before.status is not BatchStatus.COMPLETED:
                after = self._after(before, found, outcome)
                if after != before:
                    yield Move(before, after)
        for seq, batch in sorted(self._evidence.batches.items()):
            # One that takes itself back may do so twice. Any other may have been given up, and its files planned
            # again and committed, since the backup was made: were it adopted, they would be ingested twice.
            if seq not in outcomes and batch.status is BatchStatus.PROCESSING and not batch.undo:
                yield Move(batch, attrs.evolve(batch, status=BatchStatus.FAILED, error=_GIVEN_UP))

    def _after(self, batch: BatchItem, found: Commit, outcome: Outcome) -> BatchItem:
        status = {
            Outcome.FINISHED: BatchStatus.COMPLETED,
            Outcome.UNFINISHED: BatchStatus.COMMITTED,
            Outcome.TAKEN_BACK: BatchStatus.PROCESSING,
        }[outcome]
        if outcome is Outcome.TAKEN_BACK and batch.undo and batch.status is status:
            return batch
        return attrs.evolve(
            batch,
            status=status,
            owner=found.name.run_id,
            attempt=found.name.attempt,
            commit_uri="" if outcome is Outcome.TAKEN_BACK else found.name.uri,
            undo=takes_back(found.manifest),
        )

    def _made_anew(self, found: Commit) -> BatchItem:
        plan = self._plan_of(found)
        if plan is None:
            raise RebuildError(f"{found.name.uri} was committed, and no plan of its batch is there: restore it")
        return BatchItem(
            seq=found.name.seq,
            status=BatchStatus.COMMITTED,
            owner=found.name.run_id,
            attempt=found.name.attempt,
            plan_uri=plan.name.uri,
            files=len(plan.plan.members),
            bytes=plan.plan.bytes,
            created_at=self._now,
        )


def _new_keys(manifest: CommitManifest) -> list[str]:
    return [u.key for u in manifest.uploads if not u.rewrite]
