"""What can go wrong with the AWS on this machine."""

from collections.abc import Iterable, Sequence

from alur_pulumi.errors import AlurError


class LocalError(AlurError):
    """The root of the errors of the embedded AWS and its engine."""


class EmulatorStartError(LocalError):
    """The emulator's process ended, or did not answer, before it was ready."""

    def __init__(self, reason: str, log: str) -> None:
        """Keep why it failed and what the process last said."""
        super().__init__(reason, log)
        self.reason = reason
        self.log = log

    def __str__(self) -> str:
        """Name the reason and show the end of the server's log."""
        return f"The emulator did not start: {self.reason}. The end of its log:\n{self.log}"


class NotLoopbackError(LocalError):
    """An endpoint that is not on this machine: the local provider must never reach real AWS."""

    def __init__(self, endpoint: str) -> None:
        """Keep the endpoint that was refused."""
        super().__init__(endpoint)
        self.endpoint = endpoint

    def __str__(self) -> str:
        """Name the endpoint and what to do."""
        shown = self.endpoint or "(none)"
        return (
            f"The local AWS provider works only against an endpoint on this machine, not {shown}. "
            "Set AWS_ENDPOINT_URL to the emulator's address, such as http://127.0.0.1:5000."
        )


class AbsentError(LocalError):
    """What a function of the provider was asked about is not there."""

    def __init__(self, said: str) -> None:
        """Keep what the AWS provider would say."""
        super().__init__(said)
        self.said = said

    def __str__(self) -> str:
        """Say it."""
        return self.said


class UnsupportedTypeError(LocalError):
    """A resource type or function that the local provider does not know."""

    def __init__(self, token: str, supported: Iterable[str]) -> None:
        """Keep the token and what is known instead."""
        super().__init__(token)
        self.token = token
        self.supported = tuple(sorted(supported))

    def __str__(self) -> str:
        """Name the type and the supported ones."""
        return f"The local AWS provider does not support {self.token}. Supported: {', '.join(self.supported)}."


class UnsupportedArgumentError(LocalError):
    """An argument of a resource that the local provider would have to ignore."""

    def __init__(self, token: str, argument: str, supported: Iterable[str]) -> None:
        """Keep the type, the argument and what is known instead."""
        super().__init__(token, argument)
        self.token = token
        self.argument = argument
        self.supported = tuple(sorted(supported))

    def __str__(self) -> str:
        """Name the argument, the type and the supported arguments."""
        return (
            f"The local AWS provider does not support the argument {self.argument!r} of "
            f"{self.token}. Supported: {', '.join(self.supported)}."
        )


class InvalidInputError(LocalError):
    """A value that a resource cannot take."""

    def __init__(self, token: str, argument: str, problem: str) -> None:
        """Keep the type, the argument and what is wrong with its value."""
        super().__init__(token, argument, problem)
        self.token = token
        self.argument = argument
        self.problem = problem

    def __str__(self) -> str:
        """Name the argument, the type and the problem."""
        return f"{self.token}: {self.argument} {self.problem}."


class DeploymentError(LocalError):
    """A deployment of a local stack that did not end well."""

    def __init__(self, operation: str, stack: str, messages: Sequence[str]) -> None:
        """Keep which operation on which stack failed, and what was said."""
        super().__init__(operation, stack)
        self.operation = operation
        self.stack = stack
        self.messages = tuple(messages)

    def __str__(self) -> str:
        """Name the operation and the stack, then the messages."""
        return "\n".join([f"{self.operation} of stack {self.stack!r} failed:", *self.messages])
