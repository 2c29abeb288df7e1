"""A column of JSON values: what is plain in bulk, what is odd by the strict reader of single values. Pure."""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from alur_runtime.contracts.spec import Column
from alur_runtime.formats.convert import convert
from alur_runtime.formats.json_text import Number
from alur_runtime.formats.jsonl_values import FaultError, Keys, reader_of
from alur_runtime.formats.nested import Checked, Fault
from alur_runtime.formats.values import INT_BITS, Reading

_NUMBERS: Final = dict.fromkeys((*INT_BITS, "float", "double"), (Number,))
_KINDS: Final[dict[str, tuple[type, ...]]] = {**_NUMBERS, "boolean": (bool,)}
"""Which JSON values a type takes; strings, if it is not here."""


class ColumnReader:
    """Reads the values of one column.

    Args:
        column: Of the contract.
        target: Its Arrow type.
        reading: How dates and times are written.
        keys: How the keys of objects are bound.
    """

    def __init__(self, column: Column, target: pa.DataType, reading: Reading, keys: Keys) -> None:
        self.column, self.key = column, keys.name(column)
        self._target, self._reading = target, reading
        self._read = reader_of(column, reading, keys)
        plain = (Number, str) if pa.types.is_decimal(target) else _KINDS.get(column.type, (str,))
        self._plain = () if column.fields else plain

    def read(self, values: list[Any]) -> Checked:
        """Values of the column's type, null where there is a fault, which the strict reader has found."""
        if not self._plain:
            return self._with_odd_ones(pa.nulls(0, self._target), values, list(range(len(values))))
        bulk = [value if type(value) in self._plain else None for value in values]
        odd = [i for i, (value, taken) in enumerate(zip(values, bulk, strict=True)) if taken is None is not value]
        if not self.column.nullable:
            odd += [i for i, value in enumerate(values) if value is None]
        try:
            array = pa.array(bulk, pa.bool_() if self.column.type == "boolean" else pa.string())
        except UnicodeEncodeError:  # a half of a surrogate pair: no text, and it is to be said of which value
            array, odd = pa.nulls(len(values), pa.string()), list(range(len(values)))
        if array.type != self._target:
            converted = convert(array, self.column, self._reading)
            array, odd = converted.values, [*odd, *converted.faults]
        return self._with_odd_ones(array, values, sorted(odd))

    def _with_odd_ones(self, array: pa.Array, values: list[Any], odd: list[int]) -> Checked:
        found: list[Any] = []
        faults: dict[int, Fault] = {}
        for index in odd:
            value = None
            try:
                value = self._read(values[index])
            except FaultError as error:
                faults[index] = error.fault
            found.append(value)
        if len(found) == len(values):
            return Checked(pa.array(found, self._target), faults)
        if any(value is not None for value in found):
            mask = pc.is_in(pa.array(range(len(values)), pa.int64()), pa.array(odd, pa.int64()))
            array = pc.replace_with_mask(array, mask, pa.array(found, self._target))
        return Checked(array, faults)
