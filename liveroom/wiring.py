"""THE table: who hears of which fact, who votes on which action, who carries which topic, what is due. One screen each."""

from __future__ import annotations

from interactions.announce import carriers as telling
from interactions.announce import draws as say_draws
from interactions.announce import gifts as say_gifts
from interactions.announce import moderation as say_moderation
from interactions.announce import people as say_people
from interactions.announce import polls as say_polls
from interactions.announce import rooms as say_rooms
from interactions.announce import standing as say_standing
from interactions.announce import statistics as say_statistics
from interactions.announce import telling as topics
from interactions.announce import wallets as say_wallets
from interactions.audience import services as counting
from interactions.chat.archive import pruning as archive_pruning
from interactions.chat.services import broadcasts
from interactions.draws import services as draws
from interactions.facts import (
    BroadcastSent,
    DrawCancelled,
    DrawFinished,
    DrawOpened,
    Followed,
    GiftPaid,
    GiftsGrouped,
    LevelChanged,
    MembershipChanged,
    OrderRefunded,
    PinChanged,
    PollChanged,
    PollClosed,
    PollOpened,
    QuestionAsked,
    QuestionMoved,
    SessionSummarised,
    StreamerWentLive,
    SystemNoticeSent,
    Unfollowed,
    WalletToppedUp,
)
from interactions.gifts.services import grouping as gift_messages
from interactions.likes import services as likes
from interactions.likes import totals as like_totals
from interactions.people.services import follows, levels, scoring
from interactions.polls.services import polls
from interactions.statistics.services import popularity, recounting, sampling, summarising
from liveroom import handing_out
from liveroom.accounts.facts import AppChanged, ProfileChanged, TokensRevoked
from liveroom.kernel import due, facts, outbox, permission, pruning
from liveroom.kernel.due import Job
from liveroom.kernel.facts import Fact, Row
from liveroom.kernel.permission import ADMIN, MEMBER, OWNER, Voter
from liveroom.kernel.sweeps import Sweep
from liveroom.rooms import facts as rooms
from liveroom.rooms.selectors import role_of
from liveroom.rooms.services.status import follow_losses
from liveroom.rooms.voters import authenticated, for_the_app, roles, same_app, scope, staff
from moderation import facts as moderation
from moderation.selectors import excluded_identifiers
from moderation.voters import not_banned, not_muted
from streams import facts as streams
from streams.services import following
from streams.services import pruning as stream_pruning
from streams.voters import not_forbidden, not_held

