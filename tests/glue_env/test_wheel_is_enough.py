"""A deployed job, in a process that has what Glue ships and what the job's definition names, and nothing else.

``make test-glue`` runs all tests of the runtime there; this is the part that every test run affords.
"""

from __future__ import annotations

from pathlib import Path

import pulumi
import pytest

import alur_pulumi as alur
from alur_pulumi.local.emulator import Emulator
from alur_pulumi.local.errors import InvalidInputError
from alur_pulumi.local.glue_python import from_variable, python_for, to_variable
from alur_pulumi.local.stack import open_stack
from alur_pulumi.pulumi_cli import NoPulumiCli
from tests.components.programs import FEED, Pipeline
from tests.glue_env.environments import ENVIRONMENTS, Environment

# What a job of a developer's machine could import by mistake.
_LOOK = """
import json, sys
import boto3

def there(name):
    try:
        return bool(__import__(name))
    except ImportError:
        return False

absent = ("alur_pulumi", "alur_runtime", "moto", "pulumi", "obstore", "duckdb", "pytest", "rich", "cattrs")
found = [name for name in absent if there(name)]
print(json.dumps({"boto3": boto3.__version__, "python": list(sys.version_info[:2]), "found": found}))
"""


def _log_of_a_run(emulator: Emulator, job: str) -> str:
    run = emulator.run_job(job)
    log = emulator.run_log(job, run["Id"])
    assert run["JobRunState"] == "SUCCEEDED", log
    return log


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=[f"glue{one.version}" for one in ENVIRONMENTS])
def test_the_wheels_are_enough(environment: Environment, tmp_path: Path) -> None:
    if environment.missing is not None:
        pytest.skip(environment.missing)

    def program() -> None:
        made = Pipeline(
            state={"deletion_protection": False},
            table={"on_destroy": alur.OnDestroy.DELETE},
            job={
                "landing_on_destroy": alur.OnDestroy.DELETE,
                "glue_version": f"{environment.version}.0",
                "code": FEED,
                "engine": "local",
            },
        )
        pulumi.export("job", made.job.job_name)
        pulumi.export("landing", made.job.landing_uris)

    pythons = {environment.version: environment.executable}
    with Emulator.start(work_dir=tmp_path / "aws", glue_pythons=pythons) as emulator:
        cli = NoPulumiCli(("left out by the test",))
        outputs = open_stack(program, emulator=emulator, work_dir=tmp_path / "stack", cli=cli).up().outputs
        bucket = outputs["landing"][0].split("/")[2]
        body = b"OrderId,amount,note,Region\n1,2.50,a,north\n2,3.00,,south\n"
        emulator.client("s3").put_object(Bucket=bucket, Key="in/a.csv", Body=body)
        assert "2 parsed" in _log_of_a_run(emulator, outputs["job"])

        s3, glue = emulator.client("s3"), emulator.client("glue")
        s3.create_bucket(Bucket="scripts")
        s3.put_object(Bucket="scripts", Key="look.py", Body=_LOOK.encode())
        role = "arn:aws:iam::123456789012:role/of-nobody"  # what it may do is not held against it
        command = {"Name": "glueetl", "ScriptLocation": "s3://scripts/look.py"}
        glue.create_job(Name="look", Role=role, Command=command, GlueVersion=f"{environment.version}.0")
        log = _log_of_a_run(emulator, "look")
    major, _, minor = environment.python.partition(".")
    assert f'"boto3": "{environment.boto3}", "python": [{major}, {minor}], "found": []' in log


def test_the_variable_names_interpreters_by_version_of_glue(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.touch()
    assert from_variable(to_variable({"5": python})) == {"5": python}
    assert python_for("5.1", {"5": python}).executable == str(python)
    assert not python_for("6.0", {"5": python}).own
    for text in ("5=/no/such/python", f"five={python}", "5"):
        with pytest.raises(InvalidInputError, match="write 5=/path/to/python"):
            from_variable(text)
