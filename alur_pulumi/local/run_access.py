"""IAM for job runs: what a run asks of the embedded AWS is judged by the policies of its job's role.

Everybody else is an administrator here, as whoever deploys to their own machine is.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs, unquote
from xml.etree import ElementTree as ET

import attrs
from moto.dynamodb.models import dynamodb_backends
from moto.iam.models import IAMBackend, ManagedPolicy, iam_backends
from moto.s3.models import s3_backends

from alur_pulumi.local.access import Need, Statement, UnjudgedPolicyError, lets_service, parse_policy, refused
from alur_pulumi.local.access_needs import Place, Request, needs, needs_if_missing
from alur_pulumi.local.calls import Call

_ACCESS_KEY: Final = re.compile(r"Credential=([^/,]+)/")
_XML: Final = "{http://s3.amazonaws.com/doc/2006-03-01/}"


@attrs.frozen
class Refusal:
    """What somebody was refused.

    Attributes:
        who: ARN of the role, or the service of AWS.
        reason: In words.
    """

    who: str
    reason: str


def access_key(headers: Mapping[str, str]) -> str:
    """The access key that signed a request; empty if none did."""
    found = _ACCESS_KEY.search(headers.get("authorization", ""))
    return found[1] if found else ""


def parameters(call: Call, query: str, headers: Mapping[str, str], body: bytes) -> Request:
    """A request's parameters by boto3's names, as far as permissions depend on them."""
    if call.service != "s3":
        if "x-amz-target" in headers:
            found: dict[str, Any] = json.loads(body or b"{}")
            return found
        form = parse_qs(body.decode("utf-8", "replace"))
        return {name: values[0] for name, values in form.items()}
    asked: dict[str, Any] = {name: value for name, value in (("Bucket", call.bucket), ("Key", call.key)) if value}
    if prefix := parse_qs(query).get("prefix"):
        asked["Prefix"] = prefix[0]
    if "if-match" in headers:
        asked["IfMatch"] = headers["if-match"]
    if "x-amz-copy-source" in headers:
        asked["CopySource"] = unquote(headers["x-amz-copy-source"])
    if call.operation == "DeleteObjects":
        root = ET.fromstring(body)  # noqa: S314 - of a job on this machine, which could do worse
        keys = [*root.iter(f"{_XML}Key"), *root.iter("Key")]
        asked["Delete"] = {"Objects": [{"Key": key.text or ""} for key in keys]}
    return asked


@attrs.frozen
class RunAccess:
    """Judges requests of job runs.

    Attributes:
        account: The account's number.
    """

    account: str

    def knows(self, role: str) -> bool:
        """Whether there is such a role; the requests of one that is not here cannot be judged."""
        return any(known.arn == role for known in self._iam.get_roles())

    def judge(self, role: str, call: Call, request: Request) -> Refusal | None:
        """Why a request of a run is refused; None if it is allowed.

        Args:
            role: ARN of the run's role.
            call: Which operation it is.
            request: Its parameters.
        """
        place = self._place(call)
        wanted = needs(call.service, call.operation, request, place)
        if call.service == "s3" and call.key and not self._is_there(call):
            wanted += needs_if_missing("s3", call.operation, request, place)
        return self.lacking(role, wanted)

    def not_taken(self, role: str, service: str, context: Mapping[str, str]) -> Refusal | None:
        """Why a service of AWS may not take a role; None if it may.

        Args:
            role: ARN of the role.
            service: Such as ``glue.amazonaws.com``.
            context: The condition keys that the service brings.
        """
        need = Need("sts:AssumeRole", role, {key: (value,) for key, value in context.items()})
        try:
            taken = lets_service(self._iam.get_role_by_arn(role).assume_role_policy_document, service, need)
        except UnjudgedPolicyError as error:
            return Refusal(role, str(error))
        return None if taken else Refusal(role, f"{service} is not authorized to perform: {need}")

    def lacking(self, role: str, wanted: tuple[Need, ...]) -> Refusal | None:
        """The first thing that a role may not do, of several."""
        try:
            for statements in self._policies(role):
                need = refused(statements, wanted)
                if need is not None:
                    return Refusal(role, f"{role} is not authorized to perform: {need}")
        except UnjudgedPolicyError as error:
            return Refusal(role, str(error))
        return None

    def _policies(self, arn: str) -> list[tuple[Statement, ...]]:
        """What each of them must allow: the role's policies together, and its boundary if it has one."""
        role = self._iam.get_role_by_arn(arn)
        documents = [_document(policy) for policy in role.managed_policies.values()]
        documents += role.policies.values()
        found = [tuple(statement for text in documents for statement in parse_policy(text))]
        if role.permissions_boundary_arn:
            found.append(parse_policy(_document(self._iam.managed_policies[role.permissions_boundary_arn])))
        return found

    @property
    def _iam(self) -> IAMBackend:
        backend: IAMBackend = iam_backends[self.account]["aws"]
        return backend

    def _place(self, call: Call) -> Place:
        keys: dict[str, str] = {}
        for name, bucket in s3_backends[self.account]["aws"].buckets.items():
            default = ((bucket.encryption or {}).get("Rule") or {}).get("ApplyServerSideEncryptionByDefault", {})
            if key := default.get("KMSMasterKeyID"):
                keys[name] = key
        tables = dynamodb_backends[self.account][call.region].tables
        for name, table in tables.items():
            if key := (table.sse_specification or {}).get("KMSMasterKeyId"):
                keys[name] = key
        hash_keys = {name: str(table.hash_key_attr) for name, table in tables.items()}
        return Place(call.region, self.account, keys=keys, hash_keys=hash_keys)

    def _is_there(self, call: Call) -> bool:
        backend = s3_backends[self.account]["aws"]
        return call.bucket in backend.buckets and backend.get_object(call.bucket, call.key) is not None


def _document(policy: ManagedPolicy) -> str:
    return str(next(version.document for version in policy.versions if version.is_default))
