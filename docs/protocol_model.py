"""The commit protocol as a program that visits every state it can reach.

    python docs/protocol_model.py [--runs 2] [--crashes 1] [--history ABA]

Several runs ingest two files at once: F is overwritten as the history says, G never changes, and both are packed into
one object where they are planned together. Between any two steps another run may step, the file may be overwritten, or
a run may die. Leases appear nowhere: any run may take the planning lease or adopt a batch at any moment, so what holds
here holds whatever clocks say.

Checked in every state: no row is visible twice; and two clean runs with no one else around leave exactly the rows of
the current versions. `docs/protocol.md` tells the steps in prose.
"""

from __future__ import annotations

import argparse
import sys
from collections import deque
from enum import Enum
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

F, G = 0, 1
Row = tuple[int, str]  # a file and a version of it: stands for all rows of that version
Content = frozenset[Row]


class Fence(Enum):
    """What is taken away from the protocol, to see that it is needed."""

    COMMIT = "the commit asks for owner and attempt"
    FILE_ITEMS = "a file item is written only over one of a smaller batch sequence"
    PLAN = "batches are created only under the current planning token"
    PENDING = "uploads stay invisible until the commit"
    READ_ORDER = "the planner reads open batches before file items"


@attrs.frozen(cache_hash=True)
class Member:
    """A file of a batch; `old` is the object that holds the rows of its version before."""

    file: int
    version: str
    old: str | None


@attrs.frozen(cache_hash=True)
class Upload:
    """A pending multipart upload."""

    id: str
    key: str
    content: Content


@attrs.frozen(cache_hash=True)
class Batch:
    """A batch item; `operations` are the uploads that its commit manifest completes, as (id, key)."""

    id: str
    seq: int
    status: str
    owner: int
    attempt: int
    members: tuple[Member, ...]
    operations: tuple[tuple[str, str], ...] = ()


@attrs.frozen(cache_hash=True)
class Item:
    """A file item; `key` is the object that holds its rows."""

    version: str
    seq: int
    key: str | None


@attrs.frozen(cache_hash=True)
class Run:
    """Where a run stands, and what it remembers."""

    at: str = "lease"
    token: int = 0
    batch: str = ""
    attempt: int = 0
    then: str = ""
    done: int = 0
    listed: tuple[str, ...] = ()
    read: tuple[Member, ...] = ()
    operations: tuple[tuple[str, str], ...] = ()
    batches: tuple[Batch, ...] = ()
    items: tuple[Item | None, ...] = ()


ENDED = ("finished", "dead")


@attrs.frozen(cache_hash=True)
class World:
    """Everything that there is: S3, the ledger, and the runs."""

    versions: tuple[str, str]
    overwritten: int
    runs: tuple[Run, ...]
    token: int = 0
    batches: tuple[Batch, ...] = ()
    items: tuple[Item | None, Item | None] = (None, None)
    uploads: frozenset[Upload] = frozenset()
    objects: frozenset[tuple[str, Content]] = frozenset()
    crashes: int = 0

    def batch(self, name: str) -> Batch:
        """A batch by its name."""
        return next(b for b in self.batches if b.id == name)

    def with_batch(self, batch: Batch) -> tuple[Batch, ...]:
        """All batches, this one in place of the one of its name."""
        return tuple(batch if b.id == batch.id else b for b in self.batches)


Step = tuple[str, World]


