"""The checks of rows that expectations make, on whole Arrow tables at a time."""

from __future__ import annotations

import functools
from typing import Any, Final, Protocol

import attrs
import pyarrow as pa
import pyarrow.compute as pc

from alur_runtime.checks.operands import read_operands
from alur_runtime.config import SOURCE_ROW
from alur_runtime.contracts.expectations import Check, Expectation
from alur_runtime.contracts.spec import ContractSpec
from alur_runtime.formats.faults import shown as shown_text
from alur_runtime.formats.json_text import encode
from alur_runtime.table.schema import arrow_type

_MOST_SHOWN: Final = 6  # of the allowed values


@attrs.frozen
class Found:
    """What a check found in some rows.

    Attributes:
        checked: Rows that it looked at.
        positions: Of those that do not meet it, in order.
        twins: Of `unique`: beside each position the `_source_row` of the row that has its values already.
        file_met: Of a function that judges the file as a whole: what it says.
    """

    checked: int
    positions: list[int]
    twins: list[int] = attrs.field(factory=list)
    file_met: bool = True


class RowCheck(Protocol):
    """A check of rows. One that remembers what it saw is used for one file."""

    def look(self, table: pa.Table) -> Found:
        """Check some more rows of the file."""
        ...

    def problem(self, value: str, twin: int | None) -> str:
        """What is wrong with a row, as a sentence's end; `value` as it is shown."""
        ...


def row_check(expectation: Expectation, contract: ContractSpec) -> RowCheck:
    """The check that an expectation about rows asks for.

    Raises:
        ContractError: If one of its values does not fit the type of its column.
    """
    if expectation.check is Check.UNIQUE:
        return _Unique(expectation.columns)
    column = next(c for c in contract.columns if c.name == expectation.columns[0])
    kind, operands = arrow_type(column), read_operands(contract, expectation)
    if expectation.check is Check.NOT_NULL:
        return _NotNull(column.name)
    if expectation.check is Check.MATCHES:
        return _Matches(column.name, expectation.pattern)
    if expectation.check is Check.IN_SET:
        return _InSet(column.name, _comparable(pa.chunked_array([pa.array(operands.values, kind)])), expectation.values)
    least, most = (None if v is None else pa.scalar(v, kind) for v in (operands.least, operands.most))
    return _Between(column.name, least, most, expectation.least, expectation.most)


def shown(value: Any) -> str:
    """A value, as JSON has it, within a sentence: texts in quotes and at a bearable length."""
    return shown_text(value) if type(value) is str else text_of(value)


def text_of(value: Any) -> str:
    """A value, as JSON has it, as text."""
    return value if isinstance(value, str) else encode(value)


@attrs.frozen
class _NotNull:
    column: str

    def look(self, table: pa.Table) -> Found:
        return Found(table.num_rows, positions(table[self.column].is_null()))

    def problem(self, value: str, twin: int | None) -> str:  # noqa: ARG002
        return "has no value"


@attrs.frozen
class _InSet:
    column: str
    allowed: pa.ChunkedArray
    texts: tuple[str, ...]

    def look(self, table: pa.Table) -> Found:
        values = table[self.column]
        inside = pc.is_in(_comparable(values), value_set=self.allowed)
        return _found(values, pc.invert(inside))

    def problem(self, value: str, twin: int | None) -> str:  # noqa: ARG002
        first = ", ".join(shown_text(text) for text in self.texts[:_MOST_SHOWN])
        more = len(self.texts) - _MOST_SHOWN
        return f"{value} is not among {first}" + (f" and {more:,} more" if more > 0 else "")


@attrs.frozen
class _Matches:
    column: str
    pattern: str

    def look(self, table: pa.Table) -> Found:
        values = table[self.column]
        # \z, not $: that would let a line end follow.
        return _found(values, pc.invert(pc.match_substring_regex(values, rf"\A(?:{self.pattern})\z")))

    def problem(self, value: str, twin: int | None) -> str:  # noqa: ARG002
        return f"{value} does not match {self.pattern!r}"


@attrs.frozen
class _Between:
    column: str
    least: pa.Scalar | None
    most: pa.Scalar | None
    least_text: str | None
    most_text: str | None

    def look(self, table: pa.Table) -> Found:
        values = table[self.column]
        limits = [(pc.greater_equal, self.least), (pc.less_equal, self.most)]
        # Asked so, and not for what is outside: NaN is neither.
        inside = [compare(values, limit) for compare, limit in limits if limit is not None]
        return _found(values, pc.invert(functools.reduce(pc.and_, inside)))

    def problem(self, value: str, twin: int | None) -> str:  # noqa: ARG002
        if self.most_text is None:
            return f"{value} is not {self.least_text} or more"
        if self.least_text is None:
            return f"{value} is not {self.most_text} or less"
        return f"{value} is not from {self.least_text} to {self.most_text}"


