from __future__ import annotations

from typing import Any

import attrs
import pytest

from alur_runtime.config import (
    JobConfig,
    LedgerConfig,
    Settings,
    SourceConfig,
    TableConfig,
    check_config,
    config_from_json,
    to_json,
)
from alur_runtime.contracts.options import CsvOptions
from alur_runtime.contracts.spec import Column, ContractSpec
from alur_runtime.errors import ConfigError

GOOD = JobConfig(
    job="orders",
    table=TableConfig(database="db", name="t", location="s3://lake/t/", metadata="s3://lake/_alur/t/"),
    contract=ContractSpec("T", (Column("id", "bigint"),)),
    sources=(SourceConfig(name="a", uri="s3://landing/a/"),),
    ledger=LedgerConfig(table="state"),
)


def test_it_survives_json() -> None:
    assert config_from_json(to_json(GOOD)) == GOOD
    assert to_json(GOOD) == to_json(config_from_json(to_json(GOOD)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sources": ()}, "sources: is empty"),
        ({"sources": (*GOOD.sources, *GOOD.sources)}, "same name: a, a"),
        ({"sources": (SourceConfig(name="a", uri="landing/a/"),)}, r"sources\[0\].uri: 'landing/a/' is no s3:// URI"),
        ({"sources": (SourceConfig(name="a", uri="s3://landing/a"),)}, "must end with a slash"),
        ({"sources": (SourceConfig(name="a", uri="s3://lake/"),)}, "holds table.location"),
        ({"sources": (attrs.evolve(GOOD.sources[0], files=CsvOptions(separator="||")),)}, "one ASCII character"),
        (
            {"sources": (attrs.evolve(GOOD.sources[0], files=CsvOptions(encoding="klingon")),)},
            "no encoding Python knows",
        ),
        ({"table": attrs.evolve(GOOD.table, metadata="s3://lake/t/_alur/")}, "readers would find it"),
        ({"ledger": LedgerConfig(table="state", shards=0)}, "ledger.shards: is 0"),
        ({"transform": "module"}, "write module:function"),
        ({"contract": ContractSpec("T", (Column("_source_file", "string"),))}, "a column's name has letters"),
        ({"settings": Settings(batch_max_files=0)}, "settings.batch_max_files: is 0; it must be at least 1"),
    ],
)
def test_what_does_not_fit_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(Exception, match=message):
        check_config(attrs.evolve(GOOD, **changes))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "is no JSON"),
        (b"{}", "format: is None; this runtime reads 1"),
        (to_json(GOOD).replace(b'"format":1', b'"format":2'), "format: is 2"),
        (to_json(GOOD).replace(b'"shards":4', b'"shards":"many"'), r"ledger\.shards"),
        (to_json(GOOD).replace(b'"shards":4', b'"shards":4,"sherds":5'), "sherds"),
    ],
)
def test_json_that_cannot_be_used(body: bytes, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        config_from_json(body)
