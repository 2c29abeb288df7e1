"""The job's configuration: one JSON object, written by the components and read by the runtime."""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from typing import Any, Final, TypeVar

import attrs
import cattrs
from cattrs import transform_error
from cattrs.strategies import configure_tagged_union

from alur_runtime.contracts.options import (
    NO_BAD_ROWS,
    AnyOptions,
    CsvOptions,
    ErrorBudget,
    JsonLinesOptions,
    ParquetOptions,
    check_budget,
    check_options,
)
from alur_runtime.contracts.spec import RESCUED, Column, ContractSpec, check_spec
from alur_runtime.errors import ConfigError
from alur_runtime.landing.globs import compile_glob

_T = TypeVar("_T")

FORMAT: Final = 1
"""Version of the configuration's form; a runtime refuses any other."""

INGESTED_AT, SOURCE_SYSTEM, SOURCE_FILE, SOURCE_ROW, SOURCE_ETAG = (
    "_ingested_at",
    "_source_system",
    "_source_file",
    "_source_row",
    "_source_etag",
)


class OnChange(StrEnum):
    """What happens to a file that was ingested and has been overwritten since."""

    REPLACE = "replace"  # the table holds the rows of the current version
    APPEND = "append"  # the table keeps the rows of every version; _source_etag tells them apart
    SKIP = "skip"  # the new version is left out, and said to be
    FAIL = "fail"  # the new version is refused, and the run fails


class EngineChoice(StrEnum):
    """Where batches are worked on."""

    AUTO = "auto"
    LOCAL = "local"
    SPARK = "spark"


@attrs.frozen(kw_only=True)
class SourceConfig:
    """Where files land.

    Attributes:
        name: The source system; stands in `_source_system`.
        uri: ``s3://bucket/prefix/``; every key below it is listed.
        pattern: A glob over the key below the prefix: `*` and `?` do not cross `/`, `**` does, `{a,b}` is either.
        files: How its files are written.
        budget: How many bad rows a file may have and be taken all the same.
        hidden: Whether names that begin with `_` or `.`, as a file's or a folder's, are taken too.
    """

    name: str
    uri: str
    pattern: str = "**"
    files: AnyOptions = attrs.field(factory=CsvOptions)
    budget: ErrorBudget = NO_BAD_ROWS
    hidden: bool = False


@attrs.frozen(kw_only=True)
class TableConfig:
    """The table that is written.

    Attributes:
        database: Glue database.
        name: Glue table.
        location: ``s3://bucket/prefix/`` of the Parquet files.
        metadata: ``s3://bucket/prefix/`` of plans, manifests and reports; outside `location`.
    """

    database: str
    name: str
    location: str
    metadata: str

    @property
    def key(self) -> str:
        """The table's key in the ledger."""
        return f"{self.database}.{self.name}"

    @property
    def quarantine(self) -> str:
        """Where bad rows go, as JSON Lines."""
        return f"{self.metadata}quarantine/"

    @property
    def forgotten(self) -> str:
        """Where items go that the ledger forgets."""
        return f"{self.metadata}forgotten/"


@attrs.frozen(kw_only=True)
class LedgerConfig:
    """The DynamoDB table with the state.

    Attributes:
        table: Its name.
        shards: Over how many partition keys the file items are spread; fixed once files were ingested.
    """

    table: str
    shards: int = 4


@attrs.frozen(kw_only=True)
class Settings:
    """Tuning; each default serves from one file to millions.

    Attributes:
        run_lease_seconds: A run whose heartbeat is older is taken for dead and its batches adopted. Safety does not
            hang on it (fences do): too short wastes work, too long delays recovery.
        planning_lease_seconds: The same for the planning lease, which is held while files are listed and planned.
        planning_wait_seconds: How long a run waits for the planning lease before it gives up.
        batch_max_files: Most files of one batch. A batch is the unit of commit and of what a crash costs.
        batch_max_bytes: Most bytes of one batch: with `threads`, this bounds memory.
        threads: Batches worked on at once in process; 0 for one a core, two at least.
        fetch_threads: Files fetched at once by one batch.
        target_object_bytes: About the size of the Parquet objects.
        stream_bytes: A file of more Arrow data than this is written as it is read, into objects of its own; smaller
            ones are held in memory and share objects.
        max_partitions: Most partitions that one batch may write to.
        spark_min_bytes: `engine=auto` takes Spark from so many bytes to ingest on.
        spark_min_files: The same by files.
        max_batch_deaths: A batch is split once so many runs have ended while they worked on it, the first not
            counted; a file that is alone in its batch then fails.
        history_days: How long runs and completed batches are kept in the ledger.
        forget_gone_days: How long the ledger keeps files that are gone from their source; 0 for ever, else 8 at
            least. After that their items are in an archive in S3 alone, and found there if they come back.
    """

    run_lease_seconds: float = 60.0
    planning_lease_seconds: float = 30.0
    planning_wait_seconds: float = 300.0
    batch_max_files: int = 1000
    batch_max_bytes: int = 256 * 1024 * 1024
    threads: int = 0
    fetch_threads: int = 16
    target_object_bytes: int = 256 * 1024 * 1024
    stream_bytes: int = 32 * 1024 * 1024
    max_partitions: int = 1000
    spark_min_bytes: int = 8 * 1024**3
    spark_min_files: int = 100_000
    max_batch_deaths: int = 2
    history_days: int = 90
    forget_gone_days: int = 90


