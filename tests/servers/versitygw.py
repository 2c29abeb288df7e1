"""versitygw, an S3 server over a folder: built once from its Go module, started on loopback."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.servers.cache import PINS, NoServerError, cached, say

_MODULE = "github.com/versity/versitygw"
_BUILD_SECONDS = 30 * 60
_START_SECONDS = 30.0
ACCESS_KEY = SECRET_KEY = "test"
"""What the emulator takes too, so that one environment serves all servers."""

# Starts its arguments and ends them when standard input closes: also when this process is killed.
_KEEPER = """
import subprocess, sys, threading
server = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
threading.Thread(target=lambda: (sys.stdin.read(), server.kill()), daemon=True).start()
sys.exit(server.wait())
"""


def build_versitygw() -> Path:
    """The server's binary.

    Raises:
        NoServerError: If it cannot be had here.
    """
    found = re.search(rf"{re.escape(_MODULE)} v(\S+)", (PINS / "go.mod").read_text())
    assert found, f"{PINS / 'go.mod'} does not name {_MODULE}"
    return cached(f"versitygw-{found[1]}", lambda folder: _build(folder, found[1])) / "versitygw"


def _build(folder: Path, version: str) -> None:
    go = shutil.which("go")
    if go is None:
        raise NoServerError("no Go to build versitygw with")
    say(f"versitygw: building {version} with Go, once: some 2 minutes on 2 cores, 0.5 GB of downloads ...")
    command = [go, "build", "-mod=readonly", "-ldflags", "-w -s", "-o", str(folder / "versitygw")]
    try:
        subprocess.run(
            [*command, f"{_MODULE}/cmd/versitygw"],
            cwd=PINS,
            check=True,
            capture_output=True,
            text=True,
            timeout=_BUILD_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        raise NoServerError(f"versitygw was not built: {error.stderr.strip().splitlines()[-1:] or error}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoServerError(f"versitygw was not built: {error}") from error


@contextlib.contextmanager
def versitygw() -> Iterator[str]:
    """Start it over a temporary folder, on a free port of 127.0.0.1.

    Yields:
        Its endpoint.

    Raises:
        NoServerError: If it cannot be had here or does not answer.
    """
    binary = build_versitygw()
    with tempfile.TemporaryDirectory(prefix="alur-versitygw-") as name:
        work = Path(name)
        (work / "data").mkdir()
        address = f"127.0.0.1:{_free_port()}"
        command = [
            str(binary),
            "--quiet",
            "--keep-alive",
            "--port",
            address,
            "posix",
            *_metadata(work),
            str(work / "data"),
        ]
        # Nothing of this machine's settings: only what is said here.
        environment = {"ROOT_ACCESS_KEY": ACCESS_KEY, "ROOT_SECRET_KEY": SECRET_KEY}
        with (work / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", _KEEPER, *command],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )
        try:
            _wait(process, address, work / "log")
            yield f"http://{address}"
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait()


def _metadata(work: Path) -> list[str]:
    """ETags and user metadata go into extended attributes, or beside the data where the file system has none."""
    probe = work / "probe"
    probe.touch()
    try:
        os.setxattr(probe, "user.alur", b"x")
    except (AttributeError, OSError):
        (work / "sidecar").mkdir()
        return ["--sidecar", str(work / "sidecar")]
    return []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    host, _, port = address.partition(":")
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise NoServerError(f"versitygw ended with {process.returncode}: {log.read_text(errors='replace')[-500:]}")
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return
        time.sleep(0.1)
    raise NoServerError(f"versitygw does not answer within {_START_SECONDS:.0f} s")
