"""A table with a past, and the check of it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from alur_runtime.config import split_uri
from alur_runtime.fsck.find import Checked, check
from alur_runtime.fsck.gather import gather
from alur_runtime.fsck.repair import repair
from alur_runtime.model import FileItem
from alur_runtime.report import render_text
from tests.runtime.recovery.bad_days import Day

Found = list[tuple[str, str]]
"""Kind and subject of each finding."""


def day_of(patch: pytest.MonkeyPatch, **changes: Any) -> Day:
    """Three runs: files that share objects, one that was replaced, two partitions."""
    day = Day.make(patch, **changes)
    day.land("a", range(4))
    day.land("b", range(10, 14))
    day.land("c", range(20, 23), region="US")
    assert day.run().exit_code == 0
    day.land("c", range(20, 24), region="US", note="again")
    day.land("d", range(30, 32), region="a b/c%")
    assert day.run().exit_code == 0
    day.wait()
    return day


def checked(day: Day, *, rows: bool = False) -> Checked:
    return check(gather(day.world.config, day.cloud.clients(), rows=rows))


def found(day: Day, *, rows: bool = False) -> Found:
    return [(f.kind.value, f.subject) for f in checked(day, rows=rows).findings]


def hows(day: Day) -> list[str]:
    return [f.how.value for f in checked(day).findings]


def mend(day: Day, **options: bool) -> list[str]:
    done = repair(day.world.config, day.cloud.clients(), **options)
    day.wait()
    return done


def all_of(day: Day) -> Any:
    """Everything that is stored."""
    now = day.cloud.now()
    return now.ledger, now.objects, now.uploads, now.partitions


def item_of(day: Day, name: str) -> FileItem:
    uri = day.world.uri(f"orders/{name}.csv")
    return day.world.ledger.get_files([uri])[uri]


def object_of(day: Day, name: str) -> str:
    """URI of the one object that has a file's rows."""
    (key,) = item_of(day, name).outputs
    return day.world.config.table.location + key


def remove(day: Day, uri: str) -> None:
    day.cloud.s3.remove(split_uri(uri))


def lose(day: Day, name: str) -> None:
    """A file is deleted from where it landed, and with it what could be read again."""
    remove(day, day.world.uri(f"orders/{name}.csv"))


def put(day: Day, uri: str, body: bytes) -> None:
    day.cloud.s3.put(split_uri(uri), body)


def body_of(day: Day, uri: str) -> bytes:
    return day.cloud.s3.objects[split_uri(uri)].body


def delete_item(day: Day, name: str) -> None:
    """Delete a file's item from the ledger."""
    assert day.cloud.dynamodb is not None
    uri = day.world.uri(f"orders/{name}.csv")
    keys = [key for key in day.cloud.dynamodb.items if key[1] == uri]
    assert len(keys) == 1
    del day.cloud.dynamodb.items[keys[0]]


def change_item(day: Day, range_key: str, **values: Any) -> None:
    """Change attributes of an item by hand."""
    assert day.cloud.dynamodb is not None
    (key,) = [key for key in day.cloud.dynamodb.items if key[1] == range_key]
    day.cloud.dynamodb.items[key] = {**day.cloud.dynamodb.items[key], **values}


def made_right(day: Day) -> None:
    """A run makes the table what it is to be."""
    report = day.run()
    assert report.exit_code == 0, render_text(report)
    rows, wanted = Counter(day.visible()), Counter(day.landed())
    assert rows == wanted, f"too much: {dict(rows - wanted)}, missing: {dict(wanted - rows)}"
    day.wait()


def settled(day: Day) -> None:
    """A run makes the table what it is to be, and the check finds nothing more."""
    made_right(day)
    left = found(day, rows=True)
    assert left == [], left
