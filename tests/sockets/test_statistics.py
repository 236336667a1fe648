"""Who watches a show through real sockets, as its statistics count it: the look is called by hand, every ten seconds of its own clock."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from interactions.delivery.presence import Attendance, attendance
from interactions.models import MinuteStat, SessionViewer
from interactions.statistics.services.recounting import recount
from interactions.statistics.services.sampling import sample
from liveroom.kernel import clock
from liveroom.rooms.models import LiveSession
from tests.helpers.people import Cast
from tests.sockets.conftest import Watching


def waits_for(room_key: str, *people: str, guests: int) -> None:
    """Until the socket process has said who is there: a second at most."""
    until, wanted = time.monotonic() + 10, Attendance(guests=guests, people=set(people))
    while (found := attendance(room_keys=[room_key])[0]) != wanted:
        assert time.monotonic() < until, found
        time.sleep(0.02)


@pytest.mark.django_db(transaction=True)
def test_two_looks_count_who_was_there_at_each(cast: Cast, watching: Watching) -> None:
    # At the beginning of a minute: both looks belong to it.
    now = clock.now().replace(second=0, microsecond=0)
    show = LiveSession.objects.create(room=cast.room, sequence="s1", started_at=now)
    with watching(cast.mia), watching(None), watching(cast.stella, overlay=True):
        with watching(cast.zed) as zed, watching(cast.zed):
            waits_for(cast.room.key, "mia", "zed", guests=1)
            assert sample(now=now + timedelta(seconds=10)) == 1
            assert zed.asks("leave")["ok"]
        waits_for(cast.room.key, "mia", guests=1)
        assert sample(now=now + timedelta(seconds=20)) == 1
    recount(now=now + timedelta(seconds=21))
    row = MinuteStat.objects.get(session=show)
    assert (row.samples, row.online_sum, row.online_peak, row.guests_peak) == (2, 5, 3, 1)
    assert (row.watch_seconds, row.new_viewers) == (50, 2)
    seconds = dict(SessionViewer.objects.filter(session=show).values_list("person__identifier", "seconds"))
    assert seconds == {"mia": 20, "zed": 10}
