"""Where the runtime meets time, threads and chance: each is replaced by the scheduler's, and put back afterwards."""

from __future__ import annotations

import contextlib
import logging
import time as real_time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Self
from unittest import mock

import attrs

from alur_runtime import naming
from alur_runtime.engine import local
from alur_runtime.kernel import work as kernel
from alur_runtime.landing import fetch
from alur_runtime.ledger import base, transactions
from alur_runtime.run import heartbeat, ingest, recover, turn
from alur_runtime.run import publish as commit
from tests.simulation.files import read_simulated_file
from tests.simulation.scheduler import NEVER, Scheduler, Task

_NO_TIMEOUT = NEVER


@attrs.define
class _Holder:
    """The scheduler of the schedule that is being played: the seams stay in place from one to the next."""

    scheduler: Scheduler | None = None

    @property
    def now(self) -> Scheduler:
        assert self.scheduler is not None
        return self.scheduler


_holder = _Holder()


class _VirtualTime:
    """What the runtime uses of the module `time`."""

    strftime = staticmethod(real_time.strftime)

    @staticmethod
    def time() -> float:
        scheduler = _holder.now
        return scheduler.clock.now + scheduler.this().process.skew

    @staticmethod
    def monotonic() -> float:
        return _holder.now.clock.now

    @staticmethod
    def sleep(seconds: float) -> None:
        _holder.now.sleep(seconds)

    @classmethod
    def gmtime(cls) -> real_time.struct_time:
        return real_time.gmtime(cls.time())


class _Event:
    """`threading.Event` among tasks."""

    def __init__(self) -> None:
        self._is_set = False

    def set(self) -> None:
        self._is_set = True
        _holder.now.happened(self)

    def wait(self, timeout: float = _NO_TIMEOUT) -> bool:
        if not self._is_set:
            # Not less than a millisecond: added to the time of day a smaller step is none, and time would stand still.
            _holder.now.wait(max(timeout, 0.001), self)
        return self._is_set


class _Thread:
    """`threading.Thread` as a further task of the process."""

    def __init__(self, target: Callable[[], None], name: str, daemon: bool) -> None:
        self._target, self._name = target, name
        self._task: Task | None = None

    def start(self) -> None:
        scheduler = _holder.now
        self._task = scheduler.start(scheduler.this().process, self._name, self._target, scheduler.clock.now)

    def join(self) -> None:
        if self._task is not None and not self._task.ended:
            _holder.now.wait(NEVER, self._task)


class _Threading:
    """What the heartbeat uses of the module `threading`."""

    Event, Thread = _Event, _Thread


class _Future:
    def __init__(self, number: int, action: Callable[[], Any]) -> None:
        self.number = number
        self._result: Any = None
        self._error: BaseException | None = None
        try:
            self._result = action()
        except BaseException as error:  # noqa: BLE001  (as a real future keeps it)
            self._error = error

    def result(self) -> Any:
        if self._error is not None:
            raise self._error
        return self._result

    def cancel(self) -> bool:
        return False


class _InlineExecutor:
    """`ThreadPoolExecutor` that does the work when it is handed over: other runs interleave, its own threads do not."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, function: Callable[..., Any], *arguments: Any) -> _Future:
        self._count += 1
        return _Future(self._count, lambda: function(*arguments))

    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        return [function(item) for item in items]

    def shutdown(self, **_: Any) -> None:
        pass


def _wait(running: set[_Future], **_: Any) -> tuple[list[_Future], set[_Future]]:
    """All have ended; which one is seen first is chance."""
    first = _holder.now.this().random.choice(sorted(running, key=lambda f: f.number))
    return [first], running - {first}


class _Secrets:
    @staticmethod
    def token_hex(size: int) -> str:
        return _holder.now.this().process.random.randbytes(size).hex()


class _Uuid:
    @staticmethod
    def uuid4() -> str:
        return _holder.now.this().process.random.randbytes(16).hex()


class _Random:
    @staticmethod
    def uniform(low: float, high: float) -> float:
        return _holder.now.this().random.uniform(low, high)


_SEAMS: tuple[tuple[Any, str, Any], ...] = (
    *(
        (module, "time", _VirtualTime)
        for module in (ingest, recover, turn, base, kernel, naming, heartbeat, transactions)
    ),
    *((module, "ThreadPoolExecutor", _InlineExecutor) for module in (commit, fetch, kernel, local)),
    (local, "wait", _wait),
    (heartbeat, "threading", _Threading),
    (naming, "secrets", _Secrets),
    (transactions, "uuid", _Uuid),
    (transactions, "random", _Random),
    # obstore has a client of its own, in Rust: only boto3 can be simulated.
    (kernel, "make_fetch", fetch._Boto3Fetch),
    (kernel, "read_file", read_simulated_file),
)


@contextlib.contextmanager
def seams() -> Iterator[None]:
    """The runtime under the scheduler."""
    with contextlib.ExitStack() as stack:
        for module, name, value in _SEAMS:
            stack.enter_context(mock.patch.object(module, name, value))
        # Runs tell of each error that is made for them. `disable` is of the whole process: others' tests read logs.
        stack.callback(logging.disable, logging.root.manager.disable)
        logging.disable(logging.CRITICAL)
        yield


def hand_over(scheduler: Scheduler | None) -> None:
    """From now on this one is asked for time, threads and chance."""
    _holder.scheduler = scheduler


def new_token() -> str:
    """What botocore makes up where an idempotency token is not given."""
    return _Uuid.uuid4()
