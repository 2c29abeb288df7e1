"""What a run tells CloudWatch is what came of it, and that nobody could be told changes nothing."""

from __future__ import annotations

import attrs
import pytest
import world as world_module
from botocore.exceptions import EndpointConnectionError
from cloud_in_memory import CloudInMemory, worlds_in_memory
from world import World, rows

from alur_runtime.contracts.options import ErrorBudget
from alur_runtime.errors import LeaseBusyError
from alur_runtime.report import BatchReport, FileReport, RunReport
from alur_runtime.run import ingest
from alur_runtime.run.deadline import Deadline
from alur_runtime.run.metrics import Metric, metric_data, metric_values, publish_metrics
from alur_runtime.run.turn import Turn

REPORT = RunReport(
    run_id="r1",
    job="orders",
    table="db.orders",
    outcome="files_failed",
    exit_code=1,
    started_at=900,
    finished_at=1000,
    listed=5,
    files_by_reason={"new": 2, "failed_before": 2, "bad_value": 1},
    files_pending=1,
    oldest_pending_at=400,
    rows_parsed=7,
    rows_written=5,
    rows_quarantined=2,
    files=(
        FileReport(uri="s3://b/a", etag="1", reason="new", status="completed"),
        FileReport(uri="s3://b/b", etag="1", reason="bad_value", status="failed"),
        FileReport(uri="s3://b/c", etag="1", reason="changed_skipped", status="completed"),
        FileReport(uri="s3://b/d", etag="1", reason="failed_before", status="skipped"),
    ),
    timings={"plan": 1.0, "total": 12.5},
    aws_calls={"s3.GetObject": 2, "dynamodb.Query": 3},
)


def test_the_values_are_those_of_the_report() -> None:
    assert metric_values(REPORT) == {
        Metric.HEARTBEAT: 1,
        Metric.RUN_SECONDS: 12.5,
        Metric.AWS_CALLS: 5,
        Metric.FILES_LISTED: 5,
        Metric.FILES_COMMITTED: 1,
        Metric.FILES_FAILED: 1,
        Metric.FILES_FAILED_BEFORE: 2,
        Metric.FILES_PENDING: 1,
        Metric.OLDEST_PENDING_AGE: 600,
        Metric.ROWS_COMMITTED: 5,
        Metric.ROWS_QUARANTINED: 2,
        Metric.RECONCILE_MISMATCH: 0,
    }


def test_what_is_not_known_is_left_out() -> None:
    values = metric_values(attrs.evolve(REPORT, files_pending=None, oldest_pending_at=None))
    assert set(Metric) - set(values) == {Metric.FILES_PENDING, Metric.OLDEST_PENDING_AGE}


def test_nothing_pending_is_no_age_and_a_file_of_the_future_is_none_either() -> None:
    assert metric_values(attrs.evolve(REPORT, oldest_pending_at=None))[Metric.OLDEST_PENDING_AGE] == 0
    assert metric_values(attrs.evolve(REPORT, oldest_pending_at=2000))[Metric.OLDEST_PENDING_AGE] == 0


def test_counts_that_differ_are_told_of_batches_and_of_the_report() -> None:
    batch = BatchReport(seq="1", attempt=1, outcome="counts_differ", files=1)
    assert metric_values(attrs.evolve(REPORT, batches=(batch,)))[Metric.RECONCILE_MISMATCH] == 1
    assert metric_values(attrs.evolve(REPORT, batches=(batch,), listed=6))[Metric.RECONCILE_MISMATCH] == 2


def test_every_value_has_the_table_as_its_one_dimension_and_a_unit() -> None:
    data = metric_data(REPORT)
    assert {d["MetricName"]: d["Unit"] for d in data} == {
        m.value: "Seconds" if "Seconds" in m.value else "Count" for m in Metric
    }
    assert all(d["Dimensions"] == [{"Name": "Table", "Value": "db.orders"}] for d in data)


def test_without_a_client_nothing_is_published() -> None:
    publish_metrics(None, REPORT)


@attrs.define
class Scene:
    """A world, and what was told of it: the values of each run."""

    world: World
    cloud: CloudInMemory

    def told(self) -> dict[str, float]:
        """What the last run told."""
        namespace, values = self.cloud.cloudwatch.published[-1]
        assert namespace == "Alur"
        return values


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    cloud = CloudInMemory()
    worlds_in_memory(monkeypatch, world_module)
    monkeypatch.setattr(world_module, "make_clients", cloud.clients)
    return Scene(World.make(""), cloud)


def test_each_run_tells_once_what_came_in_and_what_was_refused(scene: Scene) -> None:
    world = scene.world
    budgets = tuple(attrs.evolve(s, budget=ErrorBudget(rows=1)) for s in world.config.sources)
    world.land("orders/a.csv", rows(0, 5))
    world.land("orders/b.csv", rows(5, 5) + "x,EU,bad,\n")
    world.land("orders/c.csv", "id,region,note,at\nx,EU,bad,\ny,EU,bad,\n")
    report = world.run(sources=budgets)
    expected = {"FilesListed": 3, "FilesCommitted": 2, "FilesFailed": 1, "FilesFailedBefore": 0}
    expected |= {"RowsCommitted": 10, "RowsQuarantined": 1, "FilesPending": 0, "ReconcileMismatch": 0, "Heartbeat": 1}
    assert report.exit_code == 1
    assert scene.told().items() >= expected.items()
    assert len(scene.cloud.cloudwatch.published) == 1
    world.run(sources=budgets)
    expected |= dict.fromkeys(("FilesCommitted", "FilesFailed", "RowsCommitted", "RowsQuarantined"), 0)
    expected["FilesFailedBefore"] = 1
    assert scene.told().items() >= expected.items()


def test_files_that_time_did_not_suffice_for_are_pending_and_have_an_age(
    scene: Scene,
) -> None:
    world = scene.world
    for n in range(3):
        world.land(f"orders/{n}.csv", rows(n, 1))
    # time flies from the second question whether it is near: one batch of three is begun
    times = iter([False])
    settings = attrs.evolve(world.config.settings, batch_max_files=1, threads=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Deadline, "is_near", property(lambda _: next(times, True)))
        report = world.run(settings=settings)
    assert (report.outcome, report.files_pending) == ("out_of_time", 2)
    assert scene.told()["FilesPending"] == 2
    assert scene.told()["OldestPendingAgeSeconds"] == report.finished_at - (report.oldest_pending_at or 0)
    assert world.run(settings=settings).files_pending == 0
    assert scene.told()["OldestPendingAgeSeconds"] == 0


def test_a_run_that_could_not_list_its_sources_says_nothing_of_what_is_pending(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> None:
        raise LeaseBusyError("db.sales", "r0", 1.0)

    monkeypatch.setattr(Turn, "take", busy)
    assert scene.world.run().outcome == "lease_busy"
    assert scene.told()["Heartbeat"] == 1
    assert not {"FilesPending", "OldestPendingAgeSeconds"} & set(scene.told())


def test_a_run_ends_as_it_did_if_nobody_can_be_told(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    def send(*_: object) -> None:
        raise EndpointConnectionError(endpoint_url="https://monitoring")

    clients = scene.cloud.clients()
    clients.cloudwatch._make_api_call = send
    scene.world.land("orders/a.csv", rows(0, 5))
    report = ingest.run_ingest(scene.world.config, clients)
    assert (report.outcome, report.exit_code, report.rows_written) == ("completed", 0, 5)
    (run,) = scene.world.ledger.runs(1)
    assert run.outcome == "completed"
    assert "metrics of run" in caplog.text
