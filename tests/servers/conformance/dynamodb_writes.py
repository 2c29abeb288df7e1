"""DynamoDB: conditional writes and transactions, with the very expressions of the ledger."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError

from alur_runtime.aws import error_code
from alur_runtime.ledger.items import HASH, from_attributes, to_attributes
from tests.servers.conformance.suite import OK, Table, answer, behaviour

LEASE = "@lease"


def _lease(table: Table, owner: str, now: int, until: int, **more: Any) -> dict[str, Any]:
    """The ledger's `try_lease`."""
    answered: dict[str, Any] = table.client.update_item(
        TableName=table.name,
        Key=table.key(LEASE),
        UpdateExpression="SET #owner = :me, expires_at_ms = :until ADD #token :count",
        ConditionExpression="attribute_not_exists(#owner) OR expires_at_ms < :now",
        ExpressionAttributeNames={"#owner": "owner", "#token": "token"},
        ExpressionAttributeValues=to_attributes({":me": owner, ":until": until, ":now": now, ":count": 1}),
        ReturnValues="ALL_NEW",
        **more,
    )
    return answered


def _update_lease(table: Table, owner: str, update: str, **values: Any) -> str:
    return answer(
        table.client.update_item,
        TableName=table.name,
        Key=table.key(LEASE),
        UpdateExpression=update,
        ConditionExpression="#owner = :me",
        ExpressionAttributeNames={"#owner": "owner"},
        ExpressionAttributeValues=to_attributes({":me": owner, **{f":{k}": v for k, v in values.items()}}),
    )


def _move(table: Table, before: tuple[str, int, str], **after: Any) -> dict[str, Any]:
    """The ledger's `_move` of a batch; the error's answer if it is refused."""
    owner, attempt, status = before
    try:
        found: dict[str, Any] = table.client.put_item(
            TableName=table.name,
            Item=to_attributes({**_plain_key("@batch/1"), **after}),
            ConditionExpression="#owner = :owner AND attempt = :attempt AND #status = :status",
            ExpressionAttributeNames={"#owner": "owner", "#status": "status"},
            ExpressionAttributeValues=to_attributes({":owner": owner, ":attempt": attempt, ":status": status}),
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ClientError as error:
        return dict(error.response)
    return found


def _plain_key(sort: str) -> dict[str, str]:
    return {HASH: "t", "file_path": sort}


def _transact(table: Table, writes: list[dict[str, Any]], token: str | None = None) -> str:
    """`ok`, or the error and the codes of its reasons."""
    try:
        table.client.transact_write_items(TransactItems=writes, ClientRequestToken=token or str(uuid.uuid4()))
    except ClientError as error:
        reasons = [str(reason.get("Code")) for reason in error.response.get("CancellationReasons", ())]
        return " ".join([error_code(error), *reasons])
    return OK


def _file(table: Table, seq: str, sort: str = "s3://b/f", attempt: int = 1, **more: Any) -> dict[str, Any]:
    """The ledger's write of a file item."""
    older = "attribute_not_exists(batch_seq) OR batch_seq < :seq OR (batch_seq = :seq AND batch_attempt < :attempt)"
    return table.write(sort, older, {":seq": seq, ":attempt": attempt}, batch_seq=seq, batch_attempt=attempt, **more)


def _expiry(table: Table, sort: str, update: str, **values: Any) -> dict[str, Any]:
    """The ledger's update of a file item's time to live, as it was read under sequence 5."""
    same = {":seq": "5", ":attempt": 1, **{f":{name}": value for name, value in values.items()}}
    return {
        "Update": {
            "TableName": table.name,
            "Key": table.key(sort),
            "UpdateExpression": update,
            "ConditionExpression": "batch_seq = :seq AND batch_attempt = :attempt",
            "ExpressionAttributeValues": to_attributes(same),
        }
    }


# --- the lease --------------------------------------------------------------------------------------------------------


@behaviour("dynamodb", "ok token=1")
def an_update_makes_an_item_that_is_not_there(table: Table) -> str:
    """The first run ever takes a lease that no item stands for; ADD counts from 0."""
    found = from_attributes(_lease(table, "a", now=10, until=20)["Attributes"])
    return f"{OK} token={found['token']}"


@behaviour("dynamodb", "ConditionalCheckFailedException held by a token=1")
def a_refused_update_gives_the_item_as_it_is(table: Table) -> str:
    """A run whose own success was lost on the way must recognise itself in the refusal."""
    _lease(table, "a", now=10, until=20)
    try:
        _lease(table, "b", now=15, until=30, ReturnValuesOnConditionCheckFailure="ALL_OLD")
    except ClientError as error:
        found = from_attributes(error.response.get("Item", {}))
        return f"{error_code(error)} held by {found.get('owner')} token={found.get('token')}"
    return OK


@behaviour("dynamodb", "no item")
def a_refused_update_gives_no_item_unasked(table: Table) -> str:
    """Without ReturnValuesOnConditionCheckFailure the item is not in the answer: so it has to be asked for."""
    _lease(table, "a", now=10, until=20)
    try:
        _lease(table, "b", now=15, until=30)
    except ClientError as error:
        return "an item" if error.response.get("Item") else "no item"
    return OK


@behaviour("dynamodb", "ok token=2")
def an_expired_lease_is_taken(table: Table) -> str:
    """Numbers are compared as numbers: 9 is before 10."""
    _lease(table, "a", now=1, until=9)
    return f"{OK} token={from_attributes(_lease(table, 'b', now=10, until=20)['Attributes'])['token']}"


@behaviour("dynamodb", "ok {'ledger_files': 7, 'token': 1}, token=2, ok {'ledger_files': 7, 'token': 2}")
def attributes_are_removed_and_set_in_one_update(table: Table) -> str:
    """Giving a lease back removes its owner; the next run takes it though `expires_at_ms` is not there to compare."""
    _lease(table, "a", now=10, until=20)
    first = _update_lease(table, "a", "REMOVE #owner, expires_at_ms SET ledger_files = :ledger_files", ledger_files=7)
    left = dict(sorted((table.get(LEASE) or {}).items()))
    token = from_attributes(_lease(table, "b", now=11, until=30)["Attributes"])["token"]
    last = _update_lease(table, "b", "REMOVE #owner, expires_at_ms")
    return f"{first} {left}, token={token}, {last} {dict(sorted((table.get(LEASE) or {}).items()))}"


@behaviour("dynamodb", "ConditionalCheckFailedException; item None")
def a_refused_update_makes_no_item(table: Table) -> str:
    """A comparison with an attribute that is not there is false."""
    return f"{_update_lease(table, 'a', 'SET expires_at_ms = :until', until=9)}; item {table.get(LEASE)}"


@behaviour("dynamodb", "1 winner of 8, token=1")
def of_updates_at_once_one_wins(table: Table) -> str:
    """Two runs start in the same moment: one plans."""
    barrier = threading.Barrier(8)

    def take(owner: str) -> str:
        barrier.wait()
        return answer(_lease, table=table, owner=owner, now=10, until=20)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(take, "abcdefgh"))
    return f"{answers.count(OK)} winner of {len(answers)}, token={(table.get(LEASE) or {}).get('token')}"


