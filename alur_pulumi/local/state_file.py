"""What a deployment without the engine remembers: resources and outputs, in a file."""

import json
from collections.abc import Iterable
from pathlib import Path

import attrs

from alur_pulumi.local.core import ProviderCore
from alur_pulumi.local.deployment import ResourceOperation
from alur_pulumi.local.errors import LocalError
from alur_pulumi.local.resources.base import Props


class ProtectedError(LocalError):
    """A protected resource would be deleted or replaced."""

    def __init__(self, urn: str) -> None:
        """Keep the resource."""
        super().__init__(urn)
        self.urn = urn

    def __str__(self) -> str:
        """Name the resource and what to do."""
        return f"{self.urn} is protected: set protect=False and deploy once more before it may be deleted"


@attrs.define
class Known:
    """A resource in the state file."""

    type: str
    id: str
    inputs: Props
    state: Props
    protect: bool = False
    retain_on_delete: bool = False
    deleted_with: str = ""
    """URN of the resource whose deletion takes this one along; empty if there is none."""


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


def delete_all(core: ProviderCore, state: StackState, urns: Iterable[str]) -> Iterable[ResourceOperation]:
    """Delete resources, the youngest first, and forget each as soon as it is gone."""
    urns = list(urns)
    for urn in reversed(urns):
        known = state.resources[urn]
        if known.protect:
            raise ProtectedError(urn)
        if not known.retain_on_delete and known.deleted_with not in urns:
            core.delete(urn, known.id, known.state)
        del state.resources[urn]
        state.save()
        yield ResourceOperation(urn, known.type, "delete")
