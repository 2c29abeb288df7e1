"""Uploads that are not completed: which there are, and their end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from alur_runtime.config import split_uri
from alur_runtime.table.store import abort_upload


@attrs.frozen
class Pending:
    """A multipart upload that is not completed.

    Attributes:
        location: Of the store it is in: the table's or its quarantine's.
        key: Relative to it.
        upload_id: S3's.
    """

    location: str
    key: str
    upload_id: str

    def abort(self, s3: Any) -> None:
        """Abort it; one that is gone already is fine."""
        bucket, prefix = split_uri(self.location)
        abort_upload(s3, bucket, prefix + self.key, self.upload_id)


def list_pending(s3: Any, location: str) -> Iterator[Pending]:
    """The uploads of a store that are not completed."""
    bucket, prefix = split_uri(location)
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Uploads", ()):
            yield Pending(location, entry["Key"][len(prefix) :], entry["UploadId"])
