"""IAM roles, policies and their attachments."""

from collections.abc import Mapping

from alur_pulumi.iam import POLICIES_OF_A_ROLE, POLICY_SIZE, policy_size
from alur_pulumi.local.errors import InvalidInputError
from alur_pulumi.local.resources.base import (
    Aws,
    Kind,
    Props,
    chosen,
    document,
    or_none,
    set_only,
    sync_tags,
    tag_map,
    tag_outputs,
    to_aws,
)

_VERSIONS_KEPT = 5


class Role(Kind):
    """``aws.iam.Role`` without inline policies; its id is its name."""

    token = "aws:iam/role:Role"  # noqa: S105 - a type token
    arguments = frozenset(
        {
            "name",
            "namePrefix",
            "assumeRolePolicy",
            "description",
            "forceDetachPolicies",
            "maxSessionDuration",
            "path",
            "permissionsBoundary",
            "tags",
        }
    )
    required = frozenset({"assumeRolePolicy"})
    replace_on = frozenset({"name", "namePrefix", "path"})
    documents = frozenset({"assumeRolePolicy"})
    computed = frozenset({"arn", "createDate", "uniqueId", "tagsAll"})
    name_argument = "name"
    name_limit = 64

    def create(self, aws: Aws, inputs: Props) -> str:
        """Create the role."""
        name = str(inputs["name"])
        options = to_aws(chosen(inputs, "description", "maxSessionDuration", "path", "permissionsBoundary"))
        aws.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=inputs["assumeRolePolicy"], **options)
        return name

    def describe(self, aws: Aws, resource_id: str) -> Props | None:
        """Say what can be seen of the role."""
        found = or_none(aws.client("iam").get_role, RoleName=resource_id)
        if found is None:
            return None
        role = found["Role"]
        boundary = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        return {
            "name": resource_id,
            "arn": role["Arn"],
            "uniqueId": role["RoleId"],
            "createDate": role["CreateDate"].isoformat(),
            "path": role["Path"],
            "assumeRolePolicy": document(role["AssumeRolePolicyDocument"]),
            "maxSessionDuration": role["MaxSessionDuration"],
            **set_only(description=role.get("Description") or None, permissionsBoundary=boundary),
            **tag_outputs(tag_map(role.get("Tags", []))),
        }

    def update(self, aws: Aws, resource_id: str, old: Props, new: Props) -> None:
        """Change each part that differs by its own call."""
        iam = aws.client("iam")
        if old.get("assumeRolePolicy") != new["assumeRolePolicy"]:
            iam.update_assume_role_policy(RoleName=resource_id, PolicyDocument=new["assumeRolePolicy"])
        iam.update_role(
            RoleName=resource_id,
            Description=new.get("description", ""),
            MaxSessionDuration=new.get("maxSessionDuration", 3600),
        )
        if old.get("permissionsBoundary") != new.get("permissionsBoundary"):
            if new.get("permissionsBoundary"):
                boundary = new["permissionsBoundary"]
                iam.put_role_permissions_boundary(RoleName=resource_id, PermissionsBoundary=boundary)
            else:
                iam.delete_role_permissions_boundary(RoleName=resource_id)

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        """Delete the role, its policies detached first if it was told so."""
        iam = aws.client("iam")
        if state.get("forceDetachPolicies"):
            attached = or_none(iam.list_attached_role_policies, RoleName=resource_id)
            for policy in (attached or {}).get("AttachedPolicies", []):
                iam.detach_role_policy(RoleName=resource_id, PolicyArn=policy["PolicyArn"])
        or_none(iam.delete_role, RoleName=resource_id)

    def write_tags(self, aws: Aws, resource_id: str, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        """Take off what is gone and set the rest."""
        iam = aws.client("iam")
        sync_tags(iam.untag_role, iam.tag_role, old, new, RoleName=resource_id)


class Policy(Kind):
    """``aws.iam.Policy``; its id is its ARN."""

    token = "aws:iam/policy:Policy"  # noqa: S105 - a type token
    arguments = frozenset({"name", "namePrefix", "description", "path", "policy", "tags"})
    required = frozenset({"policy"})
    replace_on = frozenset({"name", "namePrefix", "description", "path"})
    documents = frozenset({"policy"})
    computed = frozenset({"arn", "policyId", "tagsAll"})
    name_argument = "name"
    name_limit = 128

    def create(self, aws: Aws, inputs: Props) -> str:
        """Create the policy."""
        _check_size(self.token, inputs["policy"])
        options = to_aws(chosen(inputs, "description", "path"))
        answer = aws.client("iam").create_policy(PolicyName=inputs["name"], PolicyDocument=inputs["policy"], **options)
        return str(answer["Policy"]["Arn"])

    def describe(self, aws: Aws, resource_id: str) -> Props | None:
        """Say what can be seen of the policy."""
        iam = aws.client("iam")
        found = or_none(iam.get_policy, PolicyArn=resource_id)
        if found is None:
            return None
        policy = found["Policy"]
        version = iam.get_policy_version(PolicyArn=resource_id, VersionId=policy["DefaultVersionId"])
        return {
            "name": policy["PolicyName"],
            "arn": resource_id,
            "policyId": policy["PolicyId"],
            "path": policy["Path"],
            "policy": document(version["PolicyVersion"]["Document"]),
            **set_only(description=policy.get("Description") or None),
            **tag_outputs(tag_map(policy.get("Tags", []))),
        }

    def update(self, aws: Aws, resource_id: str, old: Props, new: Props) -> None:
        """Make a new default version, and room for it: a policy has five at most."""
        if old.get("policy") == new["policy"]:
            return
        _check_size(self.token, new["policy"])
        iam = aws.client("iam")
        versions = iam.list_policy_versions(PolicyArn=resource_id)["Versions"]
        spare = sorted(
            (version for version in versions if not version["IsDefaultVersion"]),
            key=lambda version: int(version["VersionId"].removeprefix("v")),
        )
        if len(versions) >= _VERSIONS_KEPT:
            iam.delete_policy_version(PolicyArn=resource_id, VersionId=spare[0]["VersionId"])
        iam.create_policy_version(PolicyArn=resource_id, PolicyDocument=new["policy"], SetAsDefault=True)

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        """Delete the policy with all its versions."""
        del state
        iam = aws.client("iam")
        found = or_none(iam.list_policy_versions, PolicyArn=resource_id)
        for version in (found or {}).get("Versions", []):
            if not version["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=resource_id, VersionId=version["VersionId"])
        or_none(iam.delete_policy, PolicyArn=resource_id)

    def write_tags(self, aws: Aws, resource_id: str, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        """Take off what is gone and set the rest."""
        iam = aws.client("iam")
        sync_tags(iam.untag_policy, iam.tag_policy, old, new, PolicyArn=resource_id)


class RolePolicyAttachment(Kind):
    """``aws.iam.RolePolicyAttachment``; its id is ``role/policy-arn``."""

    token = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"  # noqa: S105 - a type token
    arguments = frozenset({"role", "policyArn"})
    required = arguments
    replace_on = arguments

    def create(self, aws: Aws, inputs: Props) -> str:
        """Attach the policy."""
        role, policy = inputs["role"], inputs["policyArn"]
        iam = aws.client("iam")
        if len(iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]) >= POLICIES_OF_A_ROLE:
            raise InvalidInputError(self.token, "role", f"has {POLICIES_OF_A_ROLE} policies, and IAM allows no more")
        iam.attach_role_policy(RoleName=role, PolicyArn=policy)
        return f"{role}/{policy}"

    def describe(self, aws: Aws, resource_id: str) -> Props | None:
        """Look the attachment up."""
        role, _, policy = resource_id.partition("/")
        found = or_none(aws.client("iam").list_attached_role_policies, RoleName=role)
        attached = {item["PolicyArn"] for item in (found or {}).get("AttachedPolicies", [])}
        return {"role": role, "policyArn": policy} if policy in attached else None

    def update(self, aws: Aws, resource_id: str, old: Props, new: Props) -> None:
        """Do nothing: every change is a replacement."""

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        """Detach the policy."""
        del state
        role, _, policy = resource_id.partition("/")
        or_none(aws.client("iam").detach_role_policy, RoleName=role, PolicyArn=policy)


def _check_size(token: str, policy: str) -> None:
    """Refuse what IAM does and moto does not."""
    if (size := policy_size(policy)) > POLICY_SIZE:
        problem = f"has {size} characters: cannot exceed quota for PolicySize: {POLICY_SIZE}"
        raise InvalidInputError(token, "policy", problem)


KINDS: tuple[Kind, ...] = (Role(), Policy(), RolePolicyAttachment())
