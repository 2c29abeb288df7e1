"""The orders example as a stack; what differs between environments is in `Pulumi.<stack>.yaml` beside it."""

import sys
from pathlib import Path

import pulumi
import pulumi_aws as aws

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "orders"
sys.path.insert(0, str(EXAMPLE))

from orders_feed import Orders  # noqa: E402  (found by the line above)

from alur_pulumi import (  # noqa: E402
    BronzeTable,
    BronzeTableArgs,
    ExecutionClass,
    IngestionJob,
    IngestionJobArgs,
    OnChange,
    OnDestroy,
    Source,
    StartOnArrival,
    StateTable,
    StateTableArgs,
)

config = pulumi.Config()
on_destroy = OnDestroy(config.get("onDestroy") or OnDestroy.RETAIN)
# by these the bill says what each environment costs
tags: dict[str, pulumi.Input[str]] = {"project": pulumi.get_project(), "environment": pulumi.get_stack()}

alarms = config.get_bool("alarms", default=True)

state = StateTable("state", StateTableArgs(on_destroy=on_destroy, alarms=alarms, tags=tags))
table = BronzeTable(
    "orders",
    BronzeTableArgs(
        contract=Orders,
        on_change=OnChange(config.get("onChange") or OnChange.REPLACE),
        on_destroy=on_destroy,
        tags=tags,
    ),
)
job = IngestionJob(
    "orders",
    IngestionJobArgs(
        table=table,
        state=state,
        sources=[
            Source(name="orders", prefix="orders/", pattern="**/*.csv"),
            Source(name="archive", prefix="archive/", pattern="**/*.csv"),
        ],
        landing_on_destroy=on_destroy,
        code=EXAMPLE / "orders_feed",
        transform="orders_feed.transform:clean",
        schedule=config.get("schedule"),
        schedule_timezone=config.get("scheduleTimezone"),
        start_on_arrival=StartOnArrival() if config.get_bool("startOnArrival") else None,
        execution_class=ExecutionClass(config.get("executionClass") or ExecutionClass.STANDARD),
        log_retention_days=config.get_int("logRetentionDays") or 400,
        tags=tags,
        alarms=alarms,
        dashboard=alarms,
    ),
)

# An alarm that nobody hears is none: the one who is told confirms it by a click in the first mail.
if alarms and (email := config.get("alarmEmail")):
    aws.sns.TopicSubscription("alarms", topic=job.alarm_topic_arn.apply(str), protocol="email", endpoint=email)

pulumi.export("job", job.job_name)
pulumi.export("landing", job.landing_uris)
pulumi.export("database", table.database_name)
pulumi.export("table", table.table_name)
pulumi.export("location", table.location)
pulumi.export("ledger", state.table_name)
