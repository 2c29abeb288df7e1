"""The figures of guarantees.md come from the last lines of the proofs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LAST_LINE = '{"torture": {"kills": 1234, "files": 5, "rows_expected": 6, "rows": 6, "duplicates": 0}}'


def _take(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    shutil.copytree(ROOT / "docs", folder / "docs")
    (folder / "log").write_text(text)
    command = [sys.executable, str(folder / "docs" / "figures.py"), str(folder / "log")]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def test_the_last_line_of_a_log_is_on_the_page(tmp_path: Path) -> None:
    done = _take(tmp_path, f'seed 1\n{{"torture": {{"kills": 1}}}}\nmore\n{LAST_LINE}\n')
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "docs" / "figures.json").read_text())["torture"]
    assert (found["kills"], found["duplicates"]) == (1234, 0)
    page = (tmp_path / "docs" / "guarantees.md").read_text()
    assert "| 1,234 kills, 5 files, 6 rows expected, 6 rows, 0 duplicates |" in page


def test_a_log_that_was_broken_off_is_refused(tmp_path: Path) -> None:
    done = _take(tmp_path, "seed 1\n  3 killed\n")
    assert done.returncode != 0
    assert "let the command run to its end" in done.stderr
