"""Wrong arguments are refused at preview: by component, argument, value and remedy."""

from pathlib import Path
from typing import Any

import attrs
import pytest

import alur_pulumi as alur
from tests.components.monitor import register
from tests.components.programs import FEED, OrderLines, Pipeline


def _refused(**arguments: Any) -> str:
    with pytest.raises(alur.ArgumentError) as caught:
        register(lambda: Pipeline(**arguments))
    return str(caught.value)


def _source(**arguments: Any) -> dict[str, Any]:
    return {"sources": [alur.Source(**{"name": "a", **arguments})]}


def _network(**changes: Any) -> dict[str, Any]:
    network = {"subnet_id": "subnet-0a", "security_group_ids": ["sg-0a"], "availability_zone": "eu-west-1a"}
    return {"network": alur.Network(**{**network, **changes})}


_MANY = [alur.Source(name=f"s{i}", prefix=f"landing/of/source/number/{i}/") for i in range(60)]
_CRON = "cron(0 6 * * ? *)"
_KEY = "arn:aws:kms:eu-west-1:123456789012:key/0d9bb1a2-61c4-4a6c-8d5d-0d9bb1a261c4"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"state": {"shards": 0}}, "StateTable 'state': shards is 0: allowed are 1 to 256"),
        ({"table": {"contract": str}}, "is no contract: decorate the class"),
        ({"table": {"contract": "Orders"}}, "BronzeTable 'lines': contract is 'Orders'"),
        (
            {"job": {"landing_bucket": "mine", "landing_access_log_bucket": "logs"}},
            "landing_access_log_bucket is 'logs': leave it out: no landing bucket is made",
        ),
        ({"table": {"on_change": "merge"}}, "on_change is 'merge': allowed are replace, append, skip, fail"),
        ({"table": {"on_destroy": "keep"}}, "on_destroy is 'keep': allowed are retain, fail, delete"),
        ({"table": {"table_name": "Order Lines"}}, "use lower-case letters"),
        ({"table": {"existing_bucket": "s3://b/x"}}, "give the bucket's name, not its ARN or URI"),
        ({"table": {"abort_uploads_after_days": 0}}, "longer than the longest run"),
        ({"table": {"database_name": "a", "existing_database": "b"}}, "existing_database is given too"),
        ({"job": {"sources": []}}, "IngestionJob 'ingest': sources is []: name at least one place"),
        ({"job": _source(prefix="/in/")}, "sources[0].prefix is '/in/'"),
        ({"job": _source(prefix="in")}, "write folder/"),
        ({"job": _source(bucket="arn:aws:s3:::b")}, "sources[0].bucket"),
        (
            {"job": _source(files=alur.CsvOptions(separator="||"))},
            "files.separator is '||': it must be one",
        ),
        ({"job": {"sources": [alur.Source(name="a"), alur.Source(name="a")]}}, "a name of its own"),
        ({"job": {"settings": alur.Settings(fetch_threads=0)}}, "settings.fetch_threads is 0: it must be at least 1"),
        ({"job": {"glue_version": "4.0"}}, "glue_version is '4.0': allowed are 5.0, 5.1, 6.0"),
        ({"job": {"worker_type": "Standard"}}, "allowed are G.1X"),
        ({"job": {"number_of_workers": 1}}, "allowed are 2 to"),
        ({"job": {"timeout_minutes": 0}}, "timeout_minutes is 0"),
        (
            {"table": {"abort_uploads_after_days": 1}, "job": {"timeout_minutes": 1440}},
            "keep uploads for longer than a run",
        ),
        ({"job": {"log_retention_days": 8}}, "log_retention_days is 8"),
        ({"job": {"schedule": "every day"}}, "write six fields: cron(0 6 * * ? *)"),
        ({"job": {"schedule": "cron(0 6 * * * *)"}}, "the third field (day) and the fifth (weekday) must be ?"),
        ({"job": {"schedule": "cron(0 6 ? * ? *)"}}, "the third field (day) and the fifth (weekday) must be ?"),
        ({"job": {"schedule": "cron(* * * * ? *)"}}, "Glue starts a job every 5 minutes at most"),
        ({"job": {"schedule": "cron(0/2 * * * ? *)"}}, "Glue starts a job every 5 minutes at most"),
        ({"job": {"schedule": _CRON, "schedule_timezone": "CEST"}}, "schedule_timezone is 'CEST': write an IANA name"),
        ({"job": {"schedule_timezone": "Europe/Berlin"}}, "schedule_timezone is 'Europe/Berlin': give schedule too"),
        ({"job": {"start_on_arrival": True}}, "start_on_arrival is True: give StartOnArrival(...)"),
        ({"job": {"start_on_arrival": alur.StartOnArrival(window_seconds=901)}}, "window_seconds is 901"),
        ({"job": {"start_on_arrival": alur.StartOnArrival(batch_size=101)}}, "batch_size is 101: allowed are 1 to 100"),
        (
            {"job": {"start_on_arrival": alur.StartOnArrival(), "max_concurrent_runs": 1}},
            "max_concurrent_runs is 1: files that land during a run would wait",
        ),
        (
            {
                "job": {
                    "start_on_arrival": alur.StartOnArrival(),
                    "max_concurrent_runs": 1,
                    "schedule": _CRON,
                    "schedule_enabled": False,
                }
            },
            "files that land during a run would wait",
        ),
        ({"job": {"execution_class": "SPOT"}}, "execution_class is 'SPOT': allowed are STANDARD, FLEX"),
        (
            {"job": {"execution_class": alur.ExecutionClass.FLEX, "worker_type": "R.1X"}},
            "worker_type is 'R.1X': execution_class FLEX has only G.1X and G.2X",
        ),
        ({"job": {"execution_class": "FLEX", "job_queuing": True}}, "job_queuing is True: execution_class FLEX is"),
        ({"job": {"max_retries": 1, "job_queuing": True}}, "job_queuing is True: max_retries is given too"),
        ({"job": {"notify_after_minutes": 120}}, "notify_after_minutes is 120: allowed are 1 to 119"),
        ({"job": {"connections": "one"}}, "connections is 'one': give a list, each a text"),
        ({"job": {"network": "vpc-1"}}, "network is 'vpc-1': give Network(...)"),
        ({"job": _network(security_group_ids=[])}, "network.security_group_ids is []: give a list with at least one"),
        ({"job": _network(security_group_ids="sg-0a")}, "network.security_group_ids is 'sg-0a': give a list"),
        ({"job": _network(security_group_ids=["web"])}, "network.security_group_ids[0] is 'web': give the id"),
        ({"job": _network(subnet_id="vpc-0a")}, "network.subnet_id is 'vpc-0a': give the id, such as subnet-"),
        ({"job": {**_network(), "connections": ["one"]}}, "connections is given too: a job runs in one network"),
        ({"job": {"security_kms_key_arn": "alias/mine"}}, "give the key's own ARN"),
        ({"job": {"kms_key_arns": [_KEY, "0d9bb1a2"]}}, "kms_key_arns[1] is '0d9bb1a2'"),
        (
            {"job": {"security_kms_key_arn": _KEY, "security_configuration": "mine"}},
            "security_configuration is given too: one is made with the key",
        ),
        ({"job": {"security_kms_key_arn": _KEY, "log_kms_key_arn": _KEY}}, "security_kms_key_arn is given too"),
        ({"job": {"arguments": {"--extra-py-files": "x"}}}, "alur sets this argument itself"),
        (
            {"job": {"arguments": {"--additional-python-modules": "s3://b/k/a-1-py3-none-any.whl,polars"}}},
            "arguments['--additional-python-modules'] is",
        ),
        (
            {"job": {"sources": _MANY, "start_on_arrival": alur.StartOnArrival()}},
            "sources is '60 places': their prefixes make an event pattern of more than 2048 characters",
        ),
        ({"job": {"arguments": {"conf": "x"}}}, "starts with --"),
        ({"job": {"transform": "orders_feed.transform:clean"}}, "give code, the folder of the package"),
        ({"job": {"code": FEED, "transform": "orders_feed.transform"}}, "write module:function"),
        ({"job": {"code": FEED, "transform": "orders_feed.other:clean"}}, "no module orders_feed.other"),
        ({"job": {"code": FEED.parent}}, "IngestionJob 'ingest': code is"),
        ({"job": {"engine": "flink"}}, "engine is 'flink': allowed are auto, local, spark"),
        ({"job": _source(pattern="{a")}, "sources[0].pattern is '{a'"),
        (
            {"job": _source(files=alur.CsvOptions)},
            "give CsvOptions(...) or JsonLinesOptions(...) or ParquetOptions(...)",
        ),
        ({"job": _source(files=alur.CsvOptions(timezone="CEST"))}, "sources[0].files.timezone is 'CEST'"),
        ({"job": _source(files=alur.CsvOptions(encoding="klingon"))}, "sources[0].files.encoding is 'klingon'"),
        (
            {"job": _source(files=alur.CsvOptions(columns=("a",)))},
            "sources[0].files.columns is ('a',): cannot be bound",
        ),
        (
            {"job": _source(files=alur.CsvOptions(compression="gz"))},
            "files.compression is 'gz': allowed are auto, none",
        ),
        (
            {"job": _source(files=alur.CsvOptions(null_values="NA"))},
            "files.null_values is 'NA': give a list, each a text",
        ),
        ({"job": _source(files=alur.CsvOptions(skip_rows="2"))}, "files.skip_rows is '2': give a whole number"),
        ({"job": _source(budget=5)}, "sources[0].budget is 5: give ErrorBudget(...)"),
        ({"job": _source(budget=alur.ErrorBudget())}, "has no limit at all: give rows, percent or both"),
        (
            {"job": _source(budget=alur.ErrorBudget(percent=101))},
            "budget.percent is 101: allowed are 0",
        ),
        ({"table": {"metadata_columns": ["_file"]}}, "metadata_columns is ['_file']: '_file' is none; there are _ing"),
        ({"table": {"metadata_columns": []}}, "metadata_columns is []: lacks _source_file, by which on_change=replace"),
        (
            {"table": {"on_change": "append", "metadata_columns": ["_source_file"]}},
            "lacks _source_file or _source_etag, which tell the versions apart",
        ),
    ],
)
def test_refused(arguments: dict[str, Any], says: str) -> None:
    assert says in _refused(**arguments)


