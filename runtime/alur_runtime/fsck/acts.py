"""What a repair does: one act a finding. Values only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import attrs

from alur_runtime.table.pending import Pending

_A = TypeVar("_A")


@attrs.frozen
class TakeBack:
    """Drop every row of a file, so that the next run ingests it again.

    Attributes:
        uri: The file.
        objects: That have rows of it, or are named to have; relative to the table's location.
        copy: Those of them to be kept below lost+found before: they have rows that no source is known to have.
        broken: Those of them that cannot be read: set aside first.
    """

    uri: str
    objects: tuple[str, ...]
    copy: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()


@attrs.frozen
class WriteDown:
    """Accept a file's loss: its item says what rows are left.

    Attributes:
        uri: The file.
        objects: That have the rows that are left.
        rows: How many are left.
        broken: Objects of it that cannot be read: set aside first.
    """

    uri: str
    objects: tuple[str, ...]
    rows: int
    broken: tuple[str, ...] = ()


@attrs.frozen
class SetAside:
    """Move an object out of the table, below lost+found."""

    key: str


@attrs.frozen
class WriteOff:
    """Say in a later commit that objects are gone."""

    keys: tuple[str, ...]


@attrs.frozen
class Register:
    """Create a partition in the catalog."""

    values: tuple[str | None, ...]


@attrs.frozen
class Unregister:
    """Delete a partition from the catalog.

    Attributes:
        values: As the catalog has them.
        folder: Where its objects would be, relative to the table's location.
    """

    values: tuple[str, ...]
    folder: str


@attrs.frozen
class Abort:
    """Abort a pending upload."""

    upload: Pending


@attrs.frozen
class GiveUp:
    """End a processing batch that no run can work on; its files are planned again."""

    seq: str


@attrs.frozen
class Finish:
    """Roll a committed batch forward of which no run can."""

    seq: str


@attrs.frozen
class Undo:
    """Turn a committed batch whose uploads are lost into one that takes its files back."""

    seq: str


Act = TakeBack | WriteDown | SetAside | WriteOff | Register | Unregister | Abort | GiveUp | Finish | Undo


def only(acts: Iterable[Act], kind: type[_A]) -> list[_A]:
    """The acts of one kind."""
    return [act for act in acts if isinstance(act, kind)]
