import json
import uuid
from pathlib import Path

import pulumi
import pytest
from botocore.exceptions import ClientError

from alur_pulumi.local.core import ProviderCore
from alur_pulumi.local.emulator import Emulator
from alur_pulumi.local.errors import (
    InvalidInputError,
    NotLoopbackError,
    UnsupportedArgumentError,
    UnsupportedTypeError,
)
from alur_pulumi.local.resources.base import UNKNOWN, Aws

BUCKET = "urn:pulumi:local::p::alur:index:BronzeTable$aws:s3/bucket:Bucket::Landing"
OBJECT = "urn:pulumi:local::p::aws:s3/bucketObjectv2:BucketObjectv2::script"
JOB = "urn:pulumi:local::p::aws:glue/job:Job::job"


@pytest.fixture
def bucket(core: ProviderCore) -> str:
    name = f"core-{uuid.uuid4().hex[:8]}"
    core.aws.client("s3").create_bucket(Bucket=name)
    return name


@pytest.mark.parametrize("endpoint", ["", "https://glue.us-east-1.amazonaws.com", "http://10.0.0.1:5000"])
def test_only_this_machine_is_deployed_to(endpoint: str) -> None:
    with pytest.raises(NotLoopbackError, match="AWS_ENDPOINT_URL"):
        Aws(endpoint, "us-east-1")


def test_an_unknown_type_is_named(core: ProviderCore) -> None:
    with pytest.raises(UnsupportedTypeError, match=r"aws:ec2/instance:Instance.*aws:glue/job:Job"):
        core.check("urn:pulumi:local::p::aws:ec2/instance:Instance::i", {}, {}, b"")


def test_an_unknown_argument_is_named_with_what_is_supported(core: ProviderCore) -> None:
    with pytest.raises(UnsupportedArgumentError, match=r"'website'.*aws:s3/bucket:Bucket.*forceDestroy"):
        core.check(BUCKET, {}, {"website": {"indexDocument": "i"}}, b"")


def test_a_missing_argument_is_named(core: ProviderCore) -> None:
    with pytest.raises(InvalidInputError, match="roleArn is missing"):
        core.check(JOB, {}, {"command": {}}, b"")


def test_an_unknown_function_is_named(core: ProviderCore) -> None:
    with pytest.raises(UnsupportedTypeError, match="getAmi"):
        core.invoke("aws:ec2/getAmi:getAmi", {})
    with pytest.raises(UnsupportedArgumentError, match="'region'"):
        core.invoke("aws:index/getRegion:getRegion", {"region": "eu-west-1"})


def test_the_functions_say_who_and_where(core: ProviderCore) -> None:
    identity = core.invoke("aws:index/getCallerIdentity:getCallerIdentity", {})
    assert identity["accountId"] == "123456789012"
    assert core.invoke("aws:index/getRegion:getRegion", {"region": None})["region"] == "us-east-1"
    assert core.invoke("aws:index/getPartition:getPartition", {})["partition"] == "aws"


def test_a_made_up_name_stays_until_the_resource_is_replaced(core: ProviderCore) -> None:
    first = core.check(BUCKET, {}, {}, b"one")
    assert first["bucket"].startswith("landing-")
    assert len(first["bucket"]) == len("landing-") + 7
    assert core.check(BUCKET, first, {}, b"two")["bucket"] == first["bucket"]
    assert core.check(BUCKET, {}, {}, b"two")["bucket"] != first["bucket"]
    assert core.check(BUCKET, {}, {"bucketPrefix": "mine"}, b"one")["bucket"].startswith("mine")


def test_a_name_that_would_be_too_long_is_refused_as_by_pulumi(core: ProviderCore) -> None:
    assert len(core.check(BUCKET.replace("Landing", "x" * 55), {}, {}, b"one")["bucket"]) == 63
    with pytest.raises(InvalidInputError, match="63 is the most"):
        core.check(BUCKET.replace("Landing", "x" * 56), {}, {}, b"one")


def test_a_bucket_s_name_is_one_that_s3_takes(core: ProviderCore) -> None:
    with pytest.raises(InvalidInputError, match="order_lines-7"):
        core.create(BUCKET, {"bucket": "order_lines-7"})


