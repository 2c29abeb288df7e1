"""Work in threads with a bound on what is under way."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_T = TypeVar("_T")
_R = TypeVar("_R")


def in_window(
    pool: ThreadPoolExecutor,
    function: Callable[[_T], _R],
    items: Iterable[_T],
    *,
    width: int,
    size: Callable[[_T], int],
    most_bytes: int,
) -> Iterator[_R]:
    """Results in the order of the items, of which only so many, and so many bytes, are worked on or wait at a time.

    Args:
        pool: Does the work.
        function: Of an item.
        items: In order.
        width: Most items at a time.
        size: Of an item, in bytes.
        most_bytes: Most bytes at a time; a larger item is worked on alone.
    """
    under_way: deque[tuple[int, Future[_R]]] = deque()
    try:
        for item in items:
            wanted = size(item)
            while under_way and (len(under_way) >= width or sum(n for n, _ in under_way) + wanted > most_bytes):
                yield under_way.popleft()[1].result()
            under_way.append((wanted, pool.submit(function, item)))
        while under_way:
            yield under_way.popleft()[1].result()
    finally:
        for _, future in under_way:
            future.cancel()