@alur.contract()
class Nested:
    """What CSV cannot hold."""

    order_id: int
    tags: list[str]


def test_files_that_can_never_fill_the_contract_are_refused() -> None:
    assert "tags: a array<string> cannot be in CSV: use JSON Lines or Parquet" in _refused(table={"contract": Nested})
    arguments = {"table": {"contract": Nested}, "job": _source(files=alur.JsonLinesOptions())}
    assert register(lambda: Pipeline(**arguments)).one("Job")


@pytest.mark.parametrize(
    ("expectation", "says"),
    [
        (alur.expect.between("OrderId", 0, "many"), "'many' is no value of its column: 'many' is no bigint"),
        (alur.expect.matches("note", "(?=a)"), "is no regular expression (RE2)"),
        (alur.expect.unique("order_id"), "'order_id' is no column; columns are OrderId, amount, note, Region"),
    ],
)
def test_expectations_that_cannot_be_are_refused(expectation: Any, says: str) -> None:
    spec = attrs.evolve(OrderLines.__alur_contract__, expectations=(expectation,))
    text = _refused(table={"contract": spec})
    assert text.startswith("BronzeTable 'lines': contract is ")
    assert says in text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "expectation 'orders_feed.checks:all_paid' is 'orders_feed.checks:all_paid': give code"),
        ({"code": FEED}, "code has the package orders_feed and no module orders_feed.checks"),
    ],
)
def test_functions_of_expectations_must_be_shipped(arguments: dict[str, Any], says: str) -> None:
    named = alur.expect.function("orders_feed.checks:all_paid")
    spec = attrs.evolve(OrderLines.__alur_contract__, expectations=(named,))
    assert says in _refused(table={"contract": spec}, job=arguments)


def test_a_source_that_holds_the_table_is_refused() -> None:
    same = {"table": {"existing_bucket": "one"}, "job": {"landing_bucket": "one", "sources": [alur.Source(name="a")]}}
    assert "sources[0].uri" in _refused(**same)
    assert "s3://one/ holds table.location" in _refused(**same)


def test_code_of_the_name_of_a_dependency_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "attr"
    folder.mkdir()
    (folder / "__init__.py").touch()
    assert "the job gets a package 'attr' from attrs already: leave it out" in _refused(job={"code": folder})


@pytest.mark.parametrize("name", ["_source_file", "_rescued", "_Source_Row"])
def test_a_contract_with_alurs_own_column_is_refused(name: str) -> None:
    spec = alur.ContractSpec("C", (alur.Column("a", "string"), alur.Column(name, "string")))
    text = _refused(table={"contract": spec})
    assert text.startswith("BronzeTable 'lines': contract")
    assert name in text
