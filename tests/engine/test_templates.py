"""`pulumi new` from this repository."""

from __future__ import annotations

import subprocess
import typing
from pathlib import Path

import pytest
import yaml

from alur_pulumi.pulumi_cli import PulumiCli, find_pulumi_cli


@pytest.mark.engine
def test_a_project_is_made_of_the_quickstart(tmp_path: Path, repository: Path) -> None:
    cli = typing.cast("PulumiCli", find_pulumi_cli())
    template, made = repository / "examples" / "quickstart", tmp_path / "payments"
    made.mkdir()
    command = [
        str(cli.path),
        "new",
        str(template),
        "--generate-only",
        "--yes",
        "--name",
        "payments",
        "--dir",
        str(made),
    ]
    environment = {
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_BACKEND_URL": tmp_path.as_uri(),
        "PULUMI_SKIP_UPDATE_CHECK": "1",
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    # The CLI that is built here has no language host, which is asked for packages once the project is there.
    assert done.returncode == 0 or "no language plugin 'pulumi-language-python'" in done.stdout + done.stderr, (
        done.stderr
    )
    assert "Created project 'payments'" in done.stdout
    project = yaml.safe_load((made / "Pulumi.yaml").read_text())
    assert project["name"] == "payments"
    assert "template" not in project
    for name in ("__main__.py", "requirements.txt"):
        assert (made / name).read_text() == (template / name).read_text()
