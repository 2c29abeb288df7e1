"""`alur rebuild`: what it says, what it changes, and its exit codes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from alur_pulumi.cli import rebuild as command
from alur_pulumi.cli.aws import Job
from alur_pulumi.cli.errors import UnknownJobError
from alur_pulumi.cli.main import cli
from tests.runtime.recovery.bad_days import Day
from tests.runtime.recovery.histories import is_complete, second


class Aws:
    def __init__(self, day: Day) -> None:
        self._day = day

    def job(self, name: str) -> Job:
        if name != "sales":
            raise UnknownJobError(name, ["sales"], "here")
        return Job(name, self._day.world.config, 0)

    def clients(self) -> Any:
        return self._day.cloud.clients()


@pytest.fixture
def day(monkeypatch: pytest.MonkeyPatch) -> Day:
    day = Day.make(monkeypatch)
    monkeypatch.setattr(command, "connect", lambda *_: Aws(day))
    return day


def alur(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["rebuild", *arguments], prog_name="alur")


def test_a_ledger_that_lacks_nothing_is_left_alone(day: Day) -> None:
    day.land("a", range(3))
    day.run()
    found = alur("sales")
    assert found.exit_code == 0, found.output
    assert found.output.endswith("the ledger lacks nothing that S3 shows (1 commit manifest, 1 proven and finished)\n")


def test_it_says_what_it_would_do_and_then_does_it(day: Day) -> None:
    day.land("a", range(3))
    day.run()
    day.land("b", range(3, 5), region="US")
    day.land("c", range(5, 7))
    day.run_killed(second(is_complete))
    day.cloud.set_ledger({})
    before = day.cloud.now()
    found = alur("sales")
    assert found.exit_code == 1
    assert day.cloud.now() == before
    lines = found.output.splitlines()
    assert any("unknown" in n and "committed" in n and "the next run finishes it" in n for n in lines), found.output
    assert lines[-2].endswith(
        "1 file item, 2 batches, 0 uploads to abort, token 0 to 2 (2 commit manifests, 1 proven and finished)"
    )
    assert lines[-1] == "Nothing was changed: alur rebuild sales --apply"
    done = alur("sales", "--apply")
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1] == "Written. The next run goes on from there: alur run sales"
    assert not day.trouble(day.run())
    assert alur("sales", "--all").exit_code == 0


def test_json_is_all_of_it(day: Day) -> None:
    for n in range(30):
        day.land(f"f{n:02}", range(n, n + 1))
    day.run()
    day.cloud.set_ledger({})
    found = alur("sales", "--json")
    said = json.loads(found.output)
    assert found.exit_code == 1
    assert len(said["files"]) == 30
    assert said["files"][0]["status"] == "completed"
    assert (said["needed"], said["applied"], said["token"]) == (True, False, {"ledger": 0, "wanted": 1})
    shown = alur("sales").output
    assert "... and 10 more: --json names all" in shown
    assert json.loads(alur("sales", "--apply", "--json").output)["applied"] is True


def test_what_cannot_be_done_has_another_exit_code_than_what_is_missing(day: Day) -> None:
    day.land("a", range(3))
    day.cloud.moments = []
    day.run()
    moments, day.cloud.moments = day.cloud.moments, None
    visible = next(m for m in moments if is_complete(m.call))
    day.cloud.set_back(visible)
    day.cloud.set_ledger(visible.ledger)
    refused = alur("sales", "--apply")
    assert refused.exit_code == 2
    assert "is alive: stop the job's trigger" in refused.output
    assert alur("orders").exit_code == 2
