"""What the SDK talks to where there is no engine: every resource goes straight to the provider."""

import secrets
import threading
from typing import Any

from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime import mocks
from pulumi.runtime.proto import provider_pb2, resource_pb2

from alur_pulumi.local.core import ProviderCore
from alur_pulumi.local.deployment import ResourceOperation
from alur_pulumi.local.errors import AbsentError, LocalError
from alur_pulumi.local.resources.base import UNKNOWN, Props
from alur_pulumi.local.state_file import Known, ProtectedError, StackState
from alur_pulumi.local.wire import to_plain, to_props, to_values

_STACK_TYPE = "pulumi:pulumi:Stack"
_PROVIDER_TYPE = "pulumi:providers:aws"


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
        try:
            answer = self._core.invoke(request.tok, to_props(PropertyValue.unmarshal_map(request.args)))
        except AbsentError as error:
            # An answer and not an exception: the program may catch it, as with the engine.
            failure = provider_pb2.CheckFailure(reason=str(error))
            return resource_pb2.ResourceInvokeResponse(failures=[failure])
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
        known.deleted_with = request.deletedWith
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
            known = Known(
                request.type, resource_id, checked, state, request.protect, request.retainOnDelete, request.deletedWith
            )
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
