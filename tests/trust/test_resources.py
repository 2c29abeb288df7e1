"""What every example and stack registers is protected, and the rules that say so do see what is not."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest
from rich.console import Console

from tests.components.monitor import Registered
from tests.trust.examples import OWN_KEYS, whole_registrations
from tests.trust.resources import kind_of, problems, tree

Programs = dict[str, list[Registered]]


@pytest.fixture(scope="module")
def programs() -> Programs:
    return whole_registrations()


def test_nothing_is_unprotected(programs: Programs) -> None:
    assert {name: found for name, registered in programs.items() if (found := list(problems(registered)))} == {}
    assert {"examples/quickstart", "stacks/dev", "stacks/local", "stacks/prod", OWN_KEYS} <= programs.keys()
    # or else there was nothing to look at
    assert all({"Bucket", "Job"} <= {kind_of(r) for r in registered} for registered in programs.values())


def _without(kind: str) -> Callable[[Registered], Registered | None]:
    return lambda r: None if kind_of(r) == kind else r


def _with(kind: str, **inputs: object) -> Callable[[Registered], Registered | None]:
    return lambda r: attrs.evolve(r, inputs={**r.inputs, **inputs}) if kind_of(r) == kind else r


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_without("BucketPublicAccessBlock"), "public access is not blocked"),
        (_with("BucketPublicAccessBlock", restrictPublicBuckets=False), "public access is not blocked"),
        (_without("BucketServerSideEncryptionConfiguration"), "it has no encryption by default"),
        (_with("BucketServerSideEncryptionConfiguration", rules=[]), "it has no encryption by default"),
        (_without("BucketPolicy"), "its policy does not demand TLS"),
        (_with("BucketPolicy", policy='{"Statement": []}'), "its policy does not demand TLS"),
        (_with("Job", glueVersion=None), "its glueVersion is not set"),
    ],
)
def test_what_is_unprotected_is_told(
    programs: Programs, change: Callable[[Registered], Registered | None], told: str
) -> None:
    changed = [kept for r in programs["examples/quickstart"] if (kept := change(r)) is not None]
    found = list(problems(changed))
    assert found
    assert all(told in problem for problem in found)


def test_a_company_can_have_every_bucket_logged(programs: Programs) -> None:
    registered = programs[OWN_KEYS]
    assert len([r for r in registered if kind_of(r) == "BucketLogging"]) == len(
        [r for r in registered if kind_of(r) == "Bucket"]
    )


def test_the_tree_shows_each_resource_below_its_component(programs: Programs) -> None:
    console = Console(width=300)
    with console.capture() as shown:
        console.print(tree("quickstart", programs["examples/quickstart"]))
    lines = shown.get().splitlines()
    assert len(lines) == len(programs["examples/quickstart"]) + 1
    (state,) = (n for n, line in enumerate(lines) if "alur:index:StateTable" in line)
    (table,) = (n for n, line in enumerate(lines) if "aws:dynamodb/table:Table" in line)
    assert table > state
    assert lines[table].index("state-table") > lines[state].index("state")
    assert "deletionProtectionEnabled=True" in lines[table]
