"""What the command shows, as pure functions of what the ledger holds."""

from __future__ import annotations

import itertools
from textwrap import dedent

import pytest

from alur_pulumi.cli import files as files_view
from alur_pulumi.cli import follow as following
from alur_pulumi.cli import status as status_view
from alur_pulumi.cli.aws import GlueRun, similar
from alur_pulumi.cli.follow import Ended
from alur_pulumi.cli.show import plural, size_text, table_text, utc
from alur_runtime.model import Action, BatchItem, BatchPlan, BatchStatus, FileItem, FileStatus, Member, RunItem

NOW_MS = 1_800_000_000_000


def _file(
    uri: str, *, status: FileStatus = FileStatus.COMPLETED, rows: int = 10, seq: str = "000001-00000"
) -> FileItem:
    return FileItem(
        uri=uri,
        status=status,
        etag='"e1"',
        size=1_234,
        last_modified_ms=NOW_MS,
        source="shop",
        reason="new" if status is FileStatus.COMPLETED else "bad_value",
        batch_seq=seq,
        run_id="run-1",
        processed_at=NOW_MS // 1000,
        rows_ingested=rows,
        table_rows=rows,
        error="" if status is FileStatus.COMPLETED else "row 3, column 'amount': 'x' is no decimal(12,2)",
    )


