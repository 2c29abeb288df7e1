"""A process that has imported the runtime and forks runs off itself: a run then costs what it does, not its imports.

Each line of standard input starts one: ``{"argv": [...], "log": "path of a FIFO"}``. Into the FIFO come the run's id as
a line ``{"pid": n}``, what it logs, and at its end ``{"ended": code}``, negative if a signal ended it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import obstore  # noqa: F401  (imported here so that the runs need not)
import pyarrow.parquet  # noqa: F401

from alur_runtime.__main__ import main

_LOOK_SECONDS = 0.5


def _run(argv: list[str]) -> int:
    silent = os.open(os.devnull, os.O_RDWR)
    os.dup2(silent, 0)
    os.dup2(silent, 1)
    try:
        return main(argv)
    except SystemExit as error:
        return int(error.code or 0)


def _watch(argv: list[str], log: str) -> None:
    """Fork a run, and say how it ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pipe = os.open(log, os.O_WRONLY)
    pid = os.fork()
    if pid == 0:
        os.dup2(pipe, 2)
        code = _run(argv)
        sys.stderr.flush()
        os._exit(code)
    os.write(pipe, json.dumps({"pid": pid}).encode() + b"\n")
    ended: Any = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    code = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
    # Killed within a line: what it had of it stays a line of its own.
    os.write(pipe, b"\n" + json.dumps({"ended": code}).encode() + b"\n")
    os.close(pipe)
    # As long as the FIFO is there signals may come. The run is not reaped until then, so that its id is not given to
    # another process, which a late signal would hit.
    zygote = os.getppid()
    while Path(log).exists() and os.getppid() == zygote:
        time.sleep(_LOOK_SECONDS)


def serve() -> None:
    """Fork runs until standard input closes."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        if os.fork() == 0:
            try:
                _watch(**json.loads(line))
            finally:
                os._exit(0)


if __name__ == "__main__":
    serve()