# `durable`: in the transaction, fails with it. `after`: once committed, best effort.
FACTS: dict[type[Fact], Row] = {
    AppChanged: Row(durable=[levels.app_changed]),
    ProfileChanged: Row(durable=[say_people.profile_changed]),
    TokensRevoked: Row(durable=[say_people.tokens_revoked]),
    rooms.RoomCreated: Row(durable=[following.give_main_stream]),
    rooms.RoomChanged: Row(durable=[say_rooms.room_changed]),
    rooms.NoticeChanged: Row(durable=[say_rooms.notice_changed]),
    rooms.StatusChanged: Row(
        durable=[say_rooms.status_changed, follows.room_went_live], after=[likes.follow_status, following.cut_after_end]
    ),
    rooms.AttributesChanged: Row(durable=[say_rooms.attributes_changed]),
    rooms.CountersChanged: Row(durable=[say_rooms.counters_changed]),
    rooms.RoleChanged: Row(durable=[say_rooms.role_changed]),
    rooms.AccessChanged: Row(durable=[say_rooms.access_changed]),
    rooms.RoomDisbanded: Row(
        durable=[
            following.close_after_disband,
            polls.close_after_disband,
            draws.cancel_after_disband,
            say_rooms.room_disbanded,
        ],
        after=[following.cut_after_disband],
    ),
    streams.StreamPublished: Row(durable=[say_rooms.stream_published]),
    streams.StreamUnpublished: Row(),
    streams.PictureJudged: Row(durable=[say_rooms.picture_judged]),
    streams.PublishRefused: Row(),
    streams.ProgrammeChanged: Row(durable=[say_rooms.programme_changed]),
    streams.PushKeyReset: Row(),
    streams.StreamForbidden: Row(),
    moderation.UserMuted: Row(durable=[say_moderation.user_muted]),
    moderation.UserUnmuted: Row(durable=[say_moderation.user_unmuted]),
    moderation.EveryoneMuted: Row(durable=[say_moderation.everyone_muted]),
    moderation.EveryoneUnmuted: Row(durable=[say_moderation.everyone_unmuted]),
    moderation.UserBanned: Row(durable=[say_moderation.user_banned]),
    moderation.BanLifted: Row(durable=[say_moderation.ban_lifted]),
    moderation.UserBannedFromApp: Row(durable=[say_moderation.user_banned_from_app]),
    moderation.AppBanLifted: Row(durable=[say_moderation.app_ban_lifted]),
    BroadcastSent: Row(durable=[say_rooms.broadcast_sent]),
    SystemNoticeSent: Row(durable=[say_rooms.system_notice_sent]),
    WalletToppedUp: Row(durable=[say_wallets.wallet_topped_up]),
    OrderRefunded: Row(durable=[say_wallets.order_refunded]),
    GiftPaid: Row(durable=[say_gifts.gift_paid]),
    GiftsGrouped: Row(durable=[say_gifts.gifts_grouped]),
    DrawOpened: Row(durable=[say_draws.draw_opened]),
    DrawFinished: Row(durable=[say_draws.draw_finished]),
    DrawCancelled: Row(durable=[say_draws.draw_cancelled]),
    PollOpened: Row(durable=[say_polls.poll_told]),
    PollChanged: Row(durable=[say_polls.poll_told]),
    PollClosed: Row(durable=[say_polls.poll_told]),
    PinChanged: Row(durable=[say_polls.pin_changed]),
    QuestionAsked: Row(durable=[say_polls.question_asked]),
    QuestionMoved: Row(durable=[say_polls.question_moved]),
    LevelChanged: Row(durable=[say_standing.level_changed]),
    Followed: Row(),
    Unfollowed: Row(),
    MembershipChanged: Row(),
    StreamerWentLive: Row(durable=[say_standing.streamer_went_live]),
    SessionSummarised: Row(durable=[say_statistics.session_summarised]),
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
    "room.notice": [same_app, roles(OWNER, ADMIN), scope("rooms"), not_banned],
    "room.status": [same_app, roles(OWNER), scope("rooms")],
    "room.disband": [same_app, roles(OWNER), scope("rooms")],
    "room.admins": [same_app, roles(OWNER), scope("rooms")],
    "room.attributes": [same_app, roles(OWNER, ADMIN), scope("rooms"), not_banned],
    "room.counters": [same_app, roles(OWNER, ADMIN), scope("rooms"), not_banned],
    "room.mute": [same_app, roles(OWNER, ADMIN), scope("rooms"), not_banned],
    "room.ban": [same_app, roles(OWNER, ADMIN), scope("rooms"), not_banned],
    "app.ban": [authenticated, for_the_app, scope("people")],
    "room.archive": [same_app, roles(OWNER, ADMIN), scope("messages")],
    "statistics.see": [same_app, roles(OWNER, ADMIN), scope("rooms")],
    "like.send": [same_app, roles(OWNER, ADMIN, MEMBER), scope("messages"), not_banned],
    "direct.send": [authenticated, scope("messages"), not_banned],
    "comment.send": [same_app, roles(OWNER, ADMIN, MEMBER), scope("messages"), not_banned, not_muted],
    "broadcast.send": [authenticated, for_the_app, scope("messages")],
    "system.send": [authenticated, for_the_app, same_app, scope("messages")],
    "draw.manage": [same_app, roles(OWNER, ADMIN), scope("messages"), not_banned],
    "poll.manage": [same_app, roles(OWNER, ADMIN), scope("messages"), not_banned],
    "poll.vote": [same_app, roles(OWNER, ADMIN, MEMBER), not_banned],
    "room.pin": [same_app, roles(OWNER, ADMIN), scope("messages"), not_banned],
    "question.ask": [same_app, roles(OWNER, ADMIN, MEMBER), not_banned, not_muted],
    "question.manage": [same_app, roles(OWNER, ADMIN), scope("messages"), not_banned],
    "gift.send": [same_app, roles(OWNER, ADMIN, MEMBER), not_banned],
    "catalog.manage": [staff],
    "wallet.top_up": [authenticated, for_the_app, scope("money")],
    "wallet.read": [authenticated, for_the_app, scope("money")],
    "order.refund": [staff],
    "badge.give": [staff],
    "user.see": [authenticated, scope("people")],
    "user.follow": [authenticated, not_banned],
    "stream.publish": [not_forbidden, not_held],
    "stream.push": [same_app, roles(OWNER), scope("streams")],
    "stream.address": [same_app, for_the_app, scope("streams")],
    "stream.manage": [same_app, roles(OWNER), scope("streams")],
    "stream.name": [for_the_app, scope("streams")],
    "stream.forbid": [same_app, for_the_app, scope("streams")],
    "stream.list": [authenticated, for_the_app, scope("streams")],
}

