from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alur_runtime.contracts.options import CsvOptions, JsonLinesOptions, ParquetOptions
from alur_runtime.contracts.spec import Column, ContractSpec, Extras
from alur_runtime.errors import ConfigError, ContractError
from alur_runtime.formats.binding import Binding, bind, check_readable, rescued_texts
from alur_runtime.reasons import Reason
from alur_runtime.rows import RefusedFileError
from tests.runtime.formats.csv_files import URI, examples

CONTRACT = ContractSpec("Orders", (Column("id", "bigint"), Column("note", "string", nullable=True)))


def bind_names(*names: str, extras: Extras = Extras.IGNORE, **options: Any) -> Binding:
    spec = ContractSpec(CONTRACT.name, CONTRACT.columns, extras=extras)
    return bind(names, URI, spec, CsvOptions(**options))


def refusal(*names: str, **options: Any) -> RefusedFileError:
    with pytest.raises(RefusedFileError) as caught:
        bind_names(*names, **options)
    assert caught.value.reason is Reason.HEADER_MISMATCH
    return caught.value


def test_columns_are_found_by_name_wherever_they_are() -> None:
    assert bind_names("x", "note", "id") == Binding((2, 1), ((0, "x"),))
    assert bind_names("id") == Binding((0, None), ())


def test_case_and_blanks_matter_unless_options_say_otherwise() -> None:
    assert bind_names(" ID", "Note ", ignore_case=True, trim_names=True) == Binding((0, 1), ())
    assert bind_names("id", "Note") == Binding((0, None), ((1, "Note"),))
    assert bind_names("id ", "id", " x ", trim_names=False).extras == ((0, "id "), (2, " x "))
    assert bind_names("id", " x ", trim_names=True).extras == ((1, "x"),)


def test_a_missing_column_is_said_with_what_there_is_and_what_would_find_it() -> None:
    assert refusal("note", "x").column == "id"
    assert "which is not nullable; it has: note, x" in str(refusal("note", "x"))
    assert str(refusal("ID")).endswith("'ID' is found with ignore_case=True")
    assert str(refusal(" id")).endswith("' id' is found with trim_names=True")
    assert str(refusal(" Id")).endswith("' Id' is found with trim_names=True and ignore_case=True")
    assert "and 60 more" in str(refusal(*(f"c{n}" for n in range(100))))


def test_a_name_that_is_there_twice_is_refused_among_extras_too() -> None:
    assert "names 'id' more than once (fields 1 and 3)" in str(refusal("id", "note", "id"))
    assert "names 'x' more than once" in str(refusal("id", "x", "x"))
    assert "names '' more than once" in str(refusal("id", "", ""))
    assert "'id' and 'ID', which are one" in str(refusal("id", "ID", ignore_case=True))
    assert "'x' and ' x', which are one" in str(refusal("id", "x", " x", trim_names=True))
    assert bind_names("id", "ID").extras == ((1, "ID"),)


def test_extras_may_be_rejected() -> None:
    error = refusal("id", "note", "x", "Note", extras=Extras.REJECT)
    assert error.column == "x"
    assert "has x, Note beside the columns of contract Orders" in error.problem
    assert "'Note' is found with ignore_case=True" in error.problem
    assert bind_names("id", extras=Extras.REJECT) == Binding((0, None), ())


NESTED = Column("tags", "array<string>", fields=(Column("element", "string"),))


def test_what_can_never_be_read_is_refused_at_preview() -> None:
    nested = ContractSpec("Nested", (Column("id", "bigint"), NESTED))
    with pytest.raises(
        ContractError, match=r"Nested\.tags: a array<string> cannot be in CSV: use JSON Lines or Parquet"
    ):
        check_readable("files", nested, CsvOptions())
    check_readable("files", nested, JsonLinesOptions())
    check_readable("files", nested, ParquetOptions())
    with pytest.raises(ConfigError, match=r"files\.columns: cannot be bound: it lacks this column.*'id'"):
        check_readable("files", CONTRACT, CsvOptions(columns=("note",)))
    check_readable("files", CONTRACT, CsvOptions(columns=("note", "id")))
    with pytest.raises(ConfigError, match=r"files\.date_formats: '%d' does not say the"):
        check_readable("files", CONTRACT, JsonLinesOptions(date_formats=("%d",)))


TEXTS = st.none() | st.text(st.sampled_from('ab"\\/\n\t\x00\x1f\x7f é\u2028😀,'), max_size=6)


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5), st.text(max_size=5), st.text(max_size=5))
@settings(deadline=None, max_examples=examples(100))
def test_what_is_rescued_is_json_of_just_these_texts(rows: list[tuple[str, str]], one: str, other: str) -> None:
    extras = [
        (name, pa.array(texts, pa.string()))
        for name, texts in zip((one, other + "2"), zip(*rows, strict=True), strict=True)
    ]
    found = [json.loads(text, object_pairs_hook=list) for text in rescued_texts(extras).to_pylist()]
    assert found == [list(zip((one, other + "2"), row, strict=True)) for row in rows]
