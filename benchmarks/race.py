"""Several runs of one job at once over the same files: every row once, and who did what."""

import json
import sys

from alur_runtime.config import Settings
from benchmarks.scene import Scene, deployed, events, table_text

FILES = 300
ROWS = 20


def race(scene: Scene, runs: int, round_: int) -> list[list[object]]:
    """Start some runs at once; a row for each."""
    for n in range(FILES):
        scene.land(f"{round_}/{n:03}.csv", events((round_ * FILES + n) * ROWS, ROWS))
    ended = [scene.wait(run_id) for run_id in [scene.start() for _ in range(runs)]]
    rows: list[list[object]] = []
    for run in ended:
        if run["JobRunState"] != "SUCCEEDED":
            sys.exit(f"{run}\n{scene.emulator.run_log(scene.outputs['job'], run['Id'])}")
        report = scene.report(run["Id"])
        new, held = (report.files_by_reason.get(reason, 0) for reason in ("new", "in_live_batch"))
        rows.append([runs, report.run_id, report.outcome, len(report.batches), new, held, report.rows_written])
    return rows


def main() -> int:
    """Measure and print."""
    header = ["runs", "run", "outcome", "batches", "files new", "files held by others", "rows written"]
    # Small batches: a race is only one if there is something to take from one another.
    with deployed(Settings(batch_max_files=10, run_lease_seconds=15.0)) as scene:
        rows = [row for round_, runs in enumerate((2, 5)) for row in race(scene, runs, round_)]
        print(table_text(header, rows))
        found = scene.ids()
        files = list(scene.ledger.files())
        stray = scene.stray_objects()
    expected = 2 * FILES * ROWS
    duplicates = sum(n - 1 for n in found.values())
    ingested_once = len(files) == 2 * FILES and all(f.rows_ingested == ROWS and f.attempts == 1 for f in files)
    print(f"both races: {len(files)} file items, each with {ROWS} rows of one attempt: {ingested_once}")
    print(f"objects that no file item names: {len(stray)}")
    second = {"runs": 5, "files": FILES, "rows_expected": expected - FILES * ROWS}
    second |= {"rows": sum(n for i, n in found.items() if i >= FILES * ROWS), "duplicates": duplicates}
    print(json.dumps({"race": second}))
    right = set(found) == set(range(expected)) and not duplicates and ingested_once and not stray
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
