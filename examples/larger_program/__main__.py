"""A data platform of which alur is one part: its own component, network, tags and readers around alur's."""

import datetime as dt

import pulumi
from network import PrivateNetwork
from readers import reader_policy

import alur_pulumi as alur

TAGS: dict[str, pulumi.Input[str]] = {"project": pulumi.get_project(), "environment": pulumi.get_stack()}

config = pulumi.Config()


@alur.contract(partition_by=(alur.month("measured_at"),))
class Readings:
    """What the meters measured."""

    meter: str
    measured_at: dt.datetime
    kwh: float | None


class Metering(pulumi.ComponentResource):
    """The metering part of the platform."""

    def __init__(self, name: str, network: PrivateNetwork, ledger: alur.StateTable) -> None:
        """Register the component.

        Args:
            name: Logical name.
            network: Where its job runs.
            ledger: The platform's ledger.
        """
        super().__init__("platform:index:Metering", name)
        child = pulumi.ResourceOptions(parent=self)
        self.table = alur.BronzeTable(name, alur.BronzeTableArgs(contract=Readings, tags=TAGS), child)
        self.job = alur.IngestionJob(
            name,
            alur.IngestionJobArgs(
                table=self.table,
                state=ledger,
                sources=[alur.Source(name="meters", prefix="readings/", pattern="**/*.csv")],
                schedule="cron(0 * * * ? *)",
                network=alur.Network(
                    subnet_id=network.subnet_id,
                    security_group_ids=[network.security_group_id],
                    availability_zone=network.availability_zone,
                ),
                tags=TAGS,
            ),
            # The endpoints of the network too: a run without them waits for a catalog that it cannot reach.
            pulumi.ResourceOptions(parent=self, depends_on=[network]),
        )
        self.readers = reader_policy(f"{name}-readers", self.table, child)
        self.register_outputs({"table": self.table.table_name, "readers": self.readers.arn})


zone = config.get("availabilityZone") or "eu-west-1a"
network = PrivateNetwork("platform", zone)
ledger = alur.StateTable("ledger", alur.StateTableArgs(tags=TAGS))
metering = Metering("metering", network, ledger)

pulumi.export("job", metering.job.job_name)
pulumi.export("land files below", metering.job.landing_uris)
pulumi.export("database", metering.table.database_name)
pulumi.export("table", metering.table.table_name)
pulumi.export("attach to the roles of analysts", metering.readers.arn)
