"""What tests on the engine and on its stand-in share."""

import pytest

from alur_pulumi.local.deployment import Summary
from alur_pulumi.pulumi_cli import NoPulumiCli

ENGINES = [
    pytest.param(None, id="engine", marks=pytest.mark.engine),
    pytest.param(NoPulumiCli(("left out by the test",)), id="without-engine"),
]


def changed(summary: Summary) -> dict[str, str]:
    """What was done to each resource that did not stay the same."""
    return {change.name: change.operation for change in summary.changes}
