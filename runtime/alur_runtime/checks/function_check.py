"""The check that a function of the user's makes of a file's rows."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from alur_runtime.checks.row_checks import Found, positions
from alur_runtime.contracts.expectations import Expectation, Severity
from alur_runtime.contracts.spec import ContractSpec
from alur_runtime.kernel.user_code import load_function, told
from alur_runtime.reasons import Reason
from alur_runtime.rows import RefusedFileError


class FunctionCheck:
    """Asks a function of the user's wheel about all rows of a file at once."""

    def __init__(self, expectation: Expectation, contract: ContractSpec, uri: str) -> None:
        """Load the function.

        Raises:
            ConfigError: If it cannot be loaded.
        """
        self._expectation, self._uri = expectation, uri
        self._names = [c.name for c in contract.columns]
        self._function = load_function(f"expectation {expectation.name!r}", expectation.function)

    def look(self, table: pa.Table) -> Found:
        """Ask the function.

        Raises:
            RefusedFileError: If it raises an error, or returns what cannot be used.
        """
        try:
            said = self._function(table.select(self._names))
        except Exception as error:
            raise self._refuse(f"raised {told(error)}") from error
        if isinstance(said, pa.BooleanScalar):
            said = said.as_py()
        if isinstance(said, bool):
            if self._expectation.severity is Severity.QUARANTINE:
                raise self._refuse("returned one bool: with severity=quarantine it must return one a row")
            return Found(table.num_rows, [], file_met=said)
        return Found(table.num_rows, positions(pc.invert(self._mask(said, table.num_rows))))

    def problem(self, value: str, twin: int | None) -> str:  # noqa: ARG002
        """What is wrong with a row, as a sentence's end."""
        return f"{self._expectation.function} says no"

    def _mask(self, said: Any, rows: int) -> pa.ChunkedArray:
        if not isinstance(said, pa.Array | pa.ChunkedArray) or said.type != pa.bool_():
            what = f"{type(said).__name__} of {said.type}" if hasattr(said, "type") else type(said).__name__
            raise self._refuse(f"returned a {what}; it must return a pyarrow array of bool, or one bool")
        if len(said) != rows:
            raise self._refuse(f"returned {len(said):,} values for {rows:,} rows")
        return said

    def _refuse(self, problem: str) -> RefusedFileError:
        text = f"expectation {self._expectation.name!r} could not be checked: {self._expectation.function} {problem}"
        return RefusedFileError(self._uri, Reason.EXPECTATION_FAILED, text)
