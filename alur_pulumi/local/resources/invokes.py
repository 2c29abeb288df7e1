"""The provider's functions: who and where am I."""

from collections.abc import Callable, Mapping

from alur_pulumi.local.resources.base import Aws, Props


def get_caller_identity(aws: Aws) -> Props:
    """The account and identity of the caller."""
    answer = aws.client("sts").get_caller_identity()
    return {
        "accountId": answer["Account"],
        "arn": answer["Arn"],
        "userId": answer["UserId"],
        "id": answer["Account"],
    }


def get_region(aws: Aws) -> Props:
    """The region that the provider deploys to."""
    return {
        "region": aws.region,
        "name": aws.region,
        "id": aws.region,
        "description": f"{aws.region} on this machine",
        "endpoint": f"ec2.{aws.region}.amazonaws.com",
    }


def get_partition(aws: Aws) -> Props:
    """The partition, which ARNs begin with."""
    return {
        "partition": aws.partition,
        "id": aws.partition,
        "dnsSuffix": "amazonaws.com",
        "reverseDnsPrefix": "com.amazonaws",
    }


INVOKES: Mapping[str, Callable[[Aws], Props]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": get_caller_identity,
    "aws:index/getRegion:getRegion": get_region,
    "aws:index/getPartition:getPartition": get_partition,
}
