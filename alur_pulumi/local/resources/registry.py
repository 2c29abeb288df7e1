"""Every resource type that the local provider knows, by its type token."""

from collections.abc import Mapping

from alur_pulumi.local.resources import (
    cloudwatch,
    dynamodb,
    events,
    glue_catalog,
    glue_jobs,
    glue_workflows,
    iam,
    kms,
    logs,
    network,
    s3,
    s3_objects,
    s3_settings,
    scheduler,
    sns,
    sqs,
)
from alur_pulumi.local.resources.base import Kind

_MODULES = (
    s3,
    s3_settings,
    s3_objects,
    dynamodb,
    glue_catalog,
    glue_jobs,
    glue_workflows,
    iam,
    kms,
    logs,
    cloudwatch,
    events,
    scheduler,
    sns,
    sqs,
    network,
)

KINDS: Mapping[str, Kind] = {kind.token: kind for module in _MODULES for kind in module.KINDS}
