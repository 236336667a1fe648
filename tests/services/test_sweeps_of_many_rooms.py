"""No due job asks the database or Redis once per room: three times the rooms are as many statements and round trips."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from interactions.audience import services as counting
from interactions.likes import services as likes
from interactions.people.services import levels, scoring
from interactions.statistics.services import popularity, sampling
from liveroom.kernel import clock
from liveroom.rooms.models import Room
from liveroom.rooms.services.status import follow_losses
from tests.helpers.many_rooms import Cost, counted, make_rooms, scores_changed, something_happens

# Many are one portion of each: thousands are several.
FEW, MANY = 15, 45
LATER = timedelta(minutes=2)

LOOKS: dict[str, Callable[[datetime], object]] = {
    "online counts": lambda now: counting.write_online_counts(),
    "likes": lambda now: likes.save_likes(),
    "recount": lambda now: counting.recount_online(),
    "samples": lambda now: sampling.sample(now=now),
    "score likes": lambda now: scoring.count_likes(now=now),
    "levels": lambda now: levels.follow_scores(now=now),
    "popularity": lambda now: popularity.follow_popularity(now=now),
    "score minutes": lambda now: [scoring.count_minutes(now=now) for _ in range(scoring.PORTIONS)],
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", LOOKS)
def test_a_look_at_many_rooms_is_as_many_questions_as_one_at_few(cast, name):
    now = clock.now()
    few = make_rooms(cast.app, count=FEW, now=now)
    everything(few, turn=1, now=now)  # what is made at a first look is there
    here = cost(name, few, turn=2, now=now + LATER)
    many = make_rooms(cast.app, count=MANY - FEW, now=now)
    everything([*few, *many], turn=3, now=now + LATER)
    there = cost(name, [*few, *many], turn=4, now=now + 2 * LATER)
    assert here.statements + here.trips > 0
    assert there == here


def everything(rooms: list[Room], *, turn: int, now: datetime) -> None:
    something_happens(rooms, turn=turn)
    for look in LOOKS.values():
        look(now)


def cost(name: str, rooms: list[Room], *, turn: int, now: datetime) -> Cost:
    something_happens(rooms, turn=turn)
    scores_changed(rooms)
    if name == "recount":
        Room.objects.filter(online__gt=0).update(online=77)
    with counted() as found:
        LOOKS[name](now)
    return found


@pytest.mark.django_db
def test_they_did_write_what_happened(cast):
    now = clock.now()
    rooms = make_rooms(cast.app, count=FEW, now=now)
    everything(rooms, turn=1, now=now)
    everything(rooms, turn=2, now=now + LATER)
    for room in Room.objects.filter(pk__in=[room.pk for room in rooms]):
        assert (room.online, room.likes) == (3, 2)  # the owner, and two guests
        assert room.popularity > 0
    assert levels.Score.objects.filter(person__in=[room.owner_id for room in rooms], likes=2).count() == FEW


@pytest.mark.django_db
def test_rooms_that_wait_for_their_end_cost_one_question(cast, settings):
    """Paused ones, whose grace time is not over: for two minutes there is nothing to do for them."""
    now = clock.now()
    rooms = make_rooms(cast.app, count=20, now=now)
    pause = timedelta(seconds=settings.LIVEROOM.pause_after_seconds)
    Room.objects.filter(pk__in=[room.pk for room in rooms]).update(publisher_lost_at=now - pause, status="paused")
    with counted() as found:
        assert follow_losses(now=now + timedelta(seconds=1)) == 0
    assert found == Cost(statements=1)