@attrs.frozen(cache_hash=True)
class Protocol:
    """The steps of the runs; without the fences in `without`."""

    without: frozenset[Fence] = frozenset()
    runs: int = 2
    crashes: int = 1
    history: str = "ABA"

    def start(self) -> World:
        """Nothing ingested yet."""
        return World((self.history[0], "X"), 0, tuple(Run() for _ in range(self.runs)))

    def steps(self, world: World) -> Iterator[Step]:
        """Everything that can happen next."""
        if world.overwritten + 1 < len(self.history):
            n = world.overwritten + 1
            yield "F is overwritten", attrs.evolve(world, versions=(self.history[n], "X"), overwritten=n)
        for number, run in enumerate(world.runs):
            if run.at in ENDED:
                continue
            if world.crashes < self.crashes and run.at != "lease":
                dead = attrs.evolve(world, crashes=world.crashes + 1)
                yield f"run {number} dies", _moved(dead, number, Run("dead"))
            yield from self.run_steps(world, number)

    def run_steps(self, world: World, number: int) -> Iterator[Step]:
        """What one run can do next."""
        step = getattr(self, f"_{world.runs[number].at}")
        yield from ((f"run {number} {what}", after) for what, after in step(world, number, world.runs[number]))

    def _lease(self, world: World, number: int, run: Run) -> Iterator[Step]:
        token = world.token + 1
        taken = attrs.evolve(world, token=token)
        yield "takes the planning lease", _moved(taken, number, attrs.evolve(run, at="recover", token=token))

    def _recover(self, world: World, number: int, run: Run) -> Iterator[Step]:
        plan = attrs.evolve(run, at="list")
        if committed := [b for b in world.batches if b.status == "committed"]:
            forward = Run("publish", run.token, committed[0].id, then="recover")
            yield f"finds {committed[0].id} committed", _moved(world, number, forward)
        elif processing := [b for b in world.batches if b.status == "processing"]:
            batch = attrs.evolve(processing[0], owner=number, attempt=processing[0].attempt + 1)
            adopted = attrs.evolve(world, batches=world.with_batch(batch))
            yield f"adopts {batch.id}", _moved(adopted, number, Run("read", run.token, batch.id, batch.attempt))
            yield "leaves open batches alone", _moved(world, number, plan)
        else:
            yield "finds no open batch", _moved(world, number, plan)

    def _list(self, world: World, number: int, run: Run) -> Iterator[Step]:
        listed = attrs.evolve(run, at="look", listed=world.versions)
        if Fence.READ_ORDER in self.without:
            yield "lists, reads file items", _moved(world, number, attrs.evolve(listed, items=world.items))
        else:
            yield "lists, reads open batches", _moved(world, number, attrs.evolve(listed, batches=world.batches))

    def _look(self, world: World, number: int, run: Run) -> Iterator[Step]:
        looked = attrs.evolve(run, at="plan")
        if Fence.READ_ORDER in self.without:
            yield "reads open batches", _moved(world, number, attrs.evolve(looked, batches=world.batches))
        else:
            yield "reads file items", _moved(world, number, attrs.evolve(looked, items=world.items))

    def _plan(self, world: World, number: int, run: Run) -> Iterator[Step]:
        if Fence.PLAN not in self.without and run.token != world.token:
            yield "has its plan refused", _moved(world, number, Run("finished"))
            return
        members = _members(run)
        if not members:
            yield "has nothing to do", _moved(world, number, Run("finished"))
            return
        batch = Batch(f"b{run.token}", run.token, "processing", number, 1, members)
        created = attrs.evolve(world, batches=(*world.batches, batch))
        yield f"creates {batch.id}", _moved(created, number, Run("read", run.token, batch.id, 1))

    def _read(self, world: World, number: int, run: Run) -> Iterator[Step]:
        read = tuple(m for m in world.batch(run.batch).members if world.versions[m.file] == m.version)
        yield f"reads {run.batch}", _moved(world, number, attrs.evolve(run, at="upload", read=read))

    def _upload(self, world: World, number: int, run: Run) -> Iterator[Step]:
        name = f"{run.batch}.{run.attempt}"
        olds = sorted({m.old for m in run.read if m.old})
        objects = dict(world.objects)
        uploads = []
        for key in olds:  # rewrites, which drop the old versions' rows, go before the new object
            dropped = {m.file for m in run.read if m.old == key}
            content = frozenset(row for row in objects.get(key, Content()) if row[0] not in dropped)
            uploads.append(Upload(f"{name}/{key}", key, content))
        if run.read:
            uploads.append(Upload(name, name, frozenset((m.file, m.version) for m in run.read)))
        after = attrs.evolve(world, uploads=world.uploads | set(uploads))
        if Fence.PENDING in self.without:
            for upload in uploads:
                after = attrs.evolve(after, objects=_put(after.objects, upload))
        operations = tuple((u.id, u.key) for u in uploads)
        yield f"uploads {name}", _moved(after, number, attrs.evolve(run, at="commit", operations=operations))

    def _commit(self, world: World, number: int, run: Run) -> Iterator[Step]:
        batch = world.batch(run.batch)
        mine = batch.status == "processing" and (batch.owner, batch.attempt) == (number, run.attempt)
        if not mine and Fence.COMMIT not in self.without:
            yield f"has its commit of {batch.id} refused", _moved(world, number, Run("finished"))
            return
        committed = Batch(batch.id, batch.seq, "committed", number, run.attempt, run.read, run.operations)
        after = attrs.evolve(world, batches=world.with_batch(committed))
        yield f"commits {batch.id}", _moved(after, number, Run("publish", run.token, batch.id, then="finished"))

    def _publish(self, world: World, number: int, run: Run) -> Iterator[Step]:
        batch = world.batch(run.batch)
        back = Run(run.then, run.token if run.then == "recover" else 0)
        onward = attrs.evolve(run, done=run.done + 1)
        if batch.status == "completed" and run.done == 0:
            yield f"finds {batch.id} completed", _moved(world, number, back)
        elif run.done < len(batch.operations):
            name, _ = batch.operations[run.done]
            pending = next((u for u in world.uploads if u.id == name), None)
            after = world
            if pending is not None:
                after = attrs.evolve(world, uploads=world.uploads - {pending}, objects=_put(world.objects, pending))
            yield f"completes upload {name}", _moved(after, number, onward)
        elif run.done == len(batch.operations):
            after = attrs.evolve(world, items=self._indexed(world.items, batch))
            yield f"writes the file items of {batch.id}", _moved(after, number, onward)
        else:
            completed = attrs.evolve(batch, status="completed")
            yield f"closes {batch.id}", _moved(attrs.evolve(world, batches=world.with_batch(completed)), number, back)

    def _indexed(self, items: tuple[Item | None, Item | None], batch: Batch) -> tuple[Item | None, Item | None]:
        key = next((key for _, key in batch.operations if key.startswith(batch.id)), None)
        after = list(items)
        for member in batch.members:
            item = after[member.file]
            if Fence.FILE_ITEMS in self.without or item is None or item.seq < batch.seq:
                after[member.file] = Item(member.version, batch.seq, key)
        return after[F], after[G]


