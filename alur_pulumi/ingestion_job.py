"""The Glue job that ingests, with all that it runs: code, configuration, role, logs, schedule and alarm."""

import os
from collections.abc import Mapping, Sequence

import attrs
import pulumi
import pulumi_aws as aws

from alur_pulumi import artifacts
from alur_pulumi.bronze_table import BronzeTable
from alur_pulumi.buckets import BucketSettings, OnDestroy, private_bucket
from alur_pulumi.checks import GLUE_VERSIONS, MINUTES_A_DAY, RETENTION_DAYS, WORKER_TYPES, Checker
from alur_pulumi.errors import WheelError
from alur_pulumi.job_alarm import failed_run_alarm
from alur_pulumi.job_config import (
    CONFIG_NAME,
    JobPlan,
    Places,
    Source,
    check_plan,
    check_sources,
    check_transform,
    code_digest,
    config_text,
)
from alur_pulumi.job_role import RoleNeeds, job_role, needed_policy
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
        landing_bucket: Name of a bucket that is there already, for sources that name none; one is made if needed.
        landing_on_destroy: What becomes of the made landing bucket on destroy.
        landing_kms_key_arn: The key that the made landing bucket encrypts with; S3's own if none is given.
        code: Folder of your own Python package (pure Python), shipped as one more wheel.
        transform: ``module:function`` of your package; Arrow table in and out, called once for each file.
        engine: Where batches are worked on; `auto` takes Spark only where there is much to do.
        settings: Tuning of the runtime.
        schedule: When to look for files, such as ``cron(0 6 * * ? *)``; only by hand if none is given.
        glue_version: Version of Glue.
        worker_type: Size of a worker.
        number_of_workers: Most workers of a run; Glue takes fewer where fewer do.
        timeout_minutes: A run that takes longer is stopped. The next run finishes its work.
        max_retries: How often Glue starts a failed run again. 0 by default, although a retry is safe: a file that
            does not fit its contract fails again, and the next run takes up whatever was left.
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
        alarm_topic_arn: A topic that is there already and lets EventBridge publish; one is made if none is given.
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


