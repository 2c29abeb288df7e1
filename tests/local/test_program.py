"""A program is read anew at each run; what is installed beside it is not."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

import pytest

from alur_pulumi.local.program import load_project


def test_libraries_of_a_virtual_environment_within_the_project_stay_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: p\nruntime: python\n")
    (tmp_path / "__main__.py").write_text("import installed_one, program_one\n")
    (tmp_path / "program_one.py").write_text("")
    site = tmp_path / ".venv" / "lib"
    site.mkdir(parents=True)
    (site / "installed_one.py").write_text("")
    real = sysconfig.get_path
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(site) if name == "purelib" else real(name))
    monkeypatch.syspath_prepend(str(site))
    __import__("installed_one")
    before = sys.modules["installed_one"]
    load_project(tmp_path, "dev").run()
    assert sys.modules["installed_one"] is before
    assert "program_one" not in sys.modules
