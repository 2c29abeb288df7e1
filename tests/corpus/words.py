"""Values of CSV: truth, texts and bytes."""

# A case is a line, however long: this is a table.
# fmt: off
# ruff: noqa: E501

from __future__ import annotations

from alur_runtime import CsvOptions
from tests.corpus.case import csv_values
from tests.corpus.contracts import Values

BAD = "bad_value"
YES = CsvOptions(true_values=("ja", "J", "1"), false_values=("nein", "N", "0"))

CASES = [
    csv_values("boolean", Values, "flag", {"true": True, "True": True, "TRUE": True, "1": True, "false": False, "False": False, "FALSE": False, "0": False, "": None}, {"yes": BAD, "no": BAD, "t": BAD, "tRuE": BAD, " true": BAD, "2": BAD, "1.0": BAD, "on": BAD, "-1": BAD}),
    csv_values("boolean in other words", Values, "flag", {"ja": True, "J": True, "1": True, "nein": False, "N": False, "0": False}, {"true": BAD, "JA": BAD, "j": BAD}, YES),
    csv_values("text", Values, "text", {"a": "a", " a ": " a ", '""': "", '"x;y"': "x;y", "1.0": "1.0", "007": "007", "true": "true", "ßäöü": "ßäöü", "😀": "😀", "\\n": "\\n", "'": "'", "=1+1": "=1+1", "N/A": "N/A", "": None}),
    csv_values("bytes", Values, "raw", {"aGVsbG8=": b"hello", "AAECAw==": b"\0\1\2\3", "/+8=": b"\xff\xef", '""': b"", "": None}, {"aGVsbG8": BAD, "a": BAD, "ä": BAD, "aGVs bG8=": BAD, "_-8=": BAD}),
]
