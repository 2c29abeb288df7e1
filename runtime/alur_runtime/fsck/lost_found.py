"""Lost and found: what a repair takes out of the table is copied there first. Nothing is ever destroyed."""

from __future__ import annotations

from typing import Any

import attrs
from botocore.exceptions import ClientError

from alur_runtime.aws import error_code
from alur_runtime.config import TableConfig, split_uri
from alur_runtime.fsck.state import Object
from alur_runtime.naming import batch_seq


@attrs.frozen
class LostAndFound:
    """The folder of one repair below the table's metadata, named by its planning token.

    Attributes:
        s3: A boto3 client.
        table: Whose objects are kept.
        token: Of the planning lease.
    """

    s3: Any
    table: TableConfig
    token: int

    def keep(self, objects: list[Object]) -> dict[str, str]:
        """Copy objects, those of the versions that were looked at; where each copy is, by key.

        An object that is another by now, or gone, has no copy, and is to be left as it is.

        Raises:
            ClientError: If one cannot be copied, such as one of more than 5 GB: that is for a person to move.
        """
        bucket, prefix = split_uri(self.table.location)
        place = f"{self.table.metadata}lost+found/{batch_seq(self.token, 0)}/"
        to_bucket, to_prefix = split_uri(place)
        kept: dict[str, str] = {}
        for found in objects:
            try:
                self.s3.copy_object(
                    Bucket=to_bucket,
                    Key=to_prefix + found.key,
                    CopySource={"Bucket": bucket, "Key": prefix + found.key},
                    CopySourceIfMatch=f'"{found.etag}"',
                )
            except ClientError as error:
                if error_code(error) not in ("PreconditionFailed", "412", "NoSuchKey", "404"):
                    raise
            else:
                kept[found.key] = place + found.key
        return kept
