"""The yardstick: 50 + 30 + 20 rows of two sources are 100; a rerun is 0; a new file is 15."""

from __future__ import annotations

import pytest
from world import World, rows

from alur_runtime.config import EngineChoice
from alur_runtime.report import RunReport, reconciles, render_text


@pytest.mark.parametrize("engine", [EngineChoice.LOCAL, pytest.param(EngineChoice.SPARK, marks=pytest.mark.spark)])
def test_three_runs(aws: str, engine: EngineChoice) -> None:
    world = World.make(aws, engine=engine)

    def run() -> RunReport:
        # Not in this process: grpc, which other tests load, does not survive the fork that starts Spark's Java.
        return world.run_as_glue_does()

    world.land("orders/orders_batch1.csv", rows(0, 50))
    world.land("orders/orders_batch2.csv", rows(50, 30, "US"))
    world.land("archive/old/archive_orders.csv", rows(80, 20))
    first = run()
    assert (first.outcome, first.exit_code, first.rows_written) == ("completed", 0, 100), render_text(first)
    objects = world.objects()

    rerun = run()
    assert (rerun.outcome, rerun.exit_code, rerun.rows_written) == ("nothing_to_do", 0, 0), render_text(rerun)
    assert rerun.files_by_reason == {"unchanged": 3}
    assert world.objects() == objects

    world.land("orders/orders_batch3.csv", rows(100, 15))
    third = run()
    assert (third.outcome, third.exit_code, third.rows_written) == ("completed", 0, 15)
    assert third.files_by_reason == {"new": 1, "unchanged": 3}
    assert world.ids() == list(range(115))
    assert world.rows_by_file() == {
        "orders_batch1.csv": 50,
        "orders_batch2.csv": 30,
        "archive_orders.csv": 20,
        "orders_batch3.csv": 15,
    }
    assert world.partitions() == [["EU"], ["US"]]
    assert world.pending() == []
    assert all(reconciles(report) for report in (first, rerun, third))
    assert not world.ledger.open_batches()
