"""Tables, times and JSON for the terminal and for pipes."""

from __future__ import annotations

import datetime as dt
import json
import sys
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

_PIPE_WIDTH: Final = 10_000


def width() -> int | None:
    """How wide tables may be: None for as wide as the terminal; nothing is cut where a program reads along."""
    return None if sys.stdout.isatty() else _PIPE_WIDTH


def table_text(
    headers: Sequence[str], rows: Sequence[Sequence[str]], right: frozenset[str] = frozenset(), *, width: int | None
) -> str:
    """A table as text without trailing blanks; as wide as the terminal if `width` is None."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for header in headers:
        table.add_column(header, justify="right" if header in right else "left", overflow="fold")
    for row in rows:
        # names of files are data: brackets in them are no markup
        table.add_row(*(Text(cell) for cell in row))
    console = Console(width=width, color_system=None, highlight=False)
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().splitlines() if line.strip())


def print_json(value: Any) -> None:
    """Print one JSON document; in ASCII if it holds half a surrogate pair, which no encoding has."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    whole = text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
    click.echo(text if whole else json.dumps(value, indent=2))


def utc(epoch_seconds: float | None) -> str:
    """A moment in UTC, or a dash."""
    if epoch_seconds is None:
        return "-"
    return dt.datetime.fromtimestamp(epoch_seconds, dt.UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def plural(count: int, noun: str) -> str:
    """``1 file``, ``1,200 files``."""
    ending = "" if count == 1 else "es" if noun.endswith("ch") else "s"
    return f"{count:,} {noun}{ending}"


def size_text(size: int) -> str:
    """A number of bytes for people."""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"