# --- batches ----------------------------------------------------------------------------------------------------------


@behaviour("dynamodb", "ok; {'attempt': 2, 'owner': 'b', 'status': 'processing'}")
def a_put_replaces_the_item_whole(table: Table) -> str:
    """A batch's item is written whole: what the new one lacks is gone."""
    table.put("@batch/1", owner="a", attempt=1, status="processing", error="gone")
    done = _move(table, ("a", 1, "processing"), owner="b", attempt=2, status="processing")
    return (
        f"{OK if 'Error' not in done else done['Error']['Code']}; {dict(sorted((table.get('@batch/1') or {}).items()))}"
    )


@behaviour("dynamodb", "owner: refused, attempt: refused, status: refused, all: ok")
def each_part_of_a_condition_counts(table: Table) -> str:
    """The commit names owner, attempt and status: a zombie has one of them wrong."""
    seen = []
    tries = {
        "owner": ("z", 1, "open"),
        "attempt": ("a", 2, "open"),
        "status": ("a", 1, "done"),
        "all": ("a", 1, "open"),
    }
    table.put("@batch/1", owner="a", attempt=1, status="open")
    for name, before in tries.items():
        refused = "Error" in _move(table, before, owner="a", attempt=1, status="open")
        seen.append(f"{name}: {'refused' if refused else OK}")
    return ", ".join(seen)


@behaviour("dynamodb", "ConditionalCheckFailedException {'attempt': 3, 'owner': 'b', 'status': 'open'}")
def a_refused_put_gives_the_item_as_it_is(table: Table) -> str:
    """A commit whose answer was lost recognises itself in the refusal of its repeat."""
    table.put("@batch/1", owner="b", attempt=3, status="open")
    refused = _move(table, ("a", 2, "open"), owner="a", attempt=2, status="done")
    found = from_attributes(refused.get("Item", {}))
    return f"{refused['Error']['Code']} { {k: found[k] for k in sorted(found) if k not in _plain_key('')} }"


