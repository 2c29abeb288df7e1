"""The alarm of a failed run: a thin layer of resources over the pure documents of `alarms`."""

import pulumi
import pulumi_aws as aws

from alur_pulumi.alarms import failed_run_pattern
from alur_pulumi.topic import topic_policy


def failed_run_alarm(
    name: str,
    job_name: pulumi.Output[str],
    topic_arn: pulumi.Input[str] | None,
    tags: dict[str, pulumi.Input[str]] | None,
    opts: pulumi.ResourceOptions,
) -> pulumi.Output[str | None]:
    """Register a rule that tells a topic of runs that fail; return the topic's ARN.

    Args:
        name: Logical name of the job.
        job_name: Its physical name.
        topic_arn: A topic that is there already; one is made if none is given.
        tags: Tags.
        opts: Options of the children.
    """
    rule = aws.cloudwatch.EventRule(
        f"{name}-failed",
        description=f"A run of the ingestion job {name} failed. See what it says with: alur status",
        event_pattern=job_name.apply(failed_run_pattern),
        tags=tags,
        opts=opts,
    )
    if topic_arn is None:
        topic = aws.sns.Topic(f"{name}-alarm", tags=tags, opts=opts)
        # SNS's own key cannot be opened to EventBridge, so that an encrypted topic would stay silent: encrypt
        # one of yours with a key of yours where the names of failed jobs are secret.
        aws.sns.TopicPolicy(
            f"{name}-alarm-policy",
            arn=topic.arn,
            policy=topic.arn.apply(topic_policy),
            opts=opts,
        )
        topic_arn = topic.arn
    aws.cloudwatch.EventTarget(f"{name}-failed-target", rule=rule.name, arn=topic_arn, opts=opts)
    return pulumi.Output.from_input(topic_arn)
