import itertools
import json

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alur_pulumi import start_documents as starts
from alur_pulumi.alarms import failed_run_pattern
from alur_pulumi.iam import (
    POLICY_SIZE,
    CatalogArn,
    JobAccess,
    NetworkAccess,
    bucket_policy,
    job_policy,
    landing_policy,
    network_policy,
    places_by_policy,
    policy_size,
    service_trust_policy,
    work_policy,
)
from alur_pulumi.topic import key_policy, topic_policy

_ACCESS = JobAccess(
    table_arn="arn:aws:glue:eu-west-1:123456789012:table/sales/orders",
    ledger_arn="arn:aws:dynamodb:eu-west-1:123456789012:table/state",
    landing=(("landing", "orders/"), ("landing", "archive/"), ("other", "")),
    table_bucket="bronze",
    table_prefix="sales/orders/",
    metadata_prefix="_alur/sales/orders/",
    artifacts_bucket="bronze",
    artifacts_prefix="_alur/artifacts/",
    log_groups=("/alur/p/s/j/error", "/alur/p/s/j/output"),
    kms_key_arns=("arn:aws:kms:eu-west-1:123456789012:key/0d9bb1a2-61c4-4a6c-8d5d-0d9bb1a261c4",),
)


_IN_NETWORK = attrs.evolve(
    _ACCESS,
    encrypts_logs=True,
    network=NetworkAccess(
        connections=("c",), subnets=("subnet-0123456789abcdef0",), security_groups=("sg-0123456789abcdef0",)
    ),
)
_JOB = "arn:aws:glue:eu-west-1:123456789012:job/j"
_QUEUE = "arn:aws:sqs:eu-west-1:123456789012:q"
_RULE = "arn:aws:events:eu-west-1:123456789012:rule/r"


def _statements(text: str) -> dict[str, dict[str, object]]:
    return {s["Sid"]: s for s in json.loads(text)["Statement"]}


def _resources(action: str) -> set[str]:
    return {
        resource
        for s in json.loads(job_policy(_ACCESS))["Statement"]
        if action in s["Action"]
        for resource in s["Resource"]
    }


def test_the_job_may_write_its_table_and_nothing_else() -> None:
    own = {"arn:aws:s3:::bronze/sales/orders/*", "arn:aws:s3:::bronze/_alur/sales/orders/*"}
    assert _resources("s3:PutObject") == own
    kept = {f"arn:aws:s3:::bronze/_alur/sales/orders/{folder}/*" for folder in ("forgotten", "quarantine")}
    assert _resources("s3:DeleteObject") == {"arn:aws:s3:::bronze/sales/orders/*", *kept}
    assert _resources("s3:GetObject") == own | {
        "arn:aws:s3:::bronze/_alur/artifacts/*",
        "arn:aws:s3:::landing/archive/*",
        "arn:aws:s3:::landing/orders/*",
        "arn:aws:s3:::other/*",
    }


def test_bad_rows_become_visible_as_rows_do() -> None:
    # Quarantine objects are pending uploads below the metadata prefix until their batch is committed.
    quarantine = "arn:aws:s3:::bronze/_alur/sales/orders/*"
    for action in ("s3:PutObject", "s3:AbortMultipartUpload", "s3:GetObject"):
        assert quarantine in _resources(action)


def test_listing_is_bound_to_the_prefixes() -> None:
    found = _statements(job_policy(_ACCESS))
    assert found["LandingList0"]["Condition"] == {"StringLike": {"s3:prefix": ["archive/*", "orders/*"]}}
    assert found["LandingList1"]["Condition"] == {"StringLike": {"s3:prefix": ["*"]}}
    assert found["TableList"]["Condition"] == {"StringLike": {"s3:prefix": ["_alur/sales/orders/*", "sales/orders/*"]}}


def test_only_metrics_have_no_resource_and_they_have_a_namespace() -> None:
    loose = [s for s in json.loads(job_policy(_ACCESS))["Statement"] if "*" in s["Resource"]]
    assert [s["Action"] for s in loose] == [["cloudwatch:PutMetricData"]]
    assert loose[0]["Condition"] == {"StringEquals": {"cloudwatch:namespace": ["Alur", "Glue"]}}
    assert not any("*" in a for s in json.loads(job_policy(_ACCESS))["Statement"] for a in s["Action"])


