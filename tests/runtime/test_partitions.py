"""Partition values survive their folders and the catalog."""

from __future__ import annotations

import csv
import datetime as dt
import io

import pytest
from world import World

from alur_runtime import Decimal, contract, spec_of
from examples.orders.read_back import read_table

VALUES = ["plain", "a/b", "100%", "%41", "x=y", "ä ö", " blank ", "q'u\"o", "a:b#c?d", "{[^]}", "*", "\\", "日本", None]


@contract(partition_by=("day", "kind"))
class Visits:
    id: int
    kind: str | None
    day: dt.date
    amount: Decimal(5, 2) | None


def body(kinds: list[str | None]) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["id", "kind", "day"])
    writer.writerows((n, kind, f"2024-02-{1 + n % 2:02}") for n, kind in enumerate(kinds))
    return out.getvalue()


def test_odd_values_survive(aws: str) -> None:
    world = World.make(aws, spec=spec_of(Visits))
    world.land("orders/a.csv", body(VALUES))
    assert world.run().rows_written == len(VALUES)
    expected = {n: (kind, dt.date(2024, 2, 1 + n % 2)) for n, kind in enumerate(VALUES)}
    by_catalog = read_table(world.config.table.database, "sales").to_pylist()
    assert {row["id"]: (row["kind"], row["day"]) for row in by_catalog} == expected
    by_folder = {row["id"]: row["kind"] for row in world.table()}
    assert by_folder == {n: kind for n, (kind, _) in expected.items()}
    assert world.run().outcome == "nothing_to_do"


@pytest.mark.parametrize("value", ['""', "__HIVE_DEFAULT_PARTITION__"])
def test_a_value_that_would_turn_into_null_is_refused(aws: str, value: str) -> None:
    world = World.make(aws, spec=spec_of(Visits))
    world.land("orders/a.csv", f"id,kind,day\n1,x,2024-02-01\n2,{value},2024-02-01\n")
    report = world.run()
    assert report.files_by_reason == {"too_many_bad_rows": 1}
    assert "row 2, column 'kind'" in report.error
    assert world.objects() == []
