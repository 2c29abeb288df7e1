"""The company's scanner (checkov) over every example and stack; what it may fail for is listed, with reasons."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from tests.components.monitor import Registered
from tests.components.programs import ROOT
from tests.trust.examples import OWN_KEYS, registrations
from tests.trust.plan import plan
from tests.trust.show import say, say_table

PYTHON: Final = ROOT / ".venvs" / "scan" / "bin" / "python"
EXCEPTIONS: Final = ROOT / "docs" / "security-exceptions.toml"
PAGE: Final = ROOT / "docs" / "security-controls.md"


@attrs.frozen
class Excepted:
    """Why a rule may fail.

    Attributes:
        reason: In a sentence or two.
        settled_by: The arguments with which it passes; empty if there are none.
        only_in: The programs in which it may fail; all if none is named.
    """

    reason: str
    settled_by: str = ""
    only_in: tuple[str, ...] = ()

    def covers(self, program: str) -> bool:
        """Whether the rule may fail in a program."""
        if self.only_in:
            return program in self.only_in
        return not (self.settled_by and program == OWN_KEYS)


@attrs.frozen
class Found:
    """What a rule says of a resource.

    Attributes:
        rule: Such as ``CKV_AWS_19``.
        asks: What the rule asks for.
        program: Which example or stack.
        resource: Its address.
        passed: Or it failed.
    """

    rule: str
    asks: str
    program: str
    resource: str
    passed: bool


def exceptions() -> dict[str, Excepted]:
    """The exceptions, by rule."""
    listed = tomllib.loads(EXCEPTIONS.read_text("utf-8"))
    return {
        rule: Excepted(" ".join(given["reason"].split()), given.get("settled_by", ""), tuple(given.get("only_in", ())))
        for rule, given in listed.items()
    }


def scan(programs: Mapping[str, list[Registered]]) -> list[Found]:
    """Have checkov read programs' registrations.

    Args:
        programs: By name.

    Raises:
        subprocess.CalledProcessError: If it does not run to its end.
    """
    names = list(programs)
    with tempfile.TemporaryDirectory(prefix="alur-scan-") as folder:
        for number, name in enumerate(names):
            Path(folder, f"{number}.json").write_text(json.dumps(plan(programs[name]), indent=1))
        command = [str(PYTHON), "-m", "checkov.main", "-d", folder, "--framework", "terraform_plan"]
        command += ["-o", "json", "--skip-download", "--soft-fail", "--compact"]
        environment = {"PATH": os.environ["PATH"], "HOME": folder, "LOG_LEVEL": "ERROR"}
        done = subprocess.run(command, env=environment, capture_output=True, check=True, cwd=folder)
    answer: dict[str, Any] = json.loads(done.stdout)
    assert not answer["summary"]["parsing_errors"], answer["results"]["parsing_errors"]
    return [
        Found(
            check["check_id"],
            check["check_name"],
            names[int(Path(check["file_path"]).stem)],
            check["resource"],
            check["check_result"]["result"] == "PASSED",
        )
        for kind in ("passed_checks", "failed_checks")
        for check in answer["results"][kind]
    ]


def problems(found: Iterable[Found], excepted: Mapping[str, Excepted]) -> list[str]:
    """What fails without an exception, and exceptions that nothing needs."""
    failed = [f for f in found if not f.passed]
    return [
        *(f"{f.program}: {f.resource} fails {f.rule}: {f.asks}" for f in failed if _outcome(f, excepted) == "failed"),
        *(f"{rule} is excepted and fails nowhere" for rule in sorted(excepted.keys() - {f.rule for f in failed})),
    ]


def _outcome(found: Found, excepted: Mapping[str, Excepted]) -> str:
    if found.passed:
        return "passed"
    exception = excepted.get(found.rule)
    return "excepted" if exception and exception.covers(found.program) else "failed"


def page(found: Iterable[Found], excepted: Mapping[str, Excepted]) -> str:
    """The page of security controls: each rule that was asked, its verdict, and the reason for each exception."""
    by_rule: dict[str, list[Found]] = defaultdict(list)
    for one in found:
        by_rule[one.rule].append(one)
    lines = ["| rule | asks | of | verdict |", "|---|---|---|---|"]
    for rule in sorted(by_rule, key=_order):
        kinds = ", ".join(f"`{kind}`" for kind in sorted({f.resource.partition(".")[0] for f in by_rule[rule]}))
        lines.append(f"| {rule} | {by_rule[rule][0].asks} | {kinds} | {_verdict(by_rule[rule], excepted)} |")
    programs = ", ".join(f"`{name}`" for name in sorted({f.program for f in found} - {OWN_KEYS}))
    return _PAGE.format(table="\n".join(lines), programs=programs, own_keys=OWN_KEYS)


def _order(rule: str) -> tuple[str, int]:
    family, _, number = rule.rpartition("_")
    return family, int(number)


def _verdict(found: list[Found], excepted: Mapping[str, Excepted]) -> str:
    outcomes = {_outcome(one, excepted) for one in found}
    if outcomes == {"passed"}:
        return "passed"
    if "failed" in outcomes:
        return "**failed**"
    exception = excepted[found[0].rule]
    where = f" in {', '.join(f'`{name}`' for name in exception.only_in)}" if exception.only_in else ""
    settled = f" Passes with {exception.settled_by}." if exception.settled_by else ""
    return f"*excepted{where}*: {exception.reason}{settled}"


def main() -> int:
    """Scan, write the page, and show the outcome by program; 0 if nothing fails but what is excepted."""
    found, excepted = scan(registrations()), exceptions()
    PAGE.write_text(page(found, excepted), "utf-8")
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for one in found:
        counts[one.program][_outcome(one, excepted)] += 1
    kinds = ("passed", "excepted", "failed")
    say_table(("program", *kinds), [(name, *(str(c[kind]) for kind in kinds)) for name, c in sorted(counts.items())])
    wrong = problems(found, excepted)
    for problem in wrong:
        say(f"WRONG {problem}")
    say(json.dumps({"scan": {kind: sum(c[kind] for c in counts.values()) for kind in kinds}}))
    return 1 if wrong else 0


_PAGE: Final = """# Security controls

Made by `make scan`, and a test compares: every example and every stack goes to checkov, a scanner that companies run
over infrastructure before it is deployed. What it asks and what it found, rule by rule; where a rule is not followed,
the reason stands beside it. The exceptions are listed in [security-exceptions.toml](security-exceptions.toml); one that
nothing needs any more fails the scan.

Scanned: {programs}, and `{own_keys}`, a program with keys
of its own for everything.

{table}

Of the packs of cdk-nag, what asks for no inline policies, no AWS-managed policies and no wildcards holds as well: each
role has one customer-managed policy, and `make iam` takes each of its permissions away to show that it is needed.
AwsGuard's rule on access logs reads only a setting inside the bucket's own resource, which the provider has given up:
a bucket with a separate resource for it fails that rule by construction.
"""
