"""Room for raw pictures, used again: a new megabyte for each would cost more than reading it."""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

Room = NDArray[np.uint8]


class Pool:
    """All of one size. A room is free again when nobody else holds it, or a view of it: nobody has to give it back."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._rooms: list[Room] = []

    def room(self) -> Room:
        for number in range(len(self._rooms)):
            # The list's, and getrefcount's own.
            if sys.getrefcount(self._rooms[number]) <= 2:
                room = self._rooms.pop(number)
                self._rooms.append(room)
                return room
        room = np.empty(self.size, np.uint8)
        self._rooms.append(room)
        return room

    def shrink(self, most: int) -> None:
        """After a burst: at most so many are kept, free ones go first."""
        for number in reversed(range(len(self._rooms))):
            if len(self._rooms) <= most:
                return
            if sys.getrefcount(self._rooms[number]) <= 2:
                del self._rooms[number]
