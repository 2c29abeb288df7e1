"""The network that a job runs in: Glue connections, those that are there and one that is made."""

import pulumi
import pulumi_aws as aws

from alur_pulumi.job_args import IngestionJobArgs
from alur_pulumi.job_role import NetworkNeeds


def network_needs(name: str, args: IngestionJobArgs, opts: pulumi.ResourceOptions) -> NetworkNeeds | None:
    """The job's connections and what their use needs, or None outside of any network.

    Args:
        name: Logical name of the job.
        args: Its arguments.
        opts: Options of the child.
    """
    network = args.network
    if network is None:
        return NetworkNeeds(connections=args.connections) if args.connections else None
    made = aws.glue.Connection(
        f"{name}-network",
        connection_type="NETWORK",
        description=f"The network that the ingestion job {name} runs in.",
        physical_connection_requirements=aws.glue.ConnectionPhysicalConnectionRequirementsArgs(
            availability_zone=network.availability_zone,
            security_group_id_lists=list(network.security_group_ids),
            subnet_id=network.subnet_id,
        ),
        tags=args.tags or None,
        opts=opts,
    )
    return NetworkNeeds(
        connections=[made.name], subnets=[network.subnet_id], security_groups=network.security_group_ids
    )
