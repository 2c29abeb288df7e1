"""A file of a known size that is read from somewhere else: what such files have in common."""

from __future__ import annotations

import io


class SizedFile(io.RawIOBase):
    """Keeps the place of the next read; who derives from it says how to read there (`readinto`).

    Attributes:
        size: Bytes.
        position: Where the next read begins.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size, self.position = size, 0

    def readable(self) -> bool:
        """It is there to be read."""
        return True

    def seekable(self) -> bool:
        """From any place."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self.position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Let the next read begin elsewhere."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.size}[whence]
        self.position = max(0, base + offset)
        return self.position
