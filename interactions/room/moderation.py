"""What moderators did: first the room hears it, then the sockets that it is about.

Whoever comes in after the event is shown what holds, and whoever was coming in before it hears the control message."""

from __future__ import annotations

from datetime import datetime

from interactions.delivery import Person, Room, Target, before, hold_at_once, ms, publish_at_once, publish_durably
from interactions.delivery.control import CloseSockets
from interactions.delivery.events import EVERY_ROOM, maybe_ms
from interactions.room.events import (
    AccessInDoubt,
    Ban,
    Closing,
    Mute,
    MuteAll,
    StandingInRoom,
    TracesBarred,
    Unmute,
    YourMute,
    YourUnmute,
)
from interactions.room.handlers import person_in
from interactions.shown import Named
from liveroom.kernel import clock
from liveroom.kernel.facts import handles
from liveroom.rooms.services.versions import next_version
from moderation.facts import (
    AppBanLifted,
    BanLifted,
    EveryoneMuted,
    EveryoneUnmuted,
    UserBanned,
    UserBannedFromApp,
    UserMuted,
    UserUnmuted,
)
from moderation.selectors import app_ban_holds, traces_of_ban, until_ms
from moderation.voters import banned_message

BANNED = 4103


@handles(UserMuted)
def user_muted(fact: UserMuted) -> None:
    room, person, version = Room(fact.room_key), person_in(fact, fact.identifier), next_version(room_id=fact.room_id)
    until, user = maybe_ms(fact.until), Named(id=fact.identifier, nick=fact.nick)
    publish_durably(Mute(t=ms(fact.at), version=version, user=user, until=until, by=fact.by), to=room, at=fact.at)
    message = StandingInRoom(
        room=room.key, version=version, muted_until_ms=until_ms(fact.until), doubt=room.key
    )  # fmt: skip
    publish_at_once(message, to=person, at=fact.at)
    publish_durably(YourMute(t=ms(fact.at), room=room.group_id, until=until, by=fact.by), to=person, at=fact.at)


@handles(UserUnmuted)
def user_unmuted(fact: UserUnmuted) -> None:
    room, person, version = Room(fact.room_key), person_in(fact, fact.identifier), next_version(room_id=fact.room_id)
    user = Named(id=fact.identifier, nick=fact.nick)
    publish_durably(Unmute(t=ms(fact.at), version=version, user=user, by=fact.by), to=room, at=fact.at)
    message = StandingInRoom(room=room.key, version=version, muted_until_ms=None, doubt=room.key)
    publish_at_once(message, to=person, at=fact.at)
    publish_durably(YourUnmute(t=ms(fact.at), room=room.group_id, by=fact.by), to=person, at=fact.at)


@handles(EveryoneMuted)
def everyone_muted(fact: EveryoneMuted) -> None:
    _mute_all(fact, on=True)


@handles(EveryoneUnmuted)
def everyone_unmuted(fact: EveryoneUnmuted) -> None:
    _mute_all(fact, on=False)


def _mute_all(fact: EveryoneMuted | EveryoneUnmuted, *, on: bool) -> None:
    room, version = Room(fact.room_key), next_version(room_id=fact.room_id)
    publish_durably(MuteAll(t=ms(fact.at), version=version, on=on, by=fact.by), to=room, at=fact.at)
    message = StandingInRoom(room=room.key, version=version, muted_all=on, doubt=room.key)
    publish_at_once(message, to=room, at=fact.at)


@handles(UserBanned)
def user_banned(fact: UserBanned) -> None:
    """Its sockets in the room are closed; those in other rooms stay."""
    room, version = Room(fact.room_key), next_version(room_id=fact.room_id)
    user = Named(id=fact.identifier, nick=fact.nick)
    event = Ban(t=ms(fact.at), version=version, user=user, until=maybe_ms(fact.until), by=fact.by)
    publish_durably(event, to=room, at=fact.at)
    closing = _closing(everywhere=False, until=fact.until)
    message = StandingInRoom(
        room=room.key, version=version, banned_until_ms=until_ms(fact.until), closing=closing, doubt=room.key
    )
    publish_at_once(message, to=person_in(fact, fact.identifier), at=fact.at)
    traces = traces_of_ban(room_id=fact.room_id, identifier=fact.identifier)
    if traces:
        # Its second window, in which it is a guest.
        publish_durably(TracesBarred(traces=list(traces), closing=closing), to=room, at=fact.at)


@handles(BanLifted)
def ban_lifted(fact: BanLifted) -> None:
    version = next_version(room_id=fact.room_id)
    message = StandingInRoom(room=fact.room_key, version=version, banned_until_ms=None, doubt=fact.room_key)
    publish_at_once(message, to=person_in(fact, fact.identifier), at=fact.at)


@handles(UserBannedFromApp)
def user_banned_from_app(fact: UserBannedFromApp) -> None:
    """Every socket of it is closed, in a room or not."""
    closing = _closing(everywhere=True, until=fact.until)
    message = CloseSockets(code=closing.code, reason=closing.reason, message=closing.message, doubt=EVERY_ROOM)
    publish_at_once(message, to=Person(sdkappid=fact.sdkappid, identifier=fact.identifier), at=fact.at)


@before(CloseSockets)
def still_banned(message: CloseSockets, to: Target) -> bool:
    """A ban from the app that was lifted before the relay came to it: whoever is here now may be."""
    if message.code != BANNED or not isinstance(to, Person) or to.sdkappid is None:
        return True
    return app_ban_holds(sdkappid=to.sdkappid, identifier=to.identifier, now=clock.now())


@handles(AppBanLifted)
def app_ban_lifted(fact: AppBanLifted) -> None:
    """Nobody hears of it; whoever comes now is judged anew."""
    person = Person(sdkappid=fact.sdkappid, identifier=fact.identifier)
    hold_at_once(AccessInDoubt(doubt=EVERY_ROOM), to=person)


def _closing(*, everywhere: bool, until: datetime | None) -> Closing:
    message = banned_message(everywhere=everywhere, until=maybe_ms(until))
    return Closing(code=BANNED, reason="banned", message=message)
