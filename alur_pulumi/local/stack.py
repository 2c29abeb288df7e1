"""Deploys programs to the AWS of this machine, on the real Pulumi engine where there is one."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
from pulumi import automation
from pulumi.automation import errors as automation_errors
from pulumi.automation import events as engine_events

from alur_pulumi.local.deployment import Deployment, ResourceOperation, Summary
from alur_pulumi.local.emulator import Emulator
from alur_pulumi.local.errors import DeploymentError
from alur_pulumi.local.program import Program, Project, load_project
from alur_pulumi.local.provider import write_plugin
from alur_pulumi.local.without_engine import StackWithoutEngine
from alur_pulumi.pulumi_cli import NoPulumiCli, PulumiCli, find_pulumi_cli, say_to_stderr

# What the SDK's provider server puts around an error of ours.
_SERVER = re.compile(r"^(<\{%.*?%\}>)?Unexpected <class '[\w.]+'>: ")
_FRAMES = re.compile(r":\n +File \".*", re.DOTALL)

# A replacement is three steps of the engine; the middle one stands for it.
_LEFT_OUT = frozenset({"create-replacement", "delete-replaced", "discard", "remove-pending-replace"})


@attrs.define
class LocalStack:
    """A stack on the real engine; made by `open_stack`."""

    project: Project
    name: str
    cli: PulumiCli
    _stack: automation.Stack

    @classmethod
    def open(cls, project: Project, name: str, emulator: Emulator, work_dir: Path, cli: PulumiCli) -> "LocalStack":
        """Create the stack, or take the one that `work_dir` holds.

        Nothing of the user's own Pulumi is touched: backend, plugins and settings are in `work_dir`.
        """
        work_dir = work_dir.resolve()
        folders = {part: work_dir / part for part in ("state", "home", "project", "plugins")}
        for folder in folders.values():
            folder.mkdir(parents=True, exist_ok=True)
        write_plugin(folders["plugins"])
        environment = {
            **emulator.environment(),
            "PATH": os.pathsep.join([str(folders["plugins"]), os.environ.get("PATH", os.defpath)]),
            "PULUMI_BACKEND_URL": folders["state"].as_uri(),
            "PULUMI_HOME": str(folders["home"]),
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
        }
        options = automation.LocalWorkspaceOptions(
            work_dir=str(folders["project"]),
            pulumi_home=str(folders["home"]),
            env_vars=environment,
            secrets_provider="passphrase",
            project_settings=automation.ProjectSettings(
                name=project.name,
                runtime="python",
                main=str(project.folder),
                backend=automation.ProjectBackend(folders["state"].as_uri()),
            ),
            pulumi_command=_command(cli, work_dir),
        )
        stack = automation.create_or_select_stack(name, project.name, project.run, opts=options)
        # The file and not `config set`: one write instead of a process for each key.
        settings = automation.StackSettings(config=dict(project.config))
        known = stack.workspace.stack_settings(name)
        settings.encryption_salt = known.encryption_salt
        stack.workspace.save_stack_settings(name, settings)
        return cls(project, name, cli, stack)

    @property
    def engine(self) -> str:
        """The version of the CLI."""
        return self.cli.version

    def preview(self) -> Summary:
        """Say what `up` would do."""
        return self._run("preview", lambda listen: self._stack.preview(on_event=listen))

    def preview_text(self) -> str:
        """What `pulumi preview --diff` prints."""
        return self._stack.preview(diff=True).stdout

    def up(self) -> Summary:
        """Deploy the program."""
        return self._run("up", lambda listen: self._stack.up(on_event=listen))

    def refresh(self) -> Summary:
        """Take over into the state what has changed in AWS."""
        # What a refresh found is known only after each resource was read.
        return self._run("refresh", lambda listen: self._stack.refresh(on_event=listen), outcome=True)

    def destroy(self) -> Summary:
        """Delete everything that the stack made."""
        return self._run("destroy", lambda listen: self._stack.destroy(on_event=listen))

    def outputs(self) -> Mapping[str, Any]:
        """The stack's outputs after the last `up`."""
        return {key: output.value for key, output in self._stack.outputs().items()}

    def _run(self, operation: str, run: Callable[[Any], object], *, outcome: bool = False) -> Summary:
        heard = _Listener(outcome)
        try:
            result = run(heard)
        except automation_errors.CommandError as error:
            messages = heard.errors or [str(error)]
            raise DeploymentError(operation, self.name, messages) from error
        outputs = result.outputs if isinstance(result, automation.UpResult) else {}
        return Summary(tuple(heard.operations), {key: output.value for key, output in outputs.items()})


@attrs.define
class _Listener:
    """Keeps what matters of the engine's events."""

    outcome: bool
    """Whether the operation counts that a step turned out to be, not the one it began as."""
    operations: list[ResourceOperation] = attrs.field(factory=list)
    errors: list[str] = attrs.field(factory=list)

    def __call__(self, event: engine_events.EngineEvent) -> None:
        """Take one event."""
        said = event.diagnostic_event
        if said and said.severity == "error":
            about = f"{said.urn.rpartition('::')[2]}: " if said.urn else ""
            message, ours = _SERVER.subn("", said.message)
            # An error of the program keeps its traceback: the user's own lines are in it.
            self.errors.append(about + (_FRAMES.sub("", message) if ours else message).strip())
        heard = event.res_outputs_event if self.outcome else event.resource_pre_event
        if heard is None:
            return
        step = heard.metadata
        operation = str(getattr(step.op, "value", step.op))
        # Components and the stack have no provider: nothing in AWS stands for them.
        if operation not in _LEFT_OUT and step.provider and not step.type.startswith("pulumi:"):
            self.operations.append(ResourceOperation(step.urn, step.type, operation))


def open_stack(
    program: Program | Path,
    *,
    emulator: Emulator,
    work_dir: Path,
    stack: str = "local",
    project: str = "alur",
    config: Mapping[str, str] | None = None,
    code: Sequence[Path] = (),
    cli: PulumiCli | NoPulumiCli | None = None,
) -> Deployment:
    """Open a stack on the AWS of this machine.

    Args:
        program: A callable that declares resources, or the folder of a Pulumi project.
        emulator: The AWS to deploy to.
        work_dir: Where the stack's state lives.
        stack: The stack's name; a project folder's ``Pulumi.<stack>.yaml`` is its configuration.
        project: The project's name, for a callable; a folder brings its own.
        config: Configuration by full key (``aws:region``), on top of a folder's own.
        code: Further folders whose modules a project folder's program imports anew at each run.
        cli: The CLI to use; by default the one that `find_pulumi_cli` finds.

    Returns:
        A stack on the engine; where no CLI can be had, one without, after saying so.
    """
    loaded = load_project(program, stack, code) if isinstance(program, Path) else Project(project, program)
    loaded = attrs.evolve(loaded, config={**loaded.config, **(config or {})})
    found = cli or find_pulumi_cli()
    if isinstance(found, NoPulumiCli):
        say_to_stderr(
            f"No Pulumi engine ({found}). The same program and provider are run without it: "
            "previews, policies and state of the real engine are not tried."
        )
        return StackWithoutEngine(loaded, stack, emulator.endpoint, emulator.region, work_dir)
    return LocalStack.open(loaded, stack, emulator, work_dir, found)


def _command(cli: PulumiCli, work_dir: Path) -> automation.PulumiCommand:
    """The automation API takes a folder with ``bin/pulumi`` in it, not a path."""
    link = work_dir / "cli" / "bin" / "pulumi"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(cli.path)
    return automation.PulumiCommand(root=str(work_dir / "cli"), skip_version_check=True)
