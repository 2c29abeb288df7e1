"""The Glue job that ingests, with all that it runs: code, configuration, role, logs, schedule and alarm."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from alur_pulumi import artifacts
from alur_pulumi.buckets import BucketSettings, OnDestroy, private_bucket
from alur_pulumi.job_alarm import failed_run_alarm
from alur_pulumi.job_args import IngestionJobArgs, Prepared, prepare
from alur_pulumi.job_config import CONFIG_NAME, JobPlan, Places, config_text
from alur_pulumi.job_role import RoleNeeds, job_role, needed_policy
from alur_pulumi.wheels import Wheel


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
        prepared = prepare(name, args)
        super().__init__("alur:index:IngestionJob", name, None, opts)
        self._name = name
        self._args = args
        child = pulumi.ResourceOptions(parent=self)

        buckets = self._source_buckets()
        self.landing_uris = pulumi.Output.all(
            *[pulumi.Output.concat("s3://", b, "/", s.prefix) for b, s in zip(buckets, args.sources, strict=True)]
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
        config = self._config(prepared.plan, buckets, artifacts_bucket)
        self.config_uri = artifacts.uri(config)
        job = self._job(prepared, artifacts_bucket, ready)
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
                on_destroy=OnDestroy(self._args.landing_on_destroy),
                abort_uploads_after_days=7,
                noncurrent_days=30,
                kms_key_arn=self._args.landing_kms_key_arn,
                tags=self._args.tags,
            )
            landing = private_bucket(f"{self._name}-landing", settings, self).bucket
        return [pulumi.Output.from_input(source.bucket or landing or "") for source in self._args.sources]

    def _log_groups(self, child: pulumi.ResourceOptions) -> pulumi.Output[str]:
        # The two names are Glue's to choose below the prefix, so they are set by hand; project and stack keep
        # them apart.
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

    def _needs(self, buckets: Sequence[pulumi.Output[str]], artifacts_bucket: pulumi.Output[str]) -> RoleNeeds:
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
        text = known.apply(lambda names: config_text(plan, Places(**{**names, "buckets": tuple(names["buckets"])})))
        key = text.apply(lambda content: artifacts.text_key("config", CONFIG_NAME, content))
        return artifacts.upload_text(
            f"{self._name}-config",
            key,
            text,
            artifacts_bucket,
            content_type="application/json",
            parent=self,
        )

    def _job(
        self, prepared: Prepared, artifacts_bucket: pulumi.Output[str], ready: Sequence[pulumi.Resource]
    ) -> aws.glue.Job:
        args = self._args
        uploaded = [
            artifacts.upload_wheel(f"{self._name}-wheel-{_slug(wheel)}", wheel, artifacts_bucket, self)
            for wheel in prepared.wheels
        ]
        script = artifacts.upload_text(
            f"{self._name}-script",
            artifacts.text_key("script", artifacts.SCRIPT_NAME, artifacts.SCRIPT),
            artifacts.SCRIPT,
            artifacts_bucket,
            content_type="text/x-python",
            parent=self,
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
            execution_property=aws.glue.JobExecutionPropertyArgs(max_concurrent_runs=args.max_concurrent_runs),
            security_configuration=args.security_configuration,
            command=aws.glue.JobCommandArgs(name="glueetl", python_version="3", script_location=artifacts.uri(script)),
            default_arguments={
                "--enable-auto-scaling": "true",
                "--enable-metrics": "true",
                "--enable-observability-metrics": "true",
                **args.arguments,
                "--alur_code_digest": prepared.plan.code_digest,
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

    def _schedule_and_alarm(self, job: aws.glue.Job, child: pulumi.ResourceOptions) -> pulumi.Output[str | None]:
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
