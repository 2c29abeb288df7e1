"""The three components in one piece, and each of them still within reach."""

from typing import Any

import pytest

import alur_pulumi as alur
from tests.components.monitor import Monitor, register
from tests.components.programs import OrderLines

KEY = "arn:aws:kms:eu-west-1:123456789012:key/k"
SOURCES = [alur.Source(name="shop", prefix="in/")]


def _args(**arguments: Any) -> alur.PipelineArgs:
    return alur.PipelineArgs(**{"contract": OrderLines, "sources": SOURCES, **arguments})


def _deployed(**arguments: Any) -> Monitor:
    return register(lambda: alur.Pipeline("orders", _args(**arguments)))


def test_it_is_the_three_components_and_nothing_else() -> None:
    def by_hand() -> None:
        state = alur.StateTable("orders-state", alur.StateTableArgs())
        table = alur.BronzeTable("orders-table", alur.BronzeTableArgs(contract=OrderLines))
        alur.IngestionJob("orders-job", alur.IngestionJobArgs(table=table, state=state, sources=SOURCES))

    composed, separate = _deployed(), register(by_hand)
    one, other = (
        # the key of an uploaded object says what is in it; its source says only where that lies here
        {r.name: {k: v for k, v in r.inputs.items() if k != "source"} for r in m.registered if r.custom}
        for m in (composed, separate)
    )
    assert one == other
    components = {r.name: (r.type, r.parent.rpartition("::")[2]) for r in composed.registered if not r.custom}
    assert {name: components[name] for name in components if name.startswith("orders")} == {
        "orders": ("alur:index:Pipeline", "proj-dev"),
        "orders-state": ("alur:index:StateTable", "orders"),
        "orders-table": ("alur:index:BronzeTable", "orders"),
        "orders-job": ("alur:index:IngestionJob", "orders"),
    }


def test_what_is_common_reaches_all_and_what_is_given_for_one_wins() -> None:
    monitor = _deployed(
        on_destroy=alur.OnDestroy.DELETE,
        kms_key_arn=KEY,
        tags={"team": "sales"},
        state={"shards": 8},
        table={"on_destroy": "retain", "table_name": "lines"},
        job={"timeout_minutes": 30},
    )
    assert monitor.one("Table").inputs["serverSideEncryption"]["kmsKeyArn"] == KEY
    assert monitor.one("Table").inputs["deletionProtectionEnabled"] is False
    buckets = {r.name: r for r in monitor.of("Bucket")}
    assert {name: r.inputs["forceDestroy"] for name, r in buckets.items()} == {
        "orders-table-bucket": False,
        "orders-job-landing": True,
    }
    assert all(r.inputs["tags"] == {"team": "sales"} for r in (*buckets.values(), monitor.one("Table")))
    assert monitor.one("CatalogTable").inputs["name"] == "lines"
    assert monitor.one("Job").inputs["timeout"] == 30
    for r in monitor.of("BucketServerSideEncryptionConfiguration"):
        assert r.inputs["rules"][0]["applyServerSideEncryptionByDefault"]["kmsMasterKeyId"] == KEY


def test_two_pipelines_share_a_ledger() -> None:
    seen: list[alur.Pipeline] = []

    def program() -> None:
        seen.append(alur.Pipeline("one", _args()))
        table = {"table_name": "other", "existing_database": seen[0].table.database_name}
        seen.append(alur.Pipeline("two", _args(ledger=seen[0].state, table=table)))

    monitor = register(program)
    assert [r.name for r in monitor.of("Table")] == ["one-state-table"]
    assert seen[1].state is seen[0].state
    assert isinstance(seen[1].table, alur.BronzeTable)
    assert isinstance(seen[1].job, alur.IngestionJob)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"table": {"colour": 1}}, "table['colour'] is 1: BronzeTableArgs has on_change, "),
        ({"job": {"sources": []}}, "job['sources'] is []: give it to the pipeline itself"),
        ({"on_destroy": "keep"}, "on_destroy is 'keep': allowed are"),
    ],
)
def test_what_cannot_be_is_refused_by_name(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(alur.ArgumentError) as caught:
        _deployed(**arguments)
    assert str(caught.value).startswith("Pipeline 'orders': ")
    assert says in str(caught.value)


def test_a_ledger_and_arguments_for_one_exclude_each_other() -> None:
    def program() -> None:
        alur.Pipeline("orders", _args(ledger=alur.StateTable("s", alur.StateTableArgs()), state={"shards": 8}))

    with pytest.raises(alur.ArgumentError, match="leave it out: ledger is given too"):
        register(program)
