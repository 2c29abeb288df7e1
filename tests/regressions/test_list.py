"""The list and its tests: each row has one of its name, and each test is of a row."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.regressions.rows import ROWS, table

HERE = Path(__file__).parent
BEGIN, END = "<!-- made of rows.py -->\n", "<!-- end -->\n"


def _tests() -> dict[str, tuple[str, ast.FunctionDef]]:
    """Module and definition of each test by its name without ``test_``."""
    found = {}
    for path in sorted(HERE.glob("test_*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and path != Path(__file__):
                found[node.name.removeprefix("test_")] = path.name, node
    return found


def test_every_row_has_its_tests_and_every_test_its_row() -> None:
    named = [name for row in ROWS for name in row.tests]
    assert len(set(named)) == len(named), "a test stands for two rows"
    assert all(row.tests for row in ROWS)
    assert set(named) == set(_tests())


def test_no_test_is_skipped_or_expected_to_fail() -> None:
    """A row whose test is not run has none."""
    for _, node in _tests().values():
        marks = " ".join(ast.unparse(decorator) for decorator in node.decorator_list)
        assert not any(f"mark.{word}" in marks for word in ("skip", "xfail", "engine", "spark")), node.name


def test_the_readme_has_the_list() -> None:
    text = (HERE / "README.md").read_text()
    made = text.partition(BEGIN)[2].partition(END)[0]
    expected = f"{table({name: module for name, (module, _) in _tests().items()})}\n"
    assert made == expected, f"put this between the marks in README.md:\n{expected}"
