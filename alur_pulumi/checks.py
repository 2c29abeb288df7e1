"""Checks of component arguments: pure functions, so that a wrong one is refused at preview and by name."""

import re
import zoneinfo
from collections.abc import Collection, Mapping, Sequence
from typing import Final

import attrs

from alur_pulumi.errors import ArgumentError

GLUE_VERSIONS: Final = ("5.0", "5.1", "6.0")
"""Versions of Glue whose Python (3.11 or newer) can run the runtime."""

WORKER_TYPES: Final = ("G.1X", "G.2X", "G.4X", "G.8X", "G.12X", "G.16X", "R.1X", "R.2X", "R.4X", "R.8X")

RETENTION_DAYS: Final = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip
"""What CloudWatch Logs allows."""

LONGEST_NAME: Final = 38
"""Of a component: with ``-run-failed-target-`` and Pulumi's seven characters it has the 64 of EventBridge's targets."""

MINUTES_A_DAY: Final = 24 * 60
_COMPONENT_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_SQL_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,127}")
_CRON: Final = re.compile(r"cron\((\S+(?: \S+){5})\)")
_CRON_REMEDY: Final = "write six fields: cron(0 6 * * ? *) is each day at 06:00"
_LEAST_MINUTES: Final = 5
_OFTEN: Final = re.compile(r"\*|.*/(?P<step>\d+)")
_ID: Final = re.compile(r"[a-z]+-[0-9a-f]+")
_KEY_ARN: Final = re.compile(r"arn:[\w-]+:kms:[\w-]+:\d+:key/[\w-]+")
# Glue installs what this names when a run starts
MODULES: Final = "--additional-python-modules"
_MODULE_IN_S3: Final = re.compile(r"s3://[^/]+/.+\.whl")
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
# What the job's arguments are made of here; a user's own of the same name would take the place of these in
# silence.
RESERVED_ARGUMENTS: Final = frozenset(
    {
        "--alur_code_digest",
        "--alur_config",
        "--extra-py-files",
        "--enable-glue-datacatalog",
        "--job-language",
        "--job-bookmark-option",
        "--custom-logGroup-prefix",
        "--JOB_NAME",
        "--JOB_ID",
        "--JOB_RUN_ID",
    }
)


