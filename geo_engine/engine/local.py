"""Partitions on the cores of this machine, results in order."""

from __future__ import annotations

import collections
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Part = TypeVar("Part")
Result = TypeVar("Result")


def map_ordered(
    function: Callable[[Part], Result], parts: Iterable[Part], *, workers: int | None = None
) -> Iterator[Result]:
    """Apply a function to each part, a few at a time, and yield results in the order of the parts.

    Parameters
    ----------
    function : callable
        Pure: no result depends on which part came before.
    parts : iterable
        Read one after another, never more than ``workers`` ahead, so memory stays bounded.
    workers : int, optional
        Threads; the number of cores (at most 4) by default.

    Yields
    ------
    Result
        ``function(part)``, in order.
    """
    count = workers or min(4, os.cpu_count() or 1)
    with ThreadPoolExecutor(count) as pool:
        waiting: collections.deque[Future[Result]] = collections.deque()
        for part in parts:
            waiting.append(pool.submit(function, part))
            if len(waiting) >= count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
