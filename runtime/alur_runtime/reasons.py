"""The one vocabulary of decisions: a stable code for everything alur decides about a file, a batch or a run.

The same codes stand in the ledger, the report, the log and the `alur` command; `docs/reasons.md` has a section for
each (a test compares the two).
"""

from __future__ import annotations

from enum import Enum, StrEnum

import attrs


class Lasting(StrEnum):
    """Whether trying again with nothing changed can help."""

    PERMANENT = "permanent"
    TRANSIENT = "transient"
    NONE = "none"  # not a trouble at all


@attrs.frozen
class ReasonText:
    """What a reason means to people: one sentence, and what to do."""

    lasting: Lasting
    sentence: str
    remedy: str


class Reason(Enum):
    """A decision's code (the member's value, as stored) and its text (`text`)."""

    # Files that are taken.
    NEW = "new"
    CHANGED_REPLACED = "changed_replaced"
    CHANGED_APPENDED = "changed_appended"
    RETRIED = "retried"
    # Files that are left as they are.
    UNCHANGED = "unchanged"
    RESTORED = "restored"
    LOSS_ACCEPTED = "loss_accepted"
    CHANGED_SKIPPED = "changed_skipped"
    IN_LIVE_BATCH = "in_live_batch"
    SHARES_OBJECT_WITH_LIVE_BATCH = "shares_object_with_live_batch"
    OVERWRITTEN_DURING_RUN = "overwritten_during_run"
    DELETED_DURING_RUN = "deleted_during_run"
    FAILED_BEFORE = "failed_before"
    NOT_MATCHED = "not_matched"
    DIRECTORY_MARKER = "directory_marker"
    HIDDEN_NAME = "hidden_name"
    TAKEN_BACK = "taken_back"
    # Files that are refused.
    CHANGED_REFUSED = "changed_refused"
    UNREADABLE = "unreadable"
    HEADER_MISMATCH = "header_mismatch"
    DAMAGED = "damaged"
    TOO_MANY_BAD_ROWS = "too_many_bad_rows"
    TOO_MANY_PARTITIONS = "too_many_partitions"
    TRANSFORM_FAILED = "transform_failed"
    EXPECTATION_FAILED = "expectation_failed"
    ENDS_ITS_RUN = "ends_its_run"
    # Rows that are refused.
    BAD_VALUE = "bad_value"
    OUT_OF_RANGE = "out_of_range"
    LOST_PRECISION = "lost_precision"
    NULL_VALUE = "null_value"
    FIELD_COUNT = "field_count"
    BAD_ENCODING = "bad_encoding"
    BAD_RECORD = "bad_record"
    # Batches.
    ADOPTED = "adopted"
    ROLLED_FORWARD = "rolled_forward"
    FENCED_OFF = "fenced_off"
    UPLOAD_LOST = "upload_lost"
    COUNTS_DIFFER = "counts_differ"
    PLANNED_ANEW = "planned_anew"
    SPLIT = "split"
    # Runs.
    COMPLETED = "completed"
    NOTHING_TO_DO = "nothing_to_do"
    LEFT_TO_OTHERS = "left_to_others"
    FILES_FAILED = "files_failed"
    OUT_OF_TIME = "out_of_time"
    LEASE_BUSY = "lease_busy"
    LEDGER_BEHIND = "ledger_behind"
    AWS_ERROR = "aws_error"
    BAD_CONFIGURATION = "bad_configuration"
    UNEXPECTED_ERROR = "unexpected_error"

    @property
    def text(self) -> ReasonText:
        """Sentence, remedy and whether it lasts."""
        return _TEXTS[self]

    @property
    def lasting(self) -> Lasting:
        """Whether trying again with nothing changed can help."""
        return _TEXTS[self].lasting


