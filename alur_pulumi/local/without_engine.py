"""Deploys a program without the Pulumi engine: the same program, the same provider code.

Only what the components need is done: create, update, replace and delete by the provider's
own diff, protection, retention, and outputs. It is the way out where no CLI can be had.
"""

import asyncio
import contextvars
import json
import secrets
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs
from botocore.exceptions import BotoCoreError, ClientError
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime import mocks, run_in_stack, set_all_config
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import configure

from alur_pulumi.errors import AlurError
from alur_pulumi.local.core import ProviderCore
from alur_pulumi.local.deployment import ResourceOperation, Summary
from alur_pulumi.local.errors import DeploymentError, LocalError
from alur_pulumi.local.program import Project
from alur_pulumi.local.resources.base import UNKNOWN, Aws, Props
from alur_pulumi.local.wire import to_plain, to_props, to_values

_STACK_TYPE = "pulumi:pulumi:Stack"
_PROVIDER_TYPE = "pulumi:providers:aws"


class ProtectedError(LocalError):
    """A protected resource would be deleted or replaced."""

    def __init__(self, urn: str) -> None:
        """Keep the resource."""
        super().__init__(urn)
        self.urn = urn

    def __str__(self) -> str:
        """Name the resource and what to do."""
        return f"{self.urn} is protected: set protect=False and deploy once more before it may be deleted"


class NotWithoutEngineError(LocalError):
    """Something that only the real engine can do."""

    def __init__(self, urn: str, what: str) -> None:
        """Keep the resource and what was asked for."""
        super().__init__(urn, what)
        self.urn = urn
        self.what = what

    def __str__(self) -> str:
        """Name both."""
        return f"{self.urn}: {self.what} needs the Pulumi CLI, and this deployment runs without it"


@attrs.define
class Known:
    """A resource in the state file."""

    type: str
    id: str
    inputs: Props
    state: Props
    protect: bool = False
    retain_on_delete: bool = False


