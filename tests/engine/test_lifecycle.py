"""The life of a ledger and a table on the real engine: what it planned to do, and what AWS has after it."""

import json
from pathlib import Path
from typing import Any

import attrs
import pulumi
import pytest

import alur_pulumi as alur
from alur_pulumi.local.emulator import Emulator
from alur_pulumi.local.errors import DeploymentError
from alur_pulumi.local.stack import LocalStack, open_stack
from alur_runtime.contracts.spec import Column, ContractSpec
from tests.components.programs import OrderLines
from tests.engine.engines import changed

pytestmark = pytest.mark.engine

SPEC: ContractSpec = OrderLines.__alur_contract__
BUCKET = {
    f"lines-bucket{part}" for part in ("", "-private", "-tls", "-owner", "-versions", "-encryption", "-lifecycle")
}
ALL = {*BUCKET, "lines-database", "lines-table", "state-table"}


@attrs.define
class Life:
    """A stack whose arguments change from one deployment to the next."""

    emulator: Emulator
    work_dir: Path
    project: str
    state: dict[str, Any] = attrs.field(factory=dict)
    table: dict[str, Any] = attrs.field(factory=dict)
    name: str = "lines"
    opts: pulumi.ResourceOptions | None = None
    _stack: LocalStack | None = None

    def program(self) -> None:
        state = alur.StateTable("state", alur.StateTableArgs(**{"alarms": False, **self.state}))
        table = alur.BronzeTable(self.name, alur.BronzeTableArgs(**{"contract": SPEC, **self.table}), self.opts)
        pulumi.export("ledger", state.table_name)
        pulumi.export("bucket", table.bucket_name)
        pulumi.export("database", table.database_name)

    @property
    def stack(self) -> LocalStack:
        if self._stack is None:
            opened = open_stack(
                self.program, emulator=self.emulator, work_dir=self.work_dir / self.project, project=self.project
            )
            assert isinstance(opened, LocalStack)
            self._stack = opened
        return self._stack

    def up(self) -> dict[str, str]:
        return changed(self.stack.up())

    def preview(self) -> dict[str, str]:
        return changed(self.stack.preview())

    def up_only(self, name: str) -> dict[str, str]:
        """Deploy one resource and nothing else."""
        resources = self.stack._stack.export_stack().deployment["resources"]
        (urn,) = [r["urn"] for r in resources if r["urn"].endswith(f"::{name}")]
        run = self.stack._run
        return changed(run("up", lambda listen: self.stack._stack.up(on_event=listen, target=[urn])))

    def output(self, name: str) -> str:
        return str(self.stack.outputs()[name])


@pytest.fixture
def life(emulator: Emulator, tmp_path: Path, request: pytest.FixtureRequest) -> Life:
    return Life(emulator, tmp_path, str(request.node.name).removeprefix("test_").replace("_", "-")[:30].strip("-"))


def _bucket_is_guarded(emulator: Emulator, bucket: str) -> bool:
    s3 = emulator.client("s3")
    blocked = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    return (
        all(blocked.values())
        and s3.get_bucket_versioning(Bucket=bucket).get("Status") == "Enabled"
        and "TlsOnly" in s3.get_bucket_policy(Bucket=bucket)["Policy"]
    )


