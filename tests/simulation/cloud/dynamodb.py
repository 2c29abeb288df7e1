"""DynamoDB in memory: one table, with conditions, transactions, pages and limits."""

from __future__ import annotations

import zlib
from typing import Any, Final

import attrs

from tests.simulation.cloud import limits
from tests.simulation.cloud.answers import Clock, LimitBrokenError, client_error
from tests.simulation.cloud.expressions import ExpressionError, Item, Scope, apply_update, parse_condition
from tests.simulation.cloud.limits import HASH, RANGE

Key = tuple[str, str]
_TOKEN_SECONDS: Final = 600  # for so long a client token is remembered
_STALE_SECONDS: Final = 2.0  # for so long a read that is not consistent sees the past
_LAZY_SECONDS: Final = 2 * 86_400  # so late expired items may go: "typically within a few days", says AWS
_LOOK_SECONDS: Final = 3_600  # how often they are looked for


@attrs.define
class DynamoDb:
    """The state table.

    Attributes:
        clock: The cloud's.
        table: Its name.
        page: Items of a page of Query: small, so that there are many pages.
        expires: Attribute with the time to live; empty for none.
        items: By key.
        writes: Every write that took effect, in order: key, item before, item after.
    """

    clock: Clock
    table: str
    page: int = 2
    expires: str = ""
    items: dict[Key, Item] = attrs.field(factory=dict)
    writes: list[tuple[Key, Item | None, Item | None]] = attrs.field(factory=list)
    _tokens: dict[str, tuple[float, Any]] = attrs.field(factory=dict)
    _before: dict[Key, tuple[float, Item | None]] = attrs.field(factory=dict)
    _looked: float = 0.0

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """One request.

        Raises:
            ClientError: As DynamoDB answers.
            LimitBrokenError: If DynamoDB would refuse it as malformed.
        """
        if request.get("TableName", self.table) != self.table:
            raise client_error(operation, "ResourceNotFoundException", f"no table {request['TableName']}")
        if self.expires and self.clock.now - self._looked >= _LOOK_SECONDS:
            self._looked = self.clock.now
            self._delete_expired()
        try:
            return getattr(self, f"_{operation}")(request)  # type: ignore[no-any-return]
        except ExpressionError as error:
            raise LimitBrokenError(f"{operation}: {error}") from error

    def _delete_expired(self) -> None:
        """As AWS does: some at once, others days later; until then they are read and written like any other."""
        for key, item in list(self.items.items()):
            if "N" in item.get(self.expires, {}):
                lazy = zlib.crc32(repr(key).encode()) % _LAZY_SECONDS
                if float(item[self.expires]["N"]) + lazy < self.clock.now:
                    self._write(key, None)
                    del self._before[key]  # nobody reads what is long gone

    # --- one item -------------------------------------------------------------------------------------------------

    def _GetItem(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  (operations by their names)
        found = self._read(limits.check_key(request["Key"]), request)
        return {} if found is None else {"Item": found}

    def _PutItem(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        item = request["Item"]
        limits.check_item(item)
        key = item[HASH]["S"], item[RANGE]["S"]
        scope = _scope(request)
        self._check("PutItem", key, request, scope)
        self._write(key, item)
        return {}

    def _UpdateItem(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        key = limits.check_key(request["Key"])
        scope = _scope(request)
        after = self._updated(key, request, scope)
        self._check("UpdateItem", key, request, scope)
        limits.check_item(after)
        self._write(key, after)
        return {"Attributes": after} if request.get("ReturnValues") == "ALL_NEW" else {}

    def _updated(self, key: Key, request: dict[str, Any], scope: Scope) -> Item:
        """What an update makes of an item, or of none."""
        before: Item = self.items.get(key) or request["Key"]
        return apply_update(before, request["UpdateExpression"], scope, (HASH, RANGE))

    def _check(self, operation: str, key: Key, request: dict[str, Any], scope: Scope) -> None:
        holds = self._holds(key, request, scope)
        scope.check_all_used()
        if holds:
            return
        wanted = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        more: dict[str, Any] = {"Item": self.items[key]} if wanted and key in self.items else {}
        raise client_error(operation, "ConditionalCheckFailedException", "The conditional request failed", **more)

    def _holds(self, key: Key, request: dict[str, Any], scope: Scope) -> bool:
        text = request.get("ConditionExpression")
        return text is None or parse_condition(text)(self.items.get(key, {}), scope)

    def _write(self, key: Key, item: Item | None) -> None:
        before = self.items.get(key)
        self._before[key] = self.clock.now, before
        self.writes.append((key, before, item))
        if item is None:
            self.items.pop(key, None)
        else:
            self.items[key] = item

    def _read(self, key: Key, request: dict[str, Any]) -> Item | None:
        """An item; unless the read is to be consistent, for a while as it was before its last write."""
        written, before = self._before.get(key, (0.0, None))
        if not request.get("ConsistentRead") and self.clock.now - written < _STALE_SECONDS:
            return before
        return self.items.get(key)

    # --- many items -----------------------------------------------------------------------------------------------

    def _BatchGetItem(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        ((table, wanted),) = request["RequestItems"].items()
        if table != self.table:
            raise client_error("BatchGetItem", "ResourceNotFoundException")
        keys = [limits.check_key(k) for k in wanted["Keys"]]
        limits.check_batch_get(keys)
        found = [i for k in keys if (i := self._read(k, wanted)) is not None]
        return {"Responses": {table: found}, "UnprocessedKeys": {}}

    def _Query(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        scope = _scope(request)
        in_key = parse_condition(request["KeyConditionExpression"])
        keep = parse_condition(request["FilterExpression"]) if "FilterExpression" in request else None
        found = [(k, item) for k in self._keys() if (item := self._read(k, request)) is not None]
        found = [(k, item) for k, item in found if in_key(_key_of(k), scope)]
        if keep is not None:
            keep(_key_of(("x", "x")), scope)  # its names and values count as used whether anything is found or not
        in_key(_key_of(("x", "x")), scope)
        scope.check_all_used()
        if not request.get("ScanIndexForward", True):
            found.reverse()
        if start := request.get("ExclusiveStartKey"):
            after = limits.check_key(start)[1].encode()
            forward = request.get("ScanIndexForward", True)
            found = [(k, i) for k, i in found if (k[1].encode() > after if forward else k[1].encode() < after)]
        page = found[: min(self.page, request.get("Limit", self.page))]
        items = [item for _, item in page if keep is None or keep(item, scope)]
        # A page that is full says that there may be more, whether there is or not.
        more = {"LastEvaluatedKey": _key_of(page[-1][0])} if len(page) == self.page else {}
        return {"Items": items, "Count": len(items), "ScannedCount": len(page), **more}

    def _keys(self) -> list[Key]:
        return sorted({*self.items, *self._before}, key=lambda k: (k[0], k[1].encode()))

    # --- transactions ---------------------------------------------------------------------------------------------

    def _TransactWriteItems(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        token, writes = request.get("ClientRequestToken", ""), request["TransactItems"]
        keys = [_target(write) for write in writes]
        size = sum(limits.size_of(w["Put"]["Item"]) for w in writes if "Put" in w)
        limits.check_transaction(keys, size, token)
        said, known = self._tokens.get(token, (0.0, None))
        if known is not None and self.clock.now - said <= _TOKEN_SECONDS:
            if known != writes:
                raise LimitBrokenError("a client token used for two different transactions")
            return {}
        reasons = []
        updated: dict[Key, Item] = {}
        for write, key in zip(writes, keys, strict=True):
            ((action, body),) = write.items()
            if action not in ("Put", "Update", "ConditionCheck"):
                raise LimitBrokenError(f"{action} in a transaction is not simulated")
            scope = _scope(body)
            if action == "Update":
                updated[key] = self._updated(key, body, scope)
            holds = self._holds(key, body, scope)
            scope.check_all_used()
            reasons.append({"Code": "None"} if holds else {"Code": "ConditionalCheckFailed", "Message": "failed"})
        if any(r["Code"] != "None" for r in reasons):
            raise client_error(
                "TransactWriteItems", "TransactionCanceledException", "cancelled", CancellationReasons=reasons
            )
        for write, key in zip(writes, keys, strict=True):
            if "Put" in write:
                limits.check_item(write["Put"]["Item"])
                self._write(key, write["Put"]["Item"])
            if "Update" in write:
                limits.check_item(updated[key])
                self._write(key, updated[key])
        if token:
            self._tokens[token] = (self.clock.now, writes)
        return {}


def _scope(request: dict[str, Any]) -> Scope:
    return Scope(request.get("ExpressionAttributeNames", {}), request.get("ExpressionAttributeValues", {}))


def _key_of(key: Key) -> Item:
    return {HASH: {"S": key[0]}, RANGE: {"S": key[1]}}


def _target(write: dict[str, Any]) -> Key:
    ((_, body),) = write.items()
    key = body["Key"] if "Key" in body else {name: body["Item"][name] for name in (HASH, RANGE)}
    return limits.check_key(key)
