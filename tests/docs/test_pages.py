"""The pages say what the source says: snippets run, names exist, what is made from the source is up to date."""

from __future__ import annotations

import datetime as dt
import importlib.util
import io
import re
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

import alur_pulumi as alur
from alur_pulumi.cli.main import cli
from alur_runtime import contract, spec_of
from alur_runtime.contracts.options import NO_BAD_ROWS, CsvOptions
from alur_runtime.formats import read_file
from alur_runtime.formats.faults import RefusedValueError
from alur_runtime.formats.values import read_value
from alur_runtime.kernel.intake import Intake, Rules
from alur_runtime.kernel.transform import Transform, apply_transform
from alur_runtime.model import Action, Member
from alur_runtime.naming import folder_room
from alur_runtime.reasons import Reason
from alur_runtime.rows import RefusedFileError
from alur_runtime.table.quarantine import Origin
from alur_runtime.table.schema import rows_schema
from tests.components.monitor import register

if TYPE_CHECKING:
    from sybil.example import Example

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "runtime" / "README.md"])
NOON = dt.datetime(2024, 5, 1, 12, tzinfo=dt.UTC)
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
    # What `pulumi new` asks is of no use to who types the file.
    project, _, _ = (folder / "Pulumi.yaml").read_text().partition("# `pulumi new")
    assert _blocks(readme, "yaml") == [project]


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


def _texts_by_outcome() -> list[Any]:
    """The examples of the table of values: type, text, and the reason it is refused for, or None."""
    page = (ROOT / "docs" / "files.md").read_text()
    header, _, *rows = page[page.index("| type | taken |") :].partition("\n\n")[0].splitlines()
    reasons = [None, *re.findall(r"`(\w+)`", header)]
    cells = [[re.findall(r"`([^`]+)`", cell) for cell in row.strip("|").split(" |")] for row in rows]
    return [
        (kind[0], text, reason)
        for kind, *texts in cells
        for reason, one in zip(reasons, texts, strict=True)
        for text in one
    ]


@pytest.mark.parametrize(("kind", "text", "reason"), _texts_by_outcome())
def test_examples_of_values_are_read_as_they_say(kind: str, text: str, reason: str | None) -> None:
    if reason is None:
        read_value(text, kind)
    else:
        with pytest.raises(RefusedValueError) as caught:
            read_value(text, kind)
        assert caught.value.reason.value == reason


def test_examples_of_transforms_fit_the_contract_beside_them() -> None:
    namespace: dict[str, Any] = {}
    for body in _blocks(ROOT / "docs" / "files.md", "python"):
        code = compile(body, "files.md", "exec", dont_inherit=True)
        register(lambda code=code: exec(code, namespace), project="snippet")
    spec = namespace["Payments"].__alur_contract__
    row = {"payment_id": 1, "amount": Decimal(1), "currency": "EUR", "region": "EU", "purpose": " rent "}
    rows = [{**row, "paid_at": NOON, "_source_row": 1}, {**row, "currency": "XTS", "paid_at": NOON, "_source_row": 2}]
    done = apply_transform(
        Transform("m:run", namespace["run"]), pa.Table.from_pylist(rows, rows_schema(spec)), "u", spec
    )
    assert (done.table["purpose"].to_pylist(), done.dropped) == (["rent"], 1)


def test_the_error_in_the_readme_is_what_a_user_sees() -> None:
    class Payments:
        payment_id: int
        payer: str
        booked_on: dt.date

    spec = spec_of(contract()(Payments))
    rows = [f"{n},Ada,2026-04-30" for n in range(1, 48_211)]
    body = "\n".join(["payment_id,payer,booked_on", *rows, "48211,Ada,31.04.2026", ""]).encode()
    uri = "s3://landing/payments/may.csv"
    member = Member(uri, "e", len(body), 0, "bank", Action.INGEST, "new")
    intake = Intake(Rules(spec, NO_BAD_ROWS, None, folder_room("s3://lake/t/")), Origin(member, "b", "r"))
    with pytest.raises(RefusedFileError) as caught:
        list(intake.tables(read_file(io.BytesIO(body), uri, spec, CsvOptions())))
    assert _blocks(ROOT / "README.md", "text") == [f"{caught.value}\n"]


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