@behaviour("dynamodb", "ConditionalCheckFailedException, no item")
def a_refused_put_of_nothing_gives_no_item(table: Table) -> str:
    """A batch that has expired or never was: fenced off, not an error of another kind."""
    refused = _move(table, ("a", 1, "open"), owner="a", attempt=1, status="done")
    return f"{refused['Error']['Code']}, {'an item' if refused.get('Item') else 'no item'}"


@behaviour("dynamodb", "ConditionalCheckFailedException")
def a_number_is_not_its_text(table: Table) -> str:
    """Types are part of a value: an attempt written as text would never commit."""
    table.put("@batch/1", owner="a", attempt="1", status="open")
    return str(_move(table, ("a", 1, "open"), owner="a", attempt=1, status="done")["Error"]["Code"])


@behaviour(
    "dynamodb", "not there: ConditionalCheckFailedException, None; there: ok, {'n': 1, 'lease_expires_at_ms': 5}"
)
def an_update_of_what_is_there_only(table: Table) -> str:
    """The heartbeat: a run that lives through a restore of the ledger leaves no half item in it."""
    heartbeat = {
        "TableName": table.name,
        "Key": table.key("@run/1"),
        "UpdateExpression": "SET lease_expires_at_ms = :until",
        "ConditionExpression": f"attribute_exists({HASH})",
        "ExpressionAttributeValues": to_attributes({":until": 5}),
    }
    absent = f"{answer(table.client.update_item, **heartbeat)}, {table.get('@run/1')}"
    table.put("@run/1", n=1)
    there = answer(table.client.update_item, **heartbeat)
    found = table.get("@run/1") or {}
    return f"not there: {absent}; there: {there}, {dict(sorted(found.items(), reverse=True))}"


# --- transactions -----------------------------------------------------------------------------------------------------


@behaviour("dynamodb", "TransactionCanceledException None ConditionalCheckFailed None; written: 0")
def a_transaction_is_all_or_nothing_with_reasons_in_order(table: Table) -> str:
    """Of a hundred file items some are newer in the ledger: which ones is known by their position."""
    table.put("s3://b/2", batch_seq="7")
    done = _transact(table, [_file(table, "5", f"s3://b/{n}") for n in (1, 2, 3)])
    return f"{done}; written: {sum(table.get(f's3://b/{n}') is not None for n in (1, 3))}"


@behaviour(
    "dynamodb", "absent ok, smaller ok, equal refused, larger refused, earlier attempt ok, later attempt refused"
)
def texts_are_ordered_in_conditions(table: Table) -> str:
    """File items are written only over those of a smaller batch sequence, or of an earlier attempt at the batch."""
    seq = "000000000010-00001"
    table.put("s3://b/smaller", batch_seq="000000000002-00001", batch_attempt=9)
    table.put("s3://b/equal", batch_seq=seq, batch_attempt=2)
    table.put("s3://b/larger", batch_seq="000000000010-00002", batch_attempt=1)
    table.put("s3://b/earlier attempt", batch_seq=seq, batch_attempt=1)
    table.put("s3://b/later attempt", batch_seq=seq, batch_attempt=10)
    seen = []
    for name in ("absent", "smaller", "equal", "larger", "earlier attempt", "later attempt"):
        done = _transact(table, [_file(table, seq, f"s3://b/{name}", 2)])
        seen.append(f"{name} {OK if done == OK else 'refused'}")
    return ", ".join(seen)


@behaviour(
    "dynamodb", "as read ok, written since refused, gone refused; then {'batch_attempt': 1, 'expires_at': 9}, None"
)
def an_update_in_a_transaction_of_what_was_read(table: Table) -> str:
    """A file item gets its time to live only if it is as it was read; of one that is gone no half item is made."""
    table.put("s3://b/as read", batch_seq="5", batch_attempt=1)
    table.put("s3://b/written since", batch_seq="6", batch_attempt=1)
    seen = []
    for name in ("as read", "written since", "gone"):
        done = _transact(table, [_expiry(table, f"s3://b/{name}", "SET expires_at = :until", until=9)])
        seen.append(f"{name} {OK if done == OK else 'refused'}")
    found = table.get("s3://b/as read") or {}
    kept = {name: found.get(name) for name in ("batch_attempt", "expires_at")}
    return f"{', '.join(seen)}; then {kept}, {table.get('s3://b/gone')}"


