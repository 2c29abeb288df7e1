"""Names that a program has given: AWS refuses the second of a name, but only in the middle of a deployment."""

from collections.abc import Hashable
from typing import Any, Final
from weakref import WeakKeyDictionary

import pulumi
from pulumi.runtime.settings import get_monitor

# By the program's connection to the engine: of each program that a process runs there is one.
_TAKEN: Final[WeakKeyDictionary[Any, dict[Hashable, str]]] = WeakKeyDictionary()


def taken_by_another(owner: pulumi.ComponentResource, name: str, what: Hashable) -> str | None:
    """Take a name in AWS for a component.

    Args:
        owner: The component; what it makes elsewhere, by another provider, is something else.
        name: The component's logical name. Two of one name are Pulumi's to refuse, and tests with mocks make them.
        what: The name in AWS, with what it is a name of.

    Returns:
        The logical name of the component that has it already; None if no other has.
    """
    taken = _TAKEN.setdefault(get_monitor(), {})
    first = taken.setdefault((owner.get_provider("aws:index:Provider"), what), name)
    return None if first == name else first
