"""How a job runs: class, queuing, network, encryption and the code that it is given."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

import alur_pulumi as alur
from alur_pulumi.job_role import fitting_policy
from alur_pulumi.wheels import build_wheel
from tests.components.monitor import Monitor, register
from tests.components.programs import FEED, Pipeline

KEY = "arn:aws:kms:eu-west-1:123456789012:key/0d9bb1a2-61c4-4a6c-8d5d-0d9bb1a261c4"
NETWORK = alur.Network(
    subnet_id="subnet-0123456789abcdef0",
    security_group_ids=["sg-0123456789abcdef0"],
    availability_zone="eu-west-1a",
)
CODE = b"def clean(table):\n    return table\n"


def _deployed(**job: Any) -> Monitor:
    return register(lambda: Pipeline(job=job))


def _statements(monitor: Monitor) -> dict[str, dict[str, Any]]:
    policies = [policy.inputs["policy"] for policy in monitor.of("Policy") if policy.name.startswith("ingest-")]
    return {s["Sid"]: s for policy in policies for s in json.loads(policy)["Statement"]}


def _log_groups(monitor: Monitor) -> dict[str, str | None]:
    return {r.inputs["name"]: r.inputs.get("kmsKeyId") for r in monitor.of("LogGroup")}


def test_a_job_is_standard_and_is_not_queued_unless_asked_for() -> None:
    job = _deployed().one("Job").inputs
    assert (job["executionClass"], job["jobRunQueuingEnabled"]) == ("STANDARD", False)
    assert not {"notificationProperty", "securityConfiguration", "connections"} & job.keys()


def test_how_a_job_runs_reaches_the_job() -> None:
    job = _deployed(job_queuing=True, notify_after_minutes=30, worker_type="R.1X").one("Job").inputs
    assert (job["jobRunQueuingEnabled"], job["workerType"]) == (True, "R.1X")
    assert job["notificationProperty"] == {"notifyDelayAfter": 30}
    assert _deployed(execution_class="FLEX").one("Job").inputs["executionClass"] == "FLEX"


def test_modules_in_s3_are_installed_by_glue_itself() -> None:
    modules = {"--additional-python-modules": "s3://b/fast-1.0-cp311-cp311-manylinux_2_28_x86_64.whl"}
    monitor = _deployed(arguments=modules)
    assert modules.items() <= monitor.one("Job").inputs["defaultArguments"].items()
    read = _statements(monitor)["Artifacts"]["Resource"]
    assert read[1:] == ["arn:aws:s3:::b/fast-1.0-cp311-cp311-manylinux_2_28_x86_64.whl"]
    assert len(_statements(_deployed())["Artifacts"]["Resource"]) == 1


def test_a_network_is_made_a_connection_and_the_role_is_fenced_to_it() -> None:
    monitor = _deployed(network=NETWORK)
    connection = monitor.one("Connection").inputs
    assert connection["connectionType"] == "NETWORK"
    assert connection["physicalConnectionRequirements"] == {
        "availabilityZone": "eu-west-1a",
        "securityGroupIdLists": ["sg-0123456789abcdef0"],
        "subnetId": "subnet-0123456789abcdef0",
    }
    assert monitor.one("Job").inputs["connections"] == ["ingest-network-1a2b3c4"]
    found = _statements(monitor)
    ec2 = "arn:aws:ec2:eu-west-1:123456789012:"
    assert found["NetworkUse"]["Resource"] == [
        f"{ec2}network-interface/*",
        f"{ec2}subnet/subnet-0123456789abcdef0",
        f"{ec2}security-group/sg-0123456789abcdef0",
    ]
    assert found["NetworkRemove"]["Condition"] == {
        "ArnEquals": {"ec2:Subnet": [f"{ec2}subnet/subnet-0123456789abcdef0"]}
    }
    assert found["Connections"]["Resource"] == [
        "arn:aws:glue:eu-west-1:123456789012:catalog",
        "arn:aws:glue:eu-west-1:123456789012:connection/ingest-network-1a2b3c4",
    ]


def test_connections_that_are_there_are_used_as_they_are() -> None:
    monitor = _deployed(connections=["theirs"])
    assert monitor.of("Connection") == []
    assert monitor.one("Job").inputs["connections"] == ["theirs"]
    use = _statements(monitor)["NetworkUse"]["Resource"]
    assert "arn:aws:ec2:eu-west-1:123456789012:subnet/*" in use


def test_a_policy_that_iam_would_not_take_is_refused_at_preview() -> None:
    sources = [alur.Source(name=f"s{number}", prefix=f"in/{number}/", bucket=f"b-{number}") for number in range(300)]
    with pytest.raises(alur.ArgumentError, match=r"sources is '300 places': a role has 10 policies"):
        _deployed(sources=sources)
    assert len(_deployed(sources=sources[:60]).of("Policy")) == 3
    assert len(_deployed(sources=sources, role_arn="arn:aws:iam::123456789012:role/mine").of("Job")) == 1
    keys = [f"arn:aws:kms:eu-west-1:123456789012:key/{number:036}" for number in range(50)]
    policy = str(_outputs(_deployed(kms_key_arns=keys, role_arn="arn:aws:iam::123456789012:role/mine"))["policy"])
    with pytest.raises(alur.ArgumentError, match=r"a policy of 6,\d{3} characters.*IAM takes 6,144.*kms_key_arns"):
        fitting_policy("ingest", policy)


def _outputs(monitor: Monitor) -> dict[str, Any]:
    (found,) = [outputs for urn, outputs in monitor.outputs.items() if urn.endswith("::ingest")]
    return found


def test_outside_of_a_network_the_role_knows_nothing_of_networks() -> None:
    assert not {"NetworkUse", "NetworkRead", "Connections", "LogKeys"} & _statements(_deployed()).keys()


def test_a_key_makes_a_security_configuration_and_names_the_log_groups_as_glue_will() -> None:
    monitor = _deployed(security_kms_key_arn=KEY)
    encryption = monitor.one("SecurityConfiguration").inputs["encryptionConfiguration"]
    assert {part["kmsKeyArn"] for part in encryption.values()} == {KEY}
    assert monitor.one("Job").inputs["securityConfiguration"] == "ingest-security-1a2b3c4"
    prefix = "/alur/proj/dev/ingest/ingest-security-1a2b3c4-role/ingest-role-1a2b3c4"
    # the plain ones stay: a job that gets its key later keeps what it logged until then
    plain = "/alur/proj/dev/ingest"
    assert _log_groups(monitor) == {f"{p}/{part}": KEY for p in (plain, prefix) for part in ("error", "output")}
    # another key makes another configuration and other names: old logs stay
    kept = {r.inputs["name"] for r in monitor.of("LogGroup") if r.retain_on_delete}
    assert kept == {f"{prefix}/error", f"{prefix}/output"}
    assert not any(r.retain_on_delete for r in _deployed().of("LogGroup"))
    # Glue puts the names in between itself
    assert monitor.one("Job").inputs["defaultArguments"]["--custom-logGroup-prefix"] == "/alur/proj/dev/ingest"
    found = _statements(monitor)
    group = f"arn:aws:logs:eu-west-1:123456789012:log-group:{prefix}/error:*"
    assert group in found["Logs"]["Resource"]
    assert not any(arn.endswith((f"{plain}/error:*", f"{plain}/output:*")) for arn in found["Logs"]["Resource"])
    assert found["LogKeys"]["Action"] == ["logs:AssociateKmsKey"]
    assert KEY in found["Keys"]["Resource"]


def test_a_security_configuration_that_is_there_may_encrypt_logs_or_not() -> None:
    monitor = _deployed(security_configuration="theirs", role_arn="arn:aws:iam::123456789012:role/path/mine")
    assert monitor.of("SecurityConfiguration") == []
    prefixes = ("/alur/proj/dev/ingest", "/alur/proj/dev/ingest/theirs-role/mine")
    assert set(_log_groups(monitor)) == {f"{p}/{part}" for p in prefixes for part in ("error", "output")}


def _wheel(folder: Path, name: str = "extra") -> Path:
    wheel = build_wheel(name, "1.0", {f"{name}/__init__.py": b"", f"{name}/clean.py": CODE})
    path = folder / wheel.filename
    path.write_bytes(wheel.data)
    return path


def _uploaded(monitor: Monitor) -> dict[str, str]:
    return {r.name: r.inputs["key"] for r in monitor.of("BucketObjectv2") if "-wheel-" in r.name}


def test_code_comes_from_a_folder_a_module_or_a_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _wheel(tmp_path)
    (tmp_path / "single_module.py").write_bytes(CODE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.syspath_prepend(FEED.parent)
    prebuilt = _deployed(code=str(path), transform="extra.clean:clean")
    assert "ingest-wheel-extra" in _uploaded(prebuilt)
    single = _deployed(code="single_module", transform="single_module:clean")
    assert "ingest-wheel-single-module" in _uploaded(single)
    # a package is the same wheel whether it is named by its folder or as Python finds it
    folder, module = _uploaded(_deployed(code=FEED)), _uploaded(_deployed(code="orders_feed"))
    assert folder["ingest-wheel-orders-feed"] == module["ingest-wheel-orders-feed"]


def test_wheels_travel_with_the_code_and_are_searched_for_functions(tmp_path: Path) -> None:
    monitor = _deployed(code=FEED, wheels=[_wheel(tmp_path)], transform="extra.clean:clean")
    files = monitor.one("Job").inputs["defaultArguments"]["--extra-py-files"].split(",")
    uploaded = _uploaded(monitor)
    assert {"ingest-wheel-orders-feed", "ingest-wheel-extra"} <= uploaded.keys()
    assert [file.partition("_alur/")[2] for file in files] == [key.partition("_alur/")[2] for key in uploaded.values()]


def _refused(**job: Any) -> str:
    with pytest.raises(alur.ArgumentError) as caught:
        _deployed(**job)
    return str(caught.value)


def test_wheels_that_cannot_be_are_refused(tmp_path: Path) -> None:
    native = tmp_path / "fast-1.0-cp311-cp311-manylinux_2_28_x86_64.whl"
    native.write_bytes(b"")
    assert "is built for one platform" in _refused(wheels=[native])
    hidden = tmp_path / "fast-1.0-py3-none-any.whl"
    with zipfile.ZipFile(hidden, "w") as archive:
        archive.writestr("fast/_speed.so", b"")
    assert "wheels[0] is " in _refused(wheels=[hidden])
    assert "has a compiled part, fast/_speed.so" in _refused(wheels=[hidden])
    damaged = tmp_path / "cut-1.0-py3-none-any.whl"
    damaged.write_bytes(_wheel(tmp_path).read_bytes()[:-30])
    assert "cannot be read" in _refused(wheels=[damaged])
    assert "cannot be read" in _refused(wheels=[tmp_path / "gone-1.0-py3-none-any.whl"])
    assert "is not named as a wheel is" in _refused(code=tmp_path / "code.whl")
    assert "neither a folder nor a module" in _refused(wheels=["no_such_module"])
    assert "is no Python source" in _refused(wheels=["_socket"])
    assert "wheels is 'pandas': give a list" in _refused(wheels="pandas")
    assert "gets a package 'extra' from extra already" in _refused(wheels=[_wheel(tmp_path), _wheel(tmp_path)])
