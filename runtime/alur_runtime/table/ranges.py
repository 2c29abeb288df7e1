"""An S3 object as a file of which only what is read is fetched."""

from __future__ import annotations

import io
from typing import Any

from alur_runtime.config import split_uri


class RangedObject(io.RawIOBase):
    """Reads an object by ranges: one request a read, and nothing ahead.

    For objects whose names are never used for two contents: it does not ask for a version.
    """

    def __init__(self, s3: Any, uri: str, size: int) -> None:
        super().__init__()
        self._s3, self._size, self._position = s3, size, 0
        self._bucket, self._key = split_uri(uri)

    def readable(self) -> bool:
        """It is there to be read."""
        return True

    def seekable(self) -> bool:
        """From any place."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Let the next read begin elsewhere."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        """Fetch as much as fits.

        Raises:
            ClientError: If S3 fails.
        """
        view = memoryview(buffer).cast("B")
        end = min(self._position + len(view), self._size)
        if end <= self._position:
            return 0
        answer = self._s3.get_object(Bucket=self._bucket, Key=self._key, Range=f"bytes={self._position}-{end - 1}")
        body: bytes = answer["Body"].read()
        view[: len(body)] = body
        self._position += len(body)
        return len(body)
