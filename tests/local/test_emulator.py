import io
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
import zipfile
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from alur_pulumi.local.emulator import Emulator
from alur_pulumi.local.errors import EmulatorStartError

ACTIVE = ("STARTING", "RUNNING", "STOPPING")
SLEEP = "import time\nprint('here', flush=True)\ntime.sleep(600)\n"


class Jobs:
    """A bucket, and jobs whose scripts are in it."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.bucket = f"jobs-{uuid.uuid4().hex[:8]}"
        self.s3 = emulator.client("s3")
        self.glue = emulator.client("glue")
        self.s3.create_bucket(Bucket=self.bucket)

    def put(self, key: str, body: bytes) -> str:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        return f"s3://{self.bucket}/{key}"

    def wheel(self, name: str, modules: dict[str, str]) -> str:
        body = io.BytesIO()
        with zipfile.ZipFile(body, "w") as archive:
            for path, text in modules.items():
                archive.writestr(path, text)
        return self.put(f"wheels/{name}-1-py3-none-any.whl", body.getvalue())

    def define(self, script: str, arguments: dict[str, str] | None = None, **more: Any) -> str:
        name = f"job-{uuid.uuid4().hex[:8]}"
        command = {"Name": "glueetl", "ScriptLocation": self.put(f"{name}.py", script.encode())}
        self.glue.create_job(Name=name, Role="role", Command=command, DefaultArguments=arguments or {}, **more)
        return name

    def start(self, job: str, **more: Any) -> str:
        return str(self.glue.start_job_run(JobName=job, **more)["JobRunId"])

    def wait(self, job: str, run: str, *, until: str = "") -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            state: dict[str, Any] = self.glue.get_job_run(JobName=job, RunId=run)["JobRun"]
            log = self.emulator.run_log(job, run)
            if (until and until in log) or state["JobRunState"] not in ACTIVE:
                return state
            time.sleep(0.05)
        pytest.fail(f"run {run} did not get there: {state}")


@pytest.fixture(scope="session")
def jobs(emulator: Emulator) -> Jobs:
    return Jobs(emulator)


def test_a_run_sees_its_arguments_and_reaches_aws(jobs: Jobs) -> None:
    script = (
        "import sys, os, boto3\n"
        "assert not os.environ.get('AWS_PROFILE')\n"
        "given = dict(zip(sys.argv[1::2], sys.argv[2::2]))\n"
        "boto3.client('s3').put_object(Bucket=given['--bucket'], Key='seen', Body=repr(given).encode())\n"
    )
    job = jobs.define(script, {"--bucket": jobs.bucket, "--a": "1", "--b": "1"})
    run = jobs.start(job, Arguments={"--b": "2"})
    state = jobs.wait(job, run)
    assert state["JobRunState"] == "SUCCEEDED", state
    assert "ErrorMessage" not in state
    assert state["CompletedOn"] >= state["StartedOn"]
    assert state["Arguments"] == {"--b": "2"}
    seen = jobs.s3.get_object(Bucket=jobs.bucket, Key="seen")["Body"].read().decode()
    for part in ("'--a': '1'", "'--b': '2'", f"'--JOB_NAME': '{job}'", f"'--JOB_RUN_ID': '{run}'"):
        assert part in seen


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise ValueError('the reason')", "ValueError: the reason"),
        ("import os; print('last words', flush=True); os._exit(7)", "last words"),
        ("import sys; sys.exit('told so')", "SystemExit: told so"),
    ],
)
def test_a_failed_run_says_why(jobs: Jobs, script: str, message: str) -> None:
    job = jobs.define(script)
    state = jobs.wait(job, jobs.start(job))
    assert (state["JobRunState"], state["ErrorMessage"]) == ("FAILED", message)


def test_a_script_that_is_not_there_fails_the_run(jobs: Jobs) -> None:
    job = jobs.define("pass")
    jobs.s3.delete_object(Bucket=jobs.bucket, Key=f"{job}.py")
    state = jobs.wait(job, jobs.start(job))
    assert state["JobRunState"] == "FAILED"
    assert f"s3://{jobs.bucket}/{job}.py does not exist" in state["ErrorMessage"]


def test_the_log_goes_to_cloudwatch_and_to_the_emulator(jobs: Jobs) -> None:
    job = jobs.define("import sys; print('out'); print('err', file=sys.stderr)")
    run = jobs.start(job)
    jobs.wait(job, run)
    assert jobs.emulator.run_log(job, run).split() == ["out", "err"]
    logs = jobs.emulator.client("logs")
    events = logs.get_log_events(logGroupName="/aws-glue/jobs/output", logStreamName=run)["events"]
    assert [event["message"] for event in events] == ["out", "err"]


def test_alur_runtime_comes_from_the_wheels_alone(jobs: Jobs) -> None:
    script = "import alur_runtime.part\nprint(alur_runtime.part.WHERE, alur_runtime.__file__)"
    wheel = jobs.wheel("alur_runtime", {"alur_runtime/__init__.py": "", "alur_runtime/part.py": "WHERE='whl'"})
    job = jobs.define(script, {"--extra-py-files": wheel})
    run = jobs.start(job)
    assert jobs.wait(job, run)["JobRunState"] == "SUCCEEDED"
    assert "whl" in jobs.emulator.run_log(job, run)
    assert ".whl/alur_runtime" in jobs.emulator.run_log(job, run)


@pytest.mark.parametrize("module", ["alur_runtime", "alur_pulumi"])
def test_the_checkout_is_out_of_a_jobs_reach(jobs: Jobs, module: str) -> None:
    job = jobs.define(f"import {module}")
    state = jobs.wait(job, jobs.start(job))
    assert state["JobRunState"] == "FAILED"
    assert f"ModuleNotFoundError: {module} is" in state["ErrorMessage"]


def test_children_of_a_run_find_the_wheels(jobs: Jobs) -> None:
    script = (
        "import subprocess, sys\n"
        "subprocess.run([sys.executable, '-c', 'import alur_runtime; print(alur_runtime.__file__)'], check=True)\n"
    )
    wheel = jobs.wheel("alur_runtime", {"alur_runtime/__init__.py": ""})
    job = jobs.define(script, {"--extra-py-files": wheel})
    run = jobs.start(job)
    assert jobs.wait(job, run)["JobRunState"] == "SUCCEEDED"
    assert ".whl/alur_runtime" in jobs.emulator.run_log(job, run)


def test_a_run_keeps_the_definition_it_was_started_with(jobs: Jobs) -> None:
    job = jobs.define("import sys; print(sys.argv[2])", {"--v": "old"})
    command = {"Name": "glueetl", "ScriptLocation": f"s3://{jobs.bucket}/{job}.py"}
    first = jobs.start(job)
    update = {"Role": "other", "Command": command, "DefaultArguments": {"--v": "new"}}
    jobs.glue.update_job(JobName=job, JobUpdate=update)
    jobs.wait(job, first)
    second = jobs.start(job)
    jobs.wait(job, second)
    assert jobs.emulator.run_log(job, first).strip() == "old"
    assert jobs.emulator.run_log(job, second).strip() == "new"
    found = jobs.glue.get_job(JobName=job)["Job"]
    assert (found["Role"], found["DefaultArguments"]) == ("other", {"--v": "new"})


def test_as_many_runs_as_are_allowed_and_no_more(jobs: Jobs) -> None:
    job = jobs.define(SLEEP, ExecutionProperty={"MaxConcurrentRuns": 2})
    runs = [jobs.start(job), jobs.start(job)]
    with pytest.raises(jobs.glue.exceptions.ConcurrentRunsExceededException, match=job):
        jobs.start(job)
    stopped = jobs.glue.batch_stop_job_run(JobName=job, JobRunIds=[*runs, "jr_unknown"])
    assert [item["JobRunId"] for item in stopped["SuccessfulSubmissions"]] == runs
    assert [item["JobRunId"] for item in stopped["Errors"]] == ["jr_unknown"]
    assert {jobs.wait(job, run)["JobRunState"] for run in runs} == {"STOPPED"}
    listed = jobs.glue.get_job_runs(JobName=job)["JobRuns"]
    assert [run["Id"] for run in listed] == runs[::-1]


def test_a_killed_run_has_failed_and_says_so(jobs: Jobs) -> None:
    job = jobs.define(SLEEP)
    run = jobs.start(job)
    jobs.wait(job, run, until="here")
    os.kill(jobs.emulator.run_details(job, run)["pid"], signal.SIGKILL)
    state = jobs.wait(job, run)
    assert state["JobRunState"] == "FAILED"
    assert "SIGKILL" in state["ErrorMessage"]


def test_a_failed_run_is_tried_again_as_often_as_allowed(jobs: Jobs) -> None:
    job = jobs.define("raise SystemExit(1)", MaxRetries=1)
    run = jobs.start(job)
    assert jobs.wait(job, run)["Attempt"] == 0
    again = f"{run}_attempt_1"
    while len(jobs.glue.get_job_runs(JobName=job)["JobRuns"]) == 1:
        time.sleep(0.05)
    state = jobs.wait(job, again)
    assert (state["JobRunState"], state["Attempt"], state["PreviousRunId"]) == ("FAILED", 1, run)


def test_unknown_jobs_and_runs_are_not_found(jobs: Jobs) -> None:
    with pytest.raises(jobs.glue.exceptions.EntityNotFoundException, match="no-such-job"):
        jobs.start("no-such-job")
    with pytest.raises(jobs.glue.exceptions.EntityNotFoundException, match="jr_none"):
        jobs.glue.get_job_run(JobName=jobs.define("pass"), RunId="jr_none")


def test_a_trigger_can_be_updated(jobs: Jobs) -> None:
    job = jobs.define("pass")
    action = {"JobName": job}
    jobs.glue.create_trigger(Name=job, Type="SCHEDULED", Schedule="cron(0 1 * * ? *)", Actions=[action])
    jobs.glue.update_trigger(Name=job, TriggerUpdate={"Schedule": "cron(0 2 * * ? *)"})
    trigger = jobs.glue.get_trigger(Name=job)["Trigger"]
    assert (trigger["Schedule"], trigger["Actions"]) == ("cron(0 2 * * ? *)", [action])


def test_more_than_a_hundred_partitions_a_call_are_refused(jobs: Jobs) -> None:
    glue = jobs.glue
    glue.create_database(DatabaseInput={"Name": "partitions"})
    glue.create_table(DatabaseName="partitions", TableInput={"Name": "t"})
    partitions = [{"Values": [str(number)]} for number in range(101)]
    with pytest.raises(ClientError, match="at most 100"):
        glue.batch_create_partition(DatabaseName="partitions", TableName="t", PartitionInputList=partitions)
    done = glue.batch_create_partition(DatabaseName="partitions", TableName="t", PartitionInputList=partitions[:100])
    assert not done.get("Errors")


def test_a_multipart_upload_completes_only_over_the_object_it_names(jobs: Jobs) -> None:
    s3, bucket = jobs.s3, jobs.bucket

    def complete(condition: str) -> None:
        upload = s3.create_multipart_upload(Bucket=bucket, Key="multi")["UploadId"]
        part = s3.upload_part(Bucket=bucket, Key="multi", UploadId=upload, PartNumber=1, Body=b"new")
        parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        s3.complete_multipart_upload(
            Bucket=bucket, Key="multi", UploadId=upload, MultipartUpload=parts, IfMatch=condition
        )

    with pytest.raises(ClientError) as missing:
        complete('"anything"')
    assert missing.value.response["Error"]["Code"] == "NoSuchKey"
    etag = s3.put_object(Bucket=bucket, Key="multi", Body=b"old")["ETag"]
    with pytest.raises(ClientError) as stale:
        complete('"another"')
    assert stale.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
    complete(etag)
    assert s3.get_object(Bucket=bucket, Key="multi")["Body"].read() == b"new"


def test_conditional_writes_are_atomic(emulator: Emulator) -> None:
    dynamodb = emulator.client("dynamodb")
    dynamodb.create_table(
        TableName="races",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    won: list[int] = []

    def race(number: int) -> None:
        client = emulator.client("dynamodb")
        for turn in range(10):
            try:
                client.put_item(
                    TableName="races",
                    Item={"k": {"S": str(turn)}},
                    ConditionExpression="attribute_not_exists(k)",
                )
                won.append(turn)
            except client.exceptions.ConditionalCheckFailedException:
                pass

    threads = [threading.Thread(target=race, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == list(range(10))


def test_calls_are_counted_and_glues_own_reads_are_not(jobs: Jobs) -> None:
    job = jobs.define("pass")
    jobs.emulator.reset_calls()
    jobs.s3.list_objects_v2(Bucket=jobs.bucket)
    jobs.s3.get_object(Bucket=jobs.bucket, Key=f"{job}.py")
    run = jobs.start(job)
    jobs.wait(job, run)
    calls = jobs.emulator.calls()
    polls = calls["operations"].pop("glue.GetJobRun")
    assert polls > 0
    assert calls["operations"] == {"glue.StartJobRun": 1, "s3.GetObject": 1, "s3.ListObjectsV2": 1}
    assert calls["get_object_by_bucket"] == {jobs.bucket: 1}


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from alur_pulumi.local.emulator import Emulator\n"
        "emulator = Emulator.start(work_dir=Path(sys.argv[1]))\n"
        "print(emulator._process.pid, flush=True)\n"
        "os._exit(0)\n"
    )
    repository = Path(__file__).parents[2]
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    pid = int(ran.stdout)
    deadline = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()


def test_the_users_own_settings_do_not_lead_elsewhere(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "not-there")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert emulator.client("sts").get_caller_identity()["Account"] == "123456789012"
    assert emulator.calls()["operations"]["sts.GetCallerIdentity"]


def test_a_port_that_is_taken_is_told(emulator: Emulator, tmp_path: Path) -> None:
    port = int(emulator.endpoint.rpartition(":")[2])
    with pytest.raises(EmulatorStartError, match="in use"):
        Emulator.start(port, tmp_path)
