"""Which Python a job run gets: the one that everything here runs on, or one that holds only what Glue ships.

``ALUR_GLUE_PYTHON=5=/path/to/python,6=/path/to/python`` names an interpreter by the major version of Glue.
"""

import functools
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import attrs

from alur_pulumi.local.errors import InvalidInputError

VARIABLE = "ALUR_GLUE_PYTHON"
_FOLDERS = """
import json, site, sysconfig
paths = sysconfig.get_paths()
print(json.dumps([*site.getsitepackages(), paths["purelib"], paths["platlib"]]))
"""


@attrs.frozen
class GluePython:
    """An interpreter for job runs.

    Attributes:
        executable: Its path.
        own: Whether it is a Glue version's own, and not the one that everything here runs on.
    """

    executable: str = sys.executable
    own: bool = False

    @property
    def site_packages(self) -> list[str]:
        """The folders that its installed packages are in."""
        return list(_site_packages(self.executable))


def to_variable(pythons: Mapping[str, Path]) -> str:
    """Interpreters by major version of Glue, as the variable's text."""
    return ",".join(f"{version}={path}" for version, path in pythons.items())


def from_variable(text: str) -> dict[str, Path]:
    """The interpreters that the variable names.

    Raises:
        InvalidInputError: If it is written otherwise, or names what is no file.
    """
    found: dict[str, Path] = {}
    for part in filter(None, text.split(",")):
        version, _, path = part.partition("=")
        if not version.isdigit() or not Path(path).is_file():
            raise InvalidInputError(VARIABLE, part, "names no Python: write 5=/path/to/python")
        found[version] = Path(path)
    return found


def python_for(glue_version: str, pythons: Mapping[str, Path]) -> GluePython:
    """The interpreter for a version of Glue such as ``5.1``."""
    path = pythons.get(glue_version.partition(".")[0])
    return GluePython() if path is None else GluePython(os.fspath(path), own=True)


@functools.cache
def _site_packages(executable: str) -> tuple[str, ...]:
    asked = subprocess.run([executable, "-I", "-c", _FOLDERS], capture_output=True, text=True, check=True)  # noqa: S603
    folders: list[str] = json.loads(asked.stdout)
    return tuple(folder for folder in dict.fromkeys(folders) if Path(folder).is_dir())
