"""Expectations checked on a file's rows, as they come: what stays, what is kept out, and the verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import attrs
import pyarrow as pa

from alur_runtime.checks.function_check import FunctionCheck
from alur_runtime.checks.row_checks import Found, RowCheck, row_check, shown, text_of
from alur_runtime.config import SOURCE_ROW
from alur_runtime.contracts.expectations import Check, Expectation, Severity, Verdict
from alur_runtime.contracts.spec import ContractSpec
from alur_runtime.formats.json_text import encode
from alur_runtime.formats.render import json_values
from alur_runtime.reasons import Reason
from alur_runtime.rows import BadRow, RefusedFileError, without

_SAMPLES: Final = 3


@attrs.frozen
class Taken:
    """Some rows after the row checks.

    Attributes:
        table: Those that stay.
        bad: Records that are kept out, one entry each, by row number.
    """

    table: pa.Table
    bad: tuple[BadRow, ...]


@attrs.frozen
class Verdicts:
    """What all expectations found in a file.

    Attributes:
        results: One an expectation, in the contract's order.
        refused: The error of the file if an expectation that fails files is not met, with the reason
            `expectation_failed`.
    """

    results: tuple[Verdict, ...]
    refused: RefusedFileError | None


class Expecting:
    """Checks the expectations on one file.

    Each one looks at all rows that the file was read and transformed into, whatever the others say; `row_count` counts
    those that stay. A record is written whole or not at all: if one of the rows that were made of it is kept out, all
    are.
    """

    def __init__(self, expectations: Iterable[Expectation], contract: ContractSpec, uri: str) -> None:
        """Start on a file.

        Args:
            expectations: To check, of the contract.
            contract: Its columns.
            uri: The file, for errors.

        Raises:
            ConfigError: If a function cannot be loaded.
            ContractError: If a value does not fit its column.
        """
        self._uri = uri
        self._watches = [_Watch(e, contract, uri) for e in expectations]
        self._staying = 0

    @property
    def needs_whole_file(self) -> bool:
        """Whether all rows of the file must be handed to `take` at once: a function of the user's sees them so."""
        return any(w.expectation.check is Check.FUNCTION for w in self._watches)

    def take(self, table: pa.Table) -> Taken:
        """Check some rows; all rows of a record come together.

        Raises:
            RefusedFileError: If a function raises an error or returns what cannot be used.
        """
        bad: dict[int, BadRow] = {}
        for watch in self._watches:
            for row in watch.look(table):
                bad.setdefault(row.row, row)
        if bad:
            table = without(table, set(bad))
        self._staying += table.num_rows
        return Taken(table, tuple(bad[number] for number in sorted(bad)))

    def finish(self) -> Verdicts:
        """The verdicts, once all rows were taken."""
        results = tuple(w.verdict(self._staying) for w in self._watches)
        failed = [n for n, v in enumerate(results) if not v.met and v.severity is Severity.FAIL_FILE]
        if not failed:
            return Verdicts(results, None)
        text = "; ".join(f"expectation {results[n].name!r} is not met: {results[n].text}" for n in failed)
        return Verdicts(results, RefusedFileError(self._uri, Reason.EXPECTATION_FAILED, text))


class _Watch:
    """One expectation, and what it has found so far."""

    def __init__(self, expectation: Expectation, contract: ContractSpec, uri: str) -> None:
        self.expectation = expectation
        self._contract = contract
        self._check: RowCheck | None = None
        if expectation.check is Check.FUNCTION:
            self._check = FunctionCheck(expectation, contract, uri)
        elif expectation.check is not Check.ROW_COUNT:
            self._check = row_check(expectation, contract)
        self._checked = self._failed = 0
        self._said_no = False
        self._samples: list[str] = []

    def look(self, table: pa.Table) -> Iterable[BadRow]:
        """Check some rows; yield those that are to be kept out, the first of each record."""
        if self._check is None:
            return ()
        found = self._check.look(table)
        self._checked += found.checked
        self._failed += len(found.positions)
        self._said_no |= not found.file_met
        if found.positions and len(self._samples) < _SAMPLES:
            first = attrs.evolve(found, positions=found.positions[:_SAMPLES], twins=found.twins[:_SAMPLES])
            self._samples += [_sample(row) for row in self._rows(self._check, table, first)]
        if self.expectation.severity is not Severity.QUARANTINE:
            return ()
        named = f" (expectation {self.expectation.name!r})"
        return (attrs.evolve(row, problem=row.problem + named) for row in self._rows(self._check, table, found))

    def verdict(self, staying: int) -> Verdict:
        """What it found in the whole file, of which so many rows stay."""
        if self.expectation.check is Check.ROW_COUNT:
            return self._verdict(staying, _miscounted(self.expectation, staying))
        if self._said_no:
            return self._verdict(self._checked, f"{self.expectation.function} says no")
        if not self._failed:
            return self._verdict(self._checked, "")
        more = ", ..." if self._failed > len(self._samples[:_SAMPLES]) else ""
        samples = "; ".join(self._samples[:_SAMPLES])
        return self._verdict(self._checked, f"{self._failed:,} of {self._checked:,} rows: {samples}{more}")

    def _verdict(self, checked: int, text: str) -> Verdict:
        name, severity = self.expectation.name, self.expectation.severity
        return Verdict(name=name, severity=severity, met=not text, checked=checked, failed=self._failed, text=text)

    def _rows(self, check: RowCheck, table: pa.Table, found: Found) -> Iterator[BadRow]:
        names = [c.name for c in self._contract.columns]
        failing = table.select([*names, SOURCE_ROW]).take(pa.array(found.positions, pa.int64())).combine_chunks()
        rows = [row for batch in failing.to_batches() for row in json_values(batch.to_struct_array())]
        column = self.expectation.columns[0] if len(self.expectation.columns) == 1 else None
        for n, row in enumerate(rows):
            value = None if column is None else row[column]
            problem = check.problem(shown(value), found.twins[n] if found.twins else None)
            yield BadRow(
                row=row.pop(SOURCE_ROW),
                reason=Reason.EXPECTATION_FAILED,
                problem=problem,
                column=column,
                value=None if value is None else text_of(value),
                record=encode(row),
            )


def _sample(row: BadRow) -> str:
    place = f"row {row.row:,}" + ("" if row.column is None else f", column {row.column!r}")
    return f"{place}: {row.problem}"


def _miscounted(expectation: Expectation, rows: int) -> str:
    if expectation.least is not None and rows < int(expectation.least):
        return f"{rows:,} rows to write, fewer than {int(expectation.least):,}"
    if expectation.most is not None and rows > int(expectation.most):
        return f"{rows:,} rows to write, more than {int(expectation.most):,}"
    return ""
