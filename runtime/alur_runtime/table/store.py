"""The table's side of S3: pending multipart uploads, their completion, and alur's own JSON objects."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any, Final, TypeVar

import attrs
from botocore.exceptions import ClientError

from alur_runtime.aws import error_code
from alur_runtime.config import split_uri, structure, to_json
from alur_runtime.model import Upload

_T = TypeVar("_T")
_PART_BYTES: Final = 5 * 1024 * 1024  # the least that S3 takes, 10,000 of them at most: objects up to 48 GiB
_DELETE_KEYS: Final = 1000
_MARK: Final = "alur-upload"
"""User metadata of every object: which upload it was, so that a completed one is told from a vanished one."""


@attrs.frozen
class StoredObject:
    """An object as a listing shows it.

    Attributes:
        key: Relative to the location that was listed.
        etag: Its version.
        size: In bytes.
    """

    key: str
    etag: str
    size: int


def put_json(s3: Any, uri: str, value: Any) -> None:
    """Write an attrs object as JSON. Names of such objects are never used for two contents."""
    bucket, key = split_uri(uri)
    s3.put_object(Bucket=bucket, Key=key, Body=to_json(value), ContentType="application/json")


def get_json(s3: Any, uri: str, cls: type[_T]) -> _T:
    """Read an attrs object that `put_json` wrote.

    Raises:
        ConfigError: If it is of another form, naming what does not fit.
    """
    return structure(json.loads(get_bytes(s3, uri)), cls)


def get_bytes(s3: Any, uri: str) -> bytes:
    """Read an object whole."""
    bucket, key = split_uri(uri)
    body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    return body


class PendingUpload(io.RawIOBase):
    """A file to write to, whose bytes go to S3 as a multipart upload that is not completed.

    Until a commit completes it nobody can see it; if none does, the bucket's lifecycle rule removes it. `result` names
    it once it is closed.
    """

    def __init__(self, s3: Any, location: str, key: str, *, mark: str) -> None:
        super().__init__()
        self._s3 = s3
        self._bucket, prefix = split_uri(location)
        self._key, self._full_key, self._mark = key, prefix + key, mark
        self._buffer = bytearray()
        self._parts: list[str] = []
        self._bytes = 0
        self._upload_id = ""
        self._abandoned = False

    def writable(self) -> bool:
        """It is there to be written."""
        return True

    def write(self, data: Any, /) -> int:
        """Take bytes; they are sent part by part."""
        view = memoryview(data).cast("B")
        if self._abandoned:
            return len(view)  # a Parquet writer that is put away writes its footer all the same
        self._buffer += view
        if len(self._buffer) >= _PART_BYTES:
            self._send()
        return len(view)

    def finish(self, rows: int, *, rewrite: bool) -> Upload:
        """Send what is left.

        Args:
            rows: In the object.
            rewrite: Whether it takes the place of an object.
        """
        if self._buffer or not self._parts:
            self._send()
        return Upload(self._key, self._upload_id, tuple(self._parts), rows, self._bytes, rewrite=rewrite)

    def abandon(self) -> None:
        """Put the upload away; called when the work on a batch fails."""
        self._abandoned = True
        self._buffer.clear()
        if self._upload_id:
            abort_upload(self._s3, self._bucket, self._full_key, self._upload_id)

    def _send(self) -> None:
        if not self._upload_id:
            answer = self._s3.create_multipart_upload(
                Bucket=self._bucket, Key=self._full_key, Metadata={_MARK: self._mark}
            )
            self._upload_id = answer["UploadId"]
        body = bytes(self._buffer)
        answer = self._s3.upload_part(
            Bucket=self._bucket,
            Key=self._full_key,
            UploadId=self._upload_id,
            PartNumber=len(self._parts) + 1,
            Body=body,
        )
        self._parts.append(answer["ETag"].strip('"'))
        self._bytes += len(body)
        self._buffer.clear()


def upload_mark(seq: str, attempt: int, key: str) -> str:
    """What a batch's attempt writes on its objects."""
    return f"{seq}.{attempt}.{key.rsplit('/', 1)[-1]}"


class TableStore:
    """The table's objects; keys are relative to its location."""

    def __init__(self, s3: Any, location: str) -> None:
        self._s3 = s3
        self.location = location
        self._bucket, self._prefix = split_uri(location)

    def complete(self, upload: Upload, mark: str) -> bool:
        """Complete an upload, once or again.

        Args:
            upload: As it is in the commit manifest.
            mark: What it was marked with.

        Returns:
            False if it was not there to complete and the object is not it: it has vanished, or later work has taken
            the object's place.
        """
        parts = [{"ETag": f'"{etag}"', "PartNumber": n} for n, etag in enumerate(upload.parts, start=1)]
        try:
            self._s3.complete_multipart_upload(
                Bucket=self._bucket,
                Key=self._prefix + upload.key,
                UploadId=upload.upload_id,
                MultipartUpload={"Parts": parts},
            )
        except ClientError as error:
            if error_code(error) != "NoSuchUpload":
                raise
            return self.mark(upload.key) == mark
        return True

    def mark(self, key: str) -> str | None:
        """The mark of the object, or None if there is none."""
        try:
            answer = self._s3.head_object(Bucket=self._bucket, Key=self._prefix + key)
        except ClientError as error:
            if is_gone(error):
                return None
            raise
        return str(answer["Metadata"].get(_MARK, ""))

    def read(self, key: str) -> bytes | None:
        """An object's bytes, or None if there is no such object."""
        try:
            return get_bytes(self._s3, self.location + key)
        except ClientError as error:
            if is_gone(error):
                return None
            raise

    def delete(self, keys: tuple[str, ...]) -> None:
        """Delete objects; one that is gone already is fine."""
        for start in range(0, len(keys), _DELETE_KEYS):
            part = keys[start : start + _DELETE_KEYS]
            answer = self._s3.delete_objects(
                Bucket=self._bucket,
                Delete={"Objects": [{"Key": self._prefix + key} for key in part], "Quiet": True},
            )
            for failed in answer.get("Errors", ()):
                raise ClientError({"Error": {"Code": failed["Code"], "Message": failed["Message"]}}, "DeleteObjects")

    def abort(self, upload: Upload) -> None:
        """Abort an upload; one that is gone already is fine."""
        abort_upload(self._s3, self._bucket, self._prefix + upload.key, upload.upload_id)


def is_gone(error: ClientError) -> bool:
    """Whether S3 says that there is no such object; to a HEAD it has no more than the status to say it with."""
    return error_code(error) in ("404", "NoSuchKey", "NotFound")


def list_objects(s3: Any, location: str) -> Iterator[StoredObject]:
    """Every object below ``s3://bucket/prefix/``."""
    bucket, prefix = split_uri(location)
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", ()):
            yield StoredObject(entry["Key"][len(prefix) :], entry["ETag"].strip('"'), entry["Size"])


def etag_of(s3: Any, uri: str) -> str | None:
    """The version of an object as it is now, or None if there is none."""
    bucket, key = split_uri(uri)
    try:
        return str(s3.head_object(Bucket=bucket, Key=key)["ETag"]).strip('"')
    except ClientError as error:
        if is_gone(error):
            return None
        raise


def abort_upload(s3: Any, bucket: str, key: str, upload_id: str) -> None:
    """Abort a multipart upload; one that is gone already is fine."""
    try:
        s3.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id)
    except ClientError as error:
        if error_code(error) != "NoSuchUpload":
            raise
