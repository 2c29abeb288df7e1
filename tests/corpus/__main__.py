"""``python -m tests.corpus [text]``: run the cases, or those whose names hold the text; print expected and found."""

# ruff: noqa: T201

from __future__ import annotations

import json
import os
import sys

from alur_pulumi.local.emulator import Emulator
from tests.corpus.cases import CASES
from tests.corpus.driver import Result, run_corpus

_WIDTHS = (58, 44)


def _line(result: Result) -> str:
    cells = (result.case.name, result.expected)
    left = "  ".join(cell[:width].ljust(width) for cell, width in zip(cells, _WIDTHS, strict=True))
    return f"{left}  {result.found[: _WIDTHS[1]].ljust(_WIDTHS[1])}  {'WRONG' if result.problems else 'ok'}"


def main() -> int:
    """Run and print."""
    wanted = " ".join(sys.argv[1:])
    with Emulator.start() as emulator:
        os.environ.update(emulator.environment())
        results = run_corpus(lambda: emulator.endpoint, [case for case in CASES if wanted in case.name])
    print(f"{'case'.ljust(_WIDTHS[0])}  {'expected'.ljust(_WIDTHS[1])}  found")
    for result in results:
        print(_line(result))
        for problem in result.problems:
            print(f"    {problem}")
    wrong = sum(bool(result.problems) for result in results)
    print(json.dumps({"corpus": {"cases": len(results), "wrong": wrong}}))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
