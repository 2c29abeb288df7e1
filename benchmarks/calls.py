"""AWS calls by operation, for new files and for their rerun, as the emulator's server counted them."""

import json
import sys

from alur_runtime.config import Settings
from benchmarks.scene import Scene, deployed, events, table_text

COUNTS = (1, 10, 100, 1000)
# Heartbeats come with time (one each 20 s of a run, by default) and not with files: on a busy machine they would be all
# that is measured. Leases this long need none.
SETTINGS = Settings(run_lease_seconds=3600, planning_lease_seconds=3600)


def count(scene: Scene) -> dict[str, int]:
    """Run the job once; its calls by operation, without the reads of data files."""
    scene.emulator.reset_calls()
    run_id = scene.start()
    ended = scene.wait(run_id)
    counted = scene.emulator.calls()
    if ended["JobRunState"] != "SUCCEEDED":
        sys.exit(scene.emulator.run_log(scene.outputs["job"], run_id))
    calls = {name: n for name, n in counted["operations"].items() if name.split(".")[1] not in NOT_THE_RUNS}
    data_reads = sum(n for place, n in counted["get_object_by_bucket"].items() if place.split("/")[0] == scene.landing)
    calls["s3.GetObject"] = calls.get("s3.GetObject", 0) - data_reads
    report = scene.report(run_id)
    # The run's own count ends before it writes down the report and its end, and publishes its metrics: three calls.
    own = sum(report.aws_calls.values()) - data_reads + 3
    if own != sum(calls.values()):
        sys.exit(f"the run counted {own} calls, the server {sum(calls.values())}: {report.aws_calls} / {calls}")
    return calls


# What this program does itself: start and poll.
NOT_THE_RUNS = frozenset({"StartJobRun", "GetJobRun"})


def main() -> int:
    """Measure and print."""
    results: dict[str, dict[int, dict[str, int]]] = {"new": {}, "rerun": {}}
    with deployed(SETTINGS) as scene:
        for number, files in enumerate(COUNTS):
            scene.clear_landing()
            for n in range(files):
                scene.land(f"{number}/{n:05}.csv", events(number * 1_000_000 + n * 10, 5))
            results["new"][files] = count(scene)
            results["rerun"][files] = count(scene)
    columns = [(kind, files) for kind in results for files in COUNTS]
    operations = sorted({op for kind, files in columns for op in results[kind][files]})
    header = ["operation", *(f"{kind} {files:,}" for kind, files in columns)]
    rows = [[op, *(results[kind][files].get(op, 0) for kind, files in columns)] for op in operations]
    rows.append(["total", *(sum(results[kind][files].values()) for kind, files in columns)])
    print(table_text(header, rows))
    print("and a heartbeat for each 20 seconds that a run takes")
    totals = {kind: {str(f): sum(c.values()) for f, c in by.items()} for kind, by in results.items()}
    print(json.dumps({"calls": totals}))
    return 0 if totals["new"]["1000"] <= 40 and totals["rerun"]["1000"] <= 15 else 1


if __name__ == "__main__":
    sys.exit(main())