@attrs.frozen(kw_only=True)
class JobConfig:
    """All that a run needs to know.

    Attributes:
        job: The job's logical name, for reports.
        table: What is written.
        contract: Its columns.
        sources: Where files land; of two that list the same file the first takes it.
        ledger: Where the state is.
        on_change: What happens to a file that was overwritten.
        metadata_columns: Which of alur's own columns the table has; see `metadata_columns`.
        transform: ``module:function`` of the user's wheel, an Arrow table in and out, or None.
        code_digest: Digest of runtime, user code and contract: a failed file is tried again when it has changed.
        engine: Where batches are worked on.
        settings: Tuning.
        timeout_seconds: After so long Glue stops a run; 0 for never. A run takes no new batch shortly before.
        format: Version of this form.
    """

    job: str
    table: TableConfig
    contract: ContractSpec
    sources: tuple[SourceConfig, ...]
    ledger: LedgerConfig
    on_change: OnChange = OnChange.REPLACE
    metadata_columns: tuple[str, ...] | None = None
    transform: str | None = None
    code_digest: str = ""
    engine: EngineChoice = EngineChoice.AUTO
    settings: Settings = attrs.field(factory=Settings)
    timeout_seconds: int = 0
    format: int = FORMAT


_METADATA: Final = (
    Column(INGESTED_AT, "timestamp", False, "when alur wrote the row"),
    Column(SOURCE_SYSTEM, "string", False, "name of the source"),
    Column(SOURCE_FILE, "string", False, "URI of the file"),
    Column(SOURCE_ROW, "bigint", False, "number of the record in the file, from 1"),
    Column(SOURCE_ETAG, "string", False, "version of the file"),
)
METADATA_NAMES: Final = tuple(c.name for c in _METADATA)


def metadata_columns(on_change: OnChange, names: tuple[str, ...] | None = None) -> tuple[Column, ...]:
    """The columns that alur adds to every row, in order.

    Args:
        on_change: With `append` the version of the file is among the columns by default.
        names: Those that are wanted; the default ones if None.

    Raises:
        ConfigError: If one is not known, or `on_change` needs one that is not wanted.
    """
    if names is None:
        return tuple(c for c in _METADATA if c.name != SOURCE_ETAG or on_change is OnChange.APPEND)
    for name in names:
        if name not in METADATA_NAMES:
            raise ConfigError("metadata_columns", f"{name!r} is none; there are {', '.join(METADATA_NAMES)}")
    if on_change is OnChange.REPLACE and SOURCE_FILE not in names:
        raise ConfigError(
            "metadata_columns", f"lacks {SOURCE_FILE}, by which on_change=replace finds the rows of a changed file"
        )
    if on_change is OnChange.APPEND and not {SOURCE_FILE, SOURCE_ETAG} <= set(names):
        raise ConfigError(
            "metadata_columns",
            f"lacks {SOURCE_FILE} or {SOURCE_ETAG}, which tell the versions apart that on_change=append keeps",
        )
    return tuple(c for c in _METADATA if c.name in names)


