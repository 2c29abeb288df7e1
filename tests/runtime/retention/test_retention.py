"""Files that go and come back: the ledger forgets them, and never takes them twice."""

from __future__ import annotations

import attrs
import pytest

from alur_runtime.config import OnChange, config_from_json, to_json
from alur_runtime.errors import ConfigError
from alur_runtime.model import FileItem
from alur_runtime.run import retention, survey
from tests.regressions.faults import Faults
from tests.runtime.retention.days import DAY, FORGET, LAZY, SETTINGS, Days

LONG = FORGET + LAZY + 1


def test_only_a_file_that_is_gone_expires(days: Days) -> None:
    for name in ("a", "b"):
        days.land(name)
    days.run()
    days.remove("a")
    report = days.sweep()
    gone, there = days.item("a"), days.item("b")
    assert gone is not None
    assert there is not None
    assert gone.expires_at == days.cloud.s3.clock.now + FORGET * DAY
    assert there.expires_at is None
    assert "1 of them newly" in report.notes["gone from the sources"]
    days.check()


def test_a_file_expires_from_when_it_was_first_seen_to_be_gone(days: Days) -> None:
    days.land("a")
    days.run()
    days.remove("a")
    days.sweep()
    first = days.item("a")
    calls = days.run().aws_calls
    report = days.sweep()
    assert days.item("a") == first
    assert len(days.archived()) == 1
    assert report.notes["gone from the sources"] == "1 files; their rows stay"
    assert calls.get("s3.PutObject", 0) == 0


def test_a_run_writes_nothing_about_gone_files_twice_a_day(days: Days, faults: Faults) -> None:
    days.land("a")
    days.run()
    days.remove("a")
    faults.clear()
    days.run()
    assert faults.count("TransactWriteItems") == 0
    assert days.archived() == []


def test_the_ledger_is_read_whole_once_a_day_though_by_key_is_cheaper(days: Days) -> None:
    days.land("a")
    days.run()
    assert days.run().notes["ledger read"].startswith("by key")
    assert days.sweep().notes["ledger read"].startswith("whole")
    assert days.run().notes["ledger read"].startswith("by key")


def test_nothing_is_forgotten_where_that_is_set(days: Days) -> None:
    settings = attrs.evolve(SETTINGS, forget_gone_days=0)
    days.world.config = attrs.evolve(days.world.config, settings=settings)
    days.land("a")
    days.land("b")
    days.run()
    days.remove("a")
    assert days.sweep().notes["ledger read"].startswith("by key")
    item = days.item("a")
    assert item is not None
    assert item.expires_at is None


@pytest.mark.parametrize("forget", [1, 7, -1])
def test_nothing_is_forgotten_while_a_run_may_live_that_knew_it(days: Days, forget: int) -> None:
    settings = attrs.evolve(SETTINGS, forget_gone_days=forget)
    with pytest.raises(ConfigError, match="forget_gone_days"):
        config_from_json(to_json(attrs.evolve(days.world.config, settings=settings)))


# --- coming back ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("away", [1, FORGET - 1, FORGET + 1, LONG, 10 * LONG])
def test_a_file_that_comes_back_as_it_was_is_not_taken_again(days: Days, away: int) -> None:
    body = days.land("a")
    days.run()
    days.remove("a")
    days.sweep()
    days.pass_days(away)
    days.land_again("a", body)
    report = days.run()
    assert report.files_by_reason == {"unchanged": 1}
    assert "1 files that were gone" in report.notes["came back"]
    item = days.item("a")
    assert item is not None
    assert item.expires_at is None
    days.pass_days(LONG)
    assert days.run().files_by_reason == {"unchanged": 1}
    days.check()


def test_dynamodb_really_forgets(days: Days) -> None:
    """Or else the test above would say nothing of what comes after."""
    days.land("a")
    days.run()
    days.remove("a")
    days.sweep()
    days.pass_days(LONG)
    assert days.item("a") is None


@pytest.mark.parametrize("away", [1, LONG])
def test_a_file_that_comes_back_changed_replaces_its_rows(days: Days, away: int) -> None:
    days.land("a")
    days.land("b")
    days.run()
    days.remove("a")
    days.sweep()
    days.pass_days(away)
    days.land("a", 3)
    report = days.run()
    assert report.files_by_reason == {"changed_replaced": 1, "unchanged": 1}
    assert report.rows_dropped == 2
    days.check()


