"""Bugs of the runtime that the simulation has found and that are still there; each has a failing test beside it.

They are counted by themselves, so that they do not hide what is new. A bug that is mended leaves this list.
"""

from __future__ import annotations

import re
from typing import Final

import attrs

from tests.simulation.play import Result


@attrs.frozen
class KnownBug:
    """A bug, and the violations that it makes.

    Attributes:
        name: What is wrong, in a sentence.
        text: Of its violations.
        fault: That must have been among what befell the schedule; empty for none.
    """

    name: str
    text: re.Pattern[str]
    fault: str = ""


FENCED_GIVING_UP: Final = KnownBug(
    "a zombie that gives its batch up is refused, and ends with an unexpected error",
    re.compile(r"unexpected_error FencedOffError: processing -> failed of batch"),
)
DROPPED_AND_LEFT: Final = KnownBug(
    "a batch is done anew after its old rows were dropped, and leaves a file out: its ledger item still has the rows",
    re.compile(r"the table holds \d+ rows of its old version, the ledger says \d+|ledger and objects differ"),
    fault="source_lifecycle",
)
_KNOWN: Final = (FENCED_GIVING_UP, DROPPED_AND_LEFT)


def known_bug(result: Result) -> KnownBug | None:
    """The known bug that a violation is of, or None."""
    if result.violation is None:
        return None
    text = " ".join(result.violation)
    return next((b for b in _KNOWN if b.text.search(text) and (not b.fault or result.injected[b.fault])), None)
