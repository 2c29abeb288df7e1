"""``python -m tests.servers.conformance``: behaviours of AWS by implementation, and each difference with its why."""

# ruff: noqa: T201

from __future__ import annotations

import json
import sys
from collections import Counter

from benchmarks.scene import table_text
from tests.servers.cache import NoServerError
from tests.servers.conformance.behaviours import BEHAVIOURS
from tests.servers.conformance.differences import DIFFERENCES
from tests.servers.conformance.implementations import IMPLEMENTATIONS
from tests.servers.conformance.suite import LIMIT_BROKEN


def see_all() -> dict[str, dict[str, str]]:
    """Implementation -> behaviour -> what was seen; those that cannot be had are named on standard error."""
    seen = {}
    for name, start in IMPLEMENTATIONS.items():
        try:
            with start() as implementation:
                mine = [b for b in BEHAVIOURS if b.service in implementation.places]
                seen[name] = {b.name: implementation.see(b) for b in mine}
        except NoServerError as error:
            print(f"{name}: left out: {error}", file=sys.stderr)
    return seen


def main() -> int:
    """See and print; 1 if something is neither as AWS's nor recorded, or recorded and not seen."""
    seen = see_all()
    counts: Counter[str] = Counter()
    rows: list[list[str]] = []
    notes: list[str] = []
    for behaviour in BEHAVIOURS:
        row = [behaviour.service, behaviour.name]
        for implementation, found in seen.items():
            what = found.get(behaviour.name)
            known = DIFFERENCES.get((implementation, behaviour.name))
            if what is None:
                verdict = ""
            elif behaviour.is_as_aws(what):
                verdict = (
                    ("ends the test" if LIMIT_BROKEN in what else "as AWS") if known is None else "RECORDED OTHERWISE"
                )
            else:
                verdict = "differs" if known is not None and known.seen == what else "NOT RECORDED"
                reason = known.why if verdict == "differs" and known is not None else "not recorded"
                notes.append(
                    f"\n{behaviour.service}: {behaviour.name}\n  AWS: {' | '.join(behaviour.aws)}\n"
                    f"  {implementation}: {what}\n  {reason}."
                )
            counts[verdict] += bool(verdict)
            row.append(verdict)
        rows.append(row)
    print(table_text(["service", "behaviour", *seen], rows))
    print("\nDifferences; AWS's way is the right one in each:", *notes, sep="\n")
    wrong = counts["NOT RECORDED"] + counts["RECORDED OTHERWISE"]
    totals = {"behaviours": len(BEHAVIOURS), "implementations": len(seen), "verdicts": counts.total()}
    totals |= {"as_aws": counts["as AWS"] + counts["ends the test"], "differ": counts["differs"], "unexplained": wrong}
    print(json.dumps({"conformance": totals}))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