def test_a_name_of_the_users_own_is_deleted_before_it_is_made_again(core: ProviderCore) -> None:
    role = "urn:pulumi:local::p::aws:iam/role:Role::role"
    inputs = {"assumeRolePolicy": "{}", "path": "/a/"}
    for name, expected in (({"name": "mine"}, True), ({}, False)):
        old = core.check(role, {}, {**inputs, **name}, b"one")
        new = core.check(role, old, {**inputs, **name, "path": "/b/"}, b"two")
        change = core.diff(role, {"__inputs": {k: v for k, v in old.items() if k != "__defaults"}}, new)
        assert (change.replaces, change.delete_before_replace) == ({"path"}, expected)


def test_an_assets_content_is_what_counts(core: ProviderCore, bucket: str, tmp_path: Path) -> None:
    here, there = tmp_path / "here.py", tmp_path / "there.py"
    here.write_text("one")
    there.write_text("one")

    def checked(asset: pulumi.Asset) -> dict[str, object]:
        return core.check(OBJECT, {}, {"bucket": bucket, "key": "k", "source": asset}, b"")

    object_id, state = core.create(OBJECT, checked(pulumi.FileAsset(str(here))))
    assert "source" not in state
    assert not core.diff(OBJECT, state, checked(pulumi.FileAsset(str(there)))).changed
    assert not core.diff(OBJECT, state, checked(pulumi.StringAsset("one"))).changed
    here.write_text("two")
    changed = checked(pulumi.FileAsset(str(here)))
    assert core.diff(OBJECT, state, changed).updated == {"source"}
    preview = core.update(OBJECT, object_id, state, changed, preview=True)
    assert preview["etag"] == UNKNOWN
    updated = core.update(OBJECT, object_id, state, changed)
    assert updated["etag"] != state["etag"]
    body = core.aws.client("s3").get_object(Bucket=bucket, Key="k")["Body"].read()
    assert body == b"two"


def test_an_asset_that_is_not_there_is_named(core: ProviderCore, tmp_path: Path) -> None:
    gone = pulumi.FileAsset(str(tmp_path / "gone.whl"))
    with pytest.raises(InvalidInputError, match=r"source.*gone\.whl"):
        core.check(OBJECT, {}, {"bucket": "b", "source": gone}, b"")
    remote = pulumi.RemoteAsset("https://example.com/x")
    with pytest.raises(InvalidInputError, match="RemoteAsset"):
        core.check(OBJECT, {}, {"bucket": "b", "source": remote}, b"")


def test_what_a_preview_cannot_know_counts_as_changed(core: ProviderCore) -> None:
    state = {"__inputs": {"roleArn": "arn:old", "command": {"scriptLocation": "s3://b/k"}}}
    new = {"roleArn": "arn:old", "command": {"scriptLocation": UNKNOWN}}
    assert core.diff(JOB, state, new).updated == {"command"}
    assert not core.diff(JOB, state, new, ["command"]).changed


def test_documents_are_compared_by_meaning(core: ProviderCore) -> None:
    urn = "urn:pulumi:local::p::aws:s3/bucketPolicy:BucketPolicy::p"
    state = {"__inputs": {"bucket": "b", "policy": '{"A": 1, "B": [2]}'}}
    assert not core.diff(urn, state, {"bucket": "b", "policy": '{"B":[2],"A":1}'}).changed
    assert core.diff(urn, state, {"bucket": "b", "policy": '{"B":[3],"A":1}'}).changed


def test_a_change_from_outside_is_read_and_put_right(core: ProviderCore, bucket: str) -> None:
    inputs = core.check(OBJECT, {}, {"bucket": bucket, "key": "k", "content": "ours"}, b"")
    object_id, state = core.create(OBJECT, inputs)
    core.aws.client("s3").put_object(Bucket=bucket, Key="k", Body=b"theirs", ContentType="text/html")
    found = core.read(OBJECT, object_id, state, inputs)
    assert found is not None
    refreshed, true_inputs = found
    assert true_inputs["contentType"] == "text/html"
    assert core.diff(OBJECT, refreshed, inputs).changed == {"content", "contentType"}
    core.update(OBJECT, object_id, refreshed, inputs)
    assert core.aws.client("s3").get_object(Bucket=bucket, Key="k")["Body"].read() == b"ours"


