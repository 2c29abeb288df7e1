"""Runs on real servers, several at once, killed with kill -9 at random while files land and change; then rows exact.

The ledger is on DynamoDB Local, S3 is versitygw, the catalog is the embedded AWS's. Some runs are stopped for longer
than their lease and go on afterwards, as after a long pause of a machine: zombies.
"""

import argparse
import contextlib
import json
import random
import sys
import threading
from collections import Counter

import attrs

from alur_runtime.config import Settings, SourceConfig
from alur_runtime.contracts.options import ErrorBudget
from alur_runtime.reasons import Reason
from alur_runtime.table.store import put_json
from benchmarks.scene import table_text
from tests.runtime.world import World
from tests.servers.cache import NoServerError
from tests.servers.scene import real_servers
from tests.servers.torture.landing import BAD_ROWS, Landing
from tests.servers.torture.verdict import Verdict, judge, look, pending_uploads
from tests.servers.torture.victims import Tally, choose_fate, start_victims

LEASE = 2.0
CLEAN_RUNS = 10
LOOK_SECONDS = 20.0


@attrs.frozen
class Tortured:
    """What came of it.

    Attributes:
        kills: Runs that were killed.
        files: That have landed.
        verdict: On the table.
        problems: All that is not as it must be; empty if all is well.
    """

    kills: int
    files: int
    verdict: Verdict
    problems: tuple[str, ...]


def torture(kills: int, seed: int, *, at_once: int = 3, files: int = 150) -> Tortured:
    """Torture runs until so many were killed, let others finish the work, and judge.

    Args:
        kills: At least so many.
        seed: Of what lands and of what befalls the runs; when it does so is the machine's.
        at_once: How many runs at the same time.
        files: Most files.

    Raises:
        NoServerError: If a server cannot be had here.
    """
    settings = Settings(
        run_lease_seconds=LEASE, planning_lease_seconds=LEASE, batch_max_files=5, threads=2, fetch_threads=4
    )
    with contextlib.ExitStack() as stack:
        world = _world(stack.enter_context(real_servers()), settings)
        uri = f"{world.config.table.metadata}config.json"
        put_json(world.clients.s3, uri, world.config)
        victims = stack.enter_context(start_victims(uri))
        landing = Landing(world, random.Random(seed), files)
        for _ in range(10):
            landing.act()
        tally, looks, seen = Tally(), Counter[str](), list[str]()
        enough = threading.Event()

        def executioner(number: int) -> None:
            chance = random.Random(f"{seed}/{number}")
            while not enough.is_set():
                victims.run(choose_fate(chance, LEASE), tally)
                if tally.kills >= kills:
                    enough.set()

        def looker() -> None:
            while not enough.wait(LOOK_SECONDS):
                looks["looks"] += 1
                seen.extend(filter(None, [look(world)]))
                print(f"  {tally.kills} killed, {len(landing.versions)} files landed", file=sys.stderr, flush=True)

        work = [threading.Thread(target=executioner, args=(n,)) for n in range(at_once)]
        work += [threading.Thread(target=looker), threading.Thread(target=landing.act_until, args=(enough,))]
        for thread in work:
            thread.start()
        for thread in work:
            thread.join()
        landing.settle()
        condemned = [item.uri for item in world.ledger.files() if item.reason == Reason.ENDS_ITS_RUN.value]
        # Files that were worked on at too many deaths are failed, though the fault was none of theirs. They are tried
        # again when the code has changed, as after a deployment; batches that are still open are then planned anew.
        world.config = attrs.evolve(world.config, code_digest="deployed again")
        outcomes = _clean_runs(world)
        verdict = judge(world, landing)
        _say(landing, tally, looks["looks"], outcomes, pending_uploads(world))
        for line in tally.errors.values():
            print(f"the first of its kind: {line}", file=sys.stderr)
        print(f"files that were condemned, as if they had ended the runs: {len(condemned)}")
    clean = [] if outcomes[-1].startswith("nothing_to_do") else [f"no clean end: {outcomes}"]
    return Tortured(tally.kills, len(landing.versions), verdict, (*tally.problems, *seen, *clean, *verdict.wrong))


def _world(s3: str, settings: Settings) -> World:
    world = World.make(s3, settings=settings)
    source = SourceConfig(name="orders", uri=world.uri("orders/"), pattern="*.csv", budget=ErrorBudget(rows=BAD_ROWS))
    return attrs.evolve(world, config=attrs.evolve(world.config, sources=(source,)))


def _clean_runs(world: World) -> list[str]:
    """Runs that nobody harms, until there is nothing to do; how each ended."""
    outcomes: list[str] = []
    while len(outcomes) < CLEAN_RUNS:
        report = world.run()
        outcomes.append(f"{report.outcome} {report.exit_code} {report.error}".strip())
        if report.outcome == "nothing_to_do":
            break
    return outcomes


def _say(landing: Landing, tally: Tally, looks: int, outcomes: list[str], pending: str) -> None:
    killed = sorted(tally.killed_after.items(), key=lambda found: -found[1])
    print(table_text(["killed after the step", "times"], [[step, times] for step, times in killed]))
    print(f"files: {dict(landing.done)}")
    print(f"runs that were let be, by exit code: {dict(sorted(tally.ended.items()))}")
    print(f"stopped beyond their lease: {dict(tally.zombies)}")
    print(f"looked at by a reader meanwhile: {looks} times")
    print(f"clean runs afterwards: {outcomes}")
    print(f"uploads of killed runs that are left to the bucket's lifecycle rule: {pending}")


def main() -> int:
    """Torture and print."""
    parser = argparse.ArgumentParser(prog="benchmarks.torture", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="at least so many (default: 200)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="default: a new one")
    parser.add_argument("--at-once", type=int, default=3, help="runs at the same time (default: 3)")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    try:
        found = torture(options.kills, options.seed, at_once=options.at_once)
    except NoServerError as error:
        print(f"the servers cannot be had here: {error}", file=sys.stderr)
        return 2
    for problem, times in Counter(found.problems).most_common():
        print(f"WRONG, {times} times: {problem}")
    numbers = {"kills": found.kills, "files": found.files, "rows_expected": found.verdict.expected}
    numbers |= {"rows": found.verdict.rows, "duplicates": found.verdict.duplicates}
    print(json.dumps({"torture": numbers}))
    return 1 if found.problems else 0


if __name__ == "__main__":
    sys.exit(main())
