"""The names of plan and commit manifests: who wrote which for which batch, read off the listing alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import attrs

from alur_runtime.config import split_uri
from alur_runtime.naming import batch_seq

_FOLDER: Final = "batches/"
_NAME: Final = re.compile(
    r"/batches/(?P<seq>(?P<token>\d{12,})-\d{5,})/(?:plan|commit-(?P<attempt>\d+))-(?P<run>[^/]+)\.json\Z"
)


@attrs.frozen
class ManifestName:
    """What a manifest's URI says.

    Attributes:
        uri: Where it is.
        seq: The batch's sequence.
        token: Of the planning lease that the batch was planned under.
        run_id: The run that wrote it.
        attempt: Of the batch that it would commit; 0 for a plan.
    """

    uri: str
    seq: str
    token: int
    run_id: str
    attempt: int = 0

    @property
    def is_commit(self) -> bool:
        """Whether it is a commit manifest."""
        return self.attempt > 0


def parse_name(uri: str) -> ManifestName | None:
    """What a URI says, or None if it is that of no manifest."""
    found = _NAME.search(uri)
    if found is None:
        return None
    return ManifestName(uri, found["seq"], int(found["token"]), found["run"], int(found["attempt"] or 0))


def token_of(seq: str) -> int:
    """The planning token under which a batch was planned, from its sequence."""
    return int(seq.partition("-")[0])


def list_manifests(s3: Any, metadata: str, since: int = 0) -> Iterator[ManifestName]:
    """The manifests of batches that were planned under a token or a later one, in the order of their sequences.

    Args:
        s3: A boto3 client.
        metadata: ``s3://bucket/prefix/``, `TableConfig.metadata`.
        since: The first token that is asked for.

    Raises:
        ClientError: If the listing fails.
    """
    # The first sequence of a token is 1: that of number 0 stands right before all of its manifests.
    yield from _list(s3, metadata, _FOLDER, after=_FOLDER + batch_seq(since, 0) if since else "")


def list_batch(s3: Any, metadata: str, seq: str) -> Iterator[ManifestName]:
    """The manifests of one batch.

    Raises:
        ClientError: If the listing fails.
    """
    yield from _list(s3, metadata, f"{_FOLDER}{seq}/")


def _list(s3: Any, metadata: str, folder: str, after: str = "") -> Iterator[ManifestName]:
    bucket, prefix = split_uri(metadata)
    start = {"StartAfter": prefix + after} if after else {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix + folder, **start):
        for entry in page.get("Contents", ()):
            if (name := parse_name(f"s3://{bucket}/{entry['Key']}")) is not None:
                yield name
