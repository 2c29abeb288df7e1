"""Pinned reads on a real S3 server, by each of the two ways that the runtime has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from alur_pulumi.local.emulator import aws_environment
from alur_runtime.aws import make_clients
from alur_runtime.errors import SourceChangedError
from alur_runtime.landing.fetch import Fetch, _Boto3Fetch, make_fetch, open_source
from tests.servers.cache import NoServerError
from tests.servers.conformance.implementations import new_bucket
from tests.servers.conformance.s3_objects import ODD
from tests.servers.conformance.suite import Bucket
from tests.servers.versitygw import versitygw

pytestmark = pytest.mark.timeout(1800)

_MIB = 1024 * 1024


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    try:
        with versitygw() as started:
            yield started
    except NoServerError as error:
        pytest.skip(str(error))


@pytest.fixture(params=["obstore", "boto3"])
def place(request: pytest.FixtureRequest, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Bucket, Fetch]:
    for name, value in aws_environment(endpoint).items():
        monkeypatch.setenv(name, value)
    clients = make_clients()
    assert urlsplit(clients.s3.meta.endpoint_url).hostname == "127.0.0.1"
    fetch: Any = make_fetch(clients) if request.param == "obstore" else _Boto3Fetch(clients)
    assert type(fetch).__name__ == {"obstore": "_ObstoreFetch", "boto3": "_Boto3Fetch"}[request.param]
    return new_bucket(clients.s3), fetch


def test_whole_and_in_part(place: tuple[Bucket, Fetch]) -> None:
    bucket, fetch = place
    etag = bucket.put("f", b"abcdef")
    uri = f"s3://{bucket.name}/f"
    assert (fetch(uri, etag, 0, 6), fetch(uri, etag, 2, 3)) == (b"abcdef", b"cde")


def test_an_overwritten_and_a_deleted_file(place: tuple[Bucket, Fetch]) -> None:
    bucket, fetch = place
    uri, etag = f"s3://{bucket.name}/f", bucket.put("f", b"old")
    bucket.put("f", b"new")
    with pytest.raises(SourceChangedError) as changed:
        fetch(uri, etag, 0, 3)
    bucket.client.delete_object(Bucket=bucket.name, Key="f")
    with pytest.raises(SourceChangedError) as gone:
        fetch(uri, etag, 0, 3)
    assert (changed.value.gone, gone.value.gone) == (False, True)


@pytest.mark.parametrize("key", ODD)
def test_odd_keys(place: tuple[Bucket, Fetch], key: str) -> None:
    bucket, fetch = place
    etag = bucket.put(key, key.encode())
    assert fetch(f"s3://{bucket.name}/{key}", etag, 0, len(key.encode())) == key.encode()


def test_a_large_file_that_is_overwritten_while_it_is_read(place: tuple[Bucket, Fetch]) -> None:
    bucket, fetch = place
    old = bytes(range(256)) * (40 * _MIB // 256)
    etag = bucket.put("f", old)
    with open_source(fetch, f"s3://{bucket.name}/f", etag, len(old)) as file:
        assert file.read(_MIB) == old[:_MIB]
        bucket.put("f", old[::-1])
        with pytest.raises(SourceChangedError):
            file.read()


def test_a_large_file_by_pieces(place: tuple[Bucket, Fetch]) -> None:
    bucket, fetch = place
    body = bytes(range(251)) * (40 * _MIB // 251)
    etag = bucket.put("f", body)
    with open_source(fetch, f"s3://{bucket.name}/f", etag, len(body)) as file:
        assert file.read() == body
