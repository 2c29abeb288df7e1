"""Errors of the runtime: one root, one small class a situation, each carrying its data."""

from __future__ import annotations


class AlurError(Exception):
    """Root of every error that alur's runtime raises on purpose."""


class ContractError(AlurError, ValueError):
    """A contract that cannot be.

    Attributes:
        contract: Name of the contract class.
        column: Name of the offending column, or None when it is about the whole.
        problem: What is wrong and what is allowed.
    """

    def __init__(self, contract: str, column: str | None, problem: str) -> None:
        super().__init__(contract, column, problem)
        self.contract = contract
        self.column = column
        self.problem = problem

    def __str__(self) -> str:
        where = self.contract if self.column is None else f"{self.contract}.{self.column}"
        return f"contract {where}: {self.problem}"


class ConfigError(AlurError, ValueError):
    """A job configuration that cannot be read or does not fit together.

    Attributes:
        setting: Path of the setting, such as ``sources[0].uri``.
        problem: What is wrong and what is allowed.
    """

    def __init__(self, setting: str, problem: str) -> None:
        super().__init__(setting, problem)
        self.setting = setting
        self.problem = problem

    def __str__(self) -> str:
        return f"configuration {self.setting}: {self.problem}"


class ParseError(AlurError, ValueError):
    """A file that does not fit its contract.

    Attributes:
        uri: The file.
        row: Number of the data record (1-based, the header does not count), or None.
        column: Name of the column, or None.
        problem: What is wrong, with the offending value where there is one.
    """

    def __init__(self, uri: str, problem: str, *, row: int | None = None, column: str | None = None) -> None:
        super().__init__(uri, problem, row, column)
        self.uri = uri
        self.row = row
        self.column = column
        self.problem = problem

    def __str__(self) -> str:
        place = self.uri
        if self.row is not None:
            place += f", row {self.row:,}"
        if self.column is not None:
            place += f", column {self.column!r}"
        return f"{place}: {self.problem}"


class SourceChangedError(AlurError):
    """A file was overwritten or deleted between listing and read; a later run takes its new version."""

    def __init__(self, uri: str, *, gone: bool) -> None:
        super().__init__(uri, gone)
        self.uri = uri
        self.gone = gone

    def __str__(self) -> str:
        return f"{self.uri}: {'deleted' if self.gone else 'overwritten'} after it was listed"


class FencedOffError(AlurError):
    """Another run has taken over what this one wanted to do; nothing of it became visible.

    Attributes:
        what: What was refused, such as ``commit of batch 000000000007-0001``.
    """

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what

    def __str__(self) -> str:
        return f"{self.what}: refused, another run has taken it over"


class LeaseBusyError(AlurError):
    """The planning lease of the table was not to be had in time."""

    def __init__(self, table: str, owner: str, waited_seconds: float) -> None:
        super().__init__(table, owner, waited_seconds)
        self.table = table
        self.owner = owner
        self.waited_seconds = waited_seconds

    def __str__(self) -> str:
        return (
            f"planning lease of {self.table}: held by {self.owner}, waited {self.waited_seconds:.0f} s; "
            "run again, or raise settings.planning_wait_seconds"
        )


class LostUploadError(AlurError):
    """A committed upload has vanished from S3 (lifecycle rule) before it was completed."""

    def __init__(self, batch: str, uri: str) -> None:
        super().__init__(batch, uri)
        self.batch = batch
        self.uri = uri

    def __str__(self) -> str:
        return f"batch {self.batch}: the committed upload of {self.uri} is gone"


class ReconcileError(AlurError):
    """Counts that must be equal are not; nothing was committed."""

    def __init__(self, batch: str, problem: str) -> None:
        super().__init__(batch, problem)
        self.batch = batch
        self.problem = problem

    def __str__(self) -> str:
        return f"batch {self.batch}: counts do not reconcile: {self.problem}"


class PartitionLimitError(AlurError):
    """A batch would write to more partitions than are allowed; nothing was committed."""

    def __init__(self, batch: str, limit: int, uri: str) -> None:
        super().__init__(batch, limit, uri)
        self.batch = batch
        self.limit = limit
        self.uri = uri

    def __str__(self) -> str:
        return (
            f"batch {self.batch}: its rows make more than {self.limit:,} partitions, with {self.uri} and those before "
            "it; partition by something coarser (month of a time, bucket of a key), raise settings.max_partitions, or "
            "lower settings.batch_max_files"
        )


class ItemTooLargeError(AlurError):
    """A file's ledger item would be larger than DynamoDB takes; nothing was committed.

    Attributes:
        uri: The file.
        outputs: How many objects its rows are in.
        versions: How many versions of it the table keeps.
    """

    def __init__(self, uri: str, outputs: int, versions: int) -> None:
        super().__init__(uri, outputs, versions)
        self.uri = uri
        self.outputs = outputs
        self.versions = versions

    def __str__(self) -> str:
        return (
            f"{self.uri}: its rows are in {self.outputs:,} objects, of {self.versions:,} versions: more than its "
            "ledger item can name (400 kB); partition by something coarser, or land it as several files"
        )


class LedgerFormatError(AlurError):
    """A ledger item that this version of the runtime cannot read."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(key, problem)
        self.key = key
        self.problem = problem

    def __str__(self) -> str:
        return f"ledger item {self.key}: {self.problem}"


class LedgerBehindError(AlurError):
    """The ledger is older than what S3 shows: it was restored from a backup, lost, or made anew.

    Attributes:
        table: The ingested table's key.
        proof: What S3 shows that the ledger does not know.
    """

    def __init__(self, table: str, proof: str) -> None:
        super().__init__(table, proof)
        self.table = table
        self.proof = proof

    def __str__(self) -> str:
        return (
            f"ledger of {self.table}: older than what S3 shows: {self.proof}; nothing was done, because what the "
            "ledger has forgotten would be ingested twice"
        )


class RebuildError(AlurError):
    """The ledger cannot be rebuilt as things are; what of it was done stands, and runs still refuse the ledger.

    Attributes:
        problem: What is in the way, and what to do.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem

    def __str__(self) -> str:
        return f"rebuild: {self.problem}"
