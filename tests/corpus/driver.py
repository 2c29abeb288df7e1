"""Drives cases through real runs, one for the cases of a contract, and compares all that a run leaves."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import Any, Final

import attrs

from alur_runtime.config import METADATA_NAMES, OnChange, Settings, SourceConfig, metadata_columns
from alur_runtime.contracts.spec import RESCUED
from alur_runtime.model import FileItem
from alur_runtime.report import FileReport, RunReport
from tests.corpus.case import Case, read_columns
from tests.corpus.read_back import plain, read_quarantine, read_table, same
from tests.runtime.world import QUICK, World

_QUARANTINE_KEYS: Final = {
    *("file", "etag", "source", "row", "line", "column", "value", "reason", "problem", "record", "run_id", "batch")
}


@attrs.frozen
class Result:
    """What came of a case.

    Attributes:
        case: The case.
        expected: Its outcome in short.
        found: The same of what was found.
        problems: What differs; empty if it is right.
    """

    case: Case
    expected: str
    found: str
    problems: tuple[str, ...]


@attrs.frozen
class _Left:
    """What a run left of one file."""

    report: FileReport | None
    item: FileItem | None
    rows: list[dict[str, Any]]
    bad: list[dict[str, Any]]
    etag: str


def run_corpus(place: Callable[[], str], cases: Iterable[Case], settings: Settings = QUICK) -> list[Result]:
    """Run every case; in the order they are given.

    Args:
        place: Called before each table is made; says the endpoint of the AWS to which the environment leads.
        cases: To run.
        settings: Of every job.
    """
    given = list(cases)
    groups: dict[tuple[Any, ...], list[Case]] = defaultdict(list)
    for case in given:
        groups[case.contract, case.job].append(case)
    results = {result.case.name: result for group in groups.values() for result in _run_group(place(), group, settings)}
    return [results[case.name] for case in given]


def _run_group(endpoint: str, cases: list[Case], settings: Settings) -> list[Result]:
    """One table, one run and a rerun; a source for each way in which files are written."""
    job = cases[0].job
    world = World.make(
        endpoint,
        cases[0].spec,
        on_change=OnChange(job.on_change),
        transform=job.transform,
        metadata_columns=job.metadata_columns,
        settings=attrs.evolve(settings, max_partitions=job.max_partitions),
    )
    sources: dict[tuple[Any, ...], SourceConfig] = {}
    keys: dict[str, str] = {}
    for case in cases:
        number = len(sources)
        source = sources.setdefault(
            (case.files, case.budget, case.pattern, case.hidden),
            SourceConfig(
                name=f"s{number}",
                uri=f"s3://{world.landing}/s{number}/",
                pattern=case.pattern,
                files=case.files,
                budget=case.budget,
                hidden=case.hidden,
            ),
        )
        keys[case.name] = f"{source.name}/{case.file_key}"
        world.land(keys[case.name], case.body)
    assert len(set(keys.values())) == len(keys), "two cases land the same key"
    world.config = attrs.evolve(world.config, sources=tuple(sources.values()))
    report = world.run()
    left = _what_is_left(world, report, [world.uri(key) for key in keys.values()])
    shared = [*_check_run(report, cases, left), *_check_rerun(world)]
    return [_result(case, left[world.uri(keys[case.name])], report, shared) for case in cases]


def _what_is_left(world: World, report: RunReport, uris: list[str]) -> dict[str, _Left]:
    reports = {file.uri: file for file in report.files}
    items = {item.uri: item for item in world.ledger.files()}
    rows, bad = defaultdict(list), defaultdict(list)
    for row in read_table(world):
        rows[row["_source_file"]].append(row)
    for record in read_quarantine(world):
        bad[record["file"]].append(record)
    pages = world.clients.s3.get_paginator("list_objects_v2").paginate(Bucket=world.landing)
    etags = {world.uri(e["Key"]): e["ETag"].strip('"') for page in pages for e in page.get("Contents", ())}
    strangers = (set(rows) | set(bad) | set(items)) - set(uris)
    assert not strangers, f"files that never landed: {strangers}"
    return {uri: _Left(reports.get(uri), items.get(uri), rows[uri], bad[uri], etags[uri]) for uri in uris}


def _check_run(report: RunReport, cases: list[Case], left: dict[str, _Left]) -> list[str]:
    """What is wrong with the run as a whole."""
    problems = []
    failed = any(file.item is not None and file.item.error for file in left.values())
    outcomes = ("files_failed",) if failed else ("completed", "nothing_to_do")
    if report.outcome not in outcomes or report.exit_code != failed:
        problems.append(f"run: {report.outcome}, exit {report.exit_code}: {report.error}")
    passed = dict(Counter(case.skipped for case in cases if case.skipped))
    if report.passed_over != passed:
        problems.append(f"run: passed over {report.passed_over}, not {passed}")
    if report.listed != len(cases) - sum(passed.values()):
        problems.append(f"run: {report.listed} listed")
    return problems


def _check_rerun(world: World) -> list[str]:
    """What is wrong with a second run, which must find nothing to do."""
    before = world.objects()
    again = world.run()
    wrong = again.outcome != "nothing_to_do" or again.exit_code or world.objects() != before
    return [f"rerun: {again.outcome}: {again.files_by_reason} {again.error}"] if wrong else []


def _result(case: Case, left: _Left, report: RunReport, shared: list[str]) -> Result:
    problems = [*shared]
    if case.skipped:
        problems += _check_skipped(case, left)
    else:
        problems += [*_check_decision(case, left, report), *_check_rows(case, left), *_check_bad(case, left, report)]
    return Result(case, _expected_text(case), _found_text(left), tuple(problems))


def _check_skipped(case: Case, left: _Left) -> list[str]:
    problems = []
    if left.item or left.rows or left.bad:
        problems.append("is in the ledger, the table or the quarantine")
    said = left.report.reason if left.report else "not_matched"
    if said != case.skipped:
        problems.append(f"report: {said}")
    return problems


def _check_decision(case: Case, left: _Left, report: RunReport) -> list[str]:
    """What is wrong in the ledger's item and in the report; the two must say the same."""
    item, file = left.item, left.report
    if item is None or file is None:
        return [f"no {'ledger item' if item is None else 'line in the report'}; run: {report.error}"]
    problems = []
    reasons = case.failed.split("|") if case.failed else ["new"]
    status = "failed" if case.failed else "completed"
    if item.status.value != status or item.reason not in reasons:
        problems.append(f"ledger: {item.status.value} {item.reason}: {item.error}")
    problems += [f"error lacks {text!r}: {item.error}" for text in case.says if text not in item.error]
    if bool(item.error) != bool(case.failed):
        problems.append(f"ledger: error {item.error!r}")
    counts = {
        "rows_parsed": case.records,
        "rows_ingested": len(case.rows),
        "rows_quarantined": len(case.bad),
        "rows_filtered": case.filtered,
        "rows_added": case.added,
    }
    expected = dict.fromkeys(counts, 0) if case.failed else counts
    found = {name: getattr(item, name) for name in counts}
    if found != expected:
        problems.append(f"ledger: {found}, not {expected}")
    unmet = {name: text for name, text in item.expectations.items() if text != "met"}
    said = unmet.keys() == case.unmet.keys() and all(text in unmet[name] for name, text in case.unmet.items())
    if not said and not (case.failed and not case.unmet):
        problems.append(f"ledger: expectations {unmet}, not {case.unmet}")
    if not case.failed and set(item.expectations) != {e.name for e in case.spec.expectations}:
        problems.append(f"ledger: expectations {item.expectations}: some lack a verdict")
    in_report = (file.status, file.reason, file.etag, file.error, file.expectations, *_counts(file, "rows_written"))
    in_ledger = (item.status.value, item.reason, item.etag, item.error, item.expectations)
    if in_report != (*in_ledger, *_counts(item, "rows_ingested")):
        problems.append(f"report {in_report}, ledger {in_ledger}")
    if item.etag != left.etag or item.size != len(case.body):
        problems.append(f"ledger: ETag {item.etag}, size {item.size}")
    return problems


