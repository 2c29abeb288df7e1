"""Peak memory of the kernel over one file of 50 MB, 500 MB and 2 GB: it must not grow with the file.

The kernel is the whole way of a file, from its bytes to pending uploads. Here it reads from disk and uploads to
nowhere, in a process of its own for each size, so that what is measured is the kernel and no server.
"""

import argparse
import datetime as dt
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from alur_runtime import Decimal, contract, spec_of
from alur_runtime.aws import CallCounter, Clients
from alur_runtime.config import JobConfig, LedgerConfig, SourceConfig, TableConfig
from alur_runtime.kernel import work as kernel
from alur_runtime.model import Action, BatchItem, BatchPlan, BatchStatus, Member
from benchmarks.scene import table_text

SIZES_MB = (50, 500, 2000)
_LINE = "{n},customer {c},{a}.{b:02},2026-01-{d:02} 10:{m:02}:00,{note},2026-01-{d:02}\n"
_HEADER = "id,customer,amount,at,note,day\n"


@contract(partition_by=("day",))
class Orders:
    """Rows of the measurement."""

    id: int
    customer: str
    amount: Decimal(12, 2)
    at: dt.datetime
    note: str | None
    day: dt.date


class Nowhere:
    """An S3 that takes uploads and keeps nothing of them."""

    def create_multipart_upload(self, **_: Any) -> dict[str, str]:
        return {"UploadId": "u"}

    def upload_part(self, **_: Any) -> dict[str, str]:
        return {"ETag": '"e"'}


def write_file(path: Path, megabytes: int, bad_every: int = 0) -> int:
    """A CSV file of about this size; how many records it has. Each `bad_every`-th has an amount that is no number."""
    records = 0
    with path.open("w") as out:
        out.write(_HEADER)
        while out.tell() < megabytes * 1_000_000:
            lines = []
            for n in range(records + 1, records + 20_001):
                amount = "n/a" if bad_every and n % bad_every == 0 else n % 9973
                note = "" if n % 5 == 0 else f"note {n % 977}"
                lines.append(_LINE.format(n=n, c=n % 5000, a=amount, b=n % 100, d=1 + n % 28, m=n % 60, note=note))
            out.writelines(lines)
            records += 20_000
    return records


def work_on(path: Path) -> dict[str, float]:
    """Let the kernel take a file in; its rows, seconds and peak memory in MB. To be called once a process."""
    size = path.stat().st_size
    source = SourceConfig(name="shop", uri="s3://landing/")
    config = JobConfig(
        job="orders",
        table=TableConfig(database="db", name="orders", location="s3://lake/t/", metadata="s3://lake/m/"),
        contract=spec_of(Orders),
        sources=(source,),
        ledger=LedgerConfig(table="state"),
    )
    member = Member("s3://landing/a.csv", "e", size, 0, "shop", Action.INGEST, "new")
    plan = BatchPlan(seq="1-1", members=(member,), on_change=config.on_change)
    batch = BatchItem("1-1", BatchStatus.PROCESSING, "run", 1, "", 1, size, 0)
    # S3 alone is reached, and only to upload.
    clients: Clients = SimpleNamespace(s3=Nowhere(), calls=CallCounter())  # type: ignore[assignment]
    with path.open("rb") as file:

        def fetch(_uri: str, _etag: str, start: int, length: int) -> bytes:
            file.seek(start)
            return file.read(length)

        before, began = _peak_mb(), time.perf_counter()
        with mock.patch.object(kernel, "make_fetch", return_value=fetch):
            manifest = kernel.work(config, plan, batch, "run-12345678", clients)
    seconds = time.perf_counter() - began
    return {"rows": manifest.files[0].rows_ingested, "seconds": seconds, "peak_mb": _peak_mb(), "before_mb": before}


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(path: Path) -> dict[str, float]:
    """The same in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.memory", "--file", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def show(sizes: Sequence[int] = SIZES_MB) -> None:
    """Measure files of these sizes and print."""
    rows, peaks = [], {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "orders.csv"
            records = write_file(path, size)
            found = measure(path)
            if found["rows"] != records:
                sys.exit(f"{records} records in the file, {found['rows']} rows written")
            peaks[str(size)] = round(found["peak_mb"])
            megabytes = path.stat().st_size / 1e6
            speed = megabytes / found["seconds"]
            rows.append(
                [f"{megabytes:,.0f} MB", f"{records:,}", f"{found['before_mb']:.0f}", peaks[str(size)], f"{speed:.0f}"]
            )
    print(table_text(["file", "rows", "MB before", "MB at most", "MB a second"], rows))
    print(json.dumps({"memory": peaks}))


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", type=Path, help="only this one, in this process; prints JSON")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES_MB, metavar="MB")
    arguments = parser.parse_args()
    if arguments.file:
        print(json.dumps(work_on(arguments.file)))
        return 0
    show(arguments.sizes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
