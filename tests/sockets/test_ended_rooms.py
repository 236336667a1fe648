"""A show that has ended takes no gifts, likes, votes, polls and draws, over no door; a paused one does, and one that is on again."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection, transaction

from interactions.gifts.services.buying import buy_gift
from interactions.likes import redis_counter
from interactions.likes.services import like_now
from interactions.polls.services import polls
from interactions.room_refs import ref
from liveroom.kernel import clock
from liveroom.kernel.data.redis import key, redis_for
from liveroom.rooms.models import Room
from liveroom.rooms.selectors import RoomEnded
from liveroom.rooms.services.status import set_status
from tests.helpers.money import balance_of, fill, make_gift, speaker
from tests.helpers.people import STAFF, Cast
from tests.helpers.problems import given, refused
from tests.helpers.sockets import tell
from tests.helpers.stack import until

TEA = {"question": "Tea?", "answers": ["yes", "no"]}
DRAW = {"keyword": "win", "prize": "a book", "winners": 1, "seconds": 60}


def becomes(cast: Cast, *statuses: str) -> None:
    for status in statuses:
        set_status(room=cast.room, status=status, by=STAFF, now=clock.now())


@pytest.fixture
def rose(cast: Cast) -> Any:
    fill(cast.mia, 1_000)
    return make_gift(cast.app, "rose", price=10)


def test_over_rest_each_is_refused_with_the_reason_and_nothing_is_charged(cast, rose):
    mia, stella = cast.api(cast.mia), cast.api(cast.stella)
    becomes(cast, "live")
    poll = given(stella.post("rooms/r1/polls", TEA), 201)["id"]
    once = {"Idempotency-Key": "before"}
    receipt = given(mia.post("rooms/r1/gifts", {"gift": "rose", "count": 1}, **once), 201)
    for over in (("ended",), ("played_back",)):
        becomes(cast, *over)
        gift = mia.post("rooms/r1/gifts", {"gift": "rose", "count": 1}, **{"Idempotency-Key": "after"})
        assert refused(gift, 409, 10056, "room_ended")["reason"] == "ended"
        refused(mia.post("rooms/r1/likes", {"count": 1}), 409, 10056, "room_ended")
        refused(mia.post(f"polls/{poll}/votes", {"choices": [1]}), 409, 10056, "room_ended")
        refused(stella.post("rooms/r1/polls", TEA), 409, 10056, "room_ended")
        refused(stella.post("rooms/r1/draws", DRAW), 409, 10056, "room_ended")
    # A retry of what was paid while the show was on gets its answer.
    assert given(mia.post("rooms/r1/gifts", {"gift": "rose", "count": 1}, **once), 201) == receipt
    assert balance_of(cast.mia) == 990
    becomes(cast, "live", "paused")
    given(mia.post("rooms/r1/gifts", {"gift": "rose", "count": 1}, **{"Idempotency-Key": "again"}), 201)
    given(mia.post("rooms/r1/likes", {"count": 1}))
    given(mia.post(f"polls/{poll}/votes", {"choices": [1]}))
    given(stella.post("rooms/r1/polls", TEA), 201)
    given(stella.post("rooms/r1/draws", DRAW), 201)


def test_a_socket_is_refused_from_the_answer_on_that_ended_the_show(cast, watching, rose):
    becomes(cast, "live")
    poll = polls.open_poll(
        room=cast.room, question="Tea?", answers=["yes", "no"], by=cast.actor(cast.stella), now=clock.now()
    )
    with watching(cast.mia) as mia:
        assert mia.asks("like", count=1)["ok"]
        given(cast.api(cast.stella).post("rooms/r1/status", {"status": "ended"}))
        # No relay has told anybody yet.
        for command in (
            {"type": "like", "count": 1},
            {"type": "gift", "gift": "rose", "count": 1, "key": "k"},
            {"type": "poll_vote", "poll": poll.number, "choices": [1]},
        ):
            kind = command.pop("type")
            error = mia.asks(kind, **command)["error"]
            assert (error["code"], error["name"], error["reason"]) == (10056, "room_ended", "ended"), kind
        assert mia.asks("comment", text="good night")["ok"]
        becomes(cast, "live", "paused")
        assert mia.asks("like", count=1)["ok"]
        assert mia.asks("gift", gift="rose", count=1, key="k")["ok"]
        assert mia.asks("poll_vote", poll=poll.number, choices=[1])["ok"]


def test_what_the_relay_tells_late_does_not_open_or_close_a_room_for_likes(cast, watching):
    becomes(cast, "live", "ended", "live", "ended")
    with watching(cast.mia) as mia:
        tell()  # all four, one after the other
        until(lambda: not mia.asks("like", count=1)["ok"])
        redis_counter.mark_over_now(room_key=cast.room.key, over=False, version=1)
        assert mia.asks("like", count=1)["error"]["name"] == "room_ended"


def test_a_redis_that_lost_all_it_knew_learns_of_the_end_from_the_database(cast, watching):
    becomes(cast, "live", "ended")
    with watching(cast.mia) as mia:
        redis_for(cast.room.key).delete(*(key(kind, cast.room.key) for kind in ("likes", "likes:over")))
        assert mia.asks("like", count=1)["error"]["name"] == "room_ended"
        becomes(cast, "live")
        assert mia.asks("like", count=2)["total"] == 2


def test_likes_over_rest_ask_redis_too(cast):
    becomes(cast, "live", "ended")

    with pytest.raises(RoomEnded):  # read while the show was on
        like_now(room=ref(cast.room), status="live", speaker=speaker(cast.mia), count=1)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
def test_a_gift_that_waits_for_the_end_of_the_show_comes_too_late(cast, rose):
    """The end is written and not committed when the gift is bought: the gift waits, and is refused."""
    becomes(cast, "live")
    outcome: list[Any] = []

    def buys() -> None:
        try:
            buy_gift(
                room=Room.objects.select_related("app").get(pk=cast.room.pk), gift="rose", count=1, key="race",
                speaker=speaker(cast.mia), now=clock.now(),
            )  # fmt: skip
        except RoomEnded as refusal:
            outcome.append(refusal)
        finally:
            connection.close()

    with transaction.atomic():
        becomes(cast, "ended")
        buyer = threading.Thread(target=buys)
        buyer.start()
        buyer.join(0.5)
        assert buyer.is_alive()
    buyer.join(10)
    assert len(outcome) == 1
    assert balance_of(cast.mia) == 1_000
