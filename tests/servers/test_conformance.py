"""Every implementation does as AWS does, or otherwise in just the way that is recorded: a change of either shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from alur_runtime.ledger.ledger import Ledger
from alur_runtime.model import BatchItem, BatchStatus, FileItem, FileStatus, Learnt, Lease, RunItem
from tests.servers.conformance.behaviours import BEHAVIOURS
from tests.servers.conformance.differences import DIFFERENCES
from tests.servers.conformance.implementations import IMPLEMENTATIONS, SERVICES, Implementation
from tests.servers.conformance.suite import Behaviour, Table

# The first test that wants a server may have to build it.
pytestmark = pytest.mark.timeout(1800)

_EXPRESSIONS = ("ConditionExpression", "UpdateExpression", "KeyConditionExpression", "FilterExpression")


PAIRS = [
    pytest.param(name, behaviour, id=f"{name}-{behaviour.service}: {behaviour.name}")
    for name, services in SERVICES.items()
    for behaviour in BEHAVIOURS
    if behaviour.service in services
]


@pytest.mark.parametrize(("name", "behaviour"), PAIRS)
def test_as_recorded(started: Callable[[str], Implementation], name: str, behaviour: Behaviour) -> None:
    implementation = started(name)
    seen = implementation.see(behaviour)
    known = DIFFERENCES.get((implementation.name, behaviour.name))
    if known is None:
        assert behaviour.is_as_aws(seen), f"{implementation.name}: {seen!r}, AWS: {behaviour.aws}; {behaviour.why}"
    else:
        assert seen == known.seen, f"{implementation.name} has changed: correct differences.py"


def test_differences_are_of_known_behaviours_and_are_differences() -> None:
    by_name = {b.name: b for b in BEHAVIOURS}
    for (implementation, name), known in DIFFERENCES.items():
        assert implementation in IMPLEMENTATIONS
        assert not by_name[name].is_as_aws(known.seen), name


def test_every_implementation_is_tried() -> None:
    assert SERVICES.keys() == IMPLEMENTATIONS.keys()
    assert {b.service for b in BEHAVIOURS} == {service for services in SERVICES.values() for service in services}


def test_the_suite_uses_the_expressions_of_the_ledger() -> None:
    """Else the suite would show that other expressions work than those that count."""
    tried: set[str] = set()
    used: set[str] = set()
    with IMPLEMENTATIONS["embedded AWS"]() as implementation:
        make = implementation.places["dynamodb"]
        for behaviour in BEHAVIOURS:
            if behaviour.service == "dynamodb":
                behaviour.see(_recording(make(), tried))
        table = _recording(make(), used)
        _use_ledger(Ledger(table.client, table.name, "t", 2))
    assert used, "nothing was recorded"
    assert used <= tried


def _recording(table: Table, into: set[str]) -> Table:
    def record(params: dict[str, Any], **_: Any) -> None:
        for body in (params, *(b for write in params.get("TransactItems", ()) for b in write.values())):
            into.update(body[name] for name in _EXPRESSIONS if name in body)

    table.client.meta.events.unregister("before-parameter-build.dynamodb.*", unique_id="recording")
    table.client.meta.events.register("before-parameter-build.dynamodb.*", record, unique_id="recording")
    return table


def _use_ledger(ledger: Ledger) -> None:
    """Call every operation of the ledger."""
    lease = ledger.try_lease("me", 60)
    assert isinstance(lease, Lease)
    ledger.renew_lease("me", 60)
    ledger.put_run(RunItem("r", 1, 1), 90)
    ledger.heartbeat("r", 2)
    assert [run.run_id for run in ledger.runs(5)] == ["r"]
    first = BatchItem("000000000001-00001", BatchStatus.PROCESSING, "me", 1, "s3://b/plan", 1, 1, 1)
    second = BatchItem("000000000001-00002", BatchStatus.PROCESSING, "me", 1, "s3://b/plan", 1, 1, 1)
    ledger.create_batches([first, second], lease)
    assert len(ledger.open_batches()) == 2
    assert ledger.open_batches(second.seq) == [second]
    committed = ledger.commit(ledger.adopt(first, "you"), "s3://b/commit")
    ledger.complete(ledger.commit(ledger.reopen(committed, "me"), "s3://b/commit"), 90)
    ledger.give_up(second, "why", 90)
    item = FileItem("s3://b/f", FileStatus.COMPLETED, "e", 1, 1, "s", "new", first.seq, "r", 1)
    ledger.put_files([item])
    assert list(ledger.files()) == [item]
    assert ledger.get_files([item.uri]) == {item.uri: item}
    ledger.release_lease("me", Learnt(ledger_files=1))
    ledger.release_lease("me", Learnt())
