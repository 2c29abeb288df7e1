"""Bugs of the runtime that the simulation has found and that are still there; each has a failing test beside it.

They are counted by themselves, so that they do not hide what is new. A bug that is mended leaves this list.
"""

from __future__ import annotations

import re
from typing import Final

KNOWN: Final[dict[str, re.Pattern[str]]] = {
    "a zombie that gives its batch up is refused, and ends with an unexpected error": re.compile(
        r"unexpected_error FencedOffError: processing -> failed of batch"
    ),
}


def known_bug(violation: tuple[str, str]) -> str | None:
    """The name of the known bug that a violation is of, or None."""
    return next((name for name, pattern in KNOWN.items() if pattern.search(violation[1])), None)
