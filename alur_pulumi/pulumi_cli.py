"""Finds the Pulumi CLI, or installs or builds one of this package's own."""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs

VERSION = "3.259.0"
"""The version that is built from `tools/pulumi`; its `go.mod` names the same."""

SWITCH = "ALUR_PULUMI_CLI"
"""Environment variable: the CLI to use (``none``: do without), whatever else there is."""

_VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
_MODULE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
_INSTALL_SECONDS = 60
_BUILD_SECONDS = 30 * 60


@attrs.frozen
class PulumiCli:
    """A CLI that answered."""

    path: Path
    version: str
    origin: str
    """Where it comes from, for people."""


@attrs.frozen
class NoPulumiCli:
    """No CLI is to be had."""

    reasons: tuple[str, ...]
    """Why each way did not lead to one."""

    def __str__(self) -> str:
        """All reasons in a line."""
        return "; ".join(self.reasons)


def say_to_stderr(line: str) -> None:
    """Tell the user on standard error, where it is in nobody's way."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def find_pulumi_cli(
    say: Callable[[str], None] = say_to_stderr,
    environment: Mapping[str, str] | None = None,
    tools: Path | None = None,
) -> PulumiCli | NoPulumiCli:
    """Find the CLI: on PATH, in our cache, by the automation API's installer, or by building it.

    Args:
        say: Told what takes time, before and after.
        environment: Variables to look at instead of this process's.
        tools: The folder of the `go.mod` to build from; by default that of the checkout.

    Returns:
        The CLI, or why there is none.
    """
    environment = os.environ if environment is None else environment
    if chosen := environment.get(SWITCH):
        if chosen == "none":
            return NoPulumiCli((f"{SWITCH} says to do without",))
        return _probe(Path(chosen), SWITCH) or NoPulumiCli((f"{SWITCH}={chosen} does not answer",))
    if on_path := shutil.which("pulumi", path=environment.get("PATH", "")):
        found = _probe(Path(on_path), "PATH")
        if found:
            return found
    cache = _cache(environment)
    for folder, origin in ((cache / "installed", "cache, installed"), (cache / "built", "cache, built")):
        found = _probe(folder / "bin" / "pulumi", origin)
        if found:
            return found
    installed = _install(cache / "installed", say)
    if isinstance(installed, PulumiCli):
        return installed
    built = _build(tools or _tools_folder(), cache / "built", say, environment)
    if isinstance(built, PulumiCli):
        return built
    return NoPulumiCli(("there is no pulumi on PATH", installed, built))


def _probe(path: Path, origin: str) -> PulumiCli | None:
    if not path.is_file():
        return None
    try:
        answer = subprocess.run(  # noqa: S603 - the CLI that was asked for
            [str(path.resolve()), "version"],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "1"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return PulumiCli(path.resolve(), answer.stdout.strip().removeprefix("v"), origin)


def _install(folder: Path, say: Callable[[str], None]) -> PulumiCli | str:
    """Let the automation API download the CLI; in a thread, for it knows no time limit."""
    say(f"Pulumi CLI: none found, downloading it (at most {_INSTALL_SECONDS} s) ...")
    started = time.monotonic()
    problems: list[str] = []

    def download() -> None:
        from pulumi.automation import PulumiCommand  # noqa: PLC0415 - slow, and only needed here

        try:
            PulumiCommand.install(root=str(folder))
        except Exception as error:  # noqa: BLE001 - whatever it is, the next way is tried
            problems.append(f"{type(error).__name__}: {error}")

    thread = threading.Thread(target=download, daemon=True)
    thread.start()
    thread.join(_INSTALL_SECONDS)
    took = time.monotonic() - started
    found = None if thread.is_alive() else _probe(folder / "bin" / "pulumi", "installed")
    if found:
        say(f"Pulumi CLI: {found.version} downloaded in {took:.0f} s")
        return found
    reason = problems[0] if problems else f"no answer within {_INSTALL_SECONDS} s"
    say(f"Pulumi CLI: not downloaded after {took:.0f} s ({reason})")
    return f"it could not be downloaded ({reason})"


def _build(tools: Path, folder: Path, say: Callable[[str], None], environment: Mapping[str, str]) -> PulumiCli | str:
    go = shutil.which("go", path=environment.get("PATH", ""))
    if go is None:
        return "there is no Go to build it with"
    if not (tools / "go.mod").is_file():
        return f"{tools} has no go.mod to build it from"
    say(f"Pulumi CLI: building {VERSION} with Go, once: some 6 minutes on 2 cores, 1.5 GB of downloads ...")
    started = time.monotonic()
    target = folder / "bin" / "pulumi"
    target.parent.mkdir(parents=True, exist_ok=True)
    # Built aside and then moved: a build that is interrupted leaves no half binary behind.
    partial = target.with_name(f"pulumi.{os.getpid()}")
    flags = f"-w -s -X {_VERSION_VARIABLE}=v{VERSION}"
    try:
        subprocess.run(  # noqa: S603 - our own module, pinned by go.sum
            [go, "build", "-mod=readonly", "-ldflags", flags, "-o", str(partial), _MODULE],
            cwd=tools,
            check=True,
            capture_output=True,
            text=True,
            timeout=_BUILD_SECONDS,
            env=dict(environment),
        )
        partial.replace(target)
    except subprocess.CalledProcessError as error:
        return f"building it failed: {error.stderr.strip().splitlines()[-1:] or error}"
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"building it failed: {error}"
    finally:
        partial.unlink(missing_ok=True)
    found = _probe(target, "built")
    if found is None:
        return f"{target} was built and does not answer"
    say(f"Pulumi CLI: {found.version} built in {time.monotonic() - started:.0f} s")
    return found


def _cache(environment: Mapping[str, str]) -> Path:
    home = environment.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "alur" / "pulumi" / VERSION


def _tools_folder() -> Path:
    return Path(__file__).parents[1] / "tools" / "pulumi"
