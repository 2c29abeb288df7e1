"""Where fetched and built servers are kept: made once, then found again."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

PINS = Path(__file__).parents[2] / "tools" / "servers"
"""The folder that says which servers, and of which content."""

SWITCH = "ALUR_SERVERS"
"""Environment variable: ``none`` does without the servers, whatever is in the cache."""


class NoServerError(Exception):
    """A server cannot be had on this machine; the text says why."""


def say(line: str) -> None:
    """Tell the user of what takes time, where it is in nobody's way."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201


def cached(name: str, make: Callable[[Path], None]) -> Path:
    """A folder of the user's cache.

    Args:
        name: Of the folder; what it holds never changes under the same name.
        make: Fills the folder if it is not there. It is filled aside and then moved: one that is interrupted leaves
            nothing behind, and of two at once both are right.

    Raises:
        NoServerError: If it cannot be made.
    """
    if os.environ.get(SWITCH) == "none":
        raise NoServerError(f"{SWITCH}=none says to do without")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "alur" / "servers"
    folder = home / name
    if folder.is_dir():
        return folder
    home.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=home))
    try:
        make(aside)
        if not folder.is_dir():
            aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder
