"""One file from its reader to the writer: budget, transform, expectations, and an account of every record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import attrs
import pyarrow as pa
import pyarrow.compute as pc

from alur_runtime.checks.expect import Expecting
from alur_runtime.config import SOURCE_ROW
from alur_runtime.contracts.options import ErrorBudget
from alur_runtime.contracts.spec import ContractSpec
from alur_runtime.errors import ReconcileError
from alur_runtime.kernel.transform import Transform, apply_transform
from alur_runtime.model import MET
from alur_runtime.reasons import Reason
from alur_runtime.rows import BadRow, Chunk, RefusedFileError, without
from alur_runtime.table.partitions import find_unwritable
from alur_runtime.table.quarantine import Origin, Spool
from alur_runtime.table.schema import rows_schema

_SHOWN: Final = 3  # bad rows in an error's text


@attrs.define
class Account:
    """Where a file's records went: parsed + added = written + quarantined + filtered.

    Attributes:
        parsed: Records, as counted by other means than the parse.
        written: Rows handed to the writer.
        quarantined: Records kept out of the table.
        filtered: Records that the transform left out.
        added: Rows that it made of records beyond one each.
        expectations: By name, `met` or what was found.
    """

    parsed: int = 0
    written: int = 0
    quarantined: int = 0
    filtered: int = 0
    added: int = 0
    expectations: dict[str, str] = attrs.field(factory=dict)

    @property
    def balances(self) -> bool:
        """Whether no record is missing and none came up."""
        return self.parsed + self.added == self.written + self.quarantined + self.filtered


@attrs.frozen
class Rules:
    """What a file's rows are held to.

    Attributes:
        contract: The table's.
        budget: How many bad rows the file may have.
        transform: The user's, or None.
        folder_room: How many bytes the partition folders of a row may take in a key.
    """

    contract: ContractSpec
    budget: ErrorBudget
    transform: Transform | None
    folder_room: int


class Intake:
    """Takes one file in.

    Attributes:
        account: Complete once `tables` has been read to its end.
        spool: The bad rows.
    """

    def __init__(self, rules: Rules, origin: Origin) -> None:
        self.account = Account()
        self.spool = Spool(origin)
        self._rules, self._origin = rules, origin
        self._uri = origin.member.uri
        self._expecting = Expecting(rules.contract.expectations, rules.contract, self._uri)
        self._first: list[BadRow] = []

    def tables(self, chunks: Iterator[Chunk]) -> Iterator[pa.Table]:
        """The rows to write, as they are read; at once where a transform or an expectation needs the whole file.

        Raises:
            RefusedFileError: If the file cannot be taken; what was yielded must then be put away.
            ReconcileError: If a record is missing or came up on the way.
        """
        whole = self._rules.transform is not None or self._expecting.needs_whole_file
        held: list[pa.Table] = []
        for chunk in chunks:
            table = self._checked(chunk)
            if whole:
                held.append(table)
            elif table.num_rows:
                yield self._staying(table)
        if whole:
            yield self._staying(self._transformed(pa.concat_tables(held or [self._no_rows()])))
        verdicts = self._expecting.finish()
        self.account.expectations = {v.name: MET if v.met else v.text for v in verdicts.results}
        if verdicts.refused is not None:
            raise verdicts.refused
        if limit := self._rules.budget.over(self.spool.count, self.account.parsed):
            raise self._over_budget(limit)
        self.account.quarantined = self.spool.count
        if not self.account.balances:
            raise ReconcileError(self._origin.batch, f"{self._uri}: {self.account}")

    def _no_rows(self) -> pa.Table:
        return rows_schema(self._rules.contract).empty_table()

    def _checked(self, chunk: Chunk) -> pa.Table:
        """A chunk's good rows, once its records are all there."""
        if chunk.table.num_rows + len(chunk.bad) != chunk.records:
            raise ReconcileError(
                self._origin.batch,
                f"{self._uri}: {chunk.records} records counted from row {self.account.parsed + 1} on, "
                f"{chunk.table.num_rows} read and {len(chunk.bad)} bad",
            )
        self.account.parsed += chunk.records
        self._keep_out(chunk.bad)
        return chunk.table

    def _transformed(self, table: pa.Table) -> pa.Table:
        if self._rules.transform is None:
            return table
        transformed = apply_transform(self._rules.transform, table, self._uri, self._rules.contract)
        self.account.filtered = transformed.dropped
        return transformed.table

    def _staying(self, table: pa.Table) -> pa.Table:
        """The rows that can be written where they belong and meet what is expected."""
        unwritable = find_unwritable(table, self._rules.contract, table[SOURCE_ROW], self._rules.folder_room)
        if unwritable:
            self._keep_out(unwritable)
            table = without(table, {b.row for b in unwritable})
        taken = self._expecting.take(table)
        table = taken.table
        self._keep_out(taken.bad)
        self.account.written += table.num_rows
        if self._rules.transform is not None:
            self.account.added = table.num_rows - pc.count_distinct(table[SOURCE_ROW]).as_py()
        return table

    # --- bad rows -------------------------------------------------------------------------------------------------

    def _keep_out(self, bad: Sequence[BadRow]) -> None:
        for row in bad:
            self.spool.add(row)
        self._first += bad[: _SHOWN - len(self._first)]
        # The limit on rows ends the file at once; the one in percent can be told at its end only.
        if bad and (limit := attrs.evolve(self._rules.budget, percent=None).over(self.spool.count, 0)):
            raise self._over_budget(limit)

    def _over_budget(self, limit: str) -> RefusedFileError:
        first, *others = self._first
        shown = "".join(f"; {_told(b)}" for b in others)
        return RefusedFileError(
            self._uri,
            Reason.TOO_MANY_BAD_ROWS,
            f"{_problem(first)}{shown}. The file has {limit}",
            row=first.row,
            column=first.column,
        )


def _problem(bad: BadRow) -> str:
    line = f", line {bad.line:,}" if bad.line is not None else ""
    return f"{bad.problem} ({bad.reason.value}{line})"


def _told(bad: BadRow) -> str:
    column = f", column {bad.column!r}" if bad.column is not None else ""
    return f"row {bad.row:,}{column}: {_problem(bad)}"
