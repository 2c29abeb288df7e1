"""The emulator's WSGI application: moto, the counters, and what moto lacks."""

import io
import json
import logging
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.sax.saxutils import escape

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.logs.models import logs_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.serving import BaseWSGIServer, make_server

from alur_pulumi.local import moto_patches
from alur_pulumi.local.alarms import evaluate_alarms
from alur_pulumi.local.calls import Call, CallCounter, identify
from alur_pulumi.local.deliveries import Deliveries
from alur_pulumi.local.errors import LocalError
from alur_pulumi.local.event_triggers import EventTriggers
from alur_pulumi.local.glue_api import GlueApi, GlueError
from alur_pulumi.local.glue_python import VARIABLE, from_variable
from alur_pulumi.local.glue_runner import JobDefinition, JobRun, JobRunner
from alur_pulumi.local.run_access import Refusal, RunAccess, access_key, parameters
from alur_pulumi.local.topics import Topics

Environ = dict[str, Any]
StartResponse = Callable[..., Any]

_OWN_PREFIX = "/_alur/"
_LOG_GROUP = "/aws-glue/jobs/output"
_log = logging.getLogger(__name__)


class MissingObjectError(LocalError):
    """A job names an S3 object that is not there."""

    def __init__(self, uri: str) -> None:
        """Keep the URI."""
        super().__init__(uri)
        self.uri = uri

    def __str__(self) -> str:
        """Name the object and what to do."""
        return f"{self.uri} does not exist: deploy the stack that the job belongs to"


class RefusedReadError(LocalError):
    """A job's role may not read what the job is made of."""

    def __init__(self, uri: str, refusal: Refusal) -> None:
        """Keep the URI and the refusal."""
        super().__init__(uri, refusal)
        self.uri = uri
        self.refusal = refusal

    def __str__(self) -> str:
        """Name the object, and what the role lacks."""
        return f"{self.uri} cannot be read: {self.refusal.reason}"


