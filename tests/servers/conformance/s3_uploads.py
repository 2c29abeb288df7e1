"""S3: multipart uploads, which are pending until a commit completes them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import attrs

from tests.servers.conformance.suite import OK, Bucket, answer, behaviour

_5_MIB = 5 * 1024 * 1024


def _mark(bucket: Bucket, key: str) -> str:
    return str(bucket.client.head_object(Bucket=bucket.name, Key=key)["Metadata"].get("alur-upload"))


@behaviour("s3", "before: [] None; after ok: ['k'] b'uploaded'")
def an_upload_is_not_seen_until_it_is_completed(bucket: Bucket) -> str:
    """Nothing is visible before it is committed."""
    upload = bucket.begin("k")
    before = f"{bucket.listed()} {bucket.read('k')!r}"
    return f"before: {before}; after {upload.complete()}: {bucket.listed()} {bucket.read('k')!r}"


@behaviour("s3", "['k', 'k', 'other'], one completed: ['k', 'other'], one aborted: ['k']")
def pending_uploads_are_listed(bucket: Bucket) -> str:
    """What a crash leaves behind can be found."""
    bucket.begin("k")
    second, other = bucket.begin("k"), bucket.begin("other")
    seen = [str(sorted(bucket.pending()))]
    for name, done in (("completed", second.complete), ("aborted", other.abort)):
        done()
        seen.append(f"one {name}: {sorted(bucket.pending())}")
    return ", ".join(seen)


@behaviour("s3", "['in/a', 'in/b', 'in/b']")
def pending_uploads_are_listed_by_prefix_and_in_pages(bucket: Bucket) -> str:
    """What nobody will complete any more is found below the table's location; one key may have several."""
    for key in ("in/b", "in/a", "in/b", "out"):
        bucket.begin(key)
    pages = bucket.client.get_paginator("list_multipart_uploads").paginate(
        Bucket=bucket.name, Prefix="in/", PaginationConfig={"PageSize": 1}
    )
    return str([upload["Key"] for page in pages for upload in page.get("Uploads", ())])


@behaviour("s3", "b'old' until completed, then b'new'")
def a_completed_upload_takes_the_place_of_an_object(bucket: Bucket) -> str:
    """Objects are rewritten without old rows: readers see the one or the other, whole."""
    bucket.put("k", b"old")
    upload = bucket.begin("k", b"new")
    before = bucket.read("k")
    upload.complete()
    return f"{before!r} until completed, then {bucket.read('k')!r}"


@behaviour("s3", "seq.1.k")
def a_completed_object_carries_the_metadata_of_its_upload(bucket: Bucket) -> str:
    """The mark tells a completed upload from one that has vanished."""
    bucket.begin("k", mark="seq.1.k").complete()
    return _mark(bucket, "k")


@behaviour("s3", "ok, again NoSuchUpload, mark one", "ok, again ok, mark one")
def completing_twice(bucket: Bucket) -> str:
    """Two runs roll one batch forward. S3 may answer either; the runtime takes both by the object's mark."""
    upload = bucket.begin("k", mark="one")
    return f"{upload.complete()}, again {upload.complete()}, mark {_mark(bucket, 'k')}"


@behaviour("s3", "NoSuchUpload, mark two", "ok, mark two")
def completing_again_after_the_object_was_rewritten(bucket: Bucket) -> str:
    """A zombie completes its old upload: the newer object must stay, whatever the answer."""
    first, second = bucket.begin("k", b"1", "one"), bucket.begin("k", b"2", "two")
    first.complete()
    second.complete()
    return f"{first.complete()}, mark {_mark(bucket, 'k')}"


@behaviour("s3", "NoSuchUpload, keys []", "ok, keys []")
def completing_again_after_the_object_was_deleted(bucket: Bucket) -> str:
    """A zombie completes an upload whose object a later batch has emptied and deleted: it must stay away."""
    upload = bucket.begin("k")
    upload.complete()
    bucket.client.delete_object(Bucket=bucket.name, Key="k")
    return f"{upload.complete()}, keys {bucket.listed()}"


@behaviour("s3", "NoSuchUpload, keys []")
def an_aborted_upload_is_not_completed(bucket: Bucket) -> str:
    """A batch that is opened again first aborts what a zombie could still complete."""
    upload = bucket.begin("k")
    upload.abort()
    return f"{upload.complete()}, keys {bucket.listed()}"


