"""Wheels as pure functions of their content: the same code gives the same bytes, on any machine, at any time.

hatchling's `WheelBuilder` was looked at first: it builds projects (a folder with a ``pyproject.toml``), and
what is packed here are importable packages, among them installed ones; it deflates, and zlib and zlib-ng give
different bytes for one input; it takes the executable bit and ``SOURCE_DATE_EPOCH`` from its surroundings. So
the archive is written here: members stored uncompressed (the whole set is about a megabyte), in sorted order,
with fixed times and modes. A digest of the file is then a name for the code.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import importlib.metadata
import importlib.util
import io
import os
import zipfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

import attrs

from alur_pulumi.errors import WheelError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

RUNTIME_DEPENDENCIES: Final = ("attrs", "cattrs", "typing-extensions")
"""What `alur_runtime` imports and Glue may lack; all pure Python. pyarrow and boto3 are Glue's own."""

_TAG: Final = "py3-none-any"
COMPILED: Final = (".so", ".pyd", ".dylib", ".dll")
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the oldest time that a zip can hold
_MODE: Final = 0o100644 << 16
_UNIX: Final = 3
# Of an installed distribution's metadata: what describes it, not what describes how it came onto this
# machine.
_KEPT_METADATA: Final = ("METADATA", "licenses/", "LICENSE", "NOTICE", "AUTHORS")


@attrs.frozen
class Wheel:
    """A pure Python wheel.

    Attributes:
        distribution: Its name with underscores, such as ``alur_runtime``.
        version: Its version.
        packages: The top-level modules and packages in it.
        data: The bytes of the file.
    """

    distribution: str
    version: str
    packages: tuple[str, ...]
    data: bytes = attrs.field(repr=False)

    @property
    def filename(self) -> str:
        """The file's name as pip wants it."""
        return f"{self.distribution}-{self.version}-{_TAG}.whl"

    @property
    def archive_name(self) -> str:
        """The name under which the job gets it.

        Spark puts a Python file on the path of its workers only if it is called ``.py``, ``.zip``, ``.egg``
        or ``.jar``; as ``.whl`` it would be there for the driver and missing in every executor.
        """
        return f"{self.distribution}-{self.version}-{_TAG}.zip"

    def has_module(self, module: str) -> bool:
        """Whether a module of this name can be imported from it."""
        path = module.replace(".", "/")
        with zipfile.ZipFile(io.BytesIO(self.data)) as archive:
            return not {f"{path}.py", f"{path}/__init__.py"}.isdisjoint(archive.namelist())

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 of the file, in hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()


def build_wheel(
    distribution: str, version: str, files: Mapping[str, bytes], metadata: Mapping[str, bytes] | None = None
) -> Wheel:
    """Pack files into a wheel.

    Args:
        distribution: Name of the distribution.
        version: Its version.
        files: Content by path inside the wheel, with forward slashes.
        metadata: Content by path inside the ``.dist-info`` folder; METADATA is made if it is not there.
    """
    name = distribution.replace("-", "_")
    info = f"{name}-{version}.dist-info"
    header = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n".encode()
    described = {"METADATA": header, **(metadata or {})}
    described["WHEEL"] = f"Wheel-Version: 1.0\nGenerator: alur\nRoot-Is-Purelib: true\nTag: {_TAG}\n".encode()
    content = dict(files) | {f"{info}/{path}": body for path, body in described.items()}
    record = [f"{path},{_record_hash(content[path])},{len(content[path])}" for path in sorted(content)]
    content[f"{info}/RECORD"] = "".join(f"{line}\n" for line in [*record, f"{info}/RECORD,,"]).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(content):
            member = zipfile.ZipInfo(path, _EPOCH)
            member.create_system = _UNIX
            member.external_attr = _MODE
            archive.writestr(member, content[path])
    tops = {PurePosixPath(path).parts[0].removesuffix(".py") for path in files}
    return Wheel(name, version, tuple(sorted(tops)), out.getvalue())


def package_wheel(folder: str | os.PathLike[str], *, version: str = "0") -> Wheel:
    """Pack a package folder (one with an ``__init__.py``), without caches and hidden files.

    Args:
        folder: The package's own folder; its name is the name to import.
        version: Version of the wheel; the default serves for code that is known by its digest.

    Raises:
        WheelError: If the folder is no importable, pure Python package.
    """
    # Not resolved: a link to the folder gives the package its name, as it does for an import.
    root = Path(folder).absolute()
    if not root.is_dir():
        raise WheelError(str(folder), "is no folder: give the folder of a Python package")
    if not (root / "__init__.py").is_file():
        raise WheelError(str(folder), "is no package: it has no __init__.py; give the package's own folder")
    if not root.name.isidentifier():
        raise WheelError(str(folder), f"cannot be imported: {root.name!r} is no Python name")
    files = {f"{root.name}/{path.relative_to(root).as_posix()}": path.read_bytes() for path in _members(root)}
    return build_wheel(root.name, version, files)


def distribution_wheel(distribution: str) -> Wheel:
    """Pack an installed pure Python distribution again.

    Raises:
        WheelError: If it is not installed, or has compiled parts.
    """
    try:
        found = importlib.metadata.distribution(distribution)
    except importlib.metadata.PackageNotFoundError as error:
        raise WheelError(distribution, f"is not installed: run pip install {distribution}") from error
    files: dict[str, bytes] = {}
    metadata: dict[str, bytes] = {}
    for path in found.files or ():
        inside = PurePosixPath(*path.parts)
        if inside.suffix in COMPILED:
            raise WheelError(distribution, f"has a compiled part, {inside}: the job needs pure Python")
        if inside.is_absolute() or ".." in inside.parts or "__pycache__" in inside.parts:
            continue  # console scripts and caches belong to this machine
        if inside.parts[0].endswith(".dist-info"):
            rest = inside.relative_to(inside.parts[0]).as_posix()
            if rest.startswith(_KEPT_METADATA):
                metadata[rest] = Path(str(path.locate())).read_bytes()
        elif not inside.parts[0].endswith(".pth"):
            files[inside.as_posix()] = Path(str(path.locate())).read_bytes()
    if not files:
        raise WheelError(distribution, "lists no files of its own (an editable install?): install it as a wheel")
    return build_wheel(distribution, found.version, files, metadata)


def runtime_wheels() -> tuple[Wheel, ...]:
    """The runtime and what it imports, as they are installed here: what is deployed is what was tested.

    Raises:
        WheelError: If one of them cannot be packed.
    """
    spec = importlib.util.find_spec("alur_runtime")
    if spec is None or spec.origin is None:
        raise WheelError("alur_runtime", "cannot be imported: install alur-runtime beside alur-pulumi")
    version = importlib.import_module("alur_runtime").__version__
    runtime = package_wheel(Path(spec.origin).parent, version=version)
    return (runtime, *(distribution_wheel(name) for name in RUNTIME_DEPENDENCIES))


def _record_hash(body: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()
    return f"sha256={digest}"


def _members(root: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(root):
        here = Path(folder)
        names[:] = sorted(n for n in names if n != "__pycache__" and not n.startswith("."))
        for name in names:
            if (here / name).is_symlink():
                raise WheelError(str(here / name), "is a link to a folder: put the folder itself into the package")
        for name in sorted(files):
            path = here / name
            if path.suffix in COMPILED:
                raise WheelError(str(path), "is compiled: the job needs pure Python; Glue has pyarrow and boto3 itself")
            if not name.startswith(".") and path.suffix not in (".pyc", ".pyo"):
                yield path
