"""What a deployment is asked to do and what it says it did, with the engine or without."""

from collections.abc import Mapping
from typing import Any, Protocol

import attrs


@attrs.frozen
class ResourceOperation:
    """What happened, or would happen, to one resource of AWS; components are not among them."""

    urn: str
    type: str
    operation: str
    """``create``, ``update``, ``replace``, ``delete``, ``same``, ``read`` or ``refresh``."""

    @property
    def name(self) -> str:
        """The resource's name in the program."""
        return self.urn.rpartition("::")[2]


@attrs.frozen
class Summary:
    """The outcome of one deployment."""

    operations: tuple[ResourceOperation, ...]
    outputs: Mapping[str, Any]
    """The stack's outputs after an `up`; nothing for the other operations."""

    @property
    def changes(self) -> tuple[ResourceOperation, ...]:
        """The operations that change something."""
        return tuple(item for item in self.operations if item.operation not in ("same", "read"))

    def counts(self) -> dict[str, int]:
        """How many of each operation there were."""
        counts: dict[str, int] = {}
        for item in self.operations:
            counts[item.operation] = counts.get(item.operation, 0) + 1
        return counts


class Deployment(Protocol):
    """A stack on the AWS of this machine."""

    @property
    def engine(self) -> str:
        """The version of the engine, or ``none``."""
        ...

    def preview(self) -> Summary:
        """Say what `up` would do."""
        ...

    def up(self) -> Summary:
        """Deploy the program."""
        ...

    def refresh(self) -> Summary:
        """Take over into the state what has changed in AWS."""
        ...

    def destroy(self) -> Summary:
        """Delete everything that the stack made."""
        ...

    def outputs(self) -> Mapping[str, Any]:
        """The stack's outputs after the last `up`."""
        ...
