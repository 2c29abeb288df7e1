"""Every resource type through its life, against the emulator and without the engine."""

import json
from typing import Any

import pytest

from alur_pulumi.local.core import ProviderCore, kind_of
from alur_pulumi.local.resources.base import Props
from alur_pulumi.local.resources.registry import KINDS
from tests.local import network_cases, resource_cases
from tests.local.resource_case import BUCKET, OTHER_BUCKET, RUN, Case, policy, statement, trust

CASES = (*resource_cases.CASES, *network_cases.CASES)


@pytest.fixture(scope="module")
def surroundings(core: ProviderCore) -> dict[str, str]:
    """What settings, attachments and targets need to be there."""
    aws = core.aws
    for bucket in (BUCKET, OTHER_BUCKET):
        aws.client("s3").create_bucket(Bucket=bucket)
    logging = statement("s3:PutObject", f"arn:aws:s3:::{OTHER_BUCKET}/*")
    logging["Principal"] = {"Service": "logging.s3.amazonaws.com"}
    allowed = json.dumps({"Version": "2012-10-17", "Statement": [logging]})
    aws.client("s3").put_bucket_policy(Bucket=OTHER_BUCKET, Policy=allowed)
    aws.client("glue").create_database(DatabaseInput={"Name": f"tables-{RUN}"})
    iam = aws.client("iam")
    iam.create_role(RoleName=f"attached-{RUN}", AssumeRolePolicyDocument=trust("glue.amazonaws.com"))
    iam.create_policy(PolicyName=f"attached-{RUN}", PolicyDocument=policy("s3:GetObject"))
    aws.client("events").put_rule(Name=f"targets-{RUN}", EventPattern='{"source": ["aws.glue"]}')
    aws.client("sns").create_topic(Name=f"policies-{RUN}")
    queue = aws.client("sqs").create_queue(QueueName=f"told-{RUN}")["QueueUrl"]
    kms = aws.client("kms")
    keys = {name: kms.create_key()["KeyMetadata"]["KeyId"] for name in ("KEY", "OTHER_KEY")}
    return {**keys, "QUEUE_URL": queue, **_network(aws.client("ec2"))}


def _network(ec2: Any) -> dict[str, str]:
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
    places = {"SUBNET": "10.9.0.0/24", "OTHER_SUBNET": "10.9.1.0/24"}
    subnets = {
        name: ec2.create_subnet(VpcId=vpc, CidrBlock=block)["Subnet"]["SubnetId"] for name, block in places.items()
    }
    group = ec2.create_security_group(GroupName=f"group-{RUN}", Description="one", VpcId=vpc)["GroupId"]
    return {"VPC": vpc, "ROUTES": tables[0]["RouteTableId"], "GROUP": group, **subnets}


def _filled(value: Any, surroundings: dict[str, str]) -> Any:
    """A case's values with what is there in place of its names."""
    if isinstance(value, dict):
        return {key: _filled(inner, surroundings) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, surroundings) for inner in value]
    return surroundings.get(value, value) if isinstance(value, str) else value


def test_every_type_has_a_case() -> None:
    assert {case.token for case in CASES} == set(KINDS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.short)
def test_a_life(core: ProviderCore, surroundings: dict[str, str], case: Case) -> None:
    urn = f"urn:pulumi:local::p::{case.token}::it-{RUN}"
    inputs = _filled(case.inputs, surroundings)
    checked = core.check(urn, {}, inputs, b"seed")

    preview_id, preview = core.create(urn, checked, preview=True)
    assert preview_id == ""
    assert {key: preview[key] for key in inputs} == inputs
    resource_id, state = core.create(urn, checked)

    assert kind_of(urn).computed <= state.keys()
    _agree(core, urn, resource_id, state, checked)
    assert not core.diff(urn, state, core.check(urn, checked, inputs, b"other")).changed

    change = _filled(case.change, surroundings)
    changed = core.check(urn, checked, {**inputs, **change}, b"other")
    difference = core.diff(urn, state, changed)
    assert difference.changed == change.keys()
    assert not difference.replaces
    if change:
        core.update(urn, resource_id, state, changed, preview=True)
        state = core.update(urn, resource_id, state, changed)
        _agree(core, urn, resource_id, state, changed)
        assert not core.diff(urn, state, changed).changed

    replaced = core.check(urn, changed, {**inputs, **case.replace}, b"other")
    assert core.diff(urn, state, replaced).replaces

    core.delete(urn, resource_id, state)
    if case.short not in ("BucketVersioning", "BucketNotification", "TopicPolicy"):
        assert core.read(urn, resource_id, state, changed) is None
    core.delete(urn, resource_id, state)


def _agree(core: ProviderCore, urn: str, resource_id: str, state: Props, inputs: Props) -> None:
    """A refresh of what was just written finds nothing new, and AWS has what was asked for."""
    found = core.read(urn, resource_id, state, inputs)
    assert found is not None
    assert found == (state, inputs)
    described = kind_of(urn).describe(core.aws, resource_id)
    assert described is not None
    documents = kind_of(urn).documents
    for key in inputs.keys() & described.keys():
        wanted, there = inputs[key], described[key]
        if key in documents:
            wanted, there = json.loads(wanted), json.loads(there)
        assert _covers(there, wanted), f"{key}: {there} is not {wanted}"


def _covers(there: Any, wanted: Any) -> bool:
    """AWS may add defaults of its own, but must have everything that was asked for."""
    if isinstance(wanted, dict):
        return isinstance(there, dict) and all(_covers(there.get(key), wanted[key]) for key in wanted)
    if isinstance(wanted, list):
        return len(there) == len(wanted) and all(map(_covers, there, wanted))
    return bool(there == wanted)
