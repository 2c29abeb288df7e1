from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alur_pulumi.artifacts import PREFIX, SCRIPT, artifact_key, cache_folder, cached_file, text_key
from alur_pulumi.errors import WheelError
from alur_pulumi.wheels import build_wheel

_WHEEL = build_wheel("pkg", "1", {"pkg/__init__.py": b""})


def test_keys_name_content() -> None:
    key = artifact_key("pkg", _WHEEL.digest, _WHEEL.archive_name)
    assert key == f"{PREFIX}pkg/{_WHEEL.digest[:16]}/pkg-1-py3-none-any.zip"


@given(st.text(), st.text())
def test_other_text_has_another_key(one: str, other: str) -> None:
    assert (text_key("n", "f", one) == text_key("n", "f", other)) == (one == other)


def test_a_wheel_is_written_once_and_a_damaged_one_again(tmp_path: Path) -> None:
    path = cached_file(_WHEEL, tmp_path)
    before = path.stat().st_ino
    assert cached_file(_WHEEL, tmp_path) == path
    assert path.stat().st_ino == before
    path.write_bytes(b"cut short")
    assert cached_file(_WHEEL, tmp_path).read_bytes() == _WHEEL.data
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_cache_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WheelError, match="set XDG_CACHE_HOME"):
        cached_file(_WHEEL, tmp_path / "file")


def test_the_cache_is_where_the_user_keeps_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "alur" / "wheels"


def test_the_script_compiles() -> None:
    compile(SCRIPT, "start.py", "exec")
