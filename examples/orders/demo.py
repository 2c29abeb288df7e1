"""The whole story on this machine: deploy, land files, run, run again, land more, change code, deploy, run.

``make demo`` runs it. Its last line is one JSON object with what was counted.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import boto3
import duckdb

from alur_pulumi.local.deployment import Deployment, Summary
from alur_pulumi.local.emulator import Emulator
from alur_pulumi.local.stack import open_stack
from alur_runtime.report import render_text, report_from_json
from examples.orders.landing import FILES, landing_file
from examples.orders.read_back import list_objects, read_table

REPOSITORY = Path(__file__).resolve().parents[2]
FIRST_FILES = ("orders/orders_batch1.csv", "archive/archive_orders.csv", "orders/orders_batch2.csv")
LATER_FILE = "orders/orders_batch3.csv"
LINE_BEFORE = 'pc.utf8_trim_whitespace(table["customer"])'
LINE_AFTER = 'pc.utf8_trim_whitespace(pc.utf8_normalize(table["customer"], form="NFC"))'


def heading(text: str) -> None:
    """What comes next."""
    print(f"\n\033[1m== {text}\033[0m" if sys.stdout.isatty() else f"\n== {text}", flush=True)


@attrs.define
class Demo:
    """The stack and what was counted on the way."""

    stack: Deployment
    outputs: Mapping[str, Any]
    runs: list[int] = attrs.field(factory=list)
    objects: list[int] = attrs.field(factory=list)

    def land(self, *keys: str) -> None:
        """Put files where a shop would."""
        s3 = boto3.client("s3")
        bucket = self.outputs["landing"][0].split("/")[2]
        for key in keys:
            s3.put_object(Bucket=bucket, Key=key, Body=landing_file(key))
            print(f"landed s3://{bucket}/{key} with {FILES[key][1]} orders")

    def run(self) -> None:
        """Run the job as a user does, and show its report."""
        said = alur("run", self.outputs["job"], "--json")
        report = report_from_json(json.dumps(json.loads(said)["report"]))
        print(render_text(report))
        objects = list_objects(self.outputs["location"])
        print(f"\n  the table's objects, {len(objects)}:")
        for _, key in objects:
            print(f"    {key}")
        self.runs.append(report.rows_written)
        self.objects.append(len(objects))

    def rows_by_file(self) -> dict[str, int]:
        """Rows read back through the catalog, by the file they came from."""
        rows = read_table(self.outputs["database"], self.outputs["table"])
        by_region = duckdb.sql(
            "select region, count(*) orders, sum(amount) amount, min(ordered_at)::date first "
            "from rows group by region order by region"
        )
        print(by_region)
        columns = "order_id, customer, amount, note, region, _source_row"
        print(duckdb.sql(f"select {columns} from rows order by order_id limit 5"))
        return dict(Counter(uri.rpartition("/")[2] for uri in rows["_source_file"].to_pylist()))

    def artifacts(self) -> dict[str, set[str]]:
        """The artifacts the job names now, and all that are in S3."""
        job = boto3.client("glue").get_job(JobName=self.outputs["job"])["Job"]
        arguments = job["DefaultArguments"]
        named = {
            *arguments["--extra-py-files"].split(","),
            arguments["--alur_config"],
            job["Command"]["ScriptLocation"],
        }
        place = arguments["--alur_config"].partition("artifacts/")[0] + "artifacts/"
        return {"named": named, "stored": {f"s3://{bucket}/{key}" for bucket, key in list_objects(place)}}


def alur(*arguments: str) -> str:
    """What an `alur` command prints; its errors and progress go to the terminal."""
    command = [str(Path(sys.executable).with_name("alur")), *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"alur {' '.join(arguments)} ended with {done.returncode}\n{done.stdout}")
    return done.stdout


def told(summary: Summary) -> str:
    """What a deployment did, in a line."""
    return ", ".join(f"{count} {operation}" for operation, count in sorted(summary.counts().items()))


def copy_project(to: Path) -> Path:
    """A copy of the program and the user's code, which the demo may change."""
    for name in ("stacks", "examples/orders"):
        shutil.copytree(REPOSITORY / name, to / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "Pulumi.yaml", to)
    return to


def main() -> int:
    """Tell the story."""
    with tempfile.TemporaryDirectory(prefix="alur-demo-") as folder, Emulator.start() as emulator:
        os.environ |= emulator.environment()
        project = copy_project(Path(folder) / "project")
        result = story(project, Path(folder) / "stack", emulator)
    print(json.dumps({"demo": result}))
    return 0


def story(project: Path, work_dir: Path, emulator: Emulator) -> dict[str, Any]:
    """The steps, one after the other; what was counted is returned."""
    code = project / "examples" / "orders"
    stack = open_stack(project, emulator=emulator, work_dir=work_dir, code=[code])
    heading(f"pulumi up (engine: {stack.engine}): buckets, ledger, catalog, role, wheels and job")
    up = stack.up()
    print(told(up))
    demo = Demo(stack, up.outputs)

    heading("Three files of two sources land; the job runs: 50 + 30 + 20 = 100 rows")
    demo.land(*FIRST_FILES)
    demo.run()

    heading("It runs again: nothing is new, nothing is written")
    demo.run()

    heading("One more file lands, and it runs: 15 rows")
    demo.land(LATER_FILE)
    demo.run()
    print(f"\n$ alur files {demo.outputs['job']}")
    print(alur("files", demo.outputs["job"]))

    heading("A line of the user's code changes, and pulumi up: the job names the new bytes, the old ones stay")
    before = demo.artifacts()
    transform = code / "orders_feed" / "transform.py"
    text = transform.read_text("utf-8")
    assert LINE_BEFORE in text, "the demo no longer knows the line that it changes"
    transform.write_text(text.replace(LINE_BEFORE, LINE_AFTER), "utf-8")
    changed = [f"{item.operation} {item.name}" for item in stack.up().changes]
    print("\n".join(f"  {line}" for line in changed))
    after = demo.artifacts()
    print(f"  artifacts the job names now and did not before: {', '.join(sorted(after['named'] - before['named']))}")
    second_up = stack.up().changes
    print(f"  pulumi up once more: {len(second_up)} changes")
    demo.run()

    heading("What a reader finds, by the catalog")
    by_file = demo.rows_by_file()
    print(f"\n$ alur status {demo.outputs['job']}")
    print(alur("status", demo.outputs["job"]))
    heading("pulumi destroy")
    print(told(stack.destroy()))
    return {
        "engine": stack.engine,
        "runs": demo.runs,
        "rows_in_table": sum(by_file.values()),
        "rows_by_file": by_file,
        "objects_after_runs": demo.objects,
        "redeploy": {
            "changed": changed,
            "old_artifact_still_there": before["named"] <= after["stored"],
            "job_names_new_artifact": bool(after["named"] - before["named"]) and after["named"] <= after["stored"],
            "second_up_changes": len(second_up),
        },
    }


if __name__ == "__main__":
    sys.exit(main())