class IngestionJob(pulumi.ComponentResource):
    """A Glue job that ingests every landed file exactly once."""

    job_name: pulumi.Output[str]
    job_arn: pulumi.Output[str]
    role_arn: pulumi.Output[str]
    policy: pulumi.Output[str]
    landing_uris: pulumi.Output[list[str]]
    config_uri: pulumi.Output[str]
    log_group_prefix: pulumi.Output[str]
    alarm_topic_arn: pulumi.Output[str | None]

    def __init__(self, name: str, args: IngestionJobArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the component.

        Args:
            name: Logical name.
            args: Its arguments.
            opts: Options of the component.

        Raises:
            ArgumentError: If an argument cannot be.
            WheelError: If the runtime cannot be packed.
        """
        checker = Checker(f"IngestionJob {name!r}")
        code = _code_wheel(checker, args)
        _check(checker, args, code)
        wheels = (*runtime_wheels(), *((code,) if code else ()))
        plan = _plan(name, args, wheels)
        check_plan(checker, plan, [_known(s.bucket) or _known(args.landing_bucket) for s in args.sources])
        super().__init__("alur:index:IngestionJob", name, None, opts)
        self._name = name
        self._args = args
        child = pulumi.ResourceOptions(parent=self)

        buckets = self._source_buckets()
        self.landing_uris = pulumi.Output.all(
            *[
                pulumi.Output.concat("s3://", b, "/", s.prefix)
                for b, s in zip(buckets, args.sources, strict=True)
            ]
        )
        self.log_group_prefix = self._log_groups(child)
        artifacts_bucket = pulumi.Output.from_input(args.artifacts_bucket or args.table.bucket_name)
        needs = self._needs(buckets, artifacts_bucket)
        self.policy = needed_policy(needs)
        if args.role_arn is None:
            role = job_role(name, self.policy, args.permissions_boundary, args.tags or None, child)
            self.role_arn, ready = role.arn, role.ready
        else:
            self.role_arn, ready = pulumi.Output.from_input(args.role_arn), []
        config = self._config(plan, buckets, artifacts_bucket)
        self.config_uri = artifacts.uri(config)
        job = self._job(wheels, artifacts_bucket, ready)
        self.job_name = job.name
        self.job_arn = job.arn
        self.alarm_topic_arn = self._schedule_and_alarm(job, child)
        self.register_outputs(
            {
                "jobName": self.job_name,
                "jobArn": self.job_arn,
                "roleArn": self.role_arn,
                "policy": self.policy,
                "landingUris": self.landing_uris,
                "configUri": self.config_uri,
                "logGroupPrefix": self.log_group_prefix,
                "alarmTopicArn": self.alarm_topic_arn,
            }
        )

    def _source_buckets(self) -> list[pulumi.Output[str]]:
        landing = self._args.landing_bucket
        if landing is None and any(source.bucket is None for source in self._args.sources):
            settings = BucketSettings(
                on_destroy=self._args.landing_on_destroy,
                abort_uploads_after_days=7,
                noncurrent_days=30,
                kms_key_arn=self._args.landing_kms_key_arn,
                tags=self._args.tags,
            )
            landing = private_bucket(f"{self._name}-landing", settings, self).bucket
        return [pulumi.Output.from_input(source.bucket or landing or "") for source in self._args.sources]

    def _log_groups(self, child: pulumi.ResourceOptions) -> pulumi.Output[str]:
        # The two names are Glue's to choose below the prefix, so they are set by hand; project and stack keep them apart.
        prefix = f"/alur/{pulumi.get_project()}/{pulumi.get_stack()}/{self._name}"
        for part in ("error", "output"):
            aws.cloudwatch.LogGroup(
                f"{self._name}-log-{part}",
                name=f"{prefix}/{part}",
                retention_in_days=self._args.log_retention_days,
                kms_key_id=self._args.log_kms_key_arn,
                tags=self._args.tags or None,
                opts=child,
            )
        return pulumi.Output.from_input(prefix)

    def _needs(
        self, buckets: Sequence[pulumi.Output[str]], artifacts_bucket: pulumi.Output[str]
    ) -> RoleNeeds:
        args = self._args
        keys = [args.table.key_arn, args.state.key_arn, args.landing_kms_key_arn, *args.kms_key_arns]
        return RoleNeeds(
            table_arn=args.table.table_arn,
            ledger_arn=args.state.table_arn,
            landing=tuple((b, s.prefix) for b, s in zip(buckets, args.sources, strict=True)),
            table_bucket=args.table.bucket_name,
            artifacts_bucket=artifacts_bucket,
            artifacts_prefix=artifacts.PREFIX,
            log_group_prefix=self.log_group_prefix,
            kms_key_arns=tuple(key for key in keys if key is not None),
        )

    def _config(
        self, plan: JobPlan, buckets: Sequence[pulumi.Output[str]], artifacts_bucket: pulumi.Output[str]
    ) -> aws.s3.BucketObjectv2:
        table = self._args.table
        known = pulumi.Output.all(
            database=table.database_name,
            table=table.table_name,
            location=table.location,
            metadata=table.metadata_location,
            ledger=self._args.state.table_name,
            buckets=pulumi.Output.all(*buckets),
        )
        text = known.apply(
            lambda names: config_text(plan, Places(**{**names, "buckets": tuple(names["buckets"])}))
        )
        key = text.apply(lambda content: artifacts.text_key("config", CONFIG_NAME, content))
        return artifacts.upload_text(
            f"{self._name}-config", key, text, "application/json", artifacts_bucket, self
        )

    def _job(
        self, wheels: Sequence[Wheel], artifacts_bucket: pulumi.Output[str], ready: Sequence[pulumi.Resource]
    ) -> aws.glue.Job:
        args = self._args
        uploaded = [
            artifacts.upload_wheel(f"{self._name}-wheel-{_slug(wheel)}", wheel, artifacts_bucket, self)
            for wheel in wheels
        ]
        script = artifacts.upload_text(
            f"{self._name}-script",
            artifacts.text_key("script", artifacts.SCRIPT_NAME, artifacts.SCRIPT),
            artifacts.SCRIPT,
            "text/x-python",
            artifacts_bucket,
            self,
        )
        # Glue reads one string with commas and no spaces
        files = pulumi.Output.all(*[artifacts.uri(one) for one in uploaded]).apply(",".join)
        return aws.glue.Job(
            f"{self._name}-job",
            description=f"alur: ingests files into a table ({self._name})",
            role_arn=self.role_arn,
            glue_version=args.glue_version,
            worker_type=args.worker_type,
            number_of_workers=args.number_of_workers,
            timeout=args.timeout_minutes,
            max_retries=args.max_retries,
            execution_property=aws.glue.JobExecutionPropertyArgs(
                max_concurrent_runs=args.max_concurrent_runs
            ),
            security_configuration=args.security_configuration,
            command=aws.glue.JobCommandArgs(
                name="glueetl", python_version="3", script_location=artifacts.uri(script)
            ),
            default_arguments={
                "--enable-auto-scaling": "true",
                "--enable-metrics": "true",
                "--enable-observability-metrics": "true",
                **args.arguments,
                "--alur_config": self.config_uri,
                "--custom-logGroup-prefix": self.log_group_prefix,
                "--enable-glue-datacatalog": "true",
                "--extra-py-files": files,
                "--job-bookmark-option": "job-bookmark-disable",
                "--job-language": "python",
            },
            tags=args.tags or None,
            # a run that starts before its role may do anything would only fail
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(ready)),
        )

    def _schedule_and_alarm(
        self, job: aws.glue.Job, child: pulumi.ResourceOptions
    ) -> pulumi.Output[str | None]:
        args = self._args
        if args.schedule is not None:
            aws.glue.Trigger(
                f"{self._name}-schedule",
                type="SCHEDULED",
                schedule=args.schedule,
                actions=[aws.glue.TriggerActionArgs(job_name=job.name)],
                enabled=True,
                tags=args.tags or None,
                opts=child,
            )
        if not args.alarm and args.alarm_topic_arn is None:
            return pulumi.Output.from_input(None)
        return failed_run_alarm(self._name, job.name, args.alarm_topic_arn, args.tags or None, child)


def _slug(wheel: Wheel) -> str:
    return wheel.distribution.replace("_", "-")


def _known(value: pulumi.Input[str] | None) -> str | None:
    return value if isinstance(value, str) else None


def _code_wheel(checker: Checker, args: IngestionJobArgs) -> Wheel | None:
    if args.code is None:
        return None
    try:
        return package_wheel(args.code)
    except WheelError as error:
        raise checker.refuse("code", os.fspath(args.code), error.remedy) from error


def _plan(name: str, args: IngestionJobArgs, wheels: Sequence[Wheel]) -> JobPlan:
    spec, on_change = args.table.spec, args.table.on_change
    return JobPlan(
        job=name,
        contract=spec,
        on_change=on_change,
        sources=tuple(args.sources),
        shards=args.state.shard_count,
        transform=args.transform,
        code_digest=code_digest(wheels, spec, on_change, args.sources, args.transform),
        engine=args.engine,
        settings=args.settings,
    )


def _check(checker: Checker, args: IngestionJobArgs, code: Wheel | None) -> None:
    check_sources(checker, args.sources)
    check_transform(checker, args.transform, code)
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
    remedy = f"allowed are 1 to {most}: Glue's limit, and the table's bucket must keep uploads for longer than a run"
    checker.between("timeout_minutes", args.timeout_minutes, 1, most, remedy)
    checker.cron("schedule", args.schedule)
    checker.job_arguments("arguments", args.arguments)
