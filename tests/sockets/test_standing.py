"""Levels and follows as phones see them: told to oneself, shown beside the nick, and a follower hears of a show."""

from __future__ import annotations

from datetime import timedelta

from interactions.models import Badge
from interactions.people.services import follows, levels
from liveroom.kernel import clock
from liveroom.rooms.services.status import set_status
from tests.helpers.people import STAFF
from tests.helpers.sockets import tell
from tests.sockets.test_protocol import fits


def told(phone, type: str) -> dict:
    """The first event of that type for the person itself."""
    patience = clock.now_ms() + 10_000
    while clock.now_ms() < patience:
        phone.asks("ping")
        for frame in phone.frames:
            if frame.get("type") == "you":
                fits("you", frame)
                for event in frame["events"]:
                    if event["type"] == type:
                        return event
    raise AssertionError(phone.frames)


def test_a_new_level_is_told_and_is_beside_the_nick_in_what_one_says_next(cast, watching):
    Badge.objects.create(app=cast.app, code="rich", label="★", name="Rich", measure="gift_value", at_least=100)
    now = clock.now()
    with watching(cast.mia) as mia, watching(cast.zed) as zed:
        mia.says("before")
        assert zed.hears("comment")["from"] == {"id": "mia", "nick": "Mia", "avatar": "", "level": 0, "role": "member"}
        levels.add_gift_values({cast.mia.pk: 200}, now)
        assert levels.follow_scores(now=now + timedelta(seconds=4)) == 1
        tell()
        event = told(mia, "level")
        assert (event["level"], event["points"], event["next"], event["badges"]) == (2, 200, 500, ["★"])
        mia.says("after")
        heard = zed.hears("comment", text="after")
        fits("comment", heard)
        assert heard["from"] == {
            "id": "mia", "nick": "Mia", "avatar": "", "level": 2, "badges": ["★"], "role": "member",
        }  # fmt: skip
    with watching(cast.mia) as mia:
        assert (mia.snapshot["me"]["level"], mia.snapshot["me"]["badges"]) == (2, ["★"])


def test_a_follower_is_told_wherever_it_is_and_a_newcomer_sees_whom_it_follows(cast, calls, watching):
    follows.follow(person=cast.mia, identifier="stella", by=cast.actor(cast.mia), now=clock.now())
    with calls(cast.mia) as mia, watching(cast.zed) as zed:
        assert mia.asks("ping")["ok"]
        set_status(room=cast.room, status="live", by=STAFF, now=clock.now())
        tell()
        event = told(mia, "live")
        assert (event["room"], event["title"], event["owner"]["id"]) == ("r1", "Stella's room", "stella")
        mia.joins("r1")
        fits("snapshot", mia.snapshot)
        owners = [phone.snapshot["room"]["owner"] for phone in (mia, zed)]
        assert [(owner["followers"], owner["is_following"]) for owner in owners] == [(1, True), (1, False)]
        assert not any(
            event["type"] == "live" for frame in zed.frames if frame.get("type") == "you" for event in frame["events"]
        )
