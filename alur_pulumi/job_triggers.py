"""What starts a job by itself, schedule and arrival of files: resources over the documents of `start_documents`."""

from collections.abc import Sequence

import attrs
import pulumi
import pulumi_aws as aws

from alur_pulumi import start_documents as documents
from alur_pulumi.job_options import StartOnArrival
from alur_pulumi.job_role import RoleSettings, attached_policy, service_role

_TWO_WEEKS = 14 * 24 * 3600
_DAY = 24 * 3600
_HOUR = 3600
_RETRIES = 185  # AWS's own most; it is the age that ends the retries


@attrs.frozen(kw_only=True)
class Starts:
    """What shall start a job.

    Attributes:
        schedule: Its cron expression, if it has a schedule.
        timezone: The zone that the schedule's times are in; None is UTC.
        schedule_enabled: Whether the schedule is on.
        arrival: How files start it, if they do.
        landing: Pairs of bucket and prefix where they land.
        own_bucket: The landing bucket that was made for the job, if one was.
    """

    schedule: pulumi.Input[str] | None
    timezone: str | None
    schedule_enabled: bool
    arrival: StartOnArrival | None
    landing: Sequence[tuple[pulumi.Output[str], str]]
    own_bucket: pulumi.Output[str] | None


def start_job(
    name: str, job: aws.glue.Job, starts: Starts, settings: RoleSettings, opts: pulumi.ResourceOptions
) -> aws.sqs.Queue | None:
    """Register what starts the job; return the queue of starts that were never delivered, if there is one.

    Glue's own triggers know UTC only, so that a schedule in another zone is the scheduler's.

    Args:
        name: Logical name of the job.
        job: The job.
        starts: What shall start it.
        settings: What all roles have.
        opts: Options of the children.
    """
    starter = _Starter(name, job, starts, settings, opts)
    zoned = starts.schedule is not None and starts.timezone is not None
    if starts.schedule is not None and not zoned:
        starter.trigger()
    if starts.arrival is None and not zoned:
        return None
    queue = aws.sqs.Queue(
        f"{name}-undelivered",
        message_retention_seconds=_TWO_WEEKS,
        sqs_managed_sse_enabled=True,
        tags=settings.tags,
        opts=opts,
    )
    if zoned:
        starter.schedule(queue)
    rules = [] if starts.arrival is None else [starter.arrival(starts.arrival, queue)]
    aws.sqs.QueuePolicy(
        f"{name}-undelivered-policy",
        queue_url=queue.url,
        policy=pulumi.Output.all(queue.arn, *[rule.arn for rule in rules]).apply(
            lambda arns: documents.queue_policy(arns[0], arns[1:])
        ),
        opts=opts,
    )
    return queue


