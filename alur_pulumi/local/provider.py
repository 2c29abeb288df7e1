"""The local AWS provider as a Pulumi plugin, and the folder that lets the engine find it."""

import asyncio
import os
import shlex
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from pulumi.provider.experimental import provider as api
from pulumi.provider.experimental.server import main as serve

from alur_pulumi.errors import AlurError
from alur_pulumi.local.core import ProviderCore
from alur_pulumi.local.errors import LocalError, UnsupportedArgumentError
from alur_pulumi.local.resources.base import Aws, Props
from alur_pulumi.local.wire import to_props, to_values

PLUGIN = "pulumi-resource-aws"

# What the SDK sends of its own accord, and what means nothing on this machine.
_HARMLESS = frozenset(
    {
        "region",
        "version",
        "pluginDownloadURL",
        "s3UsePathStyle",
        "skipCredentialsValidation",
        "skipMetadataApiCheck",
        "skipRegionValidation",
        "skipRequestingAccountId",
    }
)

_T = TypeVar("_T")


class ProviderError(LocalError):
    """An operation on a resource that AWS, or this provider, refused."""

    def __init__(self, urn: str, problem: str) -> None:
        """Keep the resource and what was said."""
        super().__init__(urn, problem)
        self.urn = urn
        self.problem = problem

    def __str__(self) -> str:
        """Say what was said; the engine names the resource."""
        return self.problem


class LocalAwsProvider(api.Provider):
    """Answers the engine; all that it knows of resources is in `ProviderCore`."""

    def __init__(self, endpoint: str, region: str) -> None:
        """Serve the AWS at an endpoint; `aws:region` may name another region later."""
        self._core = ProviderCore(Aws(endpoint, region))

    async def check_config(self, request: api.CheckRequest) -> api.CheckResponse:
        """Refuse settings that would have to be ignored."""
        failures = [
            api.CheckFailure(name, str(UnsupportedArgumentError("pulumi:providers:aws", name, _HARMLESS)))
            for name in request.new_inputs
            if name not in _HARMLESS
        ]
        return api.CheckResponse(inputs=request.new_inputs, failures=failures)

    async def configure(self, request: api.ConfigureRequest) -> api.ConfigureResponse:
        """Take the region of the stack's configuration."""
        region = to_props(request.args).get("region")
        if region:
            self._core = ProviderCore(Aws(self._core.aws.endpoint, str(region)))
        # Secrets and outputs come to us in the open: the engine keeps track of them itself.
        return api.ConfigureResponse(supports_preview=True)

    async def check(self, request: api.CheckRequest) -> api.CheckResponse:
        """Check the inputs of a resource."""
        old, new = to_props(request.old_inputs), to_props(request.new_inputs)
        try:
            checked = self._core.check(request.urn, old, new, request.random_seed)
        except AlurError as error:
            failure = api.CheckFailure(getattr(error, "argument", ""), str(error))
            return api.CheckResponse(inputs=request.new_inputs, failures=[failure])
        return api.CheckResponse(inputs=to_values(checked))

    async def diff(self, request: api.DiffRequest) -> api.DiffResponse:
        """Compare a resource's state with new inputs."""
        state, new = to_props(request.old_state), to_props(request.new_inputs)
        change = self._core.diff(request.urn, state, new, request.ignore_changes)
        kinds = api.PropertyDiffKind
        detailed = {}
        for names, kind, replacing in (
            (change.added, kinds.ADD, kinds.ADD_REPLACE),
            (change.deleted, kinds.DELETE, kinds.DELETE_REPLACE),
            (change.updated, kinds.UPDATE, kinds.UPDATE_REPLACE),
        ):
            for name in names:
                chosen = replacing if name in change.replaces else kind
                detailed[name] = api.PropertyDiff(chosen, input_diff=True)
        return api.DiffResponse(
            changes=bool(change.changed),
            replaces=sorted(change.replaces),
            delete_before_replace=change.delete_before_replace,
            diffs=sorted(change.changed),
            detailed_diff=detailed,
        )

    async def create(self, request: api.CreateRequest) -> api.CreateResponse:
        """Create a resource, or say what is not known of it yet."""
        inputs = to_props(request.properties)
        resource_id, state = await _call(
            request.urn, lambda: self._core.create(request.urn, inputs, preview=request.preview)
        )
        return api.CreateResponse(resource_id or None, to_values(state))

    async def read(self, request: api.ReadRequest) -> api.ReadResponse:
        """Read the true state of a resource."""
        state, inputs = to_props(request.properties), to_props(request.inputs)
        found = await _call(request.urn, lambda: self._core.read(request.urn, request.resource_id, state, inputs))
        if found is None:
            return api.ReadResponse()
        return api.ReadResponse(request.resource_id, to_values(found[0]), to_values(found[1]))

    async def update(self, request: api.UpdateRequest) -> api.UpdateResponse:
        """Bring a resource to new inputs."""
        state, new = to_props(request.olds), to_props(request.news)
        updated = await _call(
            request.urn,
            lambda: self._core.update(request.urn, request.resource_id, state, new, preview=request.preview),
        )
        return api.UpdateResponse(to_values(updated))

    async def delete(self, request: api.DeleteRequest) -> None:
        """Delete a resource."""
        state = to_props(request.properties)
        await _call(request.urn, lambda: self._core.delete(request.urn, request.resource_id, state))

    async def invoke(self, request: api.InvokeRequest) -> api.InvokeResponse:
        """Call a function."""
        arguments = to_props(request.args)
        answer: Props = await _call(request.tok, lambda: self._core.invoke(request.tok, arguments))
        return api.InvokeResponse(to_values(answer))


async def _call(urn: str, operation: Callable[[], _T]) -> _T:
    """Run blocking calls beside the event loop, and pass on what they say without our own frames."""
    try:
        return await asyncio.to_thread(operation)
    except (AlurError, ClientError, BotoCoreError) as error:
        raise ProviderError(urn, str(error)) from None


def write_plugin(folder: Path) -> Path:
    """Write the executable that the engine starts, into a folder that only its PATH has.

    On a user's PATH it would be taken for the real AWS provider, so it is never installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    plugin = folder / PLUGIN
    root = str(Path(__file__).parents[2])
    code = f"import sys; sys.path.insert(0, {root!r}); from alur_pulumi.local.provider import main; main()"
    plugin.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c {shlex.quote(code)} "$@"\n')
    plugin.chmod(0o755)
    return plugin


def main(arguments: list[str] | None = None, environment: Any = os.environ) -> None:
    """Serve the engine that started this process."""
    endpoint = environment.get("AWS_ENDPOINT_URL", "")
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or "us-east-1"
    # The SDK asks for a provider of its own version.
    serve(arguments or sys.argv[1:], version("pulumi-aws"), LocalAwsProvider(endpoint, region))
