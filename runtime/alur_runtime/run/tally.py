"""What a run saw and did, added up into its report. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

import attrs

from alur_runtime.landing.sources import PassedOver
from alur_runtime.model import BatchItem, BatchPlan, CommitManifest, FileItem, FileStatus, Listed
from alur_runtime.reasons import Reason
from alur_runtime.report import BatchReport, FileReport
from alur_runtime.run.survey import REPORTED_FILES, Survey

_SKIPPED: Final = "skipped"
_PENDING: Final = "pending"
_DECIDED: Final = frozenset(
    r.value for r in (Reason.UNCHANGED, Reason.CHANGED_SKIPPED, Reason.FAILED_BEFORE, Reason.DELETED_DURING_RUN)
)
_ENDED: Final = frozenset(status.value for status in FileStatus)
_ROWS: Final = ("rows_parsed", "rows_written", "rows_quarantined", "rows_filtered", "rows_added")


@attrs.define
class Tally:
    """The running account of a run."""

    files: dict[str, FileReport] = attrs.field(factory=dict)
    listed: set[str] = attrs.field(factory=set)
    landed: dict[str, int] | None = None
    """Of the last survey: the files that were not simply unchanged, and when each landed, in milliseconds."""
    unchanged: int = 0
    unchanged_shown: list[Listed] = attrs.field(factory=list)
    batches: list[BatchReport] = attrs.field(factory=list)
    passed_over: PassedOver = attrs.field(factory=PassedOver)
    rows: dict[str, int] = attrs.field(factory=lambda: dict.fromkeys(_ROWS, 0))
    """By the names they have in the report."""
    rows_dropped: int = 0
    batches_left: int = 0
    """Not begun: the job's timeout was near."""
    troubles: list[tuple[Reason, str]] = attrs.field(factory=list)

    def surveyed(self, found: Survey, passed_over: PassedOver) -> None:
        """Take in what planning saw; a later pass of the same run corrects an earlier one."""
        if not self.listed and not self.unchanged:
            self.unchanged, self.unchanged_shown = found.unchanged, found.unchanged_shown
            self.passed_over = passed_over
        self.landed = {d.listed.uri: d.listed.last_modified_ms for d in found.decisions}
        for decision in found.decisions:
            file = decision.listed
            self.listed.add(file.uri)
            if decision.reason is Reason.FAILED_BEFORE and self._has_failed_here(file):
                continue  # before, in this very run: that it failed is what has to be told
            status = _PENDING if decision.member is not None or decision.reason is Reason.ADOPTED else _SKIPPED
            self.files[file.uri] = FileReport(
                uri=file.uri, etag=file.etag, reason=decision.reason.value, status=status, held_by=decision.held_by
            )

    def _has_failed_here(self, file: Listed) -> bool:
        told = self.files.get(file.uri)
        return told is not None and told.status == FileStatus.FAILED.value and told.etag == file.etag

    def committed(self, batch: BatchItem, manifest: CommitManifest, recovered: Reason | None, origin: str) -> None:
        """Take in a batch that became visible."""
        for item in manifest.files:
            self.files[item.uri] = _file_report(item)
        for left in manifest.left:
            self.files[left.uri] = FileReport(uri=left.uri, etag=left.etag, reason=left.reason, status=_SKIPPED)
        written = sum(f.rows_ingested for f in manifest.files)
        for name in _ROWS:
            self.rows[name] += sum(getattr(self.files[item.uri], name) for item in manifest.files)
        self.rows_dropped += manifest.rows_dropped
        rewritten = sum(u.rewrite for u in manifest.uploads)
        self.batches.append(
            BatchReport(
                seq=batch.seq,
                attempt=manifest.attempt,
                outcome=Reason.COMPLETED.value,
                files=len(manifest.files),
                rows_written=written,
                rows_dropped=manifest.rows_dropped,
                objects_written=len(manifest.uploads) - rewritten,
                objects_rewritten=rewritten,
                objects_deleted=len(manifest.deletes),
                recovered=recovered.value if recovered else "",
                recovered_from=origin,
            )
        )

    def not_committed(self, batch: BatchItem, uris: Iterable[str], reason: Reason, error: str) -> None:
        """Take in a batch of which nothing became visible."""
        self.batches.append(
            BatchReport(seq=batch.seq, attempt=batch.attempt, outcome=reason.value, files=batch.files, error=error)
        )
        for uri in uris:
            if uri in self.files:
                self.files[uri] = attrs.evolve(self.files[uri], status=_SKIPPED, reason=reason.value)
        if reason is not Reason.FENCED_OFF:
            self.troubles.append((reason, error))

    def replanned(self, batch: BatchItem, reason: Reason, error: str) -> None:
        """Take in a batch that was ended so that its files are planned otherwise."""
        self.batches.append(
            BatchReport(seq=batch.seq, attempt=batch.attempt, outcome=reason.value, files=batch.files, error=error)
        )

    def out_of_time(self, plans: Iterable[BatchPlan]) -> None:
        """Take in batches that are left for the next run."""
        for plan in plans:
            self.batches_left += 1
            for member in plan.members:
                if member.uri in self.files:
                    left = attrs.evolve(self.files[member.uri], status=_PENDING, reason=Reason.OUT_OF_TIME.value)
                    self.files[member.uri] = left

    def outcome(self) -> tuple[Reason, str]:
        """The run's outcome, and the error that made it."""
        if self.troubles:
            return self.troubles[0]
        failed = [f for f in self.files.values() if f.status == FileStatus.FAILED.value]
        if failed:
            return Reason.FILES_FAILED, f"{len(failed)} files failed; the first: {failed[0].error}"
        if self.batches_left:
            return Reason.OUT_OF_TIME, f"{self.batches_left} batches are left for the next run, and begun by none"
        if self.batches:
            return Reason.COMPLETED, ""
        if any(f.held_by for f in self.files.values()):
            return Reason.LEFT_TO_OTHERS, ""
        return Reason.NOTHING_TO_DO, ""

    def files_by_reason(self) -> dict[str, int]:
        """Every listed file, by the reason that stands for it in the end."""
        counts = Counter(self.files[uri].reason for uri in self.listed)
        if self.unchanged:
            counts[Reason.UNCHANGED.value] += self.unchanged
        return dict(sorted(counts.items()))

    def pending(self) -> tuple[int | None, int | None]:
        """How many listed files are neither in the table nor refused, and the second when the oldest landed.

        Returns:
            None for what is not known or is not there.
        """
        if self.landed is None:
            return None, None
        files = ((self.files[uri], at) for uri, at in self.landed.items())
        waiting = [at for file, at in files if file.status not in _ENDED and file.reason not in _DECIDED]
        return len(waiting), min(waiting) // 1000 if waiting else None

    def shown(self) -> tuple[FileReport, ...]:
        """The files of the report: of those left out and of the unchanged ones as many as there is room for."""
        left_out = (FileReport(uri=u, etag=e, reason=r.value, status=_SKIPPED) for u, e, r in self.passed_over.shown)
        room = max(0, REPORTED_FILES - len(self.files))
        unchanged = (
            FileReport(uri=f.uri, etag=f.etag, reason=Reason.UNCHANGED.value, status="unchanged")
            for f in self.unchanged_shown[:room]
        )
        return (*self.files.values(), *left_out, *unchanged)


def _file_report(item: FileItem) -> FileReport:
    return FileReport(
        uri=item.uri,
        etag=item.etag,
        reason=item.reason,
        status=item.status.value,
        rows_parsed=item.rows_parsed,
        rows_written=item.rows_ingested,
        rows_quarantined=item.rows_quarantined,
        rows_filtered=item.rows_filtered,
        rows_added=item.rows_added,
        quarantine=item.quarantine,
        expectations=item.expectations,
        batch=item.batch_seq,
        error=item.error,
    )