@behaviour("s3", "ok, again NoSuchUpload", "ok, again ok")
def aborting_twice(bucket: Bucket) -> str:
    """Either is fine: it is gone."""
    upload = bucket.begin("k")
    return f"{upload.abort()}, again {upload.abort()}"


@behaviour("s3", "NoSuchUpload, keys ['k']", "ok, keys ['k']")
def aborting_what_is_completed(bucket: Bucket) -> str:
    """A run that was fenced off puts its uploads away; what is completed stays."""
    upload = bucket.begin("k")
    upload.complete()
    return f"{upload.abort()}, keys {bucket.listed()}"


@behaviour("s3", "NoSuchUpload")
def a_part_of_an_aborted_upload(bucket: Bucket) -> str:
    """A zombie that still writes finds out."""
    upload = bucket.begin("k")
    upload.abort()
    names = {"Bucket": bucket.name, "Key": "k", "UploadId": upload.upload}
    return answer(bucket.client.upload_part, **names, PartNumber=1, Body=b"late")


@behaviour("s3", "InvalidPart, then ok")
def completing_with_other_parts(bucket: Bucket) -> str:
    """Parts are named by their ETags; a completion that was refused leaves the upload as it was."""
    upload = bucket.begin("k")
    wrong = attrs.evolve(upload, parts=("0" * 32,)).complete()
    return f"{wrong}, then {upload.complete()}"


@behaviour("s3", "small part first: EntityTooSmall, small part last: ok, bytes 5242881")
def only_the_last_part_may_be_small(bucket: Bucket) -> str:
    """Parts are sent at 16 MiB, the rest at the end."""
    seen = {}
    for name, sizes in {"small part first": (1, _5_MIB), "small part last": (_5_MIB, 1)}.items():
        upload = bucket.begin("k", b"x" * sizes[0])
        names = {"Bucket": bucket.name, "Key": "k", "UploadId": upload.upload}
        part = bucket.client.upload_part(**names, PartNumber=2, Body=b"x" * sizes[1])
        seen[name] = attrs.evolve(upload, parts=(*upload.parts, part["ETag"].strip('"'))).complete()
    size = bucket.client.head_object(Bucket=bucket.name, Key="k")["ContentLength"]
    return ", ".join(f"{name}: {done}" for name, done in seen.items()) + f", bytes {size}"


@behaviour("s3", "b'two'")
def uploads_of_one_key_are_apart(bucket: Bucket) -> str:
    """Attempts of two runs at one object; the one that commits is completed, the other is left to the lifecycle."""
    bucket.begin("k", b"one")
    bucket.begin("k", b"two").complete()
    return repr(bucket.read("k"))


@behaviour("s3", "one object, bytes and mark of one upload")
def uploads_completed_at_once_do_not_mix(bucket: Bucket) -> str:
    """Bytes and mark belong together, whoever was last."""
    uploads = [bucket.begin("k", f"body {n}".encode() * 1000, f"body {n}") for n in range(6)]
    barrier = threading.Barrier(len(uploads))

    def complete(number: int) -> str:
        barrier.wait()
        return uploads[number].complete()

    with ThreadPoolExecutor(len(uploads)) as pool:
        answers = list(pool.map(complete, range(len(uploads))))
    if (refused := [a for a in answers if a != OK]) or bucket.listed() != ["k"]:
        return f"refused {refused}, keys {bucket.listed()}"
    same = bucket.read("k") == _mark(bucket, "k").encode() * 1000
    return "one object, bytes and mark of one upload" if same else f"mark {_mark(bucket, 'k')} on other bytes"


@behaviour("s3", "ETag of parts, listed as read: True")
def the_etag_of_a_multipart_object(bucket: Bucket) -> str:
    """Files land by multipart too: an ETag that is no MD5 pins just as well."""
    bucket.begin("k").complete()
    etag = bucket.client.list_objects_v2(Bucket=bucket.name)["Contents"][0]["ETag"]
    body = bucket.client.get_object(Bucket=bucket.name, Key="k", IfMatch=etag)["Body"].read()
    kind = "of parts" if etag.strip('"').endswith("-1") else etag
    return f"ETag {kind}, listed as read: {body == b'uploaded'}"
