"""The ledger in DynamoDB: leases, runs, batches and files, and the conditions that fence them.

Every condition is written so that an answer lost on the way (boto3 then tries again, and the second try fails its own
condition) is recognised as the success that it was.
"""

from __future__ import annotations

import attrs

from alur_runtime.ledger.batches import Batches
from alur_runtime.ledger.files import Files
from alur_runtime.ledger.lease import PlanningLease
from alur_runtime.ledger.runs import Runs


@attrs.frozen
class Ledger(PlanningLease, Runs, Batches, Files):
    """The items of one table in the state table."""
