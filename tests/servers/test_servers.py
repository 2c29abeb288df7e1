"""Where the servers come from: what is pinned, what is refused, and that they listen on loopback only."""

from __future__ import annotations

import hashlib
import socket
from pathlib import Path
from urllib.parse import urlsplit

import attrs
import pytest

from tests.servers.cache import PINS, SWITCH, NoServerError, cached
from tests.servers.dynamodb_local import dynamodb_local
from tests.servers.java import REPOSITORY, Pin, fetch, read_pins
from tests.servers.versitygw import versitygw

pytestmark = pytest.mark.timeout(1800)

_GROUP, _ARTIFACT, _BODY = "org.example", "thing", b"a library"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pin:
    """A Maven repository in a folder, with one file; its pin."""
    place = tmp_path / "repository" / "org" / "example" / _ARTIFACT / "1.0"
    place.mkdir(parents=True)
    (place / f"{_ARTIFACT}-1.0.jar").write_bytes(_BODY)
    monkeypatch.setenv(REPOSITORY, f"{(tmp_path / 'repository').as_uri()}/")
    return Pin(_GROUP, _ARTIFACT, "1.0", "jar", hashlib.sha256(_BODY).hexdigest())


def _fetch(pin: Pin, folder: Path) -> None:
    folder.mkdir()
    try:
        fetch([pin], folder)
    except NoServerError as error:
        if "no Java" in str(error) or "no Ivy" in str(error):
            pytest.skip(str(error))
        raise


def test_a_file_is_fetched(repository: Pin, tmp_path: Path) -> None:
    _fetch(repository, tmp_path / "to")
    assert (tmp_path / "to" / repository.file).read_bytes() == _BODY


def test_a_file_of_other_content_is_refused(repository: Pin, tmp_path: Path) -> None:
    with pytest.raises(NoServerError, match=r"thing-1\.0\.jar has SHA-256 .*, pinned is 0000"):
        _fetch(attrs.evolve(repository, sha256="0" * 64), tmp_path / "to")


def test_a_file_that_is_not_there(repository: Pin, tmp_path: Path) -> None:
    with pytest.raises(NoServerError, match=r"did not fetch thing-2\.0\.jar"):
        _fetch(attrs.evolve(repository, version="2.0"), tmp_path / "to")


def test_pins_are_whole() -> None:
    pins = read_pins(PINS / "dynamodb_local.txt")
    assert len({pin.file for pin in pins}) == len(pins) > 50
    assert all(len(pin.sha256) == 64 for pin in pins)


def test_the_cache_makes_a_folder_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = []

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / "file").write_text("x")

    assert cached("thing-1", make) == cached("thing-1", make)
    assert len(made) == 1
    assert [p.name for p in (tmp_path / "alur" / "servers").iterdir()] == ["thing-1"]


def test_what_fails_leaves_nothing_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def make(folder: Path) -> None:
        (folder / "half").write_text("x")
        raise NoServerError("broken off")

    with pytest.raises(NoServerError, match="broken off"):
        cached("thing-1", make)
    assert list((tmp_path / "alur" / "servers").iterdir()) == []


def test_one_can_do_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "none")
    with pytest.raises(NoServerError, match="says to do without"), versitygw():
        pass


@pytest.mark.parametrize("start", [dynamodb_local, versitygw])
def test_a_server_listens_on_loopback_only_and_ends(start: type) -> None:
    try:
        with start() as endpoint:
            address = urlsplit(endpoint)
            assert address.hostname == "127.0.0.1"
            port = int(address.port or 0)
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            with pytest.raises(OSError):
                # Another address of loopback: a server that listens everywhere would answer.
                socket.create_connection(("127.0.0.2", port), timeout=5).close()
    except NoServerError as error:
        pytest.skip(str(error))
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
