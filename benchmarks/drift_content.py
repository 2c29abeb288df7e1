"""The same code on machines that differ: does it get the same name?"""

from __future__ import annotations

import functools
import os
import random
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

from alur_pulumi.wheels import package_wheel, runtime_wheels

ROOT = Path(__file__).resolve().parents[1]
FEED = ROOT / "examples" / "orders" / "orders_feed"
RUNTIME = ROOT / "runtime" / "alur_runtime"

_DIGESTS = """
import sys
from pathlib import Path
from alur_pulumi.wheels import package_wheel, runtime_wheels
print(*(wheel.digest for wheel in (*runtime_wheels(), package_wheel(Path(sys.argv[1])))))
"""


def plain(source: Path, to: Path) -> Path:
    """A copy as git makes it."""
    return Path(shutil.copytree(source, to / source.name, ignore=shutil.ignore_patterns("__pycache__")))


def other_times(source: Path, to: Path) -> Path:
    """A copy whose files are of another day each."""
    copy = plain(source, to)
    for number, path in enumerate(sorted(copy.rglob("*"))):
        os.utime(path, (number * 86_400, number * 86_400))
    return copy


def other_order(source: Path, to: Path) -> Path:
    """A copy whose files were made in another order: what a folder lists is in the order of the file system."""
    files = [path for path in source.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    random.Random(7).shuffle(files)
    copy = to / source.name
    for path in files:
        place = copy / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    return copy


def other_modes(source: Path, to: Path) -> Path:
    """A copy under a strict umask, each file executable."""
    before = os.umask(0o077)
    try:
        copy = plain(source, to)
        for path in copy.rglob("*.py"):
            path.chmod(0o700)
    finally:
        os.umask(before)
    return copy


def with_leftovers(source: Path, to: Path) -> Path:
    """A copy with what tools leave behind."""
    copy = plain(source, to)
    for name in ("__pycache__/transform.cpython-311.pyc", ".DS_Store", ".idea/workspace.xml", "old.pyc"):
        (copy / name).parent.mkdir(exist_ok=True)
        (copy / name).write_bytes(os.urandom(64))
    return copy


def by_link(source: Path, to: Path) -> Path:
    """A link of the package's name to a folder of another name."""
    copy = plain(source, to).rename(to / "v2")
    link = to / "linked" / source.name
    link.parent.mkdir()
    link.symlink_to(copy, target_is_directory=True)
    return link


MACHINES: dict[str, Callable[[Path, Path], Path]] = {
    "times of files": other_times,
    "order of files": other_order,
    "umask and modes": other_modes,
    "caches and leftovers": with_leftovers,
    "a link to the folder": by_link,
}


def same_folder(source: Path, make: Callable[[Path, Path], Path], to: Path) -> str:
    """Whether the copy that `make` makes has the digest of the source."""
    return "same key" if package_wheel(source).digest == package_wheel(make(source, to)).digest else "another key"


def pythons() -> Iterator[tuple[str, Path]]:
    """Other Pythons of this machine, by their full version; each version once."""
    seen = {sys.version.split()[0]}
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    folders.append(ROOT / ".venvs" / "glue6" / "bin")
    for folder in folders:
        for minor in range(11, 16):
            path = folder / f"python3.{minor}"
            version = _version(path) if path.is_file() else ""
            if version and version not in seen:
                seen.add(version)
                yield version, path


def _version(python: Path) -> str:
    asked = [str(python), "-I", "-c", "import sys; print(sys.version.split()[0])"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


@functools.cache
def _digests_here() -> str:
    return " ".join(wheel.digest for wheel in (*runtime_wheels(), package_wheel(FEED)))


def by_another_python(python: Path, to: Path) -> str:
    """Whether another Python, with the runtime elsewhere and another environment, finds the same keys."""
    runtime = other_times(RUNTIME, to)
    # Only pure Python is imported: what is installed here serves any Python.
    path = [str(runtime.parent), str(ROOT), sysconfig.get_path("purelib")]
    environment = {"PYTHONPATH": os.pathsep.join(path), "TZ": "Asia/Kolkata", "LANG": "C", "PYTHONHASHSEED": "1"}
    command = [str(python), "-c", _DIGESTS, str(other_order(FEED, to))]
    done = subprocess.run(command, env=environment, cwd=to, capture_output=True, text=True, check=False)
    if done.returncode:
        return f"failed: {done.stderr.strip().splitlines()[-1]}"
    return "same keys" if done.stdout.strip() == _digests_here() else "other keys"
