"""The archive of the ledger: items that DynamoDB may delete, kept in S3 and found again when their file comes back.

An item goes into the archive before it gets its time to live. So at any moment an item is in the ledger or in the
archive, or in both, and of several the one of the greatest batch counts. Nothing is ever taken out; objects of the
archive are merged so that there are few to look into.
"""

from __future__ import annotations

import io
import json
import logging
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from botocore.exceptions import ClientError

from alur_runtime.aws import error_code
from alur_runtime.config import split_uri, structure, to_json
from alur_runtime.errors import AlurError, LedgerFormatError
from alur_runtime.model import FileItem
from alur_runtime.table.ranges import RangedObject
from alur_runtime.table.store import TableStore, get_bytes, list_objects

_log = logging.getLogger(__name__)

_MARK: Final = b"alur_forgotten"
_FORMAT: Final = b"1"
_SCHEMA: Final = pa.schema(
    [("uri", pa.string()), ("batch_seq", pa.string()), ("batch_attempt", pa.int64()), ("item", pa.string())],
    metadata={_MARK: _FORMAT},
)
_ORDER: Final = [("uri", "ascending"), ("batch_seq", "ascending"), ("batch_attempt", "ascending")]
_ROW_GROUP_ROWS: Final = 20_000
_WHOLE_BYTES: Final = 1024 * 1024  # an object up to this is read at once
_TRIES: Final = 5

FEW: Final = 8
"""So many objects of about one size are merged into one."""
_TIER_BITS: Final = 3  # objects of a tier are up to eight times as large as those of the one below
_LEAST_BYTES: Final = 4096
_MOST_BYTES: Final = 4 * 1024 * 1024  # from this on an object is merged no more: eight of them are held in memory


class _MergedError(Exception):
    """An object went away after it was listed: what was in it is in another now."""


@attrs.frozen
class Forgotten:
    """The archive of one table.

    Attributes:
        s3: A boto3 client.
        location: ``s3://bucket/prefix/`` of its objects.
    """

    s3: Any
    location: str

    def keep(self, items: Sequence[FileItem], name: str) -> None:
        """Write items into the archive; they are in it for good once this returns.

        Args:
            items: At least one.
            name: Of the new object; never used before.
        """
        rows = [
            {
                "uri": item.uri,
                "batch_seq": item.batch_seq,
                "batch_attempt": item.batch_attempt,
                "item": to_json(attrs.evolve(item, expires_at=None)).decode(),
            }
            for item in items
        ]
        self._write(pa.Table.from_pylist(rows, schema=_SCHEMA), name)

    def find(self, uris: Iterable[str]) -> dict[str, FileItem]:
        """The latest item of each of some files, by URI; a file that was never forgotten is not in it.

        Raises:
            ClientError: If the archive cannot be read: that must not be taken for "never seen".
            LedgerFormatError: If it is not of this version's form.
        """
        wanted = sorted(set(uris))
        return self._latest(lambda file: _rows_of(file, wanted)) if wanted else {}

    def all(self) -> dict[str, FileItem]:
        """The latest item of every file that was ever forgotten, by URI.

        Raises:
            ClientError: If the archive cannot be read.
            LedgerFormatError: If it is not of this version's form.
        """
        return self._latest(lambda file: iter([file.read(["item"])]))

    def merge(self, name: str) -> int:
        """Merge objects of the archive if there are many of about one size.

        Should two runs do it at once, nothing is lost: what a run deletes it has written into another object before.

        Args:
            name: Of the new object; never used before.

        Returns:
            How many objects became one; 0 if there was no need.
        """
        chosen = objects_to_merge(self._objects())
        if not chosen:
            return 0
        try:
            tables = [self._open(key, size).read() for key, size in chosen.items()]
        except _MergedError as error:
            _log.info("%s was merged by another run", error)
            return 0
        self._write(pa.concat_tables(tables), name)
        # A crash before this line leaves items in two objects, which does no harm. The other way round it would
        # lose them, and their files would be ingested again.
        TableStore(self.s3, self.location).delete(tuple(chosen))
        return len(chosen)

    # --- objects --------------------------------------------------------------------------------------------------

    def _objects(self) -> dict[str, int]:
        """Bytes by key below the location."""
        return {found.key: found.size for found in list_objects(self.s3, self.location)}

    def _write(self, table: pa.Table, name: str) -> None:
        table = _latest_rows(table.sort_by(_ORDER))
        body = io.BytesIO()
        pq.write_table(  # of URIs in order neighbours are alike, and statistics tell where one can be
            table,
            body,
            row_group_size=_ROW_GROUP_ROWS,
            compression="zstd",
            use_dictionary=False,
            write_statistics=["uri"],
        )
        bucket, prefix = split_uri(self.location)
        self.s3.put_object(Bucket=bucket, Key=f"{prefix}{name}", Body=body.getvalue())

    def _open(self, key: str, size: int) -> pq.ParquetFile:
        uri = self.location + key
        try:
            source = io.BytesIO(get_bytes(self.s3, uri)) if size <= _WHOLE_BYTES else RangedObject(self.s3, uri, size)
            file = pq.ParquetFile(source)
        except ClientError as error:
            raise _gone_or(error, uri) from error
        except pa.ArrowException as error:
            raise LedgerFormatError(uri, f"is no Parquet file: {error}") from error
        if (file.schema_arrow.metadata or {}).get(_MARK) != _FORMAT:
            raise LedgerFormatError(uri, "is not of the form that this version reads: deploy job and runtime together")
        return file

    def _latest(self, read: Callable[[pq.ParquetFile], Iterator[pa.Table]]) -> dict[str, FileItem]:
        """Of what is read from all objects the latest by URI; from the beginning again if one is merged meanwhile."""
        for _ in range(_TRIES):
            try:
                return self._latest_now(read)
            except _MergedError as error:
                _log.info("%s was merged while it was to be read", error)
        raise LedgerFormatError(self.location, f"objects went away {_TRIES} times while they were read; run again")

    def _latest_now(self, read: Callable[[pq.ParquetFile], Iterator[pa.Table]]) -> dict[str, FileItem]:
        latest: dict[str, FileItem] = {}
        for key, size in self._objects().items():
            file = self._open(key, size)
            try:
                items = [_item(text, self.location + key) for part in read(file) for text in part["item"].to_pylist()]
            except ClientError as error:
                raise _gone_or(error, self.location + key) from error
            for item in items:
                if item.uri not in latest or latest[item.uri].order < item.order:
                    latest[item.uri] = item
        return latest


