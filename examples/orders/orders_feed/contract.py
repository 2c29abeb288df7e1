"""The columns of the orders table."""

import datetime as dt
import decimal
from typing import Annotated

from alur_runtime import Decimal, column, contract


@contract(partition_by=("region",))
class Orders:
    """Orders of the web shop, as its export writes them."""

    order_id: int = column(doc="number of the order, from the shop")
    customer: str = column(doc="name as the customer wrote it")
    amount: Annotated[decimal.Decimal, Decimal(12, 2)] = column(doc="total in euros, taxes included")
    ordered_at: dt.datetime = column(doc="when the order was placed, UTC")
    express: bool = column(doc="whether express delivery was paid for")
    note: str | None = column(doc="what the customer wrote to the shop; mostly empty")
    region: str = column(doc="sales region")
