"""The alarm of a failed run, as pure functions that return documents.

A failed run is told by EventBridge and not by a metric: Glue sends an event for every run that ends. Delivery
is best effort, so that it tells of failures and does not prove success.
"""

import json
from typing import Final

from alur_pulumi.iam import document

FAILED_STATES: Final = ("FAILED", "TIMEOUT", "ERROR")


def failed_run_pattern(job_name: str) -> str:
    """The events of runs of a job that did not succeed; a run that somebody stopped is no failure."""
    pattern = {
        "source": ["aws.glue"],
        "detail-type": ["Glue Job State Change"],
        "detail": {"jobName": [job_name], "state": list(FAILED_STATES)},
    }
    return json.dumps(pattern, sort_keys=True)


def topic_policy(topic_arn: str, rule_arn: str) -> str:
    """A topic's policy: this rule may publish, and nobody without TLS."""
    publish = {
        "Sid": "FailedRuns",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": rule_arn}},
    }
    tls = {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sns:Publish",
        "Resource": topic_arn,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return document([publish, tls])
