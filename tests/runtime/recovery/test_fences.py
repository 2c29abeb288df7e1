"""What keeps a rebuild right in the races that histories do not meet by chance."""

from __future__ import annotations

import attrs
import pytest
from botocore.exceptions import ClientError

from alur_runtime.aws import error_code
from alur_runtime.contracts.options import ErrorBudget
from alur_runtime.errors import FencedOffError, LedgerBehindError, RebuildError
from alur_runtime.ledger.base import now_ms, now_s
from alur_runtime.model import BatchStatus, RunItem
from alur_runtime.rebuild.apply import rebuild
from alur_runtime.rebuild.ledger import RebuildLedger
from alur_runtime.run.behind import check_ledger
from tests.runtime.recovery.bad_days import LONG, Day
from tests.runtime.recovery.histories import is_commit, is_complete, rebuild_and_run


@pytest.fixture
def day(monkeypatch: pytest.MonkeyPatch) -> Day:
    return Day.make(monkeypatch)


def ledger_of(day: Day) -> RebuildLedger:
    config = day.world.config
    return RebuildLedger(day.world.clients.dynamodb, config.ledger.table, config.table.key, config.ledger.shards)


def do(day: Day) -> None:
    day.wait()
    rebuild(day.world.config, day.cloud.clients(), apply=True)


def test_a_forgotten_run_that_sleeps_before_its_first_completion_can_complete_nothing(day: Day) -> None:
    """Its batch was committed, and nothing shows that: its files are planned again, and must not come twice."""
    backup = day.cloud.now().ledger
    day.land("a", range(3))
    assert day.run_killed(is_complete)
    ((upload_id, upload),) = day.cloud.s3.uploads.items()
    parts = [{"ETag": f'"{etag}"', "PartNumber": n} for n, (etag, _) in upload.parts.items()]
    day.cloud.set_ledger(backup)
    do(day)
    with pytest.raises(ClientError) as caught:
        day.world.clients.s3.complete_multipart_upload(
            Bucket=upload.place[0], Key=upload.place[1], UploadId=upload_id, MultipartUpload={"Parts": parts}
        )
    assert error_code(caught.value) == "NoSuchUpload"
    assert not day.trouble(day.run())


def test_a_committed_batch_that_the_ledger_knows_keeps_its_uploads(day: Day) -> None:
    day.land("a", range(3))
    assert day.run_killed(is_complete)
    backup = day.cloud.now().ledger
    day.world.clients.s3.put_object(
        Bucket=day.world.lake, Key="_alur/db/sales/batches/000000000009-00001/plan-x.json", Body=b"{}"
    )
    key = (day.world.lake, "_alur/db/sales/batches/000000000009-00001/plan-x.json")
    plan = next(o for (_, k), o in day.cloud.s3.objects.items() if "/plan-" in k and "000000000001" in k)
    later = plan.body.replace(b"000000000001-00001", b"000000000009-00001").replace(b"a.csv", b"z.csv")
    day.cloud.s3.objects[key] = attrs.evolve(plan, body=later)
    day.cloud.set_ledger(backup)
    pending = set(day.cloud.s3.uploads)
    with pytest.raises(LedgerBehindError):
        check_ledger(day.world.clients.s3, day.world.config, day.world.ledger)
    do(day)
    assert set(day.cloud.s3.uploads) == pending
    assert not day.trouble(day.run())


def test_a_batch_that_was_given_up_since_is_not_worked_on_again(day: Day) -> None:
    """The configuration changed, its file was planned again and committed; the backup says that it is processing."""
    day.land("a", range(3))
    assert day.run_killed(is_commit)
    backup = day.cloud.now().ledger
    before = day.world.config
    day.world.config = attrs.evolve(before, code_digest="two")
    day.run()
    day.world.config = before  # a rollback: the old batch would be adopted
    day.cloud.set_ledger(backup)
    do(day)
    assert [b.status for b in ledger_of(day).batches("")] == [BatchStatus.FAILED, BatchStatus.COMPLETED]
    assert not day.trouble(day.run())


def test_a_rebuild_that_refuses_leaves_a_ledger_that_runs_refuse(day: Day) -> None:
    """The backup was made while the lease was held; who holds it is all that shows that its batches are missing."""
    day.land("a", range(3))
    day.cloud.moments = []
    day.run()
    moments, day.cloud.moments = day.cloud.moments, None
    day.cloud.set_ledger(next(m for m in moments if m.call[0] == "TransactWriteItems").ledger)
    day.wait()
    alive = RunItem("20990101T000000Z-00000000", now_ms() + int(LONG * 10_000), now_s())
    day.world.ledger.put_run(alive, 90)
    with pytest.raises(RebuildError, match="is alive"):
        rebuild(day.world.config, day.cloud.clients(), apply=True)
    with pytest.raises(LedgerBehindError):
        check_ledger(day.world.clients.s3, day.world.config, day.world.ledger)
    day.world.ledger.put_run(attrs.evolve(alive, finished_at=now_s()), 90)
    assert not rebuild_and_run(day)


