from __future__ import annotations

from collections import Counter

import attrs
from hypothesis import given
from hypothesis import strategies as st

from alur_runtime.config import JobConfig, LedgerConfig, OnChange, Settings, SourceConfig, TableConfig
from alur_runtime.contracts.spec import Column, ContractSpec
from alur_runtime.model import Action, FileItem, FileStatus, Listed, Member
from alur_runtime.reasons import Reason
from alur_runtime.run.plan import Busy, decide, join, pack

CONFIG = JobConfig(
    job="j",
    table=TableConfig(database="d", name="t", location="s3://lake/t/", metadata="s3://lake/m/"),
    contract=ContractSpec(name="T", columns=(Column("id", "bigint"),)),
    sources=(SourceConfig(name="s", uri="s3://b/"),),
    ledger=LedgerConfig(table="state"),
)
FREE = Busy({}, {})


def listed(uri: str, etag: str = "1") -> Listed:
    return Listed(uri, etag, 10, 0, "s")


def item(uri: str, **changes: object) -> FileItem:
    base = FileItem(uri, FileStatus.COMPLETED, "1", 10, 0, "s", "new", "000000000001-00001", "r", 0, table_etag="1")
    return attrs.evolve(base, **changes)  # type: ignore[arg-type]


URIS = st.lists(st.text(min_size=1, max_size=5), unique=True, max_size=12)


@given(URIS, URIS)
def test_the_join_finds_every_pair_once(left: list[str], right: list[str]) -> None:
    def ordered(uris: list[str]) -> list[str]:
        return sorted(uris, key=str.encode)

    pairs = list(join(map(listed, ordered(left)), map(item, ordered(right))))
    found = [(a.uri if a else None, b.uri if b else None) for a, b in pairs]
    both = set(left) & set(right)
    expected = [(u, u) for u in both] + [(u, None) for u in set(left) - both] + [(None, u) for u in set(right) - both]
    assert Counter(found) == Counter(expected)


@given(
    st.lists(st.tuples(st.integers(0, 50), st.frozensets(st.sampled_from("abcdefgh"), max_size=3)), max_size=30),
    st.integers(1, 5),
    st.integers(1, 100),
)
def test_packing_keeps_every_member_once_and_shared_objects_together(
    members: list[tuple[int, frozenset[str]]], most_files: int, most_bytes: int
) -> None:
    made = [
        Member(f"u{n}", "1", size, 0, "s", Action.INGEST, "new", old_outputs=tuple(sorted(outputs)))
        for n, (size, outputs) in enumerate(members)
    ]
    config = attrs.evolve(CONFIG, settings=Settings(batch_max_files=most_files, batch_max_bytes=most_bytes))
    plans = pack(made, config, 7)
    assert Counter(m.uri for p in plans for m in p.members) == Counter(m.uri for m in made)
    drops = Counter(key for p in plans for key in p.drops)
    assert all(count == 1 for count in drops.values())
    assert [p.seq for p in plans] == sorted({p.seq for p in plans})
    for plan in plans:
        single = [m for m in plan.members if not m.old_outputs]
        if len(single) == len(plan.members):
            assert len(plan.members) <= most_files
            assert plan.bytes <= most_bytes or len(plan.members) == 1


def test_decisions() -> None:
    def reason(file: Listed, known: FileItem | None, policy: OnChange = OnChange.REPLACE, busy: Busy = FREE) -> Reason:
        return decide(file, known, busy, on_change=policy, code="c").reason

    assert reason(listed("u"), None) is Reason.NEW
    assert reason(listed("u"), item("u")) is Reason.UNCHANGED
    assert reason(listed("u", "2"), item("u")) is Reason.CHANGED_REPLACED
    assert reason(listed("u", "2"), item("u"), OnChange.APPEND) is Reason.CHANGED_APPENDED
    assert reason(listed("u", "2"), item("u"), OnChange.SKIP) is Reason.CHANGED_SKIPPED
    assert reason(listed("u", "2"), item("u"), OnChange.FAIL) is Reason.CHANGED_REFUSED
    failed = item("u", status=FileStatus.FAILED, table_etag="", reason="bad_value")
    assert reason(listed("u"), attrs.evolve(failed, code="c")) is Reason.FAILED_BEFORE
    assert reason(listed("u"), attrs.evolve(failed, code="d")) is Reason.RETRIED
    assert reason(listed("u", "2"), failed) is Reason.NEW
    assert reason(listed("u"), None, busy=Busy({"u": "other"}, {})) is Reason.IN_LIVE_BATCH
    assert reason(listed("u"), None, busy=Busy({"u": "me"}, {}, "me")) is Reason.ADOPTED
    shared = Busy({}, {"o.parquet": "other"})
    changed = item("u", outputs=("o.parquet",))
    assert reason(listed("u", "2"), changed, busy=shared) is Reason.SHARES_OBJECT_WITH_LIVE_BATCH
    assert reason(listed("u", "2"), changed, OnChange.APPEND, busy=shared) is Reason.CHANGED_APPENDED
