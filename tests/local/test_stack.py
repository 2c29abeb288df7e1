"""Stacks on the real engine, and the same on its stand-in."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest
from botocore.exceptions import ClientError

from alur_pulumi.local.deployment import Deployment, Summary
from alur_pulumi.local.emulator import Emulator
from alur_pulumi.local.errors import DeploymentError
from alur_pulumi.local.stack import open_stack
from alur_pulumi.pulumi_cli import NoPulumiCli

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "glue.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)
WITHOUT = NoPulumiCli(("left out by the test",))

cli = pytest.mark.parametrize(
    "cli", [pytest.param(None, id="engine", marks=pytest.mark.engine), pytest.param(WITHOUT, id="without")]
)


def changed(summary: Summary) -> dict[str, str]:
    return {item.name: item.operation for item in summary.changes}


class Pipeline(pulumi.ComponentResource):
    """A bucket, a script in it and a job that names the script."""

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        super().__init__("test:index:Pipeline", name)
        child = pulumi.ResourceOptions(parent=self)
        bucket = aws.s3.Bucket(f"{name}-code", force_destroy=True, opts=child)
        script = aws.s3.BucketObjectv2(
            f"{name}-script",
            bucket=bucket.bucket,
            key="script.py",
            source=pulumi.StringAsset(settings["script"]),
            opts=child,
        )
        role = aws.iam.Role(f"{name}-role", assume_role_policy=TRUST, opts=child)
        self.job = aws.glue.Job(
            f"{name}-job",
            role_arn=role.arn,
            command={"script_location": pulumi.Output.concat("s3://", script.bucket, "/", script.key)},
            default_arguments={"--etag": script.etag} if settings.get("etag") else {},
            opts=child,
        )
        self.register_outputs({})


@cli
def test_it_is_made_left_alone_changed_refreshed_and_destroyed(
    emulator: Emulator, tmp_path: Path, cli: NoPulumiCli | None
) -> None:
    settings: dict[str, Any] = {"script": "print('one')"}

    def program() -> None:
        pipeline = Pipeline("it", settings)
        pulumi.export("job", pipeline.job.name)
        pulumi.export("account", aws.get_caller_identity().account_id)

    stack = open_stack(program, emulator=emulator, work_dir=tmp_path, cli=cli)
    glue, s3 = emulator.client("glue"), emulator.client("s3")
    everything = {f"it-{part}": "create" for part in ("code", "script", "role", "job")}
    emulator.reset_calls()
    assert changed(stack.preview()) == everything
    writes = ("Create", "Put", "Delete", "Update", "Attach", "Tag")
    assert not [call for call in emulator.calls()["operations"] if call.partition(".")[2].startswith(writes)]

    first = stack.up()
    assert changed(first) == everything
    assert first.outputs["account"] == "123456789012"
    assert stack.outputs() == first.outputs
    location = glue.get_job(JobName=first.outputs["job"])["Job"]["Command"]["ScriptLocation"]
    bucket = location.split("/")[2]
    assert s3.get_object(Bucket=bucket, Key="script.py")["Body"].read() == b"print('one')"
    assert stack.up().counts() == {"same": 4}

    settings["script"] = "print('two')"
    assert changed(stack.preview()) == {"it-script": "update"}
    assert changed(stack.up()) == {"it-script": "update"}
    assert s3.get_object(Bucket=bucket, Key="script.py")["Body"].read() == b"print('two')"

    assert stack.refresh().counts() == {"same": 4}
    glue.delete_job(JobName=first.outputs["job"])
    assert changed(stack.refresh()) == {"it-job": "delete"}
    again = stack.up()
    assert changed(again) == {"it-job": "create"}
    assert glue.get_job(JobName=again.outputs["job"])

    assert stack.destroy().counts() == {"delete": 4}
    assert stack.outputs() == {}
    with pytest.raises(ClientError, match="404"):
        s3.head_bucket(Bucket=bucket)


@cli
def test_a_replacement_keeps_what_depends_on_it_whole(
    emulator: Emulator, tmp_path: Path, cli: NoPulumiCli | None
) -> None:
    path = {"value": "/one/"}
    name = f"own-name-{tmp_path.parent.name}-{'engine' if cli is None else 'none'}"

    def program() -> None:
        role = aws.iam.Role("own", name=name, path=path["value"], assume_role_policy=TRUST)
        made = aws.iam.Role("made", path=path["value"], assume_role_policy=TRUST)
        pulumi.export("own", role.arn)
        pulumi.export("made", made.arn)

    stack = open_stack(program, emulator=emulator, work_dir=tmp_path, cli=cli)
    before = stack.up().outputs
    path["value"] = "/two/"
    assert changed(stack.preview()) == {"own": "replace", "made": "replace"}
    summary = stack.up()
    assert changed(summary) == {"own": "replace", "made": "replace"}
    assert summary.outputs["own"] == before["own"].replace("/one/", "/two/")
    assert summary.outputs["made"].rpartition("/")[2] != before["made"].rpartition("/")[2]


@cli
def test_retained_and_protected_resources_stay(emulator: Emulator, tmp_path: Path, cli: NoPulumiCli | None) -> None:
    options = {"keep": pulumi.ResourceOptions(retain_on_delete=True), "guard": pulumi.ResourceOptions(protect=True)}
    wanted = set(options)

    def program() -> None:
        for name in sorted(wanted):
            role = aws.iam.Role(name, assume_role_policy=TRUST, opts=options[name])
            pulumi.export(name, role.name)

    stack = open_stack(program, emulator=emulator, work_dir=tmp_path, cli=cli)
    names = stack.up().outputs
    wanted.discard("keep")
    assert changed(stack.up()) == {"keep": "delete"}
    iam = emulator.client("iam")
    assert iam.get_role(RoleName=names["keep"])
    wanted.clear()
    with pytest.raises(DeploymentError, match="guard"):
        stack.up()
    assert iam.get_role(RoleName=names["guard"])


@cli
def test_what_is_not_supported_is_named(emulator: Emulator, tmp_path: Path, cli: NoPulumiCli | None) -> None:
    def argument() -> None:
        aws.s3.Bucket("with", website={"index_document": "i"})

    def kind() -> None:
        aws.ec2.Eip("address")

    for number, (program, message) in enumerate(
        [(argument, r"'website'.*aws:s3/bucket:Bucket"), (kind, r"does not support aws:ec2/eip:Eip")]
    ):
        stack = open_stack(program, emulator=emulator, work_dir=tmp_path / str(number), cli=cli)
        with pytest.raises(DeploymentError, match=message):
            stack.preview()


@cli
def test_a_failed_deployment_keeps_what_was_made(emulator: Emulator, tmp_path: Path, cli: NoPulumiCli | None) -> None:
    policy = {"text": "this is no policy"}

    def program() -> None:
        role = aws.iam.Role("role", assume_role_policy=TRUST)
        aws.iam.Policy("policy", policy=policy["text"], description=role.arn)

    stack = open_stack(program, emulator=emulator, work_dir=tmp_path, cli=cli)
    with pytest.raises(DeploymentError, match="MalformedPolicyDocument") as failure:
        stack.up()
    assert "File" not in str(failure.value)
    policy["text"] = TRUST.replace("sts:AssumeRole", "s3:GetObject").replace(
        '"Principal": {"Service": "glue.amazonaws.com"}', '"Resource": "*"'
    )
    assert changed(stack.up()) == {"policy": "create"}


@cli
def test_a_project_folder_is_run_with_its_configuration_and_read_anew(
    emulator: Emulator, tmp_path: Path, cli: NoPulumiCli | None
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: feeds\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text(
        "config:\n  aws:region: eu-west-1\n  days: 30\n  deep:\n    flag: true\n  feeds:word: hello\n"
    )
    (folder / "helper.py").write_text("TAG = 'one'\n")
    (folder / "__main__.py").write_text(
        "import pulumi, pulumi_aws as aws\n"
        "from helper import TAG\n"
        "config = pulumi.Config()\n"
        "group = aws.cloudwatch.LogGroup('group', retention_in_days=config.require_int('days'),\n"
        "    tags={'tag': TAG, 'deep': str(config.require_object('deep')['flag'])})\n"
        "bucket = aws.s3.Bucket('files', force_destroy=True)\n"
        "aws.s3.BucketObjectv2('file', bucket=bucket.bucket, key='helper', "
        "source=pulumi.FileAsset('helper.py'))\n"
        "pulumi.export('arn', group.arn)\n"
        "pulumi.export('word', config.require('word'))\n"
        "pulumi.export('region', aws.get_region().region)\n"
    )

    def open_it() -> Deployment:
        return open_stack(folder, emulator=emulator, work_dir=tmp_path / "work", stack="dev", cli=cli)

    outputs = open_it().up().outputs
    assert (outputs["word"], outputs["region"]) == ("hello", "eu-west-1")
    assert outputs["arn"].startswith("arn:aws:logs:eu-west-1:")
    (folder / "helper.py").write_text("TAG = 'two, and longer'\n")
    assert changed(open_it().up()) == {"group": "update", "file": "update"}
    assert open_it().destroy().counts() == {"delete": 3}


def test_without_an_engine_it_says_so(emulator: Emulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stack = open_stack(lambda: None, emulator=emulator, work_dir=tmp_path, cli=WITHOUT)
    assert stack.engine == "none"
    assert "without it" in capsys.readouterr().err


@pytest.mark.engine
def test_the_users_own_pulumi_is_not_touched(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    from alur_pulumi.pulumi_cli import find_pulumi_cli

    found = find_pulumi_cli()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "the user's")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://elsewhere.example.com")
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")

    def program() -> None:
        aws.iam.Role("role", assume_role_policy=TRUST)

    stack = open_stack(program, emulator=emulator, work_dir=tmp_path / "work", cli=found)
    assert stack.up().counts() == {"create": 1}
    assert stack.destroy().counts() == {"delete": 1}
    assert not (home / ".pulumi").exists()
