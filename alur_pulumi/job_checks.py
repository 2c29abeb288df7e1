"""What is checked of an ingestion job's arguments at preview, by themselves and against one another."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from alur_pulumi.alarm_checks import check_alarms
from alur_pulumi.buckets import OnDestroy
from alur_pulumi.checks import GLUE_VERSIONS, MINUTES_A_DAY, RETENTION_DAYS, WORKER_TYPES, Checker
from alur_pulumi.iam import POLICIES_OF_A_ROLE, places_by_policy
from alur_pulumi.job_config import check_functions, check_sources, landing_stand_ins
from alur_pulumi.job_options import ExecutionClass
from alur_pulumi.start_documents import arrival_pattern
from alur_pulumi.wheels import Wheel
from alur_runtime.config import EngineChoice

if TYPE_CHECKING:
    from alur_pulumi.job_args import IngestionJobArgs

_FLEX_WORKERS: Final = ("G.1X", "G.2X")
_MOST_EVENTS: Final = 100
_LONGEST_WINDOW: Final = 900
_LONGEST_PATTERN: Final = 2048


def check_job(checker: Checker, args: "IngestionJobArgs", shipped: Sequence[Wheel]) -> None:
    """Refuse arguments that cannot be.

    Args:
        checker: Names the component.
        args: The arguments.
        shipped: The user's own wheels.

    Raises:
        ArgumentError: Naming the argument and what is allowed.
    """
    check_sources(checker, args.sources)
    if not args.table.kept_by(args.state):
        # either would know nothing of the files that the other has taken
        raise checker.refuse("state", args.state, "another job of this table has another ledger: give it that one")
    _check_policies(checker, args)
    check_functions(checker, args.table.spec, args.transform, shipped)
    for argument in ("landing_bucket", "artifacts_bucket", "landing_access_log_bucket"):
        checker.bucket_name(argument, getattr(args, argument))
    log_bucket = args.landing_access_log_bucket
    if log_bucket is not None and (args.landing_bucket or all(source.bucket for source in args.sources)):
        remedy = "leave it out: no landing bucket is made, and the settings of one that is there are its owner's"
        raise checker.refuse("landing_access_log_bucket", log_bucket, remedy)
    checker.one_of("landing_on_destroy", args.landing_on_destroy, tuple(OnDestroy))
    checker.one_of("engine", args.engine, tuple(EngineChoice))
    checker.one_of("log_retention_days", args.log_retention_days, RETENTION_DAYS)
    checker.job_arguments("arguments", args.arguments)
    _check_runs(checker, args)
    _check_starts(checker, args)
    check_alarms(checker, args)
    _check_network(checker, args)
    _check_security(checker, args)


def _check_policies(checker: Checker, args: "IngestionJobArgs") -> None:
    needed = len(places_by_policy(landing_stand_ins(args.sources))) + 1  # that of the network
    if args.role_arn is None and needed > POLICIES_OF_A_ROLE:
        remedy = f"a role has {POLICIES_OF_A_ROLE} policies, too few for so many places: make two jobs of one table"
        raise checker.refuse("sources", f"{len(args.sources)} places", remedy)


def _check_runs(checker: Checker, args: "IngestionJobArgs") -> None:
    checker.one_of("glue_version", args.glue_version, GLUE_VERSIONS)
    checker.one_of("worker_type", args.worker_type, WORKER_TYPES)
    checker.one_of("execution_class", args.execution_class, tuple(ExecutionClass))
    checker.between("number_of_workers", args.number_of_workers, 2, 1000)
    checker.between("max_retries", args.max_retries, 0, 10)
    checker.between("max_concurrent_runs", args.max_concurrent_runs, 1, 1000)
    kept = args.table.uploads_kept_days
    most = 7 * MINUTES_A_DAY if kept is None else min(7, kept) * MINUTES_A_DAY - 1
    remedy = f"allowed are 1 to {most}: Glue's limit, and the bucket must keep uploads for longer than a run"
    checker.between("timeout_minutes", args.timeout_minutes, 1, most, remedy)
    longest = args.timeout_minutes - 1
    remedy = f"allowed are 1 to {longest}: after timeout_minutes the run is over"
    checker.between("notify_after_minutes", args.notify_after_minutes, 1, longest, remedy)
    flex = args.execution_class == ExecutionClass.FLEX
    if flex and args.worker_type not in _FLEX_WORKERS:
        allowed = " and ".join(_FLEX_WORKERS)
        raise checker.refuse("worker_type", args.worker_type, f"execution_class FLEX has only {allowed}")
    queued = args.job_queuing
    checker.exclusive("job_queuing", queued, "execution_class FLEX", flex, "Glue queues standard runs only")
    checker.exclusive("job_queuing", queued, "max_retries", args.max_retries, "Glue queues no run that it may retry")


def _check_starts(checker: Checker, args: "IngestionJobArgs") -> None:
    checker.cron("schedule", args.schedule)
    checker.timezone("schedule_timezone", args.schedule_timezone)
    if args.schedule is None and args.schedule_timezone is not None:
        raise checker.refuse("schedule_timezone", args.schedule_timezone, "give schedule too, or leave it out")
    arrival = args.start_on_arrival
    if arrival is None:
        return
    checker.between("start_on_arrival.window_seconds", arrival.window_seconds, 1, _LONGEST_WINDOW)
    checker.between("start_on_arrival.batch_size", arrival.batch_size, 1, _MOST_EVENTS)
    places = landing_stand_ins(args.sources)
    if len(arrival_pattern(places)) > _LONGEST_PATTERN:
        remedy = f"their prefixes make an event pattern of more than {_LONGEST_PATTERN} characters: start on schedule"
        raise checker.refuse("sources", f"{len(places)} places", remedy)
    sweeps = args.schedule is not None and args.schedule_enabled
    if args.max_concurrent_runs == 1 and not (args.job_queuing or sweeps):
        remedy = (
            "files that land during a run would wait for the next file: allow 2 runs, turn job_queuing on, or give "
            "a schedule too"
        )
        raise checker.refuse("max_concurrent_runs", args.max_concurrent_runs, remedy)


def _check_network(checker: Checker, args: "IngestionJobArgs") -> None:
    network = args.network
    if network is None:
        return
    why = "a job runs in one network, leave one out"
    checker.exclusive("network", network.subnet_id, "connections", args.connections, why)
    if not network.security_group_ids:
        remedy = "give a list with at least one security group that lets its own members reach one another"
        raise checker.refuse("network.security_group_ids", network.security_group_ids, remedy)
    checker.id("network.subnet_id", network.subnet_id, "subnet-")
    for i, group in enumerate(network.security_group_ids):
        checker.id(f"network.security_group_ids[{i}]", group, "sg-")


def _check_security(checker: Checker, args: "IngestionJobArgs") -> None:
    key, existing = args.security_kms_key_arn, args.security_configuration
    why = "one is made with the key or is there already, leave one out"
    checker.exclusive("security_kms_key_arn", key, "security_configuration", existing, why)
    why = "Glue sets the key of the security configuration, leave the other out"
    checker.exclusive("log_kms_key_arn", args.log_kms_key_arn, "security_kms_key_arn", key, why)
    for argument in ("security_kms_key_arn", "log_kms_key_arn", "landing_kms_key_arn"):
        checker.key_arn(argument, getattr(args, argument))
    for i, one in enumerate(args.kms_key_arns):
        checker.key_arn(f"kms_key_arns[{i}]", one)
