"""What the check finds: one vocabulary of kinds, and what can be done about a finding."""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import Any

import attrs

from alur_runtime.fsck.acts import Act


@attrs.frozen
class KindText:
    """What a kind means to people: what it is, what makes it, and what `--repair` does about it."""

    meaning: str
    cause: str
    repair: str


class Kind(Enum):
    """A finding's code (the member's value) and its text (`text`)."""

    FILE_WITHOUT_ROWS = "file_without_rows"
    ROWS_WITHOUT_FILE = "rows_without_file"
    COUNTS_DIFFER = "counts_differ"
    QUARANTINE_MISSING = "quarantine_missing"
    ORPHAN_OBJECT = "orphan_object"
    MANIFEST_WITHOUT_OBJECTS = "manifest_without_objects"
    MANIFEST_MISSING = "manifest_missing"
    BATCH_STUCK = "batch_stuck"
    UPLOAD_PENDING = "upload_pending"
    PARTITION_MISSING = "partition_missing"
    PARTITION_LEFT_OVER = "partition_left_over"
    ITEM_OF_THE_FUTURE = "item_of_the_future"
    LEDGER_BEHIND = "ledger_behind"

    @property
    def text(self) -> KindText:
        """Meaning, cause and repair."""
        return _TEXTS[self]


class How(StrEnum):
    """Who can do something about a finding."""

    REPAIR = "repair"  # --repair does it
    ACCEPT = "accept_loss"  # --repair --accept-loss does it: something is lost for good
    RUN = "run"  # the next run does it by itself
    PERSON = "person"  # neither does


@attrs.frozen
class Finding:
    """Something that is not as it should be.

    Attributes:
        kind: What it is.
        subject: The file, object, manifest, partition or upload as a URI; or the batch's sequence.
        what: A sentence that names it.
        how: Who can do something about it.
        repair: A sentence: what would be done, or why a person must.
        act: What `--repair` does, if it does something.
        asks: Files of which has to be known whether they are still in the landing zone, to say what can be done.
    """

    kind: Kind
    subject: str
    what: str
    how: How
    repair: str
    act: Act | None = None
    asks: tuple[str, ...] = ()

    def as_data(self) -> dict[str, Any]:
        """Plain data for programs."""
        return {
            "kind": self.kind.value,
            "subject": self.subject,
            "what": self.what,
            "how": self.how.value,
            "repair": self.repair,
        }


_TEXTS: dict[Kind, KindText] = {
    Kind.FILE_WITHOUT_ROWS: KindText(
        "An object that holds rows of a file, as its ledger item says, is not there, cannot be read, or holds none.",
        "Somebody deleted or overwrote the object, or the bucket was restored to an older state.",
        "What is left of the file's rows is taken back, and the next run ingests the file again. If the file is gone "
        "from the landing zone in the version that is lost, only `--accept-loss` does something: its item then says "
        "what rows are left.",
    ),
    Kind.ROWS_WITHOUT_FILE: KindText(
        "The table holds rows of a file that has no ledger item, or in an object that its item does not name.",
        "A ledger item was deleted or restored from a backup, or a copy of an object was put into the table.",
        "The object is copied below `lost+found` and taken out of the table; if it also holds rows of other files, "
        "only the rows without a file are. The next run ingests the file, if it is still there.",
    ),
    Kind.COUNTS_DIFFER: KindText(
        "A file's item, the rows in its objects, and what the Parquet footers say do not agree.",
        "An object was overwritten, or a ledger item changed, by another hand.",
        "As for `file_without_rows`.",
    ),
    Kind.QUARANTINE_MISSING: KindText(
        "The object with a file's bad rows is not there.",
        "Somebody deleted it, or a lifecycle rule did.",
        "As for `file_without_rows`: the file is ingested again. If it is gone, `--accept-loss` forgets its bad rows.",
    ),
    Kind.ORPHAN_OBJECT: KindText(
        "An object below the table's location that no ledger item and no commit manifest names; readers see it.",
        "Another tool wrote into the table's folder.",
        "It is copied below `lost+found` and taken out of the table.",
    ),
    Kind.MANIFEST_WITHOUT_OBJECTS: KindText(
        "The commit manifest of a completed batch names an object that is not there, that no later batch dropped, and "
        "that no ledger item names.",
        "Ledger item and object were both deleted.",
        "Those of its files that are still in the landing zone are ingested by the next run. With `--accept-loss` the "
        "object is written off, and not told of again.",
    ),
    Kind.MANIFEST_MISSING: KindText(
        "The plan or commit manifest of an open batch is not there or cannot be read; every run stops at it.",
        "Somebody deleted it, or a lifecycle rule that covers the table's metadata did.",
        "A batch that is processing is given up, and its files are planned again. A committed one is rolled forward by "
        "its commit manifest; without that, `--accept-loss` takes back all of its files.",
    ),
    Kind.BATCH_STUCK: KindText(
        "A batch is open and its run is dead.",
        "The run was killed, or lost AWS.",
        "The next run takes it over. If uploads that it has committed are gone, and files that they were made of are "
        "too, only `--accept-loss` goes on: the batch's files are taken back.",
    ),
    Kind.UPLOAD_PENDING: KindText(
        "A multipart upload that nobody will complete: it cannot be seen, and S3 charges for it.",
        "A run was killed while it wrote.",
        "It is aborted. The bucket's lifecycle rule does the same after its days.",
    ),
    Kind.PARTITION_MISSING: KindText(
        "The catalog does not know a partition that has objects, or has it in another place: Athena and Spark do not "
        "read them.",
        "Somebody deleted or changed the partition.",
        "It is registered. One that is registered in another place is for a person to judge.",
    ),
    Kind.PARTITION_LEFT_OVER: KindText(
        "The catalog has a partition below the table's location without an object, and no batch in the ledger's "
        "history has made it.",
        "Somebody created it, or a batch of long ago dropped its last rows.",
        "It is deleted from the catalog, unless an open batch may need it.",
    ),
    Kind.ITEM_OF_THE_FUTURE: KindText(
        "An item or a manifest has a form that this version does not know.",
        "A newer version of alur has written it, or it was changed by hand.",
        "Never touched, and nothing else is while it is there. Use the version that wrote it.",
    ),
    Kind.LEDGER_BEHIND: KindText(
        "S3 shows batches that the ledger does not know yet: it is older than the table, or lost.",
        "The state table was restored from a backup, or made anew.",
        "Nothing is checked or touched before `alur rebuild JOB` has made the ledger what S3 proves.",
    ),
}
