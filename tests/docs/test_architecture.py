"""The dependency rule, and what a repository must not hold: checked on the source as it stands."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"alur_pulumi": ROOT / "alur_pulumi", "alur_runtime": ROOT / "runtime" / "alur_runtime"}
MOST_LINES = 400
_HOSTS = ("pypi.org", "pythonhosted.org", "npmjs.org", "npmjs.com", "maven.org", "maven.apache.org")
_GO = tuple(f"{name}.golang.org" for name in ("proxy", "sum"))
_REGISTRY = re.compile("|".join(re.escape(host) for host in (*_HOSTS, *_GO)))
_MACHINE_PATH = re.compile(r"(?<![\w.])/(work|root|home/\w+)/")


def _modules() -> dict[str, Path]:
    found = {}
    for package, folder in PACKAGES.items():
        for path in folder.rglob("*.py"):
            parts = (package, *path.relative_to(folder).with_suffix("").parts)
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = _modules()


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def _imports(path: Path, *, lazy: bool) -> set[str]:
    """Modules a file imports when it runs; with `lazy`, those imported inside functions too."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if _is_type_checking(node) or (not lazy and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)):
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text()))
    return found


def _tops(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in _imports(path, lazy=True)}


def _under(prefix: str) -> list[str]:
    return [name for name in MODULES if name == prefix or name.startswith(f"{prefix}.")]


@pytest.mark.parametrize("module", _under("alur_runtime"))
def test_the_runtime_imports_neither_pulumi_nor_the_components(module: str) -> None:
    assert not _tops(MODULES[module]) & {"pulumi", "pulumi_aws", "alur_pulumi", "moto"}


@pytest.mark.parametrize("module", _under("alur_runtime"))
def test_pyspark_is_imported_by_the_spark_engine_alone(module: str) -> None:
    if module != "alur_runtime.engine.spark":
        assert "pyspark" not in _tops(MODULES[module])


@pytest.mark.parametrize("module", _under("alur_pulumi"))
def test_only_the_command_and_the_local_aws_reach_aws(module: str) -> None:
    if not module.startswith(("alur_pulumi.cli", "alur_pulumi.local")):
        assert not _tops(MODULES[module]) & {"boto3", "botocore", "pyspark", "moto"}


@pytest.mark.parametrize("module", _under("alur_pulumi"))
def test_nothing_but_itself_knows_the_local_aws(module: str) -> None:
    if not module.startswith("alur_pulumi.local"):
        assert not any(name.startswith("alur_pulumi.local") for name in _imports(MODULES[module], lazy=True))


def test_stacks_do_not_know_the_local_aws() -> None:
    for path in (ROOT / "stacks").rglob("*.py"):
        assert not any(name.startswith("alur_pulumi.local") for name in _imports(path, lazy=True))


def test_imports_have_no_cycle() -> None:
    graph = {
        name: {i for i in _imports(path, lazy=False) if i in MODULES and i != name} for name, path in MODULES.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"modules import one another: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize("module", sorted(MODULES))
def test_modules_are_small(module: str) -> None:
    lines = len(MODULES[module].read_text().splitlines())
    assert lines <= MOST_LINES, f"{module} has {lines} lines: split it"


def test_the_command_starts_without_aws_pulumi_and_rich() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from alur_pulumi.cli.main import cli;"
        "assert CliRunner().invoke(cli, ['--help']).exit_code == 0;"
        "print(sorted({'boto3', 'botocore', 'pulumi', 'pulumi_aws', 'rich', 'pyarrow', 'cattrs'} & set(sys.modules)))"
    )
    path = f"{ROOT}:{ROOT / 'runtime'}"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": path}
    )
    assert done.stdout.strip() == "[]"


def _tracked() -> list[Path]:
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no git checkout: which files belong to the repository is not known")
    return [ROOT / name for name in listed.decode().split("\0") if name]


@pytest.mark.parametrize(
    ("what", "pattern"), [("registry host", _REGISTRY), ("path of a machine", _MACHINE_PATH)], ids=["registry", "path"]
)
def test_the_repository_names_none(what: str, pattern: re.Pattern[str]) -> None:
    found = []
    for path in _tracked():
        if not path.is_file() or path == Path(__file__):
            continue
        text = path.read_bytes().decode(errors="replace")
        found += [f"{path.relative_to(ROOT)}: {match.group()}" for match in pattern.finditer(text)]
    assert not found, f"{what}: {found}"
