"""Runs Glue jobs as processes on this machine and keeps the true state of every run."""

import json
import os
import secrets
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs

from alur_pulumi.local.errors import LocalError
from alur_pulumi.local.glue_python import GluePython, python_for

ACTIVE = frozenset({"STARTING", "RUNNING", "STOPPING"})

# The packages that a job gets through its wheels, and those that it must not see at all.
DEPLOYED = ("alur_runtime",)
ABSENT = ("alur_pulumi",)

_BOOTSTRAP = Path(__file__).with_name("job_bootstrap.py")
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "JAVA_HOME")
_LAST_LINES = 5


class TooManyRunsError(LocalError):
    """A job is running as often as its definition allows."""

    def __init__(self, job: str, limit: int) -> None:
        super().__init__(job, limit)
        self.job = job
        self.limit = limit

    def __str__(self) -> str:
        """Say it as Glue does, with the limit."""
        return f"Concurrent runs exceeded for {self.job}: its MaxConcurrentRuns is {self.limit}"


@attrs.frozen
class JobDefinition:
    """What a run needs of a Glue job's definition, run overrides applied."""

    name: str
    region: str
    script: str
    arguments: Mapping[str, str]
    timeout_minutes: int
    max_retries: int
    max_concurrent_runs: int
    shown: Mapping[str, object]
    """Attributes that GetJobRun repeats, such as WorkerType."""
    role: str = ""
    """ARN of the role that the job runs as."""

    def python(self, pythons: Mapping[str, Path]) -> GluePython:
        """The interpreter that it runs on, of those that Glue versions have."""
        return python_for(str(self.shown.get("GlueVersion", "")), pythons)

    @property
    def wheels(self) -> list[str]:
        """The S3 URIs of ``--extra-py-files``, in order."""
        return [uri.strip() for uri in self.arguments.get("--extra-py-files", "").split(",") if uri.strip()]


@attrs.define
class JobRun:
    """One attempt at a run; the runner's threads change it under the runner's lock."""

    id: str
    definition: JobDefinition
    attempt: int
    folder: Path
    run_arguments: Mapping[str, str]
    previous: str = ""
    state: str = "STARTING"
    started_on: float = attrs.field(factory=time.time)
    completed_on: float | None = None
    error: str = ""
    pid: int | None = None

    @property
    def log_path(self) -> Path:
        """Where the run's output goes, standard error included."""
        return self.folder / "log"

    @property
    def access_key(self) -> str:
        """The id of the access key that the run signs its requests with: they are told from others' by it."""
        return f"ASIA{self.id.removeprefix('jr_')[:16].upper()}"

    def log(self) -> str:
        """What the run has written so far."""
        return self.log_path.read_text("utf-8", "replace") if self.log_path.exists() else ""

    def as_glue(self) -> dict[str, object]:
        """The run as GetJobRun shows it (times as epoch seconds, as on the wire)."""
        end = self.completed_on or time.time()
        shown: dict[str, object] = {
            "Id": self.id,
            "Attempt": self.attempt,
            "JobName": self.definition.name,
            "StartedOn": self.started_on,
            "LastModifiedOn": end,
            "JobRunState": self.state,
            "Arguments": dict(self.run_arguments),
            "PredecessorRuns": [],
            "ExecutionTime": round(end - self.started_on),
            "Timeout": self.definition.timeout_minutes,
            "LogGroupName": "/aws-glue/jobs",
            **self.definition.shown,
        }
        if self.completed_on:
            shown["CompletedOn"] = self.completed_on
        if self.error:
            shown["ErrorMessage"] = self.error
        if self.previous:
            shown["PreviousRunId"] = self.previous
        return shown


