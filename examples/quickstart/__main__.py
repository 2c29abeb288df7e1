"""Payments that land in S3 as CSV become a table that Athena reads, each file exactly once."""

import datetime as dt

import pulumi

import alur_pulumi as alur


@alur.contract()
class Payments:
    """Payments as the bank sends them."""

    payment_id: int
    payer: str = alur.column(doc="as the bank spells it")
    booked_on: dt.date
    purpose: str | None


state = alur.StateTable("state", alur.StateTableArgs())
table = alur.BronzeTable("payments", alur.BronzeTableArgs(contract=Payments))
job = alur.IngestionJob(
    "payments",
    alur.IngestionJobArgs(table=table, state=state, sources=[alur.Source(name="bank", prefix="payments/")]),
)

pulumi.export("land files below", job.landing_uris)
pulumi.export("start with", pulumi.Output.concat("alur run ", job.job_name))
pulumi.export("query", pulumi.Output.concat("SELECT * FROM ", table.database_name, ".", table.table_name))
