"""The entry point's exit codes where no run comes about."""

from __future__ import annotations

import attrs
import pytest
from world import World

from alur_runtime import __main__ as entry
from alur_runtime.__main__ import argument, main
from alur_runtime.config import JobConfig
from alur_runtime.report import RunReport
from alur_runtime.table.store import put_json


def test_without_a_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--JOB_NAME", "x"]) == 2
    assert "bad_configuration: configuration --alur_config: is missing" in capsys.readouterr().err


def test_a_configuration_that_is_not_there_or_cannot_be(aws: str, capsys: pytest.CaptureFixture[str]) -> None:
    world = World.make(aws)
    uri = f"{world.config.table.metadata}config.json"
    assert main(["--alur_config", uri]) == 2
    assert "NoSuchKey" in capsys.readouterr().err
    put_json(world.clients.s3, uri, {"format": 7})
    assert main([f"--alur_config={uri}"]) == 2
    assert "format: is 7; this runtime reads 1: deploy job and runtime together" in capsys.readouterr().err
    assert main(["--alur_config", "nowhere"]) == 2
    assert "'nowhere' is no s3:// URI" in capsys.readouterr().err


def test_the_code_digest_is_the_job_s_argument(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World.make(aws)
    uri = f"{world.config.table.metadata}config.json"
    put_json(world.clients.s3, uri, attrs.evolve(world.config, code_digest=""))
    seen: list[str] = []

    def run_ingest(config: JobConfig, *_: object, **__: object) -> RunReport:
        seen.append(config.code_digest)
        raise KeyboardInterrupt

    monkeypatch.setattr(entry, "run_ingest", run_ingest)
    with pytest.raises(KeyboardInterrupt):
        main(["--alur_config", uri, "--alur_code_digest", "abc"])
    assert seen == ["abc"]


def test_arguments_in_both_forms() -> None:
    assert argument(["--a", "1", "--b=2=3", "--c"], "--a") == "1"
    assert argument(["--a", "1", "--b=2=3", "--c"], "--b") == "2=3"
    assert argument(["--a", "1", "--b=2=3", "--c"], "--c") is None
