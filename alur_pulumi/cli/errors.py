"""What can go wrong between the command line and AWS, each as one line for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alur_pulumi.errors import AlurError

if TYPE_CHECKING:
    from collections.abc import Sequence


class WrongJobError(AlurError):
    """The command was given a job that it cannot be about: a mistake of usage."""


class UnknownJobError(WrongJobError):
    """No Glue job has that name.

    Attributes:
        job: The name that was given.
        others: Names of alur's jobs that there are, the most similar first.
        place: Where it was looked for: account endpoint or region.
    """

    def __init__(self, job: str, others: Sequence[str], place: str) -> None:
        super().__init__(job, others, place)
        self.job = job
        self.others = others
        self.place = place

    def __str__(self) -> str:
        there = f"alur's jobs there: {', '.join(self.others)}" if self.others else "there is no job of alur's there"
        return f"Glue job {self.job!r}: not found in {self.place}; {there}"


class NotAlursJobError(WrongJobError):
    """A Glue job that no IngestionJob made."""

    def __init__(self, job: str, argument: str) -> None:
        super().__init__(job, argument)
        self.job = job
        self.argument = argument

    def __str__(self) -> str:
        return f"Glue job {self.job!r}: has no default argument {self.argument}; name a job that an IngestionJob made"


class MissingObjectError(AlurError):
    """An object that a job or its ledger names and S3 does not have."""

    def __init__(self, uri: str, what: str) -> None:
        super().__init__(uri, what)
        self.uri = uri
        self.what = what

    def __str__(self) -> str:
        return f"{self.what} {self.uri}: not found; deploy again, or look for who deleted it"


class TooManyRunsError(AlurError):
    """The job's limit of runs at once is reached."""

    def __init__(self, job: str) -> None:
        super().__init__(job)
        self.job = job

    def __str__(self) -> str:
        return (
            f"Glue job {self.job!r}: as many runs as it allows are going on; wait for one (alur status {self.job}), "
            "or raise max_concurrent_runs of its IngestionJob"
        )


class AwsCallError(AlurError):
    """A call to AWS that failed.

    Attributes:
        call: Service and operation, or what was tried.
        code: AWS's code of the error, or the kind of failure.
        message: What AWS said.
        remedy: What to do.
    """

    def __init__(self, call: str, code: str, message: str, remedy: str) -> None:
        super().__init__(call, code, message, remedy)
        self.call = call
        self.code = code
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.call}: {self.code}: {self.message.rstrip('.')}; {self.remedy}"