def _moved(world: World, number: int, run: Run) -> World:
    return attrs.evolve(world, runs=(*world.runs[:number], run, *world.runs[number + 1 :]))


def _put(objects: frozenset[tuple[str, Content]], upload: Upload) -> frozenset[tuple[str, Content]]:
    others = frozenset(o for o in objects if o[0] != upload.key)
    return others | {(upload.key, upload.content)} if upload.content else others


def _members(run: Run) -> tuple[Member, ...]:
    """The files to ingest: changed, in no open batch, and sharing no object with one."""
    busy = {m.file for b in run.batches if b.status != "completed" for m in b.members}
    busy_keys = {item.key for f in busy if (item := run.items[f])}
    found = []
    for file in (F, G):
        item = run.items[file]
        changed = item is None or item.version != run.listed[file]
        if changed and file not in busy and not (item and item.key in busy_keys):
            found.append(Member(file, run.listed[file], item.key if item else None))
    return tuple(found)


def problem(protocol: Protocol, world: World) -> str | None:
    """What is wrong with a state, or with what clean runs make of it."""
    rows = [row for _, content in world.objects for row in content]
    if len(set(rows)) < len(rows):
        return f"rows are visible twice: {_names(rows)}"
    end = world
    for _ in range(3):  # one to adopt or finish, one to plan what that one left out; the third shows that it stays so
        end = attrs.evolve(end, runs=(Run(),))
        while end.runs[0].at not in ENDED:
            _, end = next(iter(protocol.run_steps(end, 0)))  # the first step of several is to recover
    rows = [row for _, content in end.objects for row in content]
    want = [(F, end.versions[F]), (G, end.versions[G])]
    return None if sorted(rows) == want else f"clean runs leave {_names(rows)}, and not {_names(want)}"


def _names(rows: list[Row]) -> str:
    return " ".join(f"{'FG'[file]}={version}" for file, version in sorted(rows)) or "nothing"


@attrs.frozen(cache_hash=True)
class Result:
    """What exploring found."""

    states: int
    violation: str | None = None
    trace: tuple[str, ...] = ()


def explore(protocol: Protocol) -> Result:
    """Visit every reachable state, the nearest first; stop at the first that is wrong."""
    start = protocol.start()
    came_from: dict[World, tuple[str, World] | None] = {start: None}
    queue = deque([start])
    while queue:
        world = queue.popleft()
        if found := problem(protocol, world):
            return Result(len(came_from), found, _trace(came_from, world))
        for what, after in protocol.steps(world):
            if after not in came_from:
                came_from[after] = (what, world)
                queue.append(after)
    return Result(len(came_from))


def _trace(came_from: dict[World, tuple[str, World] | None], world: World) -> tuple[str, ...]:
    steps: list[str] = []
    before = came_from[world]
    while before is not None:
        steps.append(before[0])
        before = came_from[before[1]]
    return tuple(reversed(steps))


def main() -> int:
    """Explore with all fences, then with each one taken away."""
    parser = argparse.ArgumentParser(description="Explore every state of the commit protocol.")
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--crashes", type=int, default=1)
    parser.add_argument("--history", default="ABA", help="versions of the file that is overwritten")
    options = vars(parser.parse_args())
    whole = explore(Protocol(**options))
    print(f"all fences: {whole.violation or 'holds'} in {whole.states:,} states")
    as_expected = whole.violation is None
    for fence in Fence:
        result = explore(Protocol(frozenset({fence}), **options))
        as_expected = as_expected and result.violation is not None
        print(f"\nwithout '{fence.value}': {result.violation or 'holds'}")
        print("\n".join(f"    {n:2}. {what}" for n, what in enumerate(result.trace, 1)))
    return 0 if as_expected else 1


if __name__ == "__main__":
    sys.exit(main())
