"""What is seen of a job: its alarms, and the dashboard of its table."""

import pulumi

from alur_pulumi.alarm_checks import expected_hours
from alur_pulumi.alarms import job_alarms
from alur_pulumi.dashboard import Shown, hour_price, table_dashboard
from alur_pulumi.iam import CatalogArn
from alur_pulumi.job_args import IngestionJobArgs
from alur_pulumi.metric_alarms import Telling, failed_run_rule, metric_alarms
from alur_pulumi.topic import alarm_topic


def watch_job(
    name: str,
    args: IngestionJobArgs,
    job: pulumi.Output[str],
    log_group: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
) -> pulumi.Output[str | None]:
    """Register alarms and dashboard, as far as they are wanted.

    Args:
        name: Logical name of the job.
        args: Its arguments, checked.
        job: The Glue job's name.
        log_group: Where its runs log what goes wrong.
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
        alarms = metric_alarms(job_alarms(expected_hours(args), args.freshness_hours), _table_key(args), job, telling)
        failed_run_rule(job, telling)
        topic = pulumi.Output.from_input(topic_arn)
    if args.dashboard:
        table_dashboard(name, _shown(args, job, log_group, [*alarms, *args.state.alarm_arns]), opts)
    return topic


def _table_key(args: IngestionJobArgs) -> pulumi.Output[str]:
    return pulumi.Output.concat(args.table.database_name, ".", args.table.table_name)


def _shown(
    args: IngestionJobArgs, job: pulumi.Output[str], log_group: pulumi.Output[str], alarms: list[pulumi.Output[str]]
) -> pulumi.Output[Shown]:
    price = hour_price(args.worker_type, args.number_of_workers, args.execution_class)
    known = pulumi.Output.all(
        table=args.table.table_arn,
        table_key=_table_key(args),
        job=job,
        ledger=args.state.table_name,
        log_group=log_group,
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
