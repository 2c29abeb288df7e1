"""The Glue job that ingests, with all that it runs: code, configuration, role, logs, schedule, alarms and dashboard."""

from collections.abc import Sequence

import attrs
import pulumi
import pulumi_aws as aws

from alur_pulumi import artifacts
from alur_pulumi.buckets import BucketSettings, OnDestroy, private_bucket
from alur_pulumi.checks import MODULES
from alur_pulumi.iam import places_by_policy, service_trust_policy
from alur_pulumi.job_args import IngestionJobArgs, Prepared, prepare
from alur_pulumi.job_config import CONFIG_NAME, JobPlan, Places, config_text, landing_stand_ins
from alur_pulumi.job_network import network_needs
from alur_pulumi.job_role import (
    NetworkNeeds,
    RoleNeeds,
    RoleSettings,
    attached_policy,
    fitting_policy,
    needed_policies,
    service_role,
)
from alur_pulumi.job_security import JobLogs, log_groups, security_configuration
from alur_pulumi.job_triggers import Starts, start_job
from alur_pulumi.job_watch import WatchedJob, watch_job
from alur_pulumi.wheels import Wheel


@attrs.frozen(kw_only=True)
class _Uploaded:
    """What a job runs: URIs of its wheels, joined, and of its script; the digest of what decides about files."""

    objects: Sequence[aws.s3.BucketObjectv2]
    files: pulumi.Output[str]
    script: pulumi.Output[str]
    code_digest: str


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
    undelivered_queue_url: pulumi.Output[str | None]

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

        own_bucket = self._own_bucket()
        shared = args.landing_bucket or own_bucket or ""
        buckets = [pulumi.Output.from_input(source.bucket or shared) for source in args.sources]
        landing = [(bucket, source.prefix) for bucket, source in zip(buckets, args.sources, strict=True)]
        self.landing_uris = pulumi.Output.all(
            *[pulumi.Output.concat("s3://", bucket, "/", prefix) for bucket, prefix in landing]
        )
        settings = RoleSettings(permissions_boundary=args.permissions_boundary, tags=args.tags or None)
        role = self._role(settings, child)
        self.role_arn = pulumi.Output.from_input(args.role_arn or "") if role is None else role.arn
        security = security_configuration(name, args, child)
        logs = log_groups(name, args, security, self.role_arn, child)
        self.log_group_prefix = logs.prefix
        network = network_needs(name, args, child)
        artifacts_bucket = pulumi.Output.from_input(args.artifacts_bucket or args.table.bucket_name)
        config = self._config(prepared.plan, buckets, artifacts_bucket)
        self.config_uri = artifacts.uri(config)
        uploaded = self._upload(prepared, artifacts_bucket)
        needed = needed_policies(self._needs(landing, artifacts_bucket, logs, network))
        self.policy = needed.whole
        ready = []
        if role is not None:
            what = f"What the ingestion job {name} needs, and nothing else."
            # an upload that fails leaves the job on what it ran before: its role must still be able to read that
            after = pulumi.ResourceOptions(parent=self, depends_on=[config, *uploaded.objects])
            for part, policy in needed.parts.items():
                fitting = policy.apply(lambda text: fitting_policy(name, text))
                ready.append(attached_policy(f"{name}{part}", what, role, fitting, settings=settings, opts=after))
        job = self._job(uploaded, logs, security, network, ready)
        self.job_name = job.name
        self.job_arn = job.arn
        starts = Starts(
            schedule=args.schedule,
            timezone=args.schedule_timezone,
            schedule_enabled=args.schedule_enabled,
            arrival=args.start_on_arrival,
            landing=landing,
            own_bucket=own_bucket,
        )
        undelivered = start_job(name, job, starts, settings, child)
        self.undelivered_queue_url = pulumi.Output.from_input(None if undelivered is None else undelivered.url)
        queue = None if undelivered is None else undelivered.name
        watched = WatchedJob(name=job.name, error_log=logs.errors, undelivered=queue)
        self.alarm_topic_arn = watch_job(name, args, watched, child)
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
                "undeliveredQueueUrl": self.undelivered_queue_url,
            }
        )

    def _own_bucket(self) -> pulumi.Output[str] | None:
        if self._args.landing_bucket is not None or all(source.bucket is not None for source in self._args.sources):
            return None
        settings = BucketSettings(
            on_destroy=OnDestroy(self._args.landing_on_destroy),
            abort_uploads_after_days=7,
            noncurrent_days=30,
            kms_key_arn=self._args.landing_kms_key_arn,
            access_log_bucket=self._args.landing_access_log_bucket,
            tags=self._args.tags,
        )
        return private_bucket(f"{self._name}-landing", settings, self).bucket

    def _role(self, settings: RoleSettings, child: pulumi.ResourceOptions) -> aws.iam.Role | None:
        if self._args.role_arn is not None:
            return None
        what = f"Glue runs the ingestion job {self._name} as this role."
        return service_role(self._name, what, service_trust_policy("glue.amazonaws.com"), settings, child)

    def _needs(
        self,
        landing: Sequence[tuple[pulumi.Output[str], str]],
        artifacts_bucket: pulumi.Output[str],
        logs: JobLogs,
        network: NetworkNeeds | None,
    ) -> RoleNeeds:
        args = self._args
        keys = [
            args.table.key_arn,
            args.state.key_arn,
            args.landing_kms_key_arn,
            args.security_kms_key_arn,
            *args.kms_key_arns,
        ]
        return RoleNeeds(
            table_arn=args.table.table_arn,
            ledger_arn=args.state.table_arn,
            landing=tuple(landing),
            places=places_by_policy(landing_stand_ins(args.sources)),
            table_bucket=args.table.bucket_name,
            artifacts_bucket=artifacts_bucket,
            artifacts_prefix=artifacts.PREFIX,
            modules=args.arguments.get(MODULES, ""),
            log_groups=logs.groups,
            kms_key_arns=tuple(key for key in keys if key is not None),
            encrypts_logs=args.security_configuration is not None or args.security_kms_key_arn is not None,
            network=network,
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

    def _upload(self, prepared: Prepared, artifacts_bucket: pulumi.Output[str]) -> _Uploaded:
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
        return _Uploaded(
            objects=[*uploaded, script],
            files=files,
            script=artifacts.uri(script),
            code_digest=prepared.plan.code_digest,
        )

    def _job(
        self,
        uploaded: _Uploaded,
        logs: JobLogs,
        security: pulumi.Output[str] | None,
        network: NetworkNeeds | None,
        ready: Sequence[pulumi.Resource],
    ) -> aws.glue.Job:
        args = self._args
        late = args.notify_after_minutes
        notification = None if late is None else aws.glue.JobNotificationPropertyArgs(notify_delay_after=late)
        return aws.glue.Job(
            f"{self._name}-job",
            description=f"alur: ingests files into a table ({self._name})",
            role_arn=self.role_arn,
            glue_version=args.glue_version,
            worker_type=args.worker_type,
            number_of_workers=args.number_of_workers,
            execution_class=args.execution_class,
            timeout=args.timeout_minutes,
            max_retries=args.max_retries,
            execution_property=aws.glue.JobExecutionPropertyArgs(max_concurrent_runs=args.max_concurrent_runs),
            job_run_queuing_enabled=args.job_queuing,
            notification_property=notification,
            security_configuration=security,
            connections=None if network is None else list(network.connections),
            command=aws.glue.JobCommandArgs(name="glueetl", python_version="3", script_location=uploaded.script),
            default_arguments={
                "--enable-auto-scaling": "true",
                "--enable-metrics": "true",
                "--enable-observability-metrics": "true",
                **args.arguments,
                "--alur_code_digest": uploaded.code_digest,
                "--alur_config": self.config_uri,
                "--custom-logGroup-prefix": logs.argument,
                "--enable-glue-datacatalog": "true",
                "--extra-py-files": uploaded.files,
                "--job-bookmark-option": "job-bookmark-disable",
                "--job-language": "python",
            },
            tags=args.tags or None,
            # a run that starts before its role may do anything would only fail
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(ready)),
        )


def _slug(wheel: Wheel) -> str:
    return wheel.distribution.replace("_", "-")
