"""The check: what was read, into findings. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from alur_runtime.fsck.acts import SetAside, TakeBack, WriteDown
from alur_runtime.fsck.batches import find_batches, find_manifests_without_objects, find_uploads
from alur_runtime.fsck.finding import Finding, How, Kind
from alur_runtime.fsck.held import Held, held
from alur_runtime.fsck.objects import find_objects, find_partitions
from alur_runtime.fsck.rows import find_rows
from alur_runtime.fsck.state import State


@attrs.frozen
class Checked:
    """What came of a check.

    Attributes:
        findings: In the order of `Kind`, then by subject.
        files: How many file items there are.
        objects: How many objects.
        files_left_out: Of them, how many open batches hold.
        objects_left_out: The same.
    """

    findings: tuple[Finding, ...]
    files: int = 0
    objects: int = 0
    files_left_out: int = 0
    objects_left_out: int = 0


def check(state: State) -> Checked:
    """Hold ledger, manifests, objects and catalog against one another."""
    on_the_move = held(state)
    order = list(Kind)
    findings = sorted(_find(state, on_the_move), key=lambda f: (order.index(f.kind), f.subject))
    changed = [key for key, o in state.objects.items() if on_the_move.has_object(key) or o.changed]
    return Checked(
        findings=tuple(findings),
        files=len(state.files),
        objects=len(state.objects),
        files_left_out=len(on_the_move.files),
        objects_left_out=len(changed),
    )


def _find(state: State, on_the_move: Held) -> Iterator[Finding]:
    if state.behind:
        said = "nothing else was looked at: alur rebuild makes the ledger what S3 proves"
        yield Finding(Kind.LEDGER_BEHIND, state.config.table.key, state.behind, How.PERSON, said)
        return
    unknown = state.all_unknown()
    for one in unknown:
        what, said = f"{one.subject}: {one.problem}", "use the version of alur that wrote it"
        yield Finding(Kind.ITEM_OF_THE_FUTURE, one.subject, what, How.PERSON, said)
    for finding in (
        *find_rows(state, on_the_move),
        *find_objects(state, on_the_move),
        *find_manifests_without_objects(state, on_the_move),
        *find_batches(state),
        *find_uploads(state, on_the_move),
        *find_partitions(state, on_the_move),
    ):
        if unknown:
            # What a newer version has written may name what this one takes for nobody's.
            said = "nothing is touched while there is an item of the future"
            yield attrs.evolve(finding, how=How.PERSON, repair=said, act=None)
        elif on_the_move.unclear and isinstance(finding.act, TakeBack | WriteDown | SetAside):
            said = "a batch is open whose plan cannot be read, and that may rewrite the object: repair that first"
            yield attrs.evolve(finding, how=How.RUN, repair=said, act=None)
        else:
            yield finding
