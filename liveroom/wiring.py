"""THE table: who hears of which fact, who votes on which action, who carries which topic. One screen each."""

from __future__ import annotations

from interactions import announce
from interactions.facts import BroadcastSent
from interactions.services import broadcasts, telling
from liveroom.accounts.facts import ProfileChanged, TokensRevoked
from liveroom.kernel import facts, outbox, permission
from liveroom.kernel.facts import Fact, Row
from liveroom.kernel.permission import ADMIN, MEMBER, OWNER, Voter
from liveroom.rooms import facts as rooms
from liveroom.rooms.selectors import role_of
from liveroom.rooms.voters import authenticated, for_the_app, roles, same_app, scope, staff
from moderation import facts as moderation
from moderation.voters import not_banned, not_muted
from streams import facts as streams
from streams.services import following
from streams.voters import not_forbidden, not_held

# `durable`: in the transaction, fails with it. `after`: once committed, best effort.
FACTS: dict[type[Fact], Row] = {
    ProfileChanged: Row(durable=[announce.profile_changed]),
    TokensRevoked: Row(durable=[announce.tokens_revoked]),
    rooms.RoomCreated: Row(durable=[following.give_main_stream]),
    rooms.RoomChanged: Row(durable=[announce.room_changed]),
    rooms.NoticeChanged: Row(durable=[announce.notice_changed]),
    rooms.StatusChanged: Row(durable=[announce.status_changed], after=[following.cut_after_end]),
    rooms.AttributesChanged: Row(durable=[announce.attributes_changed]),
    rooms.CountersChanged: Row(durable=[announce.counters_changed]),
    rooms.RoleChanged: Row(durable=[announce.role_changed]),
    rooms.AccessChanged: Row(),
    rooms.RoomDisbanded: Row(
        durable=[following.close_after_disband, announce.room_disbanded], after=[following.cut_after_disband]
    ),
    streams.StreamPublished: Row(durable=[announce.stream_published]),
    streams.StreamUnpublished: Row(),
    streams.PublishRefused: Row(),
    streams.ProgrammeChanged: Row(durable=[announce.programme_changed]),
    streams.PushKeyReset: Row(),
    streams.StreamForbidden: Row(),
    moderation.UserMuted: Row(durable=[announce.user_muted]),
    moderation.UserUnmuted: Row(durable=[announce.user_unmuted]),
    moderation.EveryoneMuted: Row(durable=[announce.everyone_muted]),
    moderation.EveryoneUnmuted: Row(durable=[announce.everyone_unmuted]),
    moderation.UserBanned: Row(durable=[announce.user_banned]),
    moderation.BanLifted: Row(durable=[announce.ban_lifted]),
    moderation.UserBannedFromApp: Row(durable=[announce.user_banned_from_app]),
    moderation.AppBanLifted: Row(),
    BroadcastSent: Row(durable=[announce.broadcast_sent]),
}

# The first refusal counts. An action that is not here is refused to everybody.
VOTERS: dict[str, list[Voter]] = {
    "app.manage": [staff],
    "person.block": [staff],
    "people.manage": [authenticated, for_the_app, scope("people")],
    "tokens.make": [authenticated, for_the_app, scope("tokens")],
    "room.list": [authenticated, scope("rooms")],
    "room.enter": [not_banned],
    "room.create": [authenticated, not_banned, scope("rooms")],
    "room.create_for": [authenticated, for_the_app, scope("rooms")],
    "room.change": [same_app, roles(OWNER), scope("rooms")],
    "room.status": [same_app, roles(OWNER), scope("rooms")],
    "room.disband": [same_app, roles(OWNER), scope("rooms")],
    "room.admins": [same_app, roles(OWNER), scope("rooms")],
    "room.attributes": [same_app, roles(OWNER, ADMIN), scope("rooms"), not_banned],
    "room.counters": [same_app, roles(OWNER, ADMIN), scope("rooms"), not_banned],
    "room.mute": [same_app, roles(OWNER, ADMIN), scope("rooms"), not_banned],
    "room.ban": [same_app, roles(OWNER, ADMIN), scope("rooms"), not_banned],
    "app.ban": [authenticated, for_the_app, scope("people")],
    "room.archive": [same_app, roles(OWNER, ADMIN), scope("messages")],
    "like.send": [same_app, roles(OWNER, ADMIN, MEMBER), scope("messages"), not_banned],
    "direct.send": [authenticated, scope("messages"), not_banned],
    "comment.send": [same_app, roles(OWNER, ADMIN, MEMBER), scope("messages"), not_banned, not_muted],
    "broadcast.send": [authenticated, for_the_app, scope("messages")],
    "stream.publish": [not_forbidden, not_held],
    "stream.push": [same_app, roles(OWNER), scope("streams")],
    "stream.manage": [same_app, roles(OWNER), scope("streams")],
    "stream.name": [for_the_app, scope("streams")],
    "stream.forbid": [same_app, for_the_app, scope("streams")],
    "stream.list": [authenticated, for_the_app, scope("streams")],
}

# Topics of the outbox.
CARRIERS: dict[str, outbox.Carrier] = {
    announce.ROOM_EVENT: telling.tell_room,
    announce.ROOM_CLOSE: telling.close_room,
    announce.ROOM_CONTROL: telling.control_room,
    announce.PERSON: telling.tell_person,
    announce.YOU: telling.tell_you,
    announce.BROADCAST: broadcasts.tell_rooms,
}


def install() -> None:
    facts.install(FACTS)
    permission.install(voters=VOTERS, role_of=role_of)
    outbox.install(CARRIERS)
