"""What a case of the corpus is: a file, how it is read, and the one outcome it must have."""

from __future__ import annotations

from collections.abc import Iterable
from types import EllipsisType
from typing import Any, Final

import attrs

from alur_runtime import spec_of
from alur_runtime.contracts.options import NO_BAD_ROWS, AnyOptions, CsvOptions, ErrorBudget, JsonLinesOptions
from alur_runtime.contracts.spec import RESCUED, ContractSpec, Extras

ANY: Final = ErrorBudget(percent=100)
"""The budget of a source that takes files whatever their rows are like."""


@attrs.frozen
class Bad:
    """A row that must be in quarantine; what is `...` is not compared.

    Attributes:
        row: Number of the record, from 1.
        reason: Code.
        column: That is at fault; None when it is the whole record.
        value: The raw value.
        line: Number of the line that the record begins on; None where a format has no lines.
    """

    row: int
    reason: str
    column: str | EllipsisType | None = None
    value: str | EllipsisType | None = None
    line: int | EllipsisType | None = ...


@attrs.frozen(kw_only=True)
class Job:
    """What of a job's configuration differs from the usual for a case."""

    transform: str | None = None
    metadata_columns: tuple[str, ...] | None = None
    on_change: str = "replace"
    max_partitions: int = 1000


@attrs.frozen
class Case:
    """A file and its outcome: completed with rows and bad rows, or failed, or skipped.

    Attributes:
        name: Unique; the file's name is made of it.
        contract: The class the file is read by.
        data: The file; text is UTF-8.
        rows: The table's rows of the file, in its order: values by column, in the contract's order, or a mapping in
            which columns that are missing are null. After the contract's columns come `_rescued` (as an object) and
            derived partition columns.
        bad: Its quarantine rows.
        failed: Reason code of a file that must fail; several that are as good, with `|` between.
        skipped: Reason code of a file that must be passed over.
        says: Texts that the error must hold.
        files: How the file is written.
        budget: Of its source.
        key: Below the source's prefix, if it is not the usual.
        pattern: Of its source.
        hidden: Whether its source takes hidden names.
        job: What else of the job is unusual.
        filtered: Records that the transform leaves out.
        added: Rows that the transform adds.
        unmet: Expectations that are not met, with a text that the verdict must hold; all others must be met.
    """

    name: str
    contract: type
    data: str | bytes
    rows: tuple[Any, ...] = ()
    bad: tuple[Bad, ...] = ()
    failed: str = attrs.field(default="", kw_only=True)
    skipped: str = attrs.field(default="", kw_only=True)
    says: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    files: AnyOptions = attrs.field(default=CsvOptions(), kw_only=True)
    budget: ErrorBudget = attrs.field(default=NO_BAD_ROWS, kw_only=True)
    key: str = attrs.field(default="", kw_only=True)
    pattern: str = attrs.field(default="**", kw_only=True)
    hidden: bool = attrs.field(default=False, kw_only=True)
    job: Job = attrs.field(default=Job(), kw_only=True)
    filtered: int = attrs.field(default=0, kw_only=True)
    added: int = attrs.field(default=0, kw_only=True)
    unmet: dict[str, str] = attrs.field(factory=dict, kw_only=True)

    @property
    def spec(self) -> ContractSpec:
        """The contract as data."""
        return spec_of(self.contract)

    @property
    def body(self) -> bytes:
        """The file's bytes."""
        return self.data.encode() if isinstance(self.data, str) else self.data

    @property
    def file_key(self) -> str:
        """The file's key below its source's prefix."""
        ending = "csv" if isinstance(self.files, CsvOptions) else type(self.files).__name__.partition("Opt")[0].lower()
        return self.key or f"{self.name.replace(' ', '-')}.{'jsonl' if ending == 'jsonlines' else ending}"

    @property
    def expected_rows(self) -> list[dict[str, Any]]:
        """The rows by column."""
        names = list(read_columns(self.spec))
        return [
            {**dict.fromkeys(names), **row} if isinstance(row, dict) else dict(zip(names, row, strict=True))
            for row in self.rows
        ]

    @property
    def records(self) -> int:
        """How many records the file has, if it is completed."""
        return len(self.rows) + len(self.bad) + self.filtered - self.added


def read_columns(spec: ContractSpec) -> tuple[str, ...]:
    """The columns of a row of the corpus, in order."""
    rescued = (RESCUED,) if spec.extras is Extras.RESCUE else ()
    return (*(c.name for c in spec.columns), *rescued, *(d.name for d in spec.derived))


def csv_values(  # noqa: PLR0917  (a row of a table)
    name: str,
    contract: type,
    column: str,
    good: dict[str, Any],
    bad: dict[str, str] | None = None,
    files: CsvOptions | None = None,
) -> Case:
    """A case of one column's values: the texts that are read, with their values, and those that are not.

    Args:
        name: The case's.
        contract: With an int column `id` and the one in question.
        column: In question.
        good: Value by text, as it stands in the file.
        bad: Reason code by text.
        files: How the file is written; the separator is always ``;``.
    """
    options = attrs.evolve(files or CsvOptions(), separator=";")
    texts = [*good, *(bad or {})]
    lines = [f"id;{column}", *(f"{n};{text}" for n, text in enumerate(texts, start=1))]
    refused = (Bad(n, reason, column, text) for n, (text, reason) in enumerate((bad or {}).items(), len(good) + 1))
    rows = ({"id": n, column: value} for n, value in enumerate(good.values(), start=1))
    data = "\n".join(lines).encode(options.encoding)
    return Case(name, contract, data, tuple(rows), tuple(refused), files=options, budget=ANY)


def json_values(  # noqa: PLR0917  (a row of a table)
    name: str,
    contract: type,
    column: str,
    good: dict[str, Any],
    bad: dict[str, str] | None = None,
    files: JsonLinesOptions | None = None,
) -> Case:
    """The same for JSON Lines: by JSON text; the raw value of a bad row is not compared."""
    texts = [*good, *(bad or {})]
    lines = [f'{{"id": {n}, "{column}": {text}}}' for n, text in enumerate(texts, start=1)]
    refused = (Bad(n, reason, ..., ...) for n, reason in enumerate((bad or {}).values(), len(good) + 1))
    rows = ({"id": n, column: value} for n, value in enumerate(good.values(), start=1))
    return Case(
        name, contract, "\n".join(lines), tuple(rows), tuple(refused), files=files or JsonLinesOptions(), budget=ANY
    )


def lines(*texts: str) -> str:
    """A text of lines, each with its end."""
    return "".join(f"{text}\n" for text in texts)


def numbered(values: Iterable[Any]) -> tuple[tuple[int, Any], ...]:
    """Rows of an id, from 1, and a value."""
    return tuple(enumerate(values, start=1))
