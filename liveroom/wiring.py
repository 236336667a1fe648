"""THE tables: who votes on which action, who handles which topic of the outbox, what is due; and the modules that handle facts."""

from __future__ import annotations

from functools import partial
from types import ModuleType

from interactions.audience import services as audience
from interactions.audience.events import Join, Leave, Online
from interactions.chat.archive import pruning as archive_pruning
from interactions.chat.services import archive, broadcasts, pinning
from interactions.chat.services import on_picture as _on_picture  # noqa: F401 - declares what is done with the archive's rows
from interactions.delivery import paid, presence, publishing
from interactions.draws import handlers as on_draws
from interactions.draws.services import drawing
from interactions.draws.services import entries as _draw_entries  # noqa: F401 - declares what is done with the archive's rows
from interactions.gifts.services.grouping import group_gifts
from interactions.likes import handlers as on_likes
from interactions.likes import services as likes
from interactions.people import handlers as on_people
from interactions.people.services import follows, levels, scoring
from interactions.polls import handlers as on_polls
from interactions.polls.services import polls
from interactions.replay import handlers as on_replays
from interactions.room import handlers as on_rooms
from interactions.room import media_handlers as on_media
from interactions.room import moderation as on_moderation
from interactions.room import picture_handlers as on_pictures
from interactions.room import recording_handlers as on_recorded
from interactions.room import relay_handlers as on_relay_changes
from interactions.room_refs import open_refs
from interactions.statistics.services import popularity, recounting, sampling, summarising
from liveroom.kernel import facts, outbox, permission
from liveroom.kernel.permission import ADMIN, MEMBER, OWNER, Voter
from liveroom.kernel.work import due, pruning
from liveroom.kernel.work.due import Job
from liveroom.rooms.selectors import role_of
from liveroom.rooms.services.status import follow_losses, losses_are_due
from liveroom.rooms.voters import authenticated, for_the_app, roles, same_app, scope, staff
from moderation.selectors import excluded_identifiers
from moderation.voters import not_banned, not_muted
from streams.director import comments as desk_comments
from streams.files.pruning import prune_files
from streams.jobs import finite
from streams.jobs import handlers as on_publishes
from streams.jobs import pruning as media_pruning
from streams.ladder import handlers as on_ladders
from streams.mixes import handlers as on_mixes
from streams.plans import handlers as on_plans
from streams.plans import rounds as plan_rounds
from streams.recording import following as on_recordings
from streams.relays import handlers as on_relays
from streams.services import following, publishes
from streams.snapshots import handlers as on_snapshots
from streams.snapshots import retention as snapshot_retention
from streams.timeshift import handlers as on_windows
from streams.traffic.pruning import prune_traffic
from streams.voters import not_forbidden, not_held
from streams.watermarks.copies import following as on_copies

# The modules that have handlers of facts (`@handles`), all of them, from the lowest floor up. Handlers of one fact run in this order
# (kernel/facts.py); a test demands every such module. `manage.py facts` prints who handles what.
FACT_HANDLERS: list[ModuleType] = [
    following,
    on_plans,
    on_publishes,
    on_relays,
    on_mixes,
    on_recordings,
    on_snapshots,
    on_ladders,
    on_windows,
    on_copies,
    on_polls,
    on_draws,
    on_replays,
    on_rooms,
    on_relay_changes,
    on_recorded,
    on_media,
    on_people,
    on_moderation,
    on_pictures,
    on_likes,
]

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
    "hand.raise": [same_app, roles(OWNER, ADMIN, MEMBER), not_banned, not_muted],
    "hand.lower": [same_app, roles(OWNER, ADMIN, MEMBER), not_banned],
    "hand.manage": [same_app, roles(OWNER, ADMIN), scope("messages"), not_banned],
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
    "media.manage": [same_app, roles(OWNER), scope("streams")],
    "media.see": [same_app, roles(OWNER, ADMIN), scope("streams")],
    "media.plan": [authenticated, for_the_app, scope("streams")],
}

