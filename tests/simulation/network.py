"""Between a run and the cloud: latency, and what befalls a request or its answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import attrs
from botocore.exceptions import ReadTimeoutError

from tests.simulation.cloud.answers import LimitBrokenError, client_error
from tests.simulation.oracle import Oracle, ViolationError
from tests.simulation.schedule import DEATHS, ERRORS, Fault, Kind
from tests.simulation.scheduler import KilledError, Process, Scheduler, Task
from tests.simulation.world import World

Answer = dict[str, Any]
Entry = tuple[float, str, str, str, str]
"""Time, process and task, operation, what it is about, what came of it."""

MAIN: Final = "main"
_REFUSALS: Final = {
    "s3": (("SlowDown", 503), ("InternalError", 500)),
    "dynamodb": (
        ("ProvisionedThroughputExceededException", 400),
        ("InternalServerError", 500),
        ("TransactionConflictException", 400),
    ),
    "glue": (("ThrottlingException", 400), ("InternalServiceException", 500)),
    "cloudwatch": (("Throttling", 400), ("InternalServiceFault", 500)),
}
# A signature is not valid for longer.
_LATEST: Final = {"s3": 900.0, "dynamodb": 300.0, "glue": 300.0, "cloudwatch": 300.0}


@attrs.define(eq=False)
class Caller:
    """What a run is to the network.

    Attributes:
        faults: That are to befall it.
        heartbeat: Whether calls of its heartbeat arrive.
        touched: Whether an error was injected, after which it may end with one.
        killed: Whether it was.
    """

    faults: tuple[Fault, ...] = ()
    heartbeat: bool = True
    touched: bool = False
    killed: bool = False
    _counts: Counter[str] = attrs.field(factory=Counter)

    def fault(self, operation: str) -> Fault | None:
        """What befalls the next call."""
        self._counts.update(("", operation))
        return next(
            (f for f in self.faults if f.operation in ("", operation) and f.call == self._counts[f.operation]), None
        )


@attrs.define(eq=False)
class Network:
    """Takes every request of every run.

    Attributes:
        trace: What happened, in order.
        injected: Faults by kind, those only that a call met.
        violation: The first that was found; nothing happens after it.
        change_request: What becomes of a request before it is sent; for mutants.
    """

    world: World
    scheduler: Scheduler
    oracle: Oracle
    callers: dict[str, Caller] = attrs.field(factory=dict)
    trace: list[Entry] = attrs.field(factory=list)
    injected: Counter[str] = attrs.field(factory=Counter)
    violation: ViolationError | None = None
    change_request: Callable[[str, dict[str, Any]], dict[str, Any]] = lambda _, request: request
    _uploads: dict[str, str] = attrs.field(factory=dict)

    def send(self, service: str, operation: str, request: dict[str, Any]) -> Answer:
        """One request of the task whose turn it is."""
        task = self.scheduler.this()
        caller = self.callers[task.process.name]
        request = self.change_request(operation, request)
        task.calls += 1
        fault = caller.fault(operation) if task.name == MAIN else None
        self.scheduler.sleep(self._latency(task))
        if task.name != MAIN and not caller.heartbeat:
            self._note(task, operation, request, "does not arrive")
            self.injected["heartbeat_lost"] += 1
            raise _timeout()
        if fault is None:
            return self._effect(task, service, operation, request)
        return self._befallen(fault, task, service, operation, request)

    def _befallen(self, fault: Fault, task: Task, service: str, operation: str, request: dict[str, Any]) -> Answer:
        caller, kind = self.callers[task.process.name], fault.kind
        self.injected[kind.value] += 1
        caller.touched |= kind in ERRORS
        if operation in ("CreateMultipartUpload", "AbortMultipartUpload") and kind not in (Kind.SLEEPS, *DEATHS):
            caller.killed = True  # as far as pending uploads go: nobody knows the id, or the abort was lost
        if kind in (Kind.DIES_BEFORE, Kind.DIES_AFTER):
            if kind is Kind.DIES_AFTER:
                self._try_effect(task, service, operation, request)
            self._note(task, operation, request, kind.value)
            self.kill(task.process)
            raise KilledError
        if kind is Kind.SLEEPS:
            self._note(task, operation, request, f"sleeps {fault.seconds:.1f} s")
            self.scheduler.freeze(task.process, fault.seconds)
            return self._effect(task, service, operation, request)
        if kind is Kind.REFUSED:
            return self._refuse(task, service, operation, request)
        if kind is Kind.PARTIAL:
            return self._partial(task, service, operation, request)
        late = min(fault.seconds, _LATEST[service])
        if kind is Kind.LATE:
            self._note(task, operation, request, f"timeout, arrives {late:.1f} s later")
            self._later(late, task, service, operation, request)
            raise _timeout()
        if kind is Kind.TWICE:
            self._later(late, task, service, operation, request)
            return self._effect(task, service, operation, request)
        self._try_effect(task, service, operation, request)
        self._note(task, operation, request, kind.value)
        if kind is Kind.REPEATED:
            self.scheduler.sleep(fault.seconds)
            return self._effect(task, service, operation, request)
        if kind is Kind.FAILED_AFTER:
            raise client_error(operation, *_REFUSALS[service][1][:1], status=500)
        raise _timeout()

    # --- effects --------------------------------------------------------------------------------------------------

    def _effect(self, task: Task | None, service: str, operation: str, request: dict[str, Any]) -> Answer:
        """Let a request take effect, and look whether all is well."""
        if self.violation is not None:
            raise KilledError
        try:
            answer: Answer = getattr(self.world, service).call(operation, request)
        except LimitBrokenError as error:
            self._found(ViolationError("limit", str(error)))
            raise KilledError from error
        except Exception as error:
            self._note(
                task, operation, request, str(getattr(error, "response", {}).get("Error", {}).get("Code", error))
            )
            raise
        self._note(task, operation, request, "ok")
        if operation == "CreateMultipartUpload":
            self._uploads[answer["UploadId"]] = "" if task is None else task.process.name
        self.look()
        if self.violation is not None:
            raise KilledError
        return answer

    def look(self) -> None:
        """Check what must always hold."""
        try:
            if self.violation is None:
                self.oracle.look()
        except ViolationError as error:
            self._found(error)

    def _found(self, violation: ViolationError) -> None:
        self.violation = self.violation or violation
        for name in self.callers:
            self.callers[name].killed = True

    def _try_effect(self, task: Task | None, service: str, operation: str, request: dict[str, Any]) -> None:
        """An effect whose answer nobody sees."""
        try:
            self._effect(task, service, operation, request)
        except Exception:  # noqa: BLE001  (whatever it was: its answer is lost)
            return

    def _later(self, seconds: float, task: Task, service: str, operation: str, request: dict[str, Any]) -> None:
        def arrive() -> None:
            try:
                self._try_effect(None, service, operation, request)
            except KilledError:
                return

        del task
        self.scheduler.at(self.scheduler.clock.now + seconds, arrive)

    def _refuse(self, task: Task, service: str, operation: str, request: dict[str, Any]) -> Answer:
        code, status = task.random.choice(_REFUSALS[service])
        self._note(task, operation, request, code)
        raise client_error(operation, code, status=status)

    def _partial(self, task: Task, service: str, operation: str, request: dict[str, Any]) -> Answer:
        if operation == "BatchGetItem":
            ((table, wanted),) = request["RequestItems"].items()
            keys = list(wanted["Keys"])
            kept = task.random.randint(0, len(keys) - 1)
            left = {table: {**wanted, "Keys": keys[kept:]}}
            if not kept:
                self._note(task, operation, request, "nothing processed")
                return {"Responses": {table: []}, "UnprocessedKeys": left}
            part = {"RequestItems": {table: {**wanted, "Keys": keys[:kept]}}}
            return {**self._effect(task, service, operation, part), "UnprocessedKeys": left}
        if operation == "TransactWriteItems":
            if task.random.random() < 0.5:
                self._note(task, operation, request, "in progress")
                raise client_error(operation, "TransactionInProgressException")
            reasons = [{"Code": "None"} for _ in request["TransactItems"]]
            task.random.choice(reasons)["Code"] = task.random.choice(("TransactionConflict", "ThrottlingError"))
            self._note(task, operation, request, "conflict")
            raise client_error(operation, "TransactionCanceledException", CancellationReasons=reasons)
        if operation == "DeleteObjects":
            first, *others = request["Delete"]["Objects"]
            if others:
                self._effect(task, service, operation, {**request, "Delete": {"Objects": others}})
            return {"Errors": [{"Key": first["Key"], "Code": "InternalError", "Message": "try again"}]}
        if operation == "BatchCreatePartition":
            first, *others = request["PartitionInputList"]
            if others:
                self._effect(task, service, operation, {**request, "PartitionInputList": others})
            detail = {"ErrorCode": "InternalServiceException", "ErrorMessage": "try again"}
            return {"Errors": [{"PartitionValues": first["Values"], "ErrorDetail": detail}]}
        if operation in ("PutItem", "UpdateItem"):
            self._note(task, operation, request, "conflict")
            raise client_error(operation, "TransactionConflictException")
        return self._refuse(task, service, operation, request)

    # --- bookkeeping ----------------------------------------------------------------------------------------------

    def kill(self, process: Process) -> None:
        """End a run."""
        self.callers[process.name].killed = True
        self.scheduler.kill(process)

    def left_by_the_dead(self) -> set[str]:
        """Pending uploads of runs that were killed or lost AWS: the bucket's rule removes them."""
        excused = {name for name, caller in self.callers.items() if caller.killed or caller.touched} | {""}
        return {u for u, name in self._uploads.items() if name in excused}

    def _latency(self, task: Task) -> float:
        """Mostly quick; now and then as slow as a lease is long."""
        kind, lease = task.random.random(), self.world.schedule.run_lease
        if kind < 0.8:
            return task.random.uniform(0.01, 0.2)
        return task.random.uniform(0.2, 1.5) if kind < 0.98 else task.random.uniform(0.1, 0.7) * lease

    def _note(self, task: Task | None, operation: str, request: dict[str, Any], outcome: str) -> None:
        who = "(straggler)" if task is None else task.process.name + ("" if task.name == MAIN else " heartbeat")
        self.trace.append((self.world.clock.now, who, operation, _about(request), outcome))


