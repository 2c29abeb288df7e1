"""Deploys a program without the Pulumi engine: the same program, the same provider code.

Only what the components need is done: create, update, replace and delete by the provider's
own diff, protection, retention, and outputs. It is the way out where no CLI can be had.
"""

import asyncio
import contextvars
import threading
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
from botocore.exceptions import BotoCoreError, ClientError
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.runtime import mocks, run_in_stack, set_all_config
from pulumi.runtime.settings import configure

from alur_pulumi.errors import AlurError
from alur_pulumi.local.core import ProviderCore
from alur_pulumi.local.deployment import ResourceOperation, Summary
from alur_pulumi.local.errors import DeploymentError
from alur_pulumi.local.monitor import Monitor
from alur_pulumi.local.program import Project
from alur_pulumi.local.resources.base import Aws
from alur_pulumi.local.state_file import StackState, delete_all


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
        region = self.project.config.get("aws:region", self.region)
        return ProviderCore(Aws(self.endpoint, region), self.project.folder)

    def _load(self) -> StackState:
        return StackState.load(self.work_dir / f"{self.project.name}.{self.name}.json")


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
