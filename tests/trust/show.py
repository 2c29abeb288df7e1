"""How the commands show what they found."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

_WIDTH = 200


def say(text: str) -> None:
    """A line, as it is."""
    sys.stdout.write(f"{text}\n")


def say_table(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """A table; what is piped on is not cut to a terminal's width."""
    table = Table(*headings)
    for row in rows:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else _WIDTH, markup=False).print(table)
