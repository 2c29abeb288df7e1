"""Values of CSV: numbers of every width."""

# A case is a line, however long: this is a table.
# fmt: off
# ruff: noqa: E501

from __future__ import annotations

from decimal import Decimal

from alur_runtime import CsvOptions
from tests.corpus.case import csv_values
from tests.corpus.contracts import Values

BAD, RANGE, LOST = "bad_value", "out_of_range", "lost_precision"
COMMA = CsvOptions(decimal_comma=True)
INF = float("inf")
NAN = float("nan")
NO_INTEGERS = {"x": BAD, "0x10": BAD, "1_000": BAD, "1,000": BAD, "1e2": BAD, "--1": BAD, "1-": BAD, "true": BAD, "٣": BAD, "1 2": BAD, "NaN": BAD, "\u00a01": BAD}
DIGITS = "1234567890123456789012345678"

CASES = [
    csv_values("tinyint", Values, "i8", {"127": 127, "-128": -128, "+5": 5, " 7 ": 7, "007": 7, "-0": 0, "": None}, {**NO_INTEGERS, "128": RANGE, "-129": RANGE, "99999999999999999999": RANGE}),
    csv_values("smallint", Values, "i16", {"32767": 32767, "-32768": -32768}, {**NO_INTEGERS, "32768": RANGE, "-32769": RANGE}),
    csv_values("int", Values, "i32", {"2147483647": 2**31 - 1, "-2147483648": -(2**31)}, {**NO_INTEGERS, "2147483648": RANGE, "-2147483649": RANGE}),
    csv_values("bigint", Values, "i64", {"9223372036854775807": 2**63 - 1, "-9223372036854775808": -(2**63), "9007199254740993": 9007199254740993}, {**NO_INTEGERS, "9223372036854775808": RANGE, "-9223372036854775809": RANGE}),
    csv_values("double", Values, "f64", {"1.5": 1.5, "-1e3": -1000.0, "1E+2": 100.0, ".5": 0.5, "5.": 5.0, "+2.5": 2.5, " 1.5 ": 1.5, "0.1": 0.1, "1.7976931348623157e308": 1.7976931348623157e308, "5e-324": 5e-324, "-0.0": -0.0, "0e-999": 0.0, "9007199254740993": 9007199254740992.0}, {"x": BAD, "1e400": RANGE, "-1e400": RANGE, "1e-400": RANGE, "0x1p3": BAD, "1_0.5": BAD, "1,5": BAD, "1.2.3": BAD, "e5": BAD, "1e": BAD, "true": BAD, "1.5f": BAD, "٣": BAD}),
    csv_values("double without a finite value", Values, "f64", {"NaN": NAN, "nan": NAN, "inf": INF, "-inf": -INF, "Infinity": INF, "-INFINITY": -INF}, {"infinit": BAD, "na": BAD, "1.#INF": BAD}),
    csv_values("float", Values, "f32", {"1.5": 1.5, "0.1": 0.10000000149011612, "3.4028234663852886e38": 3.4028234663852886e38, "1e-45": 1.401298464324817e-45, "16777217": 16777216.0}, {"1e39": RANGE, "-1e39": RANGE, "1e-60": RANGE, "x": BAD}),
    csv_values("decimal", Values, "money", {"1.5": Decimal("1.50"), "999.99": Decimal("999.99"), "-999.99": Decimal("-999.99"), "1": Decimal("1.00"), "1.500": Decimal("1.50"), "1.00000000000000000000000000000000000000000000": Decimal("1.00"), "1e2": Decimal("100.00"), "1.5e1": Decimal("15.00"), "150e-2": Decimal("1.50"), "+0.01": Decimal("0.01"), " 2.5 ": Decimal("2.50"), "0000001.10": Decimal("1.10"), ".5": Decimal("0.50"), "-0": Decimal("0.00")}, {"1000": RANGE, "1234": RANGE, "-1000.00": RANGE, "1e3": RANGE, "1e400": RANGE, "1.005": LOST, "0.001": LOST, "1e-3": LOST, "999.999": LOST, "x": BAD, "NaN": BAD, "Infinity": BAD, "1,5": BAD, "1_0": BAD, "0x1": BAD, "1.5.1": BAD, "٣": BAD}),
    csv_values("decimal with 38 digits", Values, "exact", {f"{DIGITS}.0123456789": Decimal(f"{DIGITS}.0123456789"), f"-{'9' * 28}.{'9' * 10}": Decimal(f"-{'9' * 28}.{'9' * 10}"), "0.1": Decimal("0.1"), "0.0000000001": Decimal("0.0000000001")}, {f"1{DIGITS}": RANGE, f"{'9' * 29}": RANGE, "0.00000000001": LOST, f"{DIGITS}.01234567891": LOST}),
    csv_values("decimal without a scale", Values, "whole", {"9999999999": Decimal(9999999999), "1.0": Decimal(1), "1e9": Decimal(1000000000)}, {"10000000000": RANGE, "1.5": LOST, "12345678901": RANGE}),
    csv_values("decimal comma", Values, "f64", {"1,5": 1.5, "-0,25": -0.25, "3": 3.0, "1e2": 100.0}, {"1.5": BAD, "1.234,5": BAD, "1,2,3": BAD}, COMMA),
    csv_values("decimal comma in decimals", Values, "money", {"1,5": Decimal("1.50"), "999,990": Decimal("999.99"), "7": Decimal("7.00")}, {"1.5": BAD, "1,005": LOST, "1000,00": RANGE}, COMMA),
]
