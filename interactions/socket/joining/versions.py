"""Which word about a room is news to whoever knows it already: plain Python.

Words may come late, twice, or in another order than they were said, where two processes tell them. Each bears the room's version at
that change; a socket knows the version of what it was shown (`floor`), and of each thing that it was told since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Versions:
    """What one socket knows, and as of when. Everything at `floor` or below is a part of what it was shown."""

    floor: int = 0
    latest: Mapping[str, int] = field(default_factory=dict)

    def is_news(self, what: str, version: int) -> bool:
        """A word without a version (0) comes from a process that knows none: it is believed."""
        return not version or version > max(self.floor, self.latest.get(what, 0))

    def knowing(self, what: Iterable[str], version: int) -> Versions:
        """After these were told, or read, as of that version."""
        newer = {name: version for name in what if version > self.latest.get(name, 0)}
        return replace(self, latest={**self.latest, **newer}) if newer else self


AT_FIRST = Versions()