def test_who_has_lost_the_lease_does_not_bring_the_token_up(day: Day) -> None:
    ledger = ledger_of(day)
    assert ledger.hold("one", 1) == ""
    assert ledger.hold("two", 1) == "one"
    day.wait()
    assert ledger.hold("two", 1) == ""
    with pytest.raises(FencedOffError, match="rebuild of"):
        ledger.bring_up("one", 7)
    ledger.bring_up("two", 7)
    assert ledger.lease() == {"ingestion_key": ledger.table_key, "file_path": "@lease", "token": 7}
    ledger.bring_up("two", 7)  # its answer was lost, and boto3 asks again
    with pytest.raises(FencedOffError):
        ledger.bring_up("two", 8)


def test_the_token_never_goes_back(day: Day) -> None:
    ledger = ledger_of(day)
    ledger.hold("one", 1)
    ledger.bring_up("one", 7)
    ledger.hold("one", 1)
    with pytest.raises(FencedOffError):
        ledger.bring_up("one", 6)


def test_taking_the_lease_for_a_rebuild_counts_no_token_up(day: Day) -> None:
    """Else rebuilds that die would bring it, one by one, to where runs take the ledger."""
    day.land("a", range(3))
    day.run()
    token = (day.world.ledger.lease() or {})["token"]
    for _ in range(3):
        day.wait()
        ledger_of(day).hold("dies", 1)
    assert (day.world.ledger.lease() or {})["token"] == token


def test_batches_that_have_expired_are_no_lack(day: Day) -> None:
    for n in range(3):
        day.land(f"f{n}", range(n, n + 1))
        day.run()
    seqs = sorted(b.seq for b in ledger_of(day).batches(""))
    key = (day.world.config.table.key, f"@batch/{seqs[0]}")
    day.cloud.set_ledger({k: item for k, item in day.cloud.now().ledger.items() if k != key})
    found = rebuild(day.world.config, day.cloud.clients(), apply=False, everything=True)
    assert not found.replay.needed


def test_file_items_that_were_deleted_by_hand_come_back(day: Day) -> None:
    """No run can notice that; `--all` reads every manifest."""
    day.land("a", range(3))
    day.run()
    whole = day.cloud.now().ledger
    day.cloud.set_ledger({key: item for key, item in whole.items() if "#" not in key[0]})
    day.wait()
    rebuild(day.world.config, day.cloud.clients(), apply=True, everything=True)
    assert {k: v for k, v in day.cloud.now().ledger.items() if "#" in k[0]} == {
        k: v for k, v in whole.items() if "#" in k[0]
    }
    assert day.run().outcome == "nothing_to_do"


def test_what_a_commit_said_of_a_file_without_rows_outlives_its_objects(day: Day) -> None:
    """Its only object is emptied by a later commit: that a later plan names it is all that proves it."""
    day.land("a", range(3))
    day.world.land("orders/broken.csv", "no,such,header\n")
    assert day.run().outcome == "files_failed"
    day.land("a", range(3, 6), note="second")
    day.run()
    broken = day.world.uri("orders/broken.csv")
    before = day.world.ledger.get_files([broken])
    assert before[broken].reason == "header_mismatch"
    day.cloud.set_ledger({})
    do(day)
    assert day.world.ledger.get_files([broken]) == before


def test_an_old_batch_that_is_open_again_is_seen_by_the_next_run(day: Day) -> None:
    """The lease item says that all batches as old as that are closed for ever: not any more."""
    day.land("a", range(3))
    day.land("b", range(10, 12), region="US")
    day.run()
    day.run()
    (batch,) = ledger_of(day).batches("")
    lease = (day.world.config.table.key, "@lease")
    assert (day.world.ledger.lease() or {})["oldest_open"] > batch.seq
    day.cloud.set_ledger({lease: day.cloud.now().ledger[lease]})  # all but the lease was deleted, and an object too
    day.cloud.s3.remove(next(place for place in day.cloud.s3.objects if "/region=US/" in place[1]))
    day.wait()
    rebuild(day.world.config, day.cloud.clients(), apply=True, everything=True)
    assert not day.trouble(day.run())