@attrs.frozen
class _Starter:
    """Registers one thing that starts the job with each method."""

    name: str
    job: aws.glue.Job
    starts: Starts
    settings: RoleSettings
    opts: pulumi.ResourceOptions

    def trigger(self) -> None:
        """A schedule in UTC."""
        aws.glue.Trigger(
            f"{self.name}-schedule",
            type="SCHEDULED",
            schedule=self.starts.schedule,
            actions=[aws.glue.TriggerActionArgs(job_name=self.job.name)],
            enabled=self.starts.schedule_enabled,
            tags=self.settings.tags,
            opts=self.opts,
        )

    def schedule(self, queue: aws.sqs.Queue) -> None:
        """A schedule in another time zone."""
        assert self.starts.schedule is not None
        arns = pulumi.Output.all(self.job.arn, queue.arn)
        role, ready = self._role(
            "schedule",
            f"The scheduler starts the ingestion job {self.name} as this role.",
            self.job.arn.apply(documents.scheduler_trust_policy),
            arns.apply(lambda known: documents.start_job_policy(*known)),
        )
        aws.scheduler.Schedule(
            f"{self.name}-schedule",
            description=f"Starts the ingestion job {self.name}.",
            schedule_expression=self.starts.schedule,
            schedule_expression_timezone=self.starts.timezone,
            state="ENABLED" if self.starts.schedule_enabled else "DISABLED",
            flexible_time_window=aws.scheduler.ScheduleFlexibleTimeWindowArgs(mode="OFF"),
            target=aws.scheduler.ScheduleTargetArgs(
                arn=self.job.arn.apply(documents.start_job_target),
                role_arn=role.arn,
                input=self.job.name.apply(documents.start_job_input),
                # a start that is refused, as one run too many is, is tried again: late is better than not at all
                retry_policy=aws.scheduler.ScheduleTargetRetryPolicyArgs(
                    maximum_event_age_in_seconds=_HOUR, maximum_retry_attempts=_RETRIES
                ),
                dead_letter_config=aws.scheduler.ScheduleTargetDeadLetterConfigArgs(arn=queue.arn),
            ),
            opts=self._after(ready),
        )

    def arrival(self, arrival: StartOnArrival, queue: aws.sqs.Queue) -> aws.cloudwatch.EventRule:
        """Files that land; return the rule that hears of them."""
        name = f"{self.name}-arrival"
        workflow = aws.glue.Workflow(
            name,
            description=f"Starts the ingestion job {self.name} when files land.",
            tags=self.settings.tags,
            opts=self.opts,
        )
        trigger = aws.glue.Trigger(
            f"{name}-trigger",
            type="EVENT",
            workflow_name=workflow.name,
            actions=[aws.glue.TriggerActionArgs(job_name=self.job.name)],
            event_batching_conditions=[
                aws.glue.TriggerEventBatchingConditionArgs(
                    batch_size=arrival.batch_size, batch_window=arrival.window_seconds
                )
            ],
            tags=self.settings.tags,
            opts=self.opts,
        )
        rule = aws.cloudwatch.EventRule(
            name,
            description=f"Files that land where the ingestion job {self.name} looks for them.",
            event_pattern=self._pattern(),
            tags=self.settings.tags,
            opts=self.opts,
        )
        role, ready = self._role(
            "arrival",
            f"EventBridge tells of files for the ingestion job {self.name} as this role.",
            rule.arn.apply(documents.rule_trust_policy),
            workflow.arn.apply(documents.notify_policy),
        )
        target = aws.cloudwatch.EventTarget(
            f"{name}-target",
            rule=rule.name,
            arn=workflow.arn,
            role_arn=role.arn,
            retry_policy=aws.cloudwatch.EventTargetRetryPolicyArgs(
                maximum_event_age_in_seconds=_DAY, maximum_retry_attempts=_RETRIES
            ),
            dead_letter_config=aws.cloudwatch.EventTargetDeadLetterConfigArgs(arn=queue.arn),
            opts=self._after(ready, trigger),
        )
        if self.starts.own_bucket is not None:
            # last of all: an event that nothing is there to take is lost
            aws.s3.BucketNotification(
                f"{name}-events", bucket=self.starts.own_bucket, eventbridge=True, opts=self._after(target)
            )
        return rule

    def _pattern(self) -> pulumi.Output[str]:
        prefixes = [prefix for _, prefix in self.starts.landing]
        buckets = pulumi.Output.all(*[bucket for bucket, _ in self.starts.landing])
        return buckets.apply(lambda names: documents.arrival_pattern(zip(names, prefixes, strict=True)))

    def _role(
        self, part: str, what: str, trust: pulumi.Output[str], policy: pulumi.Output[str]
    ) -> tuple[aws.iam.Role, pulumi.Resource]:
        name = f"{self.name}-{part}"
        role = service_role(name, what, trust, self.settings, self.opts)
        allows = f"What starting the ingestion job {self.name} needs, and nothing else."
        return role, attached_policy(name, allows, role, policy, settings=self.settings, opts=self.opts)

    def _after(self, *others: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions.merge(self.opts, pulumi.ResourceOptions(depends_on=list(others)))