class JobRunner:
    """Starts, watches and stops runs."""

    def __init__(
        self,
        work_dir: Path,
        fetch: Callable[[str], bytes],
        *,
        environment: Mapping[str, str] | None = None,
        finished: Callable[[JobRun, str], None] = lambda *_: None,
        admits: Callable[[JobDefinition, str], None] = lambda *_: None,
        seconds_per_minute: float = 60.0,
        pythons: Mapping[str, Path] | None = None,
    ) -> None:
        """Make a runner.

        Args:
            work_dir: Where the folders of the runs go.
            fetch: Reads an S3 URI; what it raises fails the run.
            environment: How a run reaches AWS; may be set later through the attribute.
            finished: Told about each run that has ended, and as what.
            admits: Told of each object before Glue reads it for a run; what it raises fails the run.
            seconds_per_minute: What a minute of a job's timeout lasts here.
            pythons: Interpreters by major version of Glue; jobs of another version run on this process's own.
        """
        self._work_dir = work_dir
        self._fetch = fetch
        self.environment: Mapping[str, str] = environment or {}
        self._finished = finished
        self._admits = admits
        self._minute = seconds_per_minute
        self._pythons = pythons or {}
        self._lock = threading.RLock()
        self._runs: dict[str, dict[str, JobRun]] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._threads: list[threading.Thread] = []
        self._roles: dict[str, str] = {}

    def start(self, definition: JobDefinition, run_arguments: Mapping[str, str], previous: str = "") -> JobRun:
        """Start a run and return at once.

        Raises:
            TooManyRunsError: As many runs as the definition allows are active.
        """
        return self._start(definition, run_arguments, f"jr_{secrets.token_hex(32)}", 0, previous)

    def _start(
        self,
        definition: JobDefinition,
        run_arguments: Mapping[str, str],
        run_id: str,
        attempt: int,
        previous: str,
    ) -> JobRun:
        with self._lock:
            runs = self._runs.setdefault(definition.name, {})
            active = sum(run.state in ACTIVE for run in runs.values())
            if active >= definition.max_concurrent_runs:
                raise TooManyRunsError(definition.name, definition.max_concurrent_runs)
            folder = self._work_dir / run_id
            folder.mkdir(parents=True)
            run = JobRun(run_id, definition, attempt, folder, run_arguments, previous)
            runs[run_id] = run
            self._roles[run.access_key] = definition.role
            thread = threading.Thread(target=self._run, args=(run,), daemon=True, name=f"run-{run_id[:12]}")
            self._threads.append(thread)
        thread.start()
        return run

    def get(self, job: str, run_id: str) -> JobRun | None:
        """The run of that id, if the job had one."""
        with self._lock:
            return self._runs.get(job, {}).get(run_id)

    def role_of(self, access_key: str) -> str:
        """The role of the run that has this access key; empty if it is nobody's here."""
        with self._lock:
            return self._roles.get(access_key, "")

    def runs(self, job: str) -> list[JobRun]:
        """The job's runs, the newest first."""
        with self._lock:
            return list(reversed(self._runs.get(job, {}).values()))

    def stop(self, job: str, run_id: str) -> bool:
        """Ask a run to stop; False if it is not an active run."""
        with self._lock:
            run = self.get(job, run_id)
            if run is None or run.state not in ACTIVE:
                return False
            run.state = "STOPPING"
            self._kill(run)
        return True

    def close(self) -> None:
        """Kill what still runs, and wait for its end to be recorded."""
        with self._lock:
            for job, runs in self._runs.items():
                for run_id in runs:
                    self.stop(job, run_id)
        for thread in self._threads:
            thread.join(timeout=10)

    def _run(self, run: JobRun) -> None:
        try:
            state, error = self._execute(run)
        except Exception as problem:  # noqa: BLE001 - a run that cannot start is a failed run, as in Glue
            state, error = "FAILED", f"{type(problem).__name__}: {problem}"
        with self._lock:
            if run.state == "STOPPING":
                state, error = "STOPPED", ""
            run.error = error
            run.completed_on = time.time()
        # Told before the state changes: who waits for the end finds the log complete, and everybody told.
        self._finished(run, state)
        with self._lock:
            run.state = state
        if state == "FAILED" and run.attempt < run.definition.max_retries:
            first = run.id.partition("_attempt_")[0]
            attempt = run.attempt + 1
            self._start(run.definition, run.run_arguments, f"{first}_attempt_{attempt}", attempt, run.id)

    def _execute(self, run: JobRun) -> tuple[str, str]:
        specification = self._prepare(run)
        wheels = json.loads(specification.read_text("utf-8"))["wheels"]
        # -I -S: nothing of PYTHONPATH, the working directory, the user's site or any .pth file
        # (which is how editable installs of the checkout would get in).
        command = [
            run.definition.python(self._pythons).executable,
            "-I",
            "-S",
            "-u",
            str(_BOOTSTRAP),
            str(specification),
        ]
        with self._lock:
            if run.state == "STOPPING":
                return "STOPPED", ""
            with run.log_path.open("wb") as log:
                process = subprocess.Popen(  # noqa: S603 - our own interpreter and bootstrap
                    command,
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=run.folder,
                    env=self._run_environment(wheels, run),
                    start_new_session=True,
                )
            self._processes[run.id] = process
            run.pid = process.pid
            run.state = "RUNNING"
        timed_out = False
        try:
            process.wait(timeout=run.definition.timeout_minutes * self._minute)
        except subprocess.TimeoutExpired:
            timed_out = True
            self._kill(run)
            process.wait()
        # Children of a killed run, such as Spark's JVM, must not outlive it.
        self._kill(run)
        if process.stdin:
            process.stdin.close()
        if timed_out:
            return (
                "TIMEOUT",
                f"The run took longer than its timeout of {run.definition.timeout_minutes} minutes",
            )
        return _verdict(process.returncode, run)

    def _prepare(self, run: JobRun) -> Path:
        (run.folder / "script.py").write_bytes(self._read(run, run.definition.script))
        wheels: list[str] = []
        for number, uri in enumerate(run.definition.wheels):
            # A folder for each: two wheels may have the same name, and a name must stay as it is.
            wheel = run.folder / "wheels" / str(number) / uri.rpartition("/")[2]
            wheel.parent.mkdir(parents=True)
            wheel.write_bytes(self._read(run, uri))
            wheels.append(str(wheel))
        arguments = [part for pair in run.definition.arguments.items() for part in pair]
        arguments += ["--JOB_ID", f"j_{run.definition.name}", "--JOB_RUN_ID", run.id]
        arguments += ["--JOB_NAME", run.definition.name]
        specification = run.folder / "run.json"
        contents = {
            "wheels": wheels,
            "arguments": arguments,
            "site_packages": run.definition.python(self._pythons).site_packages,
            "deployed": DEPLOYED,
            "absent": ABSENT,
        }
        specification.write_text(json.dumps(contents), "utf-8")
        return specification

    def _read(self, run: JobRun, uri: str) -> bytes:
        self._admits(run.definition, uri)
        return self._fetch(uri)

    def _run_environment(self, wheels: list[str], run: JobRun) -> dict[str, str]:
        python = run.definition.python(self._pythons)
        # A Spark of the developer's own is none of Glue's.
        passed_on = _PASSED_ON if python.own else (*_PASSED_ON, "SPARK_HOME")
        kept = {name: os.environ[name] for name in passed_on if name in os.environ}
        return {
            **kept,
            **self.environment,
            "AWS_REGION": run.definition.region,
            "AWS_DEFAULT_REGION": run.definition.region,
            "AWS_ACCESS_KEY_ID": run.access_key,
            "TZ": "UTC",
            # Spark's Python workers are not isolated: they find the wheels by this.
            "PYTHONPATH": os.pathsep.join(wheels),
            "PYSPARK_PYTHON": python.executable,
            "PYSPARK_DRIVER_PYTHON": python.executable,
            "SPARK_LOCAL_IP": "127.0.0.1",
        }

    def _kill(self, run: JobRun) -> None:
        process = self._processes.get(run.id)
        if process is None:
            return
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def _verdict(code: int, run: JobRun) -> tuple[str, str]:
    if code == 0:
        return "SUCCEEDED", ""
    if code < 0:
        return "FAILED", f"The run's process was killed by signal {-code} ({signal.Signals(-code).name})"
    outcome = run.folder / "outcome.json"
    if outcome.exists() and (error := json.loads(outcome.read_text("utf-8"))["error"]):
        return "FAILED", str(error)
    last = "\n".join(run.log().splitlines()[-_LAST_LINES:])
    return "FAILED", last or f"The run's process ended with exit code {code}"
