"""What every example and stack registers, and one program more that uses all keys and settings of a careful company."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pulumi
import yaml

import alur_pulumi as alur
from alur_pulumi.local.program import Project, load_project
from tests.components.monitor import WHO_AND_WHERE, Registered, register
from tests.components.programs import ROOT, Pipeline

_KEY: Final = "arn:aws:kms:eu-west-1:123456789012:key/0d9bb1a2-61c4-4a6c-8d5d-0d9bb1a261c4"
_LOGS: Final = "access-logs"


OWN_KEYS: Final = "own keys"


def registrations() -> dict[str, list[Registered]]:
    """The resources of AWS that each program registers, by the program's name."""
    return {
        name: [r for r in registered if r.type.startswith("aws:")] for name, registered in whole_registrations().items()
    }


def whole_registrations() -> dict[str, list[Registered]]:
    """The same with the stacks and components that they are in."""
    found = {name: _registered(project, stack) for name, stack, project in _projects()}
    found[OWN_KEYS] = _registered(Project("careful", _own_keys), "prod")
    return found


def _projects() -> Iterator[tuple[str, str, Project]]:
    for path in sorted(ROOT.glob("examples/*/Pulumi.yaml")):
        if yaml.safe_load(path.read_text())["runtime"] == "python":
            yield f"examples/{path.parent.name}", "dev", load_project(path.parent, "dev")
    for path in sorted(ROOT.glob("stacks/Pulumi.*.yaml")):
        stack = path.name.split(".")[1]
        yield f"stacks/{stack}", stack, load_project(ROOT, stack)


def _registered(project: Project, stack: str) -> list[Registered]:
    def program() -> None:
        pulumi.runtime.set_all_config(dict(project.config))
        project.run()

    return register(program, project=project.name, stack=stack, answers=WHO_AND_WHERE).registered


def _own_keys() -> None:
    """Everything encrypted by a key of the customer's, every access logged, in a network, started by whatever can."""
    Pipeline(
        state={"kms_key_arn": _KEY, "alarm_kms_key_arn": _KEY},
        table={"kms_key_arn": _KEY, "access_log_bucket": _LOGS},
        job={
            "landing_kms_key_arn": _KEY,
            "landing_access_log_bucket": _LOGS,
            "security_kms_key_arn": _KEY,
            "schedule": "cron(0 6 * * ? *)",
            "schedule_timezone": "Europe/Berlin",
            "start_on_arrival": alur.StartOnArrival(),
            "network": alur.Network(
                subnet_id="subnet-0123456789abcdef0",
                security_group_ids=["sg-0123456789abcdef0"],
                availability_zone="eu-west-1a",
            ),
        },
    )
