"""A table in a lake that is there already: its buckets, its database, its key."""

import datetime as dt
import decimal
from typing import Annotated

import pulumi
import pulumi_aws as aws
from company import company_bucket, company_key

import alur_pulumi as alur


@alur.contract()
class Bookings:
    """Bookings as the accounting system exports them."""

    booking_id: int
    account: str
    booked_on: dt.date
    amount: Annotated[decimal.Decimal, alur.Decimal(18, 2)]


key = company_key()
lake = company_bucket("lake", key)
landing = company_bucket("landing", key)
database = aws.glue.CatalogDatabase("finance")

state = alur.StateTable("state", alur.StateTableArgs(kms_key_arn=key.arn))
table = alur.BronzeTable(
    "bookings",
    alur.BronzeTableArgs(
        contract=Bookings,
        existing_bucket=lake.bucket,
        existing_database=database.name,
        # The bucket's settings stay its owner's; this says what the job's role must be allowed to use.
        kms_key_arn=key.arn,
    ),
)
job = alur.IngestionJob(
    "bookings",
    alur.IngestionJobArgs(
        table=table,
        state=state,
        sources=[alur.Source(name="accounting", prefix="bookings/")],
        landing_bucket=landing.bucket,
        landing_kms_key_arn=key.arn,
        log_kms_key_arn=key.arn,
        schedule="cron(0 6 * * ? *)",
    ),
)

pulumi.export("job", job.job_name)
pulumi.export("land files below", job.landing_uris)
pulumi.export("database", table.database_name)
pulumi.export("table", table.table_name)
pulumi.export("location", table.location)
