"""Real boto3 clients whose requests go to the simulated services: botocore still checks every request's form."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ParamValidationError
from botocore.handlers import handle_copy_source_param
from botocore.validate import ParamValidator

from alur_runtime.aws import CallCounter, Clients

Send = Callable[[str, str, dict[str, Any]], dict[str, Any]]
"""Service, operation, request: the answer, or the error that boto3 would raise."""


@cache
def _real_clients() -> dict[str, Any]:
    """Made once in a process: it takes long."""
    session = boto3.session.Session(aws_access_key_id="none", aws_secret_access_key="none", region_name="us-east-1")
    config = Config(s3={"addressing_style": "path"})
    return {name: session.client(name, config=config) for name in ("s3", "dynamodb", "glue", "cloudwatch")}


def simulated_clients(send: Send, new_token: Callable[[], str]) -> Clients:
    """The clients of all runs of a simulation; which run calls is known to the scheduler.

    Args:
        send: Takes each request once botocore has found nothing wrong with its form.
        new_token: What botocore puts where an operation has an idempotency token and the caller gave none.
    """
    clients = _real_clients()
    for service, client in clients.items():
        client._make_api_call = _sender(service, client, send, new_token)
    return Clients(session=None, calls=CallCounter(), **clients)


def _sender(service: str, client: Any, send: Send, new_token: Callable[[], str]) -> Any:
    model, validator = client.meta.service_model, ParamValidator()
    operations: dict[str, Any] = {}

    def call(operation: str, request: dict[str, Any]) -> dict[str, Any]:
        if operation not in operations:
            operations[operation] = model.operation_model(operation)
        shape = operations[operation]
        for member in shape.idempotent_members:
            if member not in request:
                request = {**request, member: new_token()}
        if operation == "CopyObject":
            request = dict(request)
            handle_copy_source_param(request)
        report = validator.validate(request, shape.input_shape)
        if report.has_errors():
            raise ParamValidationError(report=report.generate_report())
        return send(service, operation, request)

    return call
