"""From a component's arguments to the configuration that the runtime reads, by pure functions."""

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Final

import attrs
import pulumi

from alur_pulumi.checks import Checker
from alur_pulumi.errors import ArgumentError
from alur_pulumi.wheels import Wheel
from alur_runtime.config import (
    EngineChoice,
    JobConfig,
    LedgerConfig,
    OnChange,
    Settings,
    SourceConfig,
    TableConfig,
    check_config,
    config_from_json,
    to_json,
    unstructure,
)
from alur_runtime.contracts.options import NO_BAD_ROWS, AnyOptions, ErrorBudget
from alur_runtime.contracts.spec import ContractSpec
from alur_runtime.errors import ConfigError, ContractError
from alur_runtime.formats.binding import check_readable
from alur_runtime.kernel.user_code import is_function_name
from alur_runtime.landing.globs import compile_glob

CONFIG_NAME: Final = "config.json"
_LONGEST_BUCKET: Final = 63
_STEP: Final = re.compile(r"(\w+)|\[(\d+)\]")


@attrs.frozen(kw_only=True, eq=False)
class Source:
    """Where files land.

    Attributes:
        name: The source system; stands in the column `_source_system`.
        prefix: Folder in the bucket, with a slash at its end; every key below it is listed.
        bucket: Name of the bucket; the job's landing bucket if none is given.
        pattern: A glob over the key below the prefix: `*` and `?` do not cross `/`, `**` does, `{a,b}` is
            either.
        files: How the files are written; as the contract says if not given.
        budget: How many bad rows a file may have and be taken all the same, the bad rows going to quarantine; none
            if not given: one bad row fails its file.
        hidden: Whether names that begin with `_` or `.`, as a file's or a folder's, are taken too.
    """

    name: str
    prefix: str = ""
    bucket: pulumi.Input[str] | None = None
    pattern: str = "**"
    files: AnyOptions | None = None
    budget: ErrorBudget = NO_BAD_ROWS
    hidden: bool = False


@attrs.frozen(kw_only=True)
class JobPlan:
    """All of a job's configuration that is known before anything is deployed.

    Attributes:
        job: The job's logical name.
        contract: The table's columns.
        on_change: What happens to a file that was overwritten.
        metadata_columns: Which of alur's own columns the table has, or None for the default ones.
        sources: Where files land.
        shards: Of the ledger.
        transform: ``module:function``, or None.
        engine: Where batches are worked on.
        settings: Tuning.
        timeout_seconds: After so long Glue stops a run.
        code_digest: Digest of all that decides what becomes of a file; see `code_digest`. An argument of the job and
            no part of the configuration: other code makes no other configuration.
    """

    job: str
    contract: ContractSpec
    on_change: OnChange
    metadata_columns: tuple[str, ...] | None
    sources: tuple[Source, ...]
    shards: int
    transform: str | None
    engine: EngineChoice
    settings: Settings
    timeout_seconds: int = 0
    code_digest: str = ""


@attrs.frozen(kw_only=True)
class Places:
    """The names that are known once everything else is deployed.

    Attributes:
        database: Glue database.
        table: Glue table.
        location: Of its Parquet files.
        metadata: Of its plans, manifests and reports.
        ledger: The DynamoDB table.
        buckets: A source's bucket each, in the order of the sources.
    """

    database: str
    table: str
    location: str
    metadata: str
    ledger: str
    buckets: tuple[str, ...]


def job_config(plan: JobPlan, places: Places) -> JobConfig:
    """The configuration of a job.

    Raises:
        ConfigError: If it does not fit together.
    """
    return check_config(_unchecked(plan, places))


def _unchecked(plan: JobPlan, places: Places) -> JobConfig:
    sources = tuple(
        SourceConfig(
            name=s.name,
            uri=f"s3://{bucket}/{s.prefix}",
            pattern=s.pattern,
            files=s.files or plan.contract.files,
            budget=s.budget,
            hidden=s.hidden,
        )
        for s, bucket in zip(plan.sources, places.buckets, strict=True)
    )
    table = TableConfig(database=places.database, name=places.table, location=places.location, metadata=places.metadata)
    return JobConfig(
        job=plan.job,
        table=table,
        contract=plan.contract,
        sources=sources,
        ledger=LedgerConfig(table=places.ledger, shards=plan.shards),
        on_change=plan.on_change,
        metadata_columns=plan.metadata_columns,
        transform=plan.transform,
        engine=plan.engine,
        settings=plan.settings,
        timeout_seconds=plan.timeout_seconds,
    )


