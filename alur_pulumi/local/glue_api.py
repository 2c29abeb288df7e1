"""The Glue operations that moto lacks, or only pretends to do."""

from collections.abc import Callable, Mapping
from typing import Any

import attrs
from moto.glue.models import GlueBackend, glue_backends
from moto.glue.utils import Action, Predicate

from alur_pulumi.local.glue_runner import JobDefinition, JobRun, JobRunner, TooManyRunsError

Json = dict[str, Any]

_DEFAULT_TIMEOUT_MINUTES = 2880
_PARTITIONS_PER_CALL = 100

# What UpdateJob may set, and which attribute of moto's job that is. As in Glue, an update
# replaces the definition as a whole: what is not given goes back to its default.
_JOB_ATTRIBUTES: Mapping[str, tuple[str, Any]] = {
    "Description": ("description", None),
    "LogUri": ("log_uri", None),
    "Role": ("role", None),
    "ExecutionProperty": ("execution_property", {}),
    "Command": ("command", None),
    "DefaultArguments": ("default_arguments", {}),
    "NonOverridableArguments": ("non_overridable_arguments", None),
    "Connections": ("connections", None),
    "MaxRetries": ("max_retries", None),
    "AllocatedCapacity": ("allocated_capacity", None),
    "Timeout": ("timeout", None),
    "MaxCapacity": ("max_capacity", None),
    "WorkerType": ("worker_type", None),
    "NumberOfWorkers": ("number_of_workers", None),
    "SecurityConfiguration": ("security_configuration", None),
    "NotificationProperty": ("notification_property", None),
    "GlueVersion": ("glue_version", None),
    "CodeGenConfigurationNodes": ("code_gen_configuration_nodes", None),
    "ExecutionClass": ("execution_class", "STANDARD"),
    # taken and never shown, as CreateJob does it in moto
    "JobRunQueuingEnabled": ("job_run_queuing_enabled", None),
    "SourceControlDetails": ("source_control_details", None),
}
_RUN_ATTRIBUTES = (
    "AllocatedCapacity",
    "MaxCapacity",
    "WorkerType",
    "NumberOfWorkers",
    "SecurityConfiguration",
    "GlueVersion",
    "ExecutionClass",
    "NotificationProperty",
)


class GlueError(Exception):
    """An error that goes to the client as Glue's own."""

    def __init__(self, code: str, message: str) -> None:
        """Keep Glue's name of the error and its message."""
        super().__init__(code, message)
        self.code = code
        self.message = message


