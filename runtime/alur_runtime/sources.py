"""The landing side: list what is there, and read a file at exactly the version that was listed."""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

from botocore.exceptions import ClientError

from alur_runtime.aws import Clients, error_code, own_endpoint
from alur_runtime.config import SourceConfig, split_uri
from alur_runtime.errors import SourceChangedError
from alur_runtime.globs import compile_glob
from alur_runtime.model import Listed
from alur_runtime.reasons import Reason

Fetch = Callable[[str, str], bytes]
"""Reads a URI at an ETag: all of its bytes, or `SourceChangedError`."""

# obstore escapes some characters of keys by rules of its own: only keys it cannot misread go through it.
_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_.=-]+(/[A-Za-z0-9_.=-]+)*")


def list_sources(s3: Any, sources: tuple[SourceConfig, ...], passed_over: Counter[str]) -> Iterator[Listed]:
    """Every file of the sources, once, in the byte order of URIs; of two sources that list it the first takes it.

    Args:
        s3: A boto3 client.
        sources: In order of precedence.
        passed_over: Counts, by reason code, the keys that are no files of these sources.

    Raises:
        ClientError: If a listing fails: a listing that is not complete plans nothing.
    """
    streams = [
        ((listed.uri.encode(), rank, listed) for listed in _list_source(s3, source, passed_over))
        for rank, source in enumerate(sources)
    ]
    last = None
    for key, _, listed in heapq.merge(*streams, key=lambda entry: entry[:2]):
        if key != last:
            last = key
            yield listed


def _list_source(s3: Any, source: SourceConfig, passed_over: Counter[str]) -> Iterator[Listed]:
    bucket, prefix = split_uri(source.uri)
    glob = compile_glob(source.pattern)
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", ()):
            key = entry["Key"]
            if key.endswith("/") and entry["Size"] == 0:
                passed_over[Reason.DIRECTORY_MARKER.value] += 1
            elif not glob.fullmatch(key[len(prefix) :]):
                passed_over[Reason.NOT_MATCHED.value] += 1
            else:
                yield Listed(
                    uri=f"s3://{bucket}/{key}",
                    etag=entry["ETag"].strip('"'),
                    size=entry["Size"],
                    last_modified_ms=int(entry["LastModified"].timestamp() * 1000),
                    source=source.name,
                )


def make_fetch(clients: Clients) -> Fetch:
    """The fastest pinned read that is installed: obstore, else boto3."""
    by_boto3 = _Boto3Fetch(clients)
    try:
        import obstore  # noqa: F401, PLC0415  (a compiled package that Glue does not have by itself)
    except ImportError:
        return by_boto3
    return _ObstoreFetch(clients, by_boto3)


class _Boto3Fetch:
    def __init__(self, clients: Clients) -> None:
        self._s3 = clients.s3

    def __call__(self, uri: str, etag: str) -> bytes:
        bucket, key = split_uri(uri)
        try:
            # The race: a file is overwritten after it was listed. Without If-Match its new content would be
            # written under the old version's ETag, and the new version would be ingested once more later.
            answer = self._s3.get_object(Bucket=bucket, Key=key, IfMatch=f'"{etag}"')
            body: bytes = answer["Body"].read()
        except ClientError as error:
            if error_code(error) in ("PreconditionFailed", "412"):
                raise SourceChangedError(uri, gone=False) from error
            if error_code(error) in ("NoSuchKey", "404"):
                raise SourceChangedError(uri, gone=True) from error
            raise
        return body


class _ObstoreFetch:
    def __init__(self, clients: Clients, fallback: Fetch) -> None:
        self._clients = clients
        self._fallback = fallback
        self._stores: dict[str, Any] = {}

    def __call__(self, uri: str, etag: str) -> bytes:
        import obstore  # noqa: PLC0415
        from obstore.exceptions import NotFoundError, PreconditionError  # noqa: PLC0415

        bucket, key = split_uri(uri)
        if not _PLAIN_KEY.fullmatch(key) or any(part in (".", "..") for part in key.split("/")):
            return self._fallback(uri, etag)
        self._clients.calls.add("s3", "GetObject")
        try:
            # See _Boto3Fetch for the race that If-Match stops.
            answer = obstore.get(self._store(bucket), key, options={"if_match": f'"{etag}"'})
            return bytes(answer.bytes())
        except PreconditionError as error:
            raise SourceChangedError(uri, gone=False) from error
        except (NotFoundError, FileNotFoundError) as error:
            raise SourceChangedError(uri, gone=True) from error

    def _store(self, bucket: str) -> Any:
        from obstore.auth.boto3 import Boto3CredentialProvider  # noqa: PLC0415
        from obstore.store import S3Store  # noqa: PLC0415

        if bucket not in self._stores:
            s3 = self._clients.s3
            own = own_endpoint(s3)
            # Credentials, region and endpoint are boto3's, so that one environment serves both.
            place: dict[str, Any] = {"endpoint": s3.meta.endpoint_url} if own else {}
            self._stores[bucket] = S3Store(
                bucket,
                region=s3.meta.region_name,
                config=place,  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
                virtual_hosted_style_request=not own,
                credential_provider=Boto3CredentialProvider(self._clients.session),
                client_options={"allow_http": own},
            )
        return self._stores[bucket]
