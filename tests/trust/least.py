"""Least privilege, proven both ways: nothing is missing, and of what there is nothing can go."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from alur_pulumi.local.access import parse_policy, refused
from tests.trust.deployed import Deployed, deployed, policy_of
from tests.trust.guard import Role
from tests.trust.pieces import Piece, pieces_of
from tests.trust.scenarios import SCENARIOS, TAG, Change
from tests.trust.show import say, say_table
from tests.trust.starting import STARTS, starting, take_away_from_starts
from tests.trust.verdicts import Verdict

_GLUE_ROLE: Final = "the policy that AWS itself gives Glue's roles (AWSGlueServiceRole)"
_GLUE_KEYS: Final = "AWS Glue developer guide, setting up encryption"
GLUES_OWN: Final[dict[str, str]] = {
    "Logs": f"Glue writes the output of runs as the role: {_GLUE_ROLE}",
    "LogKeys": f"Glue gives the log groups the key of the security configuration: {_GLUE_KEYS}",
    "SecurityConfiguration": f"Glue reads it as the role: {_GLUE_KEYS}",
    "Connections": f"Glue reads the connection as the role: {_GLUE_ROLE}",
    "NetworkRead": f"Glue puts the job into the network as the role: {_GLUE_ROLE}",
    "NetworkAttributes": f"Glue puts the job into the network as the role: {_GLUE_ROLE}",
    "NetworkUse": f"Glue puts the job into the network as the role: {_GLUE_ROLE}",
    "NetworkRemove": f"Glue takes its interfaces out of the network again: {_GLUE_ROLE}",
    "NetworkTags": f"Glue knows its interfaces by a tag: {_GLUE_ROLE}",
    "Metrics Glue": f"Glue's own metrics of a job: {_GLUE_ROLE}",
}
"""Statement, or statement and one of its pieces -> why it is there although the runtime never asks for it."""


Known = dict[str, tuple[str, Role]]


def play_all() -> Known:
    """All scenarios with the whole policy, by name: what went wrong, and the role."""
    return {name: _play(name, lambda policy: policy) for name in SCENARIOS}


def whole_policy(known: Known) -> str:
    """The policy that was played with, its names made the same."""
    role = known[next(iter(SCENARIOS))][1]
    return role.policy.replace(role.tag, TAG)


def take_away(known: Known) -> Iterator[Verdict]:
    """Take each piece of the policy away, and play what asks for it.

    Args:
        known: What `play_all` found.
    """
    for piece in pieces_of(whole_policy(known)):
        source = GLUES_OWN.get(piece.sid) or GLUES_OWN.get(f"{piece.sid} {piece.name}")
        yield _broken(piece, known) or Verdict(piece, *(("Glue's own", source) if source else ("", "")))


def _broken(piece: Piece, known: Known) -> Verdict | None:
    for name, (_, role) in known.items():
        lessened = parse_policy(piece.without(role.policy.replace(role.tag, TAG)).replace(TAG, role.tag))
        if refused(lessened, role.asked.values()) is None:
            continue  # nothing that it asks for would be answered otherwise
        wrong, without = _play(name, piece.without)
        if wrong:
            refusals = [str(need).replace(without.tag, "*") for need in without.refusals]
            return Verdict(piece, name, refusals[0] if refusals else wrong.splitlines()[0])
    return None


def _play(name: str, change: Change) -> tuple[str, Role]:
    with pytest.MonkeyPatch.context() as patch:
        return SCENARIOS[name](patch, change)


def stale_sources(policy: str) -> list[str]:
    """What is listed as Glue's own and is not in the policy, or no longer."""
    there = {piece.sid for piece in pieces_of(policy)} | {f"{p.sid} {p.name}" for p in pieces_of(policy)}
    return sorted(set(GLUES_OWN) - there)


def actions_of(policy: str) -> list[str]:
    """The actions that a policy grants, each once."""
    return sorted({action for statement in json.loads(policy)["Statement"] for action in statement["Action"]})


def main() -> int:
    """Show for each permission what breaks without it; 0 if nothing is needless or missing."""
    known = play_all()
    policy = whole_policy(known)
    missing = [f"{name}: {need}" for name, (_, role) in known.items() for need in role.refusals]
    missing += [f"{name}: {wrong.splitlines()[0]}" for name, (wrong, role) in known.items() if wrong]
    verdicts = list(take_away(known))
    granted = actions_of(policy)
    with tempfile.TemporaryDirectory(prefix="alur-starts-") as folder, starting(Path(folder)) as there:
        missing += [f"{part}: {said}" for part in STARTS if (said := there.play(part))]
        verdicts += take_away_from_starts(there)
        granted += [action for part in STARTS for action in actions_of(policy_of(there.emulator, there.role(part)))]
    with tempfile.TemporaryDirectory(prefix="alur-iam-") as folder, deployed(Path(folder)) as pipeline:
        missing += [f"deployed: {reason}" for reason in run_once(pipeline)]
    _show([v for v in verdicts if v.piece.kind == "action"], "action")
    _show([v for v in verdicts if v.piece.kind != "action"], "part of a statement")
    needless = [v for v in verdicts if v.needless]
    for verdict in needless:
        say(f"NEEDLESS {verdict.piece} in {verdict.piece.sid}")
    stale = stale_sources(policy)
    for problem in (*missing, *(f"{name} is listed as Glue's own, and is not in the policy" for name in stale)):
        say(f"WRONG {problem}")
    counts = {"actions": len(granted), "needless": len(needless), "missing": len(missing)}
    say(json.dumps({"iam": counts}))
    return 1 if needless or missing or stale else 0


def run_once(pipeline: Deployed) -> list[str]:
    """What the deployed job was refused over a file, its change and a rerun; how it ended, if not well."""
    for amount in ("2.50", "3.50", "3.50"):
        pipeline.land("a.csv", f"OrderId,amount,note,Region\n1,{amount},,north\n")
        run = pipeline.run()
        if run["JobRunState"] != "SUCCEEDED":
            return [*pipeline.emulator.refusals(), f"a run ended as {run['JobRunState']}"]
    return pipeline.emulator.refusals()


def _show(verdicts: list[Verdict], title: str) -> None:
    headings = (title, "statement", "breaks without it", "what was refused, or whence it is known")
    say_table(headings, [(str(v.piece).removeprefix("action "), v.piece.sid, v.breaks, v.how) for v in verdicts])