_NONE, _PERMANENT, _TRANSIENT = Lasting.NONE, Lasting.PERMANENT, Lasting.TRANSIENT
_TEXTS: dict[Reason, ReasonText] = {
    Reason.NEW: ReasonText(_NONE, "The file was not in the ledger and is taken.", "Nothing to do."),
    Reason.CHANGED_REPLACED: ReasonText(
        _NONE,
        "The file has a new version; its rows take the place of the old version's.",
        "Nothing to do. Set on_change to append, skip or fail for another behaviour.",
    ),
    Reason.CHANGED_APPENDED: ReasonText(
        _NONE,
        "The file has a new version; its rows are added, and the old version's stay.",
        "Tell the versions apart by the column _source_etag.",
    ),
    Reason.RETRIED: ReasonText(
        _NONE,
        "This version failed before, and the job's code has changed since: it is tried again.",
        "Nothing to do.",
    ),
    Reason.UNCHANGED: ReasonText(
        _NONE, "This version is in the table already.", "Nothing to do: that is what exactly once means."
    ),
    Reason.RESTORED: ReasonText(
        _NONE,
        "The file is back at the version whose rows are in the table, after one that failed or was skipped.",
        "Nothing to do.",
    ),
    Reason.LOSS_ACCEPTED: ReasonText(
        _NONE,
        "Rows of the file were lost from the table, and a person has accepted it: `table_rows` says what is left.",
        "Land the file again under another name if its rows are wanted after all.",
    ),
    Reason.CHANGED_SKIPPED: ReasonText(
        _NONE,
        "The file has a new version, which on_change=skip leaves out.",
        "Set on_change to replace or append if the new version is wanted.",
    ),
    Reason.IN_LIVE_BATCH: ReasonText(
        _TRANSIENT,
        "Another live run holds the file in one of its batches.",
        "Wait for that run (the report names it), or run again once it has ended.",
    ),
    Reason.SHARES_OBJECT_WITH_LIVE_BATCH: ReasonText(
        _TRANSIENT,
        "The file's old rows are in an object that another live run is rewriting.",
        "Run again once that run has ended.",
    ),
    Reason.OVERWRITTEN_DURING_RUN: ReasonText(
        _TRANSIENT,
        "The file was overwritten between listing and read; its old version was not read.",
        "Nothing to do: the next run takes the new version.",
    ),
    Reason.DELETED_DURING_RUN: ReasonText(
        _TRANSIENT, "The file was deleted between listing and read.", "Nothing to do, if that was intended."
    ),
    Reason.FAILED_BEFORE: ReasonText(
        _PERMANENT,
        "This version failed in an earlier run, and neither it nor the job has changed since.",
        "Put a corrected file in its place, or change the contract and deploy: it is then tried again.",
    ),
    Reason.NOT_MATCHED: ReasonText(
        _NONE,
        "The key is below a source's prefix and matches none of its patterns.",
        "Widen the source's pattern if the file is wanted.",
    ),
    Reason.DIRECTORY_MARKER: ReasonText(
        _NONE, "The key ends in a slash: a folder that a console made, not a file.", "Nothing to do."
    ),
    Reason.CHANGED_REFUSED: ReasonText(
        _PERMANENT,
        "The file has a new version, which on_change=fail refuses.",
        "Land the new content under a new key, or set on_change to replace or append.",
    ),
    Reason.UNREADABLE: ReasonText(
        _PERMANENT,
        "The file is not what its source declares: of another format or encoding, or its quoting makes no sense.",
        "Compare the file with the source's options; land a corrected file.",
    ),
    Reason.HEADER_MISMATCH: ReasonText(
        _PERMANENT,
        "The header lacks a column that the contract needs, or names one twice.",
        "Correct the header, or declare the column nullable with `| None`.",
    ),
    Reason.HIDDEN_NAME: ReasonText(
        _NONE,
        "The file's name, or that of a folder it is in, begins with `_` or `.`: a file that is not meant for readers.",
        "Set hidden=True on the source if such files are wanted.",
    ),
    Reason.DAMAGED: ReasonText(
        _PERMANENT,
        "The file's compression or its Parquet structure is cut off or damaged; nothing of it was written.",
        "Land the file again, whole.",
    ),
    Reason.TOO_MANY_BAD_ROWS: ReasonText(
        _PERMANENT,
        "The file has more bad rows than its source's error budget allows; nothing of it was written.",
        "Correct the rows that the error names, or raise the source's budget: bad rows then go to quarantine.",
    ),
    Reason.TOO_MANY_PARTITIONS: ReasonText(
        _PERMANENT,
        "The rows would make more partitions than settings.max_partitions allows.",
        "Partition by something coarser (month of a time, bucket of a key), or raise the setting.",
    ),
    Reason.EXPECTATION_FAILED: ReasonText(
        _PERMANENT,
        "An expectation of the contract is not met.",
        "Correct the file, or change the expectation or its severity and deploy.",
    ),
    Reason.OUT_OF_RANGE: ReasonText(
        _PERMANENT,
        "A value is too large or too small for the type of its column.",
        "Correct the row that the error names, or widen the column's type.",
    ),
    Reason.LOST_PRECISION: ReasonText(
        _PERMANENT,
        "A value has digits that the type of its column cannot hold; they are never rounded away.",
        "Correct the row that the error names, or give the column more digits.",
    ),
    Reason.BAD_ENCODING: ReasonText(
        _PERMANENT,
        "A row holds bytes that are no text in the encoding of its source.",
        "Set the source's encoding to what the file is written in, or correct the row.",
    ),
    Reason.BAD_RECORD: ReasonText(
        _PERMANENT,
        "A record cannot be read as one: a quote out of place, or no JSON object.",
        "Correct the row that the error names.",
    ),
    Reason.BAD_VALUE: ReasonText(
        _PERMANENT,
        "A value does not fit the type of its column.",
        "Correct the row that the error names, or change the column's type.",
    ),
    Reason.NULL_VALUE: ReasonText(
        _PERMANENT,
        "A value is missing in a column that is not nullable.",
        "Correct the row that the error names, or declare the column with `| None`.",
    ),
    Reason.FIELD_COUNT: ReasonText(
        _PERMANENT, "A row has more or fewer fields than the header.", "Correct the row that the error names."
    ),
    Reason.TRANSFORM_FAILED: ReasonText(
        _PERMANENT,
        "The job's own transform raised an error on this file, or returned a table that does not fit.",
        "Read the error, correct the transform and deploy: the file is then tried again.",
    ),
    Reason.TAKEN_BACK: ReasonText(
        _TRANSIENT,
        "Rows of the file were lost (an upload before it was completed, or an object), and what was left of them was "
        "taken out of the table.",
        "Nothing to do: the next run takes the file as new, if it is still there.",
    ),
    Reason.ENDS_ITS_RUN: ReasonText(
        _PERMANENT,
        "Each run that read this file, at last this file alone, ended while it did: by memory, a crash or the job's "
        "timeout.",
        "Give the job larger workers or a longer timeout, or land the file as several smaller ones; then "
        "`alur retry` the file.",
    ),
    Reason.PLANNED_ANEW: ReasonText(
        _NONE,
        "A dead run's batch was planned under another configuration; its files are planned under this one.",
        "Nothing to do.",
    ),
    Reason.SPLIT: ReasonText(
        _TRANSIENT,
        "Too many runs ended or failed on this batch: it was cut into smaller ones, so that whatever is wrong with one "
        "file holds no other.",
        "See the failed runs, and what becomes of the smaller batches.",
    ),
    Reason.OUT_OF_TIME: ReasonText(
        _TRANSIENT,
        "The job's timeout was near: batches were left for the next run, which begins with them.",
        "Nothing to do, if the next run comes soon. If it lasts, raise timeout_minutes or run more often.",
    ),
    Reason.ADOPTED: ReasonText(
        _NONE, "A batch whose run had died was taken over and done again.", "See why that run died."
    ),
    Reason.ROLLED_FORWARD: ReasonText(
        _NONE, "A batch that was committed and not finished was finished.", "See why that run died."
    ),
    Reason.FENCED_OFF: ReasonText(
        _TRANSIENT,
        "Another run took the batch over while this one was slow; this one's work was thrown away.",
        "Nothing to do. If it happens often, raise settings.run_lease_seconds.",
    ),
    Reason.UPLOAD_LOST: ReasonText(
        _PERMANENT,
        "A committed upload was gone from S3 before it was completed; the rows of its files are taken again, as long "
        "as the files are there.",
        "Make the bucket's rule for incomplete uploads longer. If a run says that files are gone: land them again, or "
        "accept the loss with `alur fsck --repair --accept-loss`.",
    ),
    Reason.COUNTS_DIFFER: ReasonText(
        _PERMANENT,
        "The rows parsed are not the rows written; nothing was committed.",
        "This is a fault in alur: please report it with the run report.",
    ),
    Reason.COMPLETED: ReasonText(_NONE, "The run did all that it was to do.", "Nothing to do."),
    Reason.NOTHING_TO_DO: ReasonText(_NONE, "No file was new or changed; nothing was written.", "Nothing to do."),
    Reason.LEFT_TO_OTHERS: ReasonText(
        _NONE, "Every file that was left is held by another live run.", "Wait for the run that is named."
    ),
    Reason.FILES_FAILED: ReasonText(
        _PERMANENT,
        "At least one file failed; every other file was ingested.",
        "See the failed files in the report; each has its own reason.",
    ),
    Reason.LEASE_BUSY: ReasonText(
        _TRANSIENT,
        "The planning lease of the table was not to be had in time; nothing was done.",
        "Run again; if it lasts, look for a run that plans for very long.",
    ),
    Reason.LEDGER_BEHIND: ReasonText(
        _PERMANENT,
        "The ledger is older than what S3 shows: it was restored from a backup, lost, or made anew; nothing was done.",
        "Run `alur rebuild JOB` to see what the ledger lacks, then `alur rebuild JOB --apply`; see docs/recovery.md.",
    ),
    Reason.AWS_ERROR: ReasonText(
        _TRANSIENT,
        "A call to AWS failed after all retries; nothing that was not committed became visible.",
        "Read the error. After a passing fault run again; for AccessDenied see the job's role.",
    ),
    Reason.BAD_CONFIGURATION: ReasonText(
        _PERMANENT, "The job's configuration cannot be used; nothing was done.", "Correct it and deploy."
    ),
    Reason.UNEXPECTED_ERROR: ReasonText(
        _PERMANENT,
        "The runtime met an error it does not know; nothing that was not committed became visible.",
        "Read the traceback in the job's log; please report it.",
    ),
}