class Application:
    """Answers AWS requests, and ``/_alur/...`` for tests and tools."""

    def __init__(self, work_dir: Path) -> None:
        """Make the application; job runs live below `work_dir`."""
        self.runner = JobRunner(
            work_dir / "runs",
            read_object,
            finished=self._job_ended,
            admits=self._admit,
            pythons=from_variable(os.environ.get(VARIABLE, "")),
        )
        self._access = RunAccess(DEFAULT_ACCOUNT_ID)
        self._refusals: list[Refusal] = []
        self._glue = GlueApi(self.runner, DEFAULT_ACCOUNT_ID)
        self._counter = CallCounter()
        self._moto = DomainDispatcherApplication(create_backend_app)
        moto_patches.apply()
        self._triggers = EventTriggers(self._fire)
        self._topics = Topics(DEFAULT_ACCOUNT_ID, self._refusals)
        self._deliveries = Deliveries(
            account=DEFAULT_ACCOUNT_ID,
            access=self._access,
            refusals=self._refusals,
            topics=self._topics,
            notify=self._triggers.notify,
            fire=self._fire,
            start=self._start_job,
        )
        moto_patches.deliver_too(self._deliveries.event)
        # moto checks a condition and then writes, with nothing in between that keeps another
        # thread out. One request at a time in each service makes conditional writes atomic.
        self._locks: dict[str, threading.RLock] = defaultdict(threading.RLock)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace")
        if path.startswith(_OWN_PREFIX):
            return self._own(environ["REQUEST_METHOD"], path.removeprefix(_OWN_PREFIX), start_response)
        if environ.get("CONTENT_LENGTH"):
            # Read before the lock is taken: a slow client must not hold up the others.
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            environ["wsgi.input"] = io.BytesIO(body)
        else:
            body = b""
        headers = {
            name.removeprefix("HTTP_").lower().replace("_", "-"): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        call = identify(environ["REQUEST_METHOD"], path, environ.get("QUERY_STRING", ""), headers, body)
        self._counter.count(call)
        role = self.runner.role_of(access_key(headers))
        if role and self._access.knows(role):
            asked = parameters(call, environ.get("QUERY_STRING", ""), headers, body)
            if refusal := self._access.judge(role, call, asked):
                self._refusals.append(refusal)
                return _refuse(call, refusal, start_response)
        with self._locks[call.service]:
            if call.service == "glue":
                answered = self._answer_glue(call, body, start_response)
                if answered is not None:
                    return answered
            if call.name == "s3.CompleteMultipartUpload" and "if-match" in headers:
                refused = _refuse_completion(call, headers["if-match"], start_response)
                if refused is not None:
                    return refused
            return list(self._moto(environ, start_response))

    def close(self) -> None:
        """End what runs, and let nothing start any more."""
        self._triggers.close()
        self.runner.close()

    def _fire(self, region: str, trigger: Any) -> None:
        for action in trigger.actions:
            try:
                with self._locks["glue"]:
                    self._glue.start_triggered(region, action.job_name, trigger.name)
            except GlueError as error:
                # Glue's own workflow ends with an error then, and nobody is there to be answered
                _log.warning("Trigger %s could not start %s: %s", trigger.name, action.job_name, error.message)

    def _job_ended(self, run: JobRun, state: str) -> None:
        try:
            publish_log(run)
            with self._locks["events"], self._locks["sns"], self._locks["sqs"]:
                self._deliveries.job_ended(run, state)
        except Exception:  # noqa: BLE001 - a run's own outcome must not hang on what is told of it
            _log.exception("Not all was told that hangs on the end of run %s", run.id)

    def _start_job(self, region: str, request: dict[str, Any]) -> dict[str, Any] | None:
        with self._locks["glue"]:
            return self._glue.answer("StartJobRun", region, request)

    def _answer_glue(self, call: Call, body: bytes, start_response: StartResponse) -> list[bytes] | None:
        try:
            answer = self._glue.answer(call.operation, call.region, json.loads(body or b"{}"))
        except GlueError as error:
            refusal = {"__type": error.code, "Message": error.message}
            return _respond_json(start_response, "400 Bad Request", refusal)
        return None if answer is None else _respond_json(start_response, "200 OK", answer)

    def _admit(self, definition: JobDefinition, uri: str) -> None:
        """Refuse what Glue is to read as a role that may not read it.

        Raises:
            RefusedReadError: If it may not.
        """
        if not self._access.knows(definition.role):
            return
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        call = Call("s3", "GetObject", definition.region, bucket, key)
        refusal = self._access.not_taken(definition.role, "glue.amazonaws.com", {}) or self._access.judge(
            definition.role, call, {"Bucket": bucket, "Key": key}
        )
        if refusal is not None:
            self._refusals.append(refusal)
            raise RefusedReadError(uri, refusal)

    def _own(self, method: str, path: str, start_response: StartResponse) -> list[bytes]:
        if path == "calls" and method == "GET":
            return _respond_json(start_response, "200 OK", self._counter.as_dict())
        if path == "calls/reset" and method == "POST":
            self._counter.reset()
            return _respond_json(start_response, "200 OK", {})
        if path == "refusals" and method == "GET":
            return _respond_json(start_response, "200 OK", [refusal.reason for refusal in self._refusals])
        if path == "ready":
            return _respond_json(start_response, "200 OK", {})
        match [unquote(part) for part in path.split("/")]:
            case ["alarms", region, "evaluate", at] if method == "POST":
                with self._locks["monitoring"], self._locks["sns"], self._locks["sqs"]:
                    return _respond_json(start_response, "200 OK", evaluate_alarms(region, float(at), self._topics))
            case ["schedules", region, name, "fire"] if method == "POST":
                return _respond_json(start_response, "200 OK", {"fired": self._deliveries.schedule(region, name)})
            case ["jobs", job, "runs", run_id, *rest]:
                run = self.runner.get(job, run_id)
                if run is not None and rest == ["log"]:
                    return _respond(start_response, "200 OK", "text/plain; charset=utf-8", run.log().encode())
                if run is not None and not rest:
                    return _respond_json(start_response, "200 OK", {**run.as_glue(), "pid": run.pid})
            case _:
                pass
        problem = f"There is no {method} {_OWN_PREFIX}{path} in this emulator"
        return _respond_json(start_response, "404 Not Found", {"error": problem})


def make_application_server(app: Application, port: int) -> BaseWSGIServer:
    """Bind the application to 127.0.0.1 (port 0 takes a free one)."""
    # Access lines of thousands of requests would bury what a job or moto has to say.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    return make_server("127.0.0.1", port, app, threaded=True, request_handler=MotoRequestHandler)


def read_object(uri: str) -> bytes:
    """Read an object straight from moto, so that Glue's own reads are not counted as the job's."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    found = backend.get_object(bucket, key) if bucket in backend.buckets else None
    if found is None:
        raise MissingObjectError(uri)
    return bytes(found.value)


def publish_log(run: JobRun) -> None:
    """Put a run's output where Glue puts it: a CloudWatch log stream of the run's id."""
    backend = logs_backends[DEFAULT_ACCOUNT_ID][run.definition.region]
    if _LOG_GROUP not in backend.groups:
        backend.create_log_group(_LOG_GROUP, {})
    backend.create_log_stream(_LOG_GROUP, run.id)
    moment = round((run.completed_on or run.started_on) * 1000)
    events = [{"timestamp": moment, "message": line} for line in run.log().splitlines() if line]
    if events:
        backend.put_log_events(_LOG_GROUP, run.id, events)


def _refuse(call: Call, refusal: Refusal, start_response: StartResponse) -> list[bytes]:
    """Say that a run's role may not do this, as the service says it."""
    if call.service == "s3":
        xml = f"<Error><Code>AccessDenied</Code><Message>{escape(refusal.reason)}</Message></Error>"
        return _respond(start_response, "403 Forbidden", "application/xml", xml.encode())
    answer = {"__type": "AccessDeniedException", "message": refusal.reason}
    return _respond_json(start_response, "400 Bad Request", answer)


def _refuse_completion(call: Call, wanted: str, start_response: StartResponse) -> list[bytes] | None:
    """Enforce If-Match on CompleteMultipartUpload, which moto lets pass."""
    backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    found = backend.get_object(call.bucket, call.key) if call.bucket in backend.buckets else None
    if found is not None and found.etag.strip('"') == wanted.strip('"'):
        return None
    if found is None:
        status, code, message = "404 Not Found", "NoSuchKey", "The specified key does not exist."
    else:
        status, code = "412 Precondition Failed", "PreconditionFailed"
        message = "At least one of the pre-conditions you specified did not hold"
    xml = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message>'
        f"<Condition>If-Match</Condition><Key>{escape(call.key)}</Key></Error>"
    )
    return _respond(start_response, status, "application/xml", xml.encode())


def _respond_json(start_response: StartResponse, status: str, value: object) -> list[bytes]:
    return _respond(start_response, status, "application/x-amz-json-1.1", json.dumps(value).encode())


def _respond(start_response: StartResponse, status: str, kind: str, body: bytes) -> list[bytes]:
    start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]
