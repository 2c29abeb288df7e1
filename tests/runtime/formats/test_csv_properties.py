"""CSV by property: what is written is read; of what is damaged every record is what a strict reader has."""

from __future__ import annotations

import attrs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alur_runtime.contracts.spec import Extras
from tests.runtime.formats.csv_files import CsvFile, csv_files, examples, read_outcome, same
from tests.runtime.formats.strict_csv import Outcome, WholeFileError, read_strictly

SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
INSERTS = [
    b'"',
    b"'",
    b",",
    b";",
    b"\n",
    b"\r",
    b"\\",
    b"#",
    b" ",
    b"0",
    b"x",
    b"\xff",
    b"\xc3",
    b"NULL",
    b'""',
    b",,",
    b"e9",
    b"-",
]


def outcome_of(file: CsvFile, body: bytes) -> Outcome | None:
    try:
        return read_outcome(body, file.contract, file.options, file.block_bytes)
    except WholeFileError:
        return None


def strict_outcome_of(file: CsvFile, body: bytes) -> Outcome | None:
    try:
        return read_strictly(body, file.contract, file.options)
    except WholeFileError:
        return None


def check_same(found: Outcome | None, wanted: Outcome | None) -> None:
    if found is None or wanted is None:
        assert found is wanted
        return
    assert found.bad == wanted.bad
    assert found.rows.keys() == wanted.rows.keys()
    for number, row in wanted.rows.items():
        assert same(row, found.rows[number]), (number, row, found.rows[number])
    assert found.lines == {row: wanted.lines[row] for row in found.bad}


@given(csv_files())
@settings(SLOW, max_examples=examples(30))
def test_what_is_written_is_read(file: CsvFile) -> None:
    found = outcome_of(file, file.body)
    assert found is not None
    assert found.bad == {}
    columns = [c.name for c in file.contract.columns]
    assert list(found.rows) == list(range(1, len(file.rows) + 1))
    for number, row in enumerate(file.rows, start=1):
        wanted = {name: row[name] for name in columns}
        if file.contract.extras is Extras.RESCUE:
            extras = {name: row[name] for name in file.names if name not in columns}
            wanted["_rescued"] = extras or None
        assert same(wanted, found.rows[number]), (wanted, found.rows[number])


@st.composite
def damaged_files(draw: st.DrawFn) -> CsvFile:
    file = draw(csv_files())
    # In UTF-16 a byte more or less makes another file of it.
    options = attrs.evolve(file.options, encoding="utf-8")
    body = file.body.decode(file.options.encoding).encode()
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(body)))
        cut = draw(st.sampled_from([0, 0, 1, 3]))
        body = body[:at] + draw(st.sampled_from([b"", *INSERTS])) + body[at + cut :]
    return attrs.evolve(file, body=body, options=options)


@given(damaged_files())
@settings(SLOW, max_examples=examples(50))
def test_damaged_files_are_read_as_a_strict_reader_does(file: CsvFile) -> None:
    check_same(outcome_of(file, file.body), strict_outcome_of(file, file.body))