@attrs.frozen
class Checker:
    """Checks the arguments of one component.

    Attributes:
        component: Class and name, such as ``IngestionJob 'orders'``; stands at the head of every error.
    """

    component: str

    def refuse(self, argument: str, value: object, remedy: str) -> ArgumentError:
        """The error for a wrong argument, to be raised where it was found."""
        return ArgumentError(self.component, argument, value, remedy)

    def one_of(self, argument: str, value: object, allowed: Collection[object]) -> None:
        """Refuse a plain value that is not among the allowed ones; an output is left to the provider."""
        if isinstance(value, str | int) and value not in allowed:
            raise self.refuse(argument, value, f"allowed are {', '.join(map(str, allowed))}")

    def between(self, argument: str, value: object, least: int, most: int, remedy: str = "") -> None:
        """Refuse a plain number that is not from `least` to `most`."""
        if isinstance(value, bool) or (isinstance(value, int) and not least <= value <= most):
            raise self.refuse(argument, value, remedy or f"allowed are {least} to {most}")

    def component_name(self, value: str, most: int = LONGEST_NAME) -> None:
        """Refuse a component's name that AWS takes for nothing that is called after it.

        Pulumi adds seven characters at random; the deployment would end halfway, at the first bucket or rule.
        """
        if not _COMPONENT_NAME.fullmatch(value) or len(value) > most:
            remedy = f"use letters, digits, - and _, a letter or digit first, {most} at most: AWS resources get it"
            raise self.refuse("name", value, remedy)

    def sql_name(self, argument: str, value: object) -> None:
        """Refuse a name that is not the same in Glue, Athena and Spark."""
        if isinstance(value, str) and not _SQL_NAME.fullmatch(value):
            raise self.refuse(argument, value, "use lower-case letters, digits and underscores, a letter first")

    def bucket_name(self, argument: str, value: object) -> None:
        """Refuse what is no bucket's name (an ARN or a URI, most often)."""
        if isinstance(value, str) and not _BUCKET.fullmatch(value):
            raise self.refuse(argument, value, "give the bucket's name, not its ARN or URI")

    def prefix(self, argument: str, value: str) -> None:
        """Refuse a prefix that is no folder of a bucket."""
        if value and (not value.endswith("/") or value.startswith("/") or "//" in value):
            raise self.refuse(argument, value, "write folder/ (no slash first, one last), or '' for the whole bucket")

    def cron(self, argument: str, value: object) -> None:
        """Refuse a schedule that AWS does not read, or that Glue does not run so often."""
        if not isinstance(value, str):
            return
        written = _CRON.fullmatch(value)
        if written is None:
            raise self.refuse(argument, value, _CRON_REMEDY)
        minute, _, day, _, weekday, _ = written[1].split(" ")
        if (day == "?") == (weekday == "?"):
            remedy = "one of the third field (day) and the fifth (weekday) must be ?, and the other not"
            raise self.refuse(argument, value, f"{remedy}: cron(0 6 * * ? *) is each day at 06:00")
        often = _OFTEN.fullmatch(minute)
        if often and int(often["step"] or 1) < _LEAST_MINUTES:
            raise self.refuse(argument, value, f"Glue starts a job every {_LEAST_MINUTES} minutes at most")

    def timezone(self, argument: str, value: str | None) -> None:
        """Refuse what is no time zone."""
        try:
            if value is not None:
                zoneinfo.ZoneInfo(value)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise self.refuse(argument, value, "write an IANA name such as Europe/Berlin") from error

    def exclusive(self, argument: str, value: object, other: str, given: object, why: str) -> None:
        """Refuse an argument that is set beside another one that it cannot be set beside."""
        if _is_set(value) and _is_set(given):
            raise self.refuse(argument, value, f"{other} is given too: {why}")

    def id(self, argument: str, value: object, prefix: str) -> None:
        """Refuse what is not the id of such a resource (its name or its ARN, most often)."""
        if isinstance(value, str) and not (value.startswith(prefix) and _ID.fullmatch(value)):
            raise self.refuse(argument, value, f"give the id, such as {prefix}0123456789abcdef0")

    def key_arn(self, argument: str, value: object) -> None:
        """Refuse what is not the ARN of a KMS key: a policy knows keys neither by an alias nor by their bare id."""
        if isinstance(value, str) and not _KEY_ARN.fullmatch(value):
            raise self.refuse(argument, value, "give the key's own ARN: arn:aws:kms:<region>:<account>:key/<id>")

    def job_arguments(self, argument: str, values: Mapping[str, object]) -> None:
        """Refuse arguments of the job that are made here, and ones that are no arguments."""
        for key in values:
            if key in RESERVED_ARGUMENTS:
                raise self.refuse(f"{argument}[{key!r}]", values[key], "alur sets this argument itself: leave it out")
            if not key.startswith("--"):
                raise self.refuse(f"{argument}[{key!r}]", values[key], "a job's argument starts with --")
        self._modules(f"{argument}[{MODULES!r}]", values.get(MODULES))

    def _modules(self, argument: str, value: object) -> None:
        """Refuse modules that each run would fetch from a package index, which may be down or have newer ones."""
        if isinstance(value, str) and not all(_MODULE_IN_S3.fullmatch(part.strip()) for part in value.split(",")):
            raise self.refuse(argument, value, "name wheels in S3 (s3://bucket/key.whl), or pure Python ones in wheels")


def _is_set(value: object) -> bool:
    # an output has no truth of its own: it is there
    return bool(value) if isinstance(value, int | Sequence) else value is not None
