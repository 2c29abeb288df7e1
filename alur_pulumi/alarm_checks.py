"""What is checked of the arguments that alarms hang on, and when a run is expected. Pure."""

import math
import re
from typing import TYPE_CHECKING, Final

from alur_pulumi.alarms import MOST_HOURS, hours_to_expect
from alur_pulumi.checks import Checker
from alur_pulumi.cron import longest_gap

if TYPE_CHECKING:
    import datetime as dt

    from alur_pulumi.job_args import IngestionJobArgs

_TOPIC: Final = re.compile(r"arn:[\w-]+:sns:[\w-]+:\d{12}:[\w-]{1,256}")
_YEAR_HOURS: Final = 365 * 24


def check_topic(checker: Checker, alarms: bool, topic_arn: object) -> None:
    """Refuse a topic that is none, or that nobody would tell anything.

    Args:
        checker: Names the component.
        alarms: Whether it has alarms.
        topic_arn: The argument.

    Raises:
        ArgumentError: Naming the argument and what to do.
    """
    if topic_arn is None:
        return
    if not alarms:
        raise checker.refuse("alarm_topic_arn", topic_arn, "leave it out, or turn alarms on")
    if isinstance(topic_arn, str) and not _TOPIC.fullmatch(topic_arn):
        raise checker.refuse("alarm_topic_arn", topic_arn, "give the ARN of a standard topic: arn:aws:sns:...")


def check_alarms(checker: Checker, args: "IngestionJobArgs") -> None:
    """Refuse arguments of which no alarm can be made.

    Args:
        checker: Names the component.
        args: The arguments.

    Raises:
        ArgumentError: Naming the argument and what to do.
    """
    check_topic(checker, args.alarms, args.alarm_topic_arn)
    checker.between("freshness_hours", args.freshness_hours, 1, _YEAR_HOURS)
    checker.between("expect_every_hours", args.expect_every_hours, 0, MOST_HOURS)
    if not args.alarms or not args.schedule_enabled or args.schedule is None or args.expect_every_hours == 0:
        return
    gap = longest_gap(args.schedule) if isinstance(args.schedule, str) else None
    if args.expect_every_hours is None:
        _check_expected(checker, args, gap)
    elif gap is not None and args.expect_every_hours < (hours := math.ceil(gap.total_seconds() / 3600)):
        remedy = f"the schedule itself leaves {hours} hours between two runs: give more, or leave it out"
        raise checker.refuse("expect_every_hours", args.expect_every_hours, remedy)


def _check_expected(checker: Checker, args: "IngestionJobArgs", gap: "dt.timedelta | None") -> None:
    if not isinstance(args.schedule, str):
        remedy = (
            "the schedule is not known yet: say within how many hours a run must have ended, or 0 for no such alarm"
        )
        raise checker.refuse("expect_every_hours", None, remedy)
    if gap is None or hours_to_expect(gap, args.timeout_minutes) > MOST_HOURS:
        remedy = (
            f"CloudWatch looks back {MOST_HOURS} hours, too few to miss a run of this schedule: run more often, or "
            "give expect_every_hours=0 and have the runs watched otherwise"
        )
        raise checker.refuse("schedule", args.schedule, remedy)


def expected_hours(args: "IngestionJobArgs") -> int | None:
    """Within how many hours a run must have ended; None if nothing says that there must be runs.

    Args:
        args: The arguments, checked.
    """
    if args.expect_every_hours is not None:
        return args.expect_every_hours or None
    gap = longest_gap(args.schedule) if args.schedule_enabled and isinstance(args.schedule, str) else None
    return None if gap is None else hours_to_expect(gap, args.timeout_minutes)
