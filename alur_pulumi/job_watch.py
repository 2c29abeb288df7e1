"""What is seen of a job: its alarms, and the dashboard of its table."""

import attrs
import pulumi

from alur_pulumi.alarm_checks import expected_hours
from alur_pulumi.alarms import job_alarms, start_alarms
from alur_pulumi.dashboard import Shown, hour_price, table_dashboard
from alur_pulumi.iam import CatalogArn
from alur_pulumi.job_args import IngestionJobArgs
from alur_pulumi.metric_alarms import Telling, failed_run_rule, metric_alarms
from alur_pulumi.topic import alarm_topic


@attrs.frozen(kw_only=True)
class WatchedJob:
    """What is looked at.

    Attributes:
        name: The Glue job's name.
        error_log: Name of the log group where its runs log what goes wrong.
        undelivered: Name of the queue of starts that were never delivered, if anything may put some there.
    """

    name: pulumi.Output[str]
    error_log: pulumi.Output[str]
    undelivered: pulumi.Output[str] | None


def watch_job(
    name: str, args: IngestionJobArgs, job: WatchedJob, opts: pulumi.ResourceOptions
) -> pulumi.Output[str | None]:
    """Register alarms and dashboard, as far as they are wanted.

    Args:
        name: Logical name of the job.
        args: Its arguments, checked.
        job: What is looked at.
        opts: Options of the children.

    Returns:
        ARN of the topic that the alarms tell; None if there are none.
    """
    topic: pulumi.Output[str | None] = pulumi.Output.from_input(None)
    alarms: list[pulumi.Output[str]] = []
    if args.alarms:
        given = args.alarm_topic_arn or args.state.alarm_topic_input
        topic_arn = given or alarm_topic(name, args.table.table_arn, None, args.tags or None, opts)
        telling = Telling(name=name, topic_arn=topic_arn, tags=args.tags, opts=opts)
        specs = job_alarms(expected_hours(args), args.freshness_hours)
        alarms = metric_alarms(specs, _table_key(args), job.name, telling)
        if job.undelivered is not None:
            alarms += metric_alarms(start_alarms(), job.undelivered, job.name, telling)
        failed_run_rule(job.name, telling)
        topic = pulumi.Output.from_input(topic_arn)
    if args.dashboard:
        table_dashboard(name, _shown(args, job, [*alarms, *args.state.alarm_arns]), opts)
    return topic


def _table_key(args: IngestionJobArgs) -> pulumi.Output[str]:
    return pulumi.Output.concat(args.table.database_name, ".", args.table.table_name)


def _shown(args: IngestionJobArgs, job: WatchedJob, alarms: list[pulumi.Output[str]]) -> pulumi.Output[Shown]:
    price = hour_price(args.worker_type, args.number_of_workers, args.execution_class)
    known = pulumi.Output.all(
        table=args.table.table_arn,
        table_key=_table_key(args),
        job=job.name,
        ledger=args.state.table_name,
        log_group=job.error_log,
        alarms=pulumi.Output.all(*alarms),
    )
    return known.apply(
        lambda names: Shown(
            region=CatalogArn.parse(names["table"]).region,
            table=names["table_key"],
            job=names["job"],
            ledger=names["ledger"],
            log_group=names["log_group"],
            alarms=tuple(names["alarms"]),
            hour_usd=price,
        )
    )