def decisive_digest(config: JobConfig) -> str:
    """Digest of all that decides what becomes of a file: the same for the same, however the job is tuned."""
    decisive = attrs.evolve(config, job="", engine=EngineChoice.AUTO, settings=Settings(), timeout_seconds=0)
    return hashlib.sha256(to_json(decisive)).hexdigest()[:16]


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key (or prefix) of an ``s3://`` URI.

    Raises:
        ValueError: If it is none.
    """
    scheme, found, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if not found or scheme != "s3" or not bucket:
        raise ValueError(f"{uri!r} is no s3:// URI: s3://bucket/prefix/")
    return bucket, key


_FORMATS: Final = {"csv": CsvOptions, "jsonl": JsonLinesOptions, "parquet": ParquetOptions}
_converter: Final = cattrs.Converter(forbid_extra_keys=True, prefer_attrib_converters=True)
configure_tagged_union(
    AnyOptions,
    _converter,
    tag_name="format",
    tag_generator=lambda cls: next(name for name, known in _FORMATS.items() if known is cls),
)


def structure(value: Any, cls: type[_T]) -> _T:
    """Plain JSON data into an attrs class of this package.

    Raises:
        ConfigError: Naming the path of the first thing that does not fit.
    """
    try:
        return _converter.structure(value, cls)
    except Exception as error:
        problems = "; ".join(transform_error(error, path=cls.__name__))
        raise ConfigError(cls.__name__, problems) from error


def unstructure(value: Any) -> Any:
    """An attrs object of this package into plain JSON data."""
    return _converter.unstructure(value)


def to_json(value: Any) -> bytes:
    """Canonical JSON: the same object gives the same bytes, so that its digest names it."""
    text = json.dumps(unstructure(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def config_from_json(body: bytes | str) -> JobConfig:
    """Read and check a job's configuration.

    Raises:
        ConfigError: Naming the setting and what is allowed.
        ContractError: If its contract cannot be.
    """
    try:
        data = json.loads(body)
    except ValueError as error:
        raise ConfigError("(whole)", f"is no JSON: {error}") from error
    found = data.get("format") if isinstance(data, dict) else None
    if found != FORMAT:
        raise ConfigError("format", f"is {found!r}; this runtime reads {FORMAT}: deploy job and runtime together")
    return check_config(structure(data, JobConfig))


def check_config(config: JobConfig) -> JobConfig:
    """Return the configuration if it fits together.

    Raises:
        ConfigError: Naming the setting and what is allowed.
        ContractError: If its contract cannot be.
    """
    check_spec(config.contract)
    if not config.sources:
        raise ConfigError("sources", "is empty: name at least one place where files land")
    names = [s.name for s in config.sources]
    if len(set(names)) != len(names):
        raise ConfigError("sources", f"two sources have the same name: {', '.join(names)}")
    places = {"table.location": config.table.location, "table.metadata": config.table.metadata}
    places |= {f"sources[{i}].uri": s.uri for i, s in enumerate(config.sources)}
    for setting, uri in places.items():
        _check_prefix(setting, uri)
    for i, source in enumerate(config.sources):
        _check_source(f"sources[{i}]", source)
        for setting in ("table.location", "table.metadata"):
            if places[setting].startswith(source.uri):
                raise ConfigError(
                    f"sources[{i}].uri", f"{source.uri} holds {setting} {places[setting]}: it would be read"
                )
    if config.table.metadata.startswith(config.table.location):
        raise ConfigError("table.metadata", f"is below table.location {config.table.location}: readers would find it")
    if not 1 <= config.ledger.shards <= 256:
        raise ConfigError("ledger.shards", f"is {config.ledger.shards}; allowed are 1 to 256")
    if config.transform is not None and not all(config.transform.partition(":")):
        raise ConfigError("transform", f"is {config.transform!r}; write module:function")
    metadata_columns(config.on_change, config.metadata_columns)
    check_own_names(config.contract)
    _check_settings(config.settings)
    return config


_MAY_BE_NONE: Final = frozenset({"threads", "spark_min_bytes", "spark_min_files", "forget_gone_days"})
_LEAST_FORGET_DAYS: Final = 8


def _check_settings(settings: Settings) -> None:
    for field in attrs.fields(Settings):
        value = getattr(settings, field.name)
        least = 0 if field.name in _MAY_BE_NONE else 1
        if value < least:
            raise ConfigError(f"settings.{field.name}", f"is {value}; it must be at least {least}")
    # The race: a run that slept writes the item of an old batch after DynamoDB has deleted that of a newer one, which
    # would have stopped it. Glue lets no run live for more than seven days.
    if 0 < settings.forget_gone_days < _LEAST_FORGET_DAYS:
        said = f"is {settings.forget_gone_days}; it must be 0 (never) or at least {_LEAST_FORGET_DAYS}"
        raise ConfigError("settings.forget_gone_days", f"{said}: longer than any run lives")


def _check_prefix(setting: str, uri: str) -> None:
    try:
        split_uri(uri)
    except ValueError as error:
        raise ConfigError(setting, str(error)) from error
    if not uri.endswith("/"):
        raise ConfigError(setting, f"{uri!r} must end with a slash: it is a folder")


def check_own_names(contract: ContractSpec) -> None:
    """Refuse a contract with a column of a name that is alur's own.

    Raises:
        ConfigError: Naming the column.
    """
    own = {RESCUED, *METADATA_NAMES}
    for name in (*(c.name for c in contract.columns), *(d.name for d in contract.derived)):
        if name.lower() in own:
            raise ConfigError("contract", f"column {name!r} is one that alur adds itself: choose another name")


def _check_source(setting: str, source: SourceConfig) -> None:
    compile_glob(source.pattern)
    check_options(f"{setting}.files", source.files)
    check_budget(f"{setting}.budget", source.budget)