def _counts(found: FileItem | FileReport, written: str) -> tuple[Any, ...]:
    return tuple(getattr(found, n) for n in ("rows_parsed", written, "rows_quarantined", "rows_filtered", "rows_added"))


def _check_rows(case: Case, left: _Left) -> list[str]:
    """What is wrong with the table's rows."""
    names = read_columns(case.spec)
    expected = [plain(row) for row in case.expected_rows]
    found = sorted(left.rows, key=lambda row: row.get("_source_row", 0))
    shown = [{name: row.get(name, "no such column") for name in names} for row in found]
    for row in shown:
        if isinstance(row.get(RESCUED), str):
            row[RESCUED] = json.loads(row[RESCUED])
    numbered = "_source_row" in (case.job.metadata_columns or METADATA_NAMES) and not case.job.transform
    if not numbered:
        expected, shown = sorted(expected, key=repr), sorted(shown, key=repr)
    problems = _check_added(case, left)
    if not same(expected, shown):
        wrong = [f"{e} read as {f}" for e, f in zip(expected, shown, strict=False) if not same(e, f)]
        problems.append(f"table: {len(shown)} rows, not {len(expected)}; {'; '.join(wrong[:3])}")
    bad = {b.row for b in case.bad}
    numbers = [n for n in range(1, case.records + 1) if n not in bad]
    if not case.failed and numbered and [row.get("_source_row") for row in found] != numbers:
        problems.append(f"table: rows {[row.get('_source_row') for row in found]}, not {numbers}")
    return problems


