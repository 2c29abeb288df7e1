from __future__ import annotations

from alur_runtime.reasons import Lasting, Reason
from alur_runtime.report import (
    FileReport,
    RunReport,
    equations,
    reconciles,
    render_text,
    report_from_json,
    report_to_json,
)

REPORT = RunReport(
    run_id="r1",
    job="orders",
    table="db.orders",
    outcome="files_failed",
    exit_code=1,
    started_at=0,
    finished_at=1,
    listed=3,
    files_by_reason={"new": 1, "unchanged": 1, "bad_value": 1},
    rows_parsed=5,
    rows_written=5,
    files=(
        FileReport(uri="s3://b/a", etag="1", reason="new", status="completed", rows_parsed=5, rows_written=5),
        FileReport(uri="s3://b/b", etag="1", reason="bad_value", status="failed", error="s3://b/b, row 2: bad"),
    ),
    error="1 files failed",
    remedy=Reason.FILES_FAILED.text.remedy,
)


def test_it_survives_json() -> None:
    assert report_from_json(report_to_json(REPORT)) == REPORT


def test_the_equations_are_checked() -> None:
    assert equations(REPORT) == ("3 listed = 1 bad_value + 1 new + 1 unchanged", "5 parsed = 5 written + 0 quarantined")
    assert reconciles(REPORT)
    import attrs

    assert not reconciles(attrs.evolve(REPORT, listed=4))
    assert not reconciles(attrs.evolve(REPORT, rows_written=4))


def test_text_names_failed_files_first_with_what_to_do() -> None:
    lines = render_text(REPORT).splitlines()
    rows = [line for line in lines if line.startswith("  s3://")]
    assert rows[0].split()[:3] == ["s3://b/b", "failed", "bad_value"]
    assert any("what to do: Correct the row that the error names" in line for line in lines)


def test_every_reason_has_a_text() -> None:
    for reason in Reason:
        assert reason.text.sentence.endswith(".")
        assert reason.text.remedy
        assert reason.lasting in Lasting
