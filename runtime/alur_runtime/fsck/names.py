"""What the names of objects tell: the batch, its attempt and the run that wrote them. Pure."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

import attrs

from alur_runtime.naming import NULL_PARTITION

_NAME: Final = re.compile(
    r"(?P<seq>\d{12,}-\d{5,})\.(?P<attempt>\d+)(?:\.\d{4,})?-(?P<run>[0-9a-f]{8})\.(?:parquet|jsonl)"
)
_FOLDER_MARK: Final = "_$folder$"  # as EMR and older tools of Hadoop leave them


@attrs.frozen
class Origin:
    """Who wrote an object.

    Attributes:
        seq: Of the batch.
        attempt: Of the batch.
        run: The end of the run's name.
    """

    seq: str
    attempt: int
    run: str


def origin_of(key: str) -> Origin | None:
    """Who wrote the object of this key, table's or quarantine's; None if the name is none of alur's."""
    found = _NAME.fullmatch(key.rpartition("/")[2])
    return None if found is None else Origin(found["seq"], int(found["attempt"]), found["run"])


def is_folder_mark(key: str, size: int) -> bool:
    """Whether an object only stands for a folder."""
    return size == 0 and (key.endswith(("/", _FOLDER_MARK)) or not key)


def folder_of(key: str) -> str:
    """The folder that an object is in, with its slash; empty at the top."""
    return "".join(key.rpartition("/")[:2])


def partition_values(names: tuple[str, ...], folder: str) -> tuple[str | None, ...] | None:
    """The values that a partition's folder stands for, or None if it is no partition's folder.

    Args:
        names: Of the partition columns.
        folder: Such as ``region=EU/``.
    """
    pairs = [part.partition("=") for part in folder.split("/")[:-1]]
    if tuple(name for name, _, _ in pairs) != names:
        return None
    return tuple(None if value == NULL_PARTITION else unquote(value) for _, _, value in pairs)


def catalog_values(values: tuple[str | None, ...]) -> tuple[str, ...]:
    """A partition's values as the catalog has them."""
    return tuple(NULL_PARTITION if value is None else value for value in values)
