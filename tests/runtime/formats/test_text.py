from __future__ import annotations

import bz2
import gzip
import io
import random
import zlib
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from alur_runtime.contracts.options import Compression, CsvOptions
from alur_runtime.errors import SourceChangedError
from alur_runtime.formats.text import TextStream, open_text
from alur_runtime.reasons import Reason
from alur_runtime.rows import RefusedFileError

PLAIN = CsvOptions()
TEXT = random.Random(7).randbytes(40_000).hex().encode()
SKIPPED_FRAME = b"\x53\x2a\x4d\x18\x05\x00\x00\x00hello"


def zstd(data: bytes) -> bytes:
    return bytes(pa.compress(data, codec="zstd", asbytes=True))


PACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "bz2": bz2.compress, "zstd": zstd}
SUFFIX = {"gzip": "gz", "bz2": "bz2", "zstd": "zst"}


def open_bytes(body: bytes, name: str = "a.csv", **options: Any) -> TextStream:
    return open_text(io.BytesIO(body), f"s3://b/{name}", CsvOptions(**options))


def read_all(stream: TextStream, size: int = 1000) -> bytes:
    parts = []
    while part := stream.read(size):
        parts.append(part)
    return b"".join(parts)


def refusal(body: bytes, name: str = "a.csv", **options: Any) -> RefusedFileError:
    with pytest.raises(RefusedFileError) as caught:
        read_all(open_bytes(body, name, **options))
    return caught.value


@pytest.mark.parametrize("kind", PACK)
def test_a_compressed_file_is_read_by_magic_by_suffix_and_by_option(kind: str) -> None:
    packed = PACK[kind](TEXT)
    assert read_all(open_bytes(packed)) == TEXT
    assert read_all(open_bytes(packed, f"a.csv.{SUFFIX[kind]}")) == TEXT
    assert read_all(open_bytes(packed, compression=Compression(kind))) == TEXT


@pytest.mark.parametrize("kind", PACK)
@pytest.mark.parametrize(
    "sizes", [(3, 0, 5), (0,), (0, 0, 7), (40_000, 1, 40_000), (65_536, 65_535, 65_537), (1,) * 50]
)
def test_all_streams_of_a_file_are_read(kind: str, sizes: tuple[int, ...]) -> None:
    parts = [TEXT[:size] for size in sizes]
    for size in (1, 777, 1 << 20):
        assert read_all(open_bytes(b"".join(map(PACK[kind], parts))), size) == b"".join(parts)


def test_frames_to_be_skipped_are_skipped() -> None:
    for body in (SKIPPED_FRAME + zstd(b"a"), zstd(b"a") + SKIPPED_FRAME, zstd(b"") + SKIPPED_FRAME + zstd(b"a")):
        assert read_all(open_bytes(body, "a.zst")) == b"a"


@pytest.mark.parametrize("kind", PACK)
def test_every_cut_of_a_compressed_file_is_damage(kind: str) -> None:
    packed = PACK[kind](b"id,name\n1,a\n" * 3)
    for end in range(11, len(packed)):
        assert refusal(packed[:end], f"a.{SUFFIX[kind]}").reason is Reason.DAMAGED, end
    for end in range(1, len(packed)):
        assert refusal(packed + packed[:end]).reason is Reason.DAMAGED, end


@pytest.mark.parametrize("kind", PACK)
def test_rubbish_behind_a_compressed_file_is_damage(kind: str) -> None:
    for rubbish in (b"x", b"rubbish" * 20, PACK["bz2" if kind == "gzip" else "gzip"](b"other")):
        assert refusal(PACK[kind](TEXT) + rubbish).reason is Reason.DAMAGED


def test_zeros_behind_gzip_fill_it_up() -> None:
    assert read_all(open_bytes(gzip.compress(b"a") + b"\0" * 700)) == b"a"


