"""What docstrings say of attributes, as data: for the pages of docs/ and for the schema of other languages."""

import inspect
import re
from typing import Any, Final

_ENTRY: Final = re.compile(r"^(?P<name>\w+): (?P<text>.*)$")


def attribute_texts(cls: type[Any]) -> dict[str, str]:
    """What the sections "Attributes" of a class's and its bases' docstrings say, by name."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        found |= _attributes_section(base.__doc__ or "")
    return found


def summary(cls: type[Any]) -> str:
    """What a class's docstring says before its sections."""
    return inspect.cleandoc(cls.__doc__ or "").partition("\n\nAttributes:")[0]


def _attributes_section(doc: str) -> dict[str, str]:
    section = inspect.cleandoc(doc).partition("Attributes:\n")[2]
    found: dict[str, str] = {}
    name = ""
    for line in inspect.cleandoc("\n" + section).splitlines():
        if match := _ENTRY.match(line):
            name = match["name"]
            found[name] = match["text"]
        elif name:
            found[name] += f" {line.strip()}"
    return {name: text.strip() for name, text in found.items()}