@pytest.mark.parametrize("away", [1, LONG])
@pytest.mark.parametrize("policy", [OnChange.SKIP, OnChange.APPEND])
def test_a_file_that_comes_back_changed_is_treated_by_the_policy(days: Days, away: int, policy: OnChange) -> None:
    days.world.config = attrs.evolve(days.world.config, on_change=policy)
    days.land("a")
    days.run()
    before = days.expected["a"]
    days.remove("a")
    days.sweep()
    days.pass_days(away)
    days.land("a", 3)
    report = days.run()
    days.expected["a"] = before if policy is OnChange.SKIP else before + days.expected["a"]
    assert report.files_by_reason == {f"changed_{'skipped' if policy is OnChange.SKIP else 'appended'}": 1}
    days.check()


def test_a_file_that_goes_again_after_it_was_found_again_is_forgotten_again(days: Days) -> None:
    days.land("a")
    for count in (2, 3, 4):
        body = days.land("a", count)
        days.run()
        days.remove("a")
        days.sweep()
        days.pass_days(LONG)
        assert days.item("a") is None
    days.land_again("a", body)
    assert days.run().files_by_reason == {"unchanged": 1}
    days.check()


def test_a_file_that_failed_before_it_went_is_known_to_have_failed(days: Days) -> None:
    days.land_again("a", b"id,region\nno number,EU\n")
    assert days.world.run().exit_code == 1
    days.remove("a")
    days.sweep()
    days.pass_days(LONG)
    days.land_again("a", b"id,region\nno number,EU\n")
    assert days.world.run().files_by_reason == {"failed_before": 1}


def test_beside_an_item_of_the_ledger_that_of_the_archive_does_not_count(days: Days) -> None:
    """It went into the archive, came back before it was forgotten, and is older than what the ledger knows."""
    days.land("a")
    days.run()
    days.remove("a")
    days.sweep()
    for count in (3, 4):
        days.land("a", count)
        assert days.run().files_by_reason == {"changed_replaced": 1}
        days.check()


# --- what is not gone -------------------------------------------------------------------------------------------------


def test_a_file_that_no_source_asks_for_any_more_is_not_gone(days: Days) -> None:
    for name in ("a.csv", "b.txt", "c/a.csv", "c/_a.csv"):
        days.land(name)
    days.world.config = attrs.evolve(
        days.world.config, sources=(attrs.evolve(days.world.config.sources[0], hidden=True),)
    )
    days.run()
    days.source("", "*.csv")
    days.remove("a.csv")
    report = days.sweep()
    expire = {item.uri: item.expires_at is not None for item in days.world.ledger.files()}
    assert expire == {
        days.uri("a.csv"): True,  # gone
        days.uri("b.txt"): False,  # no longer of the pattern
        days.uri("c/a.csv"): False,
        days.uri("c/_a.csv"): False,
    }
    assert report.notes["gone from the sources"].startswith("4 files, 3 of them below no source any more")
    days.source("c/")
    assert days.sweep().files_by_reason == {"unchanged": 1}


def test_a_file_below_a_source_that_was_taken_away_is_not_gone(days: Days) -> None:
    days.land("a")
    days.run()
    days.source("elsewhere/")
    days.sweep()
    item = days.item("a")
    assert item is not None
    assert item.expires_at is None


@pytest.mark.parametrize("failing", [1, 2])
def test_a_listing_that_fails_says_of_no_file_that_it_is_gone(days: Days, faults: Faults, failing: int) -> None:
    days.cloud.s3.page = 2
    for name in "abcd":
        days.land(name)
    days.run()
    days.remove("a")
    days.pass_days(1)
    faults.clear()
    faults.fail(lambda call, request: call == "ListObjectsV2" and request["Prefix"] == "orders/", nth=failing)
    assert days.world.run().exit_code == 1
    assert not any(item.expires_at for item in days.world.ledger.files())
    assert days.archived() == []
    days.run()
    assert [item.uri for item in days.world.ledger.files() if item.expires_at] == [days.uri("a")]


def test_more_files_than_one_run_marks_are_marked_by_the_next(days: Days, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "_MOST_GONE", 3)
    for n in range(7):
        days.land(f"{n}")
    days.run()
    for n in range(7):
        days.remove(f"{n}")
    days.pass_days(1)
    marked = []
    for _ in range(4):
        days.run()
        marked.append(sum(item.expires_at is not None for item in days.world.ledger.files()))
    assert marked == [3, 6, 7, 7]


def test_the_constants_of_the_tests_are_those_of_the_runtime() -> None:
    assert retention.SWEEP_SECONDS == DAY
    assert "expires_at" in attrs.fields_dict(FileItem)
