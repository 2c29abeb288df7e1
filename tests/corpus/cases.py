"""All cases, in the order they are shown."""

from __future__ import annotations

from typing import Final

from tests.corpus import (
    binding,
    compression,
    dialects,
    encodings,
    jsonl,
    names,
    numbers,
    parquet,
    promises,
    records,
    times,
    words,
)
from tests.corpus.case import Case

_THEMES: Final = (
    dialects,
    compression,
    encodings,
    binding,
    records,
    numbers,
    times,
    words,
    jsonl,
    parquet,
    names,
    promises,
)
CASES: Final[tuple[Case, ...]] = tuple(case for theme in _THEMES for case in theme.CASES)
