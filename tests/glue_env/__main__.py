"""Runs the runtime's tests where only what Glue ships and the deployed wheels are: ``make test-glue``.

The tests' own tools (pytest and so on) are last on the path and the checkout's runtime is not on it, so that what
is tested comes from the wheel. The embedded AWS runs on the developer's Python, in a process of its own.
"""

# ruff: noqa: T201

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.glue_env.environments import ROOT, Environment, chosen, put_wheels

_START = """
import json, sys
given = json.loads(sys.argv[1])
sys.path[:] = [path for path in sys.path if path] + [given["root"], given["helpers"], given["tests"]]
import boto3, alur_runtime
assert boto3.__version__ == given["boto3"], boto3.__version__
assert alur_runtime.__file__.startswith(given["wheels"]), alur_runtime.__file__
for absent in ("pulumi", "pulumi_aws", "obstore", "cfnlint"):
    try:
        __import__(absent)
    except ImportError:
        continue
    raise SystemExit(f"{absent} is here, and not in Glue")
import pytest
raise SystemExit(pytest.main(given["arguments"]))
"""

_WITHOUT_RUNTIME = "pythonpath=. examples tests/runtime"


def run(environment: Environment, arguments: list[str]) -> int:
    """Run pytest in an environment; its exit code."""
    with tempfile.TemporaryDirectory(prefix="alur-wheels-") as folder:
        given = {
            "root": str(ROOT),
            "helpers": str(ROOT / "tests" / "runtime"),
            "tests": str(environment.tests),
            "boto3": environment.boto3,
            "wheels": folder,
            "arguments": ["-o", _WITHOUT_RUNTIME, "-p", "no:cacheprovider", *arguments],
        }
        variables = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))},
            "PYTHONPATH": os.pathsep.join(put_wheels(Path(folder))),
            "ALUR_EMULATOR_PYTHON": sys.executable,
            "PYSPARK_PYTHON": str(environment.executable),
        }
        command = [str(environment.executable), "-c", _START, json.dumps(given)]
        return subprocess.run(command, cwd=ROOT, env=variables, check=False).returncode


def main() -> int:
    """Run the tests in each environment that there is."""
    parser = argparse.ArgumentParser(prog="make test-glue", description="The runtime's tests, as in Glue.")
    parser.add_argument("--glue", action="append", default=[], help="only this major version: 5 or 6")
    options, arguments = parser.parse_known_args()
    # pytest would take the lack of a path for all tests, and most of them need what Glue has not
    if not any(argument.startswith("tests/") for argument in arguments):
        arguments.append("tests/runtime")
    codes = []
    for environment in chosen(options.glue):
        print(f"== Glue {environment.version}: Python {environment.python}, boto3 {environment.boto3}", flush=True)
        if environment.missing is not None:
            print(f"left out: {environment.missing}", flush=True)
            continue
        codes.append(run(environment, arguments))
    if not codes:
        print("nothing was tested")
    return max(codes, default=1)


if __name__ == "__main__":
    sys.exit(main())
