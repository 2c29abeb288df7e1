"""S3: pinned reads, versions of objects, listings and deletions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError

from alur_runtime.aws import error_code
from tests.servers.conformance.suite import OK, Bucket, answer, behaviour

# In the order of their UTF-8 bytes; the last two would change places in UTF-16. No key is the folder of another.
ORDERED = ("A", "a b", "a%20b", "a+b", "a-b", "a.b", "a/b", "a0", "aa", "b/", "é", "日本", "\uff5e", "😀")
ODD = (
    "50% off.csv",
    "a+b=c.csv",
    "a&b;c.csv",
    "what?.csv",
    "no#1.csv",
    "a\\b.csv",
    "q'\"s.csv",
    "ü/ü.csv",
    "u\u0308.csv",
    "😀.csv",
)


def _get(bucket: Bucket, key: str, **more: Any) -> str:
    """The body as text, or the code of the error."""
    try:
        body: bytes = bucket.client.get_object(Bucket=bucket.name, Key=key, **more)["Body"].read()
    except ClientError as error:
        return error_code(error)
    return body.decode()


# --- pinned reads -----------------------------------------------------------------------------------------------------


@behaviour("s3", "version one; ranged: sion")
def a_read_at_the_version_that_was_listed(bucket: Bucket) -> str:
    """The ETag of the listing is what If-Match takes, for whole and for ranged reads."""
    bucket.put("f", b"version one")
    listed = bucket.client.list_objects_v2(Bucket=bucket.name)["Contents"][0]["ETag"]
    return f"{_get(bucket, 'f', IfMatch=listed)}; ranged: {_get(bucket, 'f', IfMatch=listed, Range='bytes=3-6')}"


@behaviour("s3", "whole: PreconditionFailed, ranged: PreconditionFailed")
def a_read_of_an_overwritten_version_is_refused(bucket: Bucket) -> str:
    """A file that is overwritten between listing and reading is never read as what was listed."""
    etag = bucket.put("f", b"version one")
    bucket.put("f", b"version two")
    return f"whole: {_get(bucket, 'f', IfMatch=etag)}, ranged: {_get(bucket, 'f', IfMatch=etag, Range='bytes=0-3')}"


@behaviour("s3", "NoSuchKey, pinned: NoSuchKey, head: 404")
def a_read_of_what_is_gone(bucket: Bucket) -> str:
    """Gone is told from overwritten, and from a failure."""
    head = answer(bucket.client.head_object, Bucket=bucket.name, Key="f")
    return f"{_get(bucket, 'f')}, pinned: {_get(bucket, 'f', IfMatch=chr(34) + 'a' * 32 + chr(34))}, head: {head}"


@behaviour("s3", "inside: cd, over the end: ef, behind it: InvalidRange")
def ranges_at_the_end(bucket: Bucket) -> str:
    """Large files are read in pieces; the last is shorter."""
    bucket.put("f", b"abcdef")
    tries = {"inside": "bytes=2-3", "over the end": "bytes=4-99", "behind it": "bytes=6-9"}
    return ", ".join(f"{name}: {_get(bucket, 'f', Range=value)}" for name, value in tries.items())


@behaviour("s3", "empty body ''; ETag is listed: True")
def an_empty_object(bucket: Bucket) -> str:
    """A file of no bytes is a file."""
    etag = bucket.put("f", b"")
    listed = bucket.client.list_objects_v2(Bucket=bucket.name)["Contents"][0]
    match = listed["ETag"].strip('"') == etag and listed["Size"] == 0
    return f"empty body {_get(bucket, 'f', IfMatch=chr(34) + etag + chr(34))!r}; ETag is listed: {match}"


@behaviour("s3", "same bytes, same ETag: True; other bytes, other ETag: True")
def etags_of_small_puts(bucket: Bucket) -> str:
    """What is put again as it was is the same version (nothing hangs on it but work saved)."""
    first, again, other = bucket.put("f", b"one"), bucket.put("f", b"one"), bucket.put("f", b"two")
    return f"same bytes, same ETag: {first == again}; other bytes, other ETag: {first != other}"


@behaviour("s3", "ok, again PreconditionFailed, body first")
def a_put_only_if_there_is_none(bucket: Bucket) -> str:
    """If-None-Match. The runtime never uses a name twice instead: boto3 1.34 of Glue does not know it."""
    seen = [
        answer(bucket.client.put_object, Bucket=bucket.name, Key="f", Body=body, IfNoneMatch="*")
        for body in (b"first", b"second")
    ]
    return f"{seen[0]}, again {seen[1]}, body {_get(bucket, 'f')}"


@behaviour("s3", "100 of 100 as written")
def what_was_written_is_seen_at_once(bucket: Bucket) -> str:
    """Strong consistency of reads, heads and listings after puts, overwrites and deletions."""
    seen = 0
    for n in range(25):
        etag = bucket.put("f", str(n).encode())
        listed = bucket.client.list_objects_v2(Bucket=bucket.name)["Contents"]
        seen += _get(bucket, "f") == str(n)
        seen += bucket.client.head_object(Bucket=bucket.name, Key="f")["ETag"].strip('"') == etag
        seen += [entry["ETag"].strip('"') for entry in listed] == [etag]
        bucket.client.delete_objects(Bucket=bucket.name, Delete={"Objects": [{"Key": "f"}]})
        seen += bucket.listed() == []
    return f"{seen} of 100 as written"


# --- listings ---------------------------------------------------------------------------------------------------------


@behaviour("s3", "as UTF-8; in pages of 3 the same: True")
def a_listing_is_in_the_order_of_utf8_bytes(bucket: Bucket) -> str:
    """Planning joins the listing with the ledger in one pass: both have this order, over pages too."""
    for key in reversed(ORDERED):
        bucket.put(key, b"" if key.endswith("/") else b"x")
    found = bucket.listed()
    return (
        f"{'as UTF-8' if found == list(ORDERED) else found}; in pages of 3 the same: {bucket.listed(page=3) == found}"
    )


@behaviour("s3", "1000, then 1; asked for 5000: 1000")
def a_listing_has_pages_of_1000(bucket: Bucket) -> str:
    """However many are asked for; none is missing, none comes twice."""
    wanted = [f"f{n:04}" for n in range(1001)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(bucket.put, wanted))
    pages = list(bucket.client.get_paginator("list_objects_v2").paginate(Bucket=bucket.name))
    assert [entry["Key"] for page in pages for entry in page["Contents"]] == wanted
    more = bucket.client.list_objects_v2(Bucket=bucket.name, MaxKeys=5000)
    return f"{', then '.join(str(len(page['Contents'])) for page in pages)}; asked for 5000: {len(more['Contents'])}"


@behaviour("s3", "['in/a', 'in/b/c']; nothing there: []; no bucket: NoSuchBucket")
def a_listing_by_prefix(bucket: Bucket) -> str:
    """An empty prefix is a run with nothing to do; a bucket that is not there is an error."""
    for key in ("in/a", "in/b/c", "in2/a", "out/a"):
        bucket.put(key)
    wrong = answer(bucket.client.list_objects_v2, Bucket="no-such-bucket-of-alur")
    return f"{bucket.listed('in/')}; nothing there: {bucket.listed('none/')}; no bucket: {wrong}"


@behaviour("s3", "['in/b', 'in/c'], ['in/b', 'in/c'], ['in/a', 'in/b', 'in/c'], []")
def a_listing_from_a_key_on(bucket: Bucket) -> str:
    """What was planned since a token: after a key, whether that is there or not."""
    for key in ("in/a", "in/b", "in/c", "out"):
        bucket.put(key)

    def after(key: str) -> list[str]:
        pages = bucket.client.get_paginator("list_objects_v2").paginate(
            Bucket=bucket.name, Prefix="in/", StartAfter=key, PaginationConfig={"PageSize": 1}
        )
        return [entry["Key"] for page in pages for entry in page.get("Contents", ())]

    return ", ".join(str(after(key)) for key in ("in/a", "in/aa", "a", "in/c"))


@behaviour("s3", "ok b'one' mark, overwritten: PreconditionFailed, gone: NoSuchKey")
def a_copy_of_a_version(bucket: Bucket) -> str:
    """A repair keeps what it takes away: just the version that it has looked at, with its metadata."""
    old = bucket.put("a b+ü.parquet", b"one", Metadata={"alur-upload": "mark"})

    def copy(key: str) -> str:
        source = {"Bucket": bucket.name, "Key": key}
        return answer(
            bucket.client.copy_object, Bucket=bucket.name, Key="to", CopySource=source, CopySourceIfMatch=f'"{old}"'
        )

    done = copy("a b+ü.parquet")
    mark = bucket.client.head_object(Bucket=bucket.name, Key="to")["Metadata"].get("alur-upload")
    first = f"{done} {bucket.read('to')!r} {mark}"
    bucket.put("a b+ü.parquet", b"two")
    return f"{first}, overwritten: {copy('a b+ü.parquet')}, gone: {copy('none')}"


@behaviour("s3", "all listed and read")
def odd_keys(bucket: Bucket) -> str:
    """What people name files; each is listed, read and deleted under just that name, pinned to its version."""
    wrong = []
    for key in ODD:
        etag = bucket.put(key, key.encode())
        read = _get(bucket, key, IfMatch=f'"{etag}"')
        if key not in bucket.listed() or read != key:
            wrong.append(key)
    return f"not {wrong}" if wrong else "all listed and read"


@behaviour("s3", "['a', 'a/', 'a//b', 'a/b']")
def a_key_may_be_the_folder_of_another(bucket: Bucket) -> str:
    """Keys are names, not paths."""
    for key in ("a", "a/", "a/b", "a//b"):
        if (done := answer(bucket.put, key=key, body=b"" if key == "a/" else b"x")) != OK:
            return f"{key}: {done}"
    return str(bucket.listed())


@behaviour("s3", "1024: ok, 1025: KeyTooLongError, 1025 in folders: KeyTooLongError")
def a_key_has_at_most_1024_bytes(bucket: Bucket) -> str:
    """Two bytes a letter here; slashes count as any other. Partition folders make keys long."""
    tries = {"1024": "é" * 512, "1025": "é" * 512 + "x", "1025 in folders": f"{'x' * 204}/" * 5}
    return ", ".join(f"{name}: {answer(bucket.put, key=key, body=b'')}" for name, key in tries.items())


# --- deletions --------------------------------------------------------------------------------------------------------


@behaviour("s3", "errors 0, deleted named 0, left ['c']")
def deleting_what_is_gone_is_no_error(bucket: Bucket) -> str:
    """A commit that is rolled forward a second time deletes again; Quiet names failures only."""
    for key in ("a", "b", "c"):
        bucket.put(key)
    wanted = {"Objects": [{"Key": key} for key in ("a", "b", "gone", "gone/too")], "Quiet": True}
    answers = [bucket.client.delete_objects(Bucket=bucket.name, Delete=wanted) for _ in range(2)]
    errors, named = (sum(len(found.get(what, ())) for found in answers) for what in ("Errors", "Deleted"))
    return f"errors {errors}, deleted named {named}, left {bucket.listed()}"


@behaviour("s3", "1000: ok, 1001: MalformedXML")
def a_deletion_has_at_most_1000_keys(bucket: Bucket) -> str:
    """Objects that are emptied are deleted by the thousand."""
    seen = []
    for count in (1000, 1001):
        wanted = {"Objects": [{"Key": f"f{n}"} for n in range(count)], "Quiet": True}
        seen.append(f"{count}: {answer(bucket.client.delete_objects, Bucket=bucket.name, Delete=wanted)}")
    return ", ".join(seen)
