"""A schedule: which runs start when, what befalls them, and what happens to the sources. All of it from one seed."""

from __future__ import annotations

from enum import StrEnum
from random import Random
from typing import Final

import attrs

from alur_runtime.config import OnChange


class Kind(StrEnum):
    """What befalls a call."""

    DIES_BEFORE = "dies_before"  # the process, before the request has an effect
    DIES_AFTER = "dies_after"  # the process, after it
    SLEEPS = "sleeps"  # the process stands still before the request has an effect: a zombie
    REPEATED = "repeated"  # the answer is lost after the effect; boto3 sends the request again, whose answer counts
    LOST = "lost"  # the answer is lost after the effect, and so are all repeats: an error
    LATE = "late"  # an error, and the request takes effect all the same, later
    TWICE = "twice"  # answered; a copy of the request, thought lost, takes effect once more later
    REFUSED = "refused"  # throttled or a server error, however often boto3 tries: no effect
    FAILED_AFTER = "failed_after"  # a server error after the effect
    PARTIAL = "partial"  # as the operation has it: unprocessed keys, transaction conflicts, errors of single entries


ERRORS: Final = frozenset({Kind.LOST, Kind.LATE, Kind.REFUSED, Kind.FAILED_AFTER, Kind.PARTIAL})
"""Those after which a run may end with an error."""

DEATHS: Final = frozenset({Kind.DIES_BEFORE, Kind.DIES_AFTER})


@attrs.frozen
class Fault:
    """Something that befalls a call of a run.

    Attributes:
        call: Its number, from 1.
        kind: What.
        seconds: How long, where that has a meaning.
        operation: Of whose calls it is that number; empty for all.
    """

    call: int
    kind: Kind
    seconds: float = 0.0
    operation: str = ""


@attrs.frozen
class RunPlan:
    """A run.

    Attributes:
        start: Seconds after the beginning.
        skew: How many seconds its clock is ahead of the world's.
        heartbeat: Whether its heartbeats arrive.
        faults: Of several for one call the first counts.
        policy: Of the code that it runs, if that is an older or a newer one than the schedule's.
    """

    start: float
    skew: float = 0.0
    heartbeat: bool = True
    faults: tuple[Fault, ...] = ()
    policy: OnChange | None = None


class ChangeKind(StrEnum):
    """What happens to the world meanwhile."""

    LANDS = "lands"  # a version of a file: new, overwritten, or moved back to an earlier one
    GOES = "goes"  # a file is deleted
    LIFECYCLE = "lifecycle"  # every pending upload is removed, as the bucket's rule does after its days


@attrs.frozen
class Change:
    """Something that happens to the world."""

    at: float
    kind: ChangeKind
    file: str = ""
    version: int = 0


@attrs.frozen
class Schedule:
    """All that a play is made of.

    Attributes:
        seed: Of every choice that is not here: latencies, names, contents of files.
        policy: For changed files.
        settled: Whether a run without faults ends before time begins, so that there is something to replace. It
            has one batch, so that files share objects that are later in batches apart.
        files: That are there at the beginning.
        run_lease: Seconds.
        planning_lease: Seconds.
        batch_max_files: Small, so that there are many batches.
        threads: Batches worked on at once.
        shards: Of the ledger.
        stream_bytes: From so many bytes on a file goes into objects of its own.
        page: Entries of a page of any listing.
        repeats: See `S3.repeats`.
        runs: Those that things befall.
        changes: Of the world.
    """

    seed: str
    policy: OnChange = OnChange.REPLACE
    settled: bool = True
    files: int = 3
    run_lease: float = 15.0
    planning_lease: float = 8.0
    batch_max_files: int = 2
    threads: int = 2
    shards: int = 2
    stream_bytes: int = 1_000_000
    page: int = 2
    repeats: bool = False
    runs: tuple[RunPlan, ...] = ()
    changes: tuple[Change, ...] = ()


# Where faults hurt, and how many such calls a run makes, about.
_TARGETS: Final = (
    ("PutItem", 5),
    ("TransactWriteItems", 4),
    ("UpdateItem", 3),
    ("CompleteMultipartUpload", 4),
    ("CreateMultipartUpload", 3),
    ("UploadPart", 3),
    ("DeleteObjects", 1),
    ("BatchCreatePartition", 2),
    ("PutObject", 4),
    ("GetObject", 4),
    ("ListObjectsV2", 2),
    ("Query", 4),
    ("BatchGetItem", 1),
)
_CALLS: Final = 36  # about as many as a run makes that has something to do
_ZOMBIES: Final = 0.3
"""How many of the schedules are made for a run that wakes long after another has taken over."""

