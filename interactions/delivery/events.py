"""What can be heard: the base classes of every event, and how one is written and read as JSON.

An event is a frozen, typed class in its feature's `events.py` (a `msgspec.Struct`: what `dataclasses` would make, with JSON in both
directions). The class says everything that delivery and every dialect have to know of it: who hears it, whether it is numbered, how long
it is kept, its name on the wire (`tag`), its fields. A field that is not declared cannot be sent; `UNSET` fields are left out, None is
`null`. Feature modules are imported when Django is ready (`interactions/apps.py`), so the catalogue below is complete from then on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar, Final, Self, TypeVar, Union

import msgspec
from msgspec import UNSET, UnsetType

KEPT_SECONDS: Final = 120
MOST_KEPT_SECONDS: Final = 7 * 86400


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """`t`: when it happened, in milliseconds since 1970."""

    t: int


class RoomEvent(Event, frozen=True, kw_only=True, tag_field="type"):
    """Heard by everybody in a room.

    `numbered`: it has a `seq`, and every viewer gets it once and in order; else it may be merged or left out for a slow viewer.
    `newest_says_all`: of those that are not numbered and wait to be sent, the newest is enough (see also `merged_with`).
    `in_history`: whoever joins within the app's hours is shown it. `paid`: it waits for a place within the room's rate, and is never
    dropped; what is neither said by somebody nor paid is above that rate. `seq`: given by the room's script, never by a publisher."""

    numbered: ClassVar[bool] = True
    newest_says_all: ClassVar[bool] = False
    in_history: ClassVar[bool] = False
    paid: ClassVar[bool] = False

    seq: int | UnsetType = UNSET

    def merged_with(self, newer: Self) -> Self:
        """For events that are not `numbered`: the one event that says what both say, where both wait to be sent. A class that does not
        say how has both sent."""
        return newer


class UserEvent(Event, frozen=True, kw_only=True, tag_field="type"):
    """Heard by one person on all its sockets, in a room or not, once and in order.

    `kept_seconds`: for how long somebody who comes back still gets it. `useq`: given by the person's script, never by a publisher."""

    kept_seconds: ClassVar[int] = KEPT_SECONDS

    useq: int | UnsetType = UNSET


class Control(msgspec.Struct, frozen=True, kw_only=True, tag_field="control", omit_defaults=True):
    """A message to the processes that hold sockets: what they remember of a person or a room has changed. No client sees it.

    `doubt`: a room key, or EVERY_ROOM: what was read of it before is old, and whoever comes in from here on is judged anew."""

    doubt: str = ""


EVERY_ROOM: Final = "*"

Base = TypeVar("Base", bound=msgspec.Struct)


def ms(instant: datetime) -> int:
    """Milliseconds since 1970."""
    return int(instant.timestamp() * 1000)


def maybe_ms(instant: datetime | None) -> int | None:
    return None if instant is None else ms(instant)


def encoded(event: msgspec.Struct) -> bytes:
    """The JSON that viewers get, but for its number."""
    return _ENCODER.encode(event)


_ENCODER: Final = msgspec.json.Encoder()


def as_row(event: msgspec.Struct) -> dict[str, Any]:
    """For a JSON column, such as the outbox."""
    found: dict[str, Any] = msgspec.to_builtins(event)
    return found


def catalogue(base: type[Base]) -> dict[str, type[Base]]:
    """Every class of this kind that can be sent, by its name on the wire. One that others derive from is a shape only."""
    found: dict[str, type[Base]] = {}
    queue = list(base.__subclasses__())
    while queue:
        kind = queue.pop()
        queue.extend(kind.__subclasses__())
        if not kind.__subclasses__():
            found[str(kind.__struct_config__.tag)] = kind
    return dict(sorted(found.items()))


@lru_cache(maxsize=64)
def _union(kinds: tuple[type[Any], ...]) -> Any:
    return Union[kinds]  # noqa: UP007 - of as many as there are


@lru_cache(maxsize=64)
def _decoder(kinds: tuple[type[Any], ...]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(_union(kinds))


def decoded(raw: bytes, base: type[Base]) -> Base:
    """An event as `encoded` wrote it, with or without its number. msgspec.ValidationError: it is no event of this kind."""
    found: Base = _decoder(tuple(catalogue(base).values())).decode(raw)
    return found


def from_row(row: Mapping[str, Any], base: type[Base]) -> Base:
    """An event as `as_row` wrote it. msgspec.ValidationError."""
    found: Base = msgspec.convert(row, _union(tuple(catalogue(base).values())))
    return found
