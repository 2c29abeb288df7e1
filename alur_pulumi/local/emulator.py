"""The embedded AWS as a process: start it, reach it, stop it.

``python -m alur_pulumi.local.emulator --port 5000`` runs it in the foreground.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import attrs

from alur_pulumi.local.errors import EmulatorStartError
from alur_pulumi.local.glue_python import VARIABLE, to_variable

_READY = "The embedded AWS answers at "
_LAST_BYTES = 4000
_GOING_ON = frozenset({"STARTING", "RUNNING", "STOPPING", "WAITING"})
_POLL_SECONDS = 0.2

PYTHON_VARIABLE = "ALUR_EMULATOR_PYTHON"
"""Names the interpreter that the server's process runs on, where this one lacks what it needs."""


def aws_environment(endpoint: str, region: str = "us-east-1") -> dict[str, str]:
    """The variables by which any AWS client reaches the emulator and nothing else."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
        # A profile or a configuration of the user's must not lead elsewhere.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_ALLOW_HTTP": "true",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


@attrs.define
class Emulator:
    """A running emulator; made by `start`, which is also a context manager."""

    endpoint: str
    region: str
    work_dir: Path
    _process: subprocess.Popen[bytes]
    _temporary: tempfile.TemporaryDirectory[str] | None = None

    @classmethod
    def start(
        cls,
        port: int = 0,
        work_dir: Path | None = None,
        *,
        region: str = "us-east-1",
        glue_pythons: Mapping[str, Path] | None = None,
    ) -> Self:
        """Start the server's process and wait until it answers.

        Args:
            port: The port on 127.0.0.1; 0 takes a free one.
            work_dir: Where job runs and the server's log go; by default a folder that `stop` removes.
            region: The region that `environment` names.
            glue_pythons: Interpreters by major version of Glue (``5``), which job runs get in place of this one; what
                the variable `ALUR_GLUE_PYTHON` says, if not given.

        Raises:
            EmulatorStartError: The process ended before it was ready.
        """
        temporary = None
        if work_dir is None:
            temporary = tempfile.TemporaryDirectory(prefix="alur-aws-")
            work_dir = Path(temporary.name)
        work_dir.mkdir(parents=True, exist_ok=True)
        package_root = str(Path(__file__).parents[2])
        # -c, not -m: the child finds this very package, whatever its working directory.
        code = (
            f"import sys; sys.path.insert(0, {package_root!r}); "
            "from alur_pulumi.local.emulator import main; raise SystemExit(main())"
        )
        arguments = [
            "--port",
            str(port),
            "--work-dir",
            str(work_dir),
            "--region",
            region,
            "--end-with-parent",
        ]
        log_path = work_dir / "server.log"
        with log_path.open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter
                [os.environ.get(PYTHON_VARIABLE, sys.executable), "-c", code, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, VARIABLE: to_variable(glue_pythons)} if glue_pythons else None,
            )
        assert process.stdout is not None
        # The line comes once the socket is bound, so the first request is already answered.
        line = process.stdout.readline().decode()
        if not line.startswith(_READY):
            process.kill()
            code_number = process.wait()
            said = log_path.read_text("utf-8", "replace")[-_LAST_BYTES:]
            raise EmulatorStartError(f"its process ended with code {code_number}", said)
        return cls(line.removeprefix(_READY).strip(), region, work_dir, process, temporary)

    def environment(self) -> dict[str, str]:
        """Variables that lead AWS clients here."""
        return aws_environment(self.endpoint, self.region)

    def client(self, service: str) -> Any:
        """A boto3 client of this emulator, whatever the environment of this process says."""
        # A third of a second for boto3, which starting the server does not need.
        from alur_pulumi.local.clients import local_client  # noqa: PLC0415

        return local_client(service, self.endpoint, self.region)

    def calls(self) -> dict[str, dict[str, int]]:
        """The calls since the start or the last reset: ``operations``, ``get_object_by_...``."""
        counts: dict[str, dict[str, int]] = json.loads(self._own("calls"))
        return counts

    def reset_calls(self) -> None:
        """Count from nothing again."""
        self._own("calls/reset", method="POST")

    def evaluate_alarms(self, at: float) -> dict[str, str]:
        """Bring metric alarms to the state they have at a moment, and tell the topics of those that change.

        Nothing does so by itself here: what is published may be of any time, and so is what is asked.

        Args:
            at: Seconds since the epoch.

        Returns:
            ``OK``, ``ALARM`` or ``INSUFFICIENT_DATA`` by the alarm's name.
        """
        states: dict[str, str] = json.loads(self._own(f"alarms/{self.region}/evaluate/{at}", method="POST"))
        return states

    def refusals(self) -> list[str]:
        """What job runs were refused because their roles do not allow it, in order."""
        found: list[str] = json.loads(self._own("refusals"))
        return found

    def fire_schedule(self, name: str) -> bool:
        """Let the time of a schedule come, one of Glue's triggers or of the scheduler: no clock does so here.

        Args:
            name: Its name.

        Returns:
            Whether it started what it is there to start.
        """
        fired: bool = json.loads(self._own(f"schedules/{self.region}/{quote(name, '')}/fire", method="POST"))["fired"]
        return fired

    def run_job(self, job: str) -> dict[str, Any]:
        """Start a job and wait until its run has ended, however it ends.

        Args:
            job: The job's name.

        Returns:
            The run as `run_details` has it.
        """
        run_id = self.client("glue").start_job_run(JobName=job)["JobRunId"]
        while (run := self.run_details(job, run_id))["JobRunState"] in _GOING_ON:
            time.sleep(_POLL_SECONDS)
        return run

    def run_details(self, job: str, run_id: str) -> dict[str, Any]:
        """A job run as GetJobRun shows it, and the ``pid`` of its process."""
        details: dict[str, Any] = json.loads(self._own(f"jobs/{quote(job, '')}/runs/{run_id}"))
        return details

    def run_log(self, job: str, run_id: str) -> str:
        """What a job run has written so far."""
        return self._own(f"jobs/{quote(job, '')}/runs/{run_id}/log").decode("utf-8", "replace")

    def stop(self) -> None:
        """Stop the server and every job that it runs."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                stream.close()
        if self._temporary:
            self._temporary.cleanup()

    def __enter__(self) -> Self:
        """Return the emulator itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    def _own(self, path: str, method: str = "GET") -> bytes:
        request = urllib.request.Request(f"{self.endpoint}/_alur/{path}", method=method)  # noqa: S310 - http only
        # No proxy of the user's: it could not reach this machine's loopback.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as response:
            body: bytes = response.read()
        return body


def main(argv: list[str] | None = None) -> int:
    """Run the server in this process until it is told to end."""
    parser = argparse.ArgumentParser(prog="alur_pulumi.local.emulator", description="An AWS on this machine.")
    parser.add_argument("--port", type=int, default=5000, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--work-dir", type=Path, help="folder for job runs (default: a temporary one)")
    parser.add_argument("--region", default="us-east-1", help="region that jobs run in")
    parser.add_argument("--end-with-parent", action="store_true", help="end when standard input closes")
    options = parser.parse_args(argv)
    with contextlib.ExitStack() as stack:
        folder = options.work_dir
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="alur-aws-")))
        return _serve(options.port, folder, options.region, end_with_parent=options.end_with_parent)


def _serve(port: int, work_dir: Path, region: str, *, end_with_parent: bool) -> int:
    from alur_pulumi.local.server import Application, make_application_server  # noqa: PLC0415 - moto takes a second

    application = Application(work_dir)
    server = make_application_server(application, port)
    endpoint = f"http://127.0.0.1:{server.server_port}"
    # Only now: the port is known once the socket is bound.
    application.runner.environment = aws_environment(endpoint, region)

    def end(*_: object) -> None:
        # shutdown() waits for serve_forever() to return, so it must not be called from within it.
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    if end_with_parent:
        threading.Thread(target=_wait_for_parent, args=(end,), daemon=True).start()
    sys.stdout.write(f"{_READY}{endpoint}\n")
    sys.stdout.flush()
    try:
        server.serve_forever()
    finally:
        application.close()
        server.server_close()
    return 0


def _wait_for_parent(end: Any) -> None:
    while os.read(0, 1024):
        pass
    end()


if __name__ == "__main__":
    raise SystemExit(main())
