"""What moderators did: first the room hears it, then the sockets that it is about.

Whoever comes in after the event is shown what holds, and whoever was coming in before it hears the word."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from interactions.announce.telling import ROOM_CONTROL, hold_at_once, ms, tell_state, tell_you, whisper
from interactions.delivery.people.control import EVERY_ROOM
from liveroom.kernel import outbox
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
from moderation.selectors import traces_of_ban, until_ms
from moderation.voters import banned_message

BANNED = 4103


@handles(UserMuted)
def user_muted(fact: UserMuted) -> None:
    group_id, until = fact.room_key.partition(":")[2], ms(fact.until)
    user = {"id": fact.identifier, "nick": fact.nick}
    version = tell_state(fact, "mute", user=user, until=until, by=fact.by)
    standing = {"muted_until_ms": until_ms(fact.until)}
    _stands(fact, standing=standing, version=version)
    tell_you(fact.room_key, fact.identifier, fact.at, "mute", room=group_id, until=until, by=fact.by)


@handles(UserUnmuted)
def user_unmuted(fact: UserUnmuted) -> None:
    group_id = fact.room_key.partition(":")[2]
    version = tell_state(fact, "unmute", user={"id": fact.identifier, "nick": fact.nick}, by=fact.by)
    standing = {"muted_until_ms": None}
    _stands(fact, standing=standing, version=version)
    tell_you(fact.room_key, fact.identifier, fact.at, "unmute", room=group_id, by=fact.by)


@handles(EveryoneMuted)
def everyone_muted(fact: EveryoneMuted) -> None:
    _mute_all(fact, on=True)


@handles(EveryoneUnmuted)
def everyone_unmuted(fact: EveryoneUnmuted) -> None:
    _mute_all(fact, on=False)


def _mute_all(fact: EveryoneMuted | EveryoneUnmuted, *, on: bool) -> None:
    version = tell_state(fact, "mute_all", on=on, by=fact.by)
    control = {"standing": {"muted_all": on}, "version": version}
    outbox.put(topic=ROOM_CONTROL, room_key=fact.room_key, payload=control, now=fact.at)
    hold_at_once(fact.room_key, room=fact.room_key, control=control, doubt=fact.room_key)


@handles(UserBanned)
def user_banned(fact: UserBanned) -> None:
    """Its sockets in the room are closed; those in other rooms stay."""
    user = {"id": fact.identifier, "nick": fact.nick}
    version = tell_state(fact, "ban", user=user, until=ms(fact.until), by=fact.by)
    _stands(
        fact,
        standing={"banned_until_ms": until_ms(fact.until)},
        version=version,
        close=BANNED,
        extra=_goodbye(everywhere=False, until=fact.until),
    )

    barred = traces_of_ban(room_id=fact.room_id, identifier=fact.identifier)
    if barred:
        # Its second window, in which it is a guest.
        control = {"barred": barred, **_goodbye(everywhere=False, until=fact.until)}
        outbox.put(topic=ROOM_CONTROL, room_key=fact.room_key, payload=control, now=fact.at)


@handles(BanLifted)
def ban_lifted(fact: BanLifted) -> None:
    version, standing = next_version(room_id=fact.room_id), {"banned_until_ms": None}
    _stands(fact, standing=standing, version=version)


def _stands(fact: UserMuted | UserUnmuted | UserBanned | BanLifted, **body: Any) -> None:
    """To the person's sockets in the room, and to those who let people in."""
    whisper(fact.room_key, fact.identifier, fact.at, room=fact.room_key, **body)
    hold_at_once(fact.room_key, fact.identifier, room=fact.room_key, doubt=fact.room_key, **body)


@handles(UserBannedFromApp)
def user_banned_from_app(fact: UserBannedFromApp) -> None:
    """Every socket of it is closed, in a room or not."""
    extra = _goodbye(everywhere=True, until=fact.until)
    whisper(str(fact.sdkappid), fact.identifier, fact.at, close=BANNED, extra=extra)
    hold_at_once(str(fact.sdkappid), fact.identifier, close=BANNED, extra=extra)


@handles(AppBanLifted)
def app_ban_lifted(fact: AppBanLifted) -> None:
    """Nobody is told; who comes now is judged anew."""
    hold_at_once(str(fact.sdkappid), fact.identifier, doubt=EVERY_ROOM)


def _goodbye(*, everywhere: bool, until: datetime | None) -> dict[str, str]:
    return {"reason": "banned", "message": banned_message(everywhere=everywhere, until=ms(until))}
