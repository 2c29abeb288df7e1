"""The values that expectations compare with, from the texts they are written as."""

from __future__ import annotations

from typing import Any

import attrs

from alur_runtime.contracts.expectations import Expectation, refused
from alur_runtime.contracts.spec import ContractSpec
from alur_runtime.formats.values import read_value


@attrs.frozen
class Operands:
    """What an expectation compares with, in the type of its column.

    Attributes:
        values: Allowed by `in_set`.
        least: The smallest one of `between`, or None.
        most: The largest one, or None.
    """

    values: tuple[Any, ...]
    least: Any
    most: Any


def read_operands(contract: ContractSpec, expectation: Expectation) -> Operands:
    """Read an expectation's values.

    Raises:
        ContractError: If one does not fit the type of its column, or the limits allow nothing.
    """
    kind = "bigint"  # what row_count counts in
    if expectation.columns:
        kind = next(c.type for c in contract.columns if c.name == expectation.columns[0])

    def read(text: str | None) -> Any:
        if text is None:
            return None
        try:
            return read_value(text, kind)
        except ValueError as error:
            raise refused(contract.name, expectation, f"{text!r} is no value of its column: {error}") from error

    found = Operands(tuple(read(v) for v in expectation.values), read(expectation.least), read(expectation.most))
    if found.least is not None and found.most is not None and not found.least <= found.most:
        raise refused(contract.name, expectation, f"nothing is from {expectation.least} to {expectation.most}")
    return found


def check_operands(contract: ContractSpec) -> None:
    """Refuse a contract whose expectations compare with what their columns cannot hold.

    Raises:
        ContractError: Naming the expectation and the value.
    """
    for expectation in contract.expectations:
        read_operands(contract, expectation)
