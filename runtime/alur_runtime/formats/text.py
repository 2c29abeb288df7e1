r"""The bytes of a text file as UTF-8: decompressed, decoded, without a byte order mark; streamed in flat memory.

Bytes that are no text in the file's encoding do not fail the file. They are passed on as bytes that are no UTF-8
either, so that the row they stand in is refused, and `TextStream.show` writes them as ``\x81``.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import zlib
from typing import BinaryIO, Final, Protocol

import attrs
import pyarrow as pa

from alur_runtime.contracts.options import Compression, TextOptions
from alur_runtime.reasons import Reason
from alur_runtime.rows import RefusedFileError

_SHOWN_BYTES: Final = 64 * 1024  # of a raw record
_READ_BYTES: Final = 1024 * 1024
_HEAD_BYTES: Final = 16

_SUFFIXES: Final = {".gz": Compression.GZIP, ".bz2": Compression.BZ2, ".zst": Compression.ZSTD}
_GZIP: Final = b"\x1f\x8b\x08"
# From the fifth byte on: the magic of a block, or of the end of an empty stream.
_BZ2: Final = (b"1AY&SY", b"\x17rE8P\x90")
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPABLE: Final = b"\x2a\x4d\x18"  # after a byte 0x50 to 0x5f

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8", ("utf-8", "utf-8-sig", "ascii")),
    (codecs.BOM_UTF16_LE, "utf-16", ("utf-16", "utf-16-le")),
    (codecs.BOM_UTF16_BE, "utf-16", ("utf-16", "utf-16-be")),
)

# Undecodable bytes become U+DC00 to U+DCFF, which as "UTF-8" are bytes that no valid text has.
_MARK: Final = "alur-mark"
_FIRST_MARK: Final = 0xDC00
_MARKS_SHOWN: Final = {_FIRST_MARK + byte: f"\\x{byte:02x}" for byte in range(256)}


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(_FIRST_MARK + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error(_MARK, _mark)


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Source:
    """The file, for those that decompress it: they must not close it, and its own failures are told from theirs."""

    closed = False

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.failure: Exception | None = None

    def read(self, size: int = -1, /) -> bytes:
        try:
            return self._file.read(size)
        except Exception as error:
            self.failure = error
            raise

    def close(self) -> None:
        """Whoever opened the file closes it."""


class _Bz2Streams:
    """All bzip2 streams of a file, each checked to its end.

    Python's own reader leaves out what follows the first ones if it is none, and Arrow's stumbles over empty ones.
    """

    def __init__(self, source: _Source) -> None:
        self._source = source
        self._stream = bz2.BZ2Decompressor()

    def read(self, size: int, /) -> bytes:
        while True:
            raw = b""
            if self._stream.eof:
                raw = self._stream.unused_data or self._source.read(_READ_BYTES)
                if not raw:
                    return b""
                self._stream = bz2.BZ2Decompressor()
            elif self._stream.needs_input:
                raw = self._source.read(_READ_BYTES)
                if not raw:
                    raise EOFError("a bzip2 stream has no end")
            if out := self._stream.decompress(raw, size):
                return out


@attrs.define
class TextStream:
    """A text file as UTF-8.

    Attributes:
        encoding: What the file is written in, as its options say.
    """

    encoding: str
    _uri: str
    _source: _Source
    _bytes: _Readable
    _decoder: codecs.IncrementalDecoder | None  # None where the bytes are UTF-8 already
    _pending: bytes = b""
    _ended: bool = False

    def read(self, size: int = _READ_BYTES) -> bytes:
        """About so many bytes of UTF-8, at least one; none at the end of the file.

        Raises:
            RefusedFileError: If the compression is cut off or damaged, or the text does not say which UTF-16 it is.
        """
        while not self._ended:
            raw = self._pending or _read(self._bytes, self._source, self._uri, size)
            self._pending = b""
            self._ended = not raw
            if self._decoder is None:
                return raw
            try:
                text = self._decoder.decode(raw, final=self._ended)
            except UnicodeError as error:  # of the whole file: what is wrong with single bytes is marked
                raise RefusedFileError(
                    self._uri,
                    Reason.UNREADABLE,
                    f"is no {self.encoding}: {error}; without a byte order mark set encoding to utf-16-le or utf-16-be",
                ) from error
            if text:
                return text.encode("utf-8", "surrogatepass")
        return b""

    def show(self, raw: bytes) -> str:
        r"""Some of this stream's bytes as text for people; what is no text in the file's encoding as ``\x81``.

        Of very long ones (a record of more than 64 KB) the beginning.
        """
        more = len(raw) > _SHOWN_BYTES
        if more:
            cut = _SHOWN_BYTES
            while raw[cut] & 0xC0 == 0x80:  # within a character
                cut -= 1
            raw = raw[:cut]
        if self._decoder is None:
            shown = raw.decode("utf-8", "backslashreplace")
        else:
            shown = raw.decode("utf-8", "surrogatepass").translate(_MARKS_SHOWN)
        return shown + "..." if more else shown


def open_text(file: BinaryIO, uri: str, options: TextOptions) -> TextStream:
    """Open a text file.

    Args:
        file: The raw object, seekable; it is read from its beginning and not closed.
        uri: For errors; in `auto` its suffix says how it must be compressed.
        options: How it is written.

    Raises:
        RefusedFileError: If it is not compressed as it should be, or begins with another encoding's byte order mark.
    """
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    file.seek(0)
    source = _Source(file)
    codec = codecs.lookup(options.encoding).name
    decoder = None
    if codec not in ("utf-8", "utf-8-sig"):
        decoder = codecs.getincrementaldecoder(codec)(_MARK)
    data = _decompress(source, _compression(head, uri, options))
    start = b""
    while len(start) < len(codecs.BOM_UTF8) and (more := _read(data, source, uri, len(codecs.BOM_UTF8))):
        start += more
    start = _skip_bom(start, codec, uri, options)
    return TextStream(options.encoding, uri, source, data, decoder, start)


def _read(data: _Readable, source: _Source, uri: str, size: int) -> bytes:
    try:
        return data.read(size)
    except (OSError, EOFError, ValueError, zlib.error, pa.ArrowException) as error:
        if source.failure is not None:  # the file could not be had; that says nothing about its content
            raise source.failure from None
        raise RefusedFileError(uri, Reason.DAMAGED, f"its compression is cut off or damaged: {error}") from error


def _skip_bom(start: bytes, codec: str, uri: str, options: TextOptions) -> bytes:
    for bom, encoding, allowed in _BOMS:
        if not start.startswith(bom):
            continue
        if codec not in allowed:
            raise RefusedFileError(
                uri,
                Reason.UNREADABLE,
                f"begins with the byte order mark of {encoding}, and its source says encoding={options.encoding}; "
                f"set encoding={encoding}",
            )
        # The codec utf-16 reads it itself, to know the order.
        return start if codec == "utf-16" else start.removeprefix(bom)
    return start


def _decompress(source: _Source, compression: Compression) -> _Readable:
    if compression is Compression.NONE:
        return source
    if compression is Compression.BZ2:
        return _Bz2Streams(source)
    if compression is Compression.GZIP:  # all its members, and the zeros that some programs fill files up with
        return gzip.GzipFile(fileobj=source, mode="rb")  # type: ignore[call-overload,no-any-return]
    # All frames, those to be skipped too; what is cut off or follows them is refused.
    stream: _Readable = pa.CompressedInputStream(pa.PythonFile(source, mode="r"), compression.value)
    return stream


def _compression(head: bytes, uri: str, options: TextOptions) -> Compression:
    """How the file is compressed, by its first bytes; what its name or the options say must agree."""
    found = _by_magic(head)
    if options.compression is Compression.NONE:
        return Compression.NONE
    if options.compression is not Compression.AUTO:
        if found is not options.compression:
            raise RefusedFileError(
                uri,
                Reason.DAMAGED,
                f"does not begin as {options.compression.value} does, which its source's compression says; "
                f"set compression={found.value if found is not Compression.NONE else Compression.AUTO.value}",
            )
        return found
    for suffix, said in _SUFFIXES.items():
        if uri.lower().endswith(suffix) and found is not said:
            raise RefusedFileError(
                uri,
                Reason.DAMAGED,
                f"does not begin as {said.value} does, which its name says; "
                "if it is not compressed, set compression=none",
            )
    return found


def _by_magic(head: bytes) -> Compression:
    if head.startswith(_GZIP):
        return Compression.GZIP
    if head.startswith(b"BZh") and head[3:4] in b"123456789" and head[4:10] in _BZ2:
        return Compression.BZ2
    if head.startswith(_ZSTD) or (head[1:4] == _ZSTD_SKIPPABLE and 0x50 <= head[0] <= 0x5F):
        return Compression.ZSTD
    return Compression.NONE
