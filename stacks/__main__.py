"""The orders example as a stack; what differs between environments is in `Pulumi.<stack>.yaml` beside it."""

import sys
from pathlib import Path

import pulumi

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "orders"
sys.path.insert(0, str(EXAMPLE))

from orders_feed import Orders  # noqa: E402  (found by the line above)

from alur_pulumi import (  # noqa: E402
    BronzeTable,
    BronzeTableArgs,
    IngestionJob,
    IngestionJobArgs,
    OnChange,
    OnDestroy,
    Source,
    StateTable,
    StateTableArgs,
)

config = pulumi.Config()
on_destroy = OnDestroy(config.get("onDestroy") or OnDestroy.RETAIN)

state = StateTable("state", StateTableArgs(on_destroy=on_destroy))
table = BronzeTable(
    "orders",
    BronzeTableArgs(contract=Orders, on_change=OnChange(config.get("onChange") or "replace"), on_destroy=on_destroy),
)
job = IngestionJob(
    "orders",
    IngestionJobArgs(
        table=table,
        state=state,
        sources=[
            Source(name="orders", prefix="orders/", pattern="**/*.csv"),
            Source(name="archive", prefix="archive/", pattern="**/*.csv"),
        ],
        landing_on_destroy=on_destroy,
        code=EXAMPLE / "orders_feed",
        transform="orders_feed.transform:clean",
        schedule=config.get("schedule"),
        alarms=config.get_bool("alarm", default=True),
    ),
)

pulumi.export("job", job.job_name)
pulumi.export("landing", job.landing_uris)
pulumi.export("database", table.database_name)
pulumi.export("table", table.table_name)
pulumi.export("location", table.location)
pulumi.export("ledger", state.table_name)
