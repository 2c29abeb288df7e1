"""The protocol under crashes, races, zombies and lost answers. Each test fails when its fence is taken away."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from botocore.exceptions import ClientError
from world import QUICK, World, rows, wait_for_leases

from alur_runtime.aws import make_clients
from alur_runtime.errors import FencedOffError
from alur_runtime.ledger.ledger import Ledger
from alur_runtime.model import BatchStatus, FileStatus, Learnt, Lease
from alur_runtime.report import RunReport, render_text
from alur_runtime.run import ingest
from alur_runtime.steps import Step
from alur_runtime.table import store

# A run under these shows no heartbeat while a test lasts.
SLEEPY = attrs.evolve(QUICK, run_lease_seconds=600, planning_lease_seconds=600)


class Killed(BaseException):
    """The process is gone: no handler of the runtime may catch it, and nothing after it happens."""


def crash() -> None:
    raise Killed


def die(world: World) -> None:
    """A run that is killed: no release of leases, no report."""
    run = ingest._Run(world.config, make_clients(), "")
    run._ledger.__class__.release_lease, kept = (lambda *_: None), run._ledger.__class__.release_lease
    try:
        with pytest.raises(Killed):
            run.execute()
    finally:
        Ledger.release_lease = kept


def check(world: World, report: RunReport, expected: list[int]) -> None:
    assert report.exit_code == 0, render_text(report)
    assert world.ids() == expected, render_text(report)
    assert not world.ledger.open_batches()
    assert {f.uri for f in world.ledger.files() if f.status is FileStatus.COMPLETED} == {
        row["_source_file"] for row in world.table()
    }


CRASH_STEPS = [s for s in Step if s not in (Step.RECOVERED, Step.FINISHED)]


@pytest.mark.parametrize("step", CRASH_STEPS)
def test_a_crash_after_each_step_is_recovered(aws: str, at_step: Any, step: Step) -> None:
    world = World.make(aws)
    world.land("orders/a.csv", rows(0, 4))
    world.land("orders/b.csv", rows(10, 4, "US"))
    world.run()
    world.land("orders/a.csv", rows(0, 2))
    world.land("orders/c.csv", rows(20, 3))
    at_step(step, crash)
    die(world)
    report = world.run()  # waits for the dead run's lease by itself
    check(world, report, [0, 1, 10, 11, 12, 13, 20, 21, 22])
    assert world.run().outcome == "nothing_to_do"


def test_nothing_is_visible_before_the_commit(aws: str, at_step: Any) -> None:
    world = World.make(aws)
    world.land("orders/a.csv", rows(0, 4))
    seen: list[list[str]] = []
    at_step(Step.UPLOADED, lambda: seen.append(world.objects()))
    at_step(Step.COMMITTED, lambda: seen.append(world.objects()))
    world.run()
    assert seen == [[], []]
    assert len(world.objects()) == 1


def test_a_zombie_that_wakes_before_its_commit_commits_nothing(aws: str, at_step: Any) -> None:
    """Its batch was adopted and completed by another run; its own uploads must never become visible."""
    world = World.make(aws)
    world.land("orders/a.csv", rows(0, 4))
    other: list[RunReport] = []

    def sleep_like_the_dead() -> None:
        world.clients.dynamodb.update_item(  # its lease has expired
            TableName=world.config.ledger.table,
            Key={
                "ingestion_key": {"S": world.config.table.key},
                "file_path": {"S": f"@run/{world.ledger.open_batches()[0].owner}"},
            },
            UpdateExpression="SET lease_expires_at_ms = :z",
            ExpressionAttributeValues={":z": {"N": "0"}},
        )
        other.append(world.run())

    at_step(Step.UPLOADED, sleep_like_the_dead)
    zombie = world.run(settings=SLEEPY)
    assert other[0].batches[0].recovered == "adopted"
    assert zombie.batches[0].outcome == "fenced_off"
    check(world, world.run(), [0, 1, 2, 3])
    assert world.pending() == []


@pytest.mark.parametrize("taken_away", ["owner", "attempt", "status"])
def test_the_commit_is_conditional_on_owner_attempt_and_status(aws: str, taken_away: str) -> None:
    world = World.make(aws)
    world.land("orders/a.csv", rows(0, 4))
    _leave_open(world)
    batch = world.ledger.open_batches()[0]
    changes: dict[str, Any] = {
        "owner": {"owner": "someone"},
        "attempt": {"attempt": batch.attempt + 1},
        "status": {"status": BatchStatus.COMPLETED},
    }
    world.ledger._move(batch, attrs.evolve(batch, **changes[taken_away]))
    with pytest.raises(FencedOffError):
        world.ledger.commit(batch, "s3://somewhere/manifest.json")


def _leave_open(world: World) -> None:
    """A run that loses AWS while it works: its batch stays processing."""

    class Broken:
        def run(self, tasks: Any, *_: Any) -> Iterator[Any]:
            from alur_runtime.engine import Outcome

            return (Outcome(t, error=ClientError({"Error": {"Code": "InternalError"}}, "X")) for t in tasks)

    kept, ingest.LocalEngine = ingest.LocalEngine, Broken  # type: ignore[misc,assignment]
    try:
        assert world.run().outcome == "aws_error"
    finally:
        ingest.LocalEngine = kept  # type: ignore[misc]


def test_a_run_that_failed_leaves_its_batch_to_the_next(aws: str) -> None:
    world = World.make(aws)
    world.land("orders/a.csv", rows(0, 4))
    _leave_open(world)
    assert world.objects() == []
    report = world.run()
    assert report.batches[0].recovered == "adopted"
    check(world, report, [0, 1, 2, 3])


def test_a_plan_under_a_lost_lease_is_refused(aws: str, at_step: Any) -> None:
    """Two runs plan the same new file: the one whose token is old creates nothing."""
    world = World.make(aws)
    world.land("orders/a.csv", rows(0, 4))

    def another_plans_meanwhile() -> None:
        world.clients.dynamodb.update_item(
            TableName=world.config.ledger.table,
            Key={"ingestion_key": {"S": world.config.table.key}, "file_path": {"S": "@lease"}},
            UpdateExpression="SET expires_at_ms = :z",
            ExpressionAttributeValues={":z": {"N": "0"}},
        )
        assert world.run().rows_written == 4

    at_step(Step.PLANNED, another_plans_meanwhile)
    report = world.run(settings=SLEEPY)
    check(world, report, [0, 1, 2, 3])
    assert len(world.objects()) == 1


def test_a_zombie_that_indexes_late_does_not_turn_the_ledger_back(aws: str, at_step: Any) -> None:
    """Between its uploads and its file items a newer version was ingested by another run."""
    world = World.make(aws)
    world.land("orders/a.csv", rows(0, 4))

    def others_finish_and_go_on() -> None:
        batch = world.ledger.open_batches()[0]
        world.ledger._move(batch, attrs.evolve(batch, owner="dead"))  # what an adoption of the roll forward looks like
        assert world.run().exit_code == 0
        world.land("orders/a.csv", rows(0, 2))
        assert world.run().rows_written == 2

    at_step(Step.REGISTERED, others_finish_and_go_on)
    world.run()
    assert [f.rows_ingested for f in world.ledger.files()] == [2]
    check(world, world.run(), [0, 1])


def test_a_file_overwritten_after_it_was_listed_is_taken_as_it_is_now(aws: str, at_step: Any) -> None:
    world = World.make(aws)
    world.land("orders/a.csv", rows(0, 4))
    world.land("orders/b.csv", rows(10, 2))
    at_step(Step.CREATED, lambda: world.land("orders/a.csv", rows(0, 3)))
    report = world.run()
    check(world, report, [0, 1, 2, 10, 11])
    etags = {f.uri: f.etag for f in world.ledger.files()}
    head = world.clients.s3.head_object(Bucket=world.landing, Key="orders/a.csv")
    assert etags[world.uri("orders/a.csv")] == head["ETag"].strip('"')


def test_a_file_deleted_after_it_was_listed_is_left_out(aws: str, at_step: Any) -> None:
    world = World.make(aws)
    world.land("orders/a.csv", rows(0, 4))
    world.land("orders/b.csv", rows(10, 2))
    at_step(Step.CREATED, lambda: world.clients.s3.delete_object(Bucket=world.landing, Key="orders/a.csv"))
    report = world.run()
    assert report.files_by_reason == {"deleted_during_run": 1, "new": 1}
    check(world, report, [10, 11])


def test_a_live_runs_files_are_left_to_it(aws: str, at_step: Any) -> None:
    world = World.make(aws, settings=attrs.evolve(QUICK, run_lease_seconds=6.0))
    world.land("orders/a.csv", rows(0, 4))
    seconds: list[RunReport] = []
    at_step(Step.READ, lambda: seconds.append(world.run()))
    first = world.run()
    assert seconds[0].outcome == "left_to_others"
    assert seconds[0].exit_code == 0
    assert seconds[0].files[0].held_by == first.run_id
    check(world, first, [0, 1, 2, 3])


def test_committed_uploads_that_vanished_are_done_again(aws: str, at_step: Any) -> None:
    world = World.make(aws)
    world.land("orders/a.csv", rows(0, 4))
    world.run()
    world.land("orders/a.csv", rows(0, 3))
    world.land("orders/b.csv", rows(10, 2, "US"))
    at_step(Step.COMMITTED, crash)
    die(world)
    for upload in world.clients.s3.list_multipart_uploads(Bucket=world.lake)["Uploads"][:1]:
        world.clients.s3.abort_multipart_upload(Bucket=world.lake, Key=upload["Key"], UploadId=upload["UploadId"])
    check(world, world.run(), [0, 1, 2, 10, 11])


def test_committed_uploads_that_vanished_with_their_source_fail_loudly(aws: str, at_step: Any) -> None:
    world = World.make(aws)
    world.land("orders/a.csv", rows(0, 4))
    at_step(Step.COMMITTED, crash)
    die(world)
    for upload in world.clients.s3.list_multipart_uploads(Bucket=world.lake)["Uploads"]:
        world.clients.s3.abort_multipart_upload(Bucket=world.lake, Key=upload["Key"], UploadId=upload["UploadId"])
    world.clients.s3.delete_object(Bucket=world.landing, Key="orders/a.csv")
    wait_for_leases()
    report = world.run()
    assert (report.outcome, report.exit_code) == ("upload_lost", 1)
    assert world.uri("orders/a.csv") in report.error


def _lose_answer(monkeypatch: pytest.MonkeyPatch, operation: str, nth: int = 1) -> None:
    """The call takes effect, its answer is lost, and the client sends it again: as boto3 does."""
    real = ingest.Ledger.__init__
    count = [0]

    def wrapped(self: Ledger, client: Any, *args: Any) -> None:
        method = getattr(client, operation)

        def twice(**request: Any) -> Any:
            count[0] += 1
            if count[0] == nth:
                method(**request)
            return method(**request)

        monkeypatch.setattr(client, operation, twice, raising=False)
        real(self, client, *args)

    monkeypatch.setattr(Ledger, "__init__", wrapped)


@pytest.mark.parametrize("operation", ["update_item", "transact_write_items"])
def test_a_lost_answer_is_ones_own_success(aws: str, monkeypatch: pytest.MonkeyPatch, operation: str) -> None:
    world = World.make(aws)
    world.land("orders/a.csv", rows(0, 4))
    _lose_answer(monkeypatch, operation)
    check(world, world.run(), [0, 1, 2, 3])
    assert world.ledger.lease()["token"] == 1  # type: ignore[index]  # no second lease was needed


def test_a_lost_answer_of_the_commit_is_ones_own_success(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World.make(aws)
    world.land("orders/a.csv", rows(0, 4))
    _lose_answer(monkeypatch, "put_item", nth=2)  # the first writes the run's item
    report = world.run()
    assert [b.outcome for b in report.batches] == ["completed"]
    check(world, report, [0, 1, 2, 3])


def test_two_leases_at_once(aws: str) -> None:
    ledger = World.make(aws).ledger
    first = ledger.try_lease("one/1", 60)
    assert isinstance(first, Lease)
    assert ledger.try_lease("two/1", 60) == "one/1"
    ledger.release_lease("one/1", Learnt(ledger_files=7))
    second = ledger.try_lease("two/2", 60)
    assert isinstance(second, Lease)
    assert (second.token, second.ledger_files) == (first.token + 1, 7)


def test_an_error_of_the_ledger_makes_nothing_visible(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World.make(aws)
    world.land("orders/a.csv", rows(0, 4))
    error = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "PutItem")

    def fail(*_: Any) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "commit", fail)
        report = world.run()
    assert (report.outcome, report.exit_code) == ("aws_error", 1)
    assert world.objects() == []
    check(world, world.run(), [0, 1, 2, 3])


def test_an_error_of_the_listing_plans_nothing(aws: str) -> None:
    world = World.make(aws)
    world.land("orders/a.csv", rows(0, 4))
    gone = attrs.evolve(world.config.sources[1], uri="s3://no-such-bucket-here/archive/")
    report = world.run(sources=(world.config.sources[0], gone))
    assert (report.outcome, report.exit_code) == ("aws_error", 1)
    assert world.objects() == []
    check(world, world.run(), [0, 1, 2, 3])


def test_an_object_changed_by_another_hand_stops_the_batch(aws: str) -> None:
    world = World.make(aws)
    world.land("orders/a.csv", rows(0, 4))
    world.run()
    world.clients.s3.delete_object(Bucket=world.lake, Key=world.objects()[0])
    world.land("orders/a.csv", rows(0, 3))
    report = world.run()
    assert (report.outcome, report.exit_code) == ("counts_differ", 1)
    assert "the table holds 0 rows of its old version, the ledger says 4" in report.error


def test_several_runs_at_once(aws: str) -> None:
    world = World.make(aws, settings=attrs.evolve(QUICK, batch_max_files=5, run_lease_seconds=10.0))
    for n in range(30):
        world.land(f"orders/{n:02}.csv", rows(n * 10, 3))
    reports: list[RunReport] = []
    runs = [threading.Thread(target=lambda: reports.append(world.run())) for _ in range(3)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert sum(r.rows_written for r in reports) == 90
    assert all(r.exit_code == 0 for r in reports)
    check(world, world.run(), sorted(n * 10 + k for n in range(30) for k in range(3)))


def test_store_tells_a_completed_upload_from_a_vanished_one(aws: str) -> None:
    world = World.make(aws)
    table = store.TableStore(world.clients.s3, world.config.table.location)

    def upload(mark: str) -> store.Upload:
        pending = store.PendingUpload(world.clients.s3, world.config.table.location, "x.parquet", mark=mark)
        pending.write(mark.encode())
        return pending.finish(1, rewrite=False)

    first, second, third = upload("m1"), upload("m2"), upload("m3")
    assert table.complete(first, "m1")
    assert table.complete(first, "m1")
    assert table.complete(second, "m2")
    assert not table.complete(first, "m1")  # later work has taken its place
    table.abort(third)
    assert not table.complete(third, "m3")
    table.delete(("x.parquet",))
    assert not table.complete(second, "m2")
