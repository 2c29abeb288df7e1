"""Keeps what the proofs came to, for guarantees.md: ``python docs/figures.py LOG...``.

Each of `make simulate`, `mutants`, `crash-matrix`, `torture` and `conformance` ends with a line of JSON. That line of
each log goes into figures.json, with the day of the log; then the page is made anew. No figure is typed.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path

import tables


def last_line(log: Path) -> tuple[str, dict[str, object]]:
    """What was proven, and its figures.

    Raises:
        SystemExit: If the log does not end with such a line.
    """
    lines = log.read_text().split("\n")
    found = [line for line in lines if line.startswith('{"')]
    parsed = json.loads(found[-1]) if found else {}
    for name in tables.PROOFS:
        if name in parsed:
            return name, parsed[name]
    raise SystemExit(f"{log}: no line of JSON about {', '.join(tables.PROOFS)}; let the command run to its end")


def main(logs: list[str]) -> int:
    """Take the figures of some logs over and make the page."""
    figures = json.loads(tables.FIGURES.read_text())
    for log in map(Path, logs):
        name, found = last_line(log)
        figures[name] = {"on": dt.date.fromtimestamp(log.stat().st_mtime).isoformat(), **found}  # noqa: DTZ012  (a day)
    ordered = {name: figures[name] for name in tables.PROOFS if name in figures}
    tables.FIGURES.write_text(f"{json.dumps(ordered, indent=2)}\n")
    code: int = tables.main()
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
