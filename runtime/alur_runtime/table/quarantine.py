"""The quarantine: bad rows as JSON Lines, with all that is needed to find, judge and land them again."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from typing import Any, Final

import attrs

from alur_runtime.model import Member, Upload
from alur_runtime.rows import BadRow
from alur_runtime.table.store import PendingUpload

_IN_MEMORY: Final = 4 * 1024 * 1024  # bytes of one file's bad rows; more go to disk until the file is decided


@attrs.frozen
class Origin:
    """Where bad rows come from.

    Attributes:
        member: The file.
        batch: Sequence of the batch.
        run_id: The run.
    """

    member: Member
    batch: str
    run_id: str


class Spool:
    """One file's bad rows, kept aside until it is decided whether the file is within its budget."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._lines = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  (closed once the file is decided)
        self.count = 0

    def add(self, bad: BadRow) -> None:
        """Keep a bad row."""
        self._lines.write(quarantine_line(self._origin, bad))
        self.count += 1

    def copy_to(self, sink: Any) -> None:
        """Write the lines, and forget them."""
        self._lines.seek(0)
        shutil.copyfileobj(self._lines, sink)
        self.close()

    def close(self) -> None:
        """Forget the lines."""
        self._lines.close()


def quarantine_line(origin: Origin, bad: BadRow) -> bytes:
    """A bad row as a line of JSON."""
    member = origin.member
    line = {
        "file": member.uri,
        "etag": member.etag,
        "source": member.source,
        "row": bad.row,
        "line": bad.line,
        "column": bad.column,
        "value": bad.value,
        "reason": bad.reason.value,
        "problem": bad.problem,
        "record": bad.record,
        "run_id": origin.run_id,
        "batch": origin.batch,
    }
    # ASCII: half surrogate pairs and line ends of any kind stay one line of valid JSON.
    return json.dumps(line, ensure_ascii=True).encode() + b"\n"


class QuarantineObject:
    """A batch's bad rows in one pending upload, which the commit completes; none is opened where there are none."""

    def __init__(self, key: str, open_upload: Callable[[str], PendingUpload]) -> None:
        self.key = key
        self._open = open_upload
        self._pending: PendingUpload | None = None
        self._rows = 0

    def take(self, spool: Spool) -> str:
        """Write a file's bad rows; the object's key, empty if there are none."""
        if not spool.count:
            spool.close()
            return ""
        if self._pending is None:
            self._pending = self._open(self.key)
        spool.copy_to(self._pending)
        self._rows += spool.count
        return self.key

    def finish(self) -> tuple[Upload, ...]:
        """The upload, if there is one."""
        return () if self._pending is None else (self._pending.finish(self._rows, rewrite=False),)

    def abandon(self) -> None:
        """Put the upload away."""
        if self._pending is not None:
            self._pending.abandon()
