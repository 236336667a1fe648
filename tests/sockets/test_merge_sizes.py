"""An app has its own sizes for what is told together, and a change of status is an attribute's, too."""

from __future__ import annotations

import time

from liveroom.accounts.models import App
from liveroom.kernel import clock
from liveroom.rooms.services.status import set_status
from tests.helpers.money import fill, make_gift
from tests.helpers.people import STAFF
from tests.helpers.sockets import tell
from tests.helpers.stack import until


def test_likes_are_told_at_the_apps_own_number(cast, watching):
    App.objects.filter(pk=cast.app.pk).update(like_batch=3, like_batch_ms=5_000)
    with watching(cast.zed) as zed, watching(cast.mia) as mia:
        began = time.monotonic()
        assert mia.asks("like", count=3)["ok"]
        event = zed.hears("likes")
        assert (event["count"], event["total"]) == (3, 3)
        assert time.monotonic() - began < 4  # three are full: nobody waits for the five seconds


def test_clicks_are_told_at_the_apps_own_number(cast, watching):
    App.objects.filter(pk=cast.app.pk).update(gift_batch=2, gift_batch_ms=5_000)
    fill(cast.mia, 100)
    make_gift(cast.app, "rose", price=1)
    with watching(cast.mia) as mia:
        for number in range(4):
            assert mia.asks("gift", gift="rose", count=1, key=f"k{number}")["ok"]

        def heard() -> list[tuple[int, int]]:
            tell()
            mia.asks("ping")
            return [(event["count"], event["combo"]) for event in mia.heard if event["type"] == "gift"]

        until(lambda: len(heard()) == 2)
        assert heard() == [(2, 2), (2, 4)]


def test_a_status_is_told_as_an_attribute_with_a_version_and_newcomers_see_the_same(cast, watching):
    with watching(cast.mia) as mia:
        before = mia.snapshot["room"]["attributes_version"]
        for number, status in enumerate(("live", "paused", "ended"), start=1):
            set_status(room=cast.room, status=status, by=STAFF, now=clock.now())
            tell()
            assert mia.hears("status")["status"] == status
            event = mia.hears("attributes", version=before + number)
            assert (event["operation"], event["deleted"]) == ("modify", [])
            assert event["changed"] == {"status": {"value": status, "version": number}}
        with watching(cast.zed) as zed:
            room = zed.snapshot["room"]
            assert room["attributes"]["status"] == {"value": "ended", "version": 3}
            assert room["attributes_version"] == before + 3
    refused = cast.api(cast.stella).patch("rooms/r1/attributes", {"attributes": {"status": "live"}})
    assert refused.status_code == 400