def objects_to_merge(sizes: Mapping[str, int]) -> dict[str, int]:
    """Which objects of the archive to merge: the smaller ones first, and never one that is large already.

    Args:
        sizes: Bytes by key.

    Returns:
        `FEW` of about one size, or none. Merged again and again like this, n objects of one size become about
        `FEW` times the logarithm of n, and each item is written anew as often as that logarithm.
    """
    tiers: dict[int, dict[str, int]] = {}
    for key, size in sorted(sizes.items(), key=lambda entry: (entry[1], entry[0])):
        if size < _MOST_BYTES:
            tier = (size // _LEAST_BYTES).bit_length() // _TIER_BITS
            tiers.setdefault(tier, {})[key] = size
    for _, found in sorted(tiers.items()):
        if len(found) >= FEW:
            return dict(list(found.items())[:FEW])
    return {}


def _rows_of(file: pq.ParquetFile, wanted: Sequence[str]) -> Iterator[pa.Table]:
    """The rows of some URIs, which are in order; only parts of the file that may hold one are read."""
    for number in range(file.num_row_groups):
        statistics = file.metadata.row_group(number).column(0).statistics
        few = wanted
        if statistics is not None and statistics.has_min_max:
            # By code points, which is the order of UTF-8 bytes too.
            few = wanted[bisect_left(wanted, statistics.min) : bisect_right(wanted, statistics.max)]
        if few:
            found = pc.is_in(file.read_row_group(number, ["uri"])["uri"], value_set=pa.array(few, pa.string()))
            if pc.any(found).as_py():
                yield file.read_row_group(number, ["item"]).filter(found)


def _latest_rows(table: pa.Table) -> pa.Table:
    """Of rows in order the last of each URI."""
    uris = table["uri"].combine_chunks()
    if len(uris) < 2:
        return table
    last = pc.not_equal(uris[:-1], uris[1:])
    return table.filter(pa.concat_arrays([last, pa.array([True])]))


def _item(text: str, place: str) -> FileItem:
    try:
        return structure(json.loads(text), FileItem)
    except AlurError as error:
        raise LedgerFormatError(place, str(error)) from error


def _gone_or(error: ClientError, uri: str) -> Exception:
    return _MergedError(uri) if error_code(error) == "NoSuchKey" else error