_KINDS: Final = (
    *(Kind.SLEEPS,) * 6,
    *(Kind.DIES_BEFORE,) * 3,
    *(Kind.DIES_AFTER,) * 3,
    *(Kind.REPEATED,) * 3,
    *(Kind.LOST,) * 2,
    *(Kind.LATE, Kind.TWICE) * 2,
    Kind.REFUSED,
    Kind.FAILED_AFTER,
    *(Kind.PARTIAL,) * 2,
)


def schedule_of(seed: str) -> Schedule:
    """The schedule of a seed."""
    chance = Random(seed)
    lease = chance.choice((5.0, 15.0, 15.0, 60.0))
    files = chance.randint(1, 4)
    settled = chance.random() < 0.8
    policy = chance.choice((OnChange.REPLACE,) * 5 + (OnChange.APPEND,) * 2 + (OnChange.SKIP, OnChange.FAIL))
    runs = [_run(chance, lease, first=n == 0) for n in range(chance.choice((1, 2, 2, 3, 3, 4)))]
    changes = _changes(chance, lease, files, settled=settled)
    if chance.random() < _ZOMBIES:
        runs[:2] = [_zombie(chance, lease), RunPlan(chance.uniform(1.2, 3) * lease)]
        number = max((c.version for c in changes if c.file == "f0"), default=1) + 1
        changes = (*changes, Change(chance.uniform(0.3, 2.5) * lease, ChangeKind.LANDS, "f0", number))
    return Schedule(
        seed=seed,
        policy=policy,
        settled=settled,
        files=files,
        run_lease=lease,
        planning_lease=chance.choice((2.0, lease / 2)),
        batch_max_files=chance.choice((1, 2, 2, 3, 10)),
        threads=chance.choice((1, 2)),
        shards=chance.choice((1, 2)),
        stream_bytes=chance.choice((1_000_000, 1_000_000, 1_000_000, 1)),
        page=chance.choice((1, 2, 2, 5)),
        repeats=chance.random() < 0.3,
        runs=tuple(runs),
        changes=changes,
    )


def _zombie(chance: Random, lease: float) -> RunPlan:
    """A run that stands still in the middle of something, for as long as another needs to take over and go on."""
    operation, most = chance.choice(_TARGETS[:9])
    return RunPlan(0.0, faults=(Fault(chance.randint(1, most), Kind.SLEEPS, chance.uniform(3, 8) * lease, operation),))


def _run(chance: Random, lease: float, *, first: bool) -> RunPlan:
    start = (
        0.0 if first else chance.choice((chance.uniform(0, 5), chance.uniform(0, 30), chance.uniform(0.5, 5) * lease))
    )
    return RunPlan(
        start=start,
        skew=chance.choice((0.0, 0.0, chance.uniform(-300, 300))),
        heartbeat=chance.random() < 0.85,
        faults=tuple(_fault(chance, lease) for _ in range(chance.choice((0, 1, 1, 2, 3, 4)))),
    )


def _fault(chance: Random, lease: float) -> Fault:
    operation, most = chance.choice(_TARGETS) if chance.random() < 0.7 else ("", _CALLS)
    return Fault(chance.randint(1, most), chance.choice(_KINDS), _pause(chance, lease), operation)


def _pause(chance: Random, lease: float) -> float:
    return chance.choice((chance.uniform(0, 3), chance.uniform(0.5, 2) * lease, chance.uniform(2, 6) * lease))


def _changes(chance: Random, lease: float, files: int, *, settled: bool) -> tuple[Change, ...]:
    found = []
    versions = dict.fromkeys((f"f{n}" for n in range(files)), 1)
    # What happened since the settled run, and what happens while the others are at work.
    for at in [0.0] * (chance.randint(0, 3) if settled else 0) + [
        chance.choice((chance.uniform(0, 30), chance.uniform(0, 5) * lease)) for _ in range(chance.randint(0, 4))
    ]:
        if chance.random() < 0.03:
            found.append(Change(at, ChangeKind.LIFECYCLE))
            continue
        file = f"f{chance.randrange(files + 2)}"
        latest = versions.get(file, 0)
        if latest and chance.random() < 0.12:
            found.append(Change(at, ChangeKind.GOES, file))
        elif latest > 1 and chance.random() < 0.3:
            found.append(Change(at, ChangeKind.LANDS, file, chance.randint(1, latest - 1)))
        else:
            versions[file] = latest + 1
            found.append(Change(at, ChangeKind.LANDS, file, latest + 1))
    return tuple(sorted(found, key=lambda c: c.at))
