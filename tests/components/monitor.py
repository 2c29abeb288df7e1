"""A monitor that keeps whole registrations: inputs, parents, options and dependencies."""

from __future__ import annotations

import contextvars
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs
from pulumi.runtime import mocks, rpc, settings
from pulumi.runtime.stack import run_pulumi_func, wait_for_rpcs
from pulumi.runtime.sync_await import _sync_await

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ACCOUNT = "123456789012"
# Policies are read as AWS reads them: what they name must have an ARN of its service.
_SERVICES = {
    "CatalogTable": "glue",
    "Job": "glue",
    "Key": "kms",
    "Queue": "sqs",
    "Table": "dynamodb",
    "Topic": "sns",
    "Workflow": "glue",
}


@attrs.frozen
class Registered:
    """One registration as the engine would get it."""

    type: str
    name: str
    parent: str
    inputs: dict[str, Any]
    dependencies: tuple[str, ...]
    property_dependencies: dict[str, tuple[str, ...]]
    retain_on_delete: bool
    deleted_with: str
    protect: bool
    custom: bool


WHO_AND_WHERE: Mapping[str, dict[str, Any]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": ACCOUNT},
    "aws:index/getRegion:getRegion": {"region": "eu-west-1"},
}
"""What programs may ask; components may not, since each such call slows every preview."""
LOOK_UP_TABLE = "aws:glue/getCatalogTable:getCatalogTable"


class _Provider(mocks.Mocks):
    """Answers as the AWS provider would, as far as the components read outputs."""

    def __init__(
        self,
        deployed: dict[str, Any] | str | None,
        existing: dict[str, dict[str, Any]],
        answers: Mapping[str, dict[str, Any]],
    ) -> None:
        self.deployed = deployed
        self.existing = existing
        self.answers = answers

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        state = {**args.inputs, **self.existing.get(args.resource_id or "", {})}
        kind = args.typ.rpartition(":")[2]
        physical = state.get("name") or state.get("bucket") or f"{args.name}-1a2b3c4"
        service = _SERVICES.get(kind, "aws")
        state.setdefault("arn", f"arn:aws:{service}:eu-west-1:{ACCOUNT}:{kind.lower()}/{physical}")
        if kind == "CatalogTable":
            state["arn"] = f"arn:aws:glue:eu-west-1:{ACCOUNT}:table/{state['databaseName']}/{physical}"
        if kind == "Bucket":
            state |= {"bucket": physical, "arn": f"arn:aws:s3:::{physical}"}
        elif args.custom and "name" not in state:
            state["name"] = physical
        return f"{physical}-id", state

    def call(self, args: mocks.MockCallArgs) -> Any:
        if args.token in self.answers:
            return self.answers[args.token]
        assert args.token == LOOK_UP_TABLE, f"no component may call {args.token}"
        if self.deployed is None:
            return {}, [("", f"No Glue table {args.args['name']} found for catalog_id: {ACCOUNT}")]
        if isinstance(self.deployed, str):
            return {}, [("", self.deployed)]
        return self.deployed


class Monitor(mocks.MockMonitor):
    """Keeps what was registered, by type and name."""

    def __init__(self, provider: _Provider) -> None:
        super().__init__(provider)
        self.registered: list[Registered] = []
        self.outputs: dict[str, dict[str, Any]] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        deps = {k: tuple(v.urns) for k, v in request.propertyDependencies.items()}
        self.registered.append(
            Registered(
                request.type,
                request.name,
                request.parent,
                dict(rpc.deserialize_properties(request.object)),
                tuple(request.dependencies),
                deps,
                bool(request.retainOnDelete),
                request.deletedWith.rpartition("::")[2],
                bool(request.protect),
                bool(request.custom),
            )
        )
        return super().RegisterResource(request)

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        self.outputs[request.urn] = dict(rpc.deserialize_properties(request.outputs))
        return super().RegisterResourceOutputs(request)

    def forget(self) -> None:
        """Forget what was registered until now."""
        self.registered.clear()
        self.outputs.clear()

    def of(self, kind: str) -> list[Registered]:
        """Everything of a type, by the last part of its token."""
        return [r for r in self.registered if r.type.rpartition(":")[2] == kind]

    def one(self, kind: str, name: str | None = None) -> Registered:
        """The only one of a type, or the one with this name."""
        found = [r for r in self.of(kind) if name in (None, r.name)]
        assert len(found) == 1, [(r.type, r.name) for r in self.registered]
        return found[0]


def register(
    program: Callable[[], Any],
    *,
    preview: bool = False,
    project: str = "proj",
    stack: str = "dev",
    deployed: dict[str, Any] | str | None = None,
    existing: dict[str, dict[str, Any]] | None = None,
    watch: Callable[[Monitor], None] = lambda _: None,
    answers: Mapping[str, dict[str, Any]] = MappingProxyType({}),
) -> Monitor:
    """Run a program to its end against a fresh monitor.

    Args:
        program: Registers resources.
        preview: Whether it is a preview.
        project: The project's name.
        stack: The stack's name.
        deployed: What the catalog has of each table that is looked up, as the provider tells it; no table if None, and
            what the look-up fails with if a text.
        existing: Properties of resources that are there and are only looked up, by their id.
        watch: Gets the monitor first, to look at what a program that fails has registered.
        answers: What functions of the provider answer that the program itself may call, by token.
    """
    provider = _Provider(deployed, existing or {}, answers)
    monitor = Monitor(provider)
    watch(monitor)

    async def run() -> None:
        program()

    def alone() -> None:
        settings.ROOT.set(None)
        settings.SETTINGS.outputs = set()
        mocks.set_mocks(provider, project=project, stack=stack, preview=preview, monitor=monitor)
        _sync_await(wait_for_rpcs())
        monitor.forget()  # that was the stack itself
        _sync_await(run_pulumi_func(run))

    # The SDK keeps a program's stack, and what a program that failed had begun goes on: in a context of its own neither
    # reaches the next one, whatever the order of tests.
    contextvars.copy_context().run(alone)
    return monitor
