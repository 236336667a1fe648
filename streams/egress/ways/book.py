"""What one child's ways have carried and why they refused: counted and kept for as long as the child runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

_MOST: Final = 5
# What was said before is not why a child ended.
_FRESH_SECONDS: Final = 30.0


@dataclass(slots=True)
class Book:
    """`bytes_in`: from outside; `bytes_out`: to outside."""

    bytes_in: int = 0
    bytes_out: int = 0
    _said: dict[str, float] = field(default_factory=dict)

    def note(self, text: str) -> None:
        """A refusal or a failure, for people and without secrets."""
        text = text[:280]
        self._said.pop(text, None)
        self._said[text] = time.monotonic()
        while len(self._said) > _MOST:
            self._said.pop(next(iter(self._said)))

    def words(self) -> Sequence[str]:
        """The last of them, if they are of the last half minute."""
        since = time.monotonic() - _FRESH_SECONDS
        return tuple(text for text, at in self._said.items() if at > since)
