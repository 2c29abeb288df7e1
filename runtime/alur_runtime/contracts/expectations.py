"""Expectations: named checks of a file's rows, made before they are committed. As data, which travels in the job."""

from __future__ import annotations

import re
from collections.abc import Collection
from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import Any, Final

import attrs

from alur_runtime.errors import ContractError
from alur_runtime.kernel.user_code import is_function_name


class Severity(StrEnum):
    """What follows when an expectation is not met."""

    WARN = "warn"  # it is in the report and the ledger
    QUARANTINE = "quarantine"  # the rows that do not meet it are kept out of the table; for checks of rows only
    FAIL_FILE = "fail_file"  # nothing of the file is written


class Check(StrEnum):
    """What is checked."""

    NOT_NULL = "not_null"
    UNIQUE = "unique"
    IN_SET = "in_set"
    MATCHES = "matches"
    BETWEEN = "between"
    ROW_COUNT = "row_count"
    FUNCTION = "function"


@attrs.frozen(kw_only=True)
class Expectation:
    """A check of a file's rows.

    Attributes:
        name: Its name in the report and the ledger.
        check: What is checked.
        severity: What follows when it is not met.
        columns: Of the contract; none for `row_count` and `function`.
        values: Those allowed by `in_set`, written as in a CSV file.
        pattern: The regular expression (RE2) that the whole of a text must match.
        least: The smallest value of `between`, or number of rows of `row_count`, written as in a CSV file.
        most: The largest one.
        function: ``module:function`` of the user's wheel.
    """

    name: str
    check: Check
    severity: Severity = Severity.FAIL_FILE
    columns: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    pattern: str = ""
    least: str | None = None
    most: str | None = None
    function: str = ""


@attrs.frozen(kw_only=True)
class Verdict:
    """What an expectation found in a file.

    Attributes:
        name: The expectation's.
        severity: What follows when it is not met.
        met: Whether it is.
        checked: Rows that it looked at; rows without a value in its columns are not, but for `not_null`.
        failed: Rows that do not meet it; 0 for what is said of the file as a whole.
        text: What was found, with the first values that do not meet it; empty if it is met.
    """

    name: str
    severity: Severity
    met: bool
    checked: int
    failed: int
    text: str = ""


def not_null(column: str, *, severity: Severity | str = Severity.FAIL_FILE, name: str = "") -> Expectation:
    """No value of a (nullable) column is missing."""
    return _make(Check.NOT_NULL, severity, name, columns=(column,))


def unique(*columns: str, severity: Severity | str = Severity.FAIL_FILE, name: str = "") -> Expectation:
    """No two rows of a file have the same values in these columns; with `quarantine` the first of them stays."""
    return _make(Check.UNIQUE, severity, name, columns=columns)


def in_set(
    column: str, values: Collection[Any], *, severity: Severity | str = Severity.FAIL_FILE, name: str = ""
) -> Expectation:
    """Every value that is not missing is one of these."""
    if isinstance(values, str) or None in values:
        # A text would be taken letter by letter.
        problem = f"in_set takes several values, and None is none of them (a missing value passes); this is {values!r}"
        raise ContractError("expect", column, problem)
    texts = [_text(v) for v in values]
    # A set has another order each time, and the job another digest.
    ordered = sorted(texts) if isinstance(values, AbstractSet) else texts
    return _make(Check.IN_SET, severity, name, columns=(column,), values=tuple(ordered))


def matches(column: str, pattern: str, *, severity: Severity | str = Severity.FAIL_FILE, name: str = "") -> Expectation:
    """Every text that is not missing matches a regular expression (RE2) as a whole."""
    return _make(Check.MATCHES, severity, name, columns=(column,), pattern=pattern)


def between(
    column: str,
    least: Any = None,
    most: Any = None,
    *,
    severity: Severity | str = Severity.FAIL_FILE,
    name: str = "",
) -> Expectation:
    """Every value that is not missing is from `least` to `most`, both included; None is no limit."""
    return _make(
        Check.BETWEEN,
        severity,
        name,
        columns=(column,),
        least=None if least is None else _text(least),
        most=None if most is None else _text(most),
    )


