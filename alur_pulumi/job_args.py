"""Arguments of an ingestion job, and what is checked of them at preview."""

import os
from collections.abc import Mapping, Sequence

import attrs
import pulumi

from alur_pulumi import catalog
from alur_pulumi.argument_types import check_types
from alur_pulumi.bronze_table import BronzeTable
from alur_pulumi.buckets import OnDestroy
from alur_pulumi.checks import Checker
from alur_pulumi.code_sources import code_wheel
from alur_pulumi.errors import WheelError
from alur_pulumi.job_checks import check_job
from alur_pulumi.job_config import JobPlan, Places, Source, check_plan, code_digest
from alur_pulumi.job_options import ExecutionClass, Network, StartOnArrival
from alur_pulumi.state_table import StateTable
from alur_pulumi.wheels import Wheel, runtime_wheels
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
        landing_kms_key_arn: The key of the landing bucket, which the job may use: the made one encrypts with it (with
            S3's own if none is given). Name the key of a landing bucket that is there already here too.
        landing_access_log_bucket: Name of a bucket that S3 logs each access to the made landing bucket to, below a
            folder of its name; its policy must let ``logging.s3.amazonaws.com`` write. Not logged if none is given.
        code: Your own Python code (pure Python), shipped as one more wheel: the folder of a package, the name of a
            module that can be imported here, or a ``.whl`` file. Transform and functions of expectations are in it.
        wheels: Further modules that your code imports, each named in the same way. Name what they import too:
            nothing is fetched when a run starts.
        transform: ``module:function`` of your code, called once for each file with its rows as an Arrow table;
            it returns those to write, and keeps `_source_row`.
        engine: Where batches are worked on; `auto` takes Spark only where there is much to do.
        settings: Tuning of the runtime.
        schedule: When to look for files, such as ``cron(0 6 * * ? *)``; only by hand if none is given.
        schedule_timezone: The time zone (IANA name) that the schedule is in; UTC if none is given.
        schedule_enabled: Whether the schedule is on.
        start_on_arrival: Files that land start runs too; give a schedule beside it, since events may get lost. A
            landing bucket that is there already must send its events to EventBridge: turn that on in the bucket's
            notifications (it is one setting of the whole bucket, so it is not made here).
        glue_version: Version of Glue.
        worker_type: Size of a worker.
        number_of_workers: Most workers of a run; Glue takes fewer where fewer do.
        execution_class: FLEX is cheaper and may wait: for backfills, and for files that are in no hurry.
        timeout_minutes: A run that takes longer is stopped. Shortly before, it takes no new work; the next run begins
            with what is left.
        notify_after_minutes: Glue sends an event ("Glue Job Run Status") for a run that takes longer than this.
        max_retries: How often Glue starts a failed run again. 0 by default, although a retry is safe: a file
            that does not fit its contract fails again, and the next run takes up whatever was left.
        max_concurrent_runs: Runs at the same time are safe; more than this are refused by Glue.
        job_queuing: Whether a run that cannot start now (quotas, too many runs) waits in place of failing.
        role_arn: A role that is there already, in place of one that is made; see the output `policy`.
        permissions_boundary: ARN of the boundary that the made role gets.
        kms_key_arns: Keys that the job needs besides those of table, landing bucket and state.
        artifacts_bucket: Name of the bucket for code and configuration; the table's own if none is given.
        log_retention_days: For how long logs are kept.
        log_kms_key_arn: The key that logs are encrypted with.
        security_configuration: Name of a Glue security configuration that is there already.
        security_kms_key_arn: A Glue security configuration is made that encrypts logs, bookmarks and what Glue writes
            to S3 with this key. The key must let CloudWatch Logs use it.
        connections: Names of Glue connections that are there already, by which the job reaches a network (VPC).
        network: The network that the job runs in; a connection is made of it.
        arguments: Further arguments of the job, such as ``--conf``. They are shown in logs: no secrets.
        alarms: Whether a topic is told of runs that fail or do not come, counts that differ, and files or rows that
            were refused or wait for too long. On by default: a job that fails in silence costs more.
        alarm_topic_arn: A topic that is there already and lets CloudWatch and EventBridge publish; if none is given,
            that of the state.
        expect_every_hours: The alarm `did-not-run` goes off once no run has ended for so many hours (168 at most); 0
            for no such alarm. If not given, it follows from the schedule and `timeout_minutes`.
        freshness_hours: The alarm `files-pending` goes off when a run leaves a file that landed longer ago and is
            neither in the table nor refused.
        dashboard: Whether CloudWatch gets a dashboard of the table.
        tags: Tags of all that is made.
    """

    table: BronzeTable
    state: StateTable
    sources: Sequence[Source]
    landing_bucket: pulumi.Input[str] | None = None
    landing_on_destroy: OnDestroy = OnDestroy.RETAIN
    landing_kms_key_arn: pulumi.Input[str] | None = None
    landing_access_log_bucket: pulumi.Input[str] | None = None
    code: str | os.PathLike[str] | None = None
    wheels: Sequence[str | os.PathLike[str]] = ()
    transform: str | None = None
    engine: EngineChoice = EngineChoice.AUTO
    settings: Settings = attrs.field(factory=Settings)
    schedule: pulumi.Input[str] | None = None
    schedule_timezone: str | None = None
    schedule_enabled: bool = True
    start_on_arrival: StartOnArrival | None = None
    glue_version: str = "5.1"
    worker_type: str = "G.1X"
    number_of_workers: int = 2
    execution_class: ExecutionClass = ExecutionClass.STANDARD
    timeout_minutes: int = 120
    notify_after_minutes: int | None = None
    max_retries: int = 0
    max_concurrent_runs: int = 3
    job_queuing: bool = False
    role_arn: pulumi.Input[str] | None = None
    permissions_boundary: pulumi.Input[str] | None = None
    kms_key_arns: Sequence[pulumi.Input[str]] = ()
    artifacts_bucket: pulumi.Input[str] | None = None
    log_retention_days: int = 400
    log_kms_key_arn: pulumi.Input[str] | None = None
    security_configuration: pulumi.Input[str] | None = None
    security_kms_key_arn: pulumi.Input[str] | None = None
    connections: Sequence[pulumi.Input[str]] = ()
    network: Network | None = None
    arguments: Mapping[str, pulumi.Input[str]] = attrs.field(factory=dict)
    alarms: bool = True
    alarm_topic_arn: pulumi.Input[str] | None = None
    expect_every_hours: int | None = None
    freshness_hours: int = 24
    dashboard: bool = True
    tags: dict[str, pulumi.Input[str]] = attrs.field(factory=dict)


@attrs.frozen
class Prepared:
    """What a job runs, checked.

    Attributes:
        plan: Its configuration as far as it is known.
        wheels: The runtime, what it imports, and the user's own.
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
    checker.component_name(name)
    check_types(checker, args, IngestionJobArgs)
    own = _own_wheels(checker, args)
    check_job(checker, args, [wheel for _, wheel in own])
    shipped = list(runtime_wheels())
    for argument, wheel in own:
        _check_clash(checker, argument, wheel, shipped)
        shipped.append(wheel)
    plan = _plan(name, args, shipped)
    check_plan(checker, plan, _places(args))
    return Prepared(plan, tuple(shipped))


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


def _own_wheels(checker: Checker, args: IngestionJobArgs) -> list[tuple[str, Wheel]]:
    """The user's wheels, each with the argument that names it."""
    named = [("code", args.code)] if args.code is not None else []
    named += [(f"wheels[{i}]", wheel) for i, wheel in enumerate(args.wheels)]
    found = []
    for argument, code in named:
        try:
            found.append((argument, code_wheel(code)))
        except WheelError as error:
            raise checker.refuse(argument, os.fspath(code), error.remedy) from error
    return found


def _check_clash(checker: Checker, argument: str, wheel: Wheel, shipped: Sequence[Wheel]) -> None:
    for other in shipped:
        if clash := set(wheel.packages).intersection(other.packages):
            remedy = (
                f"the job gets a package {min(clash)!r} from {other.distribution} already: leave it out or rename it"
            )
            raise checker.refuse(argument, wheel.distribution, remedy)
        if wheel.distribution == other.distribution:
            remedy = f"the job gets a wheel {other.distribution!r} already: rename yours"
            raise checker.refuse(argument, wheel.distribution, remedy)


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
