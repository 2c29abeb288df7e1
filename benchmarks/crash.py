"""A run is killed at each named step of the protocol, one at a time, and run again: rows exact each time."""

import json
import sys

import boto3

from alur_runtime.config import Settings
from alur_runtime.steps import Step
from benchmarks.scene import Scene, deployed, events, table_text

POINTS = [step for step in Step if step not in (Step.RECOVERED, Step.FINISHED)]
DAYS = ("2026-01-01", "2026-01-02")

# The job's own script, and a hook that kills the process (SIGKILL, no clean-up) right after the step it is told.
SCRIPT = b"""
import logging, os, signal, sys
from alur_runtime.__main__ import argument, main

class Kill(logging.Handler):
    def emit(self, record):
        if str(getattr(record, "step", "")) == argument(sys.argv, "--crash_at"):
            os.kill(os.getpid(), signal.SIGKILL)

logging.getLogger("alur_runtime.steps").addHandler(Kill())
sys.exit(main())
"""


def use_script(scene: Scene) -> None:
    """Let the job start with the script above; wheels and configuration stay those of the deployment."""
    glue, name = boto3.client("glue"), scene.outputs["job"]
    bucket = scene.outputs["location"].split("/")[2]
    boto3.client("s3").put_object(Bucket=bucket, Key="_bench/crash.py", Body=SCRIPT)
    job = glue.get_job(JobName=name)["Job"]
    command = {**job["Command"], "ScriptLocation": f"s3://{bucket}/_bench/crash.py"}
    update = {key: job[key] for key in ("Role", "DefaultArguments", "ExecutionProperty", "GlueVersion")}
    glue.update_job(JobName=name, JobUpdate={**update, "Command": command})


def crash(scene: Scene, step: Step, number: int, expected: set[int]) -> list[object]:
    """Land a new and a changed file, kill a run at a step, run again; a row of what happened."""
    first = number * 1000
    scene.land(f"{number:02}-new.csv", events(first, 6, DAYS))
    changed = first - 1000  # the file of the step before becomes shorter
    scene.land(f"{number - 1:02}-new.csv", events(changed, 4, DAYS))
    expected |= set(range(first, first + 6))
    expected -= {changed + 4, changed + 5}
    run_id = scene.start({"--crash_at": step.value})
    killed = scene.wait(run_id)
    if killed["JobRunState"] != "FAILED":
        sys.exit(f"not killed at {step}: {killed}\n{scene.emulator.run_log(scene.outputs['job'], run_id)}")
    report = scene.run()
    found = scene.ids()
    right = found == dict.fromkeys(expected, 1)
    clean = not scene.stray_objects() and not scene.ledger.open_batches() and scene.run().outcome == "nothing_to_do"
    recovered = ", ".join(b.recovered for b in report.batches if b.recovered) or "planned anew"
    return [step.value, killed["ErrorMessage"].splitlines()[-1][:40], report.rows_written, recovered, right and clean]


def main() -> int:
    """Measure and print."""
    with deployed(Settings(run_lease_seconds=2.0, planning_lease_seconds=2.0)) as scene:
        use_script(scene)
        scene.land("00-new.csv", events(0, 6, DAYS))
        expected = set(range(6))
        scene.run()
        rows = [crash(scene, step, n, expected) for n, step in enumerate(POINTS, start=1)]
    print(table_text(["killed after", "Glue says", "rows by the next run", "recovered", "right"], rows))
    wrong = sum(not row[-1] for row in rows)
    print(json.dumps({"crash": {"points": len(rows), "wrong": wrong}}))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
