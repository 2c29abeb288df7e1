"""Globs over S3 keys, as users know them: `*` and `?` stay within a folder, `**` crosses folders, `{a,b}` is either.

========== ==================================================================================================
`*`        any characters but `/`, or none
`?`        one character, not `/`
`**/`      as a whole folder: any number of folders, or none: ``**/a.csv`` is ``a.csv`` and ``x/y/a.csv``
`**`       elsewhere: any characters, `/` too, or none
`[abc]`    one of them; `[a-z]` one of a range; `[!abc]` or `[^abc]` one that is none of them; never `/`
`{a,b}`    either; what is between the commas is a glob itself, may be empty, and may hold braces again
========== ==================================================================================================

Every other character is itself, a backslash too; ``[*]``, ``[?]``, ``[[]`` and ``[{]`` are those characters. Letters
are as they are written: case counts, and a letter with an accent is not the same letter followed by one.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from alur_runtime.errors import ConfigError

_SETTING: Final = "sources.pattern"
_MOST_ALTERNATIVES: Final = 1_000  # what braces multiply to: more is a slip, and slow on every key
_STARS: Final = re.compile(r"\*+")


@lru_cache(maxsize=256)
def compile_glob(pattern: str) -> re.Pattern[str]:
    """The regular expression of a glob; it is matched against the whole of a key below the source's prefix.

    Raises:
        ConfigError: If a brace or bracket is not closed, or the pattern is empty.
    """
    if not pattern:
        raise ConfigError(_SETTING, "is empty and matches no key: write ** for every key")
    alternatives = list(dict.fromkeys(_expand(pattern, pattern)))
    return re.compile("|".join(_translate(a, pattern) for a in alternatives), re.DOTALL)


def _expand(text: str, pattern: str) -> list[str]:
    """The text without braces: one for each choice, in order."""
    start = _find(text, "{}", 0, pattern)
    if start is None:
        return [text]
    if text[start] == "}":
        raise _refuse(pattern, "closes a brace that is not open: write [}] for the character itself")
    depth, begin, choices, at = 0, start + 1, [], start
    while True:
        if text[at] == "{":
            depth += 1
        elif text[at] == "}":
            depth -= 1
        if depth == 0 or (depth == 1 and text[at] == ","):
            choices.append(text[begin:at])
            begin = at + 1
        if depth == 0:
            break
        following = _find(text, "{},", at + 1, pattern)
        if following is None:
            raise _refuse(pattern, "has an open brace: write {a,b}, or [{] for the character itself")
        at = following
    heads = [text[:start] + inner for choice in choices for inner in _expand(choice, pattern)]
    found = [head + tail for tail in _expand(text[at + 1 :], pattern) for head in heads]
    if len(found) > _MOST_ALTERNATIVES:
        raise _refuse(
            pattern, f"has braces that multiply to {len(found):,} choices; {_MOST_ALTERNATIVES:,} are allowed"
        )
    return found


def _find(text: str, wanted: str, at: int, pattern: str) -> int | None:
    """Where the next of some characters is, outside of brackets."""
    while at < len(text):
        if text[at] in wanted:
            return at
        at = _bracket_end(text, at, pattern) if text[at] == "[" else at + 1
    return None


def _bracket_end(text: str, at: int, pattern: str) -> int:
    """Just behind the bracket that opens here; a `]` that comes first in it is one of its characters."""
    first = at + 2 if text[at + 1 : at + 2] in ("!", "^") else at + 1
    end = text.find("]", first + 1)
    inside = text[first:end]
    if end < 0:
        raise _refuse(pattern, "has an open bracket: write [abc], or [[] for the character itself")
    if "/" in inside or "[:" in inside:
        raise _refuse(pattern, f"has [{inside}]: brackets hold single characters and ranges, and no slash")
    return end + 1


def _translate(text: str, pattern: str) -> str:
    """The regular expression of a glob without braces."""
    parts: list[str] = []
    at = 0
    while at < len(text):
        char = text[at]
        if char == "*":
            stars = _STARS.match(text, at)
            assert stars is not None
            begins_folder = at == 0 or text[at - 1] == "/"
            at = stars.end()
            if len(stars[0]) == 1:
                parts.append("[^/]*")
            elif begins_folder and text[at : at + 1] == "/":
                parts.append("(?:.*/)?")
                at += 1
            else:
                parts.append(".*")
        elif char == "[":
            end = _bracket_end(text, at, pattern)
            parts.append(_bracket(text[at + 1 : end - 1], pattern))
            at = end
        else:
            parts.append("[^/]" if char == "?" else re.escape(char))
            at += 1
    return "".join(parts)


def _bracket(inside: str, pattern: str) -> str:
    negated = inside[0] in "!^"
    chars = inside[1:] if negated else inside
    ranges: list[str] = []
    at = 0
    while at < len(chars):
        if chars[at + 1 : at + 2] == "-" and at + 2 < len(chars):
            low, high = chars[at], chars[at + 2]
            if low > high:
                raise _refuse(pattern, f"has the range {low}-{high}, which is empty")
            ranges.append(f"{re.escape(low)}-{re.escape(high)}")
            at += 3
        else:
            ranges.append(re.escape(chars[at]))
            at += 1
    # A range may hold the slash, which brackets never match.
    return f"(?!/)[{'^' if negated else ''}{''.join(ranges)}]"


def _refuse(pattern: str, problem: str) -> ConfigError:
    return ConfigError(_SETTING, f"{pattern!r} {problem}")