@attrs.frozen
class GlueApi:
    """Answers the operations of `operations`; moto answers all others."""

    runner: JobRunner
    account: str

    def answer(self, operation: str, region: str, request: Json) -> Json | None:
        """Answer a request, or return None where moto shall.

        Raises:
            GlueError: What Glue would answer with.
        """
        handlers: dict[str, Callable[[GlueBackend, Json], Json | None]] = {
            "StartJobRun": self._start_job_run,
            "GetJobRun": self._get_job_run,
            "GetJobRuns": self._get_job_runs,
            "BatchStopJobRun": self._batch_stop_job_run,
            "UpdateJob": _update_job,
            "UpdateTrigger": _update_trigger,
            "UpdateConnection": _update_connection,
            "DeleteConnection": _delete_connection,
            "BatchCreatePartition": _check_partitions,
        }
        handler = handlers.get(operation)
        return handler(glue_backends[self.account][region], request) if handler else None

    def start_triggered(self, region: str, job: str, trigger: str) -> None:
        """Start a run as a trigger does.

        Raises:
            GlueError: What the trigger would be answered with.
        """
        self._start(glue_backends[self.account][region], {"JobName": job}, {"TriggerName": trigger})

    def _start_job_run(self, backend: GlueBackend, request: Json) -> Json:
        return self._start(backend, request, {})

    def _start(self, backend: GlueBackend, request: Json, shown: Json) -> Json:
        job = _job(backend, request["JobName"]).as_dict()
        arguments = {
            **job["DefaultArguments"],
            **request.get("Arguments", {}),
            **(job["NonOverridableArguments"] or {}),
        }
        settings = {name: request.get(name, job.get(name)) for name in _RUN_ATTRIBUTES}
        definition = JobDefinition(
            name=job["Name"],
            region=backend.region_name,
            script=job["Command"]["ScriptLocation"],
            arguments=arguments,
            timeout_minutes=request.get("Timeout") or job["Timeout"] or _DEFAULT_TIMEOUT_MINUTES,
            max_retries=job["MaxRetries"] or 0,
            max_concurrent_runs=job["ExecutionProperty"].get("MaxConcurrentRuns", 1),
            shown={name: value for name, value in settings.items() if value is not None} | shown,
            role=job["Role"] or "",
        )
        try:
            run = self.runner.start(definition, request.get("Arguments", {}), request.get("JobRunId", ""))
        except TooManyRunsError as error:
            code = "ConcurrentRunsExceededException"
            raise GlueError(code, str(error)) from error
        return {"JobRunId": run.id}

    def _get_job_run(self, backend: GlueBackend, request: Json) -> Json:
        return {"JobRun": self._run(backend, request["JobName"], request["RunId"]).as_glue()}

    def _get_job_runs(self, backend: GlueBackend, request: Json) -> Json:
        _job(backend, request["JobName"])
        runs = self.runner.runs(request["JobName"])
        start = int(request.get("NextToken") or 0)
        end = start + int(request.get("MaxResults") or 200)
        page: Json = {"JobRuns": [run.as_glue() for run in runs[start:end]]}
        if end < len(runs):
            page["NextToken"] = str(end)
        return page

    def _batch_stop_job_run(self, backend: GlueBackend, request: Json) -> Json:
        name = request["JobName"]
        _job(backend, name)
        stopped: list[Json] = []
        errors: list[Json] = []
        for run_id in request["JobRunIds"]:
            if self.runner.stop(name, run_id):
                stopped.append({"JobName": name, "JobRunId": run_id})
            else:
                detail = {"ErrorCode": "JobRunCannotBeStopped", "ErrorMessage": f"{run_id} is not running"}
                errors.append({"JobName": name, "JobRunId": run_id, "ErrorDetail": detail})
        return {"SuccessfulSubmissions": stopped, "Errors": errors}

    def _run(self, backend: GlueBackend, job: str, run_id: str) -> JobRun:
        _job(backend, job)
        run = self.runner.get(job, run_id)
        if run is None:
            code = "EntityNotFoundException"
            raise GlueError(code, f"Job run {run_id} not found.")
        return run


def _job(backend: GlueBackend, name: str) -> Any:
    job = backend.jobs.get(name)
    if job is None:
        code = "EntityNotFoundException"
        raise GlueError(code, f"Job {name} not found.")
    return job


def _update_job(backend: GlueBackend, request: Json) -> Json:
    job = _job(backend, request["JobName"])
    update = request["JobUpdate"]
    if unknown := sorted(set(update) - set(_JOB_ATTRIBUTES)):
        code = "InvalidInputException"
        raise GlueError(code, f"The local Glue's UpdateJob does not support {', '.join(unknown)}")
    for name, (attribute, default) in _JOB_ATTRIBUTES.items():
        setattr(job, attribute, update.get(name, default))
    return {"JobName": job.name}


def _update_trigger(backend: GlueBackend, request: Json) -> Json:
    trigger = backend.triggers.get(request["Name"])
    if trigger is None:
        code = "EntityNotFoundException"
        raise GlueError(code, f"Trigger {request['Name']} not found.")
    update = request["TriggerUpdate"]
    trigger.description = update.get("Description", trigger.description)
    trigger.schedule = update.get("Schedule", trigger.schedule)
    trigger.event_batching_condition = update.get("EventBatchingCondition", trigger.event_batching_condition)
    if "Actions" in update:
        trigger.actions = [Action(action) for action in update["Actions"]]
    if "Predicate" in update:
        trigger.predicate = Predicate(update["Predicate"])
    return {"Trigger": trigger.as_dict()}


def _update_connection(backend: GlueBackend, request: Json) -> Json:
    old = backend.get_connection("", request["Name"], "")
    tags = backend.get_tags(old.arn)
    del backend.connections[request["Name"]]
    backend.create_connection(old.catalog_id, request["ConnectionInput"], tags)
    return {}


def _delete_connection(backend: GlueBackend, request: Json) -> Json:
    name = request["ConnectionName"]
    if backend.connections.pop(name, None) is None:
        code = "EntityNotFoundException"
        raise GlueError(code, f"Connection {name} not found.")
    return {}


def _check_partitions(_: GlueBackend, request: Json) -> None:
    given = len(request.get("PartitionInputList", []))
    if given > _PARTITIONS_PER_CALL:
        code = "ValidationException"
        message = f"PartitionInputList has {given} items; at most {_PARTITIONS_PER_CALL} are allowed"
        raise GlueError(code, message)
