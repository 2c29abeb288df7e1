"""Writes the parts of these pages that are made from the source: `make docs`, and a test compares.

A page holds such a part between two comments, ``<!-- made: name -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
from pathlib import Path
from typing import Any, Final

import attrs

from alur_pulumi.described import attribute_texts
from alur_runtime.reasons import Lasting, Reason

FOLDER: Final = Path(__file__).resolve().parent
PAGES: Final = tuple(FOLDER / name for name in ("reasons.md", "configuration.md", "files.md", "guarantees.md"))
FIGURES: Final = FOLDER / "figures.json"
"""What the proofs came to: written by figures.py, from their last lines."""
PROOFS: Final = {
    "simulation": "make simulate",
    "mutants": "make mutants",
    "crash_matrix": "make crash-matrix",
    "torture": "make torture",
    "conformance": "make conformance",
}
"""By the name in its last line: the command."""
_PART: Final = re.compile(r"<!-- made: (?P<name>\S+) -->\n.*?<!-- end -->", re.DOTALL)
_OWN: Final = "own:"
_CLASSES: Final = {
    "PipelineArgs": "alur_pulumi.pipeline",
    "StateTableArgs": "alur_pulumi.state_table",
    "BronzeTableArgs": "alur_pulumi.bronze_args",
    "IngestionJobArgs": "alur_pulumi.job_args",
    "Source": "alur_pulumi.job_config",
    "StartOnArrival": "alur_pulumi.job_options",
    "Network": "alur_pulumi.job_options",
    "FileOptions": "alur_runtime.contracts.options",
    "TextOptions": "alur_runtime.contracts.options",
    "CsvOptions": "alur_runtime.contracts.options",
    "ErrorBudget": "alur_runtime.contracts.options",
    "Settings": "alur_runtime.config",
}
_LASTING: Final = {
    Lasting.NONE: "no trouble",
    Lasting.TRANSIENT: "transient: trying again can help",
    Lasting.PERMANENT: "permanent: something has to change first",
}


def reason_sections() -> str:
    """A section for each reason code."""
    sections = [
        f"### `{reason.value}`\n\n{reason.text.sentence}\n\n"
        f"*{_LASTING[reason.lasting].capitalize()}.* What to do: {reason.text.remedy}"
        for reason in Reason
    ]
    return "\n\n".join(sections)


def class_table(cls: type[Any], *, inherited: bool = True) -> str:
    """The fields of an attrs class, or its own only, with their defaults, described as its docstring does."""
    described = attribute_texts(cls)
    lines = ["| name | default | meaning |", "|---|---|---|"]
    for field in attrs.fields(cls):
        if field.inherited and not inherited:
            continue
        text = described[field.name].replace("|", "\\|").replace("``", "`")
        lines.append(f"| `{field.name}` | {_default(field.default)} | {text} |")
    return "\n".join(lines)


def _default(default: Any) -> str:
    if default is attrs.NOTHING:
        return "*required*"
    if factory := getattr(default, "factory", None):
        value = factory()
        return "`{}`" if value == {} else f"`{type(value).__name__}()`"
    if default is None or default in ("", ()):
        return "none"
    if isinstance(default, int) and not isinstance(default, bool) and default >= 1024 and default % 1024 == 0:
        for unit, size in (("GiB", 1024**3), ("MiB", 1024**2)):
            if default % size == 0:
                return f"{default // size} {unit}"
    return f"`{default}`"


def figures_table() -> str:
    """What each proof came to when it was run last."""
    known = json.loads(FIGURES.read_text())
    lines = ["| command | run on | what it came to |", "|---|---|---|"]
    for name, command in PROOFS.items():
        found = known.get(name, {})
        text = ", ".join(f"{_figure(value)} {_words(key)}" for key, value in found.items() if key != "on")
        lines.append(f"| `{command}` | {found.get('on', 'not yet')} | {text} |")
    return "\n".join(lines)


def _figure(value: Any) -> str:
    return f"{sum(value.values()):,}" if isinstance(value, dict) else f"{value:,}"


def _words(key: str) -> str:
    return key.replace("_", " ").replace("aws", "AWS")


def faults_table() -> str:
    """The faults of the simulation by kind."""
    faults: dict[str, int] = json.loads(FIGURES.read_text()).get("simulation", {}).get("faults", {})
    lines = [f"| {kind.replace('_', ' ')} | {count:,} |" for kind, count in sorted(faults.items())]
    return "\n".join(["| fault | times |", "|---|---|", *lines])


def render(page: str) -> str:
    """A page with its made parts made anew."""

    def part(match: re.Match[str]) -> str:
        name = match["name"]
        makers = {"reasons": reason_sections, "figures": figures_table, "faults": faults_table}
        made = makers[name]() if name in makers else _table(name)
        return f"<!-- made: {name} -->\n{made}\n<!-- end -->"

    return _PART.sub(part, page)


def _table(name: str) -> str:
    """The table of a class; of its own fields only for ``own:`` and its name."""
    own = name.removeprefix(_OWN)
    return class_table(_class(own), inherited=own == name)


def _class(name: str) -> type[Any]:
    found: type[Any] = getattr(importlib.import_module(_CLASSES[name]), name)
    return found


def main() -> int:
    """Write all pages."""
    for path in PAGES:
        path.write_text(render(path.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
