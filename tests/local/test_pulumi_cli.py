import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from alur_pulumi import pulumi_cli
from alur_pulumi.pulumi_cli import NoPulumiCli, PulumiCli, find_pulumi_cli


def fake_cli(path: Path, version: str = "v3.200.1") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {version}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def no_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The installer of the automation API reaches for the network."""

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("no network")

    monkeypatch.setattr("pulumi.automation.PulumiCommand.install", refuse)


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    return {"PATH": str(tmp_path / "path"), "XDG_CACHE_HOME": str(tmp_path / "cache"), **more}


def test_the_switch_wins(tmp_path: Path, said: list[str]) -> None:
    fake_cli(tmp_path / "path" / "pulumi")
    other = fake_cli(tmp_path / "other", "v3.9.9")
    found = find_pulumi_cli(said.append, environment(tmp_path, ALUR_PULUMI_CLI=str(other)))
    assert found == PulumiCli(other, "3.9.9", "ALUR_PULUMI_CLI")
    assert not said


@pytest.mark.parametrize(("value", "reason"), [("none", "do without"), ("/nowhere", "does not answer")])
def test_the_switch_may_leave_none(tmp_path: Path, said: list[str], value: str, reason: str) -> None:
    found = find_pulumi_cli(said.append, environment(tmp_path, ALUR_PULUMI_CLI=value))
    assert isinstance(found, NoPulumiCli)
    assert reason in str(found)


def test_path_comes_before_the_cache(tmp_path: Path, said: list[str]) -> None:
    built = tmp_path / "cache" / "alur" / "pulumi" / pulumi_cli.VERSION / "built" / "bin" / "pulumi"
    fake_cli(built)
    found = find_pulumi_cli(said.append, environment(tmp_path))
    assert isinstance(found, PulumiCli)
    assert (found.path, found.origin) == (built, "cache, built")
    on_path = fake_cli(tmp_path / "path" / "pulumi")
    found = find_pulumi_cli(said.append, environment(tmp_path))
    assert isinstance(found, PulumiCli)
    assert (found.path, found.version) == (on_path, "3.200.1")


@pytest.mark.usefixtures("no_install")
def test_it_is_built_once_where_there_is_go(tmp_path: Path, said: list[str]) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "go.mod").write_text("module tools\n")
    go = tmp_path / "path" / "go"
    go.parent.mkdir()
    # Stands for the compiler: writes what `-o` names.
    go.write_text(
        f"#!{sys.executable}\nimport sys, pathlib\n"
        "target = pathlib.Path(sys.argv[sys.argv.index('-o') + 1])\n"
        "target.write_text('#!/bin/sh\\necho v9.9.9\\n'); target.chmod(0o755)\n"
    )
    go.chmod(0o755)
    found = find_pulumi_cli(said.append, environment(tmp_path), tools)
    assert isinstance(found, PulumiCli)
    assert found.version == "9.9.9"
    assert any("building" in line for line in said)
    said.clear()
    assert find_pulumi_cli(said.append, environment(tmp_path), tools) == PulumiCli(found.path, "9.9.9", "cache, built")
    assert not said


@pytest.mark.usefixtures("no_install")
def test_every_way_that_failed_is_named(tmp_path: Path, said: list[str]) -> None:
    found = find_pulumi_cli(said.append, environment(tmp_path))
    assert isinstance(found, NoPulumiCli)
    assert [reason.split("(")[0].strip() for reason in found.reasons] == [
        "there is no pulumi on PATH",
        "it could not be downloaded",
        "there is no Go to build it with",
    ]


def test_the_version_is_that_of_the_go_module(repository: Path) -> None:
    assert f"github.com/pulumi/pulumi/pkg/v3 v{pulumi_cli.VERSION} " in (
        repository / "tools" / "pulumi" / "go.mod"
    ).read_text().replace("\n", " ")


@pytest.mark.engine
def test_the_cli_that_is_found_answers() -> None:
    found = find_pulumi_cli()
    assert isinstance(found, PulumiCli)
    answer = subprocess.run([str(found.path), "version"], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == f"v{found.version}"
