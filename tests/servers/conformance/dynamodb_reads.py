"""DynamoDB: queries, batches of keys, limits of keys and items, and what is refused as malformed."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from alur_runtime.aws import error_code
from alur_runtime.ledger.items import HASH, RANGE, to_attributes
from tests.servers.conformance.suite import OK, Table, answer, behaviour

# In the order of their UTF-8 bytes. In UTF-16 the last two would change places.
ODD = ("!", "A", "a", "a b", "a%20b", "a+b", "a/b", "é", "日本", "\uff5e", "😀")


def _query(table: Table, partition: str = "t", prefix: str = "", **more: Any) -> list[dict[str, Any]]:
    """The pages of the ledger's `_query`."""
    condition, keys = f"{HASH} = :hash", {":hash": partition}
    if prefix:
        condition, keys = f"{condition} AND begins_with({RANGE}, :prefix)", {**keys, ":prefix": prefix}
    if "since" in more:
        condition = f"{HASH} = :hash AND {RANGE} BETWEEN :first AND :last"
        keys = {":hash": partition, ":first": prefix + more.pop("since"), ":last": f"{prefix}~"}
    values = {**to_attributes(keys), **more.pop("values", {})}
    request = {
        "TableName": table.name,
        "ConsistentRead": True,
        "ScanIndexForward": True,
        "KeyConditionExpression": condition,
        "ExpressionAttributeValues": values,
        **more,
    }
    pages = []
    while True:
        pages.append(table.client.query(**request))
        if "LastEvaluatedKey" not in pages[-1]:
            return pages
        request["ExclusiveStartKey"] = pages[-1]["LastEvaluatedKey"]


def _sorts(pages: list[dict[str, Any]]) -> list[str]:
    return [item[RANGE]["S"] for page in pages for item in page["Items"]]


@behaviour("dynamodb", "as UTF-8")
def a_query_is_in_the_order_of_utf8_bytes(table: Table) -> str:
    """Planning merges the ledger with the listing of S3, which has the same order."""
    for sort in reversed(ODD):
        table.put(sort)
    found = _sorts(_query(table))
    return "as UTF-8" if found == list(ODD) else f"{found}"


@behaviour("dynamodb", "['@run/2', '@run/1']")
def a_query_by_prefix_backwards(table: Table) -> str:
    """The latest runs come first, and of the other items none."""
    for sort in ("@batch/1", "@lease", "@run/1", "@run/2", "@runs"):
        table.put(sort)
    return str(_sorts(_query(table, prefix="@run/", ScanIndexForward=False)))


@behaviour("dynamodb", "['@batch/2-1', '@batch/9-9']")
def a_query_from_a_key_on(table: Table) -> str:
    """Batches that are known to be closed are not read again at every run."""
    for sort in ("@batch/1-9", "@batch/2-1", "@batch/9-9", "@lease", "@run/1"):
        table.put(sort)
    return str(_sorts(_query(table, prefix="@batch/", since="2-1")))


@behaviour("dynamodb", "every item once, in order, pages of at most 1 MB: True")
def a_query_has_pages_of_one_megabyte(table: Table) -> str:
    """A million file items are read in pages: none is missing, none comes twice."""
    wanted = [f"f{n:02}" for n in range(12)]
    for sort in wanted:
        table.put(sort, pad="x" * 250_000)
    pages = _query(table)
    small = len(pages) > 2 and all(len(page["Items"]) <= 5 for page in pages)
    return (
        f"{'every item once, in order' if _sorts(pages) == wanted else _sorts(pages)}, pages of at most 1 MB: {small}"
    )


@behaviour("dynamodb", "['b5'] after pages without items: True")
def a_filter_leaves_pages_empty(table: Table) -> str:
    """Open batches are filtered from all: a page without items is not the end."""
    for n in range(12):
        table.put(f"b{n:x}", status="processing" if n == 5 else "completed", pad="x" * 390_000)
    values = to_attributes({":processing": "processing", ":committed": "committed"})
    filtered = {"FilterExpression": "#status IN (:processing, :committed)"}
    pages = _query(table, prefix="b", values=values, ExpressionAttributeNames={"#status": "status"}, **filtered)
    empty = any(not page["Items"] and "LastEvaluatedKey" in page for page in pages)
    return f"{_sorts(pages)} after pages without items: {empty}"


@behaviour("dynamodb", "20 of 20 seen at once")
def a_read_sees_what_was_written_before(table: Table) -> str:
    """Strongly consistent reads: a run that starts after another has ended sees all that it wrote."""
    seen = 0
    for n in range(20):
        table.put(f"f{n}", n=n)
        seen += table.get(f"f{n}") == {"n": n} and _sorts(_query(table))[-1:] != []
    return f"{seen} of 20 seen at once"


# --- BatchGetItem -----------------------------------------------------------------------------------------------------


def _batch_get(table: Table, sorts: list[str]) -> dict[str, Any]:
    keys = [table.key(sort) for sort in sorts]
    found: dict[str, Any] = table.client.batch_get_item(
        RequestItems={table.name: {"Keys": keys, "ConsistentRead": True}}
    )
    return found


