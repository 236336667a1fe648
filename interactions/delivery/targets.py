"""Who hears something: a room, a person on all its sockets, or every room of an app."""

from __future__ import annotations

from dataclasses import dataclass

from interactions.delivery.room_ref import RoomRef, ref_of_key


@dataclass(frozen=True, slots=True)
class Room:
    """Everybody in the room of this key (`<sdkappid>:<room>`). `ref`: what is known of its limits; of a bare key, nothing of what is
    published enters the history."""

    key: str
    ref: RoomRef | None = None

    @property
    def group_id(self) -> str:
        """How the room is called on the wire."""
        return self.key.partition(":")[2]

    def known(self) -> RoomRef:
        return self.ref or ref_of_key(room_key=self.key)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of an app, whoever it is: people of the same name in two apps are two."""

    sdkappid: int | None
    identifier: str

    @property
    def key(self) -> str:
        return f"{self.sdkappid}:{self.identifier}"


@dataclass(frozen=True, slots=True)
class Everyone:
    """Whoever is in any open room of the app."""

    sdkappid: int


Target = Room | Person | Everyone


def person_of_key(key: str) -> Person:
    sdkappid, _, identifier = key.partition(":")
    return Person(sdkappid=int(sdkappid), identifier=identifier)
