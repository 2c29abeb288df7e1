"""What batches of a repair hold: files to take back, and files whose loss is accepted. Pure."""

from __future__ import annotations

from typing import Final

import attrs

from alur_runtime.fsck.acts import TakeBack, WriteDown
from alur_runtime.fsck.names import origin_of
from alur_runtime.fsck.state import State
from alur_runtime.model import Action, BatchItem, BatchPlan, CommitManifest, Member, Upload
from alur_runtime.reasons import Reason

_NO_SOURCE: Final = "none"  # of rows that came from elsewhere


def members_to_take_back(state: State, acts: list[TakeBack]) -> list[Member]:
    """Files of which every row goes, in whatever object it is."""
    return [
        attrs.evolve(
            _member(state, act.uri), action=Action.INGEST, reason=Reason.TAKEN_BACK.value, old_outputs=act.objects
        )
        for act in acts
    ]


def members_to_record(state: State, acts: list[WriteDown]) -> list[Member]:
    """Files whose items are to say what rows are left."""
    return [attrs.evolve(_member(state, act.uri), old_outputs=act.objects, old_rows=act.rows) for act in acts]


def _member(state: State, uri: str) -> Member:
    """A file as it is to be written down."""
    source = next((s.name for s in state.config.sources if uri.startswith(s.uri)), _NO_SOURCE)
    member = Member(uri, "", 0, 0, source, Action.RECORD, Reason.LOSS_ACCEPTED.value)
    item = state.files.get(uri)
    if item is None:
        return member
    return attrs.evolve(
        member,
        # The version whose rows are in the table: a later one, that failed or was skipped, is decided on anew.
        etag=item.table_etag or item.etag,
        size=item.size,
        last_modified_ms=item.last_modified_ms,
        source=item.source,
        attempts=item.attempts,
        old_etag=item.table_etag,
        old_versions=item.versions,
    )


def stand_in(state: State, batch: BatchItem, plan: BatchPlan) -> tuple[CommitManifest, tuple[str, ...]]:
    """What is left of a commit whose manifest is gone, by the names of objects and uploads.

    Returns:
        A manifest with the uploads that are pending, and the keys of those that were completed.
    """

    def is_of_it(key: str) -> bool:
        origin = origin_of(key)
        return origin is not None and (origin.seq, origin.attempt) == (batch.seq, batch.attempt)

    uploads: dict[str, list[Upload]] = {state.location: [], state.config.table.quarantine: []}
    for pending in state.pending:
        rewrite = pending.key in plan.drops
        if rewrite or is_of_it(pending.key):
            uploads[pending.location].append(Upload(pending.key, pending.upload_id, (), 0, 0, rewrite=rewrite))
    manifest = CommitManifest(
        seq=batch.seq,
        attempt=batch.attempt,
        run_id=batch.owner,
        uploads=tuple(uploads[state.location]),
        deletes=(),
        partitions=(),
        files=(),
        quarantine=tuple(uploads[state.config.table.quarantine]),
    )
    return manifest, tuple(key for key in state.objects if is_of_it(key))
