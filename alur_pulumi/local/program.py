"""Runs a Pulumi program within this process: a callable, or a project folder's ``__main__.py``."""

import contextlib
import json
import os
import runpy
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import yaml  # type: ignore[import-untyped]

from alur_pulumi.local.errors import InvalidInputError

Program = Callable[[], None]


@attrs.frozen
class Project:
    """A program with the name and configuration that it runs under."""

    name: str
    run: Program
    config: Mapping[str, str] = attrs.field(factory=dict)
    """Configuration by full key, such as ``aws:region``."""
    folder: Path = attrs.field(factory=Path.cwd)
    """What relative paths of file assets start from."""


def load_project(folder: Path, stack: str, code: Sequence[Path] = ()) -> Project:
    """Read a project folder.

    Args:
        folder: Where ``Pulumi.yaml`` is.
        stack: Whose ``Pulumi.<stack>.yaml`` holds the configuration, if it is there.
        code: Further folders whose modules are read anew at each run, such as the user's package.

    Raises:
        InvalidInputError: The configuration has a secret, which needs the real stack's key.
    """
    settings = yaml.safe_load((folder / "Pulumi.yaml").read_text("utf-8"))
    name = str(settings["name"])
    main = (folder / settings.get("main", "")).resolve()
    config_path = folder / settings.get("stackConfigDir", "") / f"Pulumi.{stack}.yaml"
    config: dict[str, str] = {}
    if config_path.exists():
        given = (yaml.safe_load(config_path.read_text("utf-8")) or {}).get("config") or {}
        config = {_full_key(name, key): _text(config_path, key, value) for key, value in given.items()}
    script = main / "__main__.py" if main.is_dir() else main

    def run() -> None:
        roots = [script.parent, *(path.resolve() for path in code)]
        with _fresh_modules(roots), _within(script.parent):
            runpy.run_path(str(script), run_name="__main__")

    return Project(name, run, config, script.parent)


def _full_key(project: str, key: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _text(path: Path, key: str, value: Any) -> str:
    if isinstance(value, dict) and "secure" in value:
        problem = "is a secret, which only the stack that it was made for can read"
        raise InvalidInputError(path.name, key, problem)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list):
        return json.dumps(value)
    return str(value)


@contextlib.contextmanager
def _fresh_modules(roots: Sequence[Path]) -> Iterator[None]:
    """Import the modules of the roots anew: the same process deploys changed code later."""
    _forget(roots)
    try:
        yield
    finally:
        _forget(roots)


def _forget(roots: Sequence[Path]) -> None:
    for name, module in list(sys.modules.items()):
        if name != "__main__" and _lies_within(module, roots):
            del sys.modules[name]


def _lies_within(module: ModuleType, roots: Sequence[Path]) -> bool:
    file = getattr(module, "__file__", None)
    if not file:
        return False
    path = Path(file).resolve()
    # A virtual environment often lies within the project: its libraries are nobody's program. Forgetting them would
    # load compiled ones (protobuf, grpc) a second time, which crashes the process.
    if any(path.is_relative_to(place) for place in _installed()):
        return False
    return any(path.is_relative_to(root) for root in roots)


def _installed() -> set[Path]:
    """Where libraries are installed."""
    return {Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib")}


@contextlib.contextmanager
def _within(folder: Path) -> Iterator[None]:
    """Run as Pulumi does: in the program's folder, which is also where imports come from."""
    before, path = Path.cwd(), list(sys.path)
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path[:] = path
        os.chdir(before)
