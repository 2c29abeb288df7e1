"""Compressed files: by suffix and by magic, several streams, cut off and damaged."""

# A case is a line, however long: this is a table.
# fmt: off
# ruff: noqa: E501

from __future__ import annotations

import bz2
import gzip
import io
from collections.abc import Callable

import pyarrow as pa

from alur_runtime import CsvOptions, JsonLinesOptions
from alur_runtime.contracts.options import Compression
from tests.corpus.case import ANY, Bad, Case, lines
from tests.corpus.contracts import Plain

AB = ((1, "a"), (2, "b"))
TEXT = lines("id,name", "1,a", "2,b").encode()
HEAD, TAIL = TEXT[:10], TEXT[10:]  # cut within a record
MANY = lines("id,name", *(f"{n},{n * 7919 % 100003}" for n in range(1, 2001))).encode()
ZSTD_SKIPPABLE = b"\x50\x2a\x4d\x18\x04\x00\x00\x00note"


def gz(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


def gz_named(body: bytes) -> bytes:
    out = io.BytesIO()
    with gzip.GzipFile("a name.csv", "wb", fileobj=out, mtime=0) as file:
        file.write(body)
    return out.getvalue()


def zst(body: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(body, asbytes=True))


def zst_streamed(body: bytes) -> bytes:
    """Without the size of the content in its head, as a stream is written."""
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as out:
        out.write(body)
    return bytes(sink.getvalue())


def zst_summed(body: bytes, content_sum: str = "18e7e819") -> bytes:
    """With a sum of the content behind it, as the command `zstd` writes it; the sum given is that of `MANY`."""
    frame = bytearray(zst(body))
    frame[4] |= 0b100
    return bytes(frame) + bytes.fromhex(content_sum)


def flipped(body: bytes) -> bytes:
    """A byte in the middle is another."""
    middle = len(body) // 2
    return body[:middle] + bytes([body[middle] ^ 0x55]) + body[middle + 1 :]


PACKED: dict[str, tuple[Callable[[bytes], bytes], str]] = {"gzip": (gz, "gz"), "bz2": (bz2.compress, "bz2"), "zstd": (zst, "zst")}
# pyarrow's zstd frames have no sum of their content, so that damage may go unseen: the command's have one.
SUMMED = {"gzip": gz(MANY), "bz2": bz2.compress(MANY), "zstd": zst_summed(MANY)}
MANY_ROWS = tuple((n, str(n * 7919 % 100003)) for n in range(1, 2001))

CASES = [
    case
    for name, (pack, suffix) in PACKED.items()
    for case in (
        Case(f"{name} by suffix", Plain, pack(TEXT), AB, key=f"by-suffix.csv.{suffix}"),
        Case(f"{name} by magic", Plain, pack(TEXT), AB),
        Case(f"{name} declared", Plain, pack(TEXT), AB, files=CsvOptions(compression=Compression(name))),
        Case(f"{name} in several streams", Plain, pack(HEAD) + pack(TAIL), AB, key=f"several.csv.{suffix}"),
        Case(f"{name} with an empty stream between", Plain, pack(HEAD) + pack(b"") + pack(TAIL), AB, key=f"empty-between.csv.{suffix}"),
        Case(f"{name} of nothing", Plain, pack(b""), key=f"nothing.csv.{suffix}"),
        Case(f"{name} cut off", Plain, pack(MANY)[: len(pack(MANY)) * 2 // 3], failed="damaged", budget=ANY),
        Case(f"{name} without its last bytes", Plain, pack(MANY)[:-4], failed="damaged", budget=ANY),
        Case(f"{name} cut off in its second stream", Plain, pack(TEXT) + pack(b"3,c\n")[:-5], failed="damaged", budget=ANY),
        Case(f"{name} damaged", Plain, flipped(SUMMED[name]), failed="damaged", budget=ANY),
        Case(f"{name} with rubbish behind", Plain, pack(TEXT) + b"rubbish", failed="damaged", budget=ANY),
        Case(f"{name} in name only", Plain, TEXT, failed="damaged|unreadable", says=("compression",), key=f"not.csv.{suffix}"),
        Case(f"{name} in name only and said to be none", Plain, TEXT, AB, key=f"plain.csv.{suffix}", files=CsvOptions(compression=Compression.NONE)),
        Case(f"{name} declared and not so", Plain, TEXT, failed="damaged|unreadable", says=("compression",), files=CsvOptions(compression=Compression(name))),
        Case(f"no bytes in a file named {name}", Plain, b"", failed="damaged", key=f"no-bytes.csv.{suffix}"),
        Case(f"{name} with a bad row", Plain, pack(TEXT + b"x,c\n"), AB, (Bad(3, "bad_value", "id", "x", line=4),), budget=ANY),
        Case(f"{name} JSON lines", Plain, pack(b'{"id": 1, "name": "a"}\n'), ((1, "a"),), key=f"rows.jsonl.{suffix}", files=JsonLinesOptions()),
    )
]
CASES += [
    Case("gzip in a file named bz2", Plain, gz(TEXT), failed="damaged|unreadable", key="wrong.csv.bz2"),
    Case("gzip with a name in its head", Plain, gz_named(TEXT), AB, key="named.csv.gz"),
    Case("gzip with the wrong sum", Plain, gz(MANY)[:-8] + b"\0\0\0\0" + gz(MANY)[-4:], failed="damaged", budget=ANY),
    Case("gzip with zeros behind", Plain, gz(TEXT) + b"\0" * 512, AB, key="padded.csv.gz"),
    Case("zstd of unknown size", Plain, zst_streamed(MANY), MANY_ROWS),
    Case("zstd with a sum", Plain, zst_summed(MANY), MANY_ROWS),
    Case("zstd with the wrong sum", Plain, zst_summed(MANY, "00000000"), failed="damaged", budget=ANY),
    Case("zstd with a frame to skip first", Plain, ZSTD_SKIPPABLE + zst(TEXT), AB, key="skippable-first.csv.zst"),
    Case("zstd with a frame to skip last", Plain, zst(TEXT) + ZSTD_SKIPPABLE, AB, key="skippable-last.csv.zst"),
    Case("a text that begins like bz2", Plain, lines("BZh,id,name", "x,1,a"), ((1, "a"),)),
]