@attrs.define
class StackState:
    """The state file: resources in the order in which they were made, and the outputs."""

    path: Path
    resources: dict[str, Known] = attrs.field(factory=dict)
    outputs: Props = attrs.field(factory=dict)

    @classmethod
    def load(cls, path: Path) -> "StackState":
        """Read the file; one that is not there is a stack with nothing in it."""
        if not path.exists():
            return cls(path)
        content = json.loads(path.read_text("utf-8"))
        resources = {urn: Known(**known) for urn, known in content["resources"].items()}
        return cls(path, resources, content["outputs"])

    def save(self) -> None:
        """Write the file as a whole, or not at all."""
        content = {
            "resources": {urn: attrs.asdict(known) for urn, known in self.resources.items()},
            "outputs": self.outputs,
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        aside = self.path.with_suffix(".new")
        aside.write_text(json.dumps(content, indent=1), "utf-8")
        aside.replace(self.path)


@attrs.define
class StackWithoutEngine:
    """The same interface as a stack on the engine."""

    project: Project
    name: str
    endpoint: str
    region: str
    work_dir: Path

    @property
    def engine(self) -> str:
        """There is none."""
        return "none"

    def preview(self) -> Summary:
        """Say what `up` would do."""
        return self._run("preview", preview=True)

    def up(self) -> Summary:
        """Deploy the program."""
        return self._run("up", preview=False)

    def refresh(self) -> Summary:
        """Take over into the state what has changed in AWS."""
        state, core = self._load(), self._core()
        operations = []
        for urn, known in list(state.resources.items()):
            operation = "same"
            found = core.read(urn, known.id, known.state, known.inputs)
            if found is None:
                del state.resources[urn]
                operation = "delete"
            elif found[0] != known.state:
                known.state, known.inputs = found
                operation = "update"
            operations.append(ResourceOperation(urn, known.type, operation))
        state.save()
        return Summary(tuple(operations), {})

    def destroy(self) -> Summary:
        """Delete everything that the stack made."""
        state = self._load()
        operations = self._translate("destroy", lambda: list(delete_all(self._core(), state, list(state.resources))))
        state.outputs = {}
        state.save()
        return Summary(tuple(operations), {})

    def outputs(self) -> Mapping[str, Any]:
        """The stack's outputs after the last `up`."""
        return self._load().outputs

    def _run(self, operation: str, *, preview: bool) -> Summary:
        state = self._load()
        monitor = Monitor(self._core(), state, self.project.name, self.name, preview=preview)
        self._translate(operation, lambda: _run_program(self.project, self.name, monitor))
        if not preview:
            gone = [urn for urn in state.resources if urn not in monitor.registered]
            monitor.operations += self._translate(operation, lambda: list(delete_all(self._core(), state, gone)))
            state.outputs = monitor.outputs
            state.save()
        else:
            monitor.operations += [
                ResourceOperation(urn, known.type, "delete")
                for urn, known in state.resources.items()
                if urn not in monitor.registered
            ]
        return Summary(tuple(monitor.operations), {} if preview else monitor.outputs)

    def _translate(self, operation: str, run: Callable[[], Any]) -> Any:
        try:
            return run()
        except (AlurError, ClientError, BotoCoreError) as error:
            raise DeploymentError(operation, self.name, [str(error)]) from error
        except Exception as error:
            # The program's own: as with the engine, its lines are shown.
            raise DeploymentError(operation, self.name, traceback.format_exception(error)) from error

    def _core(self) -> ProviderCore:
        return ProviderCore(Aws(self.endpoint, self.project.config.get("aws:region", self.region)))

    def _load(self) -> StackState:
        return StackState.load(self.work_dir / f"{self.project.name}.{self.name}.json")


def delete_all(core: ProviderCore, state: StackState, urns: Iterable[str]) -> Iterable[ResourceOperation]:
    """Delete resources, the youngest first, and forget each as soon as it is gone."""
    for urn in reversed(list(urns)):
        known = state.resources[urn]
        if known.protect:
            raise ProtectedError(urn)
        if not known.retain_on_delete:
            core.delete(urn, known.id, known.state)
        del state.resources[urn]
        state.save()
        yield ResourceOperation(urn, known.type, "delete")


class Monitor(mocks.MockMonitor):
    """What the SDK talks to in the engine's stead."""

    def __init__(self, core: ProviderCore, state: StackState, project: str, stack: str, *, preview: bool) -> None:
        """Deploy with `core` into `state`."""
        self.registered: set[str] = set()
        self.operations: list[ResourceOperation] = []
        self.outputs: Props = {}
        self._core = core
        self._state = state
        self._project = project
        self._stack = stack
        self.preview = preview
        # The SDK registers from many threads; one after the other keeps the state's order true.
        self._lock = threading.Lock()

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """The URN as the engine makes it."""
        qualified = type_
        if parent and parent.split("::")[2] != _STACK_TYPE:
            qualified = f"{parent.split('::')[2]}${type_}"
        return f"urn:pulumi:{self._stack}::{self._project}::{qualified}::{name}"

    def Invoke(self, request: Any) -> Any:  # noqa: N802 - the SDK's name
        """Call a function of the provider."""
        answer = self._core.invoke(request.tok, to_props(PropertyValue.unmarshal_map(request.args)))
        # A keyword of Python's, so it cannot be written as an argument.
        fields: dict[str, Any] = {"return": PropertyValue.marshal_map(to_values(answer))}
        return resource_pb2.ResourceInvokeResponse(**fields)

    def ReadResource(self, request: Any) -> Any:  # noqa: N802 - the SDK's name
        """Look up a resource that is somebody else's."""
        urn = self.make_urn(request.parent, request.type, request.name)
        found = self._core.read(urn, request.id, {}, {})
        if found is None:
            raise NotWithoutEngineError(urn, f"finding {request.id}, which does not exist,")
        self.operations.append(ResourceOperation(urn, request.type, "read"))
        return resource_pb2.ReadResourceResponse(urn=urn, properties=PropertyValue.marshal_map(to_values(found[0])))

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the SDK's name
        """Create, update, replace or leave a resource."""
        urn = self.make_urn(request.parent, request.type, request.name)
        if not request.custom or request.type == _STACK_TYPE:
            return resource_pb2.RegisterResourceResponse(urn=urn, object=request.object)
        if request.type == _PROVIDER_TYPE:
            return resource_pb2.RegisterResourceResponse(urn=urn, id="local", object=request.object)
        if request.importId:
            raise NotWithoutEngineError(urn, "an import")
        inputs = to_props(PropertyValue.unmarshal_map(request.object))
        with self._lock:
            self.registered.add(urn)
            resource_id, state = self._deploy(urn, request, inputs)
        return resource_pb2.RegisterResourceResponse(
            urn=urn,
            id=resource_id or UNKNOWN,
            object=PropertyValue.marshal_map(to_values(state)),
        )

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - the SDK's name
        """Keep the stack's own outputs."""
        if request.urn.split("::")[2] == _STACK_TYPE:
            self.outputs = {key: to_plain(value) for key, value in PropertyValue.unmarshal_map(request.outputs).items()}
        return empty_pb2.Empty()

    def _deploy(self, urn: str, request: Any, inputs: Props) -> tuple[str, Props]:
        known = self._state.resources.get(urn)
        if known is None:
            return self._create(urn, request, inputs, "create")
        for name in request.ignoreChanges:
            inputs.pop(name, None)
            if name in known.inputs:
                inputs[name] = known.inputs[name]
        checked = self._core.check(urn, known.inputs, inputs, b"")
        change = self._core.diff(urn, known.state, checked, list(request.ignoreChanges))
        known.protect, known.retain_on_delete = request.protect, request.retainOnDelete
        if change.replaces or change.changed & set(request.replaceOnChanges):
            return self._replace(
                urn, request, inputs, first_delete=change.delete_before_replace or request.deleteBeforeReplace
            )
        if not change.changed:
            self.operations.append(ResourceOperation(urn, known.type, "same"))
            return known.id, known.state
        state = self._core.update(urn, known.id, known.state, checked, preview=self.preview)
        self.operations.append(ResourceOperation(urn, known.type, "update"))
        if not self.preview:
            known.state, known.inputs = state, checked
            self._state.save()
        return known.id, state

    def _create(self, urn: str, request: Any, inputs: Props, operation: str) -> tuple[str, Props]:
        checked = self._core.check(urn, {}, inputs, secrets.token_bytes(16))
        resource_id, state = self._core.create(urn, checked, preview=self.preview)
        self.operations.append(ResourceOperation(urn, request.type, operation))
        if not self.preview:
            known = Known(request.type, resource_id, checked, state, request.protect, request.retainOnDelete)
            # At the end, as a new resource: a replacement depends on what was made before it.
            self._state.resources.pop(urn, None)
            self._state.resources[urn] = known
            self._state.save()
        return resource_id, state

    def _replace(self, urn: str, request: Any, inputs: Props, *, first_delete: bool) -> tuple[str, Props]:
        old = self._state.resources[urn]
        if old.protect:
            raise ProtectedError(urn)
        if self.preview:
            return self._create(urn, request, inputs, "replace")
        keep = old.retain_on_delete
        if first_delete and not keep:
            self._core.delete(urn, old.id, old.state)
        created = self._create(urn, request, inputs, "replace")
        if not first_delete and not keep:
            self._core.delete(urn, old.id, old.state)
        return created


async def _settled(tasks: set[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)


def _run_program(project: Project, stack: str, monitor: Monitor) -> None:
    """Run the program against the monitor, in a context whose settings nobody else sees."""

    def run() -> None:
        features = set(monitor.GetDeploymentInfo(empty_pb2.Empty()).supportedFeatures)  # type: ignore[no-untyped-call]
        configure(
            mocks.MockSettings(  # type: ignore[no-untyped-call]
                monitor=monitor,
                monitor_features=features,
                engine=mocks.MockEngine(None),
                project=project.name,
                stack=stack,
                dry_run=monitor.preview,
                organization="organization",
                callbacks=None,
                lock=threading.Lock(),
                outputs=set(),
                package_refs={},
                base_providers_by_ref={},
                root_directory=str(Path.cwd()),
                parallel=None,
                legacy_apply_enabled=False,
            )
        )
        set_all_config(dict(project.config))
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(run_in_stack(project.run))
        finally:
            pending = asyncio.all_tasks(loop)
            for task in pending:
                task.cancel()
            loop.run_until_complete(_settled(pending))
            loop.close()

    # A thread of its own: the caller may be within a running event loop.
    failures: list[BaseException] = []
    context = contextvars.Context()

    def guarded() -> None:
        try:
            context.run(run)
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            failures.append(error)

    thread = threading.Thread(target=guarded, name="pulumi-program")
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
