"""Errors of this package: one root, one small class a situation, each carrying its data."""


class AlurError(Exception):
    """Something that alur can explain: what, which value, and what to do."""


class ArgumentError(AlurError, ValueError):
    """An argument of a component that cannot be; raised at preview, before anything is made.

    Attributes:
        component: The component's class and name, such as ``IngestionJob 'orders'``.
        argument: Path of the argument, such as ``sources[0].prefix``.
        value: What was given.
        remedy: What is allowed, or what to do instead.
    """

    def __init__(self, component: str, argument: str, value: object, remedy: str) -> None:
        super().__init__(component, argument, value, remedy)
        self.component = component
        self.argument = argument
        self.value = value
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.component}: {self.argument} is {self.value!r}: {self.remedy}"


class WheelError(AlurError):
    """Code that cannot be packed for the job.

    Attributes:
        what: The folder, file or distribution.
        remedy: Why not, and what to do.
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what, remedy)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what}: {self.remedy}"
