"""A network without a way out: what jobs in it reach, they reach by endpoints of AWS."""

import pulumi
import pulumi_aws as aws

GATEWAYS = ("s3", "dynamodb")
# The catalog, the logs, and the run's own metrics.
INTERFACES = ("glue", "logs", "monitoring")


class PrivateNetwork(pulumi.ComponentResource):
    """A VPC with one private subnet, and all that a Glue job needs in it."""

    subnet_id: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    availability_zone: str

    def __init__(self, name: str, availability_zone: str, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the component.

        Args:
            name: Logical name.
            availability_zone: Where the subnet is.
            opts: Options of the component.
        """
        super().__init__("platform:index:PrivateNetwork", name, None, opts)
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)
        self.availability_zone = availability_zone
        # endpoints go by the names of AWS's own services, which the network must resolve
        vpc = aws.ec2.Vpc(
            name, cidr_block="10.20.0.0/16", enable_dns_hostnames=True, enable_dns_support=True, opts=self._child
        )
        subnet = aws.ec2.Subnet(
            name, vpc_id=vpc.id, cidr_block="10.20.0.0/20", availability_zone=availability_zone, opts=self._child
        )
        self.subnet_id = subnet.id
        self.security_group_id = self._security_group(vpc)
        self._endpoints(vpc)
        self.register_outputs({"subnetId": self.subnet_id, "securityGroupId": self.security_group_id})

    def _security_group(self, vpc: aws.ec2.Vpc) -> pulumi.Output[str]:
        group = aws.ec2.SecurityGroup(
            self._name, vpc_id=vpc.id, description="Glue jobs, and the endpoints that they use.", opts=self._child
        )
        # Glue refuses to start a job whose machines cannot reach one another.
        aws.vpc.SecurityGroupIngressRule(
            self._name,
            security_group_id=group.id,
            referenced_security_group_id=group.id,
            ip_protocol="tcp",
            from_port=0,
            to_port=65535,
            description="The machines of a job, and their endpoints.",
            opts=self._child,
        )
        aws.vpc.SecurityGroupEgressRule(
            f"{self._name}-within",
            security_group_id=group.id,
            referenced_security_group_id=group.id,
            ip_protocol="tcp",
            from_port=0,
            to_port=65535,
            description="The machines of a job, and their endpoints.",
            opts=self._child,
        )
        aws.vpc.SecurityGroupEgressRule(
            f"{self._name}-aws",
            security_group_id=group.id,
            cidr_ipv4="0.0.0.0/0",
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            description="S3 and DynamoDB by their gateways; there is no other route.",
            opts=self._child,
        )
        return group.id

    def _endpoints(self, vpc: aws.ec2.Vpc) -> None:
        region = aws.get_region_output(opts=pulumi.InvokeOptions(parent=self)).region
        for service in GATEWAYS:
            aws.ec2.VpcEndpoint(
                f"{self._name}-{service}",
                vpc_id=vpc.id,
                service_name=pulumi.Output.concat("com.amazonaws.", region, ".", service),
                vpc_endpoint_type="Gateway",
                route_table_ids=[vpc.main_route_table_id],
                opts=self._child,
            )
        for service in INTERFACES:
            aws.ec2.VpcEndpoint(
                f"{self._name}-{service}",
                vpc_id=vpc.id,
                service_name=pulumi.Output.concat("com.amazonaws.", region, ".", service),
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=[self.subnet_id],
                security_group_ids=[self.security_group_id],
                opts=self._child,
            )
