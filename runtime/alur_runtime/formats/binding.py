"""Which field of a file feeds which column of a contract: by name, never by position. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

import attrs
import pyarrow as pa
import pyarrow.compute as pc

from alur_runtime.contracts.options import AnyOptions, CsvOptions, FileOptions, TextOptions
from alur_runtime.contracts.spec import ContractSpec, Extras
from alur_runtime.errors import ConfigError, ContractError
from alur_runtime.formats.times import check_formats
from alur_runtime.reasons import Reason
from alur_runtime.rows import RefusedFileError

_SHOWN_NAMES: Final = 40
_CONTROL: Final = r"[\x00-\x1f]"


@attrs.frozen
class Binding:
    """Where a contract's columns are in a file.

    Attributes:
        positions: Of each of the contract's columns the position of its field, or None where the file has none: null.
        extras: Fields that feed no column: position and name.
    """

    positions: tuple[int | None, ...]
    extras: tuple[tuple[int, str], ...]


def bind(names: Sequence[str], uri: str, contract: ContractSpec, options: FileOptions) -> Binding:
    """Find the columns among a file's names.

    Args:
        names: As they stand in the file, in order.
        uri: For errors.
        contract: Its columns, and what becomes of other names.
        options: Whether case and surrounding blanks matter.

    Raises:
        RefusedFileError: If a name is there twice, a column that is not nullable is missing, or the contract rejects a
            name.
    """
    found: dict[str, int] = {}
    for position, name in enumerate(names):
        if (other := found.setdefault(fold(name, options), position)) != position:
            same = repr(name) if name == names[other] else f"{names[other]!r} and {name!r}, which are one"
            raise RefusedFileError(
                uri,
                Reason.HEADER_MISMATCH,
                f"the header names {same} more than once (fields {other + 1} and {position + 1})",
                column=name,
            )
    positions = tuple(found.get(fold(c.name, options)) for c in contract.columns)
    for column, bound in zip(contract.columns, positions, strict=True):
        if bound is None and not column.nullable:
            raise RefusedFileError(
                uri,
                Reason.HEADER_MISMATCH,
                f"the header lacks this column of contract {contract.name}, which is not nullable; "
                f"it has: {_show(names)}{_hint(column.name, names)}",
                column=column.name,
            )
    used = set(positions)
    extras = tuple((i, _trim(name, options)) for i, name in enumerate(names) if i not in used)
    if extras and contract.extras is Extras.REJECT:
        raise RefusedFileError(
            uri,
            Reason.HEADER_MISMATCH,
            f"the header has {_show([name for _, name in extras])} beside the columns of contract {contract.name}, "
            f"which rejects extras{_hint_extra(contract, [name for _, name in extras])}",
            column=extras[0][1],
        )
    return Binding(positions, extras)


def fold(name: str, options: FileOptions) -> str:
    """A name as it is compared: what the options do not tell apart is the same."""
    name = _trim(name, options)
    return name.casefold() if options.ignore_case else name


def check_readable(setting: str, contract: ContractSpec, options: AnyOptions) -> None:
    """Refuse a contract that files of these options can never fill.

    Args:
        setting: Where the options stand, such as ``sources[0].files``.
        contract: That the files are read by.
        options: How they are written.

    Raises:
        ContractError: If a column's type cannot be in the format.
        ConfigError: If the names that the options give cannot be bound, or formats of times leave a part of them open.
    """
    if isinstance(options, TextOptions):
        check_formats(setting, options)
    if not isinstance(options, CsvOptions):
        return
    for column in contract.columns:
        if column.fields:
            raise ContractError(
                contract.name,
                column.name,
                f"a {column.type} cannot be in CSV: use JSON Lines or Parquet, or read it as a string",
            )
    if options.columns:
        try:
            bind(options.columns, setting, contract, options)
        except RefusedFileError as error:
            problem = error.problem.replace("the header", "it", 1)
            raise ConfigError(f"{setting}.columns", f"cannot be bound: {problem} (column {error.column!r})") from error


def rescued_texts(extras: Sequence[tuple[str, pa.Array]]) -> pa.Array:
    """Fields that feed no column, as JSON objects of texts: what `_rescued` holds.

    Args:
        extras: Name and texts (null is missing) of each; at least one, all of one length.
    """
    pieces: list[pa.Scalar | pa.Array] = []
    for number, (name, texts) in enumerate(extras):
        start = f"{', ' if number else '{'}{json.dumps(name, ensure_ascii=False)}: "
        pieces += [pa.scalar(start), _json_texts(texts)]
    return pc.binary_join_element_wise(*pieces, pa.scalar("}"), "")


def _json_texts(texts: pa.Array) -> pa.Array:
    if pc.any(pc.match_substring_regex(texts, _CONTROL)).as_py():
        return pa.array([json.dumps(text, ensure_ascii=False) for text in texts.to_pylist()], pa.string())
    escaped = pc.replace_substring(pc.replace_substring(texts, "\\", "\\\\"), '"', '\\"')
    return pc.fill_null(pc.binary_join_element_wise('"', escaped, '"', ""), "null")


def _trim(name: str, options: FileOptions) -> str:
    return name.strip() if options.trim_names else name


def _show(names: Sequence[str]) -> str:
    if not names:
        return "nothing"
    more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
    return ", ".join(n if n.strip() == n and n else repr(n) for n in names[:_SHOWN_NAMES]) + more


def _hint(name: str, names: Sequence[str]) -> str:
    """What option would find a name that is nearly there."""
    for near in names:
        if near.strip().casefold() != name.casefold():
            continue
        options = [
            option
            for option, needed in (
                ("trim_names", near != near.strip()),
                ("ignore_case", near.strip() != name),
            )
            if needed
        ]
        if options:
            return f"; {near!r} is found with {' and '.join(f'{o}=True' for o in options)}"
    return ""


def _hint_extra(contract: ContractSpec, extras: Sequence[str]) -> str:
    for column in contract.columns:
        if hint := _hint(column.name, extras):
            return hint
    return ""
