"""Arguments of an ingestion job, and what is checked of them at preview."""

import os
from collections.abc import Mapping, Sequence

import attrs
import pulumi

from alur_pulumi import catalog
from alur_pulumi.bronze_table import BronzeTable
from alur_pulumi.buckets import OnDestroy
from alur_pulumi.checks import GLUE_VERSIONS, MINUTES_A_DAY, RETENTION_DAYS, WORKER_TYPES, Checker
from alur_pulumi.errors import WheelError
from alur_pulumi.job_config import JobPlan, Places, Source, check_functions, check_plan, check_sources, code_digest
from alur_pulumi.state_table import StateTable
from alur_pulumi.wheels import Wheel, package_wheel, runtime_wheels
from alur_runtime.config import EngineChoice, Settings


@attrs.frozen(kw_only=True, eq=False)
class IngestionJobArgs:
    """Arguments of `IngestionJob`.

    Attributes:
        table: What is written.
        state: Where the state is kept.
        sources: Where files land.
        landing_bucket: Name of a bucket that is there already, for sources that name none; one is made if
            needed.
        landing_on_destroy: What becomes of the made landing bucket on destroy.
        landing_kms_key_arn: The key that the made landing bucket encrypts with; S3's own if none is given.
        code: Folder of your own Python package (pure Python), shipped as one more wheel: transform and functions
            of expectations are in it.
        transform: ``module:function`` of your package, called once for each file with its rows as an Arrow table;
            it returns those to write, and keeps `_source_row`.
        engine: Where batches are worked on; `auto` takes Spark only where there is much to do.
        settings: Tuning of the runtime.
        schedule: When to look for files, such as ``cron(0 6 * * ? *)``; only by hand if none is given.
        glue_version: Version of Glue.
        worker_type: Size of a worker.
        number_of_workers: Most workers of a run; Glue takes fewer where fewer do.
        timeout_minutes: A run that takes longer is stopped. Shortly before, it takes no new work; the next run begins
            with what is left.
        max_retries: How often Glue starts a failed run again. 0 by default, although a retry is safe: a file
            that does not fit its contract fails again, and the next run takes up whatever was left.
        max_concurrent_runs: Runs at the same time are safe; more than this are refused by Glue.
        role_arn: A role that is there already, in place of one that is made; see the output `policy`.
        permissions_boundary: ARN of the boundary that the made role gets.
        kms_key_arns: Keys that the job needs besides those of table, landing bucket and state.
        artifacts_bucket: Name of the bucket for code and configuration; the table's own if none is given.
        log_retention_days: For how long logs are kept.
        log_kms_key_arn: The key that logs are encrypted with.
        security_configuration: Name of a Glue security configuration.
        arguments: Further arguments of the job, such as ``--conf``. They are shown in logs: no secrets.
        alarm: Whether a run that fails is told to a topic; always with `alarm_topic_arn`.
        alarm_topic_arn: A topic that is there already and lets EventBridge publish; one is made if none is
            given.
        tags: Tags of all that is made.
    """

    table: BronzeTable
    state: StateTable
    sources: Sequence[Source]
    landing_bucket: pulumi.Input[str] | None = None
    landing_on_destroy: OnDestroy = OnDestroy.RETAIN
    landing_kms_key_arn: pulumi.Input[str] | None = None
    code: str | os.PathLike[str] | None = None
    transform: str | None = None
    engine: EngineChoice = EngineChoice.AUTO
    settings: Settings = attrs.field(factory=Settings)
    schedule: pulumi.Input[str] | None = None
    glue_version: str = "5.1"
    worker_type: str = "G.1X"
    number_of_workers: int = 2
    timeout_minutes: int = 120
    max_retries: int = 0
    max_concurrent_runs: int = 3
    role_arn: pulumi.Input[str] | None = None
    permissions_boundary: pulumi.Input[str] | None = None
    kms_key_arns: Sequence[pulumi.Input[str]] = ()
    artifacts_bucket: pulumi.Input[str] | None = None
    log_retention_days: int = 400
    log_kms_key_arn: pulumi.Input[str] | None = None
    security_configuration: pulumi.Input[str] | None = None
    arguments: Mapping[str, pulumi.Input[str]] = attrs.field(factory=dict)
    alarm: bool = False
    alarm_topic_arn: pulumi.Input[str] | None = None
    tags: dict[str, pulumi.Input[str]] = attrs.field(factory=dict)


