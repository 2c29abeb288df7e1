"""Two tables of a team: one ledger, one bucket, one database, one topic of alarms; a job for each."""

import datetime as dt
import decimal
from typing import Annotated

import pulumi

import alur_pulumi as alur


@alur.contract()
class Orders:
    """Orders as the shop exports them each night."""

    order_id: int
    placed_at: dt.datetime
    total: Annotated[decimal.Decimal, alur.Decimal(12, 2)]


@alur.contract()
class Returns:
    """Parcels that came back, as the warehouse reports them."""

    order_id: int
    received_on: dt.date
    reason: str | None


# One ledger serves any number of tables: the keys of its items begin with the table they are about, and each job's
# role reaches only those of its own.
ledger = alur.StateTable("ledger", alur.StateTableArgs())

orders = alur.BronzeTable("orders", alur.BronzeTableArgs(contract=Orders))
returns = alur.BronzeTable(
    "returns",
    alur.BronzeTableArgs(
        contract=Returns,
        # what the first table made, the second one uses
        existing_bucket=orders.bucket_name,
        existing_database=orders.database_name,
    ),
)

jobs = {
    "orders": alur.IngestionJob(
        "orders",
        alur.IngestionJobArgs(
            table=orders,
            state=ledger,
            sources=[alur.Source(name="shop", prefix="orders/")],
            schedule="cron(0 4 * * ? *)",
        ),
    ),
    "returns": alur.IngestionJob(
        "returns",
        alur.IngestionJobArgs(
            table=returns,
            state=ledger,
            # the warehouse writes with semicolons, and its dates the German way
            sources=[
                alur.Source(
                    name="warehouse",
                    prefix="returns/",
                    files=alur.CsvOptions(separator=";", date_formats=["%d.%m.%Y"]),
                )
            ],
            schedule="cron(30 4 * * ? *)",
        ),
    ),
}

pulumi.export("ledger", ledger.table_name)
pulumi.export("database", orders.database_name)
pulumi.export("tables", {"orders": orders.table_name, "returns": returns.table_name})
pulumi.export("jobs", {name: job.job_name for name, job in jobs.items()})
pulumi.export("land files below", {name: job.landing_uris for name, job in jobs.items()})
# Both jobs tell the ledger's topic: one subscription hears of everything.
pulumi.export("alarms", ledger.alarm_topic_arn)
