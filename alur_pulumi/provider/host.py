"""Serves the components to Pulumi programs in other languages; Pulumi starts it by PulumiPlugin.yaml."""

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs
import pulumi
from pulumi.errors import InputPropertyError
from pulumi.provider import main as serve
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.experimental.util import camel_case
from pulumi.provider.provider import ConstructResult

from alur_pulumi import __version__
from alur_pulumi.checks import Checker
from alur_pulumi.described import attribute_texts, summary
from alur_pulumi.errors import ArgumentError
from alur_pulumi.pipeline import Pipeline, PipelineArgs
from alur_pulumi.provider.bridge import analysed, described_classes
from alur_pulumi.provider.given import Given
from alur_pulumi.state_table import StateTable, StateTableArgs

NAME: Final = "alur"


@attrs.frozen
class Offered:
    """A component that other languages can use.

    Attributes:
        component: The component.
        args: Its arguments' class.
        outputs: What it gives, by name: a type, a description, and how to get it.
    """

    component: type[pulumi.ComponentResource]
    args: type[Any]
    outputs: Mapping[str, tuple[Any, str, Callable[[Any], Any]]]


_TEXT: Final = pulumi.Output[str]
_MAYBE: Final = pulumi.Output[str | None]
_TEXTS: Final = pulumi.Output[list[str]]
_LEDGER: Final = "Name of the ledger's DynamoDB table; others share it as their `state.existingTable`."
_TOPIC: Final = (
    "The topic that alarms tell, if there are any. Nobody hears of them before somebody has subscribed to it."
)
_STATE: Final = Offered(
    StateTable,
    StateTableArgs,
    {
        "table_name": (_TEXT, _LEDGER, lambda state: state.table_name),
        "table_arn": (_TEXT, "The ledger's ARN.", lambda state: state.table_arn),
        "shards": (pulumi.Output[int], "Over how many keys it spreads files.", lambda state: state.shards),
        "alarm_topic_arn": (_MAYBE, _TOPIC, lambda state: state.alarm_topic_arn),
    },
)
_PIPELINE: Final = Offered(
    Pipeline,
    PipelineArgs,
    {
        "ledger_name": (_TEXT, _LEDGER, lambda made: made.state.table_name),
        "ledger_arn": (_TEXT, "The ledger's ARN.", lambda made: made.state.table_arn),
        "bucket_name": (_TEXT, "Name of the table's bucket.", lambda made: made.table.bucket_name),
        "database_name": (_TEXT, "Name of the table's database.", lambda made: made.table.database_name),
        "table_name": (_TEXT, "The table's name in SQL.", lambda made: made.table.table_name),
        "table_arn": (_TEXT, "ARN of the Glue table.", lambda made: made.table.table_arn),
        "location": (_TEXT, "Where the table's Parquet files are.", lambda made: made.table.location),
        "metadata_location": (
            _TEXT,
            "Where plans, manifests, reports and the quarantine are.",
            lambda made: made.table.metadata_location,
        ),
        "job_name": (_TEXT, "Name of the Glue job: `alur run` takes it.", lambda made: made.job.job_name),
        "job_arn": (_TEXT, "The job's ARN.", lambda made: made.job.job_arn),
        "role_arn": (_TEXT, "The role that the job runs as.", lambda made: made.job.role_arn),
        "policy": (_TEXT, "What the job needs, for a role of your own.", lambda made: made.job.policy),
        "landing_uris": (_TEXTS, "Where files land, in the order of the sources.", lambda made: made.job.landing_uris),
        "config_uri": (_TEXT, "The job's configuration.", lambda made: made.job.config_uri),
        "log_group_prefix": (
            _TEXT,
            "What the names of its log groups begin with.",
            lambda made: made.job.log_group_prefix,
        ),
        "alarm_topic_arn": (_MAYBE, _TOPIC, lambda made: made.job.alarm_topic_arn),
        "undelivered_queue_url": (
            _MAYBE,
            "The queue of starts that never came about, if anything but a schedule in UTC starts the job.",
            lambda made: made.job.undelivered_queue_url,
        ),
    },
)
OFFERED: Final = {one.component.__name__: one for one in (_PIPELINE, _STATE)}


class AlurProvider(ComponentProvider):
    """Constructs the components from what other languages give."""

    def __init__(self) -> None:
        super().__init__([_shape(one) for one in OFFERED.values()], NAME, None, __version__)
        self.schema = json.dumps(_with_descriptions(json.loads(self.schema or "{}")))

    def construct(
        self,
        name: str,
        resource_type: str,
        inputs: pulumi.Inputs,
        options: pulumi.ResourceOptions | None = None,
    ) -> ConstructResult:
        """Make a component."""
        self.validate_resource_type(NAME, resource_type)
        kind = resource_type.rpartition(":")[2]
        offered = OFFERED[kind]
        try:
            arguments = Given(Checker(f"{kind} {name!r}")).arguments(offered.args, inputs)
            made: Any = offered.component(name, arguments, options)  # type: ignore[arg-type]
        except ArgumentError as error:
            # any other error is shown with the provider's own frames
            raise InputPropertyError(error.argument, str(error)) from error
        return ConstructResult(made.urn, {camel_case(key): get(made) for key, (_, _, get) in offered.outputs.items()})


def _shape(offered: Offered) -> type[pulumi.ComponentResource]:
    """What the analyser reads in place of the component: its name, its arguments and its outputs."""

    def make(self: Any, name: str, args: Any, opts: Any = None) -> None:
        raise NotImplementedError

    make.__annotations__ = {"args": analysed(offered.args)}
    body = {
        "__init__": make,
        "__annotations__": {name: kind for name, (kind, _, _) in offered.outputs.items()},
        "__doc__": summary(offered.component),
    }
    return type(offered.component.__name__, (pulumi.ComponentResource,), body)


def _with_descriptions(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with what the docstrings say."""
    for kind, offered in OFFERED.items():
        resource = schema["resources"][f"{NAME}:index:{kind}"]
        _describe(resource["inputProperties"], attribute_texts(offered.args))
        _describe(resource["properties"], {name: text for name, (_, text, _) in offered.outputs.items()})
        for name, cls in described_classes(offered.args).items():
            if found := schema["types"].get(f"{NAME}:index:{name}"):
                found["description"] = summary(cls)
                _describe(found["properties"], attribute_texts(cls))
    return schema


def _describe(properties: dict[str, Any], texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        if camel_case(name) in properties:
            properties[camel_case(name)]["description"] = text


def page(kind: str) -> str:
    """A component's inputs and outputs, as a page made of the schema alone."""
    schema = json.loads(AlurProvider().schema or "{}")
    resource = schema["resources"][f"{NAME}:index:{kind}"]
    lines = [
        f"# {NAME}:index:{kind}",
        "",
        resource.get("description", ""),
        "",
        f"The schema: {len(json.dumps(schema)):,} bytes.",
    ]
    for title, part in (("Inputs", "inputProperties"), ("Outputs", "properties")):
        lines += ["", f"## {title}", ""]
        for name, found in resource[part].items():
            needed = ", required" if name in resource.get("requiredInputs", ()) and part == "inputProperties" else ""
            kind_of = found.get("type") or found["$ref"].rpartition(":")[2]
            lines.append(f"- `{name}` ({kind_of}{needed}): {found['description']}")
    return "\n".join(lines)


def main() -> None:
    """Serve."""
    serve(AlurProvider(), sys.argv[1:])
