"""The command's one way to AWS: Glue, S3 and DynamoDB through clients that are passed in."""

from __future__ import annotations

import contextlib
import difflib
from typing import TYPE_CHECKING, Any, Final

import attrs
import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from alur_pulumi.cli.errors import (
    AwsCallError,
    MissingObjectError,
    NotAlursJobError,
    TooManyRunsError,
    UnknownJobError,
)
from alur_runtime.aws import CallCounter, Clients
from alur_runtime.config import JobConfig, config_from_json, split_uri
from alur_runtime.ledger.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CONFIG_ARGUMENT: Final = "--alur_config"
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_STALE: Final = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException", "InvalidClientTokenId"}
)


@attrs.frozen
class GlueRun:
    """A job run as Glue shows it."""

    id: str
    state: str
    error: str
    seconds: int


@attrs.frozen
class Job:
    """An IngestionJob found by its Glue job's name."""

    name: str
    config: JobConfig
    max_retries: int


@attrs.frozen
class Aws:
    """Glue, S3 and DynamoDB, and what the command asks of them."""

    glue: Any
    s3: Any
    dynamodb: Any
    session: Any = None

    def clients(self) -> Clients:
        """The clients as the runtime's own functions take them."""
        return Clients(self.session, s3=self.s3, dynamodb=self.dynamodb, glue=self.glue, calls=CallCounter())

    def job(self, name: str) -> Job:
        """Find a job, and its configuration through its own definition.

        Raises:
            UnknownJobError: If Glue has none of that name.
            NotAlursJobError: If no IngestionJob made it.
        """
        found, uri = self._found(name)
        config = config_from_json(self.read(uri, "configuration"))
        return Job(name, config, found.get("MaxRetries", 0))

    def config_uri(self, name: str) -> str:
        """Where a job's configuration is.

        Raises:
            UnknownJobError: If Glue has none of that name.
            NotAlursJobError: If no IngestionJob made it.
        """
        return self._found(name)[1]

    def _found(self, name: str) -> tuple[dict[str, Any], str]:
        """A job as Glue shows it, and the URI of its configuration."""
        try:
            found = self.glue.get_job(JobName=name)["Job"]
        except self.glue.exceptions.EntityNotFoundException as error:
            raise UnknownJobError(name, similar(name, self.job_names()), self._place()) from error
        uri = found.get("DefaultArguments", {}).get(CONFIG_ARGUMENT)
        if uri is None:
            raise NotAlursJobError(name, CONFIG_ARGUMENT)
        return found, uri

    def named_objects(self) -> set[str]:
        """The S3 URIs that jobs of the region name: their scripts, and what is in their arguments."""
        pages = self.glue.get_paginator("get_jobs").paginate()
        texts = [
            text
            for page in pages
            for job in page["Jobs"]
            for text in (
                job["Command"].get("ScriptLocation", ""),
                *job.get("DefaultArguments", {}).values(),
                *job.get("NonOverridableArguments", {}).values(),
            )
        ]
        return {part.strip() for text in texts for part in text.split(",") if part.strip().startswith("s3://")}

    def job_names(self) -> list[str]:
        """Names of the jobs that have alur's configuration argument."""
        pages = self.glue.get_paginator("get_jobs").paginate()
        jobs = (job for page in pages for job in page["Jobs"])
        return [job["Name"] for job in jobs if CONFIG_ARGUMENT in job.get("DefaultArguments", {})]

    def ledger(self, config: JobConfig) -> Ledger:
        """The ledger of the job's table."""
        return Ledger(self.dynamodb, config.ledger.table, config.table.key, config.ledger.shards)

    def start(self, job: str) -> str:
        """Start a run and return its id.

        Raises:
            TooManyRunsError: If the job's limit of runs at once is reached.
        """
        try:
            started: str = self.glue.start_job_run(JobName=job)["JobRunId"]
        except self.glue.exceptions.ConcurrentRunsExceededException as error:
            raise TooManyRunsError(job) from error
        return started

    def glue_run(self, job: str, run_id: str) -> GlueRun:
        """How a run stands."""
        run = self.glue.get_job_run(JobName=job, RunId=run_id)["JobRun"]
        return GlueRun(run_id, run["JobRunState"], run.get("ErrorMessage", ""), run.get("ExecutionTime", 0))

    def read(self, uri: str, what: str) -> bytes:
        """An object's bytes; `what` it is stands in the error.

        Raises:
            MissingObjectError: If there is none.
        """
        body: bytes = self._body(uri, what).read()
        return body

    def lines(self, uri: str, what: str) -> Iterator[bytes]:
        """An object's lines, as they come; `what` it is stands in the error.

        Raises:
            MissingObjectError: If there is none.
        """
        yield from self._body(uri, what).iter_lines()

    def _body(self, uri: str, what: str) -> Any:
        bucket, key = split_uri(uri)
        try:
            return self.s3.get_object(Bucket=bucket, Key=key)["Body"]
        except (self.s3.exceptions.NoSuchKey, self.s3.exceptions.NoSuchBucket) as error:
            raise MissingObjectError(uri, what) from error

    def _place(self) -> str:
        meta = self.glue.meta
        return f"{meta.region_name} ({meta.endpoint_url})"


def connect(region: str | None, profile: str | None) -> Aws:
    """Clients as the environment, the profile and the region say."""
    session = boto3.Session(region_name=region, profile_name=profile)
    return Aws(session.client("glue"), session.client("s3"), session.client("dynamodb"), session)


def similar(name: str, names: Sequence[str], limit: int = 5) -> list[str]:
    """Up to `limit` of the names, the most similar first."""

    def likeness(other: str) -> float:
        return difflib.SequenceMatcher(None, name, other).ratio()

    return sorted(names, key=lambda other: (-likeness(other), other))[:limit]


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn what boto3 raises into one line for people.

    Raises:
        AwsCallError: In place of any error of boto3's.
    """
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown")
        message = error.response.get("Error", {}).get("Message", "no message")
        raise AwsCallError(error.operation_name, code, message, _remedy(code)) from error
    except NoCredentialsError as error:
        raise AwsCallError("AWS", "no credentials", str(error), "run aws configure, or set AWS_PROFILE") from error
    except NoRegionError as error:
        raise AwsCallError("AWS", "no region", str(error), "give --region, or set AWS_REGION") from error
    except BotoCoreError as error:
        remedy = "check profile, region and network"
        raise AwsCallError("AWS", type(error).__name__, str(error), remedy) from error


def _remedy(code: str) -> str:
    if code in _DENIED:
        return "ask for that permission for the user or role that runs this command"
    if code in _STALE:
        return "log in again: the credentials are stale or of another account"
    return "check the name, the region and the account"
