"""CloudWatch in memory, as far as a run reaches it: it takes metrics."""

from __future__ import annotations

from typing import Any, Final

import attrs

from tests.simulation.cloud.answers import LimitBrokenError, client_error

_MOST_DATA: Final = 1000
_MOST_DIMENSIONS: Final = 30


@attrs.define
class CloudWatch:
    """What was published.

    Attributes:
        published: Each call that took effect: the namespace, and its values by metric.
    """

    published: list[tuple[str, dict[str, float]]] = attrs.field(factory=list)

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """One request.

        Raises:
            ClientError: As CloudWatch answers.
            LimitBrokenError: If CloudWatch would refuse it as malformed.
        """
        if operation != "PutMetricData":
            raise client_error(operation, "UnknownOperationException")
        data = request["MetricData"]
        if not 0 < len(data) <= _MOST_DATA or any(len(d["Dimensions"]) > _MOST_DIMENSIONS for d in data):
            raise LimitBrokenError(f"PutMetricData of {len(data)}")
        self.published.append((request["Namespace"], {d["MetricName"]: d["Value"] for d in data}))
        return {}
