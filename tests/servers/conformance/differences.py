"""Where an implementation does not do as AWS does: what it does instead, why AWS is right, what follows from it.

AWS is what its documentation says (DynamoDB, S3 and Glue API references and their pages on limits). Nothing in here is
asserted to be harmless: it says what tests on that implementation cannot show.
"""

from __future__ import annotations

from typing import Final

import attrs


@attrs.frozen
class Difference:
    """Of an implementation in a behaviour.

    Attributes:
        seen: What it comes to there.
        why: What AWS says, and what that means for tests there.
    """

    seen: str
    why: str


_MOTO_LIMIT = "AWS refuses it; moto does not count. Tests on it do not find a request that is too large"
_QUIET = "S3: with Quiet, only failures are named. The runtime reads failures only, so nothing hangs on it"
_A_1001ST_KEY = "S3 takes at most 1,000 keys a DeleteObjects. Tests there do not find a call that has more"
_LEFT_OUT = "The runtime does not call it, so the simulation does not have it"

DIFFERENCES: Final[dict[tuple[str, str], Difference]] = {
    ("embedded AWS", "a client token makes a repeat a success"): Difference(
        "ok, again TransactionCanceledException ConditionalCheckFailed, value 1",
        "DynamoDB: a repeat under the same token within ten minutes changes nothing and succeeds. moto takes the token "
        "and forgets it: a lost answer of a transaction looks as if another run had been first",
    ),
    ("embedded AWS", "a client token is for one request"): Difference(
        "ok", "DynamoDB: IdempotentParameterMismatchException. moto forgets tokens, see the behaviour before"
    ),
    ("embedded AWS", "a transaction has at most 4 mb"): Difference("ok; 4.3 MB: ok", _MOTO_LIMIT),
    ("embedded AWS", "an item has at most 400 kb"): Difference(
        "ValidationException, one more byte: ValidationException",
        "DynamoDB: 400 KB, names and values. moto counts the JSON of the item, so it refuses a little before AWS does",
    ),
    ("embedded AWS", "a listing has pages of 1000"): Difference(
        "1000, then 1; asked for 5000: 1001",
        "S3: 1,000 at most, however many are asked for. The runtime asks for no number",
    ),
    ("embedded AWS", "a key has at most 1024 bytes"): Difference(
        "1024: ok, 1025: ok, 1025 in folders: ok", _MOTO_LIMIT
    ),
    ("embedded AWS", "deleting what is gone is no error"): Difference("errors 0, deleted named 8, left ['c']", _QUIET),
    ("embedded AWS", "a deletion has at most 1000 keys"): Difference("1000: ok, 1001: ok", _A_1001ST_KEY),
    ("embedded AWS", "a call deletes at most 25"): Difference("25: ok, 26: ok", _MOTO_LIMIT),
    ("embedded AWS", "a copy of a version"): Difference(
        "ok b'one' mark, overwritten: ok, gone: NoSuchKey",
        "S3: PreconditionFailed. moto takes CopySourceIfMatch and forgets it, so that tests on it do not find a repair "
        "that copies a version other than the one it has looked at; versitygw and the simulation refuse it",
    ),
    ("embedded AWS", "pending uploads are listed by prefix and in pages"): Difference(
        "['in/b', 'in/a', 'in/b']",
        "S3: in the order of keys, and of one key as they were begun. moto: as they were begun. Nothing of the runtime "
        "hangs on the order",
    ),
    ("embedded AWS", "a part of an aborted upload"): Difference(
        "500", "S3: NoSuchUpload. moto fails with a KeyError; the runtime stops the batch either way"
    ),
    ("DynamoDB Local", "a filter leaves pages empty"): Difference(
        "['b5'] after pages without items: False",
        "DynamoDB: a page ends at 1 MB of what was read, before the filter, so it may hold no items and yet not be the "
        "last. DynamoDB Local counts what is left after it. The embedded AWS and the simulation show such pages",
    ),
    ("versitygw", "a key may be the folder of another"): Difference(
        "a/: ObjectParentIsFile",
        "S3: keys are names. versitygw keeps objects as files, where `a` cannot be both file and folder",
    ),
    ("versitygw", "a key has at most 1024 bytes"): Difference(
        "1024: KeyTooLongError, 1025: KeyTooLongError, 1025 in folders: ok",
        "S3: 1,024 bytes in all. versitygw keeps objects as files, whose names have 255 bytes between slashes. "
        "No server here refuses a key that is too long by its folders: only the simulation does",
    ),
    ("versitygw", "pending uploads are listed by prefix and in pages"): Difference(
        "ListMultipartUploads: InvalidArgument",
        "S3: the markers of a page lead to the next one. versitygw refuses its own. Up to 1,000 uploads are one page "
        "there too: tests on it leave no more",
    ),
    ("versitygw", "deleting what is gone is no error"): Difference("errors 0, deleted named 8, left ['c']", _QUIET),
    ("versitygw", "a deletion has at most 1000 keys"): Difference("1000: ok, 1001: ok", _A_1001ST_KEY),
    ("simulation", "a batch of keys answers at most 16 mb"): Difference(
        "nothing left; all found in the end: True",
        "DynamoDB: 16 MB an answer, the rest in UnprocessedKeys. The simulation leaves keys out as one of its faults, "
        "at random and of any size",
    ),
    ("simulation", "an expired item is read until it is deleted"): Difference(
        "UpdateTimeToLive: NotSimulated", f"{_LEFT_OUT}; nothing expires in it, as nothing may for hours at AWS"
    ),
}
"""By implementation and behaviour; every other behaviour is as AWS's."""
