"""A schedule from its beginning to the proof that all is well, or to what is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any, Final

import attrs

from alur_runtime.aws import CallCounter, Clients
from alur_runtime.config import OnChange
from alur_runtime.ledger.ledger import Ledger
from alur_runtime.reasons import Reason
from alur_runtime.report import RunReport, reconciles
from alur_runtime.run.ingest import run_ingest
from alur_runtime.run.metrics import Metric
from tests.simulation.cloud.clients import simulated_clients
from tests.simulation.network import MAIN, Caller, Entry, Network
from tests.simulation.oracle import OPEN, Oracle, ViolationError
from tests.simulation.rest import check_at_rest
from tests.simulation.schedule import Change, ChangeKind, RunPlan, Schedule
from tests.simulation.scheduler import Scheduler
from tests.simulation.seams import hand_over, new_token
from tests.simulation.world import STATE, TABLE, World

_LATER: Final = 7200.0  # seconds after which every lease has run out, whoever's clock it was taken by
_FINE: Final = frozenset({Reason.COMPLETED, Reason.NOTHING_TO_DO, Reason.LEFT_TO_OTHERS, Reason.FILES_FAILED})
_AT_REST: Final = frozenset({Reason.COMPLETED, Reason.NOTHING_TO_DO, Reason.FILES_FAILED})


@attrs.frozen
class Result:
    """What came of a schedule.

    Attributes:
        violation: Kind and text; None if all is well.
        calls: Requests that were made.
        injected: What befell them and the sources, by kind.
        trace: What happened, in order.
        outcomes: Of the runs, by name; a run that was killed has none.
        main_calls: How many requests each run made, its heartbeat's not counted.
    """

    violation: tuple[str, str] | None
    calls: int
    injected: Counter[str]
    trace: list[Entry]
    outcomes: dict[str, str]
    main_calls: dict[str, int]

    def told(self) -> str:
        """The trace as text, and what is wrong."""
        start = self.trace[0][0] if self.trace else 0.0
        lines = [f"{at - start:9.2f}  {who:16} {what:24} {about}  -> {out}" for at, who, what, about, out in self.trace]
        ends = [f"{name}: {outcome}" for name, outcome in self.outcomes.items()]
        wrong = "" if self.violation is None else f"\nVIOLATION {self.violation[0]}: {self.violation[1]}"
        return "\n".join([*lines, *ends]) + wrong


@attrs.define(eq=False)
class Play:
    """One schedule being played; use it within `seams()`."""

    schedule: Schedule
    all_good: bool = False
    prepare: Callable[[Play], None] = lambda _: None
    world: World = attrs.field(init=False)
    network: Network = attrs.field(init=False)
    scheduler: Scheduler = attrs.field(init=False)
    reports: dict[str, RunReport] = attrs.field(factory=dict)
    main_calls: dict[str, int] = attrs.field(factory=dict)
    _clients: Clients = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.world = World(self.schedule, self.all_good)
        self.scheduler = Scheduler(self.world.clock, self.schedule.seed)
        self.network = Network(self.world, self.scheduler, Oracle(self.world))
        self._clients = simulated_clients(self.network.send, new_token)
        self.prepare(self)

    def result(self) -> Result:
        """Play it."""
        hand_over(self.scheduler)
        try:
            self._play()
            wrong = None
        except ViolationError as error:
            wrong = error.kind, error.text
        finally:
            hand_over(None)
        trace = self.network.trace
        outcomes = {name: f"{r.outcome} {r.error}".rstrip() for name, r in self.reports.items()}
        return Result(wrong, len(trace), self.network.injected, trace, outcomes, self.main_calls)

    # --- the acts -------------------------------------------------------------------------------------------------

    def _play(self) -> None:
        for n in range(self.schedule.files):
            self.world.land(f"f{n}", 1)
        if self.schedule.settled:
            self._start("run0", RunPlan(0.0), batch_max_files=100)
            self._until_all_end()
        start = self.world.clock.now
        for change in self.schedule.changes:
            self._change_at(start + change.at, change)
        for number, run in enumerate(self.schedule.runs, 1):
            self._start(f"run{number}", run)
        self._until_all_end()
        self._end_well()

    def _end_well(self) -> None:
        """One run with nobody else about makes everything right, and one more has nothing to do."""
        if self._is_lost():
            return  # documented: every run fails with `upload_lost` until a person has decided
        self.world.clock.now += _LATER
        self._start("clean", RunPlan(0.0))
        self._until_all_end()
        self._must_be("clean", _AT_REST)
        self._retry_the_condemned()
        check_at_rest(self.world, self.network.oracle, self.network.left_by_the_dead())
        before = self.world.table_objects(), self.world.file_items(), len(self.world.s3.uploads)
        self._start("idle", RunPlan(0.0))
        self._until_all_end()
        self._must_be("idle", frozenset({Reason.NOTHING_TO_DO}))
        if before != (self.world.table_objects(), self.world.file_items(), len(self.world.s3.uploads)):
            raise ViolationError("not idle", "a run with nothing to do has changed something")
        _, told = self.world.cloudwatch.published[-1]
        if (told[Metric.HEARTBEAT], told[Metric.FILES_PENDING], told[Metric.OLDEST_PENDING_AGE]) != (1, 0, 0):
            raise ViolationError("told otherwise", f"at rest the metrics are {told}")

    def _retry_the_condemned(self) -> None:
        """A file that was read whenever a run died ends as failed, whatever they died of: a person has it retried."""
        items = [i for i in self.world.file_items().values() if i.reason == Reason.ENDS_ITS_RUN.value]
        if not items:
            return
        ledger = Ledger(self._clients.dynamodb, STATE, TABLE.key, self.schedule.shards)
        self._begin("person", Caller(), 0.0, lambda: [ledger.try_again(item) for item in items])
        self._until_all_end()
        self._start("retried", RunPlan(0.0))
        self._until_all_end()
        self._must_be("retried", _AT_REST)

    def _is_lost(self) -> bool:
        """Whether a committed upload is gone by lifecycle rule, and with it a file whose rows were in it."""
        oracle = self.network.oracle
        there = {f"s3://{bucket}/{key}": o.etag for (bucket, key), o in self.world.s3.objects.items()}
        for seq, manifest in oracle.commits.items():
            if not any(u.upload_id in oracle.removed for u in (*manifest.uploads, *manifest.quarantine)):
                continue
            plan = oracle.plans[seq]
            for member in plan.members:
                found = there.get(member.uri)
                if found is None or (plan.on_change is OnChange.APPEND and found != member.etag):
                    return True
        return False

    def _must_be(self, name: str, outcomes: frozenset[Reason]) -> None:
        report = self.reports.get(name)
        if report is None or Reason(report.outcome) not in outcomes:
            told = "no report" if report is None else f"{report.outcome} {report.error}"
            raise ViolationError("run ended badly", f"{name}: {told}")

    # --- runs and changes -----------------------------------------------------------------------------------------

    def _start(self, name: str, plan: RunPlan, batch_max_files: int | None = None) -> None:
        config = self.world.config(batch_max_files or self.schedule.batch_max_files)
        config = attrs.evolve(config, on_change=plan.policy or config.on_change)
        if plan.skew:
            self.network.injected["skewed_clock"] += 1
        clients = attrs.evolve(self._clients, calls=CallCounter())

        def run() -> None:
            task = self.scheduler.this()
            try:
                self.reports[name] = run_ingest(config, clients)
                self._look_behind(name)
            finally:
                self.main_calls[name] = task.calls

        self._begin(name, Caller(plan.faults, plan.heartbeat), plan.start, run, plan.skew)

    def _begin(self, name: str, caller: Caller, start: float, act: Callable[[], object], skew: float = 0.0) -> None:
        process = self.scheduler.process(name, skew)
        self.network.callers[name] = caller
        self.scheduler.start(process, MAIN, act, self.world.clock.now + start)

    def _look_behind(self, name: str) -> None:
        """A run that says all is well leaves nothing of its own under way."""
        report = self.reports[name]
        left = [b.seq for b in self.world.batches() if b.owner == report.run_id and b.status in OPEN]
        if left and Reason(report.outcome) in _FINE and self.network.violation is None:
            self.network.violation = ViolationError("clean end", f"{name}: {report.outcome}, and {left} are open")

    def _change_at(self, when: float, change: Change) -> None:
        def happen() -> None:
            where = (self.world.clock.now, "(world)", change.kind.value, f"{change.file} {change.version}", "ok")
            self.network.trace.append(where)
            self.network.injected[f"source_{change.kind.value}"] += 1
            if change.kind is ChangeKind.LANDS:
                self.world.land(change.file, change.version)
            elif change.kind is ChangeKind.GOES:
                self.world.take_away(change.file)
            else:
                for name in list(self.world.s3.uploads):
                    self.network.oracle.removed.add(name)
                    self.world.s3.abort(name)
            self.network.look()

        self.scheduler.at(when, happen)

    def _until_all_end(self) -> None:
        self.scheduler.play()
        if self.network.violation is not None:
            raise self.network.violation
        if self.scheduler.broken:
            raise ViolationError("broken", self.scheduler.broken)
        robbed = bool(self.network.oracle.removed)
        for name, report in self.reports.items():
            allowed = set(_FINE)
            if self.network.callers[name].touched:
                allowed |= {Reason.AWS_ERROR}
            if robbed:
                allowed |= {Reason.UPLOAD_LOST, Reason.AWS_ERROR}  # an upload that was being written may be gone too
            if len(self.network.callers) > 1:
                allowed |= {Reason.LEASE_BUSY}
            self._must_be(name, frozenset(allowed))
            if not reconciles(report):
                raise ViolationError("counts", f"{name}: {report}")


def play(schedule: Schedule, **more: Any) -> Result:
    """Play a schedule; within `seams()`."""
    return Play(schedule, **more).result()


def fresh_base() -> int:
    """A base seed that nobody has chosen."""
    return Random().randrange(1_000_000_000)
