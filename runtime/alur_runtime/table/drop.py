"""The rows of replaced versions: the objects that hold them are written anew without exactly those rows."""

from __future__ import annotations

from collections import Counter

import attrs
import pyarrow as pa

from alur_runtime.errors import ReconcileError
from alur_runtime.model import BatchItem, Member, Upload
from alur_runtime.table.store import TableStore
from alur_runtime.table.write import OpenUpload, write_without


@attrs.frozen
class Dropped:
    """What a commit does to objects that hold old rows.

    Attributes:
        uploads: Pending, each takes the place of an object.
        deletes: Keys of objects of which nothing is left.
        rows: How many rows go.
    """

    uploads: tuple[Upload, ...] = ()
    deletes: tuple[str, ...] = ()
    rows: int = 0


def drop_old_rows(replaced: list[Member], batch: BatchItem, store: TableStore, open_upload: OpenUpload) -> Dropped:
    """Write the objects anew that hold rows of replaced versions; nothing of it is visible yet.

    Args:
        replaced: Files of which a new version was read.
        batch: That they are in.
        store: The table's objects.
        open_upload: Opens a pending upload.

    Raises:
        ReconcileError: If the table does not hold as many old rows as the ledger says.
    """
    uris = {m.uri for m in replaced}
    keys = sorted({o for m in replaced for o in m.old_outputs})
    uploads: list[Upload] = []
    deletes: list[str] = []
    dropped: Counter[str] = Counter()
    try:
        for key in keys:
            body = store.read(key)
            if body is None:
                # What is missing is found by the count below. One that takes itself back says what an attempt before
                # it has deleted: of a batch's attempts only the last one's manifest counts.
                deletes += [key] if batch.undo else []
                continue
            upload, gone = write_without(pa.py_buffer(body), uris, open_upload(key))
            dropped.update(gone)
            if upload is not None:
                uploads.append(upload)
            elif gone:
                deletes.append(key)
        # What is taken back may be damaged, or half dropped already.
        if not batch.undo:
            _check_counts(replaced, batch, keys, dropped)
    except BaseException:
        for upload in uploads:
            store.abort(upload)
        raise
    return Dropped(tuple(uploads), tuple(deletes), dropped.total())


def _check_counts(replaced: list[Member], batch: BatchItem, keys: list[str], dropped: Counter[str]) -> None:
    for member in replaced:
        if dropped[member.uri] != member.old_rows:
            raise ReconcileError(
                batch.seq,
                f"{member.uri}: the table holds {dropped[member.uri]} rows of its old version, "
                f"the ledger says {member.old_rows}; an object was changed by another hand: {keys}",
            )
