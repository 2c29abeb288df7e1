import hashlib
import importlib.metadata
import os
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alur_pulumi.errors import WheelError
from alur_pulumi.wheels import RUNTIME_DEPENDENCIES, build_wheel, distribution_wheel, package_wheel, runtime_wheels

_NAMES = st.text("abcdefghijk_", min_size=1, max_size=8)
_FILES = st.dictionaries(_NAMES.map(lambda n: f"pkg/{n}.py"), st.binary(max_size=200), min_size=1, max_size=8)


@given(_FILES, st.randoms(use_true_random=False))
def test_the_same_files_in_any_order_give_the_same_bytes(files: dict[str, bytes], chance: random.Random) -> None:
    shuffled = list(files.items())
    chance.shuffle(shuffled)
    assert build_wheel("pkg", "1", files).data == build_wheel("pkg", "1", dict(shuffled)).data


@given(_FILES, _FILES)
def test_other_content_gives_another_digest(one: dict[str, bytes], other: dict[str, bytes]) -> None:
    assert (build_wheel("p", "1", one).digest == build_wheel("p", "1", other).digest) == (one == other)


def _write(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


_PACKAGE = {"__init__.py": "VALUE = 7\n", "sub/__init__.py": "", "sub/deep.py": "x = 1\n", "data.json": "{}"}


@settings(max_examples=20)
@given(mtime=st.integers(0, 2**31), mode=st.sampled_from([0o600, 0o644, 0o755]), umask=st.sampled_from([0o077, 0o022]))
def test_times_modes_and_umask_leave_no_trace(
    tmp_path_factory: pytest.TempPathFactory, mtime: int, mode: int, umask: int
) -> None:
    before = os.umask(umask)
    try:
        folder = _write(tmp_path_factory.mktemp("w") / "pkg", _PACKAGE)
        for path in folder.rglob("*.py"):
            path.chmod(mode)
            os.utime(path, (mtime, mtime))
        wheel = package_wheel(folder)
    finally:
        os.umask(before)
    plain = package_wheel(_write(tmp_path_factory.mktemp("w") / "pkg", _PACKAGE))
    assert wheel.data == plain.data


def test_caches_hidden_and_compiled_python_stay_behind(tmp_path: Path) -> None:
    clean = package_wheel(_write(tmp_path / "a" / "pkg", _PACKAGE))
    noise = {"__pycache__/x.pyc": "", ".DS_Store": "", ".idea/x.xml": "", "old.pyc": "", "sub/.hidden.py": ""}
    assert package_wheel(_write(tmp_path / "b" / "pkg", _PACKAGE | noise)).data == clean.data


def test_a_wheel_is_one_for_pip_and_for_import(tmp_path: Path) -> None:
    wheel = package_wheel(_write(tmp_path / "pkg", _PACKAGE))
    path = tmp_path / wheel.filename
    path.write_bytes(wheel.data)
    found = subprocess.run(
        [
            sys.executable,
            "-I",
            "-c",
            f"import sys; sys.path[:0] = [{str(path)!r}]; import pkg.sub.deep; print(pkg.VALUE)",
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    assert found.stdout.strip() == "7"
    with zipfile.ZipFile(path) as archive:
        record = archive.read("pkg-0.dist-info/RECORD").decode().splitlines()
        assert archive.testzip() is None
        assert {line.split(",")[0] for line in record} == set(archive.namelist())
        assert record[-1] == "pkg-0.dist-info/RECORD,,"
        assert {i.date_time for i in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {i.compress_type for i in archive.infolist()} == {zipfile.ZIP_STORED}
    metadata = importlib.metadata.PathDistribution(zipfile.Path(path, "pkg-0.dist-info/"))
    assert (metadata.metadata["Name"], metadata.version) == ("pkg", "0")


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"a.py": ""}, "has no __init__.py"),
        ({"__init__.py": "", "fast.so": ""}, "is compiled"),
    ],
)
def test_what_cannot_be_packed_is_refused(tmp_path: Path, files: dict[str, str], says: str) -> None:
    with pytest.raises(WheelError, match=says):
        package_wheel(_write(tmp_path / "pkg", files))


def test_a_folder_that_cannot_be_imported_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WheelError, match="no Python name"):
        package_wheel(_write(tmp_path / "my-pkg", {"__init__.py": ""}))
    with pytest.raises(WheelError, match="is no folder"):
        package_wheel(tmp_path / "none")


def test_a_link_to_a_folder_is_refused(tmp_path: Path) -> None:
    folder = _write(tmp_path / "pkg", _PACKAGE)
    (folder / "linked").symlink_to(folder / "sub", target_is_directory=True)
    with pytest.raises(WheelError, match="link to a folder"):
        package_wheel(folder)


def test_a_package_that_is_reached_by_a_link_has_the_link_s_name(tmp_path: Path) -> None:
    folder = _write(tmp_path / "a" / "pkg", _PACKAGE)
    _write(tmp_path / "v2", _PACKAGE)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "pkg").symlink_to(tmp_path / "v2", target_is_directory=True)
    assert package_wheel(tmp_path / "b" / "pkg").data == package_wheel(folder).data


def test_a_compiled_or_missing_distribution_is_refused() -> None:
    with pytest.raises(WheelError, match="compiled part"):
        distribution_wheel("pyarrow")
    with pytest.raises(WheelError, match="is not installed"):
        distribution_wheel("no-such-distribution-of-ours")


def test_the_runtime_comes_with_all_that_it_imports(tmp_path: Path) -> None:
    wheels = runtime_wheels()
    assert [w.distribution for w in wheels] == ["alur_runtime", *(n.replace("-", "_") for n in RUNTIME_DEPENDENCIES)]
    assert wheels == runtime_wheels()
    paths = []
    for wheel in wheels:
        path = tmp_path / wheel.archive_name
        path.write_bytes(wheel.data)
        paths.append(str(path))
    # -S: no site-packages, so that nothing can come from anywhere but the wheels
    code = (
        f"import sys; sys.path[:0] = {paths!r}\n"
        "import alur_runtime.config, attrs, cattrs, typing_extensions\n"
        "assert all('.zip' in m.__file__ for m in (alur_runtime.config, attrs, cattrs, typing_extensions))\n"
    )
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True)


def test_licences_travel_with_the_dependencies_and_nothing_of_this_machine_does() -> None:
    for name in RUNTIME_DEPENDENCIES:
        wheel = distribution_wheel(name)
        assert hashlib.sha256(wheel.data).hexdigest() == wheel.digest
        body = wheel.data
        assert b"licenses/" in body or b"LICENSE" in body
        for trace in (b"INSTALLER", b"direct_url.json", b"REQUESTED", os.fspath(Path.cwd()).encode()):
            assert trace not in body