def _timeout() -> ReadTimeoutError:
    return ReadTimeoutError(endpoint_url="https://aws", error="no answer")


def _about(request: dict[str, Any]) -> str:
    """What a request is about, in a few words."""
    if "TransactItems" in request:
        bodies = [next(iter(w.values())) for w in request["TransactItems"]]
        return ", ".join(b.get("Key", b.get("Item"))["file_path"]["S"] for b in bodies)
    if found := request.get("Key") if isinstance(request.get("Key"), dict) else request.get("Item"):
        status = found.get("status", {}).get("S", "")
        return f"{found['file_path']['S']} {status}".rstrip()
    if "ExpressionAttributeValues" in request:
        return " ".join(
            str(v.get("S", v)) for k, v in request["ExpressionAttributeValues"].items() if k in (":hash", ":prefix")
        )
    if "Delete" in request:
        return ", ".join(o["Key"] for o in request["Delete"]["Objects"])
    if "RequestItems" in request:
        return ", ".join(k["file_path"]["S"] for w in request["RequestItems"].values() for k in w["Keys"])
    if "MetricData" in request:
        return ", ".join(f"{d['MetricName']} {d['Value']:g}" for d in request["MetricData"])
    if "PartitionInputList" in request:
        return ", ".join("/".join(p["Values"]) for p in request["PartitionInputList"])
    return " ".join(str(request[k]) for k in ("Prefix", "Key", "UploadId") if k in request)
