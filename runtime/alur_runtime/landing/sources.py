"""The landing side: what is there to be taken."""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import attrs

from alur_runtime.config import SourceConfig, split_uri
from alur_runtime.landing.globs import compile_glob
from alur_runtime.model import Listed
from alur_runtime.reasons import Reason

_MOST_SHOWN: Final = 100


@attrs.define
class PassedOver:
    """Keys below the sources that are none of their files.

    Attributes:
        counts: By reason code.
        shown: The first of those that are left out for their names: URI, ETag, reason.
    """

    counts: Counter[str] = attrs.field(factory=Counter)
    shown: list[tuple[str, str, Reason]] = attrs.field(factory=list)

    def add(self, uri: str, etag: str, reason: Reason) -> None:
        """Count a key; what a pattern does not ask for is counted only."""
        self.counts[reason.value] += 1
        if reason is not Reason.NOT_MATCHED and len(self.shown) < _MOST_SHOWN:
            self.shown.append((uri, etag, reason))


def list_sources(s3: Any, sources: tuple[SourceConfig, ...], passed_over: PassedOver) -> Iterator[Listed]:
    """Every file of the sources, once, in the byte order of URIs; of two sources that list it the first takes it.

    Args:
        s3: A boto3 client.
        sources: In order of precedence.
        passed_over: Takes the keys that are no files of these sources.

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


def would_list(sources: tuple[SourceConfig, ...], uri: str) -> bool:
    """Whether `list_sources` would have shown a file if it were there: only then does its absence mean that it is gone.

    A file of a source that is no longer configured, or that a pattern no longer asks for, may well be there.
    """
    return any(_would_list(source, uri) for source in sources)


def _would_list(source: SourceConfig, uri: str) -> bool:
    below = uri.removeprefix(source.uri)
    # The size is not known; a key that ends in a slash is passed over as a folder's mark if it is 0.
    if below in ("", uri) or below.endswith("/"):
        return False
    return _reason_to_pass_over(source, compile_glob(source.pattern), below, size=1) is None


def _list_source(s3: Any, source: SourceConfig, passed_over: PassedOver) -> Iterator[Listed]:
    bucket, prefix = split_uri(source.uri)
    glob = compile_glob(source.pattern)
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", ()):
            key, etag = entry["Key"], entry["ETag"].strip('"')
            uri, below = f"s3://{bucket}/{key}", key[len(prefix) :]
            if reason := _reason_to_pass_over(source, glob, below, entry["Size"]):
                passed_over.add(uri, etag, reason)
            else:
                yield Listed(
                    uri=uri,
                    etag=etag,
                    size=entry["Size"],
                    last_modified_ms=int(entry["LastModified"].timestamp() * 1000),
                    source=source.name,
                )


def _reason_to_pass_over(source: SourceConfig, glob: re.Pattern[str], below: str, size: int) -> Reason | None:
    if size == 0 and (below.endswith("/") or not below):
        return Reason.DIRECTORY_MARKER
    if not glob.fullmatch(below):
        return Reason.NOT_MATCHED
    # As Spark, Hive and Athena have it: such names are for what is not data (_SUCCESS, _temporary/, .DS_Store).
    if not source.hidden and any(part.startswith(("_", ".")) for part in below.split("/")):
        return Reason.HIDDEN_NAME
    return None