def _make_log_bucket(emulator: Emulator, name: str) -> None:
    """A bucket that S3 may write access logs to: without the policy it refuses to."""
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket=name)
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{name}/*",
    }
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


def test_made_left_alone_updated_in_place_and_replaced(life: Life) -> None:
    s3, glue, dynamodb = (life.emulator.client(name) for name in ("s3", "glue", "dynamodb"))
    assert life.preview() == dict.fromkeys(ALL, "create")
    assert life.up() == dict.fromkeys(ALL, "create")
    bucket, ledger, database = life.output("bucket"), life.output("ledger"), life.output("database")
    assert _bucket_is_guarded(life.emulator, bucket)
    assert dynamodb.describe_table(TableName=ledger)["Table"]["DeletionProtectionEnabled"] is True
    assert life.preview() == {}
    assert life.up() == {}

    # every argument that AWS can change in place is changed in place
    key = life.emulator.client("kms").create_key()["KeyMetadata"]["Arn"]
    _make_log_bucket(life.emulator, "access-logs")
    columns = (*SPEC.columns, Column("added", "string", True, "came later"))
    life.state = {"tags": {"team": "sales"}, "kms_key_arn": key, "deletion_protection": False}
    life.table = {
        "contract": attrs.evolve(SPEC, columns=columns, doc="Lines of orders, and more."),
        "tags": {"team": "sales"},
        "kms_key_arn": key,
        "noncurrent_days": 7,
        "cold_storage_after_days": 90,
        "access_log_bucket": "access-logs",
    }
    assert life.preview() == life.up() == {
        "state-table": "update",
        "lines-bucket": "update",
        "lines-bucket-encryption": "update",
        "lines-bucket-lifecycle": "update",
        "lines-bucket-access-log": "create",
        "lines-database": "update",
        "lines-table": "update",
    }  # fmt: skip
    assert (life.output("bucket"), life.output("ledger")) == (bucket, ledger)
    described = dynamodb.describe_table(TableName=ledger)["Table"]
    assert described["DeletionProtectionEnabled"] is False
    assert described["SSEDescription"]["KMSMasterKeyArn"] == key
    rules = {r["ID"]: r for r in s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]}
    assert rules["cold-storage"]["Filter"] == {"Prefix": f"{database}/order_lines/"}
    assert rules["expire-old-versions"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 7}
    table = glue.get_table(DatabaseName=database, Name="order_lines")["Table"]
    assert table["Description"] == "Lines of orders, and more."
    assert {"Name": "added", "Type": "string", "Comment": "came later"} in table["StorageDescriptor"]["Columns"]
    assert life.up() == {}

    # another database is another place: catalog entries are replaced, bucket and ledger are not
    life.table |= {"database_name": "elsewhere", "access_log_bucket": None}
    assert life.preview() == life.up() == {
        "lines-database": "replace",
        "lines-table": "replace",
        "lines-bucket-lifecycle": "update",
        "lines-bucket-access-log": "delete",
    }  # fmt: skip
    assert glue.get_table(DatabaseName="elsewhere", Name="order_lines")["Table"]["StorageDescriptor"]["Location"] == (
        f"s3://{bucket}/elsewhere/order_lines/"
    )
    assert database not in [d["Name"] for d in glue.get_databases()["DatabaseList"]]
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    assert life.up() == {}


def test_what_was_changed_outside_is_seen_and_put_right(life: Life) -> None:
    life.up()
    s3, glue, dynamodb = (life.emulator.client(name) for name in ("s3", "glue", "dynamodb"))
    bucket, ledger, database = life.output("bucket"), life.output("ledger"), life.output("database")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    s3.delete_public_access_block(Bucket=bucket)
    dynamodb.update_continuous_backups(
        TableName=ledger, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    glue.delete_table(DatabaseName=database, Name="order_lines")

    assert life.up() == {}  # without a refresh the engine trusts its state
    found = changed(life.stack.refresh())
    assert {name: found[name] for name in found if found[name] != "refresh"} == {
        "lines-bucket-versions": "update",
        "lines-bucket-private": "delete",
        "state-table": "update",
        "lines-table": "delete",
    }
    assert life.up() == {
        "lines-bucket-versions": "update",
        "lines-bucket-private": "create",
        "state-table": "update",
        "lines-table": "create",
    }
    assert _bucket_is_guarded(life.emulator, bucket)
    backups = dynamodb.describe_continuous_backups(TableName=ledger)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert glue.get_table(DatabaseName=database, Name="order_lines")
    assert life.up() == {}


def test_renamed_targeted_and_protected(life: Life) -> None:
    life.up()
    bucket = life.output("bucket")

    # another name with an alias is the same component, down to its last child
    life.name, life.opts = "orders", pulumi.ResourceOptions(aliases=[pulumi.Alias(name="lines")])
    assert life.preview() == {}
    assert life.up() == {}
    assert life.output("bucket") == bucket
    life.opts = None  # the engine has taken the new name over
    assert life.up() == {}

    # a targeted update leaves the rest for the next one
    life.state, life.table = {"tags": {"a": "b"}}, {"tags": {"a": "b"}}
    assert life.up_only("state-table") == {"state-table": "update"}
    assert life.up() == {"orders-bucket": "update", "orders-database": "update"}

    # what is protected is not deleted, whatever on_destroy says
    life.table["on_destroy"] = alur.OnDestroy.DELETE
    life.opts = pulumi.ResourceOptions(protect=True)
    life.up()
    with pytest.raises(DeploymentError, match="protected"):
        life.stack.destroy()
    assert _bucket_is_guarded(life.emulator, bucket)
    life.opts = None
    life.up()
    life.stack.destroy()
    assert bucket not in [b["Name"] for b in life.emulator.client("s3").list_buckets()["Buckets"]]


def test_a_deployment_that_fails_halfway_is_finished_by_the_next(life: Life) -> None:
    s3 = life.emulator.client("s3")
    life.table = {"access_log_bucket": "not-there-yet"}
    with pytest.raises(DeploymentError, match="lines-bucket-access-log"):
        life.stack.up()
    resources = life.stack._stack.export_stack().deployment["resources"]
    (bucket,) = [r["id"] for r in resources if r["urn"].endswith("::lines-bucket")]
    s3.put_object(Bucket=bucket, Key="proof", Body=b"the same bucket")
    _make_log_bucket(life.emulator, "not-there-yet")
    finished = life.up()
    assert finished["lines-bucket-access-log"] == "create"
    # what had been made is not made again; how far the engine came at the same time is chance
    assert set(finished.values()) == {"create"}
    assert "lines-bucket" not in finished
    assert life.output("bucket") == bucket
    assert s3.get_object(Bucket=bucket, Key="proof")["Body"].read() == b"the same bucket"
    assert life.up() == {}


def test_destroyed_with_its_data_kept_and_without_and_taken_in_again(life: Life, tmp_path: Path) -> None:
    s3, dynamodb, glue = (life.emulator.client(name) for name in ("s3", "dynamodb", "glue"))
    life.up()
    bucket, ledger, database = life.output("bucket"), life.output("ledger"), life.output("database")
    s3.put_object(Bucket=bucket, Key="rows.parquet", Body=b"rows")
    dynamodb.put_item(TableName=ledger, Item={"ingestion_key": {"S": "t#0"}, "file_path": {"S": "s3://l/f"}})

    # kept unless asked
    life.stack.destroy()
    assert s3.get_object(Bucket=bucket, Key="rows.parquet")["Body"].read() == b"rows"
    assert _bucket_is_guarded(life.emulator, bucket)
    described = dynamodb.describe_table(TableName=ledger)["Table"]
    assert (described["DeletionProtectionEnabled"], described["TableStatus"]) == (True, "ACTIVE")
    assert dynamodb.scan(TableName=ledger)["Count"] == 1
    assert database not in [d["Name"] for d in glue.get_databases()["DatabaseList"]]

    # what was kept is taken into another stack's care: bucket, its settings, and ledger are imported, not made
    physical = dict.fromkeys(BUCKET, bucket) | {"state-table": ledger}
    adopting = True

    def adopt(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        if args.name not in physical:
            return None
        name = {"lines-bucket": "bucket", "state-table": "name"}.get(args.name)
        props = {**args.props, name: physical[args.name]} if name else args.props
        taken_in = pulumi.ResourceOptions(import_=physical[args.name] if adopting else None)
        return pulumi.ResourceTransformResult(props, pulumi.ResourceOptions.merge(args.opts, taken_in))

    def program() -> None:
        pulumi.runtime.register_resource_transform(adopt)
        life.program()

    heir = open_stack(program, emulator=life.emulator, work_dir=tmp_path / "heir", project="heir")
    taken = {(change.name, change.operation) for change in heir.up().changes}
    assert {name for name, operation in taken if operation == "import"} == BUCKET | {"state-table"}
    assert {name for name, operation in taken if operation == "create"} == {"lines-database", "lines-table"}
    # what AWS does not show, or shows although nobody asked for it, is written once more, in place
    assert {name for name, operation in taken if operation not in ("import", "create")} <= {
        "lines-bucket",
        "state-table",
    }
    assert {operation for _, operation in taken} <= {"import", "create", "update"}
    assert (heir.outputs()["bucket"], heir.outputs()["ledger"]) == (bucket, ledger)
    adopting = False
    assert heir.up().changes == ()

    # not while there is anything in it, if one says so
    life.state = life.table = {"on_destroy": alur.OnDestroy.FAIL}
    heir.up()
    with pytest.raises(DeploymentError, match=r"state-table|lines-bucket"):
        heir.destroy()
    assert s3.get_object(Bucket=bucket, Key="rows.parquet")["Body"].read() == b"rows"
    assert _bucket_is_guarded(life.emulator, bucket)

    # and all of it, if one asks for that
    life.state = life.table = {"on_destroy": alur.OnDestroy.DELETE}
    heir.up()
    heir.destroy()
    assert bucket not in [b["Name"] for b in s3.list_buckets()["Buckets"]]
    assert ledger not in dynamodb.list_tables()["TableNames"]


def test_a_table_of_the_catalog_is_taken_in(life: Life) -> None:
    life.table = {"existing_bucket": "their-bucket"}
    life.up()
    database = life.output("database")
    account = life.emulator.client("sts").get_caller_identity()["Account"]

    def adopt(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        if args.name == "lines-table":
            taken_in = pulumi.ResourceOptions(import_=f"{account}:{database}:order_lines")
            return pulumi.ResourceTransformResult(args.props, pulumi.ResourceOptions.merge(args.opts, taken_in))
        return None

    def program() -> None:
        pulumi.runtime.register_resource_transform(adopt)
        given = alur.BronzeTableArgs(contract=SPEC, existing_bucket="their-bucket", existing_database=database)
        alur.BronzeTable("lines", given)

    heir = open_stack(program, emulator=life.emulator, work_dir=life.work_dir / "heir", project="heir")
    assert changed(heir.up()) == {"lines-table": "import"}
    assert heir.up().changes == ()
