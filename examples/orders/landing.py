"""Files with the shape of real orders, made by a pure function: the same name, the same bytes, always."""

import csv
import datetime as dt
import io
import random
from collections.abc import Iterator, Mapping
from types import MappingProxyType

HEADER = ("order_id", "customer", "amount", "ordered_at", "express", "note", "region")
FILES: Mapping[str, tuple[int, int]] = MappingProxyType(
    {  # key below the landing bucket: first order, number of orders
        "orders/orders_batch1.csv": (1001, 50),
        "archive/archive_orders.csv": (501, 20),
        "orders/orders_batch2.csv": (1051, 30),
        "orders/orders_batch3.csv": (1081, 15),
    }
)

_CUSTOMERS = (
    "Ada Lovelace",
    "Müller, Jörg",
    'Anna "Annie" Kowalska',
    "Þóra Jónsdóttir",
    "  José Núñez ",
    "O'Brien & Sons, Ltd.",
    "山田 太郎",
    'Bäckerei "Zum Löwen", Inh. Weiß',
    "Nguyễn Thị Hà",
    "Smith, John",
)
_NOTES = (
    "",
    "",
    "",
    "leave at the door",
    'says "fragile", twice',
    "second line:\nring twice",
    "größe L, bitte",
)
_REGIONS = ("north", "south", "west")
_START = dt.datetime(2026, 1, 5, 8, 0, tzinfo=dt.UTC)


def orders(first: int, count: int) -> Iterator[tuple[str, ...]]:
    """Rows of orders, numbered from `first`; a row depends on its number alone."""
    for number in range(first, first + count):
        chance = random.Random(number)  # the same each time
        placed = _START + dt.timedelta(minutes=17 * number, seconds=chance.randrange(60))
        yield (
            str(number),
            chance.choice(_CUSTOMERS),
            f"{chance.randrange(99, 2_500_000) / 100:.2f}",
            placed.strftime("%Y-%m-%dT%H:%M:%SZ"),
            chance.choice(("true", "false")),
            chance.choice(_NOTES),
            chance.choice(_REGIONS),
        )


def csv_file(first: int, count: int) -> bytes:
    """A CSV file of orders, as spreadsheets and shops write it."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(HEADER)
    writer.writerows(orders(first, count))
    return out.getvalue().encode()


def landing_file(key: str) -> bytes:
    """The content of one of `FILES`."""
    first, count = FILES[key]
    return csv_file(first, count)