def test_an_import_takes_what_is_there(core: ProviderCore, bucket: str) -> None:
    found = core.read(BUCKET, bucket, {}, {})
    assert found is not None
    assert found[1]["bucket"] == bucket
    assert not core.diff(BUCKET, found[0], core.check(BUCKET, {}, {"bucket": bucket}, b"")).changed


@pytest.mark.parametrize("versioned", [False, True])
def test_a_bucket_with_objects_is_kept_unless_it_was_told_otherwise(core: ProviderCore, *, versioned: bool) -> None:
    s3 = core.aws.client("s3")
    inputs = core.check(BUCKET, {}, {}, uuid.uuid4().bytes)
    bucket_id, state = core.create(BUCKET, inputs)
    if versioned:
        s3.put_bucket_versioning(Bucket=bucket_id, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"2"):
        s3.put_object(Bucket=bucket_id, Key="k", Body=body)
    s3.create_multipart_upload(Bucket=bucket_id, Key="pending")
    with pytest.raises(ClientError, match="BucketNotEmpty"):
        core.delete(BUCKET, bucket_id, state)
    forced = core.update(BUCKET, bucket_id, state, {**inputs, "forceDestroy": True})
    core.delete(BUCKET, bucket_id, forced)
    assert core.read(BUCKET, bucket_id, forced, inputs) is None


def test_a_protected_table_is_not_deleted(core: ProviderCore) -> None:
    urn = "urn:pulumi:local::p::aws:dynamodb/table:Table::state"
    wanted = {
        "attributes": [{"name": "k", "type": "S"}],
        "hashKey": "k",
        "billingMode": "PAY_PER_REQUEST",
        "deletionProtectionEnabled": True,
    }
    inputs = core.check(urn, {}, wanted, uuid.uuid4().bytes)
    table_id, state = core.create(urn, inputs)
    with pytest.raises(ClientError, match="DeletionProtectionEnabled"):
        core.delete(urn, table_id, state)
    unprotected = {**inputs, "deletionProtectionEnabled": False}
    core.delete(urn, table_id, core.update(urn, table_id, state, unprotected))
    assert core.read(urn, table_id, state, inputs) is None


def test_a_policy_keeps_room_for_its_next_version(core: ProviderCore) -> None:
    urn = "urn:pulumi:local::p::aws:iam/policy:Policy::p"
    text = '{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"s3:{}","Resource":"*"}}]}}'
    inputs = core.check(urn, {}, {"policy": text.format("GetObject")}, uuid.uuid4().bytes)
    policy_id, state = core.create(urn, inputs)
    for action in ("PutObject", "DeleteObject", "ListBucket", "GetObjectTagging", "PutObjectAcl", "GetObjectAcl"):
        inputs = {**inputs, "policy": text.format(action)}
        state = core.update(urn, policy_id, state, inputs)
    assert "GetObjectAcl" in state["policy"]
    core.delete(urn, policy_id, state)


def test_bucket_policies_with_conditions_are_for_the_real_aws(emulator: Emulator, bucket: str) -> None:
    s3 = emulator.client("s3")
    everything = {"Principal": "*", "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]}
    insecure = {"Bool": {"aws:SecureTransport": "false"}}
    denied = {"Effect": "Deny", "Action": "s3:*", "Condition": insecure, **everything}
    policy = '{{"Version":"2012-10-17","Statement":[{}]}}'
    s3.put_bucket_policy(Bucket=bucket, Policy=policy.format(json.dumps(denied)))
    s3.put_object(Bucket=bucket, Key="k", Body=b"1")
    denied.pop("Condition")
    denied["Action"] = "s3:PutObject"
    s3.put_bucket_policy(Bucket=bucket, Policy=policy.format(json.dumps(denied)))
    with pytest.raises(ClientError, match="403"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"2")
