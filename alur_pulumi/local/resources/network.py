"""Networks: a VPC, its subnets, security groups with their rules, and endpoints of services."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Final

from alur_pulumi.local.resources.base import (
    Aws,
    Kind,
    Props,
    chosen,
    or_none,
    tag_list,
    tag_map,
    tag_outputs,
    to_aws,
)

_DNS: Final = ("enableDnsHostnames", "enableDnsSupport")


class _Part(Kind):
    """A part of a network; its id is EC2's, and its tags are set as all tags of EC2 are."""

    def write_tags(self, aws: Aws, resource_id: str, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        """Take off what is gone and set the rest."""
        ec2 = aws.client("ec2")
        if gone := sorted(old.keys() - new.keys()):
            ec2.delete_tags(Resources=[resource_id], Tags=[{"Key": key} for key in gone])
        if new:
            ec2.create_tags(Resources=[resource_id], Tags=tag_list(new))


class Vpc(_Part):
    """``aws.ec2.Vpc``."""

    token = "aws:ec2/vpc:Vpc"  # noqa: S105 - a type token
    arguments = frozenset({"cidrBlock", *_DNS, "tags"})
    replace_on = frozenset({"cidrBlock"})
    computed = frozenset({"arn", "mainRouteTableId", "defaultRouteTableId", "defaultSecurityGroupId", "tagsAll"})

    def create(self, aws: Aws, inputs: Props) -> str:
        """Create the network."""
        vpc = str(aws.client("ec2").create_vpc(CidrBlock=inputs["cidrBlock"])["Vpc"]["VpcId"])
        self.update(aws, vpc, {}, inputs)
        return vpc

    def describe(self, aws: Aws, resource_id: str) -> Props | None:
        """Say what can be seen of the network."""
        ec2 = aws.client("ec2")
        found = or_none(ec2.describe_vpcs, VpcIds=[resource_id])
        if found is None:
            return None
        (vpc,) = found["Vpcs"]
        here = {"Name": "vpc-id", "Values": [resource_id]}
        main = ec2.describe_route_tables(Filters=[here, {"Name": "association.main", "Values": ["true"]}])
        default = ec2.describe_security_groups(Filters=[here, {"Name": "group-name", "Values": ["default"]}])
        (table,), (group,) = main["RouteTables"], default["SecurityGroups"]
        return {
            "cidrBlock": vpc["CidrBlock"],
            **{name: self._switch(ec2, resource_id, name) for name in _DNS},
            "arn": aws.arn("ec2", f"vpc/{resource_id}"),
            "mainRouteTableId": table["RouteTableId"],
            "defaultRouteTableId": table["RouteTableId"],
            "defaultSecurityGroupId": group["GroupId"],
            "region": aws.region,
            **tag_outputs(tag_map(vpc.get("Tags", []))),
        }

    def update(self, aws: Aws, resource_id: str, old: Props, new: Props) -> None:
        """Set the switches for names, each by its own call as EC2 wants it."""
        for name in _DNS:
            if new.get(name) is not None and new[name] != old.get(name):
                switch = {f"{name[:1].upper()}{name[1:]}": {"Value": new[name]}}
                aws.client("ec2").modify_vpc_attribute(VpcId=resource_id, **switch)

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        """Delete the network."""
        del state
        or_none(aws.client("ec2").delete_vpc, VpcId=resource_id)

    @staticmethod
    def _switch(ec2: Any, vpc: str, name: str) -> bool:
        answer = ec2.describe_vpc_attribute(VpcId=vpc, Attribute=name)
        return bool(answer[f"{name[:1].upper()}{name[1:]}"]["Value"])


class Subnet(_Part):
    """``aws.ec2.Subnet``."""

    token = "aws:ec2/subnet:Subnet"  # noqa: S105 - a type token
    arguments = frozenset({"availabilityZone", "cidrBlock", "mapPublicIpOnLaunch", "tags", "vpcId"})
    required = frozenset({"vpcId"})
    replace_on = frozenset({"availabilityZone", "cidrBlock", "vpcId"})
    computed = frozenset({"arn", "tagsAll"})

    def create(self, aws: Aws, inputs: Props) -> str:
        """Create the subnet."""
        options = to_aws(chosen(inputs, "availabilityZone", "cidrBlock", "vpcId"))
        subnet = str(aws.client("ec2").create_subnet(**options)["Subnet"]["SubnetId"])
        self.update(aws, subnet, {}, inputs)
        return subnet

    def describe(self, aws: Aws, resource_id: str) -> Props | None:
        """Say what can be seen of the subnet."""
        found = or_none(aws.client("ec2").describe_subnets, SubnetIds=[resource_id])
        if found is None:
            return None
        (subnet,) = found["Subnets"]
        return {
            "availabilityZone": subnet["AvailabilityZone"],
            "cidrBlock": subnet["CidrBlock"],
            "mapPublicIpOnLaunch": subnet["MapPublicIpOnLaunch"],
            "vpcId": subnet["VpcId"],
            "arn": aws.arn("ec2", f"subnet/{resource_id}"),
            "region": aws.region,
            **tag_outputs(tag_map(subnet.get("Tags", []))),
        }

    def update(self, aws: Aws, resource_id: str, old: Props, new: Props) -> None:
        """Set whether machines get public addresses."""
        public = bool(new.get("mapPublicIpOnLaunch"))
        if public != bool(old.get("mapPublicIpOnLaunch")):
            aws.client("ec2").modify_subnet_attribute(SubnetId=resource_id, MapPublicIpOnLaunch={"Value": public})

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        """Delete the subnet."""
        del state
        or_none(aws.client("ec2").delete_subnet, SubnetId=resource_id)


class SecurityGroup(_Part):
    """``aws.ec2.SecurityGroup`` whose rules are resources of their own."""

    token = "aws:ec2/securityGroup:SecurityGroup"  # noqa: S105 - a type token
    arguments = frozenset({"description", "name", "tags", "vpcId"})
    required = frozenset({"vpcId"})
    replace_on = frozenset({"description", "name", "vpcId"})
    computed = frozenset({"arn", "tagsAll"})
    name_argument = "name"

    def create(self, aws: Aws, inputs: Props) -> str:
        """Create the group, without the rule that lets everything out: the AWS provider takes it off too."""
        ec2 = aws.client("ec2")
        description = inputs.get("description") or "Managed by Pulumi"
        options = to_aws(chosen(inputs, "vpcId"))
        made = ec2.create_security_group(GroupName=inputs["name"], Description=description, **options)
        group = str(made["GroupId"])
        (found,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
        if found["IpPermissionsEgress"]:
            ec2.revoke_security_group_egress(GroupId=group, IpPermissions=found["IpPermissionsEgress"])
        return group

    def describe(self, aws: Aws, resource_id: str) -> Props | None:
        """Say what can be seen of the group."""
        found = or_none(aws.client("ec2").describe_security_groups, GroupIds=[resource_id])
        if found is None:
            return None
        (group,) = found["SecurityGroups"]
        return {
            "name": group["GroupName"],
            "description": group["Description"],
            "vpcId": group["VpcId"],
            "arn": aws.arn("ec2", f"security-group/{resource_id}"),
            "region": aws.region,
            **tag_outputs(tag_map(group.get("Tags", []))),
        }

    def update(self, aws: Aws, resource_id: str, old: Props, new: Props) -> None:
        """There is nothing to change but tags."""

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        """Delete the group."""
        del state
        or_none(aws.client("ec2").delete_security_group, GroupId=resource_id)


class _Rule(_Part):
    """A rule of a security group."""

    arguments = frozenset(
        {
            "cidrIpv4",
            "description",
            "fromPort",
            "ipProtocol",
            "referencedSecurityGroupId",
            "securityGroupId",
            "tags",
            "toPort",
        }
    )
    required = frozenset({"ipProtocol", "securityGroupId"})
    # The provider changes most of them in place; a rule that is made anew allows the same.
    replace_on = arguments - {"tags"}
    computed = frozenset({"arn", "securityGroupRuleId", "tagsAll"})

    @abstractmethod
    def authorize(self, aws: Aws) -> Any:
        """The call that makes such a rule."""

    @abstractmethod
    def revoke(self, aws: Aws) -> Any:
        """The call that takes one away."""

    def create(self, aws: Aws, inputs: Props) -> str:
        """Allow it."""
        made = self.authorize(aws)(GroupId=inputs["securityGroupId"], IpPermissions=[_permission(inputs)])
        return str(made["SecurityGroupRules"][0]["SecurityGroupRuleId"])

    def describe(self, aws: Aws, resource_id: str) -> Props | None:
        """Say what the rule allows."""
        found = or_none(aws.client("ec2").describe_security_group_rules, SecurityGroupRuleIds=[resource_id])
        if not (found or {}).get("SecurityGroupRules"):
            return None
        (rule,) = found["SecurityGroupRules"]
        other = rule.get("ReferencedGroupInfo", {}).get("GroupId")
        return {
            "securityGroupId": rule["GroupId"],
            "ipProtocol": rule["IpProtocol"],
            "fromPort": rule["FromPort"],
            "toPort": rule["ToPort"],
            "securityGroupRuleId": resource_id,
            "arn": aws.arn("ec2", f"security-group-rule/{resource_id}"),
            "region": aws.region,
            **({"cidrIpv4": rule["CidrIpv4"]} if rule.get("CidrIpv4") else {}),
            **({"referencedSecurityGroupId": other} if other else {}),
            **({"description": rule["Description"]} if rule.get("Description") else {}),
            **tag_outputs(tag_map(rule.get("Tags", []))),
        }

    def update(self, aws: Aws, resource_id: str, old: Props, new: Props) -> None:
        """There is nothing to change but tags."""

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        """Allow it no more; with its group the rule is gone already."""
        del resource_id
        or_none(self.revoke(aws), GroupId=state["securityGroupId"], IpPermissions=[_permission(state)])


class IngressRule(_Rule):
    """``aws.vpc.SecurityGroupIngressRule``."""

    token = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"  # noqa: S105 - a type token

    def authorize(self, aws: Aws) -> Any:
        """The call that lets something in."""
        return aws.client("ec2").authorize_security_group_ingress

    def revoke(self, aws: Aws) -> Any:
        """The call that lets it in no more."""
        return aws.client("ec2").revoke_security_group_ingress


class EgressRule(_Rule):
    """``aws.vpc.SecurityGroupEgressRule``."""

    token = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"  # noqa: S105 - a type token

    def authorize(self, aws: Aws) -> Any:
        """The call that lets something out."""
        return aws.client("ec2").authorize_security_group_egress

    def revoke(self, aws: Aws) -> Any:
        """The call that lets it out no more."""
        return aws.client("ec2").revoke_security_group_egress


class Endpoint(_Part):
    """``aws.ec2.VpcEndpoint``."""

    token = "aws:ec2/vpcEndpoint:VpcEndpoint"  # noqa: S105 - a type token
    arguments = frozenset(
        {
            "privateDnsEnabled",
            "routeTableIds",
            "securityGroupIds",
            "serviceName",
            "subnetIds",
            "tags",
            "vpcEndpointType",
            "vpcId",
        }
    )
    required = frozenset({"serviceName", "vpcId"})
    replace_on = frozenset({"privateDnsEnabled", "serviceName", "vpcEndpointType", "vpcId"})
    computed = frozenset({"arn", "state", "tagsAll"})
    _lists: Final = ("routeTableIds", "securityGroupIds", "subnetIds")

    def create(self, aws: Aws, inputs: Props) -> str:
        """Create the endpoint."""
        options = to_aws(chosen(inputs, *(self.arguments - {"tags"})))
        return str(aws.client("ec2").create_vpc_endpoint(**options)["VpcEndpoint"]["VpcEndpointId"])

    def describe(self, aws: Aws, resource_id: str) -> Props | None:
        """Say what can be seen of the endpoint; one that is deleted is shown for a while yet."""
        found = or_none(aws.client("ec2").describe_vpc_endpoints, VpcEndpointIds=[resource_id])
        if found is None or found["VpcEndpoints"][0]["State"] == "deleted":
            return None
        (endpoint,) = found["VpcEndpoints"]
        return {
            "vpcId": endpoint["VpcId"],
            "serviceName": endpoint["ServiceName"],
            "vpcEndpointType": endpoint["VpcEndpointType"],
            "privateDnsEnabled": endpoint.get("PrivateDnsEnabled", False),
            "routeTableIds": endpoint.get("RouteTableIds", []),
            "subnetIds": endpoint.get("SubnetIds", []),
            "securityGroupIds": [group["GroupId"] for group in endpoint.get("Groups", [])],
            "state": endpoint["State"],
            "arn": aws.arn("ec2", f"vpc-endpoint/{resource_id}"),
            "region": aws.region,
            **tag_outputs(tag_map(endpoint.get("Tags", []))),
        }

    def update(self, aws: Aws, resource_id: str, old: Props, new: Props) -> None:
        """Add and take away what the lists have more and less."""
        changes: dict[str, list[str]] = {}
        for name in self._lists:
            before, after = set(old.get(name) or ()), set(new.get(name) or ())
            end = f"{name[:1].upper()}{name[1:]}"
            changes |= {f"Add{end}": sorted(after - before), f"Remove{end}": sorted(before - after)}
        if wanted := {name: ids for name, ids in changes.items() if ids}:
            aws.client("ec2").modify_vpc_endpoint(VpcEndpointId=resource_id, **wanted)

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        """Delete the endpoint."""
        del state
        or_none(aws.client("ec2").delete_vpc_endpoints, VpcEndpointIds=[resource_id])


def _permission(inputs: Props) -> dict[str, Any]:
    """A rule as EC2 takes it."""
    said = {"Description": inputs["description"]} if inputs.get("description") else {}
    permission: dict[str, Any] = {
        "IpProtocol": inputs["ipProtocol"],
        "FromPort": int(inputs.get("fromPort", -1)),
        "ToPort": int(inputs.get("toPort", -1)),
    }
    if cidr := inputs.get("cidrIpv4"):
        permission["IpRanges"] = [{"CidrIp": cidr, **said}]
    if group := inputs.get("referencedSecurityGroupId"):
        permission["UserIdGroupPairs"] = [{"GroupId": group, **said}]
    return permission


KINDS: tuple[Kind, ...] = (Vpc(), Subnet(), SecurityGroup(), IngressRule(), EgressRule(), Endpoint())
