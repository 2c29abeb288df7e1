"""Registrations as a Terraform plan: what scanners of infrastructure read without a cloud.

Pulumi's AWS provider is made from Terraform's, so that names go over by rule: camelCase to snake_case, one block to a
list of one, and the singular where Pulumi made a plural of a repeated block.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from tests.components.monitor import Registered

_TYPES: Final = {
    "aws_s3_bucket_objectv2": "aws_s3_object",
    "aws_ec2_security_group": "aws_security_group",
    "aws_ec2_subnet": "aws_subnet",
    "aws_ec2_vpc": "aws_vpc",
    "aws_ec2_vpc_endpoint": "aws_vpc_endpoint",
}
# Attributes that are maps, not blocks: their keys are the user's.
_MAPS: Final = {"tags", "default_arguments", "non_overridable_arguments", "parameters", "dimensions"}
_SINGULARS: Final = {
    ("aws_dynamodb_table", "attributes"): "attribute",
    ("aws_s3_bucket_server_side_encryption_configuration", "rules"): "rule",
    ("aws_s3_bucket_lifecycle_configuration", "rules"): "rule",
    ("aws_cloudwatch_metric_alarm", "metric_queries"): "metric_query",
}


def terraform_type(token: str) -> str:
    """The Terraform type of a Pulumi type: ``aws:s3/bucketPolicy:BucketPolicy`` is ``aws_s3_bucket_policy``."""
    _, module, name = token.split(":")
    found = f"aws_{module.partition('/')[0]}_{_snake(name)}"
    return _TYPES.get(found, found)


def address(registered: Registered) -> str:
    """The address of a resource in the plan."""
    return f"{terraform_type(registered.type)}.{registered.name}"


def plan(registered: Iterable[Registered]) -> dict[str, Any]:
    """A plan that makes these resources, with the references between them."""
    resources = list(registered)
    by_urn_end = {f"{r.type}::{r.name}": r for r in resources}
    planned, changes, configured = [], [], []
    for resource in resources:
        kind = terraform_type(resource.type)
        values = _values(kind, resource.inputs)
        base = {"address": address(resource), "mode": "managed", "type": kind, "name": resource.name}
        planned.append({**base, "schema_version": 0, "values": values})
        changes.append({**base, "change": {"actions": ["create"], "before": None, "after": values}})
        expressions = {}
        for name, urns in resource.property_dependencies.items():
            ends = [urn.rpartition("$")[2] for urn in urns]
            known = [address(by_urn_end[end]) for end in ends if end in by_urn_end]
            if known:
                expressions[_snake(name)] = {"references": [f"{one}{end}" for one in known for end in (".id", "")]}
        configured.append({**base, "expressions": expressions, "schema_version": 0})
    return {
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "planned_values": {"root_module": {"resources": planned}},
        "resource_changes": changes,
        "configuration": {"root_module": {"resources": configured}},
    }


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _values(kind: str, inputs: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for camel, value in inputs.items():
        name = _snake(camel)
        if isinstance(value, dict) and name not in _MAPS:
            found[name] = [_values(kind, value)]
        elif isinstance(value, list):
            found[_SINGULARS.get((kind, name), name)] = [
                _values(kind, one) if isinstance(one, dict) else one for one in value
            ]
        elif isinstance(value, str | int | float | bool | dict) or value is None:
            found[name] = int(value) if isinstance(value, float) and value.is_integer() else value
        # what is left are files to upload: no rule reads them
    return found
