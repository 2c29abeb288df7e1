"""The test of the test: the protocol without one of its guards at a time. Each must make the simulation fail."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from alur_runtime.kernel import work
from alur_runtime.ledger.ledger import Ledger
from alur_runtime.model import BatchStatus
from alur_runtime.run import ingest, plan
from alur_runtime.run.publish import Publisher
from alur_runtime.run.recover import Recovery
from alur_runtime.table import store
from tests.simulation import weaker
from tests.simulation.many import on_all_cores
from tests.simulation.play import Play, play
from tests.simulation.schedule import schedule_of
from tests.simulation.seams import seams


@attrs.frozen
class Mutant:
    """The runtime without a guard.

    Attributes:
        name: Short.
        guard: What is taken away, as a sentence.
        within: Seeds within which it must be found.
        change: What becomes of its requests.
        patch: What becomes of its code.
    """

    name: str
    guard: str
    within: int = 2000
    change: weaker.Changer = weaker.as_it_is
    patch: weaker.Patch = contextlib.nullcontext

    def prepare(self, play: Play) -> None:
        """Let the requests of a play be changed."""
        play.network.change_request = self.change


_COMMITTED, _PROCESSING = BatchStatus.COMMITTED, BatchStatus.PROCESSING

MUTANTS: Final = (
    Mutant(
        "commit: owner and attempt",
        "a commit asks for its owner and attempt",
        change=weaker.move_without(_COMMITTED, weaker.OWNER, weaker.ATTEMPT),
    ),
    Mutant("commit: status", "a commit asks for the status", change=weaker.move_without(_COMMITTED, weaker.STATUS)),
    Mutant(
        "adopt: owner and attempt",
        "an adoption asks for the owner and attempt that were read",
        change=weaker.move_without(_PROCESSING, weaker.OWNER, weaker.ATTEMPT),
    ),
    Mutant("adopt: status", "an adoption asks for the status", change=weaker.move_without(_PROCESSING, weaker.STATUS)),
    Mutant("own commit", "a commit whose answer was lost is known again", change=weaker.tells_nothing),
    Mutant(
        "file items",
        "a file item is written only over one of a smaller sequence",
        change=weaker.transaction_without(sequence=True),
    ),
    Mutant(
        "create: lease",
        "batches are created only under the current planning token",
        change=weaker.transaction_without(check=True),
    ),
    Mutant(
        "create: once",
        "a batch is created once: it must not exist, and the client token",
        within=6000,
        change=weaker.both(weaker.transaction_without(absent=True), weaker.tokenless),
    ),
    Mutant(
        "own creation",
        "a creation whose answer was lost is known again: by client token, or by the batch",
        change=weaker.tokenless,
        patch=weaker.patched(Ledger, "_were_created", weaker.refused),
    ),
    Mutant(
        "pending",
        "uploads are completed after the commit only",
        patch=weaker.patched(store.PendingUpload, "finish", weaker.finish_at_once),
    ),
    Mutant("If-Match", "a file is read at the version that was listed", change=weaker.unpinned),
    Mutant(
        "shared objects",
        "files wait whose object an open batch rewrites",
        patch=weaker.patched(ingest, "busy_of", weaker.busy_with_files_only),
    ),
    Mutant(
        "groups",
        "files that share an object are in one batch",
        patch=weaker.patched(plan, "groups_of", lambda members, _: [[m] for m in members]),
    ),
    Mutant(
        "read order",
        "open batches are read before file items",
        patch=weaker.patched(ingest._Run, "_survey", weaker.survey_files_first),
    ),
    Mutant("consistent reads", "the ledger is read consistently", change=weaker.inconsistent),
    Mutant(
        "forward: old first",
        "old rows go before new ones come",
        patch=weaker.forward_in("quarantine", "objects", "rewrites", "deletes", "partitions", "index", "close"),
    ),
    Mutant(
        "forward: indexed, then closed",
        "a batch is closed only once its file items are written",
        patch=weaker.forward_in("quarantine", "rewrites", "deletes", "objects", "partitions", "close", "index"),
    ),
    Mutant(
        "forward: registered, then closed",
        "a batch is closed only once its partitions are registered",
        patch=weaker.forward_in("quarantine", "rewrites", "deletes", "objects", "index", "close", "partitions"),
    ),
    Mutant(
        "forward: quarantine, then closed",
        "a batch is closed only once its bad rows are visible",
        patch=weaker.forward_in("rewrites", "deletes", "objects", "partitions", "index", "close", "quarantine"),
    ),
    Mutant(
        "mark",
        "an upload that is gone is told from one that is completed",
        patch=weaker.patched(store.TableStore, "complete", weaker.is_done),
    ),
    Mutant(
        "finished by another",
        "a roll forward sees that another has finished the batch",
        patch=weaker.patched(Publisher, "_complete", weaker.finished_by_none),
    ),
    Mutant(
        "taken back: uploads",
        "the old attempt is put away before a batch takes itself back",
        patch=weaker.patched(Publisher, "take_back", weaker.open_at_once),
        within=5000,
    ),
    Mutant(
        "taken back: old rows",
        "a batch that takes itself back drops the rows that the ledger then says are not there",
        patch=weaker.patched(work, "drop_old_rows", weaker.nothing_dropped_when_taken_back),
        within=5000,
    ),
)

NO_LEASES: Final = Mutant(
    "no leases",
    "leases decide who works, never who wins: here any run may plan, and adopt any batch, at any moment",
    change=weaker.lease_for_all,
    patch=weaker.patched(Recovery, "is_dead", lambda *_: True),
)

STAND_INS: Final = tuple(
    attrs.evolve(mutant, within=300)
    for mutant in (
        NO_LEASES,
        Mutant(
            "commit: owner",
            "each adoption counts the attempt up: two owners never have the same one",
            change=weaker.move_without(_COMMITTED, weaker.OWNER),
        ),
        Mutant(
            "commit: attempt",
            "each adoption changes the owner, and no run goes on with a batch that it had to adopt from another",
            change=weaker.move_without(_COMMITTED, weaker.ATTEMPT),
        ),
        Mutant("client token", "a run knows the batches that it has created by their plan", change=weaker.tokenless),
        Mutant(
            "own creation, by the batch",
            "the client token makes the second try a success",
            patch=weaker.patched(Ledger, "_were_created", weaker.refused),
        ),
        Mutant(
            "create: the batch must not exist",
            "sequences hold the planning token, and the client token stops the same request",
            change=weaker.transaction_without(absent=True),
        ),
    )
)
"""What may be taken away without a row going wrong, and the guard that stands in: of each pair one is enough."""


def find_all(mutants: Iterable[Mutant], base: str) -> Iterator[tuple[Mutant, int | None, str]]:
    """Each mutant with the number of seeds until it was found (None if it was not), and the invariant that it broke."""
    for name, seeds, kind in on_all_cores(_find, [(m.name, base) for m in mutants]):
        yield _named(name), seeds, kind


def _find(task: tuple[str, str]) -> tuple[str, int | None, str]:
    name, base = task
    return name, *find(_named(name), base)


def _named(name: str) -> Mutant:
    return next(m for m in (*MUTANTS, *STAND_INS) if m.name == name)


def find(mutant: Mutant, base: str) -> tuple[int | None, str]:
    """Play schedules without a guard until one fails that does not fail with it.

    Returns:
        How many it took, None if none failed; and the invariant that was broken.
    """
    with seams():
        for number in range(mutant.within):
            schedule = schedule_of(f"{base}-{number}")
            with mutant.patch():
                violation = play(schedule, prepare=mutant.prepare).violation
            if violation is not None and play(schedule).violation is None:
                return number + 1, violation[0]
    return None, ""
