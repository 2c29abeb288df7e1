"""All behaviours of the suite: importing the modules that define them fills the list."""

from __future__ import annotations

from tests.servers.conformance import dynamodb_reads, dynamodb_writes, glue_partitions, s3_objects, s3_uploads
from tests.servers.conformance.suite import BEHAVIOURS

__all__ = ["BEHAVIOURS", "dynamodb_reads", "dynamodb_writes", "glue_partitions", "s3_objects", "s3_uploads"]