def config_text(plan: JobPlan, places: Places) -> str:
    """The configuration as the object that is uploaded."""
    return to_json(job_config(plan, places)).decode()


def code_digest(wheels: Sequence[Wheel], plan: JobPlan) -> str:
    """Digest of all that decides what becomes of a file; when it changes, failed files are tried again.

    Names of buckets and tables are left out, so that it is known at preview, and so is what fails no file.
    """
    parts = {
        "wheels": sorted(wheel.digest for wheel in wheels),
        "contract": unstructure(plan.contract),
        "on_change": plan.on_change,
        "metadata_columns": plan.metadata_columns,
        "files": {source.name: unstructure(source.files) for source in plan.sources if source.files},
        "budgets": {source.name: unstructure(source.budget) for source in plan.sources},
        "transform": plan.transform,
        "max_partitions": plan.settings.max_partitions,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def check_plan(checker: Checker, plan: JobPlan, places: Places) -> None:
    """Refuse at preview what the runtime would refuse at start, and files that the contract could never be read from.

    Args:
        checker: Names the component.
        plan: What is known.
        places: The names that are known, with stand-ins for those that only the deployment knows.

    Raises:
        ArgumentError: If it does not fit together.
    """
    config = _unchecked(plan, places)
    try:
        config = config_from_json(to_json(check_config(config)))
        for i, source in enumerate(config.sources):
            check_readable(f"sources[{i}].files", config.contract, source.files)
    except ConfigError as error:
        raise _refusal(checker, error, _value_at(config, error.setting)) from error
    except ContractError as error:
        raise checker.refuse("table", plan.contract.name, str(error)) from error


def _refusal(checker: Checker, error: ConfigError, value: object) -> ArgumentError:
    # The error of an argument says itself what the value is.
    return checker.refuse(error.setting, value, error.problem.removeprefix(f"is {value!r}").lstrip("; ,"))


def _value_at(config: JobConfig, setting: str) -> object:
    """The value of a setting such as ``sources[0].files.separator``."""
    value: object = config
    for name, number in _STEP.findall(setting):
        value = value[int(number)] if number and isinstance(value, tuple) else getattr(value, name, value)
    return value


def landing_stand_ins(sources: Sequence[Source]) -> list[tuple[str, str]]:
    """Bucket and prefix of each source; a name that is not known yet is one of its own, as long as it can be."""
    unknown = [source.bucket for source in sources if not isinstance(source.bucket, str)]

    def name(bucket: object) -> str:
        number = next(number for number, other in enumerate(unknown) if other is bucket)
        return f"{number:x>{_LONGEST_BUCKET}}"

    return [(s.bucket if isinstance(s.bucket, str) else name(s.bucket), s.prefix) for s in sources]


def check_sources(checker: Checker, sources: Sequence[Source]) -> None:
    """Refuse sources that cannot be.

    Raises:
        ArgumentError: Naming the source and what is allowed.
    """
    if not sources:
        raise checker.refuse("sources", list(sources), "name at least one place where files land")
    seen: set[str] = set()
    for i, source in enumerate(sources):
        if not source.name or source.name in seen:
            raise checker.refuse(f"sources[{i}].name", source.name, "each source needs a name of its own")
        seen.add(source.name)
        try:
            compile_glob(source.pattern)
        except ConfigError as error:
            raise checker.refuse(f"sources[{i}].pattern", source.pattern, error.problem) from error
        checker.prefix(f"sources[{i}].prefix", source.prefix)
        checker.bucket_name(f"sources[{i}].bucket", source.bucket)


def check_functions(checker: Checker, contract: ContractSpec, transform: str | None, shipped: Sequence[Wheel]) -> None:
    """Refuse a transform, or an expectation's function, that is not in the code that is shipped.

    Raises:
        ArgumentError: Saying what is missing.
    """
    named = [("transform", transform)] if transform is not None else []
    named += [(f"expectation {e.name!r}", e.function) for e in contract.expectations if e.function]
    for argument, name in named:
        if not is_function_name(name):
            raise checker.refuse(argument, name, "write module:function")
        if not shipped:
            raise checker.refuse(argument, name, "give code, the folder of the package that it is in")
        module = name.partition(":")[0]
        if not any(wheel.has_module(module) for wheel in shipped):
            packages = ", ".join(package for wheel in shipped for package in wheel.packages)
            raise checker.refuse(argument, name, f"code has the package {packages} and no module {module}")
