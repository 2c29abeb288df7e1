"""CSV into Arrow, bound by header name, typed by the contract; nothing is guessed and no value is changed.

The typed parse of pyarrow comes first. Only a file that it refuses is read again, value by value, to find the row and
the column at fault, or to take what is right and only unusual (time zones that differ from row to row).
"""

from __future__ import annotations

import csv
import decimal
import re
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from alur_runtime.contract import Column, ContractSpec
from alur_runtime.options import CsvOptions
from alur_runtime.parse_values import MISSING, find_fault, read_timestamps
from alur_runtime.reasons import Reason
from alur_runtime.rows import RefusedFileError
from alur_runtime.schema import TIMESTAMP, arrow_schema, arrow_type

_BOM: Final = b"\xef\xbb\xbf"
_BLOCK_BYTES: Final = 4 * 1024 * 1024


def parse_csv(body: bytes, uri: str, contract: ContractSpec, options: CsvOptions) -> pa.Table:
    """Parse a whole file.

    Args:
        body: Its bytes.
        uri: For errors.
        contract: The columns; those the header lacks must be nullable and become null, extra ones are ignored.
        options: How the file is written.

    Returns:
        The contract's columns, in its order.

    Raises:
        RefusedFileError: If the file does not fit, naming row and column.
    """
    text = _as_utf8(body, uri, options)
    names, start = split_header(text, options)
    present = _bind(names, uri, contract)
    data = text[start:]
    if not data.strip(b"\r\n"):
        return arrow_schema(contract.columns).empty_table()
    refusal = ""
    # pyarrow reads either all times without an offset or all with one; where rows differ they are read as text.
    for times in (pa.timestamp("us"), TIMESTAMP, pa.string()):
        try:
            return _finish(_parse_typed(data, names, present, options, times), uri, contract)
        except RefusedFileError:
            raise
        except ValueError as error:  # pa.ArrowInvalid is one
            refusal = str(error)
    fault = find_fault(data.decode(), names, present, options)
    if fault is None:
        raise RefusedFileError(uri, Reason.UNREADABLE, f"cannot be read as CSV: {refusal}")
    raise RefusedFileError(uri, fault.reason, fault.problem, row=fault.row, column=fault.column)


def split_header(text: bytes, options: CsvOptions) -> tuple[list[str], int]:
    """The header's names, and where the data begins.

    Args:
        text: The file in UTF-8, without a byte order mark.
        options: How it is written.
    """
    quote = re.escape(options.quote.encode())
    record = re.compile(rb"(?:[^%b\r\n]|%b[^%b]*%b)*" % (quote, quote, quote, quote))
    start = 0
    while text[start : start + 1] in (b"\r", b"\n"):  # blank lines above the header
        start += 1
    match = record.match(text, start)
    end = match.end() if match else start
    line = text[start:end].decode()
    names = next(csv.reader([line], delimiter=options.separator, quotechar=options.quote), [])
    if text[end : end + 2] == b"\r\n":
        return names, end + 2
    return names, min(end + 1, len(text))


def _as_utf8(body: bytes, uri: str, options: CsvOptions) -> bytes:
    encoding = options.encoding
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        row = body.count(b"\n", 0, error.start)
        raise RefusedFileError(
            uri,
            Reason.UNREADABLE,
            f"byte {error.start:,} (0x{body[error.start]:02x}, line {row + 1:,}) is not {encoding}; "
            "set the source's csv.encoding to what the file is written in",
        ) from error
    plain = encoding.lower().replace("_", "-") in ("utf-8", "utf8", "ascii")
    raw = body if plain else text.encode()
    return raw.removeprefix(_BOM)


def _bind(names: list[str], uri: str, contract: ContractSpec) -> list[Column]:
    """The contract's columns that the header has."""
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise RefusedFileError(
            uri, Reason.HEADER_MISMATCH, f"the header names {twice[0]!r} more than once", column=twice[0]
        )
    for column in contract.columns:
        if column.name not in names and not column.nullable:
            shown = ", ".join(names) if names else "empty"
            raise RefusedFileError(
                uri,
                Reason.HEADER_MISMATCH,
                f"the header lacks this column of contract {contract.name}, which is not nullable; it has: {shown}",
                column=column.name,
            )
    return [c for c in contract.columns if c.name in names]


def _parse_typed(
    data: bytes, names: list[str], present: list[Column], options: CsvOptions, times: pa.DataType
) -> pa.Table:
    quoted_lines = options.quote.encode() in data
    types = {c.name: times if c.type == "timestamp" else arrow_type(c) for c in present}
    return pacsv.read_csv(
        pa.BufferReader(pa.py_buffer(data)),
        read_options=pacsv.ReadOptions(column_names=names, block_size=_BLOCK_BYTES),
        parse_options=pacsv.ParseOptions(
            delimiter=options.separator, quote_char=options.quote, newlines_in_values=quoted_lines
        ),
        convert_options=pacsv.ConvertOptions(
            column_types=types,
            include_columns=[c.name for c in present],
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def _finish(parsed: pa.Table, uri: str, contract: ContractSpec) -> pa.Table:
    """The contract's columns in order; what the file has not is null, and null where it may not be is an error."""
    schema = arrow_schema(contract.columns)
    columns = []
    for field in schema:
        if field.name not in parsed.column_names:
            columns.append(pa.nulls(parsed.num_rows, field.type))
            continue
        values = parsed[field.name]
        if field.type == TIMESTAMP and pa.types.is_string(values.type):
            values = read_timestamps(values)
        elif field.type == TIMESTAMP:  # without an offset is UTC
            values = values.cast(TIMESTAMP)
        if values.null_count and not field.nullable:
            row = values.is_null().index(True).as_py() + 1
            raise RefusedFileError(uri, Reason.NULL_VALUE, MISSING, row=row, column=field.name)
        _check_digits(values)
        columns.append(values)
    return pa.table(columns, schema=schema)


def _check_digits(values: pa.ChunkedArray) -> None:
    """Refuse decimals of more digits than their type has: pyarrow lets some through (1234 into decimal(4,2)).

    Raises:
        ValueError: If there is one.
    """
    if not pa.types.is_decimal(values.type):
        return
    found = pc.min_max(values).as_py()
    limit = decimal.Decimal(10) ** (values.type.precision - values.type.scale)
    if found["min"] is not None and max(-found["min"], found["max"]) >= limit:
        raise ValueError(f"a value of more digits than {values.type}")
