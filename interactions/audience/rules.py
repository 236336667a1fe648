"""Pages of the members list: who is in a room, the latest first.

Plain Python. When a number of viewers is worth announcing is delivery's question (`delivery/presence/crowd.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class Came(Protocol):
    """Somebody in the room, and when it came (unix ms), as `delivery.presence.Came` has it."""

    @property
    def id(self) -> str: ...

    @property
    def at_ms(self) -> int: ...


Who = TypeVar("Who", bound=Came)


@dataclass(frozen=True, slots=True)
class Page(Generic[Who]):
    """Some of a list, newest first. `after`: where the next page goes on; None at the end."""

    members: tuple[Who, ...]
    after: Who | None


def page(newest_first: Sequence[Who], *, after: Who | None, size: int, at_most: int) -> Page[Who]:
    """The next `size` (from 1) after `after` of the first `at_most`. Whoever comes meanwhile shifts nobody onto two pages.

    `newest_first` is ordered by instant and, within one, by id, both falling."""
    shown = newest_first[:at_most]
    if after is not None:
        shown = [came for came in shown if (came.at_ms, came.id) < (after.at_ms, after.id)]
    members = tuple(shown[:size])
    return Page(members=members, after=members[-1] if len(shown) > size else None)
