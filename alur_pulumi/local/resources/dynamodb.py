"""DynamoDB tables."""

from collections.abc import Mapping
from typing import Any

from alur_pulumi.local.resources.base import (
    Aws,
    Kind,
    Props,
    or_none,
    set_only,
    sync_tags,
    tag_map,
    tag_outputs,
)

_THROUGHPUT = ("readCapacity", "writeCapacity")


class Table(Kind):
    """``aws.dynamodb.Table`` without indexes and replicas; its id is its name."""

    token = "aws:dynamodb/table:Table"  # noqa: S105 - a type token
    arguments = frozenset(
        {
            "name",
            "attributes",
            "billingMode",
            "deletionProtectionEnabled",
            "hashKey",
            "pointInTimeRecovery",
            "rangeKey",
            "readCapacity",
            "serverSideEncryption",
            "streamEnabled",
            "streamViewType",
            "tableClass",
            "tags",
            "ttl",
            "writeCapacity",
        }
    )
    required = frozenset({"attributes", "hashKey"})
    replace_on = frozenset({"name", "hashKey", "rangeKey"})
    computed = frozenset({"arn", "streamArn", "streamLabel", "tagsAll"})
    name_argument = "name"

    def create(self, aws: Aws, inputs: Props) -> str:
        """Create the table, then set what CreateTable does not take."""
        name = str(inputs["name"])
        keys = [{"AttributeName": inputs["hashKey"], "KeyType": "HASH"}]
        if inputs.get("rangeKey"):
            keys.append({"AttributeName": inputs["rangeKey"], "KeyType": "RANGE"})
        aws.client("dynamodb").create_table(
            TableName=name,
            KeySchema=keys,
            AttributeDefinitions=[
                {"AttributeName": item["name"], "AttributeType": item["type"]} for item in inputs["attributes"]
            ],
            **_definition(inputs),
        )
        self._write_extras(aws, name, {}, inputs)
        return name

    def describe(self, aws: Aws, resource_id: str) -> Props | None:
        """Say what can be seen of the table."""
        dynamodb = aws.client("dynamodb")
        found = or_none(dynamodb.describe_table, TableName=resource_id)
        if found is None:
            return None
        table = found["Table"]
        keys = {key["KeyType"]: key["AttributeName"] for key in table["KeySchema"]}
        billing = table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
        actual = {
            "name": resource_id,
            "arn": table["TableArn"],
            "hashKey": keys["HASH"],
            "attributes": [
                {"name": item["AttributeName"], "type": item["AttributeType"]} for item in table["AttributeDefinitions"]
            ],
            "billingMode": billing,
            "deletionProtectionEnabled": table.get("DeletionProtectionEnabled", False),
            "tableClass": table.get("TableClassSummary", {}).get("TableClass", "STANDARD"),
            "streamEnabled": table.get("StreamSpecification", {}).get("StreamEnabled", False),
            "streamArn": table.get("LatestStreamArn", ""),
            "streamLabel": table.get("LatestStreamLabel", ""),
            "region": aws.region,
            **set_only(
                rangeKey=keys.get("RANGE"),
                streamViewType=table.get("StreamSpecification", {}).get("StreamViewType"),
            ),
            **_described_extras(dynamodb, table, resource_id),
        }
        if billing == "PROVISIONED":
            throughput = table["ProvisionedThroughput"]
            actual["readCapacity"] = throughput["ReadCapacityUnits"]
            actual["writeCapacity"] = throughput["WriteCapacityUnits"]
        return actual

    def update(self, aws: Aws, resource_id: str, old: Props, new: Props) -> None:
        """Change what differs: UpdateTable refuses what would change nothing."""
        before, after = _definition(old), _definition(new)
        differing = {key: value for key, value in after.items() if before.get(key) != value}
        if "deletionProtectionEnabled" in old and "deletionProtectionEnabled" not in new:
            differing["DeletionProtectionEnabled"] = False
        if "serverSideEncryption" in old and "serverSideEncryption" not in new:
            differing["SSESpecification"] = {"Enabled": False}
        if differing:
            aws.client("dynamodb").update_table(TableName=resource_id, **differing)
        self._write_extras(aws, resource_id, old, new)

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        """Delete the table; one that is protected refuses, as in AWS."""
        del state
        or_none(aws.client("dynamodb").delete_table, TableName=resource_id)

    def write_tags(self, aws: Aws, resource_id: str, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        """Take off what is gone and set the rest."""
        dynamodb = aws.client("dynamodb")
        arn = aws.arn("dynamodb", f"table/{resource_id}")
        sync_tags(dynamodb.untag_resource, dynamodb.tag_resource, old, new, ResourceArn=arn)

    def _write_extras(self, aws: Aws, name: str, old: Props, new: Props) -> None:
        dynamodb = aws.client("dynamodb")
        if old.get("pointInTimeRecovery") != new.get("pointInTimeRecovery"):
            wanted = new.get("pointInTimeRecovery") or {"enabled": False}
            specification = set_only(
                PointInTimeRecoveryEnabled=wanted["enabled"],
                RecoveryPeriodInDays=wanted.get("recoveryPeriodInDays"),
            )
            dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=specification)
        if old.get("ttl") != new.get("ttl"):
            ttl = new.get("ttl") or {**old["ttl"], "enabled": False}
            specification = {"AttributeName": ttl["attributeName"], "Enabled": ttl.get("enabled", False)}
            dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=specification)


def _definition(inputs: Props) -> Props:
    """What CreateTable and UpdateTable both take."""
    if not inputs:
        return {}
    definition: Props = {"BillingMode": inputs.get("billingMode", "PROVISIONED")}
    if definition["BillingMode"] == "PROVISIONED":
        read, write = (inputs.get(name, 1) for name in _THROUGHPUT)
        definition["ProvisionedThroughput"] = {"ReadCapacityUnits": read, "WriteCapacityUnits": write}
    if "deletionProtectionEnabled" in inputs:
        definition["DeletionProtectionEnabled"] = inputs["deletionProtectionEnabled"]
    if "tableClass" in inputs:
        definition["TableClass"] = inputs["tableClass"]
    if "streamEnabled" in inputs:
        stream = set_only(StreamEnabled=inputs["streamEnabled"], StreamViewType=inputs.get("streamViewType"))
        definition["StreamSpecification"] = stream
    if encryption := inputs.get("serverSideEncryption"):
        specification: Props = {"Enabled": encryption["enabled"]}
        if encryption.get("kmsKeyArn"):
            specification |= {"SSEType": "KMS", "KMSMasterKeyId": encryption["kmsKeyArn"]}
        definition["SSESpecification"] = specification
    return definition


def _described_extras(dynamodb: Any, table: Props, name: str) -> Props:
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription", {})
    ttl = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    tags = dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"]).get("Tags", [])
    extras = {
        "pointInTimeRecovery": {"enabled": recovery.get("PointInTimeRecoveryStatus") == "ENABLED"},
        **tag_outputs(tag_map(tags)),
    }
    if ttl.get("TimeToLiveStatus") == "ENABLED":
        extras["ttl"] = {"attributeName": ttl["AttributeName"], "enabled": True}
    encryption = table.get("SSEDescription", {})
    if encryption.get("Status") == "ENABLED":
        extras["serverSideEncryption"] = {
            "enabled": True,
            **set_only(kmsKeyArn=encryption.get("KMSMasterKeyArn")),
        }
    return extras


KINDS: tuple[Kind, ...] = (Table(),)
