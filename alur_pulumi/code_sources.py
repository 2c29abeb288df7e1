"""A user's own code as wheels: from a source folder, a module that can be imported, or a wheel built before."""

from __future__ import annotations

import importlib.util
import os
import re
import zipfile
from pathlib import Path, PurePosixPath
from typing import Final

from alur_pulumi.errors import WheelError
from alur_pulumi.wheels import COMPILED, Wheel, build_wheel, package_wheel

_WHEEL: Final = re.compile(
    r"(?P<name>[^-]+)-(?P<version>[^-]+)(-\d[^-]*)?-[^-]+-(?P<abi>[^-]+)-(?P<platform>[^-]+)\.whl"
)


def code_wheel(code: str | os.PathLike[str]) -> Wheel:
    """A wheel of what is named.

    Args:
        code: A ``.whl`` file, the folder of a package, or the name of a top-level module that can be imported here.

    Raises:
        WheelError: If it is none of them, or not pure Python.
    """
    path = Path(code)
    if path.suffix == ".whl":
        return prebuilt_wheel(path)
    if isinstance(code, str) and code.isidentifier() and not path.is_dir():
        return module_wheel(code)
    return package_wheel(path)


def prebuilt_wheel(path: Path) -> Wheel:
    """A wheel that somebody else built, byte for byte.

    Raises:
        WheelError: If it is no wheel, is damaged, or has compiled parts.
    """
    named = _WHEEL.fullmatch(path.name)
    if named is None:
        raise WheelError(str(path), "is not named as a wheel is: name-version-py3-none-any.whl")
    if (named["abi"], named["platform"]) != ("none", "any"):
        raise WheelError(str(path), "is built for one platform: the job needs pure Python (...-none-any.whl)")
    try:
        data = path.read_bytes()
        with zipfile.ZipFile(path) as archive:
            names = [PurePosixPath(name) for name in archive.namelist() if not name.endswith("/")]
            damaged = archive.testzip()
    except (OSError, zipfile.BadZipFile) as error:
        raise WheelError(str(path), f"cannot be read ({error}): build it again") from error
    if damaged is not None:
        raise WheelError(str(path), f"is damaged at {damaged}: build it again")
    if compiled := next((name for name in names if name.suffix in COMPILED), None):
        raise WheelError(str(path), f"has a compiled part, {compiled}: the job needs pure Python")
    tops = {name.parts[0].removesuffix(".py") for name in names if not name.parts[0].endswith((".dist-info", ".data"))}
    if not tops:
        raise WheelError(str(path), "holds no module: build it again")
    return Wheel(named["name"], named["version"], tuple(sorted(tops)), data)


def module_wheel(module: str) -> Wheel:
    """A wheel of a module or package as Python finds it here.

    Raises:
        WheelError: If it cannot be found, or is not pure Python.
    """
    spec = importlib.util.find_spec(module)
    if spec is None:
        raise WheelError(module, "is neither a folder nor a module that can be imported: install it, or give its path")
    folders = list(spec.submodule_search_locations or ())
    if folders and spec.origin:
        return package_wheel(folders[0])
    if spec.origin is None or Path(spec.origin).suffix != ".py":
        raise WheelError(module, "is no Python source: the job needs pure Python")
    return build_wheel(module, "0", {f"{module}.py": Path(spec.origin).read_bytes()})
