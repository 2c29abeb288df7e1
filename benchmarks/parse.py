"""What bad rows cost: the same file clean, with one bad row in 100,000, and with one in 100; and raw pyarrow.csv.

Times are compared within one run, taken in turns, and shown as ratios. Then the peak memory of the whole kernel over
files of 50 MB, 500 MB and 2 GB.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv

from alur_runtime import CsvOptions, spec_of
from alur_runtime.formats import read_file
from alur_runtime.table.schema import arrow_schema
from benchmarks import memory
from benchmarks.memory import Orders, write_file
from benchmarks.scene import table_text

KINDS = {"clean": 0, "1 bad row in 100,000": 100_000, "1 bad row in 100": 100}
RAW = "raw pyarrow.csv, clean"


def read(path: Path) -> tuple[int, int]:
    """Rows and bad rows that the reader makes of a file."""
    rows = bad = 0
    with path.open("rb") as file:
        for chunk in read_file(file, path.name, spec_of(Orders), CsvOptions()):
            rows, bad = rows + chunk.table.num_rows, bad + len(chunk.bad)
    return rows, bad


def read_raw(path: Path) -> tuple[int, int]:
    """The same columns and types by pyarrow alone, streamed as the reader does."""
    types = {f.name: pa.timestamp("us") if f.name == "at" else f.type for f in arrow_schema(spec_of(Orders).columns)}
    options = pacsv.ConvertOptions(column_types=types, null_values=[""], strings_can_be_null=True)
    with pacsv.open_csv(path, convert_options=options) as reader:
        return sum(batch.num_rows for batch in reader), 0


def timings(megabytes: int, repeats: int) -> tuple[dict[str, list[float]], dict[str, int]]:
    """Seconds of each kind, taken in turns, and how many bad rows each has."""
    seconds: dict[str, list[float]] = {name: [] for name in (RAW, *KINDS)}
    bad: dict[str, int] = {RAW: 0}
    with tempfile.TemporaryDirectory() as folder:
        paths: dict[str, Path] = {}
        records = 0
        for number, (name, every) in enumerate(KINDS.items()):
            paths[name] = Path(folder) / f"{number}.csv"
            records = write_file(paths[name], megabytes, every)
            bad[name] = records // every if every else 0
        readers: dict[str, Callable[[], tuple[int, int]]] = {RAW: lambda: read_raw(paths["clean"])}
        readers |= {name: lambda path=path: read(path) for name, path in paths.items()}  # type: ignore[misc]
        for _ in range(repeats + 1):  # the first one warms up
            for name, reader in readers.items():
                began = time.perf_counter()
                rows, found = reader()
                seconds[name].append(time.perf_counter() - began)
                if found != bad[name] or rows + found != records:
                    sys.exit(f"{name}: {rows} rows and {found} bad ones of {records}")
    return {name: taken[1:] for name, taken in seconds.items()}, bad


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=50, help="size of the timed files")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--no-memory", action="store_true", help="only the times")
    arguments = parser.parse_args()
    seconds, bad = timings(arguments.megabytes, arguments.repeats)
    clean, raw = (statistics.median(seconds[name]) for name in ("clean", RAW))
    rows, ratios = [], {}
    for name, taken in seconds.items():
        middle = statistics.median(taken)
        ratios[name] = {"to clean": round(middle / clean, 2), "to raw": round(middle / raw, 2)}
        rows.append([name, f"{bad[name]:,}", f"{middle:.2f}", *(f"{r:.2f}" for r in ratios[name].values())])
    print(table_text(["file", "bad rows", "seconds", "to clean", "to raw pyarrow"], rows))
    print(json.dumps({"parse": ratios}))
    if not arguments.no_memory:
        memory.show()
    return 0


if __name__ == "__main__":
    sys.exit(main())