def _allowed(*documents: str) -> set[tuple[str, str]]:
    found = [statement for document in documents for statement in json.loads(document)["Statement"]]
    return {(action, resource) for s in found for action in s["Action"] for resource in s["Resource"]}


@given(
    prefixes=st.lists(st.text("abcdefgh-/", max_size=1000), min_size=1, max_size=60),
    buckets=st.lists(st.text("xyz", min_size=3, max_size=63), min_size=1, max_size=60),
)
def test_every_landing_place_is_in_one_policy_and_each_policy_fits(prefixes: list[str], buckets: list[str]) -> None:
    access = attrs.evolve(_IN_NETWORK, landing=tuple(zip(itertools.cycle(buckets), prefixes, strict=False)))
    first, *others = places_by_policy(access.landing)
    policies = [work_policy(access, first), *(landing_policy(access, places) for places in others)]
    policies.append(network_policy(access))
    assert [place for places in (first, *others) for place in places] == list(range(len(prefixes)))
    assert all(policy_size(policy) <= POLICY_SIZE for policy in policies)
    assert all(statement["Resource"] for policy in policies for statement in json.loads(policy)["Statement"])
    assert _allowed(*policies) == _allowed(job_policy(access))


def test_no_key_no_statement_about_keys() -> None:
    assert "Keys" in _statements(job_policy(_ACCESS))
    assert "Keys" not in _statements(job_policy(attrs.evolve(_ACCESS, kms_key_arns=())))


def test_neighbours_of_a_table_keep_its_partition() -> None:
    arn = CatalogArn.parse("arn:aws-cn:glue:cn-north-1:123456789012:table/db/t")
    assert arn.bucket("b") == "arn:aws-cn:s3:::b"
    assert arn.glue("catalog") == "arn:aws-cn:glue:cn-north-1:123456789012:catalog"
    assert arn.log_group("/x") == "arn:aws-cn:logs:cn-north-1:123456789012:log-group:/x"


@pytest.mark.parametrize(
    "text",
    [
        job_policy(_ACCESS),
        service_trust_policy("glue.amazonaws.com"),
        bucket_policy("arn:aws:s3:::bronze"),
        topic_policy("arn:aws:sns:eu-west-1:123456789012:t"),
        key_policy("arn:aws:sns:eu-west-1:123456789012:t"),
        job_policy(_IN_NETWORK),
        job_policy(attrs.evolve(_ACCESS, network=NetworkAccess(connections=("c",)))),
        starts.notify_policy("arn:aws:glue:eu-west-1:123456789012:workflow/w"),
        starts.rule_trust_policy(_RULE),
        starts.start_job_policy(_JOB, _QUEUE),
        starts.scheduler_trust_policy(_JOB),
        starts.queue_policy(_QUEUE, [_RULE]),
    ],
    ids=[
        *("job", "trust", "bucket", "topic", "key", "network", "any-network"),
        *("notify", "rule", "start", "scheduler", "queue"),
    ],
)
def test_parliament_has_nothing_to_say(text: str) -> None:
    parliament = pytest.importorskip("parliament")
    policy = json.loads(text)
    # It reads identity policies: what is about a principal is left out for it.
    for statement in policy["Statement"]:
        if statement.pop("Principal", None) is not None:
            statement.setdefault("Resource", "*")
            statement.pop("Condition", None)
    found = parliament.analyze_policy_string(json.dumps(policy)).findings
    # RESOURCE_STAR: PutMetricData has no resource, and a trust policy names none.
    assert [str(f) for f in found if f.issue != "RESOURCE_STAR"] == []


def test_only_failures_ring() -> None:
    pattern = json.loads(failed_run_pattern("j"))
    assert pattern["detail"] == {"jobName": ["j"], "state": ["FAILED", "TIMEOUT", "ERROR"]}
    assert pattern["detail-type"] == ["Glue Job State Change"]
