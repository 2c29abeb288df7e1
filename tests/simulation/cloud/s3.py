"""S3 in memory: versions by ETag, conditional requests, multipart uploads, listings in pages."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
from typing import Any, Final
from urllib.parse import unquote

import attrs

from tests.simulation.cloud.answers import Clock, LimitBrokenError, client_error

Place = tuple[str, str]
"""Bucket and key."""

_PART_BYTES: Final = 5 * 1024 * 1024  # least bytes of a part that is not the last
_PARTS: Final = 10_000
_KEY_BYTES: Final = 1024
_DELETE_KEYS: Final = 1000


@attrs.frozen
class Object:
    """An object; `upload_id` is of the multipart upload that it came from, empty if it was put."""

    body: bytes
    etag: str
    modified: float
    metadata: dict[str, str]
    upload_id: str = ""


@attrs.define
class Multipart:
    """An upload that is not completed."""

    place: Place
    metadata: dict[str, str]
    begun: float
    parts: dict[int, tuple[str, bytes]] = attrs.field(factory=dict)


@attrs.define
class S3:
    """Buckets.

    Attributes:
        clock: The cloud's.
        page: Keys of a page of a listing.
        repeats: Whether completing an upload again that was completed is answered as the first time was. S3's
            documentation says NoSuchUpload; S3 itself answers 200 for a while.
        objects: By place.
        uploads: Not completed, by id.
        effects: Changes that took effect, in order: what, place, and the object or upload id.
    """

    clock: Clock
    page: int = 2
    repeats: bool = False
    buckets: set[str] = attrs.field(factory=set)
    objects: dict[Place, Object] = attrs.field(factory=dict)
    uploads: dict[str, Multipart] = attrs.field(factory=dict)
    effects: list[tuple[str, Place, Any]] = attrs.field(factory=list)
    _completed: dict[str, str] = attrs.field(factory=dict)
    _numbers: int = 0

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """One request.

        Raises:
            ClientError: As S3 answers.
            LimitBrokenError: If it is one that S3 would refuse as malformed.
        """
        bucket, key = request["Bucket"], request.get("Key", "x")
        if bucket not in self.buckets:
            raise client_error(operation, "NoSuchBucket", status=404)
        if not 1 <= len(key.encode()) <= _KEY_BYTES:
            raise LimitBrokenError(f"a key of {len(key.encode())} bytes")
        return getattr(self, f"_{operation}")((bucket, key), request)  # type: ignore[no-any-return]

    # --- objects --------------------------------------------------------------------------------------------------

    def put(self, place: Place, body: bytes) -> str:
        """Put an object as others do who are not the runtime; its ETag."""
        etag = hashlib.md5(body).hexdigest()
        self._store(place, Object(body, etag, self.clock.now, {}))
        return etag

    def remove(self, place: Place) -> None:
        """Delete an object as others do."""
        self.objects.pop(place, None)
        self.effects.append(("delete", place, None))

    def _store(self, place: Place, found: Object) -> None:
        self.objects[place] = found
        self.effects.append(("put", place, found))

    def _PutObject(self, place: Place, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  (by their names)
        self._check_conditions("PutObject", place, request)
        body = request["Body"]
        body = body if isinstance(body, bytes) else body.read()
        etag = hashlib.md5(body).hexdigest()
        self._store(place, Object(body, etag, self.clock.now, request.get("Metadata", {})))
        return {"ETag": f'"{etag}"'}

    def _CopyObject(self, place: Place, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        bucket, _, key = unquote(request["CopySource"]).partition("/")
        found = self.objects.get((bucket, key))
        if found is None:
            raise client_error("CopyObject", "NoSuchKey", status=404)
        if "CopySourceIfMatch" in request and request["CopySourceIfMatch"].strip('"') != found.etag:
            raise client_error("CopyObject", "PreconditionFailed", status=412)
        etag = hashlib.md5(found.body).hexdigest()
        self._store(place, Object(found.body, etag, self.clock.now, found.metadata))
        return {"CopyObjectResult": {"ETag": f'"{etag}"'}}

    def _GetObject(self, place: Place, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        found = self.objects.get(place)
        if found is None:
            raise client_error("GetObject", "NoSuchKey", status=404)
        if "IfMatch" in request and request["IfMatch"].strip('"') != found.etag:
            raise client_error("GetObject", "PreconditionFailed", status=412)
        body = found.body
        if "Range" in request:
            start, end = (int(n) for n in request["Range"].removeprefix("bytes=").split("-"))
            if start >= len(body):
                raise client_error("GetObject", "InvalidRange", status=416)
            body = body[start : end + 1]
        return {"Body": io.BytesIO(body), "ETag": f'"{found.etag}"', "Metadata": found.metadata}

    def _HeadObject(self, place: Place, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        found = self.objects.get(place)
        if found is None:
            raise client_error("HeadObject", "404", "Not Found", status=404)
        return {"ETag": f'"{found.etag}"', "ContentLength": len(found.body), "Metadata": found.metadata}

    def _DeleteObject(self, place: Place, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self.remove(place)
        return {}

    def _DeleteObjects(self, place: Place, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        wanted = request["Delete"]["Objects"]
        if not 1 <= len(wanted) <= _DELETE_KEYS:
            raise LimitBrokenError(f"DeleteObjects of {len(wanted)} keys")
        for entry in wanted:
            self.remove((place[0], entry["Key"]))
        return {}

    def _ListObjectsV2(self, place: Place, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        after = request.get("ContinuationToken", request.get("StartAfter", "")).encode()
        prefix = request.get("Prefix", "")
        keys = sorted(
            (k for b, k in self.objects if b == place[0] and k.startswith(prefix) and k.encode() > after),
            key=str.encode,
        )
        shown = keys[: min(self.page, request.get("MaxKeys", 1000))]
        more = len(keys) > len(shown)
        contents = []
        for key in shown:
            found = self.objects[place[0], key]
            modified = dt.datetime.fromtimestamp(int(found.modified), dt.UTC)
            contents.append({"Key": key, "ETag": f'"{found.etag}"', "Size": len(found.body), "LastModified": modified})
        return {
            "Contents": contents,
            "IsTruncated": more,
            "KeyCount": len(shown),
            **({"NextContinuationToken": shown[-1]} if more else {}),
        }

    def _check_conditions(self, operation: str, place: Place, request: dict[str, Any]) -> None:
        found = self.objects.get(place)
        if "IfNoneMatch" in request and found is not None:
            raise client_error(operation, "PreconditionFailed", status=412)
        if "IfMatch" in request and (found is None or request["IfMatch"].strip('"') != found.etag):
            raise client_error(operation, "PreconditionFailed" if found else "NoSuchKey", status=412 if found else 404)

    # --- multipart uploads ----------------------------------------------------------------------------------------

    def _CreateMultipartUpload(self, place: Place, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self._numbers += 1
        name = f"upload-{self._numbers}"
        self.uploads[name] = Multipart(place, request.get("Metadata", {}), self.clock.now)
        self.effects.append(("begin", place, name))
        return {"UploadId": name}

    def _UploadPart(self, place: Place, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        number = request["PartNumber"]
        if not 1 <= number <= _PARTS:
            raise LimitBrokenError(f"part {number}")
        body = request["Body"]
        etag = hashlib.md5(body).hexdigest()
        self._upload("UploadPart", place, request).parts[number] = (etag, body)
        return {"ETag": f'"{etag}"'}

    def _CompleteMultipartUpload(self, place: Place, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        name = request["UploadId"]
        if self.repeats and name in self._completed:
            return {"ETag": self._completed[name]}
        upload = self._upload("CompleteMultipartUpload", place, request)
        wanted = request["MultipartUpload"]["Parts"]
        numbers = [p["PartNumber"] for p in wanted]
        if not numbers or numbers != sorted(set(numbers)):
            raise client_error("CompleteMultipartUpload", "InvalidPartOrder")
        bodies = []
        for part in wanted:
            etag, body = upload.parts.get(part["PartNumber"], ("", b""))
            if etag != part["ETag"].strip('"'):
                raise client_error("CompleteMultipartUpload", "InvalidPart")
            bodies.append(body)
        if any(len(body) < _PART_BYTES for body in bodies[:-1]):
            raise client_error("CompleteMultipartUpload", "EntityTooSmall")
        self._check_conditions("CompleteMultipartUpload", place, request)
        whole = b"".join(bodies)
        etag = f"{hashlib.md5(whole).hexdigest()}-{len(bodies)}"
        del self.uploads[name]
        self._completed[name] = f'"{etag}"'
        self._store(place, Object(whole, etag, self.clock.now, upload.metadata, name))
        return {"ETag": f'"{etag}"'}

    def _AbortMultipartUpload(self, place: Place, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self._upload("AbortMultipartUpload", place, request)
        self.abort(request["UploadId"])
        return {}

    def _ListMultipartUploads(self, place: Place, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        prefix = request.get("Prefix", "")
        after = request.get("KeyMarker", "").encode(), request.get("UploadIdMarker", "")
        found = sorted(
            (upload.place[1].encode(), name)
            for name, upload in self.uploads.items()
            if upload.place[0] == place[0] and upload.place[1].startswith(prefix)
        )
        found = [entry for entry in found if entry > after]
        shown = found[: min(self.page, request.get("MaxUploads", 1000))]
        more = len(found) > len(shown)
        uploads = [
            {
                "Key": key.decode(),
                "UploadId": name,
                "Initiated": dt.datetime.fromtimestamp(int(self.uploads[name].begun), dt.UTC),
            }
            for key, name in shown
        ]
        markers = {"NextKeyMarker": shown[-1][0].decode(), "NextUploadIdMarker": shown[-1][1]} if more else {}
        return {"Uploads": uploads, "IsTruncated": more, **markers}

    def abort(self, name: str) -> None:
        """Remove an upload, as a lifecycle rule does too."""
        place = self.uploads.pop(name).place
        self.effects.append(("abort", place, name))

    def _upload(self, operation: str, place: Place, request: dict[str, Any]) -> Multipart:
        upload = self.uploads.get(request["UploadId"])
        if upload is None or upload.place != place:
            raise client_error(operation, "NoSuchUpload", status=404)
        return upload
