"""A pipeline deployed to the embedded AWS, whose job really runs under the role that was deployed with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import pulumi

import alur_pulumi as alur
from alur_pulumi.local.emulator import Emulator
from alur_pulumi.local.stack import open_stack
from alur_pulumi.pulumi_cli import NoPulumiCli
from alur_runtime.config import split_uri
from tests.components.programs import OrderLines
from tests.trust.pieces import Piece

KEY = "arn:aws:kms:us-east-1:123456789012:key/0d9bb1a2-61c4-4a6c-8d5d-0d9bb1a261c4"


@attrs.define
class Deployed:
    """What was deployed.

    Attributes:
        emulator: Where.
        job: The job's name.
        landing: ``s3://bucket/prefix/`` of its source.
        policy: The document of its role's policy.
    """

    emulator: Emulator
    job: str
    landing: str
    policy: str

    def land(self, name: str, body: str) -> None:
        """A file lands."""
        bucket, prefix = split_uri(self.landing)
        self.emulator.client("s3").put_object(Bucket=bucket, Key=prefix + name, Body=body.encode())

    def run(self) -> dict[str, Any]:
        """Run the job to its end: the run as Glue shows it."""
        return self.emulator.run_job(self.job)

    def without(self, piece: Piece | None) -> None:
        """From now on the role lacks this piece of its policy, and nothing else."""
        role = self.emulator.client("glue").get_job(JobName=self.job)["Job"]["Role"].rpartition("/")[2]
        set_policy(self.emulator, role, piece.without(self.policy) if piece else self.policy)

    def sids(self) -> list[str]:
        """The statements of its policy."""
        return [statement["Sid"] for statement in json.loads(self.policy)["Statement"]]


def policy_of(emulator: Emulator, role: str) -> str:
    """The document of the one policy that a role has."""
    iam = emulator.client("iam")
    arn = _policy_arn(emulator, role)
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    return json.dumps(iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"])


def set_policy(emulator: Emulator, role: str, document: str) -> None:
    """Give a role's one policy another document; one without statements would be none to IAM."""
    statements = json.loads(document)["Statement"] or [{"Effect": "Deny", "Action": ["*"], "Resource": ["*"]}]
    document = json.dumps({**json.loads(document), "Statement": statements})
    iam = emulator.client("iam")
    arn = _policy_arn(emulator, role)
    for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
        if not version["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=document, SetAsDefault=True)


def _policy_arn(emulator: Emulator, role: str) -> str:
    (attached,) = emulator.client("iam").list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    arn: str = attached["PolicyArn"]
    return arn


@contextmanager
def deployed(work_dir: Path, sources: int = 1) -> Iterator[Deployed]:
    """Deploy a pipeline whose buckets and ledger have keys of the customer's; files land in its last source."""

    def program() -> None:
        state = alur.StateTable("state", alur.StateTableArgs(deletion_protection=False, kms_key_arn=KEY))
        table = alur.BronzeTable("lines", alur.BronzeTableArgs(contract=OrderLines, kms_key_arn=KEY))
        arguments = alur.IngestionJobArgs(
            table=table,
            state=state,
            sources=[alur.Source(name=f"shop{number}", prefix=f"in/{number}/") for number in range(sources)],
            landing_kms_key_arn=KEY,
        )
        job = alur.IngestionJob("ingest", arguments)
        pulumi.export("job", job.job_name)
        pulumi.export("landing", job.landing_uris)
        pulumi.export("policy", job.policy)

    with Emulator.start(work_dir=work_dir / "aws") as emulator:
        cli = NoPulumiCli(("left out: the role is the same",))
        stack = open_stack(program, emulator=emulator, work_dir=work_dir / "stack", cli=cli)
        outputs = stack.up().outputs
        yield Deployed(emulator, outputs["job"], outputs["landing"][-1], outputs["policy"])
