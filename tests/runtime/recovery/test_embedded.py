"""A lost ledger on the embedded AWS, over HTTP: what the simulated one answers is what boto3 gets."""

from __future__ import annotations

from alur_runtime.aws import make_clients
from alur_runtime.rebuild.apply import rebuild
from tests.runtime.world import World, rows, wait_for_leases


def test_a_lost_ledger_is_refused_and_rebuilt(aws: str) -> None:
    world = World.make(aws)
    world.land("orders/a.csv", rows(0, 4))
    world.land("orders/b.csv", rows(10, 4, "US"))
    assert world.run().exit_code == 0
    world.land("orders/a.csv", rows(4, 3))
    assert world.run().exit_code == 0
    _lose(world)
    assert world.run().outcome == "ledger_behind"
    wait_for_leases()
    found = rebuild(world.config, make_clients(), apply=True)
    assert (len(found.replay.files), found.replay.token) == (2, 2)
    assert world.run().outcome == "nothing_to_do"
    assert world.ids() == [4, 5, 6, 10, 11, 12, 13]


def _lose(world: World) -> None:
    name, dynamodb = world.config.ledger.table, world.clients.dynamodb
    for item in dynamodb.scan(TableName=name)["Items"]:
        dynamodb.delete_item(TableName=name, Key={key: item[key] for key in ("ingestion_key", "file_path")})