def _check_added(case: Case, left: _Left) -> list[str]:
    """What is wrong with the columns that alur adds itself."""
    wanted = {c.name for c in metadata_columns(OnChange(case.job.on_change), case.job.metadata_columns)}
    item = left.item
    if item is None:
        return []
    known = {"_source_file": item.uri, "_source_system": item.source, "_source_etag": left.etag}
    problems = []
    for row in left.rows:
        added = {name: value for name, value in row.items() if name in METADATA_NAMES}
        if added.keys() != wanted:
            problems.append(f"table: has {sorted(added)}, not {sorted(wanted)}")
        if wrong := {name: value for name, value in added.items() if name in known and value != known[name]}:
            problems.append(f"table: {wrong}")
        if "_ingested_at" in added and int(added["_ingested_at"].timestamp()) != item.processed_at:
            problems.append(f"table: ingested at {added['_ingested_at']}, not {item.processed_at}")
    return problems[:3]


def _check_bad(case: Case, left: _Left, report: RunReport) -> list[str]:
    """What is wrong with the quarantine."""
    if len(left.bad) != len(case.bad):
        return [f"quarantine: {len(left.bad)} rows, not {len(case.bad)}: {left.bad[:2]}"]
    problems = []
    for bad, found in zip(case.bad, left.bad, strict=True):
        if set(found) != _QUARANTINE_KEYS:
            problems.append(f"quarantine: keys {sorted(found)}")
        expected = {k: v for k, v in attrs.asdict(bad, recurse=False).items() if v is not ...}
        shown = {k: found.get(k) for k in expected}
        if shown != expected:
            problems.append(f"quarantine: {shown} ({found.get('problem')}), not {expected}")
        item = left.item
        origin = (found.get("etag"), found.get("run_id"), found.get("batch"), found.get("source"))
        if item and origin != (left.etag, report.run_id, item.batch_seq, item.source):
            problems.append(f"quarantine: from {origin}")
        if not found.get("problem"):
            problems.append("quarantine: says no problem")
    return problems


def _expected_text(case: Case) -> str:
    if case.skipped or case.failed:
        return f"skipped {case.skipped}" if case.skipped else f"failed {case.failed}"
    return _completed_text(len(case.rows), [(b.row, b.column, b.reason) for b in case.bad])


def _found_text(left: _Left) -> str:
    if left.item is None:
        return f"skipped {left.report.reason if left.report else 'not_matched'}"
    if left.item.error:
        return f"failed {left.item.reason}"
    return _completed_text(len(left.rows), [(b["row"], b["column"], b["reason"]) for b in left.bad])


def _completed_text(rows: int, bad: list[tuple[Any, Any, str]]) -> str:
    reasons = Counter(reason for _, _, reason in bad)
    return ", ".join([f"{rows} rows", *(f"{count} {reason}" for reason, count in sorted(reasons.items()))])
