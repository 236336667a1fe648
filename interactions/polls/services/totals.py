"""What a room is told of its polls: the whole poll each time, because the newest stands.

While people vote, the totals are counted in turns, at most twice a second and only what is new; the row keeps what was told, so that
newcomers are shown the same without counting."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q

from interactions.delivery import Room as RoomTarget
from interactions.delivery import ms, publish_durably
from interactions.models import Ballot, Poll
from interactions.polls import rules
from interactions.polls.events import PollShown
from interactions.polls.selectors import shown_poll
from liveroom.rooms.selectors import RoomUnknown
from liveroom.rooms.services.locking import locked

BETWEEN = timedelta(seconds=0.5)
# Polls with a vote younger than this are counted: time enough for its transaction, whatever it waits for, and for clocks that differ.
YOUNG = timedelta(seconds=30)
# So many polls are counted in one turn.
COUNTED_AT_ONCE = 1_000


def publish(poll: Poll, *, room_key: str, now: datetime) -> None:
    """In the caller's transaction: opened, changed or closed."""
    publish_durably(PollShown(t=ms(now), poll=shown_poll(poll)), to=RoomTarget(room_key), at=now)


def count(poll: Poll, *, now: datetime) -> bool:
    """Whether the totals are news; they are on the row then, not yet saved."""
    rows = Ballot.objects.filter(poll=poll).values_list("choices").annotate(count=Count("id")).order_by()
    found = rules.totals(dict(rows), answers=len(poll.answers))
    news = found.ballots != poll.told_ballots
    poll.told_votes, poll.told_ballots, poll.told_at = list(found.votes), found.ballots, now
    return news


def publish_totals(*, now: datetime) -> int:
    """Publish totals whose rooms have not heard of all votes. Returns how many polls that were."""
    # Those that waited for longest: of more than fit, each has its turn.
    looked = Poll.objects.filter(untold(now), status=Poll.OPEN).order_by("told_at")
    polls = list(looked[:COUNTED_AT_ONCE])
    counted = Ballot.objects.filter(poll__in=polls).values_list("poll").annotate(count=Count("id")).order_by()
    ballots: dict[int, int] = dict(counted)
    return sum(_publish_if_new(poll, now=now) for poll in polls if ballots.get(poll.pk, 0) != poll.told_ballots)


def untold(now: datetime) -> Q:
    """Polls with a young vote whose room heard nothing for a while."""
    young = Ballot.objects.filter(poll=OuterRef("pk"), at__gt=now - YOUNG)
    return Q(Exists(young), told_at__lte=now - BETWEEN)


@transaction.atomic
def _publish_if_new(poll: Poll, *, now: datetime) -> bool:
    try:
        room = locked(poll.room_id)
    except RoomUnknown:
        return False
    # Once more, under the lock: it may have been closed, or told by another relay.
    found = Poll.objects.filter(pk=poll.pk, status=Poll.OPEN, told_at__lte=now - BETWEEN).first()
    if found is None or not count(found, now=now):
        return False
    found.save(update_fields=["told_votes", "told_ballots", "told_at"])
    publish(found, room_key=room.key, now=now)
    return True
