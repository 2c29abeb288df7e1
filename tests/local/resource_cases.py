"""One case for each resource type: its inputs, what changes in place, and what forces a replacement."""

import json

from tests.local.resource_case import (
    BUCKET,
    OTHER_BUCKET,
    QUEUE_ARN,
    ROLE_ARN,
    RUN,
    TOPIC_ARN,
    Case,
    policy,
    trust,
)

CASES = [
    Case(
        "aws:s3/bucket:Bucket",
        {"tags": {"a": "1", "b": "1"}},
        {"tags": {"b": "2"}, "forceDestroy": True},
        {"bucket": "another-name"},
    ),
    Case(
        "aws:s3/bucketVersioning:BucketVersioning",
        {"bucket": BUCKET, "versioningConfiguration": {"status": "Enabled"}},
        {"versioningConfiguration": {"status": "Suspended"}},
        {"bucket": OTHER_BUCKET},
    ),
    Case(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        {
            "bucket": BUCKET,
            "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}],
        },
        {
            "rules": [
                {
                    "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "k"},
                    "bucketKeyEnabled": True,
                }
            ]
        },
        {"bucket": OTHER_BUCKET},
    ),
    Case(
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        {"bucket": BUCKET, "blockPublicAcls": True, "blockPublicPolicy": True},
        {"ignorePublicAcls": True, "blockPublicAcls": False},
        {"bucket": OTHER_BUCKET},
    ),
    Case(
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        {"bucket": BUCKET, "rule": {"objectOwnership": "BucketOwnerEnforced"}},
        {"rule": {"objectOwnership": "BucketOwnerPreferred"}},
        {"bucket": OTHER_BUCKET},
    ),
    Case(
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        {
            "bucket": BUCKET,
            "rules": [
                {
                    "id": "uploads",
                    "status": "Enabled",
                    "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
                },
                {
                    "id": "old",
                    "status": "Enabled",
                    "filter": {"prefix": "code/"},
                    "expiration": {"days": 90},
                    "noncurrentVersionExpiration": {"noncurrentDays": 30},
                },
            ],
        },
        {
            "rules": [
                {
                    "id": "both",
                    "status": "Enabled",
                    "filter": {"and": {"prefix": "a/", "tags": {"k": "v", "l": "w"}}},
                    "expiration": {"days": 1},
                }
            ]
        },
        {"bucket": OTHER_BUCKET},
    ),
    Case(
        "aws:s3/bucketPolicy:BucketPolicy",
        {"bucket": BUCKET, "policy": policy("s3:GetObject", f"arn:aws:s3:::{BUCKET}/*", Principal="*")},
        {"policy": policy("s3:ListBucket", f"arn:aws:s3:::{BUCKET}", Principal="*")},
        {"bucket": OTHER_BUCKET},
    ),
    Case(
        "aws:s3/bucketLogging:BucketLogging",
        {"bucket": BUCKET, "targetBucket": OTHER_BUCKET, "targetPrefix": "log/"},
        {"targetPrefix": "logs/"},
        {"bucket": OTHER_BUCKET},
    ),
    Case(
        "aws:s3/bucketNotification:BucketNotification",
        {
            "bucket": BUCKET,
            "queues": [{"id": "q", "queueArn": QUEUE_ARN, "events": ["s3:ObjectCreated:*"]}],
        },
        {
            "queues": [
                {
                    "id": "q",
                    "queueArn": QUEUE_ARN,
                    "events": ["s3:ObjectCreated:*"],
                    "filterPrefix": "in/",
                    "filterSuffix": ".csv",
                }
            ],
            "eventbridge": True,
        },
        {"bucket": OTHER_BUCKET},
    ),
    Case(
        "aws:s3/bucketObjectv2:BucketObjectv2",
        {"bucket": BUCKET, "key": "folder/object", "content": "one", "contentType": "text/plain"},
        {"content": "two", "metadata": {"a": "b"}, "tags": {"t": "1"}},
        {"key": "folder/other"},
    ),
    Case(
        "aws:dynamodb/table:Table",
        {
            "attributes": [{"name": "h", "type": "S"}, {"name": "r", "type": "S"}],
            "hashKey": "h",
            "rangeKey": "r",
            "billingMode": "PAY_PER_REQUEST",
            "ttl": {"attributeName": "expires_at", "enabled": True},
            "pointInTimeRecovery": {"enabled": True},
            "serverSideEncryption": {"enabled": True},
            "tags": {"a": "1", "b": "1"},
        },
        {
            "billingMode": "PROVISIONED",
            "readCapacity": 2,
            "writeCapacity": 3,
            "pointInTimeRecovery": None,
            "ttl": None,
            "tags": {"b": "2"},
        },
        {"rangeKey": None},
    ),
    Case(
        "aws:glue/catalogDatabase:CatalogDatabase",
        {"description": "first", "parameters": {"KeepCase": "1"}},
        {"description": "second", "locationUri": "s3://b/", "tags": {"a": "1"}},
        {"name": "another"},
    ),
    Case(
        "aws:glue/catalogTable:CatalogTable",
        {
            "databaseName": f"tables-{RUN}",
            "tableType": "EXTERNAL_TABLE",
            "parameters": {"classification": "parquet", "KeepCase": "1"},
            "partitionKeys": [{"name": "day", "type": "date"}],
            "storageDescriptor": {
                "location": "s3://b/t/",
                "columns": [{"name": "a", "type": "string", "comment": "what it is"}],
                "serDeInfo": {"serializationLibrary": "lib", "parameters": {"serialization.format": "1"}},
            },
        },
        {
            "storageDescriptor": {
                "location": "s3://b/t/",
                "columns": [{"name": "a", "type": "string"}, {"name": "b", "type": "decimal(10,2)"}],
                "serDeInfo": {"serializationLibrary": "lib", "parameters": {"serialization.format": "1"}},
            },
        },
        {"databaseName": f"elsewhere-{RUN}"},
    ),
    Case(
        "aws:glue/job:Job",
        {
            "roleArn": ROLE_ARN,
            "command": {"name": "glueetl", "scriptLocation": "s3://b/s.py", "pythonVersion": "3"},
            "defaultArguments": {"--enable-metrics": "true", "--alur_config": "s3://b/1.json"},
            "executionProperty": {"maxConcurrentRuns": 3},
            "glueVersion": "5.1",
            "numberOfWorkers": 2,
            "workerType": "G.1X",
            "timeout": 60,
            "maxRetries": 0,
            "connections": ["net"],
            "tags": {"a": "1"},
        },
        {"defaultArguments": {"--alur_config": "s3://b/2.json"}, "timeout": None, "tags": None},
        {"name": "another"},
    ),
    Case(
        "aws:glue/trigger:Trigger",
        {
            "type": "SCHEDULED",
            "schedule": "cron(0 1 * * ? *)",
            "actions": [{"jobName": "j", "arguments": {"--A": "1"}}],
            "startOnCreation": True,
        },
        {"schedule": "cron(0 2 * * ? *)", "enabled": False},
        {"type": "ON_DEMAND", "schedule": None},
    ),
    Case(
        "aws:glue/trigger:Trigger",
        {
            "type": "EVENT",
            "workflowName": "w",
            "actions": [{"jobName": "j"}],
            "eventBatchingConditions": [{"batchSize": 100, "batchWindow": 300}],
        },
        {"eventBatchingConditions": [{"batchSize": 10, "batchWindow": 60}]},
        {"workflowName": "another"},
    ),
    Case(
        "aws:glue/workflow:Workflow",
        {"description": "one", "defaultRunProperties": {"aB": "1"}, "tags": {"a": "1"}},
        {"description": "two", "maxConcurrentRuns": 2, "tags": {"b": "1"}},
        {"name": "another"},
    ),
    Case(
        "aws:glue/connection:Connection",
        {
            "connectionType": "NETWORK",
            "physicalConnectionRequirements": {
                "availabilityZone": "us-east-1a",
                "securityGroupIdLists": ["sg-1", "sg-2"],
                "subnetId": "subnet-1",
            },
            "tags": {"a": "1"},
        },
        {
            "description": "two",
            "physicalConnectionRequirements": {
                "availabilityZone": "us-east-1b",
                "securityGroupIdLists": ["sg-1"],
                "subnetId": "subnet-2",
            },
            "tags": {"b": "1"},
        },
        {"name": "another"},
    ),
    Case(
        "aws:scheduler/schedule:Schedule",
        {
            "description": "one",
            "flexibleTimeWindow": {"mode": "OFF"},
            "scheduleExpression": "cron(0 6 * * ? *)",
            "scheduleExpressionTimezone": "Europe/Berlin",
            "target": {
                "arn": "arn:aws:scheduler:::aws-sdk:glue:startJobRun",
                "roleArn": ROLE_ARN,
                "input": '{"JobName": "j"}',
                "retryPolicy": {"maximumEventAgeInSeconds": 3600, "maximumRetryAttempts": 185},
                "deadLetterConfig": {"arn": QUEUE_ARN},
            },
        },
        {"scheduleExpression": "cron(0 7 * * ? *)", "state": "DISABLED"},
        {"name": "another"},
    ),
    Case(
        "aws:glue/securityConfiguration:SecurityConfiguration",
        {
            "encryptionConfiguration": {
                "cloudwatchEncryption": {"cloudwatchEncryptionMode": "SSE-KMS", "kmsKeyArn": "arn:k"},
                "jobBookmarksEncryption": {"jobBookmarksEncryptionMode": "DISABLED"},
                "s3Encryption": {"s3EncryptionMode": "DISABLED"},
            }
        },
        {},
        {
            "encryptionConfiguration": {
                "cloudwatchEncryption": {"cloudwatchEncryptionMode": "DISABLED"},
                "jobBookmarksEncryption": {"jobBookmarksEncryptionMode": "DISABLED"},
                "s3Encryption": {"s3EncryptionMode": "SSE-S3"},
            }
        },
    ),
    Case(
        "aws:iam/role:Role",
        {"assumeRolePolicy": trust("glue.amazonaws.com"), "description": "one", "tags": {"a": "1"}},
        {
            "assumeRolePolicy": trust("events.amazonaws.com"),
            "description": None,
            "maxSessionDuration": 7200,
            "tags": {"b": "1"},
        },
        {"path": "/alur/"},
    ),
    Case(
        "aws:iam/policy:Policy",
        {"policy": policy("s3:GetObject"), "description": "reads"},
        {"policy": policy("s3:PutObject"), "tags": {"a": "1"}},
        {"description": "writes"},
    ),
    Case(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        {"role": f"attached-{RUN}", "policyArn": f"arn:aws:iam::123456789012:policy/attached-{RUN}"},
        {},
        {"role": "another"},
    ),
    Case(
        "aws:kms/key:Key",
        {"description": "one", "enableKeyRotation": True, "deletionWindowInDays": 7},
        {"description": "two", "enableKeyRotation": False, "tags": {"a": "1"}},
        {"multiRegion": True},
    ),
    Case("aws:kms/alias:Alias", {"targetKeyId": "KEY"}, {"targetKeyId": "OTHER_KEY"}, {"name": "alias/x"}),
    Case(
        "aws:cloudwatch/logGroup:LogGroup",
        {"retentionInDays": 30, "kmsKeyId": "KEY", "tags": {"a": "1"}},
        {"retentionInDays": 400, "kmsKeyId": None, "tags": {"b": "1"}},
        {"name": "another"},
    ),
    Case(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        {
            "comparisonOperator": "GreaterThanThreshold",
            "evaluationPeriods": 1,
            "threshold": 0,
            "namespace": "Alur",
            "metricName": "FilesFailed",
            "period": 300,
            "statistic": "Sum",
            "dimensions": {"Table": "orders"},
            "alarmActions": ["arn:aws:sns:us-east-1:123456789012:alarm"],
            "treatMissingData": "notBreaching",
        },
        {"threshold": 2.5, "dimensions": {"Table": "lines"}, "okActions": ["arn:x"], "tags": {"a": "1"}},
        {"name": "another"},
    ),
    Case(
        "aws:cloudwatch/dashboard:Dashboard",
        {"dashboardBody": json.dumps({"widgets": []})},
        {"dashboardBody": json.dumps({"widgets": [{"type": "text", "properties": {"markdown": "hello"}}]}, indent=2)},
        {"dashboardName": "another"},
    ),
    Case(
        "aws:cloudwatch/eventRule:EventRule",
        {"eventPattern": json.dumps({"source": ["aws.glue"]}), "description": "one"},
        {"eventPattern": json.dumps({"source": ["aws.s3"]}), "state": "DISABLED", "tags": {"a": "1"}},
        {"name": "another"},
    ),
    Case(
        "aws:cloudwatch/eventTarget:EventTarget",
        {"rule": f"targets-{RUN}", "arn": TOPIC_ARN, "retryPolicy": {"maximumRetryAttempts": 2}},
        {
            "arn": QUEUE_ARN,
            "inputTransformer": {"inputPaths": {"job": "$.detail.jobName"}, "inputTemplate": '"<job>"'},
        },
        {"targetId": "another"},
    ),
    Case(
        "aws:sns/topic:Topic",
        {"displayName": "one", "kmsMasterKeyId": "alias/aws/sns", "tags": {"a": "1"}},
        {"displayName": "two", "tags": {"b": "1"}},
        {"name": "another"},
    ),
    Case(
        "aws:sns/topicPolicy:TopicPolicy",
        {"arn": TOPIC_ARN, "policy": policy("sns:Publish", TOPIC_ARN, Principal="*")},
        {"policy": policy("sns:Subscribe", TOPIC_ARN, Principal="*")},
        {"arn": "arn:aws:sns:us-east-1:123456789012:another"},
    ),
    Case(
        "aws:sns/topicSubscription:TopicSubscription",
        {"topic": TOPIC_ARN, "protocol": "sqs", "endpoint": QUEUE_ARN, "rawMessageDelivery": True},
        {"rawMessageDelivery": False, "filterPolicy": json.dumps({"a": ["b"]})},
        {"protocol": "email", "endpoint": "someone@example.com"},
    ),
    Case(
        "aws:sqs/queue:Queue",
        {"messageRetentionSeconds": 600, "visibilityTimeoutSeconds": 40, "tags": {"a": "1"}},
        {"messageRetentionSeconds": 1200, "delaySeconds": 5, "tags": {"b": "1"}},
        {"name": "another"},
    ),
    Case(
        "aws:sqs/queuePolicy:QueuePolicy",
        {"queueUrl": "QUEUE_URL", "policy": policy("sqs:SendMessage", QUEUE_ARN, Principal="*")},
        {"policy": policy("sqs:ReceiveMessage", QUEUE_ARN, Principal="*")},
        {"queueUrl": "another"},
    ),
]
