"""One RTMP connection that publishes, stops and publishes again: the real engine, the real decisions, goodbyes that come late."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.db import connection

from liveroom.kernel import clock
from liveroom.kernel.errors import LiveRoomError
from streams import selectors
from streams.engines import Hook
from streams.models import Publish, PushRefusal
from streams.services import publishing
from tests.helpers.people import make_cast_of_its_own
from tests.helpers.pushing import push_params
from tests.helpers.rtmp import STARTED, Rtmp
from tests.media.rig import Rig, wait_until

pytestmark = [pytest.mark.media, pytest.mark.django_db(transaction=True)]

TIMES = 30


class Decisions:
    """What the web side answers, with every goodbye handled so many seconds after it was sent."""

    def __init__(self, *, late_seconds: float) -> None:
        self.late_seconds = late_seconds
        self.goodbyes: list[bool] = []
        self.overtaken = 0
        self._publishes = 0

    def refuses(self, hook: Hook) -> bool:
        try:
            if hook.action == "publish":
                publishing.admit_publisher(hook=hook, now=clock.now())
                self._publishes += 1
            elif hook.action == "publish_done":
                before = self._publishes
                time.sleep(self.late_seconds)
                self.overtaken += self._publishes > before
                self.goodbyes.append(publishing.publisher_left(hook=hook, now=clock.now()))
        except LiveRoomError:
            return True
        finally:
            connection.close()
        return False


@pytest.mark.parametrize("late_seconds", [0.0, 0.15])
def test_thirty_publishes_on_one_connection_are_all_let_in_and_only_their_own_goodbye_ends_them(
    rig: Rig, monkeypatch: Any, late_seconds: float
):
    cast = make_cast_of_its_own()
    stream = cast.stream
    query = "&".join(
        f"{key}={value}" for key, value in push_params(stream, until=clock.now() + publishing.FRESH * 100).items()
    )
    decisions = Decisions(late_seconds=late_seconds)
    monkeypatch.setattr(publishing, "engine", lambda: rig.engine)
    monkeypatch.setattr(rig, "refuse", decisions.refuses)
    with Rtmp(rig.engine.push_server()) as encoder:
        for n in range(TIMES):
            assert encoder.publish(f"{stream.name}?{query}") == STARTED, f"publish {n + 1}"
            encoder.unpublish()
        assert encoder.publish(f"{stream.name}?{query}") == STARTED
        wait_until(lambda: len(decisions.goodbyes) == TIMES, what="every goodbye of before to be handled")
        there = selectors.open_publish(stream)
        assert there is not None, "a late goodbye ended the publish that is there"
        assert there.pk == Publish.objects.filter(stream=stream).latest("pk").pk
        assert not PushRefusal.objects.filter(stream=stream).exists()
    wait_until(lambda: len(decisions.goodbyes) == TIMES + 1, what="the last goodbye to be handled")
    assert decisions.goodbyes[-1] is True
    assert selectors.open_publish(stream) is None
    assert decisions.overtaken or not late_seconds, "no callback was overtaken: nothing was tried"
