"""Files that change: on_change, and what shares an object with them."""

from __future__ import annotations

import pytest
from world import World, rows

from alur_runtime.config import OnChange
from alur_runtime.report import render_text


def test_replace_drops_exactly_the_old_versions_rows(aws: str) -> None:
    world = World.make(aws)
    world.land("orders/a.csv", rows(0, 5))
    world.land("orders/b.csv", rows(100, 5))
    world.run()
    world.land("orders/a.csv", rows(0, 3))
    report = world.run()
    assert report.files_by_reason == {"changed_replaced": 1, "unchanged": 1}, render_text(report)
    assert (report.rows_written, report.rows_dropped) == (3, 5)
    assert world.ids() == [0, 1, 2, 100, 101, 102, 103, 104]
    assert world.run().outcome == "nothing_to_do"


def test_replace_deletes_an_object_that_is_left_empty(aws: str) -> None:
    world = World.make(aws)
    world.land("orders/a.csv", rows(0, 5))
    world.run()
    before = world.objects()
    world.land("orders/a.csv", rows(0, 4))
    assert world.run().exit_code == 0
    assert world.ids() == [0, 1, 2, 3]
    assert len(world.objects()) == 1
    assert world.objects() != before


def test_a_change_to_no_rows_leaves_no_rows(aws: str) -> None:
    world = World.make(aws)
    world.land("orders/a.csv", rows(0, 5))
    world.run()
    world.land("orders/a.csv", "id,region,note,at\n")
    assert world.run().rows_dropped == 5
    assert world.ids() == []
    world.land("orders/a.csv", rows(7, 1))
    assert world.run().rows_written == 1
    assert world.ids() == [7]


def test_back_to_a_former_version(aws: str) -> None:
    world = World.make(aws)
    for body in (rows(0, 5), rows(0, 2), rows(0, 5)):
        world.land("orders/a.csv", body)
        assert world.run().exit_code == 0
    assert world.ids() == [0, 1, 2, 3, 4]


def test_two_changed_files_of_one_object_are_one_batch(aws: str) -> None:
    world = World.make(aws)
    for name in "abc":
        world.land(f"orders/{name}.csv", rows(ord(name) * 10, 3))
    world.run()
    world.land("orders/a.csv", rows(0, 1))
    world.land("orders/c.csv", rows(1, 1))
    settings = world.config.settings
    import attrs

    report = world.run(settings=attrs.evolve(settings, batch_max_files=1))
    assert len(report.batches) == 1
    assert world.ids() == [0, 1, 980, 981, 982]


def test_append_keeps_every_version_once(aws: str) -> None:
    world = World.make(aws, on_change=OnChange.APPEND)
    world.land("orders/a.csv", rows(0, 2))
    world.run()
    world.land("orders/a.csv", rows(0, 3))
    assert world.run().files_by_reason == {"changed_appended": 1}
    world.land("orders/a.csv", rows(0, 2))  # back: that version is in the table already
    assert world.run().files_by_reason == {"unchanged": 1}
    assert world.ids() == [0, 0, 1, 1, 2]
    assert len({row["_source_etag"] for row in world.table()}) == 2


def test_skip_leaves_the_new_version_out_and_says_so(aws: str) -> None:
    world = World.make(aws, on_change=OnChange.SKIP)
    world.land("orders/a.csv", rows(0, 2))
    world.run()
    world.land("orders/a.csv", rows(0, 3))
    for _ in range(2):
        report = world.run()
        assert report.files_by_reason == {"changed_skipped": 1}
        assert report.exit_code == 0
    assert world.ids() == [0, 1]
    assert world.run(on_change=OnChange.REPLACE).rows_written == 3  # a new policy takes it after all
    assert world.ids() == [0, 1, 2]


def test_fail_refuses_the_new_version_and_the_run(aws: str) -> None:
    world = World.make(aws, on_change=OnChange.FAIL)
    world.land("orders/a.csv", rows(0, 2))
    world.run()
    world.land("orders/a.csv", rows(0, 3))
    world.land("orders/b.csv", rows(10, 1))
    report = world.run()
    assert (report.outcome, report.exit_code) == ("files_failed", 1)
    assert report.files_by_reason == {"changed_refused": 1, "new": 1}
    assert world.ids() == [0, 1, 10]
    world.land("orders/a.csv", rows(0, 2))
    assert world.run().files_by_reason == {"restored": 1, "unchanged": 1}
    assert world.run().exit_code == 0


def test_a_failed_new_version_leaves_the_old_rows(aws: str) -> None:
    world = World.make(aws)
    world.land("orders/a.csv", rows(0, 2))
    world.run()
    world.land("orders/a.csv", rows(0, 1) + "x,EU,,\n")
    report = world.run()
    assert (report.outcome, report.exit_code) == ("files_failed", 1)
    assert "row 2, column 'id': 'x' is no bigint" in report.error
    assert world.ids() == [0, 1]
    world.land("orders/a.csv", rows(5, 1))
    assert world.run().rows_dropped == 2
    assert world.ids() == [5]


def test_a_failed_file_is_tried_again_when_the_code_changes_only(aws: str) -> None:
    world = World.make(aws)
    world.land("orders/a.csv", "id,region\n1,EU\nx,EU\n")
    world.land("orders/b.csv", rows(10, 1))
    assert world.run().files_by_reason == {"too_many_bad_rows": 1, "new": 1}
    again = world.run()
    assert (again.exit_code, again.files_by_reason) == (0, {"failed_before": 1, "unchanged": 1})
    assert world.run(code_digest="two").files_by_reason == {"too_many_bad_rows": 1, "unchanged": 1}
    assert world.ids() == [10]


@pytest.mark.parametrize("on_change", list(OnChange))
def test_header_only_and_empty_files(aws: str, on_change: OnChange) -> None:
    world = World.make(aws, on_change=on_change)
    world.land("orders/header.csv", "id,region\n")
    world.land("orders/empty.csv", "")
    world.land("orders/folder/", "")
    world.land("orders/notes.txt", "x")
    report = world.run()
    assert report.files_by_reason == {"new": 2}
    assert report.rows_parsed == 0
    assert report.passed_over == {"directory_marker": 1, "not_matched": 1}
    assert world.objects() == []
