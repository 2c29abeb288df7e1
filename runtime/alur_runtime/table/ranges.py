"""An S3 object as a file of which only what is read is fetched."""

from __future__ import annotations

from typing import Any

from alur_runtime.config import split_uri
from alur_runtime.sized_file import SizedFile


class RangedObject(SizedFile):
    """Reads an object by ranges: one request a read, and nothing ahead.

    For objects whose names are never used for two contents: it does not ask for a version.
    """

    def __init__(self, s3: Any, uri: str, size: int) -> None:
        super().__init__(size)
        self._s3 = s3
        self._bucket, self._key = split_uri(uri)

    def readinto(self, buffer: Any, /) -> int:
        """Fetch as much as fits.

        Raises:
            ClientError: If S3 fails.
        """
        view = memoryview(buffer).cast("B")
        end = min(self.position + len(view), self.size)
        if end <= self.position:
            return 0
        answer = self._s3.get_object(Bucket=self._bucket, Key=self._key, Range=f"bytes={self.position}-{end - 1}")
        body: bytes = answer["Body"].read()
        view[: len(body)] = body
        self.position += len(body)
        return len(body)
