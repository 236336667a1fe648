"""What concerns one person: numbered, once, kept for two minutes; the sockets of it miss nothing and hear nothing twice."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

import orjson
import pytest

from interactions import catalogue
from interactions import socket as consumers
from interactions.delivery import control
from interactions.delivery.events import KEPT_SECONDS, MOST_KEPT_SECONDS, as_row
from interactions.delivery.people import user_events as you
from interactions.room.events import YourMute
from liveroom.kernel import clock
from liveroom.kernel.data.redis import aredis_for, key, shared
from moderation.services import muting
from tests.helpers.sockets import calling, tell
from tests.sockets.test_protocol import document, fits

MIA = "1400000000:mia"


def mute(number: int) -> YourMute:
    return YourMute(t=number, room="r1", until=None, by="max")


def say(number: int, **more) -> you.Published:
    return you.publish_now(person=MIA, event=mute(number), event_id=f"e{number}", **more)


def instants(position: you.Position) -> list[int]:
    return [orjson.loads(event)["t"] for event in position.events]


@pytest.fixture(autouse=True)
def _empty_redis():
    shared().flushdb()


async def test_a_reconnect_gets_exactly_the_rest():
    fresh = await you.since(person=MIA, since=None)
    assert (fresh.useq, fresh.events, fresh.recovered) == (0, (), False)
    for number in range(1, 6):
        assert say(number) == you.Published(epoch=fresh.epoch, useq=number, fresh=True)
    back = await you.since(person=MIA, since=(fresh.epoch, 2))
    assert (back.useq, instants(back), back.recovered) == (5, [3, 4, 5], True)
    assert [orjson.loads(event)["useq"] for event in back.events] == [3, 4, 5]
    here = await you.since(person=MIA, since=(fresh.epoch, 5))
    assert (here.events, here.recovered) == ((), True)
    assert not (await you.since(person=MIA, since=(fresh.epoch, 9))).recovered
    assert (await you.since(person=MIA, since=None)).events == ()


async def test_the_first_event_is_no_loss_for_who_was_there_before_it():
    fresh = await you.since(person=MIA, since=None)
    say(1)
    assert (await you.since(person=MIA, since=(fresh.epoch, 0))).recovered


async def test_an_event_of_the_same_id_is_told_once():
    first = say(1)
    async with aredis_for("").pubsub(ignore_subscribe_messages=True) as line:
        await line.subscribe(control.people_channel())
        again = await you.publish(person=MIA, event=mute(1), event_id="e1")
        assert again == you.Published(epoch=first.epoch, useq=1, fresh=False)
        await you.publish(person=MIA, event=mute(2), event_id="e2")
        message = None
        while message is None:
            message = await line.get_message(timeout=1)
    heard = control.heard(message["data"])
    assert (heard.person, heard.event.epoch, heard.event.useq) == (MIA, first.epoch, 2)
    frame = orjson.loads(heard.event.frame[heard.event.frame.index(b"{") :])
    assert frame == {"type": "you", "epoch": first.epoch, "events": [{"useq": 2, **as_row(mute(2))}]}
    fits("you", frame)
    fits("you", orjson.loads((await you.since(person=MIA, since=(first.epoch, 0))).frame()))


def test_the_papers_name_every_event_for_a_person_and_no_other():
    page = (Path(consumers.__file__).with_name("PROTOCOL.md")).read_text().split("\n## 8.", 1)[1]
    assert set(re.findall(r"^\| `(\w+)`", page, re.MULTILINE)) - {"type"} == set(catalogue.user_events())
    schemas = document()["components"]["schemas"]
    shapes = schemas["you"]["properties"]["events"]["items"]["oneOf"]
    assert {schemas[shape["$ref"].split("/")[-1]]["properties"]["type"]["const"] for shape in shapes} == set(
        catalogue.user_events()
    )


async def test_what_is_over_is_missing_and_it_is_said():
    epoch = say(1, kept_seconds=1).epoch
    say(2)
    say(3, kept_seconds=3600)
    time.sleep(1.1)
    back = await you.since(person=MIA, since=(epoch, 0))
    assert (instants(back), back.recovered) == ([2, 3], False)
    assert (await you.since(person=MIA, since=(epoch, 1))).recovered


async def test_what_was_asked_to_be_kept_finds_also_a_new_client():
    say(1)
    say(2, kept_seconds=MOST_KEPT_SECONDS)
    assert instants(await you.since(person=MIA, since=None)) == [2]
    assert shared().ttl(key("you", f"@{MIA}")) > KEPT_SECONDS
    with pytest.raises(ValueError):
        say(3, kept_seconds=MOST_KEPT_SECONDS + 1)


async def test_of_too_many_the_last_are_kept():
    epoch = say(1).epoch
    for number in range(2, you.KEPT_EVENTS + 12):
        say(number)
    back = await you.since(person=MIA, since=(epoch, 0))
    assert (len(back.events), back.recovered) == (you.KEPT_EVENTS, False)
    assert instants(back)[-1] == you.KEPT_EVENTS + 11
    assert 0 < shared().ttl(key("you", f"@{MIA}")) <= KEPT_SECONDS


async def test_lost_memory_is_another_epoch():
    before = say(1)
    shared().flushdb()
    after = say(2)
    assert (after.useq, after.epoch != before.epoch) == (1, True)
    back = await you.since(person=MIA, since=(before.epoch, 1))
    assert (back.epoch, instants(back), back.recovered) == (after.epoch, [2], False)


def test_a_position_in_the_address_is_taken_or_left():
    assert you.asked_since("0a1b.17") == ("0a1b", 17)
    for nonsense in ("", "0a1b", "0a1b.", "x.1", "0a1b.-1", "0a1b.1.2", "0a1b.99999999999999999999", "0a1b.١"):
        assert you.asked_since(nonsense) is None


def heard(epoch: str, useq: int) -> control.HeardUserEvent:
    return control.HeardUserEvent(epoch=epoch, useq=useq, frame=b"%d" % useq)


def test_an_ear_hears_each_once_in_order_and_notices_a_gap():
    frames: list[bytes] = []
    ear = you.Subscription(person=MIA, write=frames.append)
    assert all(ear.hear(heard("a", useq)) for useq in (3, 4, 5))
    assert frames == []
    ear.open(you.Position(epoch="a", useq=4))
    assert frames == [b"5"]
    assert ear.hear(heard("a", 5))
    assert not ear.hear(heard("a", 7))
    assert ear.hear(heard("b", 1))
    assert frames == [b"5", b"1"]


async def test_what_was_lost_on_the_way_is_fetched_for_all_ears():
    frames: list[bytes] = []
    ears = [you.Subscription(person=person, write=frames.append) for person in (MIA, "1400000000:zed")]
    for ear in ears:
        ear.open(await you.since(person=ear.person, since=None))
    say(1)
    say(2)
    [(ear, position)] = await you.missed(ears)
    assert (ear, instants(position), position.recovered) == (ears[0], [1, 2], True)
    assert orjson.loads(position.frame())["useq"] == 2
    ear.open(position)
    assert await you.missed(ears) == []


def test_a_person_in_no_room_hears_what_concerns_it_and_who_comes_back_what_it_missed(cast, calls, sockets):
    def mute(seconds: int) -> None:
        by, now = cast.actor(cast.stella), clock.now()
        if seconds:
            muting.mute_user(room=cast.room, identifier="mia", seconds=seconds, by=by, now=now)
        else:
            muting.unmute_user(room=cast.room, identifier="mia", by=by, now=now)
        tell()

    def told(phone, number: int) -> list[dict]:
        """So many `you` frames, and no more of them."""
        until = time.monotonic() + 5
        while True:
            phone.asks("ping")
            found = [frame for frame in phone.frames if frame.get("type") == "you"]
            if len(found) >= number:
                assert len(found) == number
                return found
            assert time.monotonic() < until

    with calls(cast.mia) as phone, calls(cast.mia) as other, calls(cast.zed) as zed:
        assert [phone.asks("ping")["ok"] for phone in (phone, other, zed)] == [True] * 3
        mute(60)
        for one in (phone, other):
            [hello, frame] = told(one, 2)
            fits("you", hello)
            fits("you", frame)
            assert (hello["useq"], hello["recovered"], hello["events"]) == (0, False, [])
            assert [(event["useq"], event["type"], event["room"]) for event in frame["events"]] == [(1, "mute", "r1")]
        told(zed, 1)
    mute(0)
    with calling(sockets.url, usersig=cast.usersig(cast.mia), query=f"you={hello['epoch']}.1") as phone:
        [back] = told(phone, 1)
        assert (back["recovered"], back["useq"], [event["type"] for event in back["events"]]) == (True, 2, ["unmute"])


async def test_connecting_costs_one_question():
    await you.since(person=MIA, since=None)
    asked = shared().info("commandstats").get("cmdstat_evalsha", {"calls": 0})["calls"]
    await asyncio.gather(*(you.since(person=MIA, since=None) for _ in range(5)))
    assert shared().info("commandstats")["cmdstat_evalsha"]["calls"] == asked + 5
