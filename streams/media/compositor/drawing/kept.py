"""What was made once and is used again: bounded by count and by bytes, the longest unused goes first. Safe between threads."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    def __init__(self, *, most: int, most_bytes: int, weight: Callable[[T], int]) -> None:
        self._most, self._most_bytes, self._weight = most, most_bytes, weight
        self._found: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Two threads that miss at once make it twice; nobody waits for the other."""
        with self._lock:
            if (held := self._found.get(key)) is not None:
                self._found.move_to_end(key)
                return held[0]
        made = make()
        weight = self._weight(made)
        with self._lock:
            before = self._found.pop(key, None)
            self._bytes += weight - (before[1] if before else 0)
            self._found[key] = (made, weight)
            while len(self._found) > 1 and (len(self._found) > self._most or self._bytes > self._most_bytes):
                self._bytes -= self._found.popitem(last=False)[1][1]
        return made

    def __len__(self) -> int:
        return len(self._found)

    @property
    def bytes(self) -> int:
        return self._bytes