def _batch(*uris: str, seq: str = "2-0") -> tuple[BatchItem, BatchPlan]:
    batch = BatchItem(seq, BatchStatus.PROCESSING, "run-2", 1, "s3://b/plan.json", len(uris), 99, NOW_MS // 1000)
    members = tuple(Member(u, '"e2"', 99, NOW_MS, "shop", Action.INGEST, "changed_replaced") for u in uris)
    return batch, BatchPlan(seq, members, ())


def _run(number: int, *, finished: bool, lease_ms: int = NOW_MS + 1) -> RunItem:
    end = NOW_MS // 1000 + 5 if finished else None
    return RunItem(
        run_id=f"run-{number}",
        lease_expires_at_ms=lease_ms,
        started_at=NOW_MS // 1000,
        glue_run_id=f"jr_{number}",
        finished_at=end,
        outcome="completed" if finished else "",
        exit_code=0 if finished else None,
    )


def _status(**changes: object) -> status_view.Status:
    values: dict[str, object] = {
        "job": "orders-job",
        "table": "sales.orders",
        "ledger": "state",
        "files": {"completed": 1_200, "failed": 1},
        "rows": 48_000,
        "batches": [_batch("s3://b/a.csv")[0]],
        "runs": [_run(2, finished=False), _run(1, finished=True)],
        "lease": None,
        "now_ms": NOW_MS,
    }
    return status_view.Status(**{**values, **changes})


def test_files_of_open_batches_are_processing_and_come_from_ledger_and_plan() -> None:
    ledger = [_file("s3://b/a.csv"), _file("s3://b/b.csv")]
    rows = list(files_view.file_rows(ledger, [_batch("s3://b/b.csv", "s3://b/c.csv")]))
    assert [(r.file, r.status, r.rows, r.run_id) for r in rows] == [
        ("s3://b/a.csv", "completed", 10, "run-1"),
        ("s3://b/b.csv", "processing", 10, "run-2"),
        ("s3://b/c.csv", "processing", 0, "run-2"),
    ]


def test_a_file_whose_item_is_of_the_open_batch_itself_is_not_processing() -> None:
    row = next(files_view.file_rows([_file("s3://b/a.csv", seq="2-0")], [_batch("s3://b/a.csv")]))
    assert row.status == "completed"


@pytest.mark.parametrize(
    ("statuses", "glob", "found"),
    [
        ((), None, ["s3://b/in/a.csv", "s3://b/in/b.csv"]),
        (("failed",), None, ["s3://b/in/b.csv"]),
        ((), "a.csv", ["s3://b/in/a.csv"]),
        ((), "s3://b/*", ["s3://b/in/a.csv", "s3://b/in/b.csv"]),
        ((), "in/[ab].csv", ["s3://b/in/a.csv", "s3://b/in/b.csv"]),
        (("processing",), "*.csv", []),
    ],
)
def test_selection(statuses: tuple[str, ...], glob: str | None, found: list[str]) -> None:
    rows = files_view.file_rows([_file("s3://b/in/a.csv"), _file("s3://b/in/b.csv", status=FileStatus.FAILED)], [])
    assert [row.file for row in files_view.select(rows, statuses, glob)] == found


def test_files_as_text() -> None:
    rows = files_view.file_rows([_file("s3://b/[a].csv"), _file("s3://b/b.csv", status=FileStatus.FAILED, rows=0)], [])
    assert files_view.as_text("sales.orders", rows, 10, width=200) == dedent("""\
        file             status      reason      rows     size   processed              run
        ─────────────────────────────────────────────────────────────────────────────────────
        s3://b/[a].csv   completed   new           10   1.2 kB   2027-01-15 08:00:00Z   run-1
        s3://b/b.csv     failed      bad_value      0   1.2 kB   2027-01-15 08:00:00Z   run-1
        s3://b/b.csv: row 3, column 'amount': 'x' is no decimal(12,2)

        sales.orders: 2 files, 10 rows""")


def test_files_over_the_limit_are_counted() -> None:
    text = files_view.as_text("t", files_view.file_rows([_file(f"s3://b/{n}") for n in range(5)], []), 2, width=200)
    assert text.endswith("t: 5 files, 50 rows; the first 2 are shown (--limit, --match, --status)")
    assert "s3://b/2" not in text


def test_status_as_text() -> None:
    lease = {"owner": "run-2", "token": 2, "expires_at_ms": NOW_MS}
    assert status_view.as_text(_status(lease=lease), width=200) == dedent("""\
        sales.orders: 1,201 files (1,200 completed, 1 failed), 48,000 rows (ledger state)

        planning lease: held by run-2 until 2027-01-15 08:00:00Z

        Open batches
        batch   status       files   owner   its run   attempt
        ──────────────────────────────────────────────────────
        2-0     processing       1   run-2   running         1

        Last runs
        started                run     outcome     exit   took   glue run
        ─────────────────────────────────────────────────────────────────
        2027-01-15 08:00:00Z   run-2   running        -      -   jr_2
        2027-01-15 08:00:00Z   run-1   completed      0    5 s   jr_1""")


def test_status_of_a_table_without_runs_says_what_to_do() -> None:
    text = status_view.as_text(_status(runs=[], batches=[], files={}, rows=0), width=200)
    assert text == "sales.orders: 0 files, 0 rows (ledger state)\n\nNo run yet: alur run orders-job"


@pytest.mark.parametrize(
    ("run", "state"),
    [
        (_run(1, finished=True), "completed"),
        (_run(1, finished=False), "running"),
        (_run(1, finished=False, lease_ms=NOW_MS - 1), "died"),
    ],
)
def test_state_of_a_run(run: RunItem, state: str) -> None:
    assert status_view.run_state(run, NOW_MS) == state


@pytest.mark.parametrize(
    ("lease", "held"),
    [
        (None, False),
        ({"token": 3}, False),
        ({"token": 3, "owner": "r", "expires_at_ms": NOW_MS - 1}, False),
        ({"token": 3, "owner": "r", "expires_at_ms": NOW_MS + 1}, True),
    ],
)
def test_a_lease_is_held_until_it_expires(lease: dict[str, object] | None, held: bool) -> None:
    assert (status_view.held_lease(lease, NOW_MS) is not None) is held


def test_following_tells_each_change_of_state_once() -> None:
    states = iter(["STARTING", "RUNNING", "RUNNING", "SUCCEEDED"])
    told: list[str] = []
    slept: list[float] = []
    ended = following.follow(
        lambda: GlueRun("jr", next(states), "", 0), slept.append, lambda run: told.append(run.state)
    )
    assert ended.state == "SUCCEEDED"
    assert told == ["STARTING", "RUNNING", "SUCCEEDED"]
    assert len(slept) == 3


def test_pauses_grow_up_to_a_bound() -> None:
    first = list(itertools.islice(following.pauses(), 20))
    assert first == sorted(first)
    assert first[0] < 1
    assert first[-1] == 10


@pytest.mark.parametrize(
    ("state", "run", "code"),
    [
        ("SUCCEEDED", _run(1, finished=True), 0),
        ("FAILED", _run(1, finished=True), 1),
        ("SUCCEEDED", _run(1, finished=False), 1),
        ("SUCCEEDED", None, 1),
    ],
)
def test_exit_code_is_0_only_where_glue_and_the_run_agree(state: str, run: RunItem | None, code: int) -> None:
    assert Ended(GlueRun("jr", state, "", 0), run, None).exit_code == code


def test_a_run_that_died_is_told_with_what_to_do() -> None:
    ended = Ended(GlueRun("jr_1", "FAILED", "killed by signal 9", 3), _run(1, finished=False), None)
    assert following.without_report(ended, "j", 1) == dedent("""\
        jr_1: FAILED: killed by signal 9
        Run run-1 ended without a word. Nothing uncommitted is visible; the next run takes its batches over: alur run j
        Glue may start it again (max_retries is 1): alur status j""")


def test_the_newest_run_of_a_glue_run_is_found() -> None:
    runs = [_run(3, finished=True), _run(2, finished=True)]
    assert following.run_of(runs, "jr_2") == runs[1]
    assert following.run_of(runs, "jr_9") is None


def test_similar_names_come_first() -> None:
    assert similar("order-job", ["users-job", "orders-job-1a2b3c4", "x"], 2) == ["orders-job-1a2b3c4", "users-job"]


def test_small_words() -> None:
    assert [plural(1, "file"), plural(1200, "file"), plural(2, "batch")] == ["1 file", "1,200 files", "2 batches"]
    assert [size_text(n) for n in (0, 999, 1_000, 2_500_000)] == ["0 B", "999 B", "1.0 kB", "2.5 MB"]
    assert utc(None) == "-"
    assert table_text(["a"], [["[red]x[/red]"]], width=80).endswith("[red]x[/red]")
