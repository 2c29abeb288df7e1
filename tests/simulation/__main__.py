"""`python -m tests.simulation`: simulate, replay, mutants, crash-matrix."""

from __future__ import annotations

import argparse
import json
import math
import sys

from tests.simulation.many import Totals, play_many
from tests.simulation.matrix import run_matrix
from tests.simulation.mutants import MUTANTS, STAND_INS, find_all
from tests.simulation.play import fresh_base, play
from tests.simulation.schedule import schedule_of
from tests.simulation.seams import seams
from tests.simulation.shrink import shrink

_MOST_SHOWN = 3


def main() -> int:
    """Run a command; 0 if all is as it should be."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    commands = parser.add_subparsers(required=True)
    simulate = commands.add_parser("simulate", help="play schedules from fresh seeds")
    simulate.add_argument("--seeds", type=int, default=2000, help="how many schedules")
    simulate.add_argument("--seconds", type=float, default=math.inf, help="begin no more after so long")
    simulate.add_argument("--base", default="", help="base seed, to play the same ones again")
    simulate.set_defaults(command=_simulate)
    replay = commands.add_parser("replay", help="play one schedule and print its trace")
    replay.add_argument("--seed", required=True)
    replay.add_argument("--shrink", action="store_true", help="make it small first, if it fails")
    replay.set_defaults(command=_replay)
    mutants = commands.add_parser("mutants", help="take away each guard: the simulation must notice")
    mutants.add_argument("--base", default="mutants", help="base seed")
    mutants.set_defaults(command=_mutants)
    matrix = commands.add_parser("crash-matrix", help="kill a run at every call, and two runs at every pair of calls")
    matrix.add_argument("--every", type=int, default=1, help="play every n-th pair only")
    matrix.set_defaults(command=_crash_matrix)
    options = parser.parse_args()
    code: int = options.command(options)
    return code


def _simulate(options: argparse.Namespace) -> int:
    base = options.base or str(fresh_base())
    until = "" if math.isinf(options.seconds) else f", or as many as fit in {options.seconds:.0f} s"
    _say(f"base seed {base}: {options.seeds:,} schedules{until}")

    shown = 0

    def progress(totals: Totals, seconds: float) -> None:
        nonlocal shown
        for seed, kind, text in totals.violations[shown:]:
            _say(f"VIOLATION with seed {seed}: {kind}: {text}")
        shown = len(totals.violations)
        if totals.schedules % 500 == 0 or totals.schedules == options.seeds:
            _say(
                f"{totals.schedules:,} schedules, {totals.calls:,} calls, {len(totals.violations)} violations, "
                f"{seconds:.0f} s",
            )

    totals = play_many(base, options.seeds, progress, options.seconds)
    for seed, _, _ in sorted(totals.violations)[:_MOST_SHOWN]:
        _say(f"\nseed {seed}, made small:")
        _show(seed, small=True)
    answer = {
        "schedules": totals.schedules,
        "calls": totals.calls,
        "faults": dict(sorted(totals.faults.items())),
        "violations": len(totals.violations),
    }
    _say(json.dumps({"simulation": answer}))
    return 1 if totals.violations else 0


def _replay(options: argparse.Namespace) -> int:
    return _show(options.seed, small=options.shrink)


def _show(seed: str, *, small: bool) -> int:
    with seams():
        schedule = schedule_of(seed)
        schedule, result = shrink(schedule, play) if small else (schedule, play(schedule))
    _say(f"{schedule}\n{result.told()}")
    return 1 if result.violation else 0


def _mutants(options: argparse.Namespace) -> int:
    _say(f"{'guard taken away':32}  {'found after':>11}  {'of':>5}  how it showed")
    found = 0
    for mutant, seeds, kind in find_all(MUTANTS, options.base):
        found += seeds is not None
        after = "not found" if seeds is None else f"{seeds} seeds"
        _say(f"{mutant.name:32}  {after:>11}  {mutant.within:5}  {kind}")
    _say(f"\n{'not missed, for another stands in':32}  {'found after':>11}  {'of':>5}  why")
    needed = 0
    for mutant, seeds, _ in find_all(STAND_INS, options.base):
        needed += seeds is not None
        after = "not found" if seeds is None else f"{seeds} seeds"
        _say(f"{mutant.name:32}  {after:>11}  {mutant.within:5}  {mutant.guard}")
    _say(json.dumps({"mutants": {"guards": len(MUTANTS), "found": found}}))
    return 0 if found == len(MUTANTS) and not needed else 1


def _crash_matrix(options: argparse.Namespace) -> int:
    result = run_matrix(options.every, _say)
    _say(json.dumps({"crash_matrix": {"points": result.points, "pairs": result.pairs, "wrong": len(result.wrong)}}))
    return 1 if result.wrong else 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
