"""Each program's resources as a tree, with what matters for security, and rules that need no scanner."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from rich.console import Console
from rich.tree import Tree

from tests.components.monitor import Registered
from tests.trust.examples import whole_registrations
from tests.trust.show import say

# By the last part of a type: the properties that a reviewer asks for, by their path.
_SHOWN: Final[dict[str, tuple[str, ...]]] = {
    "Bucket": ("forceDestroy",),
    "BucketLogging": ("targetBucket",),
    "BucketOwnershipControls": ("rule.objectOwnership",),
    "BucketPublicAccessBlock": (
        "blockPublicAcls",
        "blockPublicPolicy",
        "ignorePublicAcls",
        "restrictPublicBuckets",
    ),
    "BucketServerSideEncryptionConfiguration": (
        "rules.0.applyServerSideEncryptionByDefault.sseAlgorithm",
        "rules.0.applyServerSideEncryptionByDefault.kmsMasterKeyId",
    ),
    "BucketVersioning": ("versioningConfiguration.status",),
    "Job": ("glueVersion", "executionClass", "timeout", "maxRetries", "securityConfiguration", "connections"),
    "Key": ("enableKeyRotation",),
    "LogGroup": ("retentionInDays", "kmsKeyId"),
    "Queue": ("kmsMasterKeyId", "sqsManagedSseEnabled"),
    "Schedule": ("state", "kmsKeyArn"),
    "Table": (
        "pointInTimeRecovery.enabled",
        "deletionProtectionEnabled",
        "serverSideEncryption.kmsKeyArn",
    ),
    "Topic": ("kmsMasterKeyId",),
}
# Who may take a role, and what a policy allows, are read from their documents.
_DOCUMENTS: Final = {"Role": "assumeRolePolicy", "Policy": "policy", "RolePolicy": "policy"}
_BLOCKS: Final = _SHOWN["BucketPublicAccessBlock"]


def kind_of(registered: Registered) -> str:
    """The last part of its type."""
    return registered.type.rpartition(":")[2]


def shown(registered: Registered) -> str:
    """What of a resource matters for security, in a line; empty for nothing."""
    kind = kind_of(registered)
    parts = [
        f"{'.'.join(path.split('.')[-2:])}={int(value) if isinstance(value, float) else value}"
        for path in _SHOWN.get(kind, ())
        if (value := _at(registered.inputs, path)) not in (None, [])
    ]
    if kind in _DOCUMENTS:
        document = json.loads(registered.inputs[_DOCUMENTS[kind]])
        parts += [part for statement in document["Statement"] for part in _statement(statement)]
    parts += ["retained on destroy"] if registered.retain_on_delete else []
    parts += ["protected"] if registered.protect else []
    return ", ".join(parts)


def _statement(statement: dict[str, Any]) -> Iterator[str]:
    if "Principal" in statement:
        yield f"for {json.dumps(statement['Principal'])}"
    else:
        yield f"{statement['Sid']} ({len(statement['Action'])})"


def problems(registered: list[Registered]) -> Iterator[str]:
    """What no program may register: buckets without their protections, jobs without a version."""
    for one in registered:
        if kind_of(one) == "Job" and not one.inputs.get("glueVersion"):
            yield f"{one.name}: its glueVersion is not set"
        if kind_of(one) == "Bucket":
            own = {kind_of(r): r for r in registered if _is_about(r, one)}
            yield from (f"{one.name}: {problem}" for problem in _unprotected(own))


def _is_about(registered: Registered, bucket: Registered) -> bool:
    """Whether a resource is a setting of this bucket: names of buckets are told by where they come from."""
    end = f"{bucket.type}::{bucket.name}"
    return any(urn.endswith((f"${end}", f"::{end}")) for urn in registered.property_dependencies.get("bucket", ()))


def _unprotected(own: dict[str, Registered]) -> Iterator[str]:
    block = own.get("BucketPublicAccessBlock")
    if block is None or not all(block.inputs.get(name) is True for name in _BLOCKS):
        yield "public access is not blocked"
    encryption = own.get("BucketServerSideEncryptionConfiguration")
    default = "rules.0.applyServerSideEncryptionByDefault.sseAlgorithm"
    if encryption is None or not _at(encryption.inputs, default):
        yield "it has no encryption by default"
    policy = own.get("BucketPolicy")
    if policy is None or not any(_demands_tls(s) for s in json.loads(policy.inputs["policy"])["Statement"]):
        yield "its policy does not demand TLS"


def _demands_tls(statement: dict[str, Any]) -> bool:
    return (
        statement["Effect"] == "Deny"
        and statement["Principal"] == "*"
        and statement["Action"] == "s3:*"
        and len(statement["Resource"]) == 2
        and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
    )


def tree(program: str, registered: list[Registered]) -> Tree:
    """The resources below their parents, as they were registered."""
    root = Tree(program)
    nodes: dict[str, Tree] = {}
    for one in registered:
        token = one.type.replace("pulumi:pulumi:", "")
        detail = shown(one)
        parent = nodes.get(_end(one.parent), root)
        nodes[f"{one.type}::{one.name}"] = parent.add(f"{one.name}  {token}" + (f"  {detail}" if detail else ""))
    return root


def _end(urn: str) -> str:
    """A URN's type and name, without the types of its parents."""
    types, _, name = urn.rpartition("::")
    return f"{types.rpartition('::')[2].rpartition('$')[2]}::{name}"


def _at(value: Any, path: str) -> Any:
    for part in path.split("."):
        if isinstance(value, list):
            value = value[int(part)] if len(value) > int(part) else None
        else:
            value = (value or {}).get(part)
    return value


def main() -> int:
    """Show every program's resources; 0 if none breaks a rule."""
    console = Console(width=None if Console().is_terminal else 200, markup=False, highlight=False, soft_wrap=True)
    wrong: list[str] = []
    count = 0
    for program, registered in whole_registrations().items():
        console.print(tree(program, registered))
        count += sum(one.type.startswith("aws:") for one in registered)
        wrong += [f"{program}: {problem}" for problem in problems(registered)]
    for problem in wrong:
        say(f"WRONG {problem}")
    say(json.dumps({"resources": {"resources": count, "wrong": len(wrong)}}))
    return 1 if wrong else 0
