"""Glue jobs, their triggers and security configurations."""

from collections.abc import Mapping
from typing import Any

from alur_pulumi.local.resources.base import (
    Aws,
    Kind,
    Props,
    from_aws,
    or_none,
    set_only,
    tag_outputs,
    to_aws,
)
from alur_pulumi.local.resources.glue_catalog import write_glue_tags

_VERBATIM = frozenset({"defaultArguments", "nonOverridableArguments", "arguments"})
_JOB_DEFINITION = frozenset(
    {
        "command",
        "defaultArguments",
        "description",
        "executionClass",
        "executionProperty",
        "glueVersion",
        "jobRunQueuingEnabled",
        "maxCapacity",
        "maxRetries",
        "nonOverridableArguments",
        "notificationProperty",
        "numberOfWorkers",
        "securityConfiguration",
        "timeout",
        "workerType",
    }
)
_NEVER_SWITCHED = frozenset({"ON_DEMAND", "EVENT"})
_ENCRYPTION_NAMES = {
    "cloudwatchEncryption": "CloudWatchEncryption",
    "cloudwatchEncryptionMode": "CloudWatchEncryptionMode",
}


class Job(Kind):
    """``aws.glue.Job``; its id is its name."""

    token = "aws:glue/job:Job"  # noqa: S105 - a type token
    arguments = _JOB_DEFINITION | {"name", "roleArn", "connections", "tags"}
    required = frozenset({"command", "roleArn"})
    replace_on = frozenset({"name"})
    computed = frozenset({"arn", "tagsAll"})
    name_argument = "name"

    def create(self, aws: Aws, inputs: Props) -> str:
        """Create the job."""
        name = str(inputs["name"])
        aws.client("glue").create_job(Name=name, **self._definition(inputs))
        return name

    def describe(self, aws: Aws, resource_id: str) -> Props | None:
        """Say what can be seen of the job."""
        glue = aws.client("glue")
        found = or_none(glue.get_job, JobName=resource_id)
        if found is None:
            return None
        job = from_aws(found["Job"], verbatim=_VERBATIM)
        arn = aws.arn("glue", f"job/{resource_id}")
        connections = job.get("connections", {}).get("connections")
        return {
            **{key: job[key] for key in _JOB_DEFINITION & job.keys() if job[key] not in (None, {})},
            **set_only(connections=connections),
            "name": resource_id,
            "roleArn": job["role"],
            "arn": arn,
            "region": aws.region,
            **tag_outputs(glue.get_tags(ResourceArn=arn).get("Tags", {})),
        }

    def update(self, aws: Aws, resource_id: str, old: Props, new: Props) -> None:
        """Replace the definition."""
        del old
        aws.client("glue").update_job(JobName=resource_id, JobUpdate=self._definition(new))

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        """Delete the job."""
        del state
        or_none(aws.client("glue").delete_job, JobName=resource_id)

    def write_tags(self, aws: Aws, resource_id: str, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        """Take off what is gone and set the rest."""
        write_glue_tags(aws, aws.arn("glue", f"job/{resource_id}"), old, new)

    @staticmethod
    def _definition(inputs: Props) -> Props:
        chosen = {key: inputs[key] for key in _JOB_DEFINITION & inputs.keys()}
        definition: Props = to_aws(chosen, verbatim=_VERBATIM)
        definition["Role"] = inputs["roleArn"]
        if inputs.get("connections"):
            definition["Connections"] = {"Connections": inputs["connections"]}
        return definition


class Trigger(Kind):
    """``aws.glue.Trigger``; its id is its name."""

    token = "aws:glue/trigger:Trigger"  # noqa: S105 - a type token
    arguments = frozenset(
        {
            "name",
            "actions",
            "description",
            "enabled",
            "eventBatchingConditions",
            "predicate",
            "schedule",
            "startOnCreation",
            "tags",
            "type",
            "workflowName",
        }
    )
    required = frozenset({"actions", "type"})
    replace_on = frozenset({"name", "type", "workflowName"})
    computed = frozenset({"arn", "state", "tagsAll"})
    name_argument = "name"

    def create(self, aws: Aws, inputs: Props) -> str:
        """Create the trigger, and switch it on unless it is to be off."""
        name = str(inputs["name"])
        glue = aws.client("glue")
        glue.create_trigger(
            Name=name,
            Type=inputs["type"],
            Tags={},
            **set_only(WorkflowName=inputs.get("workflowName"), StartOnCreation=inputs.get("startOnCreation")),
            **self._definition(inputs),
        )
        self._switch(glue, name, inputs)
        return name

    def describe(self, aws: Aws, resource_id: str) -> Props | None:
        """Say what can be seen of the trigger."""
        glue = aws.client("glue")
        found = or_none(glue.get_trigger, Name=resource_id)
        if found is None:
            return None
        trigger = from_aws(found["Trigger"], verbatim=_VERBATIM)
        arn = aws.arn("glue", f"trigger/{resource_id}")
        names = ("actions", "description", "predicate", "schedule", "state", "type", "workflowName")
        batching = trigger.get("eventBatchingCondition")
        return {
            **{key: trigger[key] for key in names if trigger.get(key)},
            **({"eventBatchingConditions": [batching]} if batching else {}),
            "name": resource_id,
            # events reach a trigger of theirs without its being switched on
            "enabled": trigger["state"] == "ACTIVATED" or trigger["type"] == "EVENT",
            "arn": arn,
            "region": aws.region,
            **tag_outputs(glue.get_tags(ResourceArn=arn).get("Tags", {})),
        }

    def update(self, aws: Aws, resource_id: str, old: Props, new: Props) -> None:
        """Change the definition, then switch it on or off."""
        del old
        glue = aws.client("glue")
        glue.update_trigger(Name=resource_id, TriggerUpdate=self._definition(new))
        self._switch(glue, resource_id, new)

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        """Delete the trigger."""
        del state
        or_none(aws.client("glue").delete_trigger, Name=resource_id)

    def write_tags(self, aws: Aws, resource_id: str, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        """Take off what is gone and set the rest."""
        write_glue_tags(aws, aws.arn("glue", f"trigger/{resource_id}"), old, new)

    @staticmethod
    def _definition(inputs: Props) -> Props:
        names = {"actions", "description", "predicate", "schedule"}
        definition: Props = to_aws({key: inputs[key] for key in names & inputs.keys()}, verbatim=_VERBATIM)
        for condition in inputs.get("eventBatchingConditions", []):
            definition["EventBatchingCondition"] = to_aws(condition)
        return definition

    @staticmethod
    def _switch(glue: Any, name: str, inputs: Props) -> None:
        if inputs["type"] in _NEVER_SWITCHED:
            return
        if inputs.get("enabled", True):
            glue.start_trigger(Name=name)
        else:
            glue.stop_trigger(Name=name)


class SecurityConfiguration(Kind):
    """``aws.glue.SecurityConfiguration``, which AWS can only replace; its id is its name."""

    token = "aws:glue/securityConfiguration:SecurityConfiguration"  # noqa: S105 - a type token
    arguments = frozenset({"name", "encryptionConfiguration"})
    required = frozenset({"encryptionConfiguration"})
    replace_on = arguments
    name_argument = "name"

    def create(self, aws: Aws, inputs: Props) -> str:
        """Create it."""
        configuration = to_aws(inputs["encryptionConfiguration"], _ENCRYPTION_NAMES)
        # The one part of which AWS has a list.
        configuration["S3Encryption"] = [configuration["S3Encryption"]]
        name = str(inputs["name"])
        aws.client("glue").create_security_configuration(Name=name, EncryptionConfiguration=configuration)
        return name

    def describe(self, aws: Aws, resource_id: str) -> Props | None:
        """Say what can be seen of it."""
        found = or_none(aws.client("glue").get_security_configuration, Name=resource_id)
        if found is None:
            return None
        configuration = from_aws(found["SecurityConfiguration"]["EncryptionConfiguration"], _ENCRYPTION_NAMES)
        configuration["s3Encryption"] = configuration["s3Encryption"][0]
        return {"name": resource_id, "encryptionConfiguration": configuration, "region": aws.region}

    def update(self, aws: Aws, resource_id: str, old: Props, new: Props) -> None:
        """Do nothing: every change is a replacement."""

    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        """Delete it."""
        del state
        or_none(aws.client("glue").delete_security_configuration, Name=resource_id)


KINDS: tuple[Kind, ...] = (Job(), Trigger(), SecurityConfiguration())