@attrs.frozen
class Prepared:
    """What a job runs, checked.

    Attributes:
        plan: Its configuration as far as it is known.
        wheels: The runtime, what it imports, and the user's own code.
    """

    plan: JobPlan
    wheels: tuple[Wheel, ...]


def prepare(name: str, args: IngestionJobArgs) -> Prepared:
    """Check the arguments and pack the code.

    Args:
        name: Logical name of the job.
        args: Its arguments.

    Raises:
        ArgumentError: If an argument cannot be.
        WheelError: If the runtime cannot be packed.
    """
    checker = Checker(f"IngestionJob {name!r}")
    code = _code_wheel(checker, args)
    _check(checker, args, code)
    shipped = runtime_wheels()
    taken = {package for wheel in shipped for package in wheel.packages}
    if code is not None and (clash := taken.intersection(code.packages)):
        raise checker.refuse("code", args.code, f"the job needs a package {min(clash)!r} itself: rename yours")
    wheels = (*shipped, *((code,) if code else ()))
    plan = _plan(name, args, wheels)
    check_plan(checker, plan, _places(args))
    return Prepared(plan, wheels)


def _places(args: IngestionJobArgs) -> Places:
    table = args.table.stand_ins
    bucket, database, name = table.bucket, table.database, table.table
    landing = args.landing_bucket if isinstance(args.landing_bucket, str) else "landing-to-be-made"
    return Places(
        database=database,
        table=name,
        location=f"s3://{bucket}/{catalog.table_prefix(database, name)}",
        metadata=f"s3://{bucket}/{catalog.metadata_prefix(database, name)}",
        ledger="ledger-to-be-made",
        buckets=tuple(s.bucket if isinstance(s.bucket, str) else landing for s in args.sources),
    )


def _code_wheel(checker: Checker, args: IngestionJobArgs) -> Wheel | None:
    if args.code is None:
        return None
    try:
        return package_wheel(args.code)
    except WheelError as error:
        raise checker.refuse("code", os.fspath(args.code), error.remedy) from error


def _plan(name: str, args: IngestionJobArgs, wheels: Sequence[Wheel]) -> JobPlan:
    plan = JobPlan(
        job=name,
        contract=args.table.spec,
        on_change=args.table.on_change,
        metadata_columns=args.table.metadata_columns,
        sources=tuple(args.sources),
        shards=args.state.shard_count,
        transform=args.transform,
        engine=EngineChoice(args.engine),
        settings=args.settings,
        timeout_seconds=args.timeout_minutes * 60,
    )
    return attrs.evolve(plan, code_digest=code_digest(wheels, plan))


def _check(checker: Checker, args: IngestionJobArgs, code: Wheel | None) -> None:
    check_sources(checker, args.sources)
    check_functions(checker, args.table.spec, args.transform, code)
    for argument in ("landing_bucket", "artifacts_bucket"):
        checker.bucket_name(argument, getattr(args, argument))
    checker.one_of("landing_on_destroy", args.landing_on_destroy, tuple(OnDestroy))
    checker.one_of("engine", args.engine, tuple(EngineChoice))
    checker.one_of("glue_version", args.glue_version, GLUE_VERSIONS)
    checker.one_of("worker_type", args.worker_type, WORKER_TYPES)
    checker.one_of("log_retention_days", args.log_retention_days, RETENTION_DAYS)
    checker.between("number_of_workers", args.number_of_workers, 2, 1000)
    checker.between("max_retries", args.max_retries, 0, 10)
    checker.between("max_concurrent_runs", args.max_concurrent_runs, 1, 1000)
    kept = args.table.uploads_kept_days
    most = 7 * MINUTES_A_DAY if kept is None else min(7, kept) * MINUTES_A_DAY - 1
    remedy = f"allowed are 1 to {most}: Glue's limit, and the bucket must keep uploads for longer than a run"
    checker.between("timeout_minutes", args.timeout_minutes, 1, most, remedy)
    checker.cron("schedule", args.schedule)
    checker.job_arguments("arguments", args.arguments)
