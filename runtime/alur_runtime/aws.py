"""Clients of the AWS services the runtime reaches, made in one place, and the count of their calls."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any, Final
from urllib.parse import urlsplit

import attrs
import boto3
from botocore.config import Config

_POOL: Final = 64  # connections a client keeps: more than the threads that use it
# A subnet without a way to CloudWatch must not keep a run that has ended: by default it would wait for eight minutes.
_METRICS_CONFIG: Final = Config(
    retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=5, read_timeout=10
)


@attrs.frozen
class Clients:
    """The clients of a run, all from one boto3 session.

    They honour the standard environment: `AWS_ENDPOINT_URL` and its forms by service, region, credentials, profiles.

    Attributes:
        cloudwatch: Takes a run's metrics; None for the command, which publishes nothing.
    """

    session: Any
    s3: Any
    dynamodb: Any
    glue: Any
    calls: CallCounter
    cloudwatch: Any = None


class CallCounter:
    """Counts calls by ``service.Operation``; safe among threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, service: str, operation: str, calls: int = 1) -> None:
        """Count calls that were made."""
        with self._lock:
            self._counts[f"{service}.{operation}"] += calls

    def counts(self) -> dict[str, int]:
        """Calls so far."""
        with self._lock:
            return dict(sorted(self._counts.items()))

    def watch(self, client: Any) -> None:
        """Count every request that a boto3 client sends, retries included."""
        service = client.meta.service_model.service_name
        client.meta.events.register(
            "before-send.*.*", lambda event_name, **_: self.add(service, event_name.rsplit(".", 1)[1])
        )


def make_clients() -> Clients:
    """Clients as the standard AWS environment says."""
    session = boto3.session.Session()
    config = Config(retries={"mode": "standard", "total_max_attempts": 8}, max_pool_connections=_POOL)
    # Buckets of an own endpoint (a local server) are not host names.
    s3_config = config.merge(Config(s3={"addressing_style": "path"})) if own_endpoint(session.client("s3")) else config
    calls = CallCounter()
    clients = Clients(
        session=session,
        s3=session.client("s3", config=s3_config),
        dynamodb=session.client("dynamodb", config=config),
        glue=session.client("glue", config=config),
        calls=calls,
        cloudwatch=session.client("cloudwatch", config=_METRICS_CONFIG),
    )
    for client in (clients.s3, clients.dynamodb, clients.glue, clients.cloudwatch):
        calls.watch(client)
    return clients


def error_code(error: Exception) -> str:
    """The code of a botocore `ClientError`, such as ``NoSuchKey``; empty for any other error."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def own_endpoint(client: Any) -> bool:
    """Whether a client talks to a server other than AWS's own."""
    host = urlsplit(client.meta.endpoint_url).hostname or ""
    return not host.endswith((".amazonaws.com", ".amazonaws.com.cn"))
