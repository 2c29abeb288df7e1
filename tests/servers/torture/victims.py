"""Runs in processes of their own that come to harm: killed with SIGKILL, or stopped for longer than their lease."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter

import attrs

_RUN_SECONDS = 120.0  # a run of a few small files that takes longer hangs


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
        ended: Those that were let be, by exit code.
        killed_after: The last step that a killed one had said.
        problems: What should not be: an exit code or a text of a run's that nobody expected.
    """

    kills: int = 0
    zombies: Counter[str] = attrs.field(factory=Counter)
    ended: Counter[int] = attrs.field(factory=Counter)
    killed_after: Counter[str] = attrs.field(factory=Counter)
    problems: list[str] = attrs.field(factory=list)
    lock: threading.Lock = attrs.field(factory=threading.Lock)


def choose_fate(chance: random.Random, lease: float) -> Fate:
    """Mostly death at once; some stop beyond the lease first; a few are let be."""
    # Most runs say some 30 lines: each moment of them is about as likely.
    line, delay = chance.randint(1, 40), chance.choice((0.0, chance.uniform(0, 0.05), chance.uniform(0, 0.5)))
    kind = chance.choices(("kill", "zombie", "zombie then kill", "let be"), (70, 10, 10, 10))[0]
    pause = chance.uniform(1.2, 3.0) * lease if kind.startswith("zombie") else 0.0
    return Fate(line, delay, pause, "kill" in kind)


def run_to_its_fate(command: list[str], fate: Fate, tally: Tally) -> None:
    """Start a run and see to it that its fate comes over it."""
    run_id = f"jr_{uuid.uuid4().hex}"
    process = subprocess.Popen(
        [*command, "--JOB_RUN_ID", run_id], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    steps, log = ["started"], list[str]()
    watchdog = threading.Timer(_RUN_SECONDS, process.kill)
    watchdog.start()
    try:
        for number, line in enumerate(process.stderr, start=1):
            log.append(line)
            if step := _step(line):
                steps.append(step)
            if number == fate.line and (fate.kill or fate.pause):
                time.sleep(fate.delay)
                _strike(process, fate)
        code = process.wait()
    finally:
        hung = not watchdog.is_alive()
        watchdog.cancel()
    with tally.lock:
        if hung:
            tally.problems.append(f"run {run_id} hung: {''.join(log)[-3000:]}")
        elif code == -signal.SIGKILL:
            tally.kills += 1
            tally.killed_after[steps[-1]] += 1
        else:
            tally.ended[code] += 1
        if fate.pause and len(log) >= fate.line:
            tally.zombies["killed" if code == -signal.SIGKILL else f"went on, exit code {code}"] += 1
        tally.problems += [f"run {run_id}: {line}" for line in log if "Traceback" in line or '"ERROR"' in line]


def run_command(config_uri: str) -> list[str]:
    """The command that Glue starts."""
    return [sys.executable, "-m", "alur_runtime", "--JOB_NAME", "torture", "--alur_config", config_uri]


def _strike(process: subprocess.Popen[str], fate: Fate) -> None:
    if process.poll() is not None:
        return
    if fate.pause:
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(fate.pause)
        os.kill(process.pid, signal.SIGCONT)
        time.sleep(fate.delay)
    if fate.kill and process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)


def _step(line: str) -> str:
    try:
        return str(json.loads(line).get("step", ""))
    except ValueError:
        return ""
