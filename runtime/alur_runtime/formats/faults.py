"""What is wrong with one value: raised by the readers of single values, kept by those of whole columns."""

from __future__ import annotations

from typing import Self

from alur_runtime.reasons import Reason

_SHOWN_CHARACTERS = 80


class RefusedValueError(ValueError):
    """A value that does not fit its column.

    Attributes:
        reason: Code.
        problem: What is wrong, as a sentence's end: ``'x' is no bigint``.
    """

    def __init__(self, reason: Reason, problem: str) -> None:
        super().__init__(reason, problem)
        self.reason = reason
        self.problem = problem

    def __str__(self) -> str:
        return self.problem

    def kept(self) -> Self:
        """Itself without the frames that it went through: they would keep whole columns in memory."""
        self.__cause__ = self.__context__ = None
        return self.with_traceback(None)


def bad_value(problem: str) -> RefusedValueError:
    """A value that is none of its column's type."""
    return RefusedValueError(Reason.BAD_VALUE, problem)


def out_of_range(problem: str) -> RefusedValueError:
    """A value that is too large or too small for its column's type."""
    return RefusedValueError(Reason.OUT_OF_RANGE, problem)


def lost_precision(problem: str) -> RefusedValueError:
    """A value with digits that its column's type cannot hold."""
    return RefusedValueError(Reason.LOST_PRECISION, problem)


def shown(text: str) -> str:
    """A value as problems name it: quoted, and cut off if it is long."""
    return repr(text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "...")
