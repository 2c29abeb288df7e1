"""The parts of networks, as `resource_cases` has them for everything else."""

from tests.local.resource_case import RUN, Case

_RULE = {
    "securityGroupId": "GROUP",
    "ipProtocol": "tcp",
    "fromPort": 0,
    "toPort": 65535,
    "description": "within",
    "tags": {"a": "1"},
}

CASES = (
    Case(
        "aws:ec2/vpc:Vpc",
        {"cidrBlock": "10.8.0.0/16", "enableDnsHostnames": True, "tags": {"a": "1"}},
        {"enableDnsHostnames": False, "tags": {"b": "1"}},
        {"cidrBlock": "10.7.0.0/16"},
    ),
    Case(
        "aws:ec2/subnet:Subnet",
        {"vpcId": "VPC", "cidrBlock": "10.9.9.0/24", "availabilityZone": "us-east-1a"},
        {"mapPublicIpOnLaunch": True, "tags": {"b": "1"}},
        {"availabilityZone": "us-east-1b"},
    ),
    Case(
        "aws:ec2/securityGroup:SecurityGroup",
        {"vpcId": "VPC", "name": f"made-{RUN}", "description": "for jobs"},
        {"tags": {"b": "1"}},
        {"description": "for others"},
    ),
    Case(
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        {**_RULE, "referencedSecurityGroupId": "GROUP"},
        {"tags": {"b": "1"}},
        {"toPort": 443},
    ),
    Case(
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        {**_RULE, "cidrIpv4": "0.0.0.0/0"},
        {"tags": {"b": "1"}},
        {"toPort": 443},
    ),
    Case(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        {
            "vpcId": "VPC",
            "serviceName": "com.amazonaws.us-east-1.glue",
            "vpcEndpointType": "Interface",
            "privateDnsEnabled": True,
            "subnetIds": ["SUBNET"],
            "securityGroupIds": ["GROUP"],
        },
        {"subnetIds": ["OTHER_SUBNET"], "tags": {"a": "1"}},
        {"serviceName": "com.amazonaws.us-east-1.logs"},
    ),
)
