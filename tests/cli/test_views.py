"""What the command shows, as pure functions of what the ledger holds."""

from __future__ import annotations

import itertools
import json
from textwrap import dedent

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alur_pulumi.cli import files as files_view
from alur_pulumi.cli import follow as following
from alur_pulumi.cli import quarantine as quarantine_view
from alur_pulumi.cli import status as status_view
from alur_pulumi.cli.aws import GlueRun, similar
from alur_pulumi.cli.follow import Ended
from alur_pulumi.cli.show import plural, size_text, table_text, utc
from alur_runtime.config import OnChange
from alur_runtime.formats.faults import shown as shown_text
from alur_runtime.model import MET, Action, BatchItem, BatchPlan, BatchStatus, FileItem, FileStatus, Member, RunItem

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
    return batch, BatchPlan(seq, members, OnChange.REPLACE)


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
        file             status      reason      rows   quarantined     size   processed              run
        ───────────────────────────────────────────────────────────────────────────────────────────────────
        s3://b/[a].csv   completed   new           10             0   1.2 kB   2027-01-15 08:00:00Z   run-1
        s3://b/b.csv     failed      bad_value      0             0   1.2 kB   2027-01-15 08:00:00Z   run-1
        s3://b/b.csv: row 3, column 'amount': 'x' is no decimal(12,2)

        sales.orders: 2 files, 10 rows""")


def test_files_tell_of_rows_in_quarantine_and_of_expectations_that_are_not_met() -> None:
    found = {"known": "2 of 10 rows: row 1, column 'kind': 'x' is not among 'a'", "some": MET}
    item = attrs.evolve(_file("s3://b/a.csv"), rows_quarantined=1_200, expectations=found)
    rows = list(files_view.file_rows([item], []))
    text = files_view.as_text("sales.orders", rows, 10, width=200)
    assert "1,200" in text.splitlines()[2]
    assert text.splitlines()[3:] == [
        f"s3://b/a.csv: expectation 'known' is not met: {found['known']}",
        "",
        "sales.orders: 1 file, 10 rows, 1,200 quarantined",
    ]
    document = files_view.as_json("j", "t", rows)["files"][0]
    assert (document["quarantined"], document["expectations"]) == (1_200, found)


def _bad(**changes: object) -> dict[str, object]:
    return {
        "file": "s3://b/a.csv",
        "etag": '"e1"',
        "source": "shop",
        "row": 48_211,
        "line": 48_213,
        "column": "amount",
        "value": "12,50 EUR",
        "reason": "bad_value",
        "problem": "'12,50 EUR' is no decimal(12,2): write digits with a decimal point",
        "record": '1,Ada,"12,50 EUR"',
        "run_id": "run-1",
        "batch": "2-0",
        **changes,
    }


def _records(*lines: dict[str, object]) -> list[quarantine_view.BadRecord]:
    versions = {("s3://b/a.csv", '"e1"'), ("s3://b/b.csv", '"e1"')}
    return list(quarantine_view.bad_records([json.dumps(line).encode() for line in lines], versions))


def test_bad_rows_are_those_of_the_versions_that_are_asked_for() -> None:
    lines = [_bad(row=1), _bad(row=2, file="s3://b/c.csv"), _bad(row=3, etag='"e0"'), _bad(row=4, file="s3://b/b.csv")]
    assert [record.row for record in _records(*lines)] == [1, 4]


def test_objects_to_read_are_those_of_files_with_bad_rows() -> None:
    one = attrs.evolve(_file("s3://b/a.csv"), quarantine="1.jsonl")
    two = attrs.evolve(_file("s3://b/b.csv"), quarantine="1.jsonl")
    three = attrs.evolve(_file("s3://b/c.csv"), quarantine="2.jsonl", run_id="run-2")
    items = [one, two, three, _file("s3://b/d.csv")]
    assert quarantine_view.quarantined(items, None) == {
        "1.jsonl": {(one.uri, one.etag), (two.uri, two.etag)},
        "2.jsonl": {(three.uri, three.etag)},
    }
    assert list(quarantine_view.quarantined(items, "run-2")) == ["2.jsonl"]


def test_bad_rows_as_text_without_the_files_data() -> None:
    problem = "'12,50 EUR' is no decimal(12,2): write digits"
    lines = [
        _bad(problem=problem),
        _bad(row=2, line=None, column=None, reason="field_count", problem="3 fields, 4 in the header"),
    ]
    text = quarantine_view.as_text("sales.orders", _records(*lines), 10, show_values=False, width=200)
    assert text == dedent("""\
        file              row     line   column   reason        problem
        ─────────────────────────────────────────────────────────────────────────────────────────────
        s3://b/a.csv   48,211   48,213   amount   bad_value     *** is no decimal(12,2): write digits
        s3://b/a.csv        2        -   -        field_count   3 fields, 4 in the header

        sales.orders: 2 bad rows of 1 file (1 bad_value, 1 field_count); values are masked (--show-values)""")


def test_bad_rows_as_text_with_the_files_data() -> None:
    text = quarantine_view.as_text("t", _records(_bad(value="a\nb"), _bad(value=None)), 10, show_values=True, width=200)
    assert [line.rpartition("  ")[2].strip() for line in text.splitlines()[2:4]] == ["a\\nb", "-"]
    assert text.endswith("\nt: 2 bad rows of 1 file (2 bad_value)")


def test_bad_rows_over_the_limit_are_counted() -> None:
    text = quarantine_view.as_text("t", _records(*[_bad(row=n) for n in range(5)]), 2, show_values=True, width=200)
    assert text.endswith("t: 5 bad rows of 1 file (5 bad_value); the first 2 are shown (--limit, --match, --run)")
    assert len(text.splitlines()) == 2 + 2 + 2


def test_no_bad_rows() -> None:
    assert quarantine_view.as_text("t", [], 2, show_values=True, width=200) == "t: no bad row in quarantine"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"problem": "'12,50 EUR' is no decimal(12,2)"}, "*** is no decimal(12,2)"),
        ({"value": "x" * 200, "problem": f"'{'x' * 80}...' is no date"}, "*** is no date"),
        ({"value": "it's", "problem": '"it\'s" is no date'}, "*** is no date"),
        ({"value": "1", "problem": "1 is not from 10 to 21"}, "*** is not from 10 to 21"),
        ({"value": "x", "record": "7;x", "problem": "'x' is not among 'a', 'b'"}, "*** is not among 'a', 'b'"),
        (
            {"value": None, "record": '{"a": "x"}', "problem": "key 'a' is there twice: 'x'"},
            "key *** is there twice: ***",
        ),
        ({"value": None, "record": None, "problem": "has no value"}, "has no value"),
        ({"value": "\\", "problem": r"'\\' does not match '\\d'"}, "*** does not match '\\\\d'"),
    ],
)
def test_masks(changes: dict[str, object], problem: str) -> None:
    shown = quarantine_view.masked(_records(_bad(**changes))[0])
    assert (shown.problem, shown.value, shown.record) == (problem, None, None)


@given(value=st.text(min_size=1, max_size=100), context=st.sampled_from(["{} is no date", "no: {}, {}", "{}"]))
def test_no_value_that_a_problem_quotes_is_left(value: str, context: str) -> None:
    quoted = shown_text(value)
    (record,) = _records(_bad(value=value, problem=context.replace("{}", quoted), record=None))
    assert quoted not in quarantine_view.masked(record).problem


def test_bad_rows_as_json() -> None:
    bare = quarantine_view.as_json("j", "t", _records(_bad()), show_values=False)
    assert (bare["job"], bare["table"]) == ("j", "t")
    assert not {"value", "record"} & set(bare["rows"][0])
    assert bare["rows"][0]["problem"].startswith("*** is no")
    full = quarantine_view.as_json("j", "t", _records(_bad()), show_values=True)
    assert full["rows"] == [_bad()]


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
