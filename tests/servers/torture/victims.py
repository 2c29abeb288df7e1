"""Runs in processes of their own that come to harm: killed with SIGKILL, or stopped for longer than their lease."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import attrs

from tests.servers.cache import NoServerError

_RUN_SECONDS = 300.0  # a run of a few small files that takes longer hangs


@attrs.frozen
class Fate:
    """What is to happen to a run.

    Attributes:
        line: After so many lines of its log ...
        delay: ... and so many seconds more.
        pause: Seconds for which it is stopped then, to go on as if nothing had happened; 0 for none.
        kill: Whether it is killed then, after the pause if there is one.
    """

    line: int
    delay: float
    pause: float
    kill: bool


@attrs.define
class Tally:
    """What happened to the runs; safe among threads.

    Attributes:
        kills: Processes that were ended by SIGKILL.
        zombies: Processes that were stopped beyond their lease and went on, by how they ended.
        ended: Those that ended by themselves, by exit code.
        killed_after: The last step that a killed one had said.
        problems: What should not be: an error that a run did not expect, or one that hung.
        errors: The first line of the log by problem, whole.
    """

    kills: int = 0
    zombies: Counter[str] = attrs.field(factory=Counter)
    ended: Counter[int] = attrs.field(factory=Counter)
    killed_after: Counter[str] = attrs.field(factory=Counter)
    problems: list[str] = attrs.field(factory=list)
    errors: dict[str, str] = attrs.field(factory=dict)
    lock: threading.Lock = attrs.field(factory=threading.Lock)


def choose_fate(chance: random.Random, lease: float) -> Fate:
    """Mostly death at once; some stop beyond the lease first; a few are let be."""
    # Of a batch a run says some eight lines, and a few before: the first batches' moments are about as likely.
    line, delay = chance.randint(1, 24), chance.choice((0.0, chance.uniform(0, 0.02), chance.uniform(0, 0.3)))
    kind = chance.choices(("kill", "zombie", "zombie then kill", "let be"), (75, 10, 10, 5))[0]
    pause = chance.uniform(1.2, 3.0) * lease if kind.startswith("zombie") else 0.0
    return Fate(line, delay, pause, "kill" in kind)


@attrs.frozen
class Victims:
    """Starts runs, each in a process of its own.

    Attributes:
        zygote: The process that forks them.
        folder: For their logs' FIFOs.
        config_uri: Of the job's configuration.
    """

    zygote: subprocess.Popen[str]
    folder: Path
    config_uri: str

    def run(self, fate: Fate, tally: Tally) -> None:
        """Start a run, see to it that its fate comes over it, and wait for its end."""
        name = uuid.uuid4().hex
        fifo = self.folder / name
        os.mkfifo(fifo)
        argv = ["--JOB_NAME", "torture", "--alur_config", self.config_uri, "--JOB_RUN_ID", f"jr_{name}"]
        assert self.zygote.stdin is not None
        with tally.lock:
            self.zygote.stdin.write(json.dumps({"argv": argv, "log": str(fifo)}) + "\n")
            self.zygote.stdin.flush()
        said: list[str] = []
        with fifo.open(encoding="utf-8", errors="replace") as lines:
            pid = int(_json(next(lines))["pid"])
            watchdog = threading.Timer(_RUN_SECONDS, os.kill, (pid, signal.SIGTERM))
            watchdog.start()
            for line in lines:
                said += [line.rstrip()] if line.strip() else []
                if len(said) == fate.line and "ended" not in _json(line):
                    time.sleep(fate.delay)
                    _strike(pid, fate)
            watchdog.cancel()
            watchdog.join()
        fifo.unlink()  # from here on the process's id may be another's: no signal is sent any more
        _count(said, fate, tally)


@contextlib.contextmanager
def start_victims(config_uri: str) -> Iterator[Victims]:
    """Make ready to start runs with this process's environment.

    Args:
        config_uri: Of the job's configuration.

    Raises:
        NoServerError: If this machine has not the calls it takes.
    """
    if not hasattr(os, "waitid"):
        raise NoServerError("processes are watched by waitid(), which this machine's Python does not have")
    command = [sys.executable, "-m", "tests.servers.torture.zygote"]
    with tempfile.TemporaryDirectory(prefix="alur-torture-") as folder:
        zygote = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3])
        try:
            yield Victims(zygote, Path(folder), config_uri)
        finally:
            zygote.kill()
            zygote.wait()


def _strike(pid: int, fate: Fate) -> None:
    """Signals to a process that has just ended do nothing: its id stays its own until the FIFO goes."""
    with contextlib.suppress(ProcessLookupError):
        if fate.pause:
            os.kill(pid, signal.SIGSTOP)
            time.sleep(fate.pause)
            os.kill(pid, signal.SIGCONT)
            time.sleep(fate.delay)
        if fate.kill:
            os.kill(pid, signal.SIGKILL)


def _count(said: list[str], fate: Fate, tally: Tally) -> None:
    code = int(_json(said[-1])["ended"])
    steps = ["started", *(_json(line)["step"] for line in said if "step" in _json(line))]
    stopped = bool(fate.pause) and len(said) > fate.line
    with tally.lock:
        if code == -signal.SIGKILL:
            tally.kills += 1
            tally.killed_after[steps[-1]] += 1
        else:
            tally.ended[code] += 1
        if stopped:
            tally.zombies["killed" if code == -signal.SIGKILL else f"went on, exit code {code}"] += 1
        if code < 0 and code != -signal.SIGKILL:
            tally.problems.append(f"a run ended by signal {-code} after {said[-20:]}")
        for line in said:
            if '"level": "ERROR"' in line or line.startswith("Traceback"):
                tally.problems.append(_short(line))
                tally.errors.setdefault(_short(line), line)


def _short(line: str) -> str:
    """A logged error: its message and the last line of its trace, without what differs from run to run."""
    logged = _json(line)
    text = f"{logged.get('message', line)}: {logged.get('error', '').rpartition(chr(10))[2]}"
    return re.sub(r"[0-9a-f]{8,}|\d+", "#", text)


def _json(line: str) -> dict[str, str]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
