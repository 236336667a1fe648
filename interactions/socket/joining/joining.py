"""Coming into a room: who it is, whether it may, and what it must know.

What is the same for everybody who comes is read once (`RoomView`) and shared by those who come within a second, so that two thousand
at once cost the database a few reads. Read from top to bottom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from interactions.chat.selectors import pins_of
from interactions.delivery.events import as_row
from interactions.draws.selectors import open_draws, with_open_draws
from interactions.people import selectors as people
from interactions.polls.selectors import open_polls, with_open_polls
from interactions.room_refs import KnownRoom, ref
from interactions.socket.joining.versions import AT_FIRST, Versions
from interactions.speaker import Speaker
from liveroom.accounts.selectors import AppUnknown, Profile, app_for, profile
from liveroom.accounts.services import tokens
from liveroom.accounts.services.tokens import TokenRefused
from liveroom.kernel import permission
from liveroom.kernel.errors import LiveRoomError
from liveroom.kernel.permission import Actor
from liveroom.rooms import selectors as rooms
from liveroom.rooms.models import Room
from liveroom.rooms.services.people import not_on_the_list
from moderation import selectors as moderation
from moderation.rules import verdict
from moderation.rules.verdict import Standing
from streams import addresses
from streams import selectors as streams
from streams.selectors import PlayPolicy

# A room may be closed, and its id taken again, while somebody comes in.
TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who opened the socket. A guest's profile has no id."""

    actor: Actor
    profile: Profile


GUEST = Visitor(actor=permission.anonymous(), profile=Profile(id="", nick="", avatar="", level=0))


@dataclass(frozen=True, slots=True)
class RoomView:
    """A room as of one moment, for whoever comes in. `standings`: everybody that something is against; None: too many to keep."""

    room: Room
    ref: KnownRoom
    admins: frozenset[int]
    standings: dict[str, Standing] | None
    muted_all: bool
    barred: dict[str, Standing]
    allowed: frozenset[int]
    """Who stands on the allow-list, where it counts (5,000 at most)."""
    policy: PlayPolicy | None
    shown: dict[str, Any]
    followers: int
    """How many follow the owner."""
    follower_ids: frozenset[int] | None
    """Who they are; None: too many to keep."""
    engaging: dict[str, Any]
    """What viewers can take part in, and the pinned message."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A visitor that may come in, as whom, and what is against it; `versions`: as of when that is known."""

    room: KnownRoom
    speaker: Speaker
    standing: Standing
    versions: Versions = AT_FIRST


def guest(traces: frozenset[str]) -> Visitor:
    """Nobody in particular, on this device and at this address."""
    return replace(GUEST, actor=permission.anonymous(traces))


def visitors_of(*, usersigs: Sequence[str], now: datetime) -> list[Visitor | TokenRefused]:
    """In the order of the tokens; who comes at the same time is looked up at once."""
    return [
        found if isinstance(found, TokenRefused) else Visitor(actor=tokens.person_actor(found), profile=profile(found))
        for found in tokens.log_in_all(tokens=usersigs, now=now)
    ]


def app_ids_of(sdkappids: Iterable[int | None]) -> dict[int | None, int | AppUnknown]:
    """Which apps guests mean."""
    found: dict[int | None, int | AppUnknown] = {}
    for sdkappid in sdkappids:
        try:
            found[sdkappid] = int(app_for(sdkappid).pk)
        except AppUnknown as error:
            found[sdkappid] = error
    return found


def keys_of(asked: Sequence[tuple[int, str]]) -> Sequence[str | LiveRoomError]:
    """The keys of rooms by app and id, in their order, or why there is none."""
    return rooms.keys_asked(asked)


def views_of(asked: Sequence[tuple[int, str]], *, now: datetime) -> list[RoomView | LiveRoomError]:
    """Rooms by app and id, in their order, or why there is none. About as many queries for two hundred as for one; more only where
    there is much of something."""
    found = rooms.rooms_asked(asked)
    there = list({room.pk: room for room in found if isinstance(room, Room)}.values())
    if not there:
        return [room for room in found if isinstance(room, LiveRoomError)]
    against = moderation.against_all(rooms=there, now=now)
    admins, policies, shown = rooms.admins_of(there), streams.programme_policies(there), rooms.snapshots(there)
    followers = people.followers_of_all(person_ids={room.owner_id for room in there})
    pins, polls, draws = pins_of(there), with_open_polls(there), with_open_draws(there)
    views = {
        room.pk: RoomView(
            room=room,
            ref=ref(room),
            admins=admins[room.pk],
            standings=against[room.pk].people,
            muted_all=against[room.pk].muted_all,
            barred=against[room.pk].traces,
            allowed=rooms.allowed_ids(room) if room.allow_list_only else frozenset(),
            policy=policies[room.pk],
            shown=shown[room.pk],
            followers=followers[room.owner_id][0],
            follower_ids=followers[room.owner_id][1],
            engaging={
                "pinned": pins.get(room.pk),
                "polls": [as_row(poll) for poll in open_polls(room)] if room.pk in polls else [],
                "draws": [as_row(draw) for draw in open_draws(room)] if room.pk in draws else [],
            },
        )
        for room in there
    }
    return [views[room.pk] if isinstance(room, Room) else room for room in found]


def needs_look(view: RoomView, visitor: Visitor) -> bool:
    """Whether this visitor's entry is a question for the database."""
    return view.standings is None and visitor.actor.person_id is not None


def asks_password(view: RoomView, entry: Entry) -> bool:
    """Whether this one still has to prove that it knows the room's password (`socket/joining/passwords.py`)."""
    return bool(view.room.password) and entry.speaker.role not in (permission.OWNER, permission.ADMIN)


