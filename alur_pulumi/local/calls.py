"""Which AWS operation a request is, and how many of each there were."""

import re
import threading
from collections import Counter
from collections.abc import Mapping
from urllib.parse import parse_qs

import attrs

_CREDENTIAL = re.compile(r"Credential=[^/,]+/\d{8}/([^/]+)/([^/,]+)/")

# S3 names no operation in its requests: it follows from the method, from what the
# path names, and from the first of these query keys that is there.
_S3_KEY_QUERIES = {
    ("GET", "uploadId"): "ListParts",
    ("GET", "tagging"): "GetObjectTagging",
    ("GET", "acl"): "GetObjectAcl",
    ("GET", "attributes"): "GetObjectAttributes",
    ("PUT", "partNumber"): "UploadPart",
    ("PUT", "tagging"): "PutObjectTagging",
    ("PUT", "acl"): "PutObjectAcl",
    ("POST", "uploads"): "CreateMultipartUpload",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
    ("DELETE", "tagging"): "DeleteObjectTagging",
}
_S3_KEY_METHODS = {
    "GET": "GetObject",
    "HEAD": "HeadObject",
    "PUT": "PutObject",
    "DELETE": "DeleteObject",
    "POST": "PostObject",
}
_S3_BUCKET_QUERIES = {
    ("GET", "list-type"): "ListObjectsV2",
    ("GET", "uploads"): "ListMultipartUploads",
    ("GET", "versions"): "ListObjectVersions",
    ("GET", "location"): "GetBucketLocation",
    ("POST", "delete"): "DeleteObjects",
}
_S3_BUCKET_METHODS = {
    "GET": "ListObjects",
    "HEAD": "HeadBucket",
    "PUT": "CreateBucket",
    "DELETE": "DeleteBucket",
    "POST": "PostObject",
}
_S3_BUCKET_VERBS = {"GET": "Get", "PUT": "Put", "DELETE": "Delete"}
_S3_BUCKET_SETTINGS = {
    "accelerate": "BucketAccelerateConfiguration",
    "acl": "BucketAcl",
    "cors": "BucketCors",
    "encryption": "BucketEncryption",
    "lifecycle": "BucketLifecycleConfiguration",
    "logging": "BucketLogging",
    "notification": "BucketNotificationConfiguration",
    "object-lock": "ObjectLockConfiguration",
    "ownershipControls": "BucketOwnershipControls",
    "policy": "BucketPolicy",
    "policyStatus": "BucketPolicyStatus",
    "publicAccessBlock": "PublicAccessBlock",
    "replication": "BucketReplication",
    "requestPayment": "BucketRequestPayment",
    "tagging": "BucketTagging",
    "versioning": "BucketVersioning",
    "website": "BucketWebsite",
}


@attrs.frozen
class Call:
    """One request, as far as counting and dispatching need to know it."""

    service: str
    operation: str
    region: str
    bucket: str = ""
    key: str = ""

    @property
    def name(self) -> str:
        """The name that it is counted under, such as ``s3.GetObject``."""
        return f"{self.service}.{self.operation}"


def identify(method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Call:
    """Say which operation a request is.

    Args:
        method: The HTTP method.
        path: The decoded path.
        query: The raw query string.
        headers: Headers by lower-case name; ``authorization`` and ``x-amz-target`` are read.
        body: The whole body, or nothing where it was not read (S3 needs none).

    Returns:
        The call; an unsigned request is taken for S3, as moto does.
    """
    parameters = parse_qs(query, keep_blank_values=True)
    scope = _CREDENTIAL.search(headers.get("authorization", ""))
    region, service = scope.groups() if scope else ("us-east-1", "s3")
    if target := headers.get("x-amz-target"):
        return Call(service, target.rpartition(".")[2], region)
    if service == "s3":
        bucket, _, key = path.lstrip("/").partition("/")
        operation = s3_operation(method, bucket, key, parameters, copies="x-amz-copy-source" in headers)
        return Call("s3", operation, region, bucket, key)
    if "/operation/" in path:
        return Call(service, path.rpartition("/")[2], region)
    form = parse_qs(body.decode("utf-8", "replace")) if body else {}
    action = (parameters.get("Action") or form.get("Action") or [f"{method} {path}"])[0]
    return Call(service, action, region)


def s3_operation(method: str, bucket: str, key: str, parameters: Mapping[str, object], *, copies: bool = False) -> str:
    """Name the S3 operation of a request on a bucket and a key (either may be empty)."""
    if not bucket:
        return "ListBuckets"
    if key:
        for (verb, name), operation in _S3_KEY_QUERIES.items():
            if verb == method and name in parameters:
                return "UploadPartCopy" if copies and operation == "UploadPart" else operation
        if copies and method == "PUT":
            return "CopyObject"
        return _S3_KEY_METHODS.get(method, method)
    for (verb, name), operation in _S3_BUCKET_QUERIES.items():
        if verb == method and name in parameters:
            return operation
    for name, setting in _S3_BUCKET_SETTINGS.items():
        if name in parameters and method in _S3_BUCKET_VERBS:
            return _S3_BUCKET_VERBS[method] + setting
    return _S3_BUCKET_METHODS.get(method, method)


class CallCounter:
    """Counts calls by operation, and GetObject by bucket and by folder as well."""

    def __init__(self) -> None:
        """Start at nothing."""
        self._lock = threading.Lock()
        self._operations: Counter[str] = Counter()
        self._gets_by_bucket: Counter[str] = Counter()
        self._gets_by_folder: Counter[str] = Counter()

    def count(self, call: Call) -> None:
        """Count one call."""
        with self._lock:
            self._operations[call.name] += 1
            if call.name == "s3.GetObject":
                self._gets_by_bucket[call.bucket] += 1
                folder = call.key.rpartition("/")[0]
                self._gets_by_folder[f"{call.bucket}/{folder}"] += 1

    def reset(self) -> None:
        """Forget everything that was counted."""
        with self._lock:
            self._operations.clear()
            self._gets_by_bucket.clear()
            self._gets_by_folder.clear()

    def as_dict(self) -> dict[str, dict[str, int]]:
        """The counts, as ``/_alur/calls`` shows them."""
        with self._lock:
            return {
                "operations": dict(sorted(self._operations.items())),
                "get_object_by_bucket": dict(sorted(self._gets_by_bucket.items())),
                "get_object_by_folder": dict(sorted(self._gets_by_folder.items())),
            }
