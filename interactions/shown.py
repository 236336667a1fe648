"""How people are shown to viewers: the shapes that events of several features share."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from liveroom.accounts.selectors import Profile


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody, and nothing but the name."""

    id: str
    nick: str


class ShownPerson(msgspec.Struct, frozen=True, kw_only=True):
    """Beside everything that somebody says (C13). `badges`: at most three short labels; left out where there are none."""

    id: str
    nick: str
    avatar: str
    level: int
    badges: list[str] | UnsetType = UNSET


class ShownSpeaker(ShownPerson, frozen=True, kw_only=True):
    """The same with the role in the room: `owner`, `admin`, `member` or `guest`."""

    role: str


def shown_person(profile: Profile) -> ShownPerson:
    return ShownPerson(
        id=profile.id, nick=profile.nick, avatar=profile.avatar, level=profile.level,
        badges=list(profile.badges) if profile.badges else UNSET,
    )  # fmt: skip


def shown_speaker(profile: Profile, *, role: str) -> ShownSpeaker:
    return ShownSpeaker(
        id=profile.id, nick=profile.nick, avatar=profile.avatar, level=profile.level,
        badges=list(profile.badges) if profile.badges else UNSET, role=role,
    )  # fmt: skip


Shape = TypeVar("Shape", bound=msgspec.Struct)


def of_wire(kind: type[Shape], said: Any) -> Shape:
    """A shape out of the same as plain JSON values. msgspec.ValidationError: it is another one."""
    return msgspec.convert(said, kind)
