"""Batches, their manifests and their uploads. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from alur_runtime.fsck.acts import Abort, Finish, GiveUp, Undo, WriteOff
from alur_runtime.fsck.finding import Finding, How, Kind
from alur_runtime.fsck.held import Held
from alur_runtime.fsck.state import OPEN, State
from alur_runtime.model import BatchItem, BatchStatus, CommitManifest
from alur_runtime.table.store import upload_mark


def stuck_batches(state: State) -> list[BatchItem]:
    """The batches that are open and whose run is dead, the same at both looks."""
    before, after = state.before.batches, state.after.batches
    found = [b for seq, b in sorted(after.items()) if b.status in OPEN and before.get(seq) == b]
    return [b for b in found if not state.is_alive(b.owner)]


def find_batches(state: State) -> Iterator[Finding]:
    """Batches that no live run works on."""
    for batch in stuck_batches(state):
        manifests = state.manifests[batch.seq]
        plan = manifests.problems.get(batch.plan_uri)
        commit = manifests.problems.get(batch.commit_uri)
        name = f"batch {batch.seq} ({batch.status}, {batch.files:,} files, run {batch.owner} is dead)"
        if commit is not None:
            what = f"{batch.commit_uri}: {commit}; {name} is committed, and nobody knows to what"
            said = "restore the manifest; or take all files of the batch back with --accept-loss"
            act = None if plan is not None else Undo(batch.seq)
            how = How.PERSON if act is None else How.ACCEPT
            yield Finding(Kind.MANIFEST_MISSING, batch.commit_uri, what, how, said, act)
        elif plan is not None:
            what = f"{batch.plan_uri}: {plan}; {name}"
            if batch.status is BatchStatus.COMMITTED:
                said = "the batch is rolled forward, which needs its commit manifest only"
                yield Finding(Kind.MANIFEST_MISSING, batch.plan_uri, what, How.REPAIR, said, Finish(batch.seq))
            else:
                said = "every run stops at it; it is given up, and the next run plans its files again"
                yield Finding(Kind.MANIFEST_MISSING, batch.plan_uri, what, How.REPAIR, said, GiveUp(batch.seq))
        else:
            yield _stuck(state, batch, name)


def _stuck(state: State, batch: BatchItem, name: str) -> Finding:
    commit = state.manifests[batch.seq].commit
    lost = lost_uploads(state, commit) if batch.status is BatchStatus.COMMITTED and commit is not None else []
    if not lost:
        return Finding(Kind.BATCH_STUCK, batch.seq, name, How.RUN, "the next run takes it over")
    what = f"{name}: {len(lost)} of its committed uploads are gone, first {lost[0]}"
    plan = state.manifests[batch.seq].plan
    asks = () if plan is None else tuple(m.uri for m in plan.members)
    gone = [] if plan is None else plan.beyond_reach(state.sources.get)
    if not gone:
        said = "the next run takes its files back and ingests them again"
        return Finding(Kind.BATCH_STUCK, batch.seq, what, How.RUN, said, asks=asks)
    more = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
    said = (
        f"no longer in the landing zone as it was read: {gone[0]}{more}; every run stops here until it is back, or "
        "--accept-loss takes the batch's files back: those that are still there are ingested again"
    )
    return Finding(Kind.BATCH_STUCK, batch.seq, what, How.ACCEPT, said, Undo(batch.seq), asks)


def rewrites_to_look_at(state: State) -> list[str]:
    """Objects of which the mark has to be known, to say whether the rewrite of a stuck batch is lost."""
    pending = {p.upload_id for p in state.pending}
    commits = [state.manifests[b.seq].commit for b in stuck_batches(state) if b.seq in state.manifests]
    uploads = [u for commit in commits if commit is not None for u in commit.uploads]
    return [u.key for u in uploads if u.rewrite and u.upload_id not in pending]


def lost_uploads(state: State, commit: CommitManifest) -> list[str]:
    """URIs of what a commit's uploads were to make that is neither there nor pending."""
    pending = {p.upload_id for p in state.pending}
    quarantine = state.config.table.quarantine
    lost = [
        quarantine + u.key for u in commit.quarantine if u.upload_id not in pending and u.key not in state.quarantine
    ]
    for upload in commit.uploads:
        if upload.upload_id in pending:
            continue
        if upload.rewrite:
            done = state.marks.get(upload.key) == upload_mark(commit.seq, commit.attempt, upload.key)
        else:
            done = upload.key in state.objects  # its name is used once only
        if not done:
            lost.append(state.location + upload.key)
    return lost


def find_manifests_without_objects(state: State, held: Held) -> Iterator[Finding]:
    """Completed batches whose objects are gone, though nobody says where."""
    named = {key for item in state.files.values() for key in item.outputs}
    dropped: dict[str, str] = {}  # object -> the last batch that dropped it
    for seq, manifests in state.manifests.items():
        for key in manifests.commit.deletes if manifests.commit is not None else ():
            dropped[key] = max(seq, dropped.get(key, ""))
    for seq, batch in sorted(state.after.batches.items()):
        commit = state.manifests[seq].commit if seq in state.manifests else None
        if batch.status is not BatchStatus.COMPLETED or commit is None or seq in held.seqs:
            continue
        keys = tuple(
            u.key
            for u in commit.uploads
            if u.key not in state.objects
            and u.key not in named  # then it is told with the file
            and not held.has_object(u.key)
            and dropped.get(u.key, "") <= seq
        )
        if keys:
            what = f"batch {seq}: {state.location}{keys[0]} is not there, no later batch dropped it, no item names it"
            what += f"; and {len(keys) - 1} more" if len(keys) > 1 else ""
            said = "the next run ingests those of its files that are still there; --accept-loss writes it off"
            yield Finding(Kind.MANIFEST_WITHOUT_OBJECTS, seq, what, How.ACCEPT, said, WriteOff(keys))


def find_uploads(state: State, held: Held) -> Iterator[Finding]:
    """Uploads that nobody will complete."""
    for upload in state.pending:
        # A batch is in the ledger before its run uploads anything: a live run's uploads are all held.
        if held.has_upload(upload):
            continue
        uri = upload.location + upload.key
        what = f"{uri}: upload {upload.upload_id} is not completed, and no batch will complete it"
        act = Abort(upload)
        yield Finding(Kind.UPLOAD_PENDING, uri, what, How.REPAIR, "it is aborted", act)
