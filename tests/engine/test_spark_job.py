"""The three runs as a Glue job whose batches go over Spark: executors upload, the driver commits."""

from __future__ import annotations

import pytest

from alur_runtime.config import EngineChoice, Settings
from benchmarks.scene import deployed, events


@pytest.mark.engine
@pytest.mark.spark
def test_three_runs_over_spark() -> None:
    with deployed(Settings(batch_max_files=2), engine=EngineChoice.SPARK) as scene:
        for number, count in enumerate((50, 30, 20)):
            scene.land(f"{number}.csv", events(number * 100, count))
        first = scene.run()
        assert (first.rows_written, len(first.batches)) == (100, 2)
        assert first.notes["engine"].startswith("spark")
        rerun = scene.run()
        assert (rerun.rows_written, rerun.outcome) == (0, "nothing_to_do")
        assert "engine" not in rerun.notes  # no work, no Spark
        scene.land("3.csv", events(300, 15))
        assert scene.run().rows_written == 15
        assert len(scene.ids()) == 115
        assert max(scene.ids().values()) == 1
        assert scene.stray_objects() == []
