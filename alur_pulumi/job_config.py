"""From a component's arguments to the configuration that the runtime reads, by pure functions."""

import hashlib
import json
from collections.abc import Sequence
from typing import Final

import attrs
import pulumi

from alur_pulumi.checks import Checker
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
    to_json,
    unstructure,
)
from alur_runtime.contract import ContractSpec
from alur_runtime.errors import ConfigError
from alur_runtime.options import AnyOptions

CONFIG_NAME: Final = "config.json"


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
    """

    name: str
    prefix: str = ""
    bucket: pulumi.Input[str] | None = None
    pattern: str = "**"
    files: AnyOptions | None = None


@attrs.frozen(kw_only=True)
class JobPlan:
    """All of a job's configuration that is known before anything is deployed.

    Attributes:
        job: The job's logical name.
        contract: The table's columns.
        on_change: What happens to a file that was overwritten.
        sources: Where files land.
        shards: Of the ledger.
        transform: ``module:function``, or None.
        code_digest: Digest of all that decides what becomes of a file.
        engine: Where batches are worked on.
        settings: Tuning.
    """

    job: str
    contract: ContractSpec
    on_change: OnChange
    sources: tuple[Source, ...]
    shards: int
    transform: str | None
    code_digest: str
    engine: EngineChoice
    settings: Settings


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
    sources = tuple(
        SourceConfig(
            name=s.name, uri=f"s3://{bucket}/{s.prefix}", pattern=s.pattern, files=s.files or plan.contract.files
        )
        for s, bucket in zip(plan.sources, places.buckets, strict=True)
    )
    table = TableConfig(database=places.database, name=places.table, location=places.location, metadata=places.metadata)
    config = JobConfig(
        job=plan.job,
        table=table,
        contract=plan.contract,
        sources=sources,
        ledger=LedgerConfig(table=places.ledger, shards=plan.shards),
        on_change=plan.on_change,
        transform=plan.transform,
        code_digest=plan.code_digest,
        engine=plan.engine,
        settings=plan.settings,
    )
    return check_config(config)


def config_text(plan: JobPlan, places: Places) -> str:
    """The configuration as the object that is uploaded."""
    return to_json(job_config(plan, places)).decode()


def code_digest(
    wheels: Sequence[Wheel],
    contract: ContractSpec,
    on_change: OnChange,
    sources: Sequence[Source],
    transform: str | None,
) -> str:
    """Digest of all that decides what becomes of a file; when it changes, failed files are tried again.

    Names of buckets and tables are left out, so that it is known at preview, and so is tuning.
    """
    parts = {
        "wheels": sorted(wheel.digest for wheel in wheels),
        "contract": unstructure(contract),
        "on_change": on_change,
        "files": {source.name: unstructure(source.files) for source in sources if source.files},
        "transform": transform,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def check_plan(checker: Checker, plan: JobPlan, places: Places) -> None:
    """Refuse at preview what the runtime would refuse at start.

    Args:
        checker: Names the component.
        plan: What is known.
        places: The names that are known, with stand-ins for those that only the deployment knows.

    Raises:
        ArgumentError: If it does not fit together.
    """
    try:
        job_config(plan, places)
    except ConfigError as error:
        value = unstructure(plan.settings) if error.setting.startswith("settings") else error.setting
        raise checker.refuse(error.setting, value, error.problem) from error


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
        checker.prefix(f"sources[{i}].prefix", source.prefix)
        checker.bucket_name(f"sources[{i}].bucket", source.bucket)


def check_transform(checker: Checker, transform: str | None, code: Wheel | None) -> None:
    """Refuse a transform that is not in the code that is shipped.

    Raises:
        ArgumentError: Saying what is missing.
    """
    if transform is None:
        return
    module, found, function = transform.partition(":")
    if not (found and module and function.isidentifier()):
        raise checker.refuse("transform", transform, "write module:function")
    if code is None:
        raise checker.refuse("transform", transform, "give code, the folder of the package that it is in")
    if not code.has_module(module):
        packages = ", ".join(code.packages)
        raise checker.refuse("transform", transform, f"code has the package {packages} and no module {module}")
