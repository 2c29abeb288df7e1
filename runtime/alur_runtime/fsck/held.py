"""What is on the move: held by batches that are open, or were while the table was looked at. Pure."""

from __future__ import annotations

import attrs

from alur_runtime.fsck.names import origin_of
from alur_runtime.fsck.state import OPEN, State
from alur_runtime.naming import partition_folder
from alur_runtime.table.pending import Pending


@attrs.frozen
class Held:
    """What may change at any moment, or did while it was read: the check says nothing of it, a repair leaves it.

    Attributes:
        seqs: Batches.
        files: URIs.
        objects: That they rewrite; those that they write have their sequence in their names.
        folders: Of partitions that they register.
        uploads: That their commits name.
        unclear: Whether one of them has a plan that cannot be read: it may rewrite any object.
    """

    seqs: frozenset[str]
    files: frozenset[str]
    objects: frozenset[str]
    folders: frozenset[str]
    uploads: frozenset[str]
    unclear: bool = False

    def has_object(self, key: str) -> bool:
        """Whether one of them writes or rewrites the object."""
        origin = origin_of(key)
        return key in self.objects or (origin is not None and origin.seq in self.seqs)

    def has_upload(self, upload: Pending) -> bool:
        """Whether an upload is, or may become, part of one of them.

        That its run is dead does not matter: as long as nobody has adopted the batch, the run may wake and commit.
        """
        rewrite = self.unclear and origin_of(upload.key) is not None
        return rewrite or upload.upload_id in self.uploads or self.has_object(upload.key)


def moving_batches(state: State) -> frozenset[str]:
    """The batches that were open at the first or the last look, or that came or changed in between.

    The race: batches are read before everything else, and once more after it. A batch that changed anything in
    between was open at the first look, or is not yet known there; so whatever it changed is left out.
    """
    before, after = state.before.batches, state.after.batches
    seqs = {seq for items in (before, after) for seq, batch in items.items() if batch.status in OPEN}
    seqs |= {seq for seq, batch in after.items() if before.get(seq) != batch}
    seqs |= {u.seq for u in state.all_unknown() if u.seq}
    return frozenset(seqs)


def held_by(state: State, seqs: frozenset[str]) -> Held:
    """All that some batches hold, as their manifests tell."""
    files: set[str] = {u.uri for u in state.all_unknown() if u.uri}
    objects: set[str] = {key for u in state.all_unknown() for key in u.outputs}
    folders: set[str] = set()
    uploads: set[str] = set()
    unclear = False
    names = state.config.contract.partition_by
    for seq in seqs:
        manifests = state.manifests.get(seq)
        if manifests is None:
            continue
        batch = state.after.batches.get(seq)
        unclear |= manifests.plan is None and batch is not None and batch.status in OPEN
        if manifests.plan is not None:
            members = manifests.plan.members
            files |= {m.uri for m in members}
            objects |= {key for m in members for key in m.old_outputs} | set(manifests.plan.drops)
        if manifests.commit is not None:
            commit = manifests.commit
            files |= {f.uri for f in commit.files} | {f.uri for f in commit.left}
            objects |= set(commit.deletes) | {u.key for u in commit.uploads}
            uploads |= {u.upload_id for u in (*commit.uploads, *commit.quarantine)}
            folders |= {partition_folder(names, values) for values in commit.partitions}
    return Held(seqs, frozenset(files), frozenset(objects), frozenset(folders), frozenset(uploads), unclear)


def held(state: State) -> Held:
    """All that is on the move."""
    return held_by(state, moving_batches(state))
