"""KMS keys and aliases."""

from collections.abc import Mapping
from typing import Any

from alur_pulumi.local.resources.base import (
    Aws,
    Kind,
    Props,
    chosen,
    or_none,
    set_only,
    tag_list,
    tag_map,
    tag_outputs,
    to_aws,
)

_TAG_KEY, _TAG_VALUE = "TagKey", "TagValue"


class Key(Kind):
    """``aws.kms.Key``; its id is the key id."""

    token = "aws:kms/key:Key"  # noqa: S105 - a type token
    arguments = frozenset(
        {
            "deletionWindowInDays",
            "description",
            "enableKeyRotation",
            "isEnabled",
            "keyUsage",
            "multiRegion",
            "policy",
            "tags",
        }
    )
    replace_on = frozenset({"keyUsage", "multiRegion"})
    documents = frozenset({"policy"})
    computed = frozenset({"arn", "keyId", "tagsAll"})

    def create(self, aws: Aws, inputs: Props) -> str:
        """Create the key."""
        kms = aws.client("kms")
        options = to_aws(chosen(inputs, "description", "keyUsage", "multiRegion", "policy"))
        key = str(kms.create_key(**options)["KeyMetadata"]["KeyId"])
        self._switch(kms, key, inputs)
        return key

    def describe(self, aws: Aws, resource_id: str) -> Props | None:
        """Say what can be seen of the key; one that waits for its deletion is gone."""
        kms = aws.client("kms")
        found = or_none(kms.describe_key, KeyId=resource_id)
        if found is None or found["KeyMetadata"]["KeyState"] == "PendingDeletion":
            return None
        key = found["KeyMetadata"]
        tags = kms.list_resource_tags(KeyId=resource_id).get("Tags", [])
        return {
            "keyId": resource_id,
            "arn": key["Arn"],
            "description": key.get("Description", ""),
            "keyUsage": key.get("KeyUsage", "ENCRYPT_DECRYPT"),
            "multiRegion": key.get("MultiRegion", False),
            "isEnabled": key["Enabled"],
            "enableKeyRotation": kms.get_key_rotation_status(KeyId=resource_id)["KeyRotationEnabled"],
            "policy": kms.get_key_policy(KeyId=resource_id, PolicyName="default")["Policy"],
            "region": aws.region,
            **tag_outputs(tag_map(tags, _TAG_KEY, _TAG_VALUE)),
        }

    def update(self, aws: Aws, resource_id: str, old: Props, new: Props) -> None:
        """Change each part by its own call."""
        kms = aws.client("kms")
        if old.get("description") != new.get("description"):
            kms.update_key_description(KeyId=resource_id, Description=new.get("description", ""))
        if new.get("policy") and old.get("policy") != new["policy"]:
            kms.put_key_policy(KeyId=resource_id, PolicyName="default", Policy=new["policy"])
        self._switch(kms, resource_id, new)

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        """Schedule the deletion, which is all that AWS offers."""
        if self.describe(aws, resource_id) is not None:
            window = set_only(PendingWindowInDays=state.get("deletionWindowInDays"))
            aws.client("kms").schedule_key_deletion(KeyId=resource_id, **window)

    def write_tags(self, aws: Aws, resource_id: str, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        """Take off what is gone and set the rest."""
        kms = aws.client("kms")
        if gone := sorted(old.keys() - new.keys()):
            kms.untag_resource(KeyId=resource_id, TagKeys=gone)
        if new:
            kms.tag_resource(KeyId=resource_id, Tags=tag_list(new, _TAG_KEY, _TAG_VALUE))

    @staticmethod
    def _switch(kms: Any, key: str, inputs: Props) -> None:
        if inputs.get("enableKeyRotation"):
            kms.enable_key_rotation(KeyId=key)
        else:
            kms.disable_key_rotation(KeyId=key)
        if inputs.get("isEnabled", True):
            kms.enable_key(KeyId=key)
        else:
            kms.disable_key(KeyId=key)


class Alias(Kind):
    """``aws.kms.Alias``; its id is its name."""

    token = "aws:kms/alias:Alias"  # noqa: S105 - a type token
    arguments = frozenset({"name", "targetKeyId"})
    required = frozenset({"targetKeyId"})
    replace_on = frozenset({"name"})
    computed = frozenset({"arn", "targetKeyArn"})
    name_argument = "name"
    name_prefix = "alias/"

    def create(self, aws: Aws, inputs: Props) -> str:
        """Create the alias."""
        name = str(inputs["name"])
        aws.client("kms").create_alias(AliasName=name, TargetKeyId=inputs["targetKeyId"])
        return name

    def describe(self, aws: Aws, resource_id: str) -> Props | None:
        """Look the alias up."""
        pages = aws.client("kms").get_paginator("list_aliases").paginate()
        for page in pages:
            for alias in page["Aliases"]:
                if alias["AliasName"] == resource_id and alias.get("TargetKeyId"):
                    key = alias["TargetKeyId"]
                    return {
                        "name": resource_id,
                        "arn": alias["AliasArn"],
                        "targetKeyId": key,
                        "targetKeyArn": aws.arn("kms", f"key/{key}"),
                        "region": aws.region,
                    }
        return None

    def update(self, aws: Aws, resource_id: str, old: Props, new: Props) -> None:
        """Point it to another key."""
        del old
        aws.client("kms").update_alias(AliasName=resource_id, TargetKeyId=new["targetKeyId"])

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        """Delete the alias."""
        del state
        or_none(aws.client("kms").delete_alias, AliasName=resource_id)


KINDS: tuple[Kind, ...] = (Key(), Alias())