@attrs.frozen
class _Seen:
    """Rows of a chunk, and what the first of their key columns lies between: numbers that grow are found at once."""

    least: Any
    most: Any
    rows: pa.Table


class _Unique:
    """Remembers each row's values in its columns with its number, and nothing else of the file."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self._columns = columns
        self._keys = [f"key{n}" for n in range(len(columns))]
        self._seen: list[_Seen] = []

    def look(self, table: pa.Table) -> Found:
        keys = pa.table(
            {name: _comparable(table[c]) for name, c in zip(self._keys, self._columns, strict=True)}
            | {"at": pa.array(range(table.num_rows), pa.int64()), "twin": table[SOURCE_ROW]}
        )
        keys = keys.filter(functools.reduce(pc.and_, [keys[name].is_valid() for name in self._keys]))
        if not keys.num_rows:
            return Found(0, [])
        at = keys.group_by(self._keys, use_threads=False).aggregate([("at", "min")])["at_min"]
        heads, others = keys, keys.slice(0, 0)
        if len(at) < keys.num_rows:
            first = pc.is_in(keys["at"], value_set=at)
            heads, others = keys.filter(first), keys.filter(pc.invert(first))
        known = self._known(heads)
        fresh = heads.filter(pc.invert(pc.is_in(heads["at"], value_set=known["at"]))) if known.num_rows else heads
        columns = [*self._keys, "twin"]
        self._remember(fresh.select(columns))
        if not (known.num_rows or others.num_rows):
            return Found(keys.num_rows, [])
        origins = pa.concat_tables([fresh.select(columns), known.select(columns)])
        repeated = self._join(others.drop_columns("twin"), origins)
        pairs = pa.concat_tables(t.select(["at", "twin"]) for t in (known, repeated)).sort_by("at")
        return Found(keys.num_rows, pairs["at"].to_pylist(), pairs["twin"].to_pylist())

    def _known(self, heads: pa.Table) -> pa.Table:
        """Those whose values were seen in earlier rows, with the number of the first of these as twin."""
        least, most = _range(heads[self._keys[0]])
        near = [seen.rows for seen in self._seen if seen.least <= most and least <= seen.most]
        return self._join(pa.concat_tables(near), heads.drop_columns("twin")) if near else heads.slice(0, 0)

    def _remember(self, rows: pa.Table) -> None:
        if rows.num_rows:
            self._seen.append(_Seen(*_range(rows[self._keys[0]]), rows))

    def _join(self, left: pa.Table, right: pa.Table) -> pa.Table:
        # Arrow builds its table of the right one: that must be the one of a chunk's size.
        return left.join(right, self._keys, join_type="inner", use_threads=False)

    def problem(self, value: str, twin: int | None) -> str:
        if len(self._columns) == 1:
            return f"{value} stands in row {twin:,} too"
        return f"row {twin:,} has the same {', '.join(self._columns)}"


def _found(values: pa.ChunkedArray, fails: pa.ChunkedArray) -> Found:
    """Of a check that passes over missing values."""
    fails = pc.and_(fails, values.is_valid())
    return Found(len(values) - values.null_count, positions(fails))


def positions(mask: pa.ChunkedArray) -> list[int]:
    """Where a mask is true."""
    # pyarrow 17 crashes where there is no chunk.
    found: list[int] = pc.indices_nonzero(mask).to_pylist() if len(mask) else []
    return found


def _range(values: pa.ChunkedArray) -> tuple[Any, Any]:
    found = pc.min_max(values)
    return found["min"].as_py(), found["max"].as_py()


def _comparable(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Values that are equal as bytes where they are equal as numbers: there is one zero and one NaN."""
    if not pa.types.is_floating(values.type):
        return values
    kind = values.type
    one_zero = pc.add(values, pa.scalar(0.0, kind))
    one_nan = pc.if_else(pc.is_nan(one_zero), pa.scalar(float("nan"), kind), one_zero)
    bits = pa.int32() if pa.types.is_float32(kind) else pa.int64()
    return pa.chunked_array([chunk.view(bits) for chunk in one_nan.chunks], bits)
