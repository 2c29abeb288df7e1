"""Runs a Glue job's script in a process of its own (``python -I -S job_bootstrap.py SPEC``).

This file is started by path and imports nothing of this package: a job sees what it
would see in Glue, which is the standard library, what is installed beside it, and the
wheels that its definition names. `alur_runtime` may only come from those wheels, or a
deployment could seem to work while it runs the code of the checkout.
"""

import importlib.abc
import importlib.machinery
import json
import os
import runpy
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType


class WheelsOnly(importlib.abc.MetaPathFinder):
    """Lets the deployed packages be imported from the job's wheels and from nowhere else."""

    def __init__(self, wheels: Sequence[str], deployed: Sequence[str], absent: Sequence[str]) -> None:
        self._wheels = list(wheels)
        self._deployed = frozenset(deployed)
        self._absent = frozenset(absent)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find a top-level deployed package; leave all others to the usual finders."""
        if path is not None:
            return None
        if fullname in self._absent:
            message = f"{fullname} is not there in a Glue job: only the runtime and your own wheels are"
            raise ModuleNotFoundError(message, name=fullname)
        if fullname not in self._deployed:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, self._wheels, target)
        if spec is None:
            names = ", ".join(Path(wheel).name for wheel in self._wheels) or "(none)"
            message = f"{fullname} is in none of the wheels of --extra-py-files: {names}"
            raise ModuleNotFoundError(message, name=fullname)
        return spec


def end_with_parent() -> None:
    """Kill this process and its children once the emulator's end of standard input closes."""

    def watch() -> None:
        while os.read(0, 1):
            pass
        os.killpg(os.getpgid(0), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True, name="end-with-parent").start()


def run(spec: dict[str, list[str]], script: str) -> tuple[int, str]:
    """Run the script as ``__main__``.

    Returns:
        The exit code, and what Glue would show as the error ("" if there is none).
    """
    sys.path[:] = [*spec["wheels"], *sys.path, *spec["site_packages"]]
    sys.meta_path.insert(0, WheelsOnly(spec["wheels"], spec["deployed"], spec["absent"]))
    sys.argv = [script, *spec["arguments"]]
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        if end.code is None or end.code == 0:
            return 0, ""
        if isinstance(end.code, int):
            return end.code, f"SystemExit: {end.code}"
        sys.stderr.write(f"{end.code}\n")
        return 1, f"SystemExit: {end.code}"
    except BaseException as error:  # noqa: BLE001 - whatever ends the script is what the run reports
        traceback.print_exc()
        return 1, f"{type(error).__name__}: {error}"
    return 0, ""


def main() -> int:
    """Read the specification, run the script, and leave the outcome beside it."""
    specification = Path(sys.argv[1])
    end_with_parent()
    spec = json.loads(specification.read_text("utf-8"))
    code, error = run(spec, str(specification.parent / "script.py"))
    (specification.parent / "outcome.json").write_text(json.dumps({"error": error}), "utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main())
