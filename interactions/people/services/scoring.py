"""From what happened to people's scores: messages from the archive, likes from Redis, minutes from who is there (O3).

Promise: nothing of it costs the hot lane more than a counter, and nothing counts twice: each job has a cursor that moves in the
transaction of what it counted. What a dead relay did not look at in time is lost for minutes online only."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import Count

from interactions.chat.services import archive
from interactions.delivery.presence import attendance
from interactions.likes import services as given_likes
from interactions.models import ArchivedMessage, Membership
from interactions.people.services import levels
from interactions.statistics.services import cursors
from interactions.statistics.services.cursors import CountedElsewhere
from liveroom.accounts.models import App, Person
from liveroom.kernel.data.redis import room_key
from liveroom.rooms.models import Room

COUNTED_TYPES = ("comment", "custom")
# A window is closed when nothing of it can still be on its way into the database; a job that is behind takes one of these at a time.
CLOSED_AFTER, LONGEST = timedelta(seconds=60), timedelta(minutes=10)
# Clocks of two hosts differ by less.
MARGIN = timedelta(seconds=5)
MINUTE = timedelta(minutes=1)
# People are counted in so many portions over the minute, by their ids: no look takes all of them.
PORTIONS = 6
ROOMS, NAMES = 5_000, 500
MESSAGES, LIKES, MEMBERS = "score messages", "score likes", "score members"


def count_messages(*, now: datetime) -> int:
    """Comments and custom messages, delivered or sampled, once the archive has them all. Returns how many were counted.

    redis.RedisError: nobody can say what is still under way; nothing is counted."""
    begin = cursors.place_of(MESSAGES, first=now - CLOSED_AFTER)
    end = min(now - CLOSED_AFTER, begin + LONGEST)
    if end <= begin or timedelta(seconds=archive.backlog().lag_seconds) > now - end - MARGIN:
        return 0
    rows = (
        ArchivedMessage.objects.filter(at__gte=begin, at__lt=end, type__in=COUNTED_TYPES)
        .exclude(sender="")
        .values_list("room__app_id", "sender")
        .annotate(count=Count("id"))
        .order_by()
    )
    said = {(app_id, sender): count for app_id, sender, count in rows}
    return _add(said, measure="messages", cursor=MESSAGES, before=begin, after=end, now=now)


def count_likes(*, now: datetime) -> int:
    """Likes that Redis has counted per user since the last time. Whoever dies in between finds the same portion again."""
    taken = given_likes.take_given_likes()
    if taken is None:
        return 0
    at = datetime.fromtimestamp(taken.at_ms / 1000, UTC)
    before = cursors.place_of(LIKES, first=levels.BEFORE_ALL)
    added = 0
    if at != before:  # else it was counted, and whoever did it died before it was let go
        apps = _app_ids({sdkappid for sdkappid, _ in taken.likes})
        liked = {(apps[sdkappid], name): n for (sdkappid, name), n in taken.likes.items() if sdkappid in apps}
        added = _add(liked, measure="likes", cursor=LIKES, before=before, after=at, now=now)
    given_likes.forget_taken_likes()
    return added


def count_minutes(*, now: datetime) -> int:
    """A minute for everybody who is in a room, in one or in several; one portion of the people at a time. Returns how many people."""
    for portion in range(PORTIONS):
        name = f"score minutes {portion}"
        before = cursors.place_of(name, first=now - MINUTE)
        if now - before < MINUTE:
            continue
        # In step with the minute where it was looked at in time.
        after = before + MINUTE if now - before < 2 * MINUTE else now
        here = {
            (app_id, identifier): 1
            for app_id, identifier in _present()
            if zlib.crc32(identifier.encode()) % PORTIONS == portion
        }
        return _add(here, measure="minutes", cursor=name, before=before, after=after, now=now)
    return 0


def end_memberships(*, now: datetime) -> int:
    """Those that ran out since the last look count no longer."""
    before = cursors.place_of(MEMBERS, first=now)
    if before >= now:
        return 0
    ended = list(Membership.objects.filter(until__gt=before, until__lte=now).values_list("person_id", flat=True))
    if not ended:
        return 0
    try:
        with transaction.atomic():
            cursors.advance(MEMBERS, before=before, after=now)
            levels.look_again(person_ids=ended, now=now)
    except CountedElsewhere:
        return 0
    return len(ended)


def _present() -> Iterable[tuple[int, str]]:
    """Users who are in rooms, by app; of very many rooms, the fullest."""
    rooms = Room.objects.filter(online__gt=0, disbanded_at__isnull=True).order_by("-online")
    named = [
        (app_id, room_key(sdkappid=sdkappid, group_id=group_id))
        for app_id, sdkappid, group_id in rooms.values_list("app_id", "app__sdkappid", "group_id")[:ROOMS]
    ]
    for (app_id, _), found in zip(named, attendance(room_keys=[key for _, key in named]), strict=True):
        for identifier in found.people:
            yield app_id, identifier


def _add(
    counts: Mapping[tuple[int, str], int],
    *,
    measure: str,
    cursor: str,
    before: datetime,
    after: datetime,
    now: datetime,
) -> int:
    """Counts by app and user id, and the cursor with them. Ids that are nobody's (servers speak, too) are left out."""
    people = _person_ids(counts)
    values = {people[who]: count for who, count in counts.items() if who in people}
    try:
        with transaction.atomic():
            cursors.advance(cursor, before=before, after=after)
            levels.add(measure=measure, values=values, now=now)
    except CountedElsewhere:
        return 0
    return sum(values.values())


def _app_ids(sdkappids: set[int]) -> dict[int, int]:
    apps = App.objects.filter(sdkappid__in=sdkappids)
    return {sdkappid: int(pk) for pk, sdkappid in apps.values_list("pk", "sdkappid")}


def _person_ids(who: Iterable[tuple[int, str]]) -> dict[tuple[int, str], int]:
    by_app: dict[int, list[str]] = defaultdict(list)
    for app_id, identifier in who:
        by_app[app_id].append(identifier)
    found: dict[tuple[int, str], int] = {}
    for app_id, names in by_app.items():
        for start in range(0, len(names), NAMES):
            people = Person.objects.filter(app_id=app_id, identifier__in=names[start : start + NAMES])
            found |= {(app_id, identifier): pk for pk, identifier in people.values_list("pk", "identifier")}
    return found
