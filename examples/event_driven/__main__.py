"""Clicks that land as JSON Lines are in the table minutes later, and somebody is told if they are not."""

import datetime as dt

import pulumi
import pulumi_aws as aws

import alur_pulumi as alur

config = pulumi.Config()


@alur.contract(partition_by=(alur.day("clicked_at"),))
class Clicks:
    """Clicks as the web shop's collector writes them."""

    click_id: str
    clicked_at: dt.datetime
    page: str
    visitor: str | None


pipeline = alur.Pipeline(
    "clicks",
    alur.PipelineArgs(
        contract=Clicks,
        sources=[alur.Source(name="web", prefix="clicks/", pattern="**/*.jsonl", files=alur.JsonLinesOptions())],
        job={
            # A run begins a minute after the first file of a burst, or as soon as 100 are there.
            "start_on_arrival": alur.StartOnArrival(window_seconds=config.get_int("windowSeconds") or 60),
            # Events may get lost, so that a run each night looks for what none of them told of.
            "schedule": "cron(0 3 * * ? *)",
            "schedule_timezone": "Europe/Berlin",
            # Nothing here may wait for longer than that night's run.
            "freshness_hours": 24,
            # A burst while a run is under way starts one more, which takes what the first has not.
            "max_concurrent_runs": 2,
            "job_queuing": True,
        },
    ),
)

# The one who is told confirms it by a click in the first mail.
if email := config.get("alarmEmail"):
    aws.sns.TopicSubscription(
        "on-call", topic=pipeline.job.alarm_topic_arn.apply(str), protocol="email", endpoint=email
    )

pulumi.export("land files below", pipeline.job.landing_uris)
pulumi.export("job", pipeline.job.job_name)
pulumi.export("database", pipeline.table.database_name)
pulumi.export("table", pipeline.table.table_name)
# Starts that AWS gave up are kept here for two weeks.
pulumi.export("starts that were never delivered", pipeline.job.undelivered_queue_url)
