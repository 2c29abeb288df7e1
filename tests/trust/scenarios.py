"""What a job does in its life, played under a role: what the role lacks makes one of these go wrong."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Callable
from typing import Any, Final

import attrs
import pytest

from alur_pulumi.iam import JobAccess, NetworkAccess, job_policy
from alur_pulumi.local.access_needs import Place
from alur_pulumi.state_table import HASH_KEY
from alur_runtime import __main__ as program
from alur_runtime.config import split_uri
from alur_runtime.contracts.options import ErrorBudget
from alur_runtime.ledger.forgotten import FEW
from alur_runtime.report import RunReport
from alur_runtime.table.store import put_json
from tests.runtime.recovery.bad_days import Call, Day
from tests.runtime.recovery.histories import HISTORIES
from tests.runtime.retention.days import Days
from tests.runtime.world import World
from tests.trust.guard import Role

ARTIFACTS: Final = "_alur/artifacts/"
PLACE: Final = Place("eu-west-1", "123456789012")
KEY: Final = PLACE.arn("kms", "key/0d9bb1a2-61c4-4a6c-8d5d-0d9bb1a261c4")

TAG: Final = "00000000"
"""Stands in policies for what the names of a world end in."""

Change = Callable[[str], str]
"""A policy's document -> another's."""
Playing = tuple[str, Role]
"""What went wrong (empty if nothing did), and the role with what it asked for."""
Scenario = Callable[[pytest.MonkeyPatch, Change], Playing]


def role_of(world: World, change: Change) -> Role:
    """The role of a job with all that a job can have: keys of the customer's, a network, encrypted logs."""
    config = world.config
    table = config.table
    landing = dict.fromkeys(split_uri(source.uri) for source in config.sources)
    access = JobAccess(
        table_arn=PLACE.arn("glue", f"table/{table.database}/{table.name}"),
        ledger_arn=PLACE.arn("dynamodb", f"table/{config.ledger.table}"),
        landing=tuple(landing),
        table_bucket=world.lake,
        table_prefix=split_uri(table.location)[1],
        metadata_prefix=split_uri(table.metadata)[1],
        artifacts_bucket=world.lake,
        artifacts_prefix=ARTIFACTS,
        log_groups=("/alur/p/s/j/error", "/alur/p/s/j/output"),
        kms_key_arns=(KEY,),
        encrypts_logs=True,
        network=NetworkAccess(connections=("lan",), subnets=("subnet-1",), security_groups=("sg-1",)),
    )
    keys = dict.fromkeys((world.lake, world.landing, config.ledger.table), KEY)
    # the names of a world are new each time; in the policy that is changed they are always the same
    tag = world.lake.removeprefix("lake-")
    policy = change(job_policy(access).replace(tag, TAG)).replace(TAG, tag)
    place = attrs.evolve(PLACE, keys=keys, hash_keys={config.ledger.table: HASH_KEY})
    return Role(policy, place, tag)


@attrs.define(eq=False)
class _Day(Day):
    """A day whose runs are the role's; all else is done by an administrator."""

    role: Role | None = None

    def run(self) -> RunReport:
        assert self.role is not None
        with self.role.at_work(self.cloud):
            return super().run()

    def run_killed(self, when: Callable[[Call], bool]) -> bool:
        assert self.role is not None
        with self.role.at_work(self.cloud):
            return super().run_killed(when)


@attrs.define(eq=False)
class _Days(Days):
    """The same of days that pass."""

    role: Role | None = None

    def run(self, **changes: Any) -> RunReport:
        assert self.role is not None
        with self.role.at_work(self.cloud):
            return super().run(**changes)


def _history(name: str) -> Scenario:
    def play(patch: pytest.MonkeyPatch, change: Change) -> Playing:
        day = _Day.make(patch)
        day.role = role_of(day.world, change)
        return _told(lambda: _play_history(day, name)), day.role

    return play


def _play_history(day: _Day, name: str) -> str:
    HISTORIES[name](day)
    return _trouble_after(day)


def _trouble_after(day: _Day) -> str:
    """What is wrong after one more run, the metrics that it was to publish included."""
    day.cloud.cloudwatch.published.clear()
    return day.trouble(day.run()) or ("" if day.cloud.cloudwatch.published else "no metrics were published")


def bad_rows_lost(patch: pytest.MonkeyPatch, change: Change) -> Playing:
    """A batch with bad rows is killed after its commit, and all its uploads vanish: it takes itself back."""
    day = _Day.make(patch)
    budget = ErrorBudget(rows=2)
    day.world.config = attrs.evolve(
        day.world.config, sources=tuple(attrs.evolve(source, budget=budget) for source in day.world.config.sources)
    )
    day.role = role_of(day.world, change)
    return _told(lambda: _lose_bad_rows(day)), day.role


def _lose_bad_rows(day: _Day) -> str:
    day.land_lines("a", ["x,EU,,", "7,EU,,"])
    if not day.run_killed(lambda call: call[0] == "CompleteMultipartUpload"):
        return "no run was killed"
    day.cloud.s3.uploads.clear()
    day.run()
    return _trouble_after(day)


def started_by_glue(patch: pytest.MonkeyPatch, change: Change) -> Playing:
    """A run as Glue starts it: by the URI of its configuration."""
    day = _Day.make(patch)
    day.role = role_of(day.world, change)
    day.land("a", range(3))
    day.world.land("archive/old.csv", "id,region,note,at\n7,EU,,\n")  # its other source
    uri = f"s3://{day.world.lake}/{ARTIFACTS}config/1/config.json"
    put_json(day.world.clients.s3, uri, day.world.config)
    patch.setattr(program, "make_clients", day.cloud.clients)
    said = io.StringIO()
    with day.role.at_work(day.cloud), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = program.main(["--alur_config", uri])
    return (said.getvalue() if code else _told(lambda: _trouble_after(day))), day.role


def kept_small(patch: pytest.MonkeyPatch, change: Change) -> Playing:
    """Files go, one each day, and are forgotten; the archive is merged; one comes back and is known all the same."""
    days = _Days.make(patch)
    days.role = role_of(days.world, change)
    return _told(lambda: _forget(days)), days.role


def _forget(days: _Days) -> str:
    bodies = {f"f{n}": days.land(f"f{n}") for n in range(FEW + 1)}
    days.run()
    for name in bodies:
        days.remove(name)
        days.sweep()
    if len(days.archived()) >= FEW:
        return f"the archive is not merged: {days.archived()}"
    days.pass_days(100)
    days.land_again("f0", bodies["f0"])
    report = days.run()
    if report.files_by_reason != {"unchanged": 1}:
        return f"a file that came back was taken again: {report.files_by_reason}"
    days.check()
    return ""


def _told(play: Callable[[], str]) -> str:
    """What went wrong, raised or returned."""
    logging.getLogger("alur_runtime").setLevel(logging.CRITICAL)
    try:
        return play()
    except Exception as error:  # noqa: BLE001 - whatever a missing permission comes to is what is shown
        return str(error) or type(error).__name__


SCENARIOS: Final[dict[str, Scenario]] = {
    "a run as Glue starts it": started_by_glue,
    "new and changed files": _history("replaced"),
    "a changed file that leaves a partition empty": _history("emptied"),
    "batches of killed runs": _history("killed"),
    "lost uploads": _history("lost"),
    "lost uploads of a rewrite": _history("lost_rewrite"),
    "a batch of another configuration": _history("configured_anew"),
    "bad rows": _history("bad_rows"),
    "lost uploads of bad rows": bad_rows_lost,
    "files that go and come back": kept_small,
}
"""By what is told of them."""