def test_bad_rows_that_are_kept_already_prove_their_commit(day: Day) -> None:
    """A file of bad rows alone has no object in the table; taken again, its rows would be kept twice."""
    source = attrs.evolve(day.world.config.sources[0], budget=ErrorBudget(rows=2))
    day.world.config = attrs.evolve(day.world.config, sources=(source,))
    backup = day.cloud.now().ledger
    day.world.land("orders/bad.csv", "id,region,note,at\nx,EU,,\n")
    day.run()
    for ledger in ({}, backup):
        day.cloud.set_ledger(ledger)
        do(day)
        assert not day.trouble(day.run())


def test_what_a_commit_without_rows_said_counts(day: Day) -> None:
    """It leaves nothing in S3 but itself; a file that ends runs must not be read again because of that."""
    day.world.land("orders/broken.csv", "no,such,header\n")
    day.run()
    before = {key: item for key, item in day.cloud.now().ledger.items() if "#" in key[0]}
    assert len(before) == 1
    day.cloud.set_ledger({})
    do(day)
    assert {key: item for key, item in day.cloud.now().ledger.items() if "#" in key[0]} == before
    assert day.run().files_by_reason == {"failed_before": 1}


def test_a_batch_that_was_taken_back_since_is_not_asked_for_its_uploads(day: Day) -> None:
    """Its file was deleted before it could be ingested again: there is nothing for a person to decide any more."""
    day.land("a", range(3))
    assert day.run_killed(is_complete)
    day.cloud.s3.uploads.clear()
    backup = day.cloud.now().ledger
    assert day.run_killed(lambda call: call[0] == "PutObject" and "000000000003-00001/plan" in call[1]["Key"])
    day.cloud.s3.remove((day.world.landing, "orders/a.csv"))
    day.cloud.set_ledger(backup)
    do(day)
    assert not day.trouble(day.run())


def test_objects_that_a_closed_batch_has_lost_are_no_matter_of_a_rebuild(day: Day) -> None:
    """The check names them. Taken for a batch that has to be finished, it would hold runs if a source is gone."""
    day.land("a", range(3))
    day.land("b", range(10, 12), region="US")
    day.run()
    whole = day.cloud.now().ledger
    day.cloud.s3.remove(next(place for place in day.cloud.s3.objects if "/region=US/" in place[1]))
    day.cloud.set_ledger({k: item for k, item in whole.items() if "@batch" not in k[1]})  # it has expired
    found = rebuild(day.world.config, day.cloud.clients(), apply=False, everything=True)
    assert [(m.before, m.after.status) for m in found.replay.moves] == [(None, BatchStatus.COMPLETED)]
    day.cloud.set_ledger({k: item for k, item in whole.items() if "#" not in k[0]})  # a backup without its items
    do(day)
    assert {k: v for k, v in day.cloud.now().ledger.items() if "#" in k[0]} == {
        k: v for k, v in whole.items() if "#" in k[0]
    }


def test_a_lease_that_hides_a_batch_is_something_to_do(day: Day) -> None:
    """Nothing of the batch was committed, but that is for the rebuild to say: until then runs refuse."""
    day.land("a", range(3))
    day.cloud.moments = []
    day.run_killed(is_commit)
    moments, day.cloud.moments = day.cloud.moments, None
    day.cloud.set_ledger(next(m for m in moments if m.call[0] == "TransactWriteItems").ledger)
    assert day.run().outcome == "ledger_behind"
    assert rebuild(day.world.config, day.cloud.clients(), apply=False).replay.needed
    assert not rebuild_and_run(day)


def test_a_batch_that_the_ledger_has_given_up_stays_so(day: Day) -> None:
    day.world.land("orders/broken.csv", "no,such,header\n")
    assert day.run_killed(is_commit)
    day.world.config = attrs.evolve(day.world.config, code_digest="two")
    day.run()
    assert [b.status for b in ledger_of(day).batches("")] == [BatchStatus.FAILED, BatchStatus.COMPLETED]
    assert not rebuild(day.world.config, day.cloud.clients(), apply=False).replay.needed


def test_old_rows_that_a_later_batch_has_dropped_prove_no_earlier_commit(day: Day) -> None:
    """The earlier one was to empty the same object, and its run died before it committed that."""
    day.land("a", range(3))
    day.run()
    day.land("a", range(0))
    assert day.run_killed(is_commit)
    day.cloud.set_ledger({})
    assert not rebuild_and_run(day)
    day.cloud.set_ledger({})
    do(day)
    assert [b.seq for b in ledger_of(day).batches("")] == ["000000000001-00001", "000000000003-00001"]
    assert not day.trouble(day.run())
