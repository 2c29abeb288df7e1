"""The pages say what the source says: snippets run, names exist, what is made from the source is up to date."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

import alur_pulumi as alur
from alur_pulumi.cli.main import cli
from alur_runtime.reasons import Reason
from tests.components.monitor import register

if TYPE_CHECKING:
    from sybil.example import Example

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "runtime" / "README.md"])
_FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<body>.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")


def _load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"docs_{name}", ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tables = _load("tables")


def _snippets() -> list[Any]:
    sybil = Sybil(parsers=[PythonCodeBlockParser()])
    return [
        pytest.param(example, id=f"{page.relative_to(ROOT)}:{example.line}")
        for page in PAGES
        for example in sybil.parse(page).examples()
    ]


def _blocks(page: Path, *languages: str) -> list[str]:
    return [m["body"] for m in _FENCE.finditer(page.read_text()) if m["language"] in languages]


def _commands() -> list[str]:
    lines = (line for page in PAGES for body in _blocks(page, "console") for line in body.splitlines())
    inline = (code for page in PAGES for code in re.findall(r"`((?:make|alur) [^`]+)`", page.read_text()))
    return [*(line.removeprefix("$ ") for line in lines if line.startswith("$ ")), *inline]


@pytest.mark.parametrize("example", _snippets())
def test_python_snippets_run(example: Example) -> None:
    # in a Pulumi program or not: against a monitor both run
    register(example.evaluate, project="snippet")


@pytest.mark.parametrize("page", tables.PAGES, ids=lambda page: page.name)
def test_parts_made_from_the_source_are_up_to_date(page: Path) -> None:
    assert page.read_text() == tables.render(page.read_text()), "run: make docs"


def test_the_program_of_the_readme_is_the_quickstart() -> None:
    readme, folder = ROOT / "README.md", ROOT / "examples" / "quickstart"
    assert _blocks(readme, "python") == [(folder / "__main__.py").read_text()]
    assert _blocks(readme, "yaml") == [(folder / "Pulumi.yaml").read_text()]


def test_every_reason_has_one_section_and_one_place_among_the_groups() -> None:
    page = (ROOT / "docs" / "reasons.md").read_text()
    codes = sorted(reason.value for reason in Reason)
    assert sorted(re.findall(r"^### `(\w+)`$", page, re.MULTILINE)) == codes
    groups = page.partition("## By what they are about")[2].partition("A run ends")[0]
    assert sorted(re.findall(r"`(\w+)`", groups)) == codes


def test_every_reason_says_what_to_do() -> None:
    for reason in Reason:
        assert reason.text.sentence.endswith("."), reason
        assert reason.text.remedy.endswith("."), reason


@pytest.mark.parametrize("component", [alur.StateTable, alur.BronzeTable, alur.IngestionJob])
def test_outputs_are_listed(component: type[Any]) -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    section = page.partition(f"\n## {component.__name__}\n")[2].partition("\n## ")[0]
    listed = section.partition("\nOutputs: ")[2].partition("\n\n")[0]
    outputs = [name for name, kind in component.__annotations__.items() if "Output" in str(kind)]
    assert re.findall(r"`(\w+)`", listed) == outputs
    readme = next(line for line in (ROOT / "README.md").read_text().splitlines() if f"| `{component.__name__}`" in line)
    assert re.findall(r"`(\w+)`", readme.rpartition(" | ")[2]) == outputs


def test_make_targets_that_pages_name_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        word[1] for command in _commands() if (word := command.split())[0] == "make" and word[1:2] not in ([], ["#"])
    }
    assert named
    assert named <= targets


def test_commands_of_alur_that_pages_name_exist() -> None:
    named = {command.split()[1] for command in _commands() if command.startswith("alur ")}
    assert {name for name in named if not name.startswith("-")} <= set(cli.commands)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_lead_somewhere(page: Path) -> None:
    targets = [m["target"] for m in _LINK.finditer(page.read_text())]
    missing = [t for t in targets if "://" not in t and not (page.parent / t.partition("#")[0]).exists()]
    assert not missing
