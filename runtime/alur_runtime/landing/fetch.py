"""The landing side: a file's bytes, at exactly the version that was listed, whole or in pieces as it is read."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, BinaryIO, Final

from botocore.exceptions import ClientError

from alur_runtime.aws import Clients, error_code, own_endpoint
from alur_runtime.config import split_uri
from alur_runtime.errors import SourceChangedError
from alur_runtime.sized_file import SizedFile

Fetch = Callable[[str, str, int, int], bytes]
"""Reads a URI at an ETag from an offset on, so many bytes, or raises `SourceChangedError`."""

# obstore escapes some characters of keys by rules of its own: only keys it cannot misread go through it.
_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_.=-]+(/[A-Za-z0-9_.=-]+)*")
_PIECE_BYTES: Final = 8 * 1024 * 1024


def open_source(fetch: Fetch, uri: str, etag: str, size: int) -> BinaryIO:
    """A file of a source to read from: small ones are fetched at once, large ones piece by piece as they are read.

    Args:
        fetch: Of `make_fetch`.
        uri: The file.
        etag: The version that was listed.
        size: Its bytes.

    Raises:
        SourceChangedError: If it has changed or gone; of a large file also later, by a read.
    """
    if size <= _PIECE_BYTES:
        return io.BytesIO(fetch(uri, etag, 0, size))
    return io.BufferedReader(_Pieces(fetch, uri, etag, size), 1024 * 1024)


class _Pieces(SizedFile):
    """A large file: one piece in hand, the next one on its way."""

    def __init__(self, fetch: Fetch, uri: str, etag: str, size: int) -> None:
        super().__init__(size)
        self._fetch: Callable[[int], bytes] = lambda start: fetch(uri, etag, start, min(_PIECE_BYTES, size - start))
        self._start, self._piece = 0, memoryview(b"")
        self._pool = ThreadPoolExecutor(1)
        self._ahead: tuple[int, Future[bytes]] | None = None

    def readinto(self, buffer: Any, /) -> int:
        wanted = memoryview(buffer).cast("B")
        if self.position >= self.size:
            return 0
        if not self._start <= self.position < self._start + len(self._piece):
            self._load(self.position)
        inside = self.position - self._start
        part = self._piece[inside : inside + len(wanted)]
        wanted[: len(part)] = part
        self.position += len(part)
        return len(part)

    def close(self) -> None:
        if not self.closed:
            self._pool.shutdown(cancel_futures=True)
        super().close()

    def _load(self, start: int) -> None:
        if self._ahead is not None and self._ahead[0] == start:
            self._piece = memoryview(self._ahead[1].result())
        else:
            self._piece = memoryview(self._fetch(start))
        self._start, after = start, start + len(self._piece)
        self._ahead = (after, self._pool.submit(self._fetch, after)) if after < self.size else None


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

    def __call__(self, uri: str, etag: str, start: int, length: int) -> bytes:
        bucket, key = split_uri(uri)
        try:
            # The race: a file is overwritten after it was listed. Without If-Match its new content would be
            # written under the old version's ETag, and the new version would be ingested once more later.
            wanted = {"Range": f"bytes={start}-{start + length - 1}"} if length else {}
            answer = self._s3.get_object(Bucket=bucket, Key=key, IfMatch=f'"{etag}"', **wanted)
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

    def __call__(self, uri: str, etag: str, start: int, length: int) -> bytes:
        import obstore  # noqa: PLC0415
        from obstore.exceptions import NotFoundError, PreconditionError  # noqa: PLC0415

        bucket, key = split_uri(uri)
        if not _PLAIN_KEY.fullmatch(key) or any(part in (".", "..") for part in key.split("/")):
            return self._fallback(uri, etag, start, length)
        self._clients.calls.add("s3", "GetObject")
        try:
            # See _Boto3Fetch for the race that If-Match stops.
            options: Any = {"if_match": f'"{etag}"'}
            if length:
                options["range"] = (start, start + length)
            answer = obstore.get(self._store(bucket), key, options=options)
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
