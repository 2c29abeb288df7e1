"""The files of a simulation: what is in each version, and a small reader for them.

The formats have their own tests; here a file is a line that names its version, then a record a line.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any, BinaryIO, Final

import attrs
import pyarrow as pa

from alur_runtime.contracts.spec import Column, ContractSpec
from alur_runtime.reasons import Reason
from alur_runtime.rows import BadRow, Chunk
from alur_runtime.table.schema import rows_schema

REGIONS: Final = ("EU", "US")
BUDGET: Final = 1
"""Bad rows that a file may have."""

CONTRACT: Final = ContractSpec("Rows", (Column("id", "string", False), Column("region", "string", False)), ("region",))
_BAD: Final = "!"


@attrs.frozen
class Version:
    """One version of a file.

    Attributes:
        file: Its name, such as ``f2``.
        number: Of the version; a file may come back to an earlier one.
        rows: Good ones: id and region.
        bad: How many bad ones there are.
    """

    file: str
    number: int
    rows: tuple[tuple[str, str], ...]
    bad: int

    @property
    def is_taken(self) -> bool:
        """Whether its bad rows are within the budget."""
        return self.bad <= BUDGET

    @property
    def body(self) -> bytes:
        """As it lies in S3."""
        records = [f"{name},{region}" for name, region in self.rows] + [_BAD] * self.bad
        return "\n".join([f"{self.file}.{self.number}", *records]).encode()


def version_of(seed: str, file: str, number: int, *, all_good: bool = False) -> Version:
    """A version, by chance: mostly a few rows in both regions, now and then bad ones, or none at all."""
    chance = Random(f"{seed}/{file}/{number}")
    rows = tuple((f"{file}.{number}.{k}", chance.choice(REGIONS)) for k in range(chance.choice((0, 1, 1, 2, 2, 3))))
    bad = 0 if all_good else chance.choice((0, 0, 0, 0, 0, 1, 2))
    return Version(file, number, rows or ((f"{file}.{number}.0", "EU"),) if all_good else rows, bad)


def read_simulated_file(file: BinaryIO, uri: str, contract: ContractSpec, options: Any) -> Iterator[Chunk]:
    """In place of `alur_runtime.formats.read_file`."""
    records = file.read().decode().split("\n")[1:]
    good = [(number, *r.split(",")) for number, r in enumerate(records, 1) if r != _BAD]
    bad = tuple(
        BadRow(row=number, reason=Reason.BAD_VALUE, problem="it is bad")
        for number, record in enumerate(records, 1)
        if record == _BAD
    )
    columns = [[r[1] for r in good], [r[2] for r in good], [r[0] for r in good]]
    schema = rows_schema(contract)
    table = pa.table([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)
    yield Chunk(table, bad, len(records))
