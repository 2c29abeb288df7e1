"""The environments that hold what Glue ships; `make` makes them from pinned requirements."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import attrs

from alur_pulumi.wheels import runtime_wheels

ROOT: Final = Path(__file__).resolve().parents[2]


@attrs.frozen
class Environment:
    """An environment of a Glue version.

    Attributes:
        version: The major version of Glue.
        python: Its Python.
        boto3: The version of boto3 there, which tells it from any other.
    """

    version: str
    python: str
    boto3: str

    @property
    def folder(self) -> Path:
        """Where it is."""
        return ROOT / ".venvs" / f"glue{self.version}"

    @property
    def executable(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def tests(self) -> Path:
        """What tests need besides: beside the environment, not in it."""
        return self.folder / "tests"

    @property
    def missing(self) -> str | None:
        """Why it cannot be used here; None if it can."""
        if self.executable.is_file() and self.tests.is_dir():
            return None
        return f"no environment of Glue {self.version} (Python {self.python}): make glue-setup"


GLUE5: Final = Environment("5", "3.11", "1.34.131")
GLUE6: Final = Environment("6", "3.13", "1.40.61")
ENVIRONMENTS: Final = (GLUE5, GLUE6)


def put_wheels(folder: Path) -> list[str]:
    """Write what a job definition names into a folder; the paths, in order."""
    paths = []
    for wheel in runtime_wheels():
        path = folder / wheel.archive_name
        path.write_bytes(wheel.data)
        paths.append(os.fspath(path))
    return paths


def chosen(names: Sequence[str]) -> list[Environment]:
    """The environments that are named, or all."""
    return [one for one in ENVIRONMENTS if not names or one.version in names]
