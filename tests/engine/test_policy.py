"""The job's policy allows what the runtime calls, and little besides."""

import json
import time
from pathlib import Path
from typing import Any

import pulumi

import alur_pulumi as alur
from alur_pulumi.local.emulator import Emulator
from alur_pulumi.local.stack import open_stack
from alur_pulumi.pulumi_cli import NoPulumiCli
from alur_runtime.config import split_uri
from tests.components.programs import Pipeline

# Where an operation's permission has another name than the operation.
_ACTIONS = {
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:CreateMultipartUpload": "s3:PutObject",
    "s3:UploadPart": "s3:PutObject",
    "s3:CompleteMultipartUpload": "s3:PutObject",
    "s3:DeleteObjects": "s3:DeleteObject",
}
_TRANSACTION = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:ConditionCheckItem"}


def _run(emulator: Emulator, job: str) -> dict[str, Any]:
    glue = emulator.client("glue")
    run_id = glue.start_job_run(JobName=job)["JobRunId"]
    while True:
        run: dict[str, Any] = glue.get_job_run(JobName=job, RunId=run_id)["JobRun"]
        if run["JobRunState"] not in ("STARTING", "RUNNING"):
            assert run["JobRunState"] == "SUCCEEDED", emulator.run_log(job, run_id)
            return run
        time.sleep(0.2)


def test_every_call_of_a_run_is_allowed(tmp_path: Path) -> None:
    def program() -> None:
        pipeline = Pipeline(
            state={"on_destroy": alur.OnDestroy.DELETE},
            table={"on_destroy": alur.OnDestroy.DELETE},
            job={"landing_on_destroy": alur.OnDestroy.DELETE},
        )
        pulumi.export("job", pipeline.job.job_name)
        pulumi.export("landing", pipeline.job.landing_uris)
        pulumi.export("policy", pipeline.job.policy)

    with Emulator.start(work_dir=tmp_path / "aws") as emulator:
        cli = NoPulumiCli(("left out by the test",))
        stack = open_stack(program, emulator=emulator, work_dir=tmp_path / "stack", cli=cli)
        outputs = stack.up().outputs
        bucket, prefix = split_uri(outputs["landing"][0])
        s3 = emulator.client("s3")
        for body in (b"OrderId,amount,note,Region\n1,2.50,,north\n", b"OrderId,amount,note,Region\n1,3.50,x,north\n"):
            s3.put_object(Bucket=bucket, Key=f"{prefix}orders.csv", Body=body)
            emulator.reset_calls()
            _run(emulator, outputs["job"])
        called = {operation.replace(".", ":", 1) for operation in emulator.calls()["operations"]}

    allowed = {action for s in json.loads(outputs["policy"])["Statement"] for action in s["Action"]}
    # what the test itself and the emulator's own job runner call
    called -= {"glue:StartJobRun", "glue:GetJobRun"}
    if "dynamodb:TransactWriteItems" in called:
        called = (called - {"dynamodb:TransactWriteItems"}) | _TRANSACTION
    needed = {_ACTIONS.get(operation, operation) for operation in called}
    assert needed <= allowed
    assert {"dynamodb:Query", "s3:ListBucket", "s3:GetObject", "s3:PutObject"} <= needed