@behaviour("dynamodb", "ok {'batch_attempt': 1, 'batch_seq': '5'}, again ok")
def an_update_that_takes_an_attribute_away(table: Table) -> str:
    """A file that has come back: its item is kept for good again."""
    table.put("s3://b/f", batch_seq="5", batch_attempt=1, expires_at=9)
    done = _transact(table, [_expiry(table, "s3://b/f", "REMOVE expires_at")])
    left = dict(sorted((table.get("s3://b/f") or {}).items()))
    return f"{done} {left}, again {_transact(table, [_expiry(table, 's3://b/f', 'REMOVE expires_at')])}"


@behaviour("dynamodb", "lease lost: TransactionCanceledException ConditionalCheckFailed None; held: ok")
def a_check_of_another_item_fences_a_creation(table: Table) -> str:
    """Batches are created only under the planning token they were planned with."""
    table.put(LEASE, token=4)

    def create(token: int) -> str:
        check = {
            "TableName": table.name,
            "Key": table.key(LEASE),
            "ConditionExpression": "#token = :token",
            "ExpressionAttributeNames": {"#token": "token"},
            "ExpressionAttributeValues": to_attributes({":token": token}),
        }
        batch = table.write(f"@batch/{token}", f"attribute_not_exists({HASH})", attempt=1)
        return _transact(table, [{"ConditionCheck": check}, batch])

    return f"lease lost: {create(3)}; held: {create(4)}"


@behaviour("dynamodb", "ok, again ok, value 1")
def a_client_token_makes_a_repeat_a_success(table: Table) -> str:
    """The answer of a transaction is lost, boto3 sends it again: its own conditions must not refuse it."""
    writes = [_file(table, "5", value=1)]
    token = str(uuid.uuid4())
    first, again = _transact(table, writes, token), _transact(table, writes, token)
    return f"{first}, again {again}, value {(table.get('s3://b/f') or {}).get('value')}"


@behaviour("dynamodb", "IdempotentParameterMismatchException")
def a_client_token_is_for_one_request(table: Table) -> str:
    """A token used for other writes is an error, not a silent success: every `transact` makes its own."""
    token = str(uuid.uuid4())
    _transact(table, [_file(table, "5", value=1)], token)
    return _transact(table, [_file(table, "6", value=2)], token)


@behaviour("dynamodb", "TransactionCanceledException ConditionalCheckFailed, then ok")
def a_cancelled_transaction_does_not_use_its_token_up(table: Table) -> str:
    """After a conflict the runtime sends the same writes under the same token again."""
    table.put("s3://b/f", batch_seq="7")
    writes, token = [_file(table, "5")], str(uuid.uuid4())
    first = _transact(table, writes, token)
    table.put("s3://b/f", batch_seq="3")
    return f"{first}, then {_transact(table, writes, token)}"


@behaviour("dynamodb", "100: ok, 101: ValidationException")
def a_transaction_has_at_most_100_writes(table: Table) -> str:
    """File items are written by the hundred, batches by 99 beside the check of the lease."""
    seen = [f"{n}: {_transact(table, [_file(table, '5', f's3://b/{n}/{i}') for i in range(n)])}" for n in (100, 101)]
    return ", ".join(seen)


@behaviour("dynamodb", "ValidationException")
def a_transaction_has_one_write_of_an_item(table: Table) -> str:
    """A commit names a file once; two writes of one item would be refused for ever."""
    return _transact(table, [_file(table, "5"), _file(table, "6")])


@behaviour("dynamodb", "ok; 4.3 MB: ValidationException")
def a_transaction_has_at_most_4_mb(table: Table) -> str:
    """File items with many outputs are large: a hundred of them may be more than a transaction holds."""

    def of(count: int) -> str:
        return _transact(table, [_file(table, "5", f"s3://b/{count}/{n}", pad="x" * 215_000) for n in range(count)])

    return f"{of(19)}; 4.3 MB: {of(20)}"


@behaviour("dynamodb", "1 winner of 6; 4 of 4 written by it")
def of_transactions_at_once_one_wins(table: Table) -> str:
    """Two runs roll the same batch forward: no mix of theirs, whatever conflicts are answered meanwhile."""
    barrier = threading.Barrier(6)

    def write(number: int) -> bool:
        barrier.wait()
        order = sorted(range(4), reverse=number % 2 == 0)
        writes = [table.write(f"f/{n}", f"attribute_not_exists({HASH})", by=number) for n in order]
        while "TransactionConflict" in (done := _transact(table, writes)) or "InProgress" in done:
            pass
        return done == OK

    with ThreadPoolExecutor(6) as pool:
        won = [number for number, done in enumerate(pool.map(write, range(6))) if done]
    written = [(table.get(f"f/{n}") or {}).get("by") for n in range(4)]
    return f"{len(won)} winner of 6; {sum(by in won for by in written)} of 4 written by it"