def test_a_flipped_byte_is_damage_where_there_is_a_checksum() -> None:
    for kind in ("gzip", "bz2"):
        packed = bytearray(PACK[kind](TEXT))
        packed[len(packed) // 2] ^= 0x55
        assert refusal(bytes(packed)).reason is Reason.DAMAGED


def test_very_small_files_that_expand_to_very_large_ones_are_read_in_pieces() -> None:
    for kind in ("gzip", "bz2"):
        stream = open_bytes(PACK[kind](b"\n" * 50_000_000))
        assert all(0 < len(stream.read(100_000)) <= 1 << 20 for _ in range(20))


@pytest.mark.parametrize("kind", PACK)
def test_a_name_or_an_option_that_is_wrong_is_said_to_be(kind: str) -> None:
    assert "set compression=none" in refusal(b"id\n1\n", f"a.csv.{SUFFIX[kind]}").problem
    assert (
        f"as {kind} does, which its source's compression says"
        in refusal(b"id\n", compression=Compression(kind)).problem
    )
    assert read_all(open_bytes(b"id\n1\n", f"a.csv.{SUFFIX[kind]}", compression=Compression.NONE)) == b"id\n1\n"
    # Nothing is no compressed file: even an empty text has some bytes when it is compressed.
    assert refusal(b"", f"a.csv.{SUFFIX[kind]}").reason is Reason.DAMAGED
    assert refusal(b"", compression=Compression(kind)).reason is Reason.DAMAGED
    assert read_all(open_bytes(b"")) == b""


def test_utf_16_that_does_not_say_which_is_refused() -> None:
    body = "id\n1\n".encode("utf-16-le")
    assert read_all(open_bytes(body, encoding="utf-16-le")) == b"id\n1\n"
    with pytest.raises(RefusedFileError, match="set encoding to utf-16-le or utf-16-be") as caught:
        read_all(open_bytes(body, encoding="utf-16"))
    assert caught.value.reason is Reason.UNREADABLE


def test_a_file_that_cannot_be_had_is_not_damaged() -> None:
    class Gone(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell():
                raise SourceChangedError("s3://b/a", gone=True)
            return super().read(size)

    for body in map(bytes, (zstd(TEXT), gzip.compress(TEXT), bz2.compress(TEXT))):
        file = Gone(body)
        with pytest.raises(SourceChangedError):
            read_all(open_text(file, "s3://b/a", PLAIN), 10)


def test_the_file_is_not_closed() -> None:
    for body in (zstd(TEXT), gzip.compress(TEXT), bz2.compress(TEXT), TEXT):
        file = io.BytesIO(body)
        assert read_all(open_text(file, "s3://b/a", PLAIN)) == TEXT
        assert not file.closed


@pytest.mark.parametrize(
    ("encoding", "written"),
    [
        ("utf-8", "utf-8-sig"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-8", "utf-8"),
        ("utf-16", "utf-16"),
        ("latin-1", "latin-1"),
        ("cp1252", "cp1252"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("cp437", "cp437"),
    ],
)
def test_text_is_utf8_without_a_mark_however_it_is_cut(encoding: str, written: str) -> None:
    text = "id;naïve\r\n1;ünï\r\n" * 50
    for size in (1, 2, 3, 1000):
        assert read_all(open_bytes(text.encode(written), encoding=encoding), size) == text.encode()


def test_pairs_and_marks_of_utf16_survive_any_cut() -> None:
    text = "\ufeffa😀,é\n" * 20
    for encoding in ("utf-16-le", "utf-16-be"):
        assert read_all(open_bytes(text.encode(encoding), encoding=encoding), 1) == text.removeprefix("\ufeff").encode()


def test_a_mark_of_another_encoding_is_refused() -> None:
    assert "set encoding=utf-16" in refusal("id\n".encode("utf-16")).problem
    assert "set encoding=utf-8" in refusal(b"\xef\xbb\xbfid\n", encoding="cp1252").problem
    assert refusal(b"\xfe\xff\0i", encoding="utf-16-le").reason is Reason.UNREADABLE


@pytest.mark.parametrize(
    ("encoding", "raw", "shown"),
    [
        ("utf-8", b"Zo\xeb", r"Zo\xeb"),
        ("cp1252", b"\x81\x80", "\\x81€"),
        ("ascii", "é".encode(), r"\xc3\xa9"),
        ("utf-16-le", b"a\0\x00\xd8b\0", r"a\x00\xd8b"),
        ("utf-8", b"\xed\xb2\x81", r"\xed\xb2\x81"),
        ("utf-16-le", b"a\0\n", r"a\x0a"),
    ],
)
def test_bytes_that_are_no_text_stay_no_text_and_can_be_shown(encoding: str, raw: bytes, shown: str) -> None:
    stream = open_bytes(raw, encoding=encoding)
    found = read_all(stream, 1)
    assert stream.show(found) == shown
    with pytest.raises(UnicodeDecodeError):
        found.decode()


def test_long_records_are_shown_in_part() -> None:
    shown = open_bytes(b"").show("é".encode() * 100_000)
    assert shown.endswith("é...")
    assert 60_000 < len(shown.encode()) < 70_000


def test_the_wrong_sum_of_a_gzip_stream_is_damage() -> None:
    packed = gzip.compress(TEXT)
    assert zlib.crc32(TEXT).to_bytes(4, "little") == packed[-8:-4]
    assert refusal(packed[:-8] + b"\0\0\0\0" + packed[-4:]).reason is Reason.DAMAGED
