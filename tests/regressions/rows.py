"""What broke the prior art, as data: each row has a test of its name here, and `test_list.py` sees to it."""

from __future__ import annotations

from typing import Final

import attrs


@attrs.frozen
class Row:
    """A row of the list.

    Attributes:
        event: What happens.
        before: What the prior art made of it.
        now: What alur makes of it.
        tests: Names of the tests that show it, without ``test_``.
    """

    event: str
    before: str
    now: str
    tests: tuple[str, ...]


ROWS: Final = (
    Row(
        "crash between data write and mark",
        "4 rows become 8",
        "4",
        ("crash_between_data_write_and_mark",),
    ),
    Row(
        "ledger error on mark / on check / listing error",
        "green run, then duplicates",
        "run fails, nothing visible, next run right",
        ("ledger_error_on_mark", "ledger_error_on_check", "listing_error"),
    ),
    Row("two runs at once", "8", "4", ("two_runs_at_once", "a_run_inside_a_run")),
    Row("file overwritten", "new content ignored for ever", "by `on_change`", ("file_overwritten",)),
    Row(
        "overwritten between listing and read",
        "ETag recorded of content not ingested",
        "left out, and taken as it is now",
        ("overwritten_between_listing_and_read",),
    ),
    Row("any transform", "nothing is ever marked: 4, 8, 12", "4", ("any_transform",)),
    Row("overlapping sources", "file read twice", "once", ("overlapping_sources",)),
    Row("one of two sources empty", "whole run fails", "the other is ingested", ("one_of_two_sources_empty",)),
    Row(
        "rerun with nothing new",
        "a Spark write and an empty Parquet file each time",
        "no object, no Spark",
        ("rerun_with_nothing_new",),
    ),
    Row("row counts 33/33/33 for 50/30/20", "average", "exact", ("row_counts",)),
    Row(
        "columns in another order, an extra column in the middle",
        'values land in the wrong columns, "validation passed"',
        "bound by name; strict mode rejects extras",
        ("columns_in_another_order", "an_extra_column_in_the_middle", "strict_mode_rejects_extras"),
    ),
    Row(
        "bad value in a typed column; null in a non-null column",
        "NULL",
        "quarantined with a reason",
        ("bad_value_in_a_typed_column", "null_in_a_non_null_column"),
    ),
    Row(
        "`;` separator, BOM, header longer than 1 KB, latin-1, gzip",
        "rejected or unread",
        "dialect options; read",
        ("dialects",),
    ),
    Row("key with `[` or `*` in it", "run fails every time", "ingested", ("key_with_brackets_or_stars",)),
    Row(
        "expectation fails",
        "bad rows stay, rerun is green",
        "not committed, and said so again",
        ("expectation_fails",),
    ),
    Row(
        "bigint, decimal, nested types",
        "string, decimal(10,2), struct<> in the catalog",
        "right",
        ("bigint_decimal_and_nested_types",),
    ),
    Row(
        "table or partition registration",
        '"Table not found", MSCK each run',
        "declared by Pulumi; only partitions that were written to registered",
        ("table_registration", "partition_registration"),
    ),
    Row(
        "redeploy with a new version",
        "job keeps the old wheel, or names one never uploaded",
        "the job names the bytes of the deployed source; a started run keeps its own; rollback is a redeploy",
        ("redeploy_with_a_new_version",),
    ),
    Row(
        "two environments in one account",
        "names collide, ledger shared",
        "every name by stack; ledger key by table",
        ("two_environments_in_one_account", "two_tables_in_one_ledger"),
    ),
    Row(
        "first run of 1,000 files",
        "4,001 calls; rerun 1,001",
        "at most 40; rerun at most 15",
        ("first_run_of_1000_files",),
    ),
)
"""Every row of the list, in its order."""


def table(modules: dict[str, str]) -> str:
    """The list as Markdown.

    Args:
        modules: In which module each test is.
    """
    lines = ["| event | prior art | alur | tests |", "|---|---|---|---|"]
    for row in ROWS:
        tests = "<br>".join(f"`{modules[name]}::test_{name}`" for name in row.tests)
        lines.append(f"| {row.event} | {row.before} | {row.now} | {tests} |")
    return "\n".join(lines)
