"""Arrays by tests, so that only what passes is converted: what each value that does not is refused for. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import attrs
import pyarrow as pa
import pyarrow.compute as pc

from alur_runtime.formats.faults import shown
from alur_runtime.formats.json_text import Number, encode
from alur_runtime.formats.nested import Checked, Fault
from alur_runtime.formats.render import json_values
from alur_runtime.reasons import Reason

_SHOWN_CHARACTERS: Final = 64 * 1024


@attrs.frozen
class Test:
    """What values must pass.

    Attributes:
        passes: True where they do; what it says of null does not matter.
        reason: Code of those that do not.
        problem: What is wrong with them, after the value: ``is out of range of int``.
    """

    passes: Callable[[pa.Array], pa.Array]
    reason: Reason
    problem: str


def sift(values: pa.Array, tests: Sequence[Test], convert: Callable[[pa.Array], pa.Array]) -> Checked:
    """Cast the values that pass every test; each test sees only those that passed the ones before.

    Args:
        values: Of one type.
        tests: In order.
        convert: Takes what is left, null for the rest.
    """
    faults: dict[int, Fault] = {}
    for test in tests:
        failed = pc.fill_null(pc.invert(test.passes(values)), pa.scalar(False))
        if not pc.any(failed, min_count=0).as_py():
            continue
        indices = pc.indices_nonzero(failed)
        for index, value in zip(indices.to_pylist(), json_values(values.take(indices)), strict=True):
            faults[index] = fault_of(value, test.reason, test.problem)
        values = pc.if_else(failed, pa.scalar(None, values.type), values)
    return Checked(convert(values), faults)


def fault_of(value: Any, reason: Reason, problem: str) -> Fault:
    """A fault that names the value.

    Args:
        value: As JSON has it.
        reason: Code.
        problem: What is wrong, after the value.
    """
    text = value if isinstance(value, str) else encode(value)
    quoted = shown(text) if isinstance(value, str) and not isinstance(value, Number) else text
    return Fault(reason, f"{quoted} {problem}", text[:_SHOWN_CHARACTERS])
