"""Ledger, table and job of one contract in one piece: the common case."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

import attrs
import pulumi

from alur_pulumi.argument_types import check_types
from alur_pulumi.bronze_args import BronzeTableArgs
from alur_pulumi.bronze_table import BronzeTable
from alur_pulumi.buckets import OnDestroy
from alur_pulumi.checks import LONGEST_NAME, Checker
from alur_pulumi.ingestion_job import IngestionJob
from alur_pulumi.job_args import IngestionJobArgs
from alur_pulumi.job_config import Source
from alur_pulumi.state_table import StateTable, StateTableArgs
from alur_runtime.contracts.spec import ContractSpec

_OWN: Final = frozenset({"contract", "sources", "table", "state"})

_Args = TypeVar("_Args", StateTableArgs, BronzeTableArgs, IngestionJobArgs)


@attrs.frozen(kw_only=True, eq=False)
class PipelineArgs:
    """Arguments of `Pipeline`.

    Attributes:
        contract: The table's columns: a class made with `alur_pulumi.contract`, or its `ContractSpec`.
        sources: Where files land.
        on_destroy: What becomes of ledger, table and landing bucket on destroy.
        kms_key_arn: The key that the made ledger and buckets encrypt with; AWS's own if none is given.
        tags: Tags of all that is made.
        ledger: A `StateTable` that is shared with others; one is made if none is given.
        state: Further arguments of the made ledger, by their names in `StateTableArgs`.
        table: Further arguments of the table, by their names in `BronzeTableArgs`.
        job: Further arguments of the job, by their names in `IngestionJobArgs`.
    """

    contract: type[Any] | ContractSpec
    sources: Sequence[Source]
    on_destroy: OnDestroy = OnDestroy.RETAIN
    kms_key_arn: pulumi.Input[str] | None = None
    tags: dict[str, pulumi.Input[str]] = attrs.field(factory=dict)
    ledger: StateTable | None = None
    state: Mapping[str, Any] = attrs.field(factory=dict)
    table: Mapping[str, Any] = attrs.field(factory=dict)
    job: Mapping[str, Any] = attrs.field(factory=dict)


class Pipeline(pulumi.ComponentResource):
    """Files of one contract, from where they land to a table; all that it is made of can be reached.

    Attributes:
        state: The ledger.
        table: The table.
        job: The job.
    """

    state: StateTable
    table: BronzeTable
    job: IngestionJob

    def __init__(self, name: str, args: PipelineArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the component.

        Args:
            name: Logical name, of 32 characters at most; its parts are called `<name>-state`, `<name>-table` and
                `<name>-job`.
            args: Its arguments.
            opts: Options of the component.

        Raises:
            ArgumentError: If an argument cannot be.
            WheelError: If the runtime cannot be packed.
        """
        checker = Checker(f"Pipeline {name!r}")
        checker.component_name(name, LONGEST_NAME - len("-state"))
        check_types(checker, args, PipelineArgs)
        checker.one_of("on_destroy", args.on_destroy, tuple(OnDestroy))
        if args.ledger is not None and args.state:
            raise checker.refuse("state", dict(args.state), "leave it out: ledger is given too")
        common: dict[str, Any] = {"on_destroy": args.on_destroy, "kms_key_arn": args.kms_key_arn, "tags": args.tags}
        for_job = {"landing_on_destroy": args.on_destroy, "landing_kms_key_arn": args.kms_key_arn, "tags": args.tags}
        state = _arguments(checker, "state", StateTableArgs, common, args.state)
        table = _arguments(checker, "table", BronzeTableArgs, {**common, "contract": args.contract}, args.table)
        _names_known(checker, "job", IngestionJobArgs, args.job)

        super().__init__("alur:index:Pipeline", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.state = args.ledger or StateTable(f"{name}-state", state, child)
        self.table = BronzeTable(f"{name}-table", table, child)
        own = {**for_job, "table": self.table, "state": self.state, "sources": args.sources}
        self.job = IngestionJob(f"{name}-job", _arguments(checker, "job", IngestionJobArgs, own, args.job), child)
        self.register_outputs(
            {
                "ledgerName": self.state.table_name,
                "databaseName": self.table.database_name,
                "tableName": self.table.table_name,
                "location": self.table.location,
                "jobName": self.job.job_name,
                "landingUris": self.job.landing_uris,
            }
        )


def _arguments(
    checker: Checker, argument: str, kind: type[_Args], own: Mapping[str, Any], given: Mapping[str, Any]
) -> _Args:
    """A component's arguments: those that the pipeline sets, under those that are given for it."""
    _names_known(checker, argument, kind, given)
    return kind(**{**own, **given})


def _names_known(checker: Checker, argument: str, kind: type[Any], given: Mapping[str, Any]) -> None:
    names = [field.name for field in attrs.fields(kind) if field.name not in _OWN]
    for name, value in given.items():
        if name in _OWN:
            raise checker.refuse(f"{argument}[{name!r}]", value, "give it to the pipeline itself")
        if name not in names:
            raise checker.refuse(f"{argument}[{name!r}]", value, f"{kind.__name__} has {', '.join(names)}")
