"""Globs over S3 keys, as users know them: `*` and `?` stay within a folder, `**` crosses folders, `{a,b}` is either."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from alur_runtime.errors import ConfigError

_TOKEN: Final = re.compile(r"\*\*/|\*\*|\*|\?|\{[^{}]*\}|\[!?[^\]]+\]|.", re.DOTALL)


@lru_cache(maxsize=256)
def compile_glob(pattern: str) -> re.Pattern[str]:
    """The regular expression of a glob; it is matched against the whole of a key below the source's prefix.

    Raises:
        ConfigError: If a brace is not closed.
    """
    parts: list[str] = []
    for part in _TOKEN.findall(pattern):
        if part == "**/":
            parts.append("(?:.*/)?")
        elif part == "**":
            parts.append(".*")
        elif part == "*":
            parts.append("[^/]*")
        elif part == "?":
            parts.append("[^/]")
        elif part[0] == "{" and len(part) > 1:
            parts.append("(?:" + "|".join(compile_glob(p).pattern for p in part[1:-1].split(",")) + ")")
        elif part[0] == "[" and len(part) > 1:
            negated, inside = part[1] == "!", part[1:-1].removeprefix("!")
            escaped = inside.replace("\\", "\\\\").replace("[", "\\[").replace("^", "\\^").replace("&", "\\&")
            parts.append(f"[{'^/' if negated else ''}{escaped}]")
        elif part in "{}":
            raise ConfigError(
                "sources.pattern", f"{pattern!r} has an open brace: write {{a,b}}, or ? for any character"
            )
        else:
            parts.append(re.escape(part))
    try:
        return re.compile("".join(parts), re.DOTALL)
    except re.error as error:
        raise ConfigError("sources.pattern", f"{pattern!r} cannot be read: {error}") from error
