"""What moto answers otherwise than S3 does, put right where the runtime relies on it."""

from collections.abc import Iterator
from typing import Any

from moto.s3.exceptions import NoSuchUpload
from moto.s3.models import S3Backend

_complete = S3Backend.complete_multipart_upload


def complete_known_uploads_only(
    self: Any, bucket_name: str, multipart_id: str, body: Iterator[tuple[int, str]]
) -> Any:
    """Complete an upload; S3 answers NoSuchUpload where moto 5.2.5 fails with a 500 for one that is gone."""
    if multipart_id not in self.get_bucket(bucket_name).multiparts:
        raise NoSuchUpload(upload_id=multipart_id)
    return _complete(self, bucket_name, multipart_id, body)


def apply() -> None:
    """Patch moto in this process; once is enough, twice does no harm."""
    S3Backend.complete_multipart_upload = complete_known_uploads_only
