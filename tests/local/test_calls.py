import pytest

from alur_pulumi.local.calls import Call, CallCounter, identify, s3_operation

AUTHORIZATION = "AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/{}/aws4_request, SignedHeaders=host"


@pytest.mark.parametrize(
    ("method", "path", "query", "operation"),
    [
        ("GET", "/", "", "ListBuckets"),
        ("GET", "/b", "list-type=2&prefix=x", "ListObjectsV2"),
        ("GET", "/b", "", "ListObjects"),
        ("HEAD", "/b", "", "HeadBucket"),
        ("POST", "/b", "delete", "DeleteObjects"),
        ("PUT", "/b", "lifecycle", "PutBucketLifecycleConfiguration"),
        ("GET", "/b", "uploads", "ListMultipartUploads"),
        ("GET", "/b/a/k", "", "GetObject"),
        ("PUT", "/b/a/k", "", "PutObject"),
        ("DELETE", "/b/a/k", "", "DeleteObject"),
        ("POST", "/b/k", "uploads", "CreateMultipartUpload"),
        ("PUT", "/b/k", "partNumber=1&uploadId=u", "UploadPart"),
        ("POST", "/b/k", "uploadId=u", "CompleteMultipartUpload"),
        ("DELETE", "/b/k", "uploadId=u", "AbortMultipartUpload"),
        ("GET", "/b/k", "uploadId=u", "ListParts"),
    ],
)
def test_s3_operations_follow_from_method_path_and_query(method: str, path: str, query: str, operation: str) -> None:
    call = identify(method, path, query, {"authorization": AUTHORIZATION.format("s3")}, b"")
    assert call.name == f"s3.{operation}"


def test_a_copy_is_told_from_a_put() -> None:
    assert s3_operation("PUT", "b", "k", {}, copies=True) == "CopyObject"
    assert s3_operation("PUT", "b", "k", {"partNumber": ["1"]}, copies=True) == "UploadPartCopy"


@pytest.mark.parametrize(
    ("service", "target", "body", "name"),
    [
        ("dynamodb", "DynamoDB_20120810.TransactWriteItems", b"{}", "dynamodb.TransactWriteItems"),
        ("glue", "AWSGlue.BatchCreatePartition", b"{}", "glue.BatchCreatePartition"),
        ("iam", "", b"Action=CreateRole&Version=2010-05-08", "iam.CreateRole"),
    ],
)
def test_other_services_name_their_operation(service: str, target: str, body: bytes, name: str) -> None:
    headers = {"authorization": AUTHORIZATION.format(service)}
    if target:
        headers["x-amz-target"] = target
    call = identify("POST", "/", "", headers, body)
    assert (call.name, call.region) == (name, "eu-west-1")


def test_reads_are_also_counted_by_bucket_and_folder() -> None:
    counter = CallCounter()
    for key in ("in/1.csv", "in/2.csv", "meta/plan.json"):
        counter.count(Call("s3", "GetObject", "us-east-1", "b", key))
    counter.count(Call("s3", "PutObject", "us-east-1", "b", "in/1.csv"))
    assert counter.as_dict() == {
        "operations": {"s3.GetObject": 3, "s3.PutObject": 1},
        "get_object_by_bucket": {"b": 3},
        "get_object_by_folder": {"b/in": 2, "b/meta": 1},
    }
    counter.reset()
    assert not counter.as_dict()["operations"]