@behaviour("dynamodb", "100: 2 found, nothing left; 101: ValidationException; twice: ValidationException")
def a_batch_of_keys_has_at_most_100_different_ones(table: Table) -> str:
    """Files are looked up by the hundred; those without an item are simply not in the answer."""
    table.put("f3")
    table.put("f7")
    found = _batch_get(table, [f"f{n}" for n in range(100)])
    left = found.get("UnprocessedKeys", {}).get(table.name)
    hundred = f"{len(found['Responses'][table.name])} found, {'some' if left else 'nothing'} left"
    more = answer(_batch_get, table=table, sorts=[f"f{n}" for n in range(101)])
    return f"100: {hundred}; 101: {more}; twice: {answer(_batch_get, table=table, sorts=['f3', 'f3'])}"


@behaviour("dynamodb", "some left; all found in the end: True")
def a_batch_of_keys_answers_at_most_16_mb(table: Table) -> str:
    """Large items: what did not fit is in UnprocessedKeys and is asked for again."""
    wanted = [f"f{n:02}" for n in range(50)]
    for sort in wanted:
        table.put(sort, pad="x" * 390_000)
    found, asked, left_some = [], wanted, False
    while asked:
        answered = _batch_get(table, asked)
        found += [item[RANGE]["S"] for item in answered["Responses"].get(table.name, ())]
        asked = [k[RANGE]["S"] for k in answered.get("UnprocessedKeys", {}).get(table.name, {}).get("Keys", ())]
        left_some = left_some or bool(asked)
    return f"{'some' if left_some else 'nothing'} left; all found in the end: {sorted(found) == wanted}"


# --- limits -----------------------------------------------------------------------------------------------------------


@behaviour("dynamodb", "1024: ok, 1025: ValidationException, 1025 bytes of 513 letters: ValidationException")
def a_sort_key_has_at_most_1024_bytes(table: Table) -> str:
    """An S3 URI may have more: such file items have a shortened key."""
    tries = {"1024": "x" * 1024, "1025": "x" * 1025, "1025 bytes of 513 letters": "é" * 512 + "x"}
    return ", ".join(f"{name}: {answer(table.put, sort=sort)}" for name, sort in tries.items())


@behaviour("dynamodb", "ValidationException")
def a_sort_key_is_not_empty(table: Table) -> str:
    """No item of the ledger has an empty key."""
    return answer(table.put, sort="")


@behaviour("dynamodb", "ok, one more byte: ValidationException")
def an_item_has_at_most_400_kb(table: Table) -> str:
    """Names and values together: a file item that names very many objects does not fit."""
    pad = 400 * 1024 - len(HASH + "t" + RANGE + "f" + "pad")
    fits, more = (answer(table.put, sort="f", pad="x" * size) for size in (pad, pad + 1))
    return f"{fits}, one more byte: {more}"


@behaviour("dynamodb", "{'attempts': 1, 'error': '', 'expectations': {}, 'ratio': 0.25, 'versions': []}")
def values_come_back_as_they_were(table: Table) -> str:
    """Empty texts, lists and maps, whole and broken numbers."""
    table.put("f", error="", versions=(), expectations={}, attempts=1, ratio=0.25)
    return str(dict(sorted((table.get("f") or {}).items())))


@behaviour("dynamodb", "expires_at ENABLED; an expired item is read: True")
def an_expired_item_is_read_until_it_is_deleted(table: Table) -> str:
    """TTL is lazy (hours to days): an item past its time must be understood."""
    table.client.update_time_to_live(
        TableName=table.name, TimeToLiveSpecification={"AttributeName": "expires_at", "Enabled": True}
    )
    said = table.client.describe_time_to_live(TableName=table.name)["TimeToLiveDescription"]
    table.put("@run/1", expires_at=1_000_000_000)
    read = table.get("@run/1") is not None
    return f"{said.get('AttributeName')} {said['TimeToLiveStatus']}; an expired item is read: {read}"


# --- what is refused as malformed -------------------------------------------------------------------------------------


@behaviour("dynamodb", "value: ValidationException, name: ValidationException")
def what_an_expression_does_not_use_is_refused(table: Table) -> str:
    """A value or a name given and not used is an error at AWS: the fake must show it first."""
    update = {"TableName": table.name, "Key": table.key("f"), "UpdateExpression": "SET a = :a"}
    value = answer(table.client.update_item, **update, ExpressionAttributeValues=to_attributes({":a": 1, ":b": 2}))
    values = to_attributes({":a": 1})
    names = {"#n": "n"}
    name = answer(table.client.update_item, **update, ExpressionAttributeValues=values, ExpressionAttributeNames=names)
    return f"value: {value}, name: {name}"


@behaviour("dynamodb", "owner, status, token: refused; attempt, batch_seq, expires_at_ms, ledger_files: ok")
def reserved_words_are_refused_as_names(table: Table) -> str:
    """The ledger writes names that are reserved words as ``#name`` and the others as they are."""
    seen: dict[str, list[str]] = {}
    for name in ("owner", "status", "token", "attempt", "batch_seq", "expires_at_ms", "ledger_files"):
        done = answer(
            table.client.update_item,
            TableName=table.name,
            Key=table.key("f"),
            UpdateExpression=f"SET {name} = :a",
            ExpressionAttributeValues=to_attributes({":a": 1}),
        )
        seen.setdefault(OK if done == OK else "refused", []).append(name)
    return "; ".join(f"{', '.join(names)}: {done}" for done, names in seen.items())


@behaviour("dynamodb", "ResourceNotFoundException")
def a_table_that_is_not_there(table: Table) -> str:
    """A wrong name fails the run; nothing is taken for new."""
    try:
        _query(Table(table.client, "no-such-table"))
    except ClientError as error:
        return error_code(error)
    return OK