# Topics of the outbox.
CARRIERS: dict[str, outbox.Carrier | outbox.Gatherer] = {
    topics.ROOM_EVENT: telling.tell_room,
    topics.ROOM_CLOSE: telling.close_room,
    topics.ROOM_CONTROL: telling.control_room,
    topics.PERSON: telling.tell_person,
    topics.YOU: telling.tell_you,
    topics.BROADCAST: broadcasts.tell_rooms,
    topics.FOLLOWERS: outbox.Gatherer(follows.tell_followers),
    topics.GIFT: outbox.Gatherer(gift_messages.group_gifts, atomic=True),
    topics.ROOM_GIFT: outbox.Gatherer(gift_messages.tell_gifts, per_room=gift_messages.HANDED_OVER),
}

# What is due, looked for by run_relay; seconds between two looks. What is `apart` never delays what is told.
SWEEPS: list[Sweep] = [
    Sweep("lost publishers", 1, lambda now: follow_losses(now=now)),
    Sweep("polls", 0.5, lambda now: polls.follow_polls(now=now)),
    Sweep("draws", 1, lambda now: draws.follow_draws(now=now), apart="draws"),
    Sweep("online counts", 1, lambda now: counting.write_online_counts(), apart="counts"),
    Sweep("likes", 1, lambda now: counting.save_likes(), apart="counts"),
    Sweep("recount", 5, lambda now: counting.recount_online(), apart="counts"),
    Sweep("due jobs", 1, lambda now: handing_out.hand_out(now=now), apart="due jobs"),
]

# Finite work, claimed by a task worker when it is due; seconds between two turns.
JOBS: list[Job] = [
    Job("samples", 5, sampling.sample_due, wanted=sampling.is_wanted),
    Job("minutes", 10, lambda now: recounting.recount(now=now), longest=60),
    Job("summaries", 2, lambda now: summarising.summarise_due(now=now), wanted=summarising.is_wanted, longest=60),
    Job("levels", 1, levels.follow_due, wanted=levels.is_wanted),
    Job("score messages", 10, lambda now: scoring.count_messages(now=now)),
    Job("score likes", 10, lambda now: scoring.count_likes(now=now), wanted=lambda now: like_totals.people_wait_now()),
    Job("score minutes", 5, lambda now: scoring.count_minutes(now=now)),
    Job("memberships", 10, lambda now: scoring.end_memberships(now=now)),
    Job("popularity", 10, popularity.follow_due),
    Job("prune outbox", 3600, lambda now: pruning.prune(now=now), longest=60),
    Job("prune publishes", 3600, lambda now: stream_pruning.prune_publishes(now=now), longest=60),
    Job("prune archive", 3600, lambda now: archive_pruning.prune_archive(now=now), longest=60),
]


def install() -> None:
    facts.install(FACTS)
    permission.install(voters=VOTERS, role_of=role_of, excluded=excluded_identifiers)
    outbox.install(CARRIERS)
    due.install(JOBS)
