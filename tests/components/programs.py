"""Small programs that the registration tests share."""

from __future__ import annotations

import decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import alur_pulumi as alur

if TYPE_CHECKING:
    import pulumi

ROOT = Path(__file__).resolve().parents[2]
FEED = ROOT / "examples" / "orders" / "orders_feed"


@alur.contract(partition_by=("Region",))
class OrderLines:
    """Lines of orders."""

    OrderId: int = alur.column(doc="number")
    amount: Annotated[decimal.Decimal, alur.Decimal(12, 2)]
    note: str | None
    Region: str


class Pipeline:
    """The three components, each with arguments to try."""

    def __init__(
        self,
        *,
        state: dict[str, Any] | None = None,
        table: dict[str, Any] | None = None,
        job: dict[str, Any] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        self.state = alur.StateTable("state", alur.StateTableArgs(**(state or {})), opts)
        self.table = alur.BronzeTable("lines", alur.BronzeTableArgs(**{"contract": OrderLines, **(table or {})}), opts)
        arguments = {"sources": [alur.Source(name="shop", prefix="in/")], **(job or {})}
        self.job = alur.IngestionJob(
            "ingest", alur.IngestionJobArgs(table=self.table, state=self.state, **arguments), opts
        )