def enter_room(*, view: RoomView, visitor: Visitor, now: datetime) -> Entry:
    """NotOnTheList, Banned; the password is another question. Touches the database only if `needs_look`."""
    actor = visitor.actor
    role = rooms.role_of(actor, view.room, admins=view.admins)
    standing = _standing_in(view, actor)
    if view.standings is None and actor.person_id is not None:
        standing = moderation.standing(actor=actor, room_id=view.room.pk, app_id=view.room.app_id, now=now)
    now_ms = int(now.timestamp() * 1000)
    permission.ask("room.enter", actor=actor, room=view.ref, role=role, standing=standing, now_ms=now_ms)
    needs_list = view.room.allow_list_only and role not in (permission.OWNER, permission.ADMIN)
    if needs_list and (actor.person_id is None or actor.person_id not in view.allowed):
        raise not_on_the_list()
    return Entry(
        room=view.ref, speaker=Speaker(actor=actor, profile=visitor.profile, role=role), standing=standing
    )  # fmt: skip


def _standing_in(view: RoomView, actor: Actor) -> Standing:
    standing = Standing(muted_all=view.muted_all)
    for trace in actor.traces:
        if (found := view.barred.get(trace)) is not None:
            return replace(found, muted_all=view.muted_all)
    if view.standings is None or actor.person_id is None:
        return standing
    return view.standings.get(actor.identifier, standing)


def as_of(*, view: RoomView, entry: Entry, now: datetime) -> Entry:
    """The entry in a view that was read after the seat was taken: an older one may lack a mute, a ban or a role. Banned."""
    actor = entry.speaker.actor
    role = rooms.role_of(actor, view.room, admins=view.admins)
    standing = entry.standing if view.standings is None else _standing_in(view, actor)
    now_ms = int(now.timestamp() * 1000)
    permission.ask("room.enter", actor=actor, room=view.ref, role=role, standing=standing, now_ms=now_ms)
    versions = Versions(floor=view.room.state_version)
    return replace(
        entry, room=view.ref, speaker=replace(entry.speaker, role=role), standing=standing, versions=versions
    )


def is_following(view: RoomView, visitor: Visitor) -> bool | None:
    """Whether the visitor follows the room's owner; None: a question for the database (`are_following`)."""
    person_id = visitor.actor.person_id
    if person_id is None or not view.followers:
        return False
    return None if view.follower_ids is None else person_id in view.follower_ids


def are_following(pairs: Sequence[tuple[int, int]]) -> list[bool]:
    """For (follower, streamer), in their order: one query for all who come at the same time."""
    found = people.following_pairs(pairs)
    return [pair in found for pair in pairs]


def present_state(*, view: RoomView, entry: Entry, follows: bool, http: str, now: datetime) -> dict[str, Any]:
    """The snapshot, but for what Redis knows. `follows`: the visitor follows the owner. `http`: the origin under which the visitor sees
    our pages."""
    speaker = entry.speaker
    owner = {**view.shown["owner"], "followers": view.followers, "is_following": follows}
    play = None
    if view.policy is not None and not view.policy.closed:
        play = addresses.addresses_for(policy=view.policy, actor=speaker.actor, now=now, http=http).as_dict()
    now_ms = int(now.timestamp() * 1000)
    return {
        "room": {**view.shown, "owner": owner},
        "me": {
            **as_row(speaker.shown()),
            "guest": speaker.role == permission.GUEST,
            **verdict.shown(entry.standing, now_ms),
        },
        "play": play,
        **view.engaging,
        "limits": {
            "text_bytes": view.ref.message_bytes,
            "history": view.ref.history_count,
            "messages_per_second": view.ref.messages_per_second,
        },
    }


def standings_again(
    *, room: KnownRoom, identifiers: Iterable[str], now: datetime
) -> tuple[int, Mapping[str, Standing]]:
    """What is against those who are in already, read anew: a word about it may have been lost. First the room's version: what is read
    holds every change up to that one."""
    version = Room.objects.filter(pk=room.room_id).values_list("state_version", flat=True).first() or 0
    return version, moderation.standings(room_id=room.room_id, app_id=room.app_id, identifiers=identifiers, now=now)


def ban_of(entry: Entry, *, now_ms: int) -> LiveRoomError | None:
    """Why somebody who is in already has to go."""
    try:
        permission.ask(
            "room.enter", actor=entry.speaker.actor, room=entry.room, role=entry.speaker.role, standing=entry.standing,
            now_ms=now_ms,
        )  # fmt: skip
    except LiveRoomError as refusal:
        return refusal
    return None


def heard_standing(entry: Entry, said: Mapping[str, Any], *, version: int) -> Entry:
    """After a word about what is against somebody; what is not in `said` stays, and so does what is known from a later change."""
    news = {name: value for name, value in said.items() if entry.versions.is_news(name, version)}
    if not news:
        return entry
    standing = verdict.changed(entry.standing, news)
    return replace(entry, standing=standing, versions=entry.versions.knowing(news, version))


def heard_role(entry: Entry, role: str, *, version: int) -> Entry:
    """The same for a role."""
    if not entry.versions.is_news("role", version):
        return entry
    versions = entry.versions.knowing(("role",), version)
    return replace(entry, speaker=replace(entry.speaker, role=role), versions=versions)


def standing_read(entry: Entry, standing: Standing, *, version: int) -> Entry:
    """After `standings_again`."""
    return replace(entry, standing=standing, versions=entry.versions.knowing(verdict.FIELDS, version))


def renamed(entry: Entry, visitor: Visitor) -> Entry:
    return replace(entry, speaker=replace(entry.speaker, profile=visitor.profile))
