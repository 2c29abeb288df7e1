"""Wrong arguments are refused at preview: by component, argument, value and remedy."""

from pathlib import Path
from typing import Any

import pytest

import alur_pulumi as alur
from tests.components.monitor import register
from tests.components.programs import FEED, Pipeline


def _refused(**arguments: Any) -> str:
    with pytest.raises(alur.ArgumentError) as caught:
        register(lambda: Pipeline(**arguments))
    return str(caught.value)


def _source(**arguments: Any) -> dict[str, Any]:
    return {"sources": [alur.Source(**{"name": "a", **arguments})]}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"state": {"shards": 0}}, "StateTable 'state': shards is 0: allowed are 1 to 256"),
        ({"table": {"contract": str}}, "is no contract: decorate the class"),
        ({"table": {"contract": "Orders"}}, "BronzeTable 'lines': contract is 'Orders'"),
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
        ({"job": _source(files=alur.CsvOptions(separator="||"))}, "one ASCII character"),
        ({"job": {"sources": [alur.Source(name="a"), alur.Source(name="a")]}}, "a name of its own"),
        ({"job": {"settings": alur.Settings(fetch_threads=0)}}, "settings.fetch_threads"),
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
        ({"job": {"arguments": {"--extra-py-files": "x"}}}, "alur sets this argument itself"),
        ({"job": {"arguments": {"conf": "x"}}}, "starts with --"),
        ({"job": {"transform": "orders_feed.transform:clean"}}, "give code, the folder of the package"),
        ({"job": {"code": FEED, "transform": "orders_feed.transform"}}, "write module:function"),
        ({"job": {"code": FEED, "transform": "orders_feed.other:clean"}}, "no module orders_feed.other"),
        ({"job": {"code": FEED.parent}}, "IngestionJob 'ingest': code is"),
        ({"job": {"engine": "flink"}}, "engine is 'flink': allowed are auto, local, spark"),
    ],
)
def test_refused(arguments: dict[str, Any], says: str) -> None:
    assert says in _refused(**arguments)


def test_a_source_that_holds_the_table_is_refused() -> None:
    same = {"table": {"existing_bucket": "one"}, "job": {"landing_bucket": "one", "sources": [alur.Source(name="a")]}}
    assert "sources[0].uri" in _refused(**same)
    assert "s3://one/ holds table.location" in _refused(**same)


def test_code_of_the_name_of_a_dependency_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "attr"
    folder.mkdir()
    (folder / "__init__.py").touch()
    assert "the job needs a package 'attr' itself" in _refused(job={"code": folder})


def test_a_contract_with_alurs_own_column_is_refused() -> None:
    spec = alur.ContractSpec("C", _columns("_source_file"))
    assert "BronzeTable 'lines': contract" in _refused(table={"contract": spec})


def _columns(name: str) -> tuple[Any, ...]:
    from alur_runtime.contract import Column

    return (Column("a", "string"), Column(name, "string"))
