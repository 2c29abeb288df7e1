"""Functions of the user's own wheel: loaded by name, and their errors told from their own lines on."""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from alur_runtime.errors import ConfigError

_OWN: Final = str(Path(__file__).resolve().parent)
# Characters: what is told goes into the ledger, whose items have an end.
_LONGEST_SUMMARY: Final = 500
_LONGEST: Final = 8_000


def is_function_name(name: object) -> bool:
    """Whether it can be the name of a function: ``module:function``; a function itself is none."""
    if not isinstance(name, str):
        return False
    module, _, function = name.partition(":")
    return function.isidentifier() and all(part.isidentifier() for part in module.split("."))


def load_function(setting: str, name: str) -> Callable[[Any], Any]:
    """The function ``module:function``.

    Args:
        setting: That names it, for the error.
        name: Of the function.

    Raises:
        ConfigError: If it cannot be imported or is no function; with the traceback of the user's own module.
    """
    module, _, function = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), function)
    except Exception as error:  # a user's module may raise anything while it is imported
        raise ConfigError(setting, f"{name!r} cannot be loaded: {told(error)}") from error
    if not callable(found):
        raise ConfigError(setting, f"{name!r} is a {type(found).__name__}, no function")
    return found  # type: ignore[no-any-return]


def told(error: BaseException) -> str:
    """An error of the user's code as text: what it says, then its traceback without alur's own lines."""
    summary = traceback.format_exception_only(error)[-1].strip()
    lines = "".join(traceback.format_exception(type(error), error, _from_user_on(error.__traceback__))).rstrip()
    if len(lines) > _LONGEST:
        lines = f"[...]\n{lines[-_LONGEST:]}"
    return f"{summary[:_LONGEST_SUMMARY]}\n{lines}"


def _from_user_on(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and _is_own(trace):
        trace = trace.tb_next
    return trace


def _is_own(trace: TracebackType) -> bool:
    name = trace.tb_frame.f_code.co_filename
    return name.startswith((_OWN, "<frozen importlib")) or name == importlib.__file__