# Topics of the outbox.
HANDLERS: dict[str, outbox.Handler | outbox.BatchHandler] = {
    publishing.TOPIC: publishing.deliver,
    follows.FOLLOWERS: outbox.BatchHandler(follows.publish_to_followers),
    paid.PAID: outbox.BatchHandler(partial(paid.deliver_paid, open_rooms=open_refs), per_room=paid.HANDED_OVER),
}

# Rows of a feature that wait for the relay as they are; looked at before the topics.
QUEUES: dict[str, outbox.Queue] = {
    "gifts": group_gifts,
}

# Work that is due again and again, claimed by a task worker; seconds between two turns. `run_relay` only hands it out.
# What viewers wait for is `prompt`, and taken up again soon if a worker dies at it.
JOBS: list[Job] = [
    Job("lost publishers", 0.5, lambda now: follow_losses(now=now), wanted=losses_are_due, prompt=True, longest=5),
    Job("polls", 0.5, lambda now: polls.follow_polls(now=now), wanted=polls.is_wanted, prompt=True, longest=5),
    Job("draws", 0.5, lambda now: drawing.follow_draws(now=now), wanted=drawing.is_wanted, prompt=True, longest=10),
    Job("likes", 0.9, lambda now: likes.save_likes(), wanted=likes.likes_wait, prompt=True, longest=5),
    Job(
        "online counts",
        0.9,
        lambda now: audience.write_online_counts(),
        wanted=audience.counts_wait,
        prompt=True,
        longest=5,
    ),
    Job("recount", 5, lambda now: audience.recount_online(), longest=10),
    Job("samples", 5, sampling.sample_due, wanted=sampling.is_wanted),
    Job("minutes", 10, lambda now: recounting.recount(now=now), longest=60),
    Job("summaries", 2, lambda now: summarising.summarise_due(now=now), wanted=summarising.is_wanted, longest=60),
    Job("levels", 1, levels.follow_due, wanted=levels.is_wanted),
    Job("score messages", 10, lambda now: scoring.count_messages(now=now)),
    Job("score likes", 10, lambda now: scoring.count_likes(now=now), wanted=likes.given_likes_wait),
    Job("score minutes", 5, lambda now: scoring.count_minutes(now=now)),
    Job("memberships", 10, lambda now: scoring.end_memberships(now=now)),
    Job("popularity", 10, popularity.follow_due),
    Job("uploads", 60, lambda now: prune_files(now=now), longest=60),
    Job("plans", 0.5, plan_rounds.follow_due, wanted=plan_rounds.is_wanted, prompt=True, longest=10),
    # Two lanes: a long remux must not keep a cover waiting.
    Job("media tasks 1", 0.5, finite.run_due, wanted=finite.is_wanted, longest=60),
    Job("media tasks 2", 0.5, finite.run_due, wanted=finite.is_wanted, longest=60),
    Job("recordings", 0.9, on_recordings.follow_due, wanted=on_recordings.is_wanted, prompt=True, longest=10),
    Job("old recordings", 60, on_recordings.clear_due, longest=60),
    # Pictures that somebody waits for, and the wall.
    Job("quick media tasks", 0.5, finite.run_quick, wanted=finite.quick_is_wanted, prompt=True, longest=10),
    Job("prune outbox", 3600, lambda now: pruning.prune(now=now), longest=60),
    Job("prune publishes", 3600, lambda now: publishes.prune_publishes(now=now), longest=60),
    Job("prune media jobs", 3600, lambda now: media_pruning.prune(now=now), longest=60),
    Job("prune traffic", 3600, lambda now: prune_traffic(now=now), longest=60),
    Job("prune snapshots", 3600, lambda now: snapshot_retention.prune(now=now), longest=60),
    Job("prune archive", 3600, lambda now: archive_pruning.prune_archive(now=now), longest=60),
]


def install() -> None:
    facts.install(FACT_HANDLERS)
    permission.install(voters=VOTERS, role_of=role_of, excluded=excluded_identifiers)
    outbox.install(HANDLERS, QUEUES)
    presence.install(online=Online, joined=Join, left=Leave)
    publishing.install(open_rooms=broadcasts.open_rooms, last_numbers=archive.last_archived_seqs)
    desk_comments.install(pinning.comment_said)
    due.install(JOBS)