def row_count(
    least: int | None = None,
    most: int | None = None,
    *,
    severity: Severity | str = Severity.FAIL_FILE,
    name: str = "",
) -> Expectation:
    """A file has so many rows to write; None is no limit."""
    return _make(
        Check.ROW_COUNT,
        severity,
        name,
        least=None if least is None else _text(least),
        most=None if most is None else _text(most),
    )


def function(function: str, *, severity: Severity | str = Severity.FAIL_FILE, name: str = "") -> Expectation:
    """A function of your wheel, ``module:function``, says so.

    It takes an Arrow table (the contract's columns of one file, as they would be written) and returns a boolean array,
    one value a row (a missing one is no objection), or one bool for the file; the latter not with `quarantine`.
    """
    return _make(Check.FUNCTION, severity, name or function, function=function)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _make(check: Check, severity: Severity | str, name: str, **values: Any) -> Expectation:
    if severity not in tuple(Severity):
        raise ContractError("expect", check.value, f"severity is {severity!r}; allowed are {', '.join(Severity)}")
    label = name or "_".join((check.value, *values.get("columns", ())))
    return Expectation(name=label, check=check, severity=Severity(severity), **values)


_NO_EQUALITY: Final = ("binary", "array", "struct")
_NO_ORDER: Final = (*_NO_EQUALITY, "boolean")
_ONE_COLUMN: Final = (Check.NOT_NULL, Check.IN_SET, Check.MATCHES, Check.BETWEEN)


def check_expectation(contract_name: str, types: dict[str, str], expectation: Expectation) -> None:
    """Refuse an expectation that cannot be.

    Whether its values fit the type of its column is checked by `operands.read_operands`.

    Args:
        contract_name: For the error.
        types: Glue type by column.
        expectation: To check.

    Raises:
        ContractError: Naming the expectation and what is allowed.
    """
    if problem := _problem(types, expectation):
        raise refused(contract_name, expectation, problem)


def refused(contract_name: str, expectation: Expectation, problem: str) -> ContractError:
    """The error for an expectation that cannot be, to be raised where it was found."""
    return ContractError(contract_name, None, f"expectation {expectation.name!r}: {problem}")


def _problem(types: dict[str, str], expectation: Expectation) -> str | None:
    check, columns = expectation.check, expectation.columns
    for column in columns:
        if column not in types:
            return f"{column!r} is no column; columns are {', '.join(types)}"
    if check in _ONE_COLUMN and len(columns) != 1:
        return f"{check} is about one column, this names {len(columns)}"
    kinds = [types[c].partition("<")[0] for c in columns]
    if check is Check.UNIQUE:
        if not columns:
            return "unique needs at least one column"
        if unfit := [k for k in kinds if k in _NO_EQUALITY]:
            return f"unique cannot compare values of type {unfit[0]}"
    if check is Check.IN_SET:
        if kinds[0] in _NO_EQUALITY:
            return f"in_set cannot compare values of type {kinds[0]}"
        if not expectation.values:
            return "in_set allows no value at all: name at least one"
    if check is Check.MATCHES:
        if kinds != ["string"]:
            return f"matches needs a column of text, this is a {kinds[0]}"
        if error := pattern_error(expectation.pattern):
            return f"{expectation.pattern!r} is no regular expression (RE2): {error}"
    if check is Check.BETWEEN and kinds[0] in _NO_ORDER:
        return f"a {kinds[0]} has no order"
    if check in (Check.BETWEEN, Check.ROW_COUNT) and (expectation.least, expectation.most) == (None, None):
        return "has no limit: give least, most or both"
    if check is Check.FUNCTION and not is_function_name(expectation.function):
        return f"{expectation.function!r} is no name of a function, which the job loads: write module:function"
    if check is Check.ROW_COUNT and expectation.severity is Severity.QUARANTINE:
        return "row_count is about the whole file: severity is warn or fail_file"
    return None


def pattern_error(pattern: str) -> str | None:
    """What is wrong with a regular expression, or None: by RE2 itself where pyarrow is, else by Python's `re`."""
    try:
        import pyarrow as pa  # noqa: PLC0415  (a program is previewed without it too)
        import pyarrow.compute as pc  # noqa: PLC0415
    except ImportError:
        try:
            re.compile(pattern)
        except re.error as error:
            return str(error)
        return None
    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid as error:
        return str(error).removeprefix("Invalid regular expression: ")
    return None
